"""How far a bootstrap interval of clustered cases must be stretched to cover what it claims to.

Resampling a few clusters shows too little of their spread, and resampling two kinds of clusters at
once counts what is proper to single cases up to three times (Owen 2007). Both follow from variances
of the statistic's linear part, so that no further resample is drawn.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from judges.agreement import Array, IntArray

FEW = 50  # clusters; below it normal quantiles mislead (Cameron and Miller 2015, section VI)
STEP = 1e-6  # of a table's weight, for derivatives
FEW_QUESTIONS = f"fewer than {FEW} questions: the interval is widened by Student's t"
FEW_MODELS = f"fewer than {FEW} models: the interval is widened by Student's t"
SHARES = frozenset(
    {
        *("accuracy", "sensitivity", "specificity", "f1", "balanced_accuracy"),
        *("positive_predictive_value", "negative_predictive_value"),
        *("auroc", "calibration_error", "brier", "rho", "omega", "percent_agreement"),
    }
)  # they reach from 0 to 1, others from −1
UNBOUNDED = {"gwet_ac2": -np.inf}


OfTables = Callable[[Array], Array]  # (..., K, J) → (...), failures still apart or not


class Parts(NamedTuple):
    """Variances of a statistic's linear part when clusters of one kind are drawn: (groups,)."""

    questions: Array
    models: Array
    both: Array  # cells of a question and a model


def influence(statistic: OfTables, tables: Array) -> Array:
    """How fast the statistic moves with the weight in each cell of (groups, K, J) tables."""
    groups, *shape = tables.shape
    step = STEP * tables.sum(axis=(1, 2))
    cells = np.eye(shape[0] * shape[1]).reshape(-1, 1, *shape)
    moved = statistic(tables + step[:, None, None] * cells) - statistic(tables)
    return np.asarray(np.moveaxis(moved / np.where(step > 0, step, np.nan), 0, -1)).reshape(
        groups, *shape
    )


def linear_part(statistic: OfTables, sums: Array) -> Array:
    """What each cluster of ``sums`` (questions, models, groups, K, J) adds to the statistic.

    (questions, models, groups)
    """
    return np.asarray(
        np.einsum("qmgij,gij->qmg", sums, influence(statistic, sums.sum(axis=(0, 1))))
    )


def variances(moved: Array) -> Parts:
    """Variances by clusters of a linear part (questions, models, groups): sums of squares."""
    squared = [(part**2).sum(axis=0) for part in (moved.sum(axis=1), moved.sum(axis=0))]
    return Parts(squared[0], squared[1], (moved**2).sum(axis=(0, 1)))


def one_way_stretch(questions: IntArray, confidence: float) -> Array:
    """By what to stretch an interval from resampled questions, where they are few; else 1.

    The spread of m resampled clusters is short by (m − 1)/m, and Student's t with m − 1 degrees of
    freedom takes the place of the normal quantile (Cameron and Miller 2015, section VI).
    """
    m = np.maximum(questions.astype(np.float64), 2)
    return np.where(m < FEW, np.sqrt(m / (m - 1)) * _quantiles(m - 1, confidence), 1.0)


def two_way_stretch(parts: Parts, clusters: IntArray, confidence: float) -> Array:
    """By what to stretch an interval from resampled questions and models: wider or narrower.

    The variance is that of two-way clusters, by questions + by models − by both (Cameron, Gelbach
    and Miller 2011, section 2), the first two times m/(m − 1); what the resamples show is their
    plain sum (Owen 2007). Student's t has the degrees of freedom of the fewer clusters, as those
    authors advise: with three models that is wider than need be. ``clusters`` are (2, groups).
    """
    q, m = np.maximum(clusters.astype(np.float64), 2)
    by_questions, by_models = parts.questions * q / (q - 1), parts.models * m / (m - 1)
    ours = np.maximum.reduce([by_questions + by_models - parts.both, by_questions, by_models])
    shown = sum(parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(ours / shown) * _quantiles(np.minimum(q, m) - 1, confidence)
    return np.where(shown > 0, factor, 1.0)


def _quantiles(freedom: Array, confidence: float) -> Array:
    """Student's quantile in units of the normal one."""
    end = (1 + confidence) / 2
    return np.asarray(stdtrit(freedom, end) / ndtri(end))


def stretches(statistic: OfTables, sums: Array, clusters: IntArray, confidence: float) -> Array:
    """By what to stretch each group's interval; ``clusters`` are (ways, groups)."""
    if len(clusters) == 1:
        return one_way_stretch(clusters[0], confidence)
    return two_way_stretch(variances(linear_part(statistic, sums)), clusters, confidence)


def stretched(
    name: str, value: float, ends: tuple[float, float], factor: float
) -> tuple[float, float]:
    """Both ends moved away from the value by the factor, no farther than the statistic reaches."""
    low, high = (float(value + factor * (end - value)) for end in ends)
    return max(low, UNBOUNDED.get(name, 0.0 if name in SHARES else -1.0)), min(high, 1.0)


def few(clusters: IntArray) -> dict[str, str]:
    """What a figure says of its interval where it rests on few questions or models."""
    questions, *models = clusters
    if models and models[0] < FEW:
        return {"note": FEW_MODELS}
    return {"note": FEW_QUESTIONS} if questions < FEW else {}
