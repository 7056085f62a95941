"""How two orders of the models compare: figures of each model's share of the positive label."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from judges.chance import Array, ratio
from judges.intervals import PAIRS, TIE, pairwise_signs, places, sign_correlation

MOST = 3  # of the best models that the top is made of


@dataclass(frozen=True)
class Orders:
    """People's shares and the judge's, (N, models) each, and the signs of all differences.

    A figure of it has one value per row: a point, or a resample; NaN where a share is NaN, or where
    the figure is undefined.
    """

    people: Array
    judge: Array
    people_signs: Array  # (N, pairs of models)
    judge_signs: Array


RankingStatistic = Callable[[Orders], Array]


def ranked(people: Array, judge: Array) -> dict[str, Array]:
    """Every ranking figure of the shares (..., models): (...), some rows at a time."""
    rows = [np.reshape(side, (-1, side.shape[-1])) for side in (people, judge)]
    step = max(1, PAIRS // max(1, people.shape[-1] ** 2))
    parts: dict[str, list[Array]] = {name: [] for name in RANKING_STATISTICS}
    for start in range(0, len(rows[0]), step):
        a, b = (side[start : start + step] for side in rows)
        orders = Orders(a, b, pairwise_signs(a), pairwise_signs(b))
        for name, statistic in RANKING_STATISTICS.items():
            parts[name].append(statistic(orders))
    return {name: np.concatenate(p).reshape(people.shape[:-1]) for name, p in parts.items()}


def top_size(models: int) -> int:
    """How many models make up the top: three, or fewer where that were more than half of them."""
    return max(1, min(MOST, models // 2))


def _spearman(orders: Orders) -> Array:
    return _correlation(orders, "spearman")


def _kendall(orders: Orders) -> Array:
    return _correlation(orders, "kendall")


def _correlation(orders: Orders, kind: str) -> Array:
    models = orders.people.shape[1]
    return sign_correlation(orders.people_signs, orders.judge_signs, kind, models)


def _pairs_in_order(orders: Orders) -> Array:
    """The share of the pairs that people's labels order which the judge's order the same way.

    Pairs that people tie are left out; a pair that only the judge ties is not in order.
    """
    both = orders.people_signs * orders.judge_signs
    ordered = np.abs(orders.people_signs).sum(axis=1)
    return ratio(np.where(np.isnan(both), np.nan, both > 0).sum(axis=1), ordered)


def _top(orders: Orders) -> Array:
    """The share of people's best models that are among the judge's best; ties share a place."""
    k = top_size(orders.people.shape[1])
    shared = np.minimum(_membership(orders.people, k), _membership(orders.judge, k))
    return np.asarray(shared.sum(axis=1) / k)


def _membership(scores: Array, k: int) -> Array:
    """1 for a model among the k best, 0 for none; those tied for the last places share them."""
    cut = np.sort(scores, axis=-1)[..., -k, None]
    rounding = TIE * np.abs(scores).max(axis=-1, keepdims=True)
    above = (scores > cut + rounding).astype(np.float64)
    level = (np.abs(scores - cut) <= rounding).astype(np.float64)
    left = k - above.sum(axis=-1, keepdims=True)
    inside = above + level * left / np.maximum(level.sum(axis=-1, keepdims=True), 1)
    return np.where(np.isnan(cut + rounding), np.nan, inside)


def _largest_rank_change(orders: Orders) -> Array:
    """By how many places the model moves that moves farthest; ties are at their average place."""
    moved = places(orders.people_signs - orders.judge_signs, orders.people.shape[1])
    return np.asarray(np.abs(moved).max(axis=1))


def _mean_absolute_error(orders: Orders) -> Array:
    return np.asarray(np.abs(orders.judge - orders.people).mean(axis=1))


def _worst_absolute_error(orders: Orders) -> Array:
    return np.asarray(np.abs(orders.judge - orders.people).max(axis=1))


RANKING_STATISTICS: dict[str, RankingStatistic] = {
    "spearman": _spearman,
    "kendall": _kendall,
    "mean_absolute_error": _mean_absolute_error,
    "worst_absolute_error": _worst_absolute_error,
    "pairs_in_order": _pairs_in_order,
    "top_models": _top,
    "largest_rank_change": _largest_rank_change,
}
WORSE_WHEN_HIGH = ("mean_absolute_error", "worst_absolute_error", "largest_rank_change")


def farthest(name: str, people: Array, off: Array) -> float:
    """How bad the figure can be where each model's share by the judge may be ``off`` people's.

    Two kinds of moves are tried: any two models towards each other and past, or all of them
    towards the middle and past it; for errors, all of them as far as they may.
    """
    if name.endswith("error"):
        return float(ranked(people, people + off)[name])
    above, below = np.nonzero(people[:, None] > people)
    pairs = np.zeros((len(above), len(people)))
    pairs[np.arange(len(above)), above] = -off[above]
    pairs[np.arange(len(below)), below] = off[below]
    middle = np.linspace(0, 1, 21)[:, None] * off * np.sign(np.median(people) - people)
    moved = people + np.concatenate([pairs, middle])
    values = ranked(np.broadcast_to(people, moved.shape), moved)[name]
    return float(np.nanmax(values) if name in WORSE_WHEN_HIGH else np.nanmin(values))
