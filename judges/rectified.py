"""A judge's rate put right by labels of the same answers: prediction-powered inference.

Angelopoulos, Duchi and Zrnic (PPI++: Efficient prediction-powered inference, 2023, arXiv
2311.01453, section 4): λ · the judge's rate on all answers + the labelled answers' mean of label −
λ · verdict, with the λ that makes the variance least. Labelled answers weigh one over their chance
of being drawn, which makes it the augmented inverse-probability estimator (Robins, Rotnitzky and
Zhao 1994). Nothing is assumed about how the judge errs.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from judges.chance import Array, IntArray

OWN = 50  # labelled questions from which on a group has its own λ; fewer take the others'
SMOOTHED = 2.0  # answers added to the four of label × verdict, half of one to each


class Labelled(NamedTuple):
    """One row per labelled answer, and the group whose rate it puts right."""

    group: IntArray
    weight: Array
    label: IntArray
    verdict: IntArray
    cluster: IntArray  # numbers each entry's questions
    linear: Array  # what the answer's question adds to the group's raw rate; 0 if not graded


class Groups(NamedTuple):
    """(groups,) each: raw rates, their variances and questions, the share that can be labelled."""

    rate: Array
    variance: Array
    questions: Array
    drawable: Array


class Rectified(NamedTuple):
    """(groups,) each; NaN without labels. ``labels`` counts questions, less what weights cost."""

    value: Array
    low: Array
    high: Array
    tuning: Array
    labels: Array


class _Parts(NamedTuple):
    """Variances and covariances of (groups,): raw, labels and verdicts where labelled."""

    raw: Array
    label: Array
    verdict: Array
    both: Array
    raw_label: Array
    raw_verdict: Array

    def at(self, tuning: Array) -> Array:
        own = self.label - 2 * tuning * self.both + tuning**2 * self.verdict
        return np.asarray(tuning**2 * self.raw + own + self.crossed(tuning))

    def crossed(self, tuning: Array) -> Array:
        return np.asarray(2 * tuning * (self.raw_label - tuning * self.raw_verdict))


def rectified(
    groups: Groups, rows: Labelled, confidence: float, tuning: float | None = None
) -> Rectified:
    """Value and interval of each group; ``tuning`` fixes λ (0: labels alone, 1: plain PPI).

    The interval is Wald's, with half an answer added to each of the four of label ×
    verdict, as for a difference of matched shares (Agresti and Min, Statistics in Medicine 24,
    2005): without it, labels among which the judge never erred would claim certainty, and with half
    as much a judge that errs one way has intervals that are too short.
    """
    many = len(groups.rate)
    total = _sums(rows.group, rows.weight, many)
    share = rows.weight / total[rows.group]
    n = _effective(rows, share, many)
    means = [_sums(rows.group, share * x, many) for x in (rows.label, rows.verdict)]
    parts = _parts(groups, rows, share, means)
    chosen = _tuned(parts, n) if tuning is None else np.full(many, tuning)
    s = groups.drawable
    value = chosen * groups.rate + s * (means[0] - chosen * means[1])
    centre, spread = _smoothed(rows, share, n, chosen)
    # The smoothed spread takes the place of the labelled part, whatever is crossed stays.
    own = s**2 * spread / (n + SMOOTHED)
    variance = chosen**2 * groups.variance + own + parts.crossed(chosen)
    variance = np.maximum(variance, np.maximum(parts.at(chosen), own / 2))
    half = ndtri((1 + confidence) / 2) * np.sqrt(variance)
    middle = chosen * groups.rate + s * centre
    none = np.where((n > 1) & (total > 0), 0.0, np.nan)
    return Rectified(value + none, middle - half + none, middle + half + none, chosen + none, n)


def _sums(group: IntArray, values: Array, many: int) -> Array:
    return np.bincount(group, values, many).astype(np.float64)  # whole numbers of no rows


def _effective(rows: Labelled, share: Array, many: int) -> Array:
    """Kish's (1965) effective number of labelled questions, each weighing what its answers do."""
    pairs, place = np.unique(np.stack([rows.group, rows.cluster]), axis=1, return_inverse=True)
    weights = np.bincount(place.reshape(-1), share, pairs.shape[1])
    squares = np.bincount(pairs[0], weights**2, many)
    return np.where(squares > 0, 1 / np.where(squares > 0, squares, 1.0), 0.0)


def _parts(groups: Groups, rows: Labelled, share: Array, means: list[Array]) -> _Parts:
    """The linear parts of a group's three means, summed by question and multiplied."""
    many, s = len(groups.rate), groups.drawable[rows.group]
    pairs, first, place = np.unique(
        np.stack([rows.group, rows.cluster]), axis=1, return_index=True, return_inverse=True
    )
    place, group = place.reshape(-1), pairs[0]
    y, f = (
        np.bincount(place, s * share * (x - mean[rows.group]), len(group))
        for x, mean in zip((rows.label, rows.verdict), means, strict=True)
    )
    raw = rows.linear[first]
    counted = np.bincount(group, minlength=many)
    grow = (counted / np.maximum(counted - 1, 1))[group]
    products = (grow * y * y, grow * f * f, grow * y * f, raw * y, raw * f)
    return _Parts(groups.variance, *(_sums(group, p, many) for p in products))


def _tuned(parts: _Parts, n: Array) -> Array:
    """λ of least variance, 0 to 1; where labels are few that of all other groups together.

    So that no λ is fitted to the few labels whose spread then is taken for the error.
    """
    gain = np.nan_to_num(parts.both - parts.raw_label)
    cost = np.nan_to_num(parts.raw + parts.verdict - 2 * parts.raw_verdict)
    counted = np.where(n > 1, n, 0.0)
    others = [(counted * x).sum() - counted * x for x in (gain, cost)]
    own = (n >= OWN) | (others[1] <= 0)
    over, under = (
        np.where(own, mine, rest) for mine, rest in zip((gain, cost), others, strict=True)
    )
    return np.clip(np.where(under > 0, over / np.where(under > 0, under, 1.0), 0.0), 0.0, 1.0)


def _smoothed(rows: Labelled, share: Array, n: Array, tuning: Array) -> tuple[Array, Array]:
    """Mean and variance of label − λ · verdict with SMOOTHED answers more, spread over the four."""
    many = len(n)
    cells = np.bincount(4 * rows.group + 2 * rows.label + rows.verdict, share, 4 * many).reshape(
        many, 4
    )
    chances = (n[:, None] * cells + SMOOTHED / 4) / (n[:, None] + SMOOTHED)
    error = np.array([0.0, 0.0, 1.0, 1.0]) - tuning[:, None] * np.array([0.0, 1.0, 0.0, 1.0])
    mean = (chances * error).sum(axis=1)
    return mean, (chances * (error - mean[:, None]) ** 2).sum(axis=1)
