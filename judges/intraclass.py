"""Intraclass correlations: how far people who rate on a scale of numbers rate alike.

Shrout and Fleiss (Intraclass correlations: uses in assessing rater reliability, Psychological
Bulletin 86(2), 1979, 420–428), after a two-way analysis of variance of cases and raters.
"""

from typing import NamedTuple

import numpy as np

from judges.chance import Array, ratio


class MeanSquares(NamedTuple):
    """Of the analysis of variance of n cases × k raters; leading axes are resamples."""

    cases: Array  # BMS
    raters: Array  # JMS
    error: Array  # EMS
    within: Array  # WMS: of raters and error together
    n: Array
    k: int


def mean_squares(ratings: Array, weights: Array | None = None) -> MeanSquares:
    """Mean squares of complete ``ratings`` (cases, raters); once per row of ``weights`` (…, cases).

    A weight is how often a case counts, so that a bootstrap is a product of matrices.
    """
    n_cases, k = ratings.shape
    w = np.ones(n_cases) if weights is None else np.asarray(weights, dtype=np.float64)
    x = ratings - ratings.mean()  # nothing here depends on where the scale starts
    n = w.sum(axis=-1)
    by_rater = w @ x  # (…, k)
    middle = by_rater.sum(axis=-1) ** 2 / (n * k)
    total = w @ (x**2).sum(axis=1) - middle
    between = w @ (x.sum(axis=1) ** 2) / k - middle
    raters = (by_rater**2).sum(axis=-1) / n - middle
    error = np.maximum(total - between - raters, 0.0)
    return MeanSquares(
        between / (n - 1), raters / (k - 1), error / ((n - 1) * (k - 1)),
        (total - between) / (n * (k - 1)), n, k,
    )  # fmt: skip


def intraclass(squares: MeanSquares, model: int, averaged: bool = False) -> Array:
    """ICC(model, 1), or ICC(model, k) where the raters' means are used.

    Model 1: each case has other raters. 2: the same raters, a sample of many. 3: these raters and
    no others. NaN where nothing varies.
    """
    cases, raters, error, within, n, k = squares
    apart = {1: within, 2: error, 3: error}[model]
    if averaged:
        between_raters = (raters - error) / n if model == 2 else np.zeros_like(cases)
        return ratio(cases - apart, np.asarray(cases + between_raters))
    between_raters = k * (raters - error) / n if model == 2 else np.zeros_like(cases)
    return ratio(cases - apart, np.asarray(cases + (k - 1) * apart + between_raters))
