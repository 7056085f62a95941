"""What the corrected leaderboard is made of: graded answers by question, and people's labels.

An entry of the board (a model under one strategy) and a task make a cell. Answers to one question
are dependent, draws among them, so everything is summed by entry and question first.
"""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from scipy.special import ndtri

from judges.chance import Array, BoolArray, IntArray
from judges.intervals import clopper_pearson
from samples.errors import BenchwarrantError


@dataclass(frozen=True)
class Graded:
    """The judge's verdicts on every answer: one row per entry and question, in any order.

    ``model`` and ``task`` number the board's entries and tasks from 0, ``question`` the questions
    of all tasks together. ``right`` of ``answers`` are right by the judge; its failures, and
    answers without text, count as wrong. ``textless`` (models, tasks) of these no person could be
    shown.
    """

    model: IntArray
    task: IntArray
    question: IntArray
    right: IntArray
    answers: IntArray
    textless: IntArray | None = None

    def __post_init__(self) -> None:
        _check(self, "graded answers")
        if np.any((self.right < 0) | (self.right > self.answers) | (self.answers < 1)):
            raise BenchwarrantError(
                "graded answers: each row needs 1 answer or more, and 0 to all of them right;"
                " give counts by question"
            )
        if len(np.unique(self.keys)) < len(self.model):
            raise BenchwarrantError(
                "graded answers: an entry has two rows for one question; add them up first"
            )

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(models, tasks)."""
        return int(self.model.max(initial=-1)) + 1, int(self.task.max(initial=-1)) + 1

    @cached_property
    def keys(self) -> IntArray:
        """One number for each entry and question: (rows,)."""
        return _keys(self.model, self.question)


@dataclass(frozen=True)
class Calibration:
    """People's settled labels beside the judge's verdicts: one row per labelled answer.

    ``verdict`` and ``label`` are 1 (right) or 0; a judge's failure is 0. ``probability`` is the
    answer's chance of being drawn into the audit set, up to a factor that all share. ``frame``
    (models, tasks) counts the answers that the audit set was drawn from, up to a factor as well,
    where these were others than the graded ones with a text.
    """

    model: IntArray
    task: IntArray
    question: IntArray
    verdict: IntArray
    label: IntArray
    probability: Array
    frame: Array | None = None

    def __post_init__(self) -> None:
        _check(self, "audit labels")
        if not np.isin(np.concatenate([self.verdict, self.label]), (0, 1)).all():
            raise BenchwarrantError("audit labels: verdicts and labels must be 0 or 1; recode them")
        if not (self.probability > 0).all():
            raise BenchwarrantError(
                "audit labels: every probability must be above 0; run `benchwarrant sample --new`"
            )

    def only(self, which: BoolArray) -> "Calibration":
        """The rows that the mask names."""
        rows = {f.name: getattr(self, f.name)[which] for f in fields(self) if f.name != "frame"}
        return Calibration(**rows, frame=self.frame)

    def counts(self, shape: tuple[int, int]) -> IntArray:
        """Labels of each cell, (models, tasks)."""
        cell = self.model * shape[1] + self.task
        return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)

    @cached_property
    def keys(self) -> IntArray:
        """As ``Graded.keys``."""
        return _keys(self.model, self.question)


def _check(rows: Graded | Calibration, what: str) -> None:
    """Refuse columns of unequal length and numbers below 0."""
    columns = [getattr(rows, f.name) for f in fields(rows) if f.name not in ("textless", "frame")]
    if len({len(column) for column in columns}) > 1:
        raise BenchwarrantError(f"{what}: the columns differ in length; give one value per row")
    if any(len(c) and c.min() < 0 for c in (rows.model, rows.task, rows.question)):
        raise BenchwarrantError(f"{what}: models, tasks and questions are numbered from 0")


def _keys(model: IntArray, question: IntArray) -> IntArray:
    return np.asarray((model.astype(np.int64) << 32) + question, dtype=np.int64)


@dataclass(frozen=True)
class Raw:
    """The judge's own rates by cell, (models, tasks); NaN where a cell has no graded answer."""

    rate: Array
    variance: Array  # over questions, draws within them
    answers: Array
    questions: Array
    drawable: Array  # share of the answers that a person can be shown
    keys: IntArray  # (rows,) sorted
    linear: Array  # (rows,): what each entry's question adds to its cell's rate


def raw_rates(graded: Graded, confidence: float) -> Raw:
    """Rates, and their variance by question: Q/(Q − 1) · Σ (right − rate · answers)² / answers².

    That is the linearised variance of a ratio (Cochran 1977, section 6.3). Where nearly all of Q
    questions are alike it is no less than would make the interval reach what Q questions cannot
    rule out (Clopper and Pearson 1934).
    """
    shape = graded.shape
    cell, many = graded.model * shape[1] + graded.task, shape[0] * shape[1]
    answers = np.bincount(cell, graded.answers, many)
    questions = np.bincount(cell, minlength=many).astype(np.float64)
    some = np.where(answers > 0, answers, np.nan)
    rate = np.bincount(cell, graded.right, many) / some
    linear = (graded.right - rate[cell] * graded.answers) / some[cell]
    several = np.where(questions > 1, questions, np.nan)
    variance = several / (several - 1) * np.bincount(cell, linear**2, many)
    unseen = clopper_pearson(np.zeros(many), several, confidence)[1]
    variance = np.maximum(variance, (unseen / ndtri((1 + confidence) / 2)) ** 2)
    textless = 0 if graded.textless is None else graded.textless.reshape(-1)
    order = np.argsort(graded.keys)
    return Raw(
        rate=rate.reshape(shape),
        variance=variance.reshape(shape),
        answers=answers.reshape(shape).astype(np.float64),
        questions=questions.reshape(shape),
        drawable=np.asarray(1 - textless / some).reshape(shape),
        keys=graded.keys[order],
        linear=linear[order],
    )
