"""Answers and verdicts as numbers: what the board and the audit's draw read, and never a text.

A number is a row's place in the order of writing.
"""

import json
from array import array
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from samples.records import Rubric
from samples.store import Store

# What a judge said of an answer, as a number. 0 and 1 are verdicts, the last ones no judge says.
WRONG, RIGHT, FAILED, DEGENERATE, TEXTLESS, UNGRADED = range(6)


class Asked(NamedTuple):
    """An item by its number, which is its place in the order of writing."""

    number: int
    task: str
    key: str
    question: str
    answer_type: str
    meta: dict[str, Any]


def _flat(rows: Iterable[tuple[int, ...]]) -> "array[int]":
    """Whole numbers, row after row, eight bytes each."""
    return array("q", chain.from_iterable(rows))


def asked(store: Store) -> list[Asked]:
    """Every item as the leaderboard knows it."""
    rows = store.db.execute("SELECT seq, task, key, question, answer_type, meta FROM items")
    return [
        Asked(number, task, key, question, kind, json.loads(meta))
        for number, task, key, question, kind, meta in rows
    ]


def answers(store: Store, model_spec: str) -> "array[int]":
    """One model spec's answers as numbers in a row: item, draw and response, again and again.

    Read from indexes alone, so that no text is touched, however many and long they are.
    """
    query = (
        "SELECT i.seq, r.draw, r.seq FROM responses AS r JOIN items AS i ON i.id = r.item"
        " WHERE r.spec = ?"
    )
    return _flat(store.db.execute(query, (model_spec,)))


def answer_numbers(store: Store, model_spec: str) -> "array[int]":
    """The numbers of one model spec's answers; a response's number is its place in time."""
    return _flat(store.db.execute("SELECT seq FROM responses WHERE spec = ?", (model_spec,)))


def textless_numbers(store: Store) -> "array[int]":
    """The numbers of the answers that have no text."""
    return _flat(store.db.execute("SELECT seq FROM responses WHERE text IS NULL"))


def response_ids(store: Store, numbers: Iterable[int]) -> list[str]:
    """The ids of these responses, in their order."""
    query = "SELECT id FROM responses WHERE seq = ?"
    return [store.db.execute(query, (number,)).fetchone()[0] for number in numbers]


def verdicts(store: Store, judge_spec: str, rubric: Rubric) -> tuple["array[int]", "array[int]"]:
    """(response, verdict) by attempt, oldest first, and (verdict, outcome), each in a row.

    Two passes in the order in which the rows lie are faster than looking up each of a million.
    """
    judge = (judge_spec, rubric.id)
    of = (
        "SELECT r.seq, v.seq FROM verdicts AS v CROSS JOIN responses AS r ON r.id = v.response"
        " WHERE v.spec = ? AND v.rubric = ? ORDER BY v.response, v.attempt"
    )
    said = (
        "SELECT seq, CASE WHEN value IS NOT NULL THEN value = ?"
        f" WHEN failure = 'degenerate' THEN {DEGENERATE} ELSE {FAILED} END"
        " FROM verdicts NOT INDEXED WHERE spec = ? AND rubric = ?"
    )
    return (
        _flat(store.db.execute(of, judge)),
        _flat(store.db.execute(said, (rubric.positive, *judge))),
    )


def unfinished(store: Store) -> "array[int]":
    """(response, 1 where it was cut off at the length limit, 0 where it has no text)."""
    query = "SELECT seq, finish = 'length' FROM responses WHERE finish <> 'stop'"
    return _flat(store.db.execute(query))
