"""Agreement between a judge and people: statistics as functions of weighted count tables.

A judge's table has a row for each label people can give and a column for each label the judge can
give, plus one last column for the cases the judge failed on. A table is a sum over cases, so the
point, 10,000 resamples, every slice and every jackknife replicate are tables too, and one function
serves them all: (..., K, K) in, (...) out, NaN where the figure is undefined, never 0 or 1.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from judges.chance import (
    Array,
    IntArray,
    Shares,
    alpha,
    chance_corrected,
    disagreement,
    expected_by_gwet,
    expected_disagreement,
    expected_if_uniform,
    mid_ranks,
    observed_disagreement,
    ratio,
    shares,
)
from judges.meaning import MEANING, SAME_ON_TWO_LABELS

__all__ = [
    "MEANING",
    "SAME_ON_TWO_LABELS",
    "STATISTICS",
    "Array",
    "IntArray",
    "Shares",
    "Statistic",
    "failures_count_as_wrong",
    "failures_left_out",
    "farthest_label",
    "judge_cells",
    "shares",
    "undefined_reason",
]

Statistic = Callable[[Array | Shares], Array]


def judge_cells(reference: IntArray, verdict: IntArray, k: int) -> IntArray:
    """Each case's cell in a flat K × (K+1) table; a verdict of K means that the judge failed."""
    if np.any((reference < 0) | (reference >= k)) or np.any((verdict < 0) | (verdict > k)):
        raise ValueError(f"references must be coded 0..{k - 1} and verdicts 0..{k}")
    return np.asarray(reference * (k + 1) + verdict, dtype=np.int64)


def farthest_label(k: int) -> IntArray:
    """For each label the one farthest from it; the middle of an odd scale goes to the positive."""
    labels = np.arange(k)
    return np.where(2 * labels <= k - 1, k - 1, 0).astype(np.int64)


def failures_left_out(tables: Array) -> Array:
    """The (..., K, K) tables over the cases that the judge decided."""
    return tables[..., :-1]


def failures_count_as_wrong(tables: Array) -> Array:
    """The (..., K, K) tables in which a failure is the worst verdict the judge could have given.

    A failure on a case that people call i moves to the label farthest from i: with two labels the
    other one.
    """
    k = tables.shape[-2]
    filled = tables[..., :k].copy(order="K")
    filled[..., np.arange(k), farthest_label(k)] += tables[..., k]
    return filled


# The formulas: of the shares t (K, K, ...), people's labels first, the judge's second.


def _accuracy(t: Array) -> Array:
    agree = np.asarray(np.einsum("ii...->...", t))
    return ratio(agree, agree + observed_disagreement(disagreement(len(t)), t))


def _cohen_kappa(t: Array, weights: str = "identity") -> Array:
    """Cohen 1960; weighted: Cohen 1968. Chance: each side keeps its own label shares."""
    apart = disagreement(len(t), weights)
    expected = expected_disagreement(apart, *_sides(t))
    return chance_corrected(observed_disagreement(apart, t), expected)


def _scott_pi(t: Array) -> Array:
    """Scott 1955. Chance: both sides draw from their common label shares."""
    apart, p = disagreement(len(t)), _both(t)
    return chance_corrected(observed_disagreement(apart, t), expected_disagreement(apart, p, p))


def _gwet(t: Array, weights: str = "identity") -> Array:
    """AC1 (Gwet 2008) and, with weights, AC2 (Gwet 2014)."""
    apart = disagreement(len(t), weights)
    return chance_corrected(observed_disagreement(apart, t), expected_by_gwet(apart, _both(t)))


def _brennan_prediger(t: Array) -> Array:
    """Brennan and Prediger 1981; with two labels 2 · accuracy − 1."""
    apart = disagreement(len(t))
    return chance_corrected(observed_disagreement(apart, t), expected_if_uniform(apart))


def _matthews(t: Array) -> Array:
    """MCC (Matthews 1975); for more labels R_K (Gorodkin 2004)."""
    apart = disagreement(len(t))
    expected = expected_disagreement(apart, *_sides(t))
    return ratio(expected - observed_disagreement(apart, t), _untied(t))


def _kendall(t: Array) -> Array:
    """τ-b (Kendall 1945): concordant minus discordant pairs over the pairs that are not tied."""
    labels = np.arange(len(t))
    order = np.sign(labels[:, None] - labels).astype(np.float64)
    net = np.einsum("ik,jl,kl...->ij...", order, order, t, optimize=True)
    return ratio((t * net).sum(axis=(0, 1)), _untied(t))


def _pearson(t: Array) -> Array:
    """Pearson's r (1895) of the labels' positions 0 … K−1."""
    positions = np.arange(len(t), dtype=np.float64).reshape((-1,) + (1,) * (t.ndim - 2))
    return _correlation(t, positions, positions)


def _spearman(t: Array) -> Array:
    """Spearman's ρ (1904), ties at their average rank, which the label shares give."""
    people, judge = _sides(t)
    return _correlation(t, mid_ranks(people), mid_ranks(judge))


def _correlation(t: Array, x: Array, y: Array) -> Array:
    people, judge = _sides(t)
    x, y = x - (people * x).sum(axis=0), y - (judge * y).sum(axis=0)
    together = (t * x[:, None] * y[None, :]).sum(axis=(0, 1))
    spread = (people * x**2).sum(axis=0) * (judge * y**2).sum(axis=0)
    # Centring leaves rounding behind, so whether both sides vary is asked of the shares.
    return ratio(together, np.where(_untied(t) > 0, np.sqrt(spread), 0.0))


def _untied(t: Array) -> Array:
    """Share of the pairs of cases with two labels: geometric mean of people's and the judge's."""
    apart = disagreement(len(t))
    people, judge = (expected_disagreement(apart, p, p) for p in _sides(t))
    return np.asarray(np.sqrt(people * judge))


def _sides(t: Array) -> tuple[Array, Array]:
    """People's label shares and the judge's."""
    return t.sum(axis=1), t.sum(axis=0)


def _both(t: Array) -> Array:
    people, judge = _sides(t)
    return np.asarray((people + judge) / 2)


def _sensitivity(t: Array) -> Array:
    return ratio(t[-1, -1], t[-1, -1] + t[-1, :-1].sum(axis=0))


def _specificity(t: Array) -> Array:
    rejected = t[:-1, :-1].sum(axis=(0, 1))
    return ratio(rejected, rejected + t[:-1, -1].sum(axis=0))


def _f1(t: Array) -> Array:
    """van Rijsbergen 1979: the harmonic mean of sensitivity and positive predictive value."""
    hits = 2 * t[-1, -1]
    return ratio(hits, hits + t[-1, :-1].sum(axis=0) + t[:-1, -1].sum(axis=0))


def _balanced_accuracy(t: Array) -> Array:
    """Brodersen et al. 2010: mean share of hits over the labels people used, two at least."""
    people = t.sum(axis=1)
    hits = np.where(people > 0, ratio(np.einsum("ii...->i...", t), people), 0.0)
    used = np.asarray((people > 0).sum(axis=0))
    return ratio(hits.sum(axis=0), np.where(used > 1, used, 0))


def _leniency(t: Array) -> Array:
    """The judge's share of the positive label minus people's: false alarms minus misses."""
    return np.asarray(t[:-1, -1].sum(axis=0) - t[-1, :-1].sum(axis=0))


def _of_tables(formula: Callable[[Array], Array], lowest: float = -1.0) -> Statistic:
    """Let a formula of shares (K, K, ...) take weighted counts (..., K, K).

    Rounding may step outside the statistic's range, ``lowest`` to 1, and is cut off there.
    """

    def statistic(tables: Array | Shares) -> Array:
        return np.clip(formula(_shared(tables).t), lowest, 1.0)

    return statistic


def _shared(tables: Array | Shares) -> Shares:
    return tables if isinstance(tables, Shares) else shares(tables)


def _of_transposed(formula: Callable[[Array], Array]) -> Statistic:
    """The same question the other way round: given the judge's label, what do people say?"""
    return _of_tables(lambda t: formula(np.swapaxes(t, 0, 1)))


def _alpha(metric: str) -> Statistic:
    """Krippendorff's α of two raters: each case gives two coincidences, (i, j) and (j, i).

    The total weight plays the number of cases (see `judges.chance.alpha`).
    """

    def statistic(tables: Array | Shares) -> Array:
        t, cases = _shared(tables)
        return np.clip(alpha((t + np.swapaxes(t, 0, 1)) / 2, 2 * cases, metric), -1.0, 1.0)

    return statistic


STATISTICS: dict[str, Statistic] = {
    "accuracy": _of_tables(_accuracy),
    "cohen_kappa": _of_tables(_cohen_kappa),
    "cohen_kappa_linear": _of_tables(partial(_cohen_kappa, weights="linear")),
    "cohen_kappa_quadratic": _of_tables(partial(_cohen_kappa, weights="quadratic")),
    "scott_pi": _of_tables(_scott_pi),
    "gwet_ac1": _of_tables(_gwet),
    "gwet_ac2": _of_tables(partial(_gwet, weights="quadratic"), lowest=-np.inf),
    "brennan_prediger": _of_tables(_brennan_prediger),
    "krippendorff_alpha": _alpha("nominal"),
    "krippendorff_alpha_ordinal": _alpha("ordinal"),
    "krippendorff_alpha_interval": _alpha("interval"),
    "mcc": _of_tables(_matthews),
    "spearman": _of_tables(_spearman),
    "kendall": _of_tables(_kendall),
    "pearson": _of_tables(_pearson),
    "sensitivity": _of_tables(_sensitivity),
    "specificity": _of_tables(_specificity),
    "positive_predictive_value": _of_transposed(_sensitivity),
    "negative_predictive_value": _of_transposed(_specificity),
    "f1": _of_tables(_f1),
    "balanced_accuracy": _of_tables(_balanced_accuracy),
    "leniency": _of_tables(_leniency),
}

_NOBODY_SAYS_POSITIVE = {
    "sensitivity": "people never say",
    "positive_predictive_value": "the judge never says",
    "f1": "neither people nor the judge ever say",
}
_ONLY_THE_JUDGE_MUST_VARY = ("negative_predictive_value",)


def undefined_reason(name: str, table: Array, labels: Sequence[str]) -> str:
    """Why the statistic of one (K, K) table is NaN, in words; empty where it is not."""
    if not np.isnan(STATISTICS[name](table)):
        return ""
    t, total = shares(table)
    if np.isnan(total):
        return "undefined: no cases"
    if name.startswith("krippendorff_alpha") and 2 * total <= 1:
        return "undefined: the weights add up to half a case or less"
    if name in _NOBODY_SAYS_POSITIVE:
        return f"undefined: {_NOBODY_SAYS_POSITIVE[name]} {labels[-1]!r}"
    people, judge = (labels[int(p.argmax())] if (p > 0).sum() == 1 else None for p in _sides(t))
    if people is not None and people == judge:
        return f"undefined: every label is {people!r}"
    if name in _ONLY_THE_JUDGE_MUST_VARY or people is None:
        return f"undefined: the judge always says {judge!r}"
    return f"undefined: people always say {people!r}"
