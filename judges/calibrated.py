"""The board's rates corrected by the audit: each task by its own judge's verdicts and the labels.

The figures are those of judges.corrected; this joins the audit's cases to the board's cells, and
the tasks of several judges to one aggregate.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from judges.agreement import IntArray
from judges.corrected import NO_ANSWERS, NONE, Corrected, CorrectedBoard, corrected
from judges.counted import Calibration, Graded
from judges.figures import Figure, undefined_figure
from judges.leaderboard import ALL_TASKS, Board, CorrectedFigures
from judges.mandates import Mandate
from judges.tables import Audit

COMBINED = "combined"
METHOD = (
    "its own labels where a rate has enough (PPI++: Angelopoulos, Duchi and Zrnic 2023), or else by"
    " the judge's errors in the whole audit (Rogan and Gladen 1978); ranks, groups and differences"
    " compare the judge's raw rates on the same questions and are not corrected"
)
NOT_DRAWN = (
    "; this study did not draw the labelled answers, and their labels are taken as those of a"
    " random sample"
)


class Places(NamedTuple):
    """Where the board has the audit's cases: the entry, −1 where none, and the item's number."""

    entry: IntArray
    item: IntArray


class _Part(NamedTuple):
    """One judge's share of the board: the places of its entries and tasks, and what came out."""

    mandate: Mandate
    entries: list[int]
    tasks: list[int]
    made: CorrectedBoard


def calibrated(
    board: Board,
    audit: Audit,
    places: Places,
    judges: Sequence[Mandate],
    seed: int,
    confidence: float,
) -> CorrectedFigures:
    """Every cell and aggregate of the board corrected, or the reason why one is not."""
    parts = [
        _Part(
            one, entries, tasks, corrected(graded, labels, np.random.default_rng(seed), confidence)
        )
        for one in judges
        for entries, tasks, graded, labels in _material(board, audit, places, one)
    ]
    figures: dict[tuple[str, str, str], Figure] = {}
    for part in parts:
        for m, e in enumerate(part.entries):
            for t, place in enumerate(part.tasks):
                if (cell := part.made.cells[m][t]) is not None:
                    figures[_key(board, e, board.tasks[place])] = _figure(cell)
    for e in range(len(board.entries)):
        figures[_key(board, e, ALL_TASKS)] = _aggregate(board, e, parts)
    method = METHOD if audit.at_random else METHOD + NOT_DRAWN
    return CorrectedFigures(
        method, figures, {part.mandate.judge: _plain(part.made.judge) for part in parts}
    )


def _key(board: Board, e: int, task: str) -> tuple[str, str, str]:
    return board.entries[e].model, board.entries[e].strategy, task


def _material(
    board: Board, audit: Audit, places: Places, one: Mandate
) -> list[tuple[list[int], list[int], Graded, Calibration]]:
    """What one judge graded, and its labelled verdicts; empty where it graded nothing."""
    entry, task, question, right, answers = board.by_question()
    own = np.isin(task, [t for t, name in enumerate(board.tasks) if name in one.tasks])
    if not own.any():
        return []
    entries, m = np.unique(entry[own], return_inverse=True)
    tasks, t = np.unique(task[own], return_inverse=True)
    textless = np.array(
        [[_textless(board, e, board.tasks[place]) for place in tasks] for e in entries]
    )
    graded = Graded(m, t, question[own], right[own], answers[own], textless)
    return [
        (
            entries.tolist(),
            tasks.tolist(),
            graded,
            _labels(board, audit, places, one, entries, tasks),
        )
    ]


def _textless(board: Board, e: int, task: str) -> int:
    cell = board.entries[e].cells.get(task)
    return 0 if cell is None else cell.tally()["no_text"]


def _labels(
    board: Board, audit: Audit, places: Places, one: Mandate, entries: IntArray, tasks: IntArray
) -> Calibration:
    """The audit's settled labels beside this judge's verdicts, where the board has the answers.

    The answers that the audit set was drawn from are as many as its cases stand for, summed by
    entry and task, up to a factor that does not matter.
    """
    names = {name: t for t, name in enumerate(board.tasks)}
    task = np.array([names.get(name, -1) for name in audit.tasks], dtype=np.int64)[audit.task]
    question, known = _questions(board, task, places.item)
    here = known & np.isin(places.entry, entries) & np.isin(task, tasks)
    m, t = (np.searchsorted(of, at) for of, at in ((entries, places.entry), (tasks, task)))
    frame = np.zeros((len(entries), len(tasks)))
    np.add.at(frame, (m[here], t[here]), audit.weight[here])
    run, positive = audit.judges[one.judge], len(audit.rubric.labels) - 1
    missing = np.array([kind == "missing" for kind in run.kinds], dtype=bool)
    used = here & ~missing & (audit.reference.values >= 0)
    return Calibration(
        model=m[used],
        task=t[used],
        question=question[used],
        verdict=(run.verdicts[used] == positive).astype(np.int64),
        label=(audit.reference.values[used] == positive).astype(np.int64),
        probability=1 / audit.weight[used],
        frame=frame,
    )


def _questions(board: Board, task: IntArray, item: IntArray) -> tuple[IntArray, Any]:
    """The cases' questions as the board numbers them, and whether it has them."""
    question, known = np.zeros_like(item), np.zeros(len(item), dtype=bool)
    first = 0
    for t, one in enumerate(board.counts):
        own = task == t
        place = np.searchsorted(one.items, item[own]).clip(0, max(len(one.items) - 1, 0))
        known[own] = one.items[place] == item[own] if len(one.items) else False
        question[own] = first + place
        first += len(one.items)
    return question, known


def _figure(one: Corrected) -> Figure:
    about = {"method": one.method, "labels": one.labels, "facts": _plain(one.facts)}
    return one.figure() | about


def _aggregate(board: Board, e: int, parts: Sequence[_Part]) -> Figure:
    """An entry's mean over all tasks: one judge's own, or that of several put together.

    Their tasks have other questions and other labels, so that the errors are independent and
    distances to an interval's ends add up in squares (MOVER: Zou and Donner, Statistics in
    Medicine 27, 2008).
    """
    if np.isnan(board.totals[e]):
        return undefined_figure(NO_ANSWERS) | {"method": NONE, "labels": 0, "facts": {}}
    means = {part.mandate.judge: part.made.aggregates[part.entries.index(e)] for part in parts}
    if len(parts) == 1:
        return _figure(next(iter(means.values())))
    figures = {judge: _figure(one) for judge, one in means.items()}
    about = {"method": COMBINED, "labels": sum(one.labels for one in means.values())}
    about["facts"] = {
        part.mandate.judge: {"tasks": len(part.tasks)} | figures[part.mandate.judge]
        for part in parts
    }
    for judge, one in means.items():
        if one.reason:
            return undefined_figure(f"tasks of {judge}: {one.reason}") | about | {"method": NONE}
    share = np.array([len(part.tasks) for part in parts]) / len(board.tasks)
    value, low, high = (
        np.array([getattr(one, name) for one in means.values()])
        for name in ("value", "low", "high")
    )
    middle = float(share @ value)
    below, above = (float(np.sqrt(((share * (value - end)) ** 2).sum())) for end in (low, high))
    ends = {"low": max(0.0, middle - below), "high": min(1.0, middle + above)}
    return {"value": middle} | ends | about


def _plain(value: Any) -> Any:
    """For JSON: None instead of NaN, however deep."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
