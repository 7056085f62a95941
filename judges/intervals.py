"""How sure a figure is: bootstrap, exact and analytic intervals, and the correlation of rankings.

A table is a sum over cases, so a resample is a vector of weights on clusters of cases (the answers
to one question), and all resamples are one matrix product of weights and per-cluster tables.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from judges.agreement import Array, IntArray, Statistic, farthest_label

Weights = NDArray[np.float32]

SLAB = 1000  # resamples held in memory at a time, beyond the result
DRAWN = 100  # resamples drawn at a time: few enough to stay in a processor's cache
PAIRS = 500_000  # pairs of models held in memory at a time
EXACT = 2**24  # float32 holds every whole number up to here
TIE = 1e-12  # scores closer than this share of the largest differ by rounding only


class Interval(NamedTuple):
    """Both ends, NaN where there is none, and the share of resamples that were undefined."""

    low: Array
    high: Array
    undefined_share: Array


# Tables of resamples


def cluster_sums(
    cluster: IntArray, cell: IntArray, weight: Array | None, n_clusters: int, n_cells: int
) -> Array:
    """Add up the cases' weights (1 where None) by cluster and cell: (clusters, cells)."""
    place = cluster * n_cells + cell
    sums = np.bincount(place, weights=weight, minlength=n_clusters * n_cells)
    return sums.reshape(n_clusters, n_cells).astype(np.float64)


def multinomial_weights(rng: np.random.Generator, resamples: int, clusters: int) -> Weights:
    """How often each resample draws each cluster, with replacement (Efron 1979)."""
    weights = np.empty((resamples, clusters), dtype=np.float32)
    for start in range(0, resamples, DRAWN):
        slab = weights[start : start + DRAWN]
        drawn = rng.integers(0, clusters, size=slab.shape)
        drawn += clusters * np.arange(len(slab))[:, None]
        slab[:] = np.bincount(drawn.ravel(), minlength=slab.size).reshape(slab.shape)
    return weights


def resampled(weights: Weights, sums: Array) -> Array:
    """One-way cluster bootstrap: weights (B, C) on per-cluster tables (C, …) give (B, …).

    Weights are whole numbers, of draws. Tables of whole numbers are multiplied in float32, twice as
    fast, where that is exact.
    """
    flat = sums.reshape(len(sums), -1)
    largest, whole = np.abs(flat).max(initial=0), _whole(flat)
    # The last column counts the draws of each resample, which bound what a sum can come to.
    narrow = np.concatenate([flat, np.ones((len(flat), 1))], axis=1).astype(np.float32)
    out = np.empty((len(weights), flat.shape[1]))
    for start in range(0, len(weights), SLAB):
        slab = weights[start : start + SLAB]
        if whole:
            summed = slab @ narrow
            if summed[:, -1].max() * largest < EXACT:
                out[start : start + SLAB] = summed[:, :-1]
                continue
        out[start : start + SLAB] = slab.astype(np.float64) @ flat
    return out.reshape(len(weights), *sums.shape[1:])


def pigeonhole(question_weights: Weights, model_weights: Weights, sums: Array) -> Array:
    """Two-way cluster bootstrap (Owen 2007): questions and models are drawn independently.

    A case weighs its question's draws times its model's. ``sums`` is (Q, M, …), one table for each
    question and model; the result is (B, …). No (B, cases) array is ever made.
    """
    out = np.empty((len(question_weights), *sums.shape[2:]))
    for start in range(0, len(out), SLAB):
        rows = slice(start, start + SLAB)
        by_model = resampled(question_weights[rows], sums)
        out[rows] = np.einsum("bm,bm...->b...", model_weights[rows], by_model)
    return out


def leave_one_out(sums: Array) -> Array:
    """The total table without each cluster in turn: what a jackknife looks at."""
    return np.asarray(sums.sum(axis=0) - sums)


def _whole(values: Array | Weights) -> bool:
    return bool(np.all(values == np.rint(values)))


# Intervals from resamples


def percentile_interval(samples: Array, confidence: float) -> Interval:
    """The middle ``confidence`` of the resamples (..., B): Efron 1979.

    Undefined resamples are left out and their share reported; where they are more than
    1 − ``confidence``, what is left says too little and there is no interval.
    """
    tail = np.full(np.shape(samples)[:-1], (1 - confidence) / 2)
    return _between(samples, tail, 1 - tail, confidence)


def bca_interval(point: Array, samples: Array, jackknife: Array, confidence: float) -> Interval:
    """Bias-corrected and accelerated interval (Efron 1987).

    ``jackknife`` (..., C) holds the statistic without each cluster; undefined ones are left out.
    """
    point = np.asarray(point, dtype=np.float64)[..., None]
    defined = (~np.isnan(samples)).sum(axis=-1)
    below = (samples < point).sum(axis=-1) + (samples == point).sum(axis=-1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = ndtri(np.where(np.isnan(point[..., 0]), np.nan, below / defined))
        skew = _acceleration(jackknife)
        ends = []
        for tail in ((1 - confidence) / 2, (1 + confidence) / 2):
            shifted = bias + ndtri(tail)
            stretch = 1 - skew * shifted
            ends.append(ndtr(np.where(stretch > 0, bias + shifted / stretch, np.nan)))
    return _between(samples, ends[0], ends[1], confidence)


def _acceleration(jackknife: Array) -> Array:
    """Σ d³ / (6 (Σ d²)^{3/2}) of the jackknife's deviations; 0 where nothing deviates."""
    used = ~np.isnan(jackknife)
    mean = np.where(used, jackknife, 0.0).sum(axis=-1) / used.sum(axis=-1)
    away = np.where(used, mean[..., None] - jackknife, 0.0)
    spread = (away**2).sum(axis=-1) ** 1.5
    return np.where(spread > 0, (away**3).sum(axis=-1) / (6 * spread), 0.0)


def _between(samples: Array, low: Array, high: Array, confidence: float) -> Interval:
    """The quantiles ``low`` and ``high`` of the defined resamples, linear between neighbours."""
    ordered = np.sort(samples, axis=-1)  # NaN comes last
    defined = (~np.isnan(ordered)).sum(axis=-1)
    resamples = ordered.shape[-1]
    undefined = 1 - defined / max(resamples, 1)
    enough = (defined > 0) & (resamples - defined <= (1 - confidence) * resamples)
    ends = []
    for share in (low, high):
        usable = enough & ~np.isnan(share)
        place = np.where(usable, share, 0.0) * np.maximum(defined - 1, 0)
        left = np.floor(place).astype(np.int64)
        right = np.minimum(left + 1, np.maximum(defined - 1, 0))
        near, far = (np.take_along_axis(ordered, i[..., None], -1)[..., 0] for i in (left, right))
        ends.append(np.where(usable, near + (place - left) * (far - near), np.nan))
    return Interval(ends[0], ends[1], np.asarray(undefined))


# Intervals of a share


def wilson(successes: Array, n: Array, confidence: float) -> tuple[Array, Array]:
    """Wilson's (1927) score interval of a share; NaN where n is 0."""
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    n = np.where(n > 0, n, np.nan)
    z = float(ndtri((1 + confidence) / 2))
    middle = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    low, high = np.where(k == 0, 0.0, middle - half), np.where(k == n, 1.0, middle + half)
    return np.where(np.isnan(n), np.nan, low), np.where(np.isnan(n), np.nan, high)


def clopper_pearson(successes: Array, n: Array, confidence: float) -> tuple[Array, Array]:
    """Clopper and Pearson's (1934) exact interval of a share, from beta quantiles."""
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    tail = (1 - confidence) / 2
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, tail), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def no_disagreement_interval(
    statistic: Statistic, table: Array, clusters: float, confidence: float
) -> tuple[float, float]:
    """The range of the statistic over the ways to spread disagreement that cannot be ruled out.

    All resamples of a table without disagreement are alike, so a bootstrap would claim certainty.
    Here the upper Clopper–Pearson limit of the share, 1 − (α/2)^(1/m), moves off the diagonal to
    the label farthest away: the same part of every row, or all of it in one row as far as the row
    reaches, which is the worst case for leniency, sensitivity and the like. m counts clusters, not
    cases: at worst a cluster's cases all go the same way. An end is NaN where one of these tables
    leaves the statistic undefined.
    """
    agreed = np.diagonal(table).astype(np.float64)
    share = _not_ruled_out(clusters, confidence)
    spreads = [np.zeros_like(agreed), agreed * share]
    for row, weight in enumerate(agreed):
        spreads.append(np.zeros_like(agreed))
        spreads[-1][row] = min(weight, share * agreed.sum())
    values = statistic(np.stack([_moved(table, spread) for spread in spreads]))
    return float(values.min()), float(values.max())


def _not_ruled_out(clusters: float, confidence: float) -> float:
    return float(clopper_pearson(np.zeros(()), np.asarray(clusters), confidence)[1])


def _moved(table: Array, weight: Array) -> Array:
    """Move weight from each row's diagonal cell to the label farthest from it."""
    k = len(table)
    if np.any(table[~np.eye(k, dtype=bool)]):
        raise ValueError("the table holds disagreement: resample it instead")
    out = table.astype(np.float64)
    out[np.arange(k), np.arange(k)] -= weight
    out[np.arange(k), farthest_label(k)] += weight
    return out


# Rankings


def pairwise_signs(scores: Array) -> Array:
    """The sign of the difference of every two scores, (N, M) to (N, pairs); NaN where one is."""
    first, second = np.triu_indices(scores.shape[1], k=1)
    apart = scores[:, first] - scores[:, second]
    rounding = TIE * np.abs(scores).max(axis=1, initial=0.0)[:, None]
    signs = (apart > rounding).astype(np.float64)
    signs -= apart < -rounding
    signs[np.isnan(rounding[:, 0])] = np.nan
    return np.asarray(signs)


def places(signs: Array, models: int) -> Array:
    """Places (N, M) from the signs of all pairs, 0 in the middle, ties at their average place."""
    first, second = np.triu_indices(models, k=1)
    beats = np.zeros((len(first), models))
    beats[np.arange(len(first)), first], beats[np.arange(len(first)), second] = 0.5, -0.5
    return np.asarray(signs @ beats)


def sign_correlation(a: Array, b: Array, kind: str, models: int) -> Array:
    """Spearman's ρ or Kendall's τ-b from the signs (N, pairs) of two lists' differences: (N,)."""
    if kind == "spearman":
        a, b = places(a, models), places(b, models)
    elif kind != "kendall":
        raise KeyError(kind)
    spread = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    # Signs are whole numbers and places halves, so a constant list spreads exactly 0.
    together = (a * b).sum(axis=1) / np.where(spread > 0, spread, np.nan)
    return np.asarray(np.clip(together, -1.0, 1.0))
