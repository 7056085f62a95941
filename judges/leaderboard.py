"""The leaderboard: each model's share of right answers by the approved judge, with its intervals.

Models are compared on the same questions: one bootstrap of questions serves them all, so that
differences are paired. Nothing here corrects for the judge's error; it is shown beside the rates.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import Array
from judges.figures import Figure, figure, undefined_figure
from samples.records import Warrant

FORMAT = "benchwarrant-leaderboard/1"
AGGREGATE = "unweighted mean of the tasks' rates; a model without all tasks has none"
RESAMPLES = 2000

Answer = tuple[str, int]  # (item, draw)


@dataclass(frozen=True)
class Entry:
    """One line of the board: a model under one strategy, and its graded answers by task.

    A grade is True (right), False (wrong, or no text to grade) or None (the judge failed).
    ``ungraded`` counts the answers that are not on the board since nobody has graded them yet.
    """

    model: str
    strategy: str
    grades: Mapping[str, Mapping[Answer, bool | None]]
    textless: Mapping[str, int]
    ungraded: Mapping[str, int]
    parent: str | None = None
    compression: str | None = None
    facts: Mapping[str, Any] | None = None
    kin: str | None = None  # the judge "itself", or of the "same family"

    @property
    def name(self) -> str:
        return f"{self.model} · {self.strategy}" if self.strategy else self.model


@dataclass(frozen=True)
class Board:
    """The entries with their resampled rates, all from the same draws of questions."""

    entries: tuple[Entry, ...]
    tasks: tuple[str, ...]
    rates: Array  # (entries, tasks), NaN where a task is missing
    samples: Array  # (entries, tasks, B)
    questions: Array  # (entries, questions of all tasks): the rate on each, NaN where missing


def resample(entries: Sequence[Entry], rng: np.random.Generator) -> Board:
    """Rates per entry and task, and their bootstrap by question; a judge's failure counts wrong."""
    tasks = tuple(dict.fromkeys(task for entry in entries for task in entry.grades))
    rates = np.full((len(entries), len(tasks)), np.nan)
    samples = np.full((len(entries), len(tasks), RESAMPLES), np.nan)
    by_question = [np.full((len(entries), 0), np.nan)]
    for t, task in enumerate(tasks):
        questions = {
            item: q
            for q, item in enumerate(
                sorted({item for e in entries for item, _ in e.grades.get(task, ())})
            )
        }
        if not questions:  # nothing of this task is graded yet
            continue
        weights = intervals.multinomial_weights(rng, RESAMPLES, len(questions))
        sums = np.zeros((len(questions), len(entries), 2))  # right answers, answers
        for e, entry in enumerate(entries):
            for (item, _), right in entry.grades.get(task, {}).items():
                sums[questions[item], e] += (right is True, 1)
        rates[:, t] = _rates(sums.sum(axis=0))
        samples[:, t] = _rates(intervals.resampled(weights, sums)).T
        by_question.append(_rates(sums).T)
    return Board(tuple(entries), tasks, rates, samples, np.concatenate(by_question, axis=1))


def _rates(sums: Array) -> Array:
    right, answers = np.moveaxis(sums, -1, 0)
    return np.asarray(right / np.where(answers > 0, answers, np.nan))


def leaderboard(
    board: Board, granted: Warrant, study: str, confidence: float, now: str
) -> dict[str, Any]:
    """The leaderboard as a JSON value, best model first."""
    ranks = rank_groups(board, 1 - confidence)
    rows = [_row(board, e, ranks.get(e), confidence, granted) for e in range(len(board.entries))]
    rows.sort(key=lambda row: -1.0 if (v := row["aggregate"]["value"]) is None else v, reverse=True)
    return {
        "format": FORMAT,
        "study": study,
        "created_at": now,
        "judge": granted.judge,
        "warrant": {"id": granted.id, "signed_by": granted.signed_by, "at": granted.created_at},
        "labels": granted.body["reference"]["labels"],
        "judge_error": granted.body["measured_error"]["pooled"],
        "aggregate": AGGREGATE,
        "confidence": confidence,
        "tasks": list(board.tasks),
        "rows": rows,
        "compression": compression(board, confidence),
    }


def _row(
    board: Board, e: int, rank: tuple[int, int] | None, confidence: float, granted: Warrant
) -> dict[str, Any]:
    entry = board.entries[e]
    leniency = granted.body["measured_error"]["leniency_by_model"]
    unseen = _not_ruled_out(entry, board.tasks, confidence)
    cells = {}
    for t, task in enumerate(board.tasks):
        grades = entry.grades.get(task)
        cells[task] = (
            _interval(board.rates[e, t], board.samples[e, t], confidence, unseen[t])
            | {
                "n": len(grades),
                "questions": len({item for item, _ in grades}),
                "judge_failed": sum(grade is None for grade in grades.values()),
                "no_text": entry.textless.get(task, 0),
                "ungraded": entry.ungraded.get(task, 0),
            }
            if grades is not None
            else None
        )
    return {
        "model": entry.model,
        "strategy": entry.strategy,
        "parent": entry.parent,
        "compression": entry.compression,
        "rank": None if rank is None else {"best": rank[0], "worst": rank[1]},
        "aggregate": _interval(
            board.rates[e].mean(), board.samples[e].mean(axis=0), confidence, unseen.mean()
        ),
        "tasks": cells,
        "judge_leniency": leniency.get(entry.model),
        "judge_kin": entry.kin,
        "facts": dict(entry.facts or {}),
    }


def _interval(
    value: float, samples: Array, confidence: float, unseen: float, lowest: float = 0.0
) -> Figure:
    """A rate or a difference; where all questions are alike, what so few cannot rule out."""
    if np.isnan(value):
        return undefined_figure("not every task has graded answers")
    low, high, undefined = (float(x) for x in intervals.percentile_interval(samples, confidence))
    if low == high:
        low, high = max(lowest, value - unseen), min(1.0, value + unseen)
    return figure(float(value), low, high, undefined)


def _not_ruled_out(entry: Entry, tasks: Sequence[str], confidence: float) -> Array:
    """The share of other questions that none of a task's m can rule out: Clopper and Pearson."""
    m = np.array([len({item for item, _ in entry.grades.get(task, ())}) for task in tasks])
    return intervals.clopper_pearson(np.zeros(len(m)), m, confidence)[1]


def rank_groups(board: Board, alpha: float) -> dict[int, tuple[int, int]]:
    """The ranks that each model may hold: (best, worst), equal where nothing else is possible.

    Best is one more than the models that are shown to be better, worst is what is left below those
    shown to be worse. Paired bootstrap p values of all pairs, Holm (1979).
    """
    totals, samples = board.rates.mean(axis=1), board.samples.mean(axis=1)
    apart = _apart(board.questions)
    ranked = [int(e) for e in np.flatnonzero(~np.isnan(totals))]
    pairs = list(combinations(ranked, 2))
    p = np.array([_p_value(samples[a] - samples[b], int(apart[a, b])) for a, b in pairs])
    shown = holm(p) < alpha
    better = {e: 0 for e in ranked}
    worse = {e: 0 for e in ranked}
    for (a, b), differ in zip(pairs, shown, strict=True):
        if differ:
            winner, loser = (a, b) if totals[a] > totals[b] else (b, a)
            better[loser] += 1
            worse[winner] += 1
    return {e: (1 + better[e], len(ranked) - worse[e]) for e in ranked}


def _apart(questions: Array) -> Array:
    """On how many of their common questions each two entries differ."""
    given = ~np.isnan(questions)
    alike = [(questions == rate).astype(np.float32) for rate in np.unique(questions[given])]
    common = given.astype(np.float32)
    return np.asarray(common @ common.T - sum(one @ one.T for one in alike), dtype=np.float64)


def _p_value(differences: Array, apart: int) -> float:
    """Two-sided bootstrap p of a paired difference.

    Never below what the resamples can show, nor below what a sign test of the ``apart`` questions
    that differ could get at best, 2^(1 − d).
    """
    defined = differences[~np.isnan(differences)]
    one_side = min(float(np.mean(defined <= 0)), float(np.mean(defined >= 0)))
    return min(1.0, max(2 * one_side, 1 / len(defined), 2.0 ** (1 - apart)))


def holm(p: Array) -> Array:
    """Adjusted p values that hold the chance of any false claim (Holm 1979)."""
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    stepped = p[order] * np.arange(len(p), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted


def compression(board: Board, confidence: float) -> list[dict[str, Any]]:
    """Each compressed variant against its parent, on the same questions, strategies and draws."""
    place = {(entry.model, entry.strategy): e for e, entry in enumerate(board.entries)}
    made = []
    for e, entry in enumerate(board.entries):
        parent = place.get((entry.parent or "", entry.strategy))
        if parent is None:
            continue
        overall = board.samples[e].mean(axis=0) - board.samples[parent].mean(axis=0)
        unseen = _not_ruled_out(entry, board.tasks, confidence)
        changes = {
            task: _change(board, (e, parent), t, confidence) for t, task in enumerate(board.tasks)
        }
        both = [change for change in changes.values() if change]
        made.append(
            {
                "model": entry.model,
                "parent": entry.parent,
                "strategy": entry.strategy,
                "compression": entry.compression,
                "change": _interval(
                    board.rates[e].mean() - board.rates[parent].mean(),
                    overall,
                    confidence,
                    unseen.mean(),
                    lowest=-1.0,
                ),
                "share_kept": _share(board.rates[e].mean(), board.rates[parent].mean()),
                "right_to_wrong": sum(change["right_to_wrong"] for change in both),
                "wrong_to_right": sum(change["wrong_to_right"] for change in both),
                "tasks": changes,
            }
        )
    return made


def _share(variant: float, parent: float) -> float | None:
    return float(variant / parent) if parent > 0 and not np.isnan(variant) else None


def _change(
    board: Board, pair: tuple[int, int], t: int, confidence: float
) -> dict[str, Any] | None:
    """Variant minus parent on one task, with the answers that flipped (exact McNemar test)."""
    from scipy.stats import binomtest

    e, parent = pair
    task = board.tasks[t]
    mine, theirs = (board.entries[i].grades.get(task, {}) for i in pair)
    common = mine.keys() & theirs.keys()
    if not common:
        return None
    lost = sum(theirs[a] is True and mine[a] is not True for a in common)
    won = sum(mine[a] is True and theirs[a] is not True for a in common)
    change, resamples = (of[e, t] - of[parent, t] for of in (board.rates, board.samples))
    unseen = _not_ruled_out(board.entries[e], [task], confidence)[0]
    return {
        "change": _interval(change, resamples, confidence, unseen, lowest=-1.0),
        "n": len(common),
        "right_to_wrong": lost,
        "wrong_to_right": won,
        "mcnemar_p": float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0,
    }


def to_csv(value: Mapping[str, Any]) -> str:
    """One line per model: ranks, aggregate and every task with its interval."""
    out = io.StringIO()
    columns = ["model", "strategy", "parent", "compression", "rank_best", "rank_worst"]
    figures = ["aggregate", *value["tasks"]]
    columns += [f"{name}{end}" for name in figures for end in ("", "_low", "_high")]
    columns.append("judge_kin")
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for row in value["rows"]:
        rank = row["rank"] or {"best": None, "worst": None}
        line = {name: row[name] for name in columns[:4]}
        line |= {"rank_best": rank["best"], "rank_worst": rank["worst"]}
        line["judge_kin"] = row["judge_kin"]
        for name in figures:
            found = row["aggregate"] if name == "aggregate" else row["tasks"][name]
            for end, key in (("", "value"), ("_low", "low"), ("_high", "high")):
                line[name + end] = None if found is None else found[key]
        writer.writerow(line)
    return out.getvalue()
