"""What compression changes: each variant against its parent on the same questions and draws.

Accuracy with its interval, the answers that flip, memory and disk saved, and how often the variant
says nothing that is an answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from judges.drift import Change
from judges.entries import Cell, Entry
from judges.figures import undefined_figure
from judges.leaderboard import Board
from judges.matching import by_question, same_answers
from judges.paired import Sides, compare
from samples.numbered import DEGENERATE

METHOD = (
    "variant minus parent on the same questions and draws; variance by question, Student's t;"
    " flips by the exact McNemar test, which takes answers as independent: where a question has"
    " several draws, read p_by_question"
)
SAVED = {  # what is compared: where the facts of a run hold it, in bytes
    "disk": ("weights_bytes",),
    "memory_weights": ("memory", "weights"),
    "memory_peak": ("memory", "peak"),
}


def compression(board: Board, confidence: float, names_degenerate: bool) -> list[dict[str, Any]]:
    """Every variant whose parent is on the board under the same strategy.

    ``names_degenerate``: whether the judge tells degenerate answers from others, as rules do.
    """
    place = {(entry.model, entry.strategy): entry for entry in board.entries}
    found = []
    for entry in board.entries:
        parent = place.get((entry.parent or "", entry.strategy))
        if parent is not None:
            found.append(_against(entry, parent, board.tasks, confidence, names_degenerate))
    return found


def _against(
    entry: Entry,
    parent: Entry,
    tasks: Sequence[str],
    confidence: float,
    names_degenerate: bool,
) -> dict[str, Any]:
    sides, changes = [], {}
    for task in tasks:
        made = _change(entry.cells.get(task), parent.cells.get(task), confidence)
        changes[task] = made and made[1]
        sides += [made[0]] if made else []
    complete = len(sides) == len(tasks)
    overall = compare(sides if complete else [], confidence)
    both = [change for change in changes.values() if change]
    return {
        "model": entry.model,
        "parent": entry.parent,
        "strategy": entry.strategy,
        "compression": entry.compression,
        "kind": entry.kind,
        "change": overall.difference if complete else undefined_figure("a task is missing"),
        "p": overall.p,
        "share_kept": overall.share_kept["value"],
        "share_kept_interval": overall.share_kept,
        "right_to_wrong": sum(change["right_to_wrong"] for change in both),
        "wrong_to_right": sum(change["wrong_to_right"] for change in both),
        "tasks": changes,
        "saved": {name: _saved(entry, parent, path) for name, path in SAVED.items()},
        "no_answer": {
            "variant": no_answer(entry, names_degenerate),
            "parent": no_answer(parent, names_degenerate),
        },
    }


def _change(
    mine: Cell | None, theirs: Cell | None, confidence: float
) -> tuple[Sides, dict[str, Any]] | None:
    """One task's change, with the answers that flipped."""
    if mine is None or theirs is None:
        return None
    mine, theirs = mine.graded(), theirs.graded()
    ours, parents = same_answers(mine, theirs)
    if not len(ours):
        return None
    right = np.stack([mine.right()[ours], theirs.right()[parents]])
    sides = by_question(mine.item[ours], right)
    made = compare([sides], confidence)
    lost, won = int((right[0] < right[1]).sum()), int((right[0] > right[1]).sum())
    return sides, {
        "change": made.difference,
        "share_kept": made.share_kept,
        "n": len(ours),
        "questions": made.questions,
        "right_to_wrong": lost,
        "wrong_to_right": won,
        "mcnemar_p": Change(len(ours), lost, won).p,
        "p_by_question": made.p,
    }


def _saved(entry: Entry, parent: Entry, path: Sequence[str]) -> dict[str, Any] | None:
    """Megabytes of both, and the share that is saved; None where either was not measured.

    A peak is compared only with a peak of the same kind: the device's or the whole process's.
    """
    sizes = [_fact(one.facts, path) for one in (entry, parent)]
    kinds = [_fact(one.facts, ("memory", "peak_of")) for one in (entry, parent)]
    if not all(isinstance(size, int | float) and size > 0 for size in sizes):
        return None
    if path[-1] == "peak" and kinds[0] != kinds[1]:
        return None
    variant, before = (float(size) / 1e6 for size in sizes)
    return {"variant_mb": variant, "parent_mb": before, "saved": 1 - variant / before}


def _fact(facts: Any, path: Sequence[str]) -> Any:
    for key in path:
        facts = facts.get(key) if isinstance(facts, Mapping) else None
    return facts


def no_answer(entry: Entry, names_degenerate: bool) -> dict[str, Any]:
    """Shares of the graded answers that were cut off at the length limit, or were degenerate."""
    cells = [cell.graded() for cell in entry.cells.values()]
    n = sum(len(cell.item) for cell in cells)
    cut = sum(int(cell.cut.sum()) for cell in cells)
    bad = sum(int((cell.outcome == DEGENERATE).sum()) for cell in cells)
    return {
        "n": n,
        "cut_off": cut / n if n else None,
        "degenerate": bad / n if n and names_degenerate else None,
    }
