"""A logistic model with errors that hold where answers come in clusters, such as questions."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, stdtr, stdtrit

from judges.agreement import Array, IntArray

ROUNDS = 50
SAME = 1e-10  # a step this small, in standard deviations of a column, is none
SEPARATED = "no estimate: what is asked about tells every verdict (complete separation)"
ONE_CLUSTER = "no interval: all answers are to one question"


@dataclass(frozen=True)
class Fit:
    """Coefficients (P,), their cluster-robust covariance (P, P), and what they rest on."""

    coefficients: Array
    covariance: Array
    clusters: int
    fitted: Array  # (n,) probabilities
    why: str = ""  # why there is no estimate

    def interval(self, which: int, confidence: float) -> tuple[float, float]:
        """Both ends by Student's t with clusters − 1 degrees of freedom."""
        half = stdtrit(self.clusters - 1, (1 + confidence) / 2) * self.error(which)
        middle = float(self.coefficients[which])
        return middle - float(half), middle + float(half)

    def p_value(self, which: int) -> float:
        """Two-sided, of no effect."""
        return float(
            2 * stdtr(self.clusters - 1, -abs(self.coefficients[which] / self.error(which)))
        )

    def error(self, which: int) -> float:
        return float(np.sqrt(self.covariance[which, which]))


def logistic(y: Array, x: Array, cluster: IntArray, weight: Array) -> Fit:
    """Maximum likelihood by Newton's steps, of outcomes y (n,) of 0 and 1 on columns x (n, P).

    The covariance is the sandwich of Liang and Zeger (1986) with scores summed by cluster, times
    G/(G − 1) · (n − 1)/(n − P) for G clusters (Cameron and Miller 2015, section II).
    """
    n, columns = x.shape
    clusters = len(np.unique(cluster))
    scale = np.sqrt((x**2).mean(axis=0))
    found = _newton(y, x / scale, weight) if scale.all() else None
    none = np.full((columns, columns), np.nan)
    if found is None or clusters < 2:
        why = SEPARATED if found is None else ONE_CLUSTER
        return Fit(none[0], none, clusters, np.full(n, np.nan), why)
    bread = found[1]
    fitted = expit(x / scale @ found[0])
    scores = np.zeros((int(cluster.max()) + 1, columns))
    np.add.at(scores, cluster, (weight * (y - fitted))[:, None] * (x / scale))
    covariance = bread @ (scores.T @ scores) @ bread
    covariance *= clusters / (clusters - 1) * (n - 1) / (n - columns)
    return Fit(found[0] / scale, covariance / np.outer(scale, scale), clusters, fitted)


def _newton(y: Array, x: Array, weight: Array) -> tuple[Array, Array] | None:
    """The coefficients and the inverse of the information there; None where they have no limit.

    Under separation the steps stay as long as they are until the information is used up.
    """
    at = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        p = expit(x @ at)
        information = (x * (weight * p * (1 - p))[:, None]).T @ x
        if np.linalg.cond(information) > 1 / np.finfo(float).eps:
            return None
        step = np.linalg.solve(information, x.T @ (weight * (y - p)))
        if np.abs(step).max() < SAME:
            return at, np.linalg.inv(information)
        here = _log_likelihood(y, x @ at, weight)
        least = here - SAME * abs(here)  # rounding is no descent
        while _log_likelihood(y, x @ (at + step), weight) < least and np.abs(step).max() > SAME:
            step = step / 2
        at = at + step
    return None


def _log_likelihood(y: Array, logit: Array, weight: Array) -> float:
    return float(np.sum(weight * (y * logit - np.logaddexp(0, logit))))
