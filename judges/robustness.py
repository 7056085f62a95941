"""Robustness: what changing a question does, by kind of change, as GSM-Plus does to GSM8K's.

An item that was made from another one carries the kind of change and the text of its seed question
(Li et al. 2024); the seed is found among the study's other items by that text.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from judges.agreement import IntArray
from judges.comparisons import holm
from judges.entries import Entry
from judges.leaderboard import Board
from judges.matching import joined
from judges.paired import compare
from samples.numbered import Asked

KIND, SEED = "perturbation_type", "seed_question"
ALL = "all changes"
METHOD = (
    "the changed questions minus the seed questions they were made from, paired by seed; a drop is"
    " a negative difference; variance by seed question, Student's t, Holm's correction over all"
)


class Changed(NamedTuple):
    """Items of one task made from items of another by one kind of change, a place per item."""

    task: str
    seed_task: str
    kind: str
    items: IntArray
    seeds: IntArray


def changed_items(asked: Sequence[Asked]) -> list[Changed]:
    """The changed items whose seed was asked too, by task and kind."""
    by_text = {_text(one.question): one for one in asked if SEED not in one.meta}
    groups: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for one in asked:
        seed = by_text.get(_text(str(one.meta.get(SEED, "")))) if SEED in one.meta else None
        if seed is not None:
            key = one.task, seed.task, str(one.meta.get(KIND, "changed"))
            groups.setdefault(key, []).append((one.number, seed.number))
    return [Changed(*key, *np.array(pairs).T) for key, pairs in sorted(groups.items())]


def _text(question: str) -> str:
    return " ".join(question.split())


def robustness(board: Board, changed: Sequence[Changed], confidence: float) -> list[dict[str, Any]]:
    """Every entry's difference for each kind of change, and over all of a task's changed items."""
    made = []
    for task, seed_task in dict.fromkeys((one.task, one.seed_task) for one in changed):
        own = [one for one in changed if (one.task, one.seed_task) == (task, seed_task)]
        for kind in (ALL, *dict.fromkeys(one.kind for one in own)):
            groups = [one for one in own if kind in (one.kind, ALL)]
            rows = (_row(entry, kind, groups, confidence) for entry in board.entries)
            made += [row for row in rows if row is not None]
    p = holm(np.array([np.nan if row["p"] is None else row["p"] for row in made], dtype=float))
    for row, adjusted in zip(made, p, strict=True):
        row["p_holm"] = None if np.isnan(adjusted) else float(adjusted)
    return made


def _row(
    entry: Entry, kind: str, groups: Sequence[Changed], confidence: float
) -> dict[str, Any] | None:
    """An entry's changed answers beside its answers to their seeds; None where it has neither."""
    task, seed_task = groups[0].task, groups[0].seed_task
    if task not in entry.cells or seed_task not in entry.cells:
        return None
    mine, base = entry.cells[task].graded(), entry.cells[seed_task].graded()
    items = np.concatenate([group.items for group in groups])
    seeds = np.concatenate([group.seeds for group in groups])
    order = np.argsort(items)
    items, seeds = items[order], seeds[order]
    known = np.isin(mine.item, items)
    seed = seeds[np.searchsorted(items, mine.item[known])]
    sides = joined((seed, mine.right()[known]), (base.item, base.right()))
    some = sides.right.shape[1] > 0
    changed, original = (float(rate) for rate in sides.rates) if some else (None, None)
    made = compare([sides], confidence)
    return {
        "model": entry.model,
        "strategy": entry.strategy,
        "task": task,
        "seed_task": seed_task,
        "change": kind,
        "seeds": made.questions,
        "n": int(sides.answers[0].sum()),
        "changed": changed,
        "seed": original,
        "difference": made.difference,
        "p": made.p,
    }
