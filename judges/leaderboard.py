"""The leaderboard: each model's share of right answers by approved judges, with its intervals.

Models are compared on the same questions: one bootstrap of questions serves them all. Rates are
the judge's own; those corrected for its error (judges.calibrated) stand beside them.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from judges import intervals, standings
from judges.agreement import Array, IntArray
from judges.entries import Entry
from judges.figures import Figure, figure, undefined_figure
from judges.graders import by_judge, graders
from judges.mandates import Mandate
from judges.paired import unseen
from judges.standings import Counts

FORMAT = "benchwarrant-leaderboard/1"
AGGREGATE = "unweighted mean of the tasks' rates; a model without all tasks has none"
RESAMPLES = 2000
ALL_TASKS = ""  # the aggregate's place among corrected figures, where a task's name stands else


@dataclass(frozen=True)
class Board:
    """The entries with their resampled rates, all from the same draws of questions.

    ``counts`` are what every figure is computed from, corrected ones too: by task, question and
    entry.
    """

    entries: tuple[Entry, ...]
    tasks: tuple[str, ...]
    counts: tuple[Counts, ...]
    rates: Array  # (entries, tasks), NaN where a task is missing
    samples: Array  # (entries, tasks, B)

    @property
    def totals(self) -> Array:
        """The aggregate of every entry, NaN where a task is missing."""
        return np.asarray(self.rates.mean(axis=1))

    def by_question(self) -> tuple[IntArray, ...]:
        """Entry, task, question, right answers and answers: a place per entry and question.

        For whoever corrects rates. Questions are numbered through all tasks, in the order of
        ``counts``' items.
        """
        parts: list[IntArray] = []
        first = 0
        for t, one in enumerate(self.counts):
            entry, question = np.nonzero(one.answers.T)
            counted = (side[question, entry].astype(np.int64) for side in (one.right, one.answers))
            parts.append(np.stack([entry, np.full_like(entry, t), first + question, *counted]))
            first += len(one.items)
        return tuple(np.concatenate(parts, axis=1))


@dataclass(frozen=True)
class CorrectedFigures:
    """Figures corrected for the judge's error, by model, strategy and task (or ALL_TASKS).

    ``errors`` is what carried-over ones rest on, by judge.
    """

    method: str
    figures: Mapping[tuple[str, str, str], Figure] = field(default_factory=dict)
    errors: Mapping[str, Any] = field(default_factory=dict)

    def of(self, entry: Entry, task: str) -> Figure | None:
        return self.figures.get((entry.model, entry.strategy, task))


def resample(entries: Sequence[Entry], rng: np.random.Generator) -> Board:
    """Rates per entry and task, and their bootstrap by question; a judge's failure counts wrong."""
    tasks = tuple(dict.fromkeys(task for entry in entries for task in entry.cells))
    counts = tuple(count(entries, task) for task in tasks)
    rates = np.full((len(entries), len(tasks)), np.nan)
    samples = np.full((len(entries), len(tasks), RESAMPLES), np.nan)
    for t, task in enumerate(counts):
        if not len(task.items):  # nothing of this task is graded yet
            continue
        weights = intervals.multinomial_weights(rng, RESAMPLES, len(task.items))
        sums = np.stack([task.right, task.answers], axis=-1)
        rates[:, t] = _rates(sums.sum(axis=0))
        samples[:, t] = _rates(intervals.resampled(weights, sums)).T
    return Board(tuple(entries), tasks, counts, rates, samples)


def count(entries: Sequence[Entry], task: str) -> Counts:
    """One task's graded answers by question and entry."""
    cells = [entry.cells[task].graded() if task in entry.cells else None for entry in entries]
    asked = [cell.item for cell in cells if cell is not None]
    items = np.unique(np.concatenate(asked or [np.zeros(0, dtype=np.int64)]))
    right, answers, failed = np.zeros((3, len(items), len(entries)))
    for e, cell in enumerate(cells):
        if cell is not None:
            places, many = np.searchsorted(items, cell.item), len(items)
            answers[:, e] = np.bincount(places, minlength=many)
            right[:, e] = np.bincount(places, cell.right(), minlength=many)
            failed[:, e] = np.bincount(places, cell.failed(), minlength=many)
    return Counts(items, right, answers, failed)


def _rates(sums: Array) -> Array:
    right, answers = np.moveaxis(sums, -1, 0)
    return np.asarray(right / np.where(answers > 0, answers, np.nan))


def leaderboard(
    board: Board,
    judges: Sequence[Mandate],
    study: str,
    confidence: float,
    now: str,
    corrected: CorrectedFigures | None = None,
) -> dict[str, Any]:
    """The leaderboard as a JSON value, best model first."""
    totals = board.totals
    pairs = standings.compare_all(board.counts, ~np.isnan(totals), confidence)
    return {
        "format": FORMAT,
        "study": study,
        "created_at": now,
        **graders(judges, corrected.errors if corrected else {}),
        "aggregate": AGGREGATE,
        "corrected": None if corrected is None else corrected.method,
        "confidence": confidence,
        "tasks": list(board.tasks),
        "rows": _rows(board, pairs, judges, confidence, corrected),
        "ranking": {
            "method": standings.METHOD,
            "groups": standings.GROUPED,
            "smallest_difference": standings.smallest_difference(pairs, confidence),
        },
        "pairs": standings.pair_rows(pairs, [entry.name for entry in board.entries], totals),
    }


def _rows(
    board: Board,
    pairs: standings.Pairs,
    judges: Sequence[Mandate],
    confidence: float,
    corrected: CorrectedFigures | None,
) -> list[dict[str, Any]]:
    ranks = standings.ranks(pairs, board.totals, 1 - confidence)
    groups = standings.letters(pairs, board.totals, 1 - confidence)
    rows = []
    for e, entry in enumerate(board.entries):
        held = ranks.get(e)
        row = {
            "model": entry.model,
            "strategy": entry.strategy,
            "rank": None if held is None else {"best": held[0], "worst": held[1]},
            "groups": groups.get(e),
        }
        row |= _origin(entry) | _figures(board, e, confidence, corrected)
        rows.append(row | by_judge(entry, judges))
    # A model without an aggregate stands below one that has nothing right.
    return sorted(
        rows, key=lambda row: -1.0 if (v := row["aggregate"]["value"]) is None else v, reverse=True
    )


def _origin(entry: Entry) -> dict[str, Any]:
    return {
        "parent": entry.parent,
        "compression": entry.compression,
        "kind": entry.kind,
        "family": entry.family,
        "size": entry.size,
        "facts": dict(entry.facts or {}),
    }


def _figures(
    board: Board, e: int, confidence: float, corrected: CorrectedFigures | None
) -> dict[str, Any]:
    """The aggregate and a cell per task, each with ``corrected``, None where nothing is.

    A task that the model did not answer is None.
    """
    entry = board.entries[e]
    unknown = _unknown(board, e, confidence)
    cells: dict[str, Any] = {}
    for t, task in enumerate(board.tasks):
        cell = entry.cells.get(task)
        if cell is None:
            cells[task] = None
            continue
        raw = _interval(board.rates[e, t], board.samples[e, t], confidence, unknown[t])
        cells[task] = raw | cell.tally()
        cells[task]["corrected"] = corrected.of(entry, task) if corrected else None
    total = _interval(
        board.rates[e].mean(), board.samples[e].mean(axis=0), confidence, float(unknown.mean())
    )
    total["corrected"] = corrected.of(entry, ALL_TASKS) if corrected else None
    return {"aggregate": total, "tasks": cells}


def _unknown(board: Board, e: int, confidence: float) -> Array:
    """Of each task, the share of other questions that the entry's own cannot rule out."""
    return unseen(np.array([(one.answers[:, e] > 0).sum() for one in board.counts]), confidence)


def _interval(value: float, samples: Array, confidence: float, unknown: float) -> Figure:
    """A rate; where all questions are alike, what so few cannot rule out."""
    if np.isnan(value):
        return undefined_figure("not every task has graded answers")
    low, high, undefined = (float(x) for x in intervals.percentile_interval(samples, confidence))
    if low == high:
        low, high = max(0.0, value - unknown), min(1.0, value + unknown)
    return figure(float(value), low, high, undefined)


COLUMNS = ("model", "strategy", "parent", "compression", "rank_best", "rank_worst")
MORE = ("groups", "kind", "family", "size", "judge_kin")


def to_csv(value: Mapping[str, Any]) -> str:
    """One line per model: ranks, aggregate and every task with its interval, raw and corrected.

    ``_corrected_why`` is the reason where there is no corrected figure.
    """
    figures = ["aggregate", *value["tasks"]]
    ends = [("", "value"), ("_low", "low"), ("_high", "high")]
    names = [f"{name}{end}" for name in figures for end, _ in ends]
    corrected = [*ends, ("_method", "method"), ("_why", "reason")]
    if value["corrected"]:
        names += [f"{name}_corrected{end}" for name in figures for end, _ in corrected]
    out = io.StringIO()
    writer = csv.DictWriter(out, [*COLUMNS, *names, *MORE], lineterminator="\n")
    writer.writeheader()
    for row in value["rows"]:
        rank = row["rank"] or {"best": None, "worst": None}
        line = {name: row[name] for name in (*COLUMNS[:4], *MORE)}
        line |= {"rank_best": rank["best"], "rank_worst": rank["worst"]}
        for name in figures:
            raw = row["aggregate"] if name == "aggregate" else row["tasks"][name]
            line |= {name + end: raw and raw[key] for end, key in ends}
            if value["corrected"]:
                found = (raw or {}).get("corrected") or {}
                line |= {f"{name}_corrected{end}": found.get(key) for end, key in corrected}
        writer.writerow(line)
    return out.getvalue()
