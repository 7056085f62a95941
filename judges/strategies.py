"""Strategies side by side: what asking the same model in another way changes."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from judges.comparisons import holm
from judges.entries import Entry
from judges.leaderboard import Board
from judges.matching import joined
from judges.paired import compare

METHOD = (
    "each two strategies of a model on the questions that both answered; variance by question,"
    " Student's t, Holm's correction over all of these"
)


def strategies(board: Board, confidence: float) -> list[dict[str, Any]]:
    """Every two strategies of every model: the second minus the first, by task and over all.

    Over the tasks that both have; ``p_holm`` is corrected over the overall differences,
    ``tasks`` over all differences by task.
    """
    models: dict[str, list[Entry]] = {}
    for entry in board.entries:
        models.setdefault(entry.model, []).append(entry)
    found = [
        _pair(first, second, board.tasks, confidence)
        for entries in models.values()
        for first, second in combinations(entries, 2)
    ]
    _correct(found)
    _correct([task for one in found for task in one["tasks"].values() if task])
    return found


def _pair(first: Entry, second: Entry, tasks: Sequence[str], confidence: float) -> dict[str, Any]:
    sides = {task: _sides(first, second, task) for task in tasks}
    common = [side for side in sides.values() if side is not None]
    made = compare(common, confidence)
    return {
        "model": first.model,
        "first": first.strategy,
        "second": second.strategy,
        "tasks_in_common": len(common),
        "difference": made.difference,
        "questions": made.questions,
        "p": made.p,
        "tasks": {
            task: None if side is None else _task(compare([side], confidence))
            for task, side in sides.items()
        },
    }


def _task(made: Any) -> dict[str, Any]:
    return {"difference": made.difference, "questions": made.questions, "p": made.p}


def _sides(first: Entry, second: Entry, task: str) -> Any:
    if task not in first.cells or task not in second.cells:
        return None
    mine, theirs = second.cells[task].graded(), first.cells[task].graded()
    sides = joined((mine.item, mine.right()), (theirs.item, theirs.right()))
    return sides if sides.right.shape[1] else None


def _correct(made: list[Any]) -> None:
    """Holm's p of those that were tested, beside each p."""
    p = holm(np.array([np.nan if one["p"] is None else one["p"] for one in made], dtype=float))
    for one, adjusted in zip(made, p, strict=True):
        one["p_holm"] = None if np.isnan(adjusted) else float(adjusted)
