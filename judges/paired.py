"""Two sides on the same questions: how far apart they are, and how sure that is.

A side's rate is its share of right answers; over several tasks it is the mean of the tasks' rates.
What each question adds to the difference follows by linearising the rates, and the variance is the
sum of its squares, m/(m − 1) times that in each task (Cameron and Miller 2015, section II), with
Student's t in place of the normal quantile. It costs no resample, and its p values reach as far
down as a correction for thousands of pairs asks for.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from judges.agreement import Array
from judges.figures import ONE_QUESTION, Figure, figure, undefined_figure
from judges.intervals import clopper_pearson

POWER = 0.8
DUST = 1e-12  # a standard error below it is rounding


class Sides(NamedTuple):
    """One task's questions that both sides answered: right answers and answers, each (2, m)."""

    right: Array
    answers: Array

    @property
    def rates(self) -> Array:
        return np.asarray(self.right.sum(axis=1) / self.answers.sum(axis=1))

    def influence(self) -> Array:
        """What each question adds to each side's rate beside its value: (2, m)."""
        total = self.answers.sum(axis=1, keepdims=True)
        return np.asarray((self.right - self.rates[:, None] * self.answers) / total)

    @property
    def apart(self) -> int:
        """On how many questions the sides differ."""
        ours, theirs = self.right * self.answers[::-1]
        return int((ours != theirs).sum())


class Compared(NamedTuple):
    """The first side minus the second; ``share_kept`` is the first's rate over the second's."""

    difference: Figure
    share_kept: Figure
    p: float | None
    questions: int


def compare(tasks: Sequence[Sides], confidence: float) -> Compared:
    """Compare two sides over these tasks, each of which counts the same.

    Undefined where there is no common question; no interval where all are one question.
    """
    questions = [task.right.shape[1] for task in tasks]
    if not tasks or not min(questions):
        missing = undefined_figure("no question was answered by both")
        return Compared(missing, missing, None, 0)
    rates = np.mean([task.rates for task in tasks], axis=0)
    value, many = float(rates[0] - rates[1]), sum(questions)
    if min(questions) < 2:
        alone = figure(value, np.nan, np.nan) | {"reason": ONE_QUESTION}
        return Compared(alone, _kept(rates, tasks, confidence), None, many)
    error, freedom = _error([np.subtract(*task.influence()) for task in tasks])
    p = float(p_value(value, error, freedom, sum(task.apart for task in tasks)))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    if error < DUST:  # all questions alike: what so few cannot rule out
        half = float(np.mean(unseen(np.array(questions), confidence)))
    ends = max(-1.0, value - half), min(1.0, value + half)
    return Compared(figure(value, *ends), _kept(rates, tasks, confidence), p, many)


def _error(influence: Sequence[Array]) -> tuple[float, float]:
    """The standard error of a mean over tasks, and its degrees of freedom (Satterthwaite 1946)."""
    m = np.array([len(one) for one in influence], dtype=np.float64)
    by_task = m / (m - 1) * np.array([(one**2).sum() for one in influence])
    total = float(by_task.sum())
    freedom = total**2 / float((by_task**2 / (m - 1)).sum()) if total > 0 else float(m.sum())
    return float(np.sqrt(total)) / len(m), freedom


def _kept(rates: Array, tasks: Sequence[Sides], confidence: float) -> Figure:
    """The ratio of both rates, with the interval of its logarithm (delta method)."""
    ours, theirs = float(rates[0]), float(rates[1])
    if theirs <= 0:
        return undefined_figure("undefined: the other side has no right answer")
    kept = ours / theirs
    if ours <= 0:
        return figure(kept, np.nan, np.nan) | {"reason": "no interval: there is no right answer"}
    if min(task.right.shape[1] for task in tasks) < 2:
        return figure(kept, np.nan, np.nan) | {"reason": ONE_QUESTION}
    moved = [np.subtract(*(task.influence() / rates[:, None])) for task in tasks]
    error, freedom = _error(moved)
    if error < DUST:
        return figure(kept, np.nan, np.nan) | {"reason": "no interval: no question differs"}
    factor = float(np.exp(stdtrit(freedom, (1 + confidence) / 2) * error))
    return figure(kept, kept / factor, kept * factor)


def p_value(value: Any, error: Any, freedom: Any, apart: Any) -> Array:
    """Two-sided p of a paired difference; arrays or numbers.

    Never below what a sign test of the ``apart`` questions that differ could reach, 2^(1 − d).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(value) / np.where(np.asarray(error) < DUST, 0.0, error)
    p = 2 * stdtr(freedom, -np.where(np.abs(value) < DUST, 0.0, t))
    return np.asarray(np.minimum(1.0, np.maximum(p, 2.0 ** (1.0 - np.asarray(apart)))))


def unseen(questions: Array, confidence: float) -> Array:
    """The share of other questions that none of m can rule out: Clopper and Pearson (1934)."""
    m = np.asarray(questions, dtype=np.float64)
    return np.asarray(clopper_pearson(np.zeros(np.shape(m)), m, confidence)[1])


def detectable(error: Array, level: float) -> Array:
    """The difference that a test at ``level`` finds with a power of 80%: (z_α/2 + z_power) · se."""
    return np.asarray((ndtri(1 - level / 2) + ndtri(POWER)) * error)
