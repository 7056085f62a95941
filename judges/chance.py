"""What the agreement coefficients share: disagreement seen against disagreement due to chance.

Every chance-corrected coefficient here is 1 − D_o / D_e, which is (p_o − p_e) / (1 − p_e) written
so that nothing is subtracted that leaves rounding behind: perfect agreement is exactly 1, and 0/0
is exactly 0/0. The formulas take shares with the label axes in front, (K, K, ...), so that loops
run along the many tables (resamples, slices) instead of along the few labels.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

DUST = 1e-12  # what weighs less than this share of its table came from rounding, not from a case


class Shares(NamedTuple):
    """Tables as the formulas take them: computed once where many are read off them."""

    t: Array  # (K, K, ...) shares
    total: Array  # (...): the tables' weights


def shares(tables: Array, label_axes: int = 2) -> Shares:
    """The tables divided by their total weight, label axes in front, and those totals.

    Dust is cleared first: a label that nobody gave must not come back through the rounding of a
    weighted sum. An empty table's shares and total are NaN, and NaN is all that follows from them.
    """
    to_front = range(-label_axes, 0), range(label_axes)
    counts = np.ascontiguousarray(np.moveaxis(np.asarray(tables, dtype=np.float64), *to_front))
    total = np.asarray(counts.sum(axis=tuple(range(label_axes))))
    total = np.where(total > DUST, total, np.nan)
    return Shares(np.where(np.abs(counts) <= DUST * total, 0.0, counts / total), total)


def ratio(numerator: Array, denominator: Array) -> Array:
    """The quotient, NaN where the denominator, a sum of parts that are never negative, is 0."""
    return np.asarray(numerator / np.where(denominator > 0, denominator, np.nan))


def disagreement(k: int, weights: str = "identity") -> Array:
    """How far two labels are apart, 0 to 1: one minus the agreement weights of Cohen (1968)."""
    power = {"identity": 0, "linear": 1, "quadratic": 2}[weights]
    positions = np.arange(k) / max(k - 1, 1)
    apart = np.abs(positions[:, None] - positions)
    return np.where(apart > 0, apart**power, 0.0)


def observed_disagreement(apart: Array, t: Array) -> Array:
    """Mean disagreement over the cells of ``t``; ``apart`` may differ from table to table."""
    if apart.ndim < t.ndim:
        apart = apart.reshape(apart.shape + (1,) * (t.ndim - apart.ndim))
    return np.asarray((apart * t).sum(axis=(0, 1)))


def expected_disagreement(apart: Array, p: Array, q: Array) -> Array:
    """Mean disagreement of two independent draws from the label shares ``p`` and ``q``."""
    return observed_disagreement(apart, p[:, None] * q[None, :])


def expected_by_gwet(apart: Array, p: Array) -> Array:
    """Expected disagreement where only a part of the labels is given at random (Gwet 2008, 2014).

    p_e = Σ w_kl / (K (K−1)) · Σ p_k (1 − p_k), and w = 1 − ``apart``.
    """
    k = len(p)
    at_random = expected_disagreement(disagreement(k), p, p)
    return np.asarray(1 - (k * k - apart.sum()) / (k * (k - 1)) * at_random)


def expected_if_uniform(apart: Array) -> Array:
    """Expected disagreement if every label is equally likely (Brennan and Prediger 1981)."""
    return np.asarray(apart.mean())


def chance_corrected(observed: Array, expected: Array) -> Array:
    """1 − D_o / D_e."""
    return np.asarray(1 - ratio(observed, expected))


def mid_ranks(p: Array) -> Array:
    """Each label's average rank as a share of all ranks (its ridit): ties take their middle."""
    return np.asarray(np.cumsum(p, axis=0) - p / 2)


def metric_difference(metric: str, p: Array, values: Array) -> Array:
    """Krippendorff's (2011) δ² of each two labels, p being their shares; the linear one is Gwet's.

    The constant factors that he gives these differences cancel in D_o / D_e.
    """
    if metric in ("nominal", "identity", "linear"):
        return disagreement(len(p), "linear" if metric == "linear" else "identity")
    if metric == "ordinal":
        ranks = mid_ranks(p)
        return np.asarray((ranks[:, None] - ranks[None, :]) ** 2)
    apart = np.abs(values[:, None] - values)
    if metric in ("interval", "quadratic"):
        return np.asarray(apart**2)
    if metric != "ratio":
        raise KeyError(metric)
    if np.any(values < 0):
        raise ValueError("the ratio metric needs values that are not negative")
    return np.asarray(ratio(apart, np.where(apart > 0, values[:, None] + values, 1.0)) ** 2)


def alpha(t: Array, n: Array, metric: str, values: Array | None = None) -> Array:
    """Krippendorff's α (2011) from the shares ``t`` of his ``n`` coincidences.

    D_e draws without replacement, hence n / (n − 1). The total weight plays n, so weights should
    add up to the number of labels: scaling them moves α, and n ≤ 1 leaves it undefined.
    """
    p = t.sum(axis=0)
    positions = np.arange(len(p)) if values is None else values
    apart = metric_difference(metric, p, np.asarray(positions, dtype=np.float64))
    expected = expected_disagreement(apart, p, p) * ratio(n, n - 1)
    return chance_corrected(observed_disagreement(apart, t), expected)
