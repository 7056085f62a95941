"""Bounds that hold at any time, however often one looks: for a share, and for a κ.

A bet that a figure is above c is fair or worse while the figure is at most c; so whoever looks
after every label sees its wealth grow 1 / p times with probability p at most (Ville 1939). The
figures that it can't grow against are a confidence sequence (Waudby-Smith and Ramdas 2024,
"Estimating means of bounded random variables by betting", J. R. Stat. Soc. B 86). The stakes are
theirs called diversified Kelly: wealth is spread over fixed stakes, which makes it independent of
the order of what was seen, and the bound a bisection.

What is drawn is a question with its cases, as a (K, K) table of weights. A bet wins or loses by a
sum over cells, and never more than its stake, because no question weighs more than ``heaviest``,
which is known before anything is labelled.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from judges.chance import Array, disagreement

STAKES = np.geomspace(0.01, 0.99, 16)
STEPS = 24  # of a bisection: to 1e-7

Bet = Callable[[float], Array]  # c → what each draw wins, −1 or more


def log_wealth(gains: Array) -> Array:
    """The logarithm of the wealth after each draw (T,), from what each draw wins per stake."""
    grown = np.cumsum(np.log1p(STAKES[:, None] * gains), axis=1)
    return np.asarray(logsumexp(grown, axis=0) - math.log(len(STAKES)))


@dataclass(frozen=True)
class Bets:
    """Bets on both sides of c, and between what the figure lies; ``draws`` is how many there are.

    What ``above`` wins falls as c rises, what ``below`` wins rises: each bound is a bisection.
    """

    above: Bet
    below: Bet
    lowest: float
    highest: float
    draws: int

    def interval(self, tail: float) -> tuple[float, float]:
        """Bounds each of which is wrong, at any time whatever, with probability ``tail`` at most.

        They are for the draws so far, whenever that is; not for the best moment of the past.
        """
        if not self.draws:
            return self.lowest, self.highest
        low = self._bisect(self.above, self.lowest, self.highest, tail)
        return low, self._bisect(self.below, self.highest, self.lowest, tail)

    def _bisect(self, bet: Bet, safe: float, far: float, tail: float) -> float:
        """How far from the ``safe`` end a bet still won."""
        for _ in range(STEPS):
            middle = (safe + far) / 2
            won = float(log_wealth(bet(middle))[-1]) >= -math.log(tail)
            safe, far = (middle, far) if won else (safe, middle)
        return safe


@dataclass(frozen=True)
class Share:
    """A ratio of two sums over cells, such as sensitivity; ``lowest`` is 0, or −1 of leniency."""

    numerator: Array  # (K, K)
    denominator: Array
    lowest: float = 0.0

    def bets(self, tables: Array, heaviest: float) -> Bets:
        """On ``tables`` (T, K, K): the ratio of means is above c where a − c · b is above 0."""
        a, b = ((tables * part).sum(axis=(1, 2)) for part in (self.numerator, self.denominator))

        def most(c: float, sign: int) -> float:
            """The worst that one draw can do."""
            return float((sign * (c * self.denominator - self.numerator)).max()) * heaviest

        return Bets(
            lambda c: (a - c * b) / most(c, 1),
            lambda c: (c * b - a) / most(c, -1),
            self.lowest,
            1.0,
            len(tables),
        )


@dataclass(frozen=True)
class Corrected:
    """A coefficient 1 − D_o / D_e whose D_e is what two independent cases differ by on average.

    So it is above c where (1 − c) · D_e − D_o is above 0 on average over pairs of questions, each
    used once: D_o is of both, D_e of one's labels against the other's. Nothing is approximated.
    """

    apart: Array  # (K, K)
    chance: str  # whose labels meet by chance: "sides" (Cohen), "pooled" (Scott), "gwet", "uniform"

    def bets(self, tables: Array, heaviest: float) -> Bets:
        """On ``tables`` (T, K, K), taken two by two; an odd one out is left out."""
        first, second = tables[0 : len(tables) // 2 * 2 : 2], tables[1::2]
        one, two = first.sum(axis=(1, 2)), second.sum(axis=(1, 2))
        d_one, d_two = ((t * self.apart).sum(axis=(1, 2)) for t in (first, second))
        seen = (one * d_two + two * d_one) / 2 / heaviest**2
        expected = self._expected(first, second) / heaviest**2
        return Bets(
            lambda c: (1 - c) * expected - seen,
            lambda c: seen / (1 - c) - expected,
            -1.0,
            1.0,
            len(first),
        )

    def _expected(self, first: Array, second: Array) -> Array:
        """What labels of one question differ from labels of the other, by pairs: (T / 2,)."""
        weight = first.sum(axis=(1, 2)) * second.sum(axis=(1, 2))
        if self.chance == "uniform":
            return np.asarray(weight * self.apart.mean())
        (p, q), (r, s) = ((t.sum(axis=2), t.sum(axis=1)) for t in (first, second))
        if self.chance == "sides":
            return (_meet(p, s, self.apart) + _meet(r, q, self.apart)) / 2
        pooled = (p + q) / 2, (r + s) / 2
        if self.chance == "pooled":
            return _meet(*pooled, self.apart)
        k = len(self.apart)
        part = (k * k - self.apart.sum()) / (k * (k - 1))
        return np.asarray(weight - part * _meet(*pooled, disagreement(k)))


def _meet(p: Array, q: Array, apart: Array) -> Array:
    return np.asarray(np.einsum("ti,ij,tj->t", p, apart, q))


def figures(k: int) -> dict[str, Share | Corrected]:
    """The statistics that can be followed label by label, by name; the others have no such bound.

    Krippendorff's α is followed without its correction for few labels: both estimate one figure.
    """
    hit, everything = np.eye(k), np.ones((k, k))
    row = np.zeros((k, k))
    row[-1] = 1.0  # people say positive
    column, both = row.T, row * row.T
    misses, alarms = row - both, column - both
    plain, linear, quadratic = (
        disagreement(k, weights) for weights in ("identity", "linear", "quadratic")
    )
    return {
        "accuracy": Share(hit, everything),
        "sensitivity": Share(both, row),
        "specificity": Share((1 - row) * (1 - column), 1 - row),
        "positive_predictive_value": Share(both, column),
        "negative_predictive_value": Share((1 - row) * (1 - column), 1 - column),
        "f1": Share(2 * both, row + column),
        "leniency": Share(alarms - misses, everything, -1.0),
        "cohen_kappa": Corrected(plain, "sides"),
        "cohen_kappa_linear": Corrected(linear, "sides"),
        "cohen_kappa_quadratic": Corrected(quadratic, "sides"),
        "scott_pi": Corrected(plain, "pooled"),
        "krippendorff_alpha": Corrected(plain, "pooled"),
        "krippendorff_alpha_interval": Corrected(quadratic, "pooled"),
        "gwet_ac1": Corrected(plain, "gwet"),
        "gwet_ac2": Corrected(quadratic, "gwet"),
        "brennan_prediger": Corrected(plain, "uniform"),
    }
