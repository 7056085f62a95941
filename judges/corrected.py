"""The leaderboard's rates corrected for the judge's error, with the audit's labels.

A rate that has labels of its own is corrected by them alone, whatever the judge does (PPI++,
judges.rectified). One with few is corrected by how often the judge misjudges in the whole audit
(Rogan–Gladen, judges.carried), and so is one with many where the judge may be held to err
alike by model and task and the interval is shorter: that counts what is not known of this
model and task, and needs a judge that tells right answers from wrong ones clearly. Where neither
holds there is no figure, and a reason. Every interval counts the questions, the draws within them
and the judge's error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from judges.carried import Carried, carry_over, middle
from judges.chance import IntArray
from judges.counted import Calibration, Graded, Raw, raw_rates
from judges.figures import Figure, figure, undefined_figure
from judges.misjudged import Side
from judges.rectified import Groups, Labelled, Rectified, rectified
from samples.errors import BenchwarrantError

PPI, ROGAN_GLADEN, NONE = "ppi++", "rogan-gladen", "none"
ENOUGH = 30  # labelled questions from which on a rate is corrected by its own labels
GROUPS = 5  # labelled models (tasks) from which on their spread speaks for one without labels
TELLS = 0.2  # sensitivity + specificity − 1 must be shown to lie above; 0 is a coin
SIDE = 10  # labelled answers, right ones and wrong ones, before a judge's errors are carried over
APART = 20  # labels of a model (task) that correct it where the judge errs differently by model
LIKELY = 0.5  # chance of erring alike from which on other models' labels count beside enough own
SURE = 0.7  # and from which on they count alone: a dozen labels do not show that models differ

NO_ANSWERS = "not every task has graded answers"
ONE_QUESTION = "all answers are to one question, which tells nothing about others"
NO_LABELS = "no answer that the judge graded has a settled label"
FEW_SIDE = (
    f"fewer than {SIDE} labelled answers are {{}}, so it is not known how often the judge {{}}"
)
NEVER_LABELLED = f"none of this {{0}}'s answers is labelled, and fewer than {GROUPS} {{0}}s' are"
UNLIKE = (
    "the judge may err differently from {0} to {0}, and this one has only {1} labelled answers:"
    f" it takes {{2}}, or {ENOUGH} of the rate's own"
)
IMPOSSIBLE = (
    "the judge calls {:.1%} right, which its errors elsewhere (sensitivity {:.2f}, specificity"
    " {:.2f}) rule out, so it errs differently here; label answers of this model and task"
)
NO_BETTER = (
    "sensitivity + specificity − 1 is {:.2f}, and may be as low as {:.2f}: the judge does not tell"
    " right answers from wrong ones well enough to be corrected"
)
CLIPPED = "the corrected rate falls outside 0 to 1 and is shown at the end of that range"


@dataclass(frozen=True)
class Corrected:
    """One rate by the judge and as people would see it; NaN, and a ``reason``, where it is unknown.

    ``labels`` are those of this rate's own answers; ``facts`` say what else it rests on.
    """

    raw: float
    value: float
    low: float
    high: float
    method: str
    reason: str = ""
    note: str = ""
    n: int = 0  # graded answers
    questions: int = 0
    labels: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def figure(self) -> Figure:
        """For a report: null instead of NaN."""
        if self.reason:
            return undefined_figure(self.reason)
        return figure(self.value, self.low, self.high) | ({"note": self.note} if self.note else {})


class CorrectedBoard(NamedTuple):
    """``cells`` (models, tasks), None where nothing is graded; ``aggregates`` (models,)."""

    cells: tuple[tuple[Corrected | None, ...], ...]
    aggregates: tuple[Corrected, ...]
    judge: Mapping[str, Any]  # the judge's errors over all labels, and how far models differ


def corrected(
    graded: Graded,
    calibration: Calibration,
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> CorrectedBoard:
    """Every cell and every model's unweighted mean over its tasks, corrected."""
    if not 0 < confidence < 1:
        raise BenchwarrantError("the confidence of corrected rates must lie between 0 and 1")
    shape, raw = graded.shape, raw_rates(graded, confidence)
    labels = calibration.only((calibration.model < shape[0]) & (calibration.task < shape[1]))
    own = labels.counts(shape)
    of_cells, of_means = own_labels(raw, labels, confidence)
    carried = carry_over(raw, labels, rng, confidence)
    chosen = _Chosen(raw, own, carried, of_cells, of_means)
    return CorrectedBoard(
        tuple(
            tuple(chosen.cell(m, t) if raw.answers[m, t] else None for t in range(shape[1]))
            for m in range(shape[0])
        ),
        tuple(chosen.mean(m) for m in range(shape[0])),
        _of_judge(labels, own, carried, confidence),
    )


# By a rate's own labels


def own_labels(
    raw: Raw, labels: Calibration, confidence: float, tuning: float | None = None
) -> tuple[Rectified, Rectified]:
    """PPI++ of all cells, (models · tasks,), and of all models' means over tasks, (models,).

    A mean's labels weigh 1 / (tasks · the cell's answers · the chance of being drawn), so that
    tasks count alike, as in the mean, however many labels each has.
    """
    tasks = raw.rate.shape[1]
    place = np.searchsorted(raw.keys, labels.keys).clip(0, max(len(raw.keys) - 1, 0))
    found = raw.keys[place] == labels.keys
    linear = np.where(found, raw.linear[place], 0.0)
    cell, weight = labels.model * tasks + labels.task, 1 / labels.probability
    graded = raw.answers.reshape(-1)[cell] > 0
    frame = raw.answers * raw.drawable if labels.frame is None else labels.frame
    of_cell = frame.reshape(-1)[cell].astype(np.float64)
    rows = Labelled(cell, weight, labels.label, labels.verdict, labels.keys, linear)
    cells = Groups(*(x.reshape(-1) for x in (raw.rate, raw.variance, raw.questions, raw.drawable)))
    means = Groups(
        raw.rate.mean(axis=1),
        raw.variance.mean(axis=1) / tasks,
        raw.questions.sum(axis=1),
        raw.drawable.mean(axis=1),
    )
    used = graded & (of_cell > 0)
    of_mean = Labelled(
        labels.model, weight / np.where(used, of_cell, 1.0), labels.label, labels.verdict,
        labels.keys, linear / tasks,
    )  # fmt: skip
    return (
        rectified(cells, Labelled(*(c[graded] for c in rows)), confidence, tuning),
        rectified(means, Labelled(*(c[used] for c in of_mean)), confidence, tuning),
    )


# The records


def _of_judge(
    labels: Calibration, own: IntArray, carried: Carried, confidence: float
) -> dict[str, Any]:
    """What every carried-over rate rests on, as a JSON value."""
    facts: dict[str, Any] = {"labels": len(labels.label), "cells": int((own > 0).sum())}
    for name in ("sensitivity", "specificity"):
        one: Side = getattr(carried, name)
        ends = middle(one.overall.mean(), one.overall, confidence)
        facts[name] = {"n": one.n} | figure(*map(float, ends))
        for kind, test, spread in zip(
            ("models", "tasks"), (one.models, one.tasks), one.spreads, strict=True
        ):
            known = test.groups > 1
            facts[name][f"{kind}_differ_by_logits"] = spread if known else None
            facts[name][f"p_{kind}_alike"] = test.p if known else None
    return facts


@dataclass(frozen=True)
class _Chosen:
    """Which method each rate is corrected by, and the record that says so."""

    raw: Raw
    own: IntArray
    carried: Carried
    of_cells: Rectified
    of_means: Rectified

    def cell(self, m: int, t: int) -> Corrected:
        about = {
            "raw": float(self.raw.rate[m, t]),
            "n": int(self.raw.answers[m, t]),
            "questions": int(self.raw.questions[m, t]),
            "labels": int(self.own[m, t]),
        }
        if about["questions"] < 2:
            return _none(about, ONE_QUESTION)
        place = m * self.own.shape[1] + t
        carried = [float(end[m, t]) for end in self.carried.cells]
        why = self.refused(m, t)
        if found := self._by_labels(self.of_cells, place, carried, why):
            return _shown(about, *found, PPI)
        if why:
            return _none(about, why)
        return _shown(about, carried, self._errors(m, slice(t, t + 1)), ROGAN_GLADEN)

    def mean(self, m: int) -> Corrected:
        about = {
            "raw": float(self.raw.rate[m].mean()),
            "n": int(self.raw.answers[m].sum()),
            "questions": int(self.raw.questions[m].sum()),
            "labels": int(self.own[m].sum()),
        }
        if (self.raw.questions[m] < 2).any():
            some = (self.raw.questions[m] < 1).any()
            return _none(about, NO_ANSWERS if some else ONE_QUESTION)
        why = self.refused(m, None)
        carried = [float(end[m]) for end in self.carried.means]
        if (self.own[m] > 0).all() and (found := self._by_labels(self.of_means, m, carried, why)):
            return _shown(about, *found, PPI)
        if why:
            return _none(about, why)
        return _shown(about, carried, self._errors(m, slice(None)), ROGAN_GLADEN)

    def _by_labels(
        self, found: Rectified, place: int, carried: list[float], why: str
    ) -> tuple[list[float], dict[str, Any]] | None:
        """Where labels are enough; but not where the judge errs alike and elsewhere tells more."""
        if not found.labels[place] >= ENOUGH:
            return None
        ends = [float(end[place]) for end in (found.value, found.low, found.high)]
        alike = min(self.carried.alike) >= LIKELY and not why
        if alike and carried[2] - carried[1] < ends[2] - ends[1]:
            return None
        facts = {
            "lambda": float(found.tuning[place]),
            "effective_labelled_questions": float(found.labels[place]),
        }
        return ends, facts

    def refused(self, m: int, t: int | None) -> str:
        """Why nothing is carried over to a cell, or to a mean; empty where it is."""
        carried = self.carried
        if not self.own.any():
            return NO_LABELS
        if carried.sensitivity.n < SIDE:
            return FEW_SIDE.format("right", "rejects right ones")
        if carried.specificity.n < SIDE:
            return FEW_SIDE.format("wrong", "accepts wrong ones")
        where = m, slice(None) if t is None else slice(t, t + 1)
        for axis, kind in enumerate(("model", "task")):
            fewest = int(self.labelled[axis][where[axis]].min())
            if not fewest and (self.labelled[axis] > 0).sum() < GROUPS:
                return NEVER_LABELLED.format(kind)
            if fewest < APART and carried.alike[axis] < SURE:
                return UNLIKE.format(kind, fewest, APART)
        cell = carried.youden, carried.cells, (m, t)
        youden, found, at = cell if t is not None else (carried.of_model, carried.means, m)
        if not youden.low[at] > TELLS:
            return NO_BETTER.format(youden.value[at], youden.low[at])
        if found.high[at] <= 0 or found.low[at] >= self.raw.drawable[where].mean():
            errors = self._errors(m, where[1])
            rate = self.raw.rate[where].mean()
            return IMPOSSIBLE.format(rate, errors["sensitivity"], errors["specificity"])
        return ""

    @cached_property
    def labelled(self) -> tuple[IntArray, IntArray]:
        """How many labels each model has, and each task."""
        return np.asarray(self.own.sum(axis=1)), np.asarray(self.own.sum(axis=0))

    def _errors(self, m: int, tasks: slice) -> dict[str, Any]:
        """Sensitivity and specificity as used here, and what labels are near."""
        return {
            "labels_of_model": int(self.own[m].sum()),
            "labels_of_tasks": int(self.own[:, tasks].sum()),
            "sensitivity": float(self.carried.sensitivity.value[m, tasks].mean()),
            "specificity": float(self.carried.specificity.value[m, tasks].mean()),
        }


def _none(about: Mapping[str, Any], reason: str) -> Corrected:
    return Corrected(**about, value=np.nan, low=np.nan, high=np.nan, method=NONE, reason=reason)


def _shown(
    about: Mapping[str, Any], ends: list[float], facts: Mapping[str, Any], method: str
) -> Corrected:
    value, low, high = (float(np.clip(end, 0.0, 1.0)) for end in ends)
    note = CLIPPED if value != ends[0] else ""
    return Corrected(
        **about, value=value, low=min(low, value), high=max(high, value), method=method,
        note=note, facts=facts,
    )  # fmt: skip
