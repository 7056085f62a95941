"""Agreement among several people, any of whom may have left cases out.

Everything here is a sum over cases, so that resampling cases or questions is one product of weights
with per-case tables. The definitions, missing labels included, are Gwet's (Handbook of Inter-Rater
Reliability, 4th ed., 2014) and Krippendorff's (Computing Krippendorff's Alpha-Reliability, 2011).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from judges.chance import (
    Array,
    IntArray,
    alpha,
    chance_corrected,
    disagreement,
    expected_by_gwet,
    expected_disagreement,
    expected_if_uniform,
    observed_disagreement,
    ratio,
    shares,
)


@dataclass(frozen=True)
class RaterTables:
    """What people's labels add up to; the leading axes are cases, clusters or resamples."""

    coincidence: Array  # (..., K, K) ordered pairs within a case, each weighing 1 / (m − 1)
    pairs: Array  # (..., K, K) the same, each case of two labels or more weighing 1 in all
    share: Array  # (..., K) shares of the labels within a case, each labelled case weighing 1
    by_rater: Array  # (..., R, K) labels per person

    def sum(self, weights: Array | None = None) -> "RaterTables":
        """Add up the first axis; with weights (..., n), once for each row of weights."""
        if weights is None:
            return RaterTables(*(field.sum(axis=0) for field in self._fields()))
        return RaterTables(*(np.tensordot(weights, f, axes=(-1, 0)) for f in self._fields()))

    def by_cluster(self, cluster: IntArray, n_clusters: int) -> "RaterTables":
        """Add up the cases of each cluster, such as the answers to one question."""
        sums = []
        for field in self._fields():
            sums.append(np.zeros((n_clusters, *field.shape[1:])))
            np.add.at(sums[-1], cluster, field)
        return RaterTables(*sums)

    def plus(self, other: "RaterTables", times: float) -> "RaterTables":
        """These tables with a part of others added."""
        pairs = zip(self._fields(), other._fields(), strict=True)
        return RaterTables(*(mine + times * theirs for mine, theirs in pairs))

    def times(self, weight: Array) -> "RaterTables":
        """Each row of the first axis times its weight (n,): 1 / its chance of being drawn."""
        return self.map(lambda f: f * weight.reshape(-1, *[1] * (f.ndim - 1)))

    def map(self, change: Callable[[Array], Array]) -> "RaterTables":
        """The same change made to each of the tables."""
        return RaterTables(*(change(field) for field in self._fields()))

    def only(self, rows: Array) -> "RaterTables":
        """The rows of the first axis that are chosen."""
        return self.map(lambda field: field[rows])

    def _fields(self) -> tuple[Array, Array, Array, Array]:
        return self.coincidence, self.pairs, self.share, self.by_rater


RaterStatistic = Callable[..., Array]  # (tables, weights="identity") -> (...)


def rater_tables(ratings: IntArray, k: int) -> RaterTables:
    """One table per case from ``ratings`` (cases, raters), labels coded 0 … k−1, −1 for missing."""
    if np.any((ratings < -1) | (ratings >= k)):
        raise ValueError(f"ratings must be coded 0..{k - 1}, or -1 where there is none")
    given = (ratings[:, :, None] == np.arange(k)).astype(np.float64)
    counts = given.sum(axis=1)
    m = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(k)
    others = np.where(m > 1, m - 1, 1.0)  # a case with one label has no pairs to weigh
    labels = np.where(m > 0, m, 1.0)
    coincidence = pairs / others[:, None, None]
    return RaterTables(
        coincidence, coincidence / labels[:, None, None], counts / labels[:, None], given
    )


def percent_agreement(tables: RaterTables, weights: str = "identity") -> Array:
    """Mean (weighted) agreement of two people on the same case."""
    return np.asarray(1 - _seen(tables, weights))


def fleiss_kappa(tables: RaterTables, weights: str = "identity") -> Array:
    """Fleiss 1971; Scott's π for two people. Chance: all draw from the common label shares."""
    p = shares(tables.share, 1)[0]
    apart = disagreement(len(p), weights)
    return chance_corrected(_seen(tables, weights), expected_disagreement(apart, p, p))


def conger_kappa(tables: RaterTables, weights: str = "identity") -> Array:
    """Conger 1980; Cohen's κ for two people. Chance: each person keeps their own label shares."""
    p = shares(tables.by_rater, 1)[0]  # (K, ..., R)
    active = ~np.isnan(p[0])
    p = np.where(active, p, 0.0)
    apart = disagreement(len(p), weights)
    everyone, raters = p.sum(axis=-1), active.sum(axis=-1)
    with_self = expected_disagreement(apart, p, p).sum(axis=-1)
    with_others = expected_disagreement(apart, everyone, everyone) - with_self
    expected = ratio(with_others, np.asarray(raters * (raters - 1.0)))
    return chance_corrected(_seen(tables, weights), expected)


def gwet_ac(tables: RaterTables, weights: str = "identity") -> Array:
    """AC1 (Gwet 2008) and, with weights, AC2 (Gwet 2014)."""
    p = shares(tables.share, 1)[0]
    expected = expected_by_gwet(disagreement(len(p), weights), p)
    return chance_corrected(_seen(tables, weights), expected)


def brennan_prediger(tables: RaterTables, weights: str = "identity") -> Array:
    """Brennan and Prediger 1981. Chance: every label is as likely as any other."""
    apart = disagreement(tables.pairs.shape[-1], weights)
    return chance_corrected(_seen(tables, weights), expected_if_uniform(apart))


def krippendorff_alpha(
    tables: RaterTables, weights: str = "identity", values: Sequence[float] | None = None
) -> Array:
    """Krippendorff's α; ``weights`` may also name a metric: nominal, ordinal, interval or ratio.

    ``values`` are the labels' numbers for interval and ratio, by default their positions 0 … K−1.
    """
    t, n = shares(tables.coincidence)
    return alpha(t, n, weights, None if values is None else np.asarray(values, dtype=np.float64))


def _seen(tables: RaterTables, weights: str) -> Array:
    t = shares(tables.pairs)[0]
    return observed_disagreement(disagreement(len(t), weights), t)


RATER_STATISTICS: dict[str, RaterStatistic] = {
    "percent_agreement": percent_agreement,
    "fleiss_kappa": fleiss_kappa,
    "conger_kappa": conger_kappa,
    "gwet_ac": gwet_ac,
    "brennan_prediger": brennan_prediger,
    "krippendorff_alpha": krippendorff_alpha,
}


def rater_undefined_reason(name: str, tables: RaterTables, labels: Sequence[str]) -> str:
    """Why the statistic of summed tables is NaN, in words; empty where it is not."""
    if not np.isnan(RATER_STATISTICS[name](tables)):
        return ""
    t, n = shares(tables.coincidence)
    if np.isnan(n):
        return "undefined: no case has two people's labels"
    if name == "krippendorff_alpha" and n <= 1:
        return "undefined: the weights add up to one label or less"
    return f"undefined: every label that can be compared is {labels[int(t.sum(axis=0).argmax())]!r}"
