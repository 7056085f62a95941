"""Standard errors of people's agreement by a formula, beside which a bootstrap can be held.

Gwet (Handbook of Inter-Rater Reliability, 4th ed., 2014, chapter 5) gives each coefficient's
linearised value per subject. It is the coefficient's derivative by the subject's weight, so one
numerical derivative of the statistics themselves serves them all, and clusters of subjects too.
"""

from collections.abc import Callable

import numpy as np

from judges.chance import Array, alpha, shares
from judges.raters import RATER_STATISTICS, RaterTables

STEP = 1e-4  # of a cluster's weight; the central difference is off by its square


def standard_error(name: str, tables: RaterTables, weights: str = "identity") -> float:
    """√(n / (n − 1) · Σ influence²) over the first axis of ``tables``: cases, or clusters of them.

    As in Gwet's variances, raters are taken as fixed and so is the share of cases that two people
    labelled; α is without its factor n / (n − 1). NaN where the coefficient is undefined.
    """
    statistic = _without_factor if name == "krippendorff_alpha" else RATER_STATISTICS[name]
    if name == "krippendorff_alpha":  # Krippendorff's cases have two labels or more
        tables = _paired(tables)
    n = len(tables.pairs)
    if n < 2:
        return float("nan")
    moved = influences(lambda summed: statistic(summed, weights), tables)
    paired, labelled = tables.pairs.sum(axis=(1, 2)), tables.share.sum(axis=1)
    value = float(statistic(tables.sum(), weights))
    moved += value * (paired / paired.sum() - labelled / labelled.sum())
    return float(np.sqrt(n / (n - 1) * np.sum(moved**2)))


def influences(statistic: Callable[[RaterTables], Array], tables: RaterTables) -> Array:
    """How the statistic of the sum moves per unit of each row's weight: (n,)."""
    total = tables.sum()
    ends = [statistic(total.plus(tables, side * STEP)) for side in (1, -1)]
    return np.asarray((ends[0] - ends[1]) / (2 * STEP))


def _paired(tables: RaterTables) -> RaterTables:
    return tables.only(tables.pairs.sum(axis=(1, 2)) > 0)


def _without_factor(tables: RaterTables, weights: str) -> Array:
    """α of very many labels in the same proportions: 1 − D_o / D_e, chances with replacement."""
    t, n = shares(tables.coincidence)
    return alpha(t, np.where(np.isnan(n), n, 1e18), weights)
