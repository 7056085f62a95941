"""The judge's errors in the whole audit, carried over to every cell of the board."""

from typing import NamedTuple

import numpy as np

from judges import misjudged
from judges.chance import Array
from judges.counted import Calibration, Raw
from judges.intervals import percentile_interval

DRAWS = 1000  # of the judge's errors and of the questions
REFUSED = 0.05  # a p value below which a judge's errors are not taken as alike
MANY = 10  # labelled models (tasks) from which on it is labels that say how much they differ


class Ends(NamedTuple):
    """A value and its interval, any shape."""

    value: Array
    low: Array
    high: Array


class Carried(NamedTuple):
    """The judge's errors carried over to every cell, and the rates they give."""

    sensitivity: misjudged.Side
    specificity: misjudged.Side
    cells: Ends  # (models, tasks)
    means: Ends  # (models,)
    youden: Ends  # sensitivity + specificity − 1, (models, tasks)
    of_model: Ends  # the same, the mean over tasks: (models,)
    alike: tuple[float, ...]  # the chance that models, and tasks, mislead the judge much alike


def carry_over(
    raw: Raw, labels: Calibration, rng: np.random.Generator, confidence: float
) -> Carried:
    """Sensitivity and specificity of every cell, and Rogan and Gladen's rates by them.

    Rates are drawn by their variance over questions, errors by what the labels leave open, and
    intervals are the middle of what comes out: cells of one model or task share their errors.
    """
    shape = (raw.rate.shape[0], raw.rate.shape[1])
    sides = [_side(labels, kind, shape, rng) for kind in (1, 0)]
    s = np.where(raw.drawable > 0, raw.drawable, np.nan)
    noise = rng.normal(size=(DRAWS, *shape)) * np.sqrt(raw.variance)
    drawn = [one.draws for one in sides]
    rates = s * np.clip(misjudged.rogan_gladen((raw.rate + noise) / s, drawn[0], drawn[1]), 0, 1)
    at = s * misjudged.rogan_gladen(raw.rate / s, sides[0].value, sides[1].value)
    youden = drawn[0] + drawn[1] - 1
    return Carried(
        sides[0],
        sides[1],
        middle(at, rates, confidence),
        middle(at.mean(axis=1), rates.mean(axis=2), confidence),
        middle(youden.mean(axis=0), youden, confidence),
        middle(youden.mean(axis=(0, 2)), youden.mean(axis=2), confidence),
        alike(sides),
    )


def alike(sides: list[misjudged.Side]) -> tuple[float, ...]:
    """The chance that models, and tasks, hardly differ on either side; 0 where a test refuses it.

    Where few are labelled, how much they differ is unknown, and only a test speaks (Bonferroni's).
    """
    kinds = [(one.models, one.tasks) for one in sides]
    p, groups = (np.array([[kind[i] for kind in pair] for pair in kinds]) for i in (0, 1))
    much = np.where(groups >= MANY, [one.much for one in sides], 0.0)
    refused = (p.size * p < REFUSED).any(axis=0)
    return tuple(np.where(refused, 0.0, np.prod(1 - much, axis=0)).tolist())


def _side(
    labels: Calibration, kind: int, shape: tuple[int, int], rng: np.random.Generator
) -> misjudged.Side:
    of = labels.only(labels.label == kind)
    agreed = (of.verdict == of.label).astype(np.int64)
    rows = misjudged.Rows(agreed, of.model, of.task, of.question, 1 / of.probability)
    return misjudged.side(rows, shape, DRAWS, rng)


def middle(value: Array, draws: Array, confidence: float) -> Ends:
    """The value, and the middle ``confidence`` of the draws (B, …); NaN where one is."""
    return Ends(value, *percentile_interval(np.moveaxis(draws, 0, -1), confidence)[:2])
