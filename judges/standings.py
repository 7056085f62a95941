"""Which models the answers tell apart: every two of them on the questions that both answered.

All pairs at once: each sum over common questions is an entry of a matrix product, so that 2,556
pairs of 72 models cost what a few do. The test is that of judges.paired, with Holm's correction
over all pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from judges.agreement import Array, IntArray
from judges.chance import BoolArray
from judges.comparisons import holm
from judges.paired import detectable, p_value, unseen

MOST_PAIRS = 5000  # beyond it the file keeps each model's neighbours only
NEIGHBOURS = 20
METHOD = (
    "each two on the questions that both answered; variance by question, Student's t, Holm's"
    " correction over all pairs"
)
GROUPED = (
    "models that share a letter stand next to each other and no two of them can be told apart;"
    " two without a common letter need not differ: the pairs say"
)


class Counts(NamedTuple):
    """One task: answers, right ones and judge's failures by question and entry, (Q, E) each."""

    items: IntArray  # (Q,): the items' numbers in the study
    right: Array
    answers: Array
    failed: Array


@dataclass(frozen=True)
class Pairs:
    """Every entry (row) minus every other (column), over the mean of all tasks; (E, E) each.

    NaN where two have no common question in some task.
    """

    difference: Array
    error: Array  # standard error
    freedom: Array
    low: Array
    high: Array
    p: Array
    p_holm: Array
    pairs: int  # that were tested


def compare_all(tasks: Sequence[Counts], ranked: BoolArray, confidence: float) -> Pairs:
    """All pairs of the ranked entries."""
    entries = len(ranked)
    difference, variance, spread, none, apart = np.zeros((5, entries, entries))
    for task in tasks:
        d, v, m, differ = _one_task(task)
        difference += d / len(tasks)
        variance += v / len(tasks) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            spread += np.where(v > 0, (v / len(tasks) ** 2) ** 2 / (m - 1), 0.0)
        none += unseen(m, confidence) / len(tasks)
        apart += differ
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(spread > 0, variance**2 / spread, 1e9)
    error = np.sqrt(variance)
    half = np.where(error > 0, stdtrit(freedom, (1 + confidence) / 2) * error, none)
    first, second = np.triu_indices(entries, k=1)
    tested = ranked[first] & ranked[second]
    first, second = first[tested], second[tested]
    at = first, second
    p = np.nan_to_num(p_value(difference[at], error[at], freedom[at], apart[at]), nan=1.0)
    return Pairs(
        difference,
        error,
        freedom,
        np.maximum(difference - half, -1.0),
        np.minimum(difference + half, 1.0),
        _square(at, p, entries),
        _square(at, holm(p), entries),
        len(p),
    )


def _one_task(task: Counts) -> tuple[Array, Array, Array, Array]:
    """Differences, their variances, common questions, and on how many of those two differ.

    Where a is right in r of its n answers to a question and b in s of k, the difference is
    Σr/Σn − Σs/Σk over the common questions, and a question adds (r − ρn)/Σn − (s − σk)/Σk to it;
    the squares of that are multiplied out into sums that are matrix products.
    """
    r, n = task.right, task.answers
    h = (n > 0).astype(np.float64)
    m = h.T @ h
    m = np.where(m > 0, m, np.nan)
    total = n.T @ h  # [a, b]: a's answers to what b answered too
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (r.T @ h) / total
        square = (r * r).T @ h - 2 * rate * ((r * n).T @ h) + rate**2 * ((n * n).T @ h)
        rn = r.T @ n
        cross = r.T @ r - rate.T * rn - rate * rn.T + rate * rate.T * (n.T @ n)
        own = square / total**2
        v = (own + own.T - 2 * cross / (total * total.T)) * m / (m - 1)
        v[v < 1e-15] = 0.0  # what rounding leaves of nothing
    return rate - rate.T, v, m, _apart(r, n)


def _apart(r: Array, n: Array) -> Array:
    """On how many common questions each two entries have another share of right answers."""
    share = np.divide(r, n, out=np.full_like(r, np.nan), where=n > 0)
    given = ~np.isnan(share)
    common = given.astype(np.float32)
    alike = [(share == one).astype(np.float32) for one in np.unique(share[given])]
    same = sum((one.T @ one for one in alike), np.zeros((r.shape[1], r.shape[1]), np.float32))
    return np.asarray(common.T @ common - same, dtype=np.float64)


def _square(at: tuple[Any, Any], values: Array, size: int) -> Array:
    made = np.full((size, size), np.nan)
    made[at] = made[at[::-1]] = values
    return made


def ranks(pairs: Pairs, totals: Array, alpha: float) -> dict[int, tuple[int, int]]:
    """The ranks that each entry may hold: (best, worst), equal where nothing else is possible.

    Best is one more than the entries that are shown to be better, worst is what is left below
    those shown to be worse.
    """
    ranked = np.flatnonzero(~np.isnan(totals))
    shown = pairs.p_holm < alpha
    better = (shown & (pairs.difference < 0)).sum(axis=1)
    worse = (shown & (pairs.difference > 0)).sum(axis=1)
    return {int(e): (1 + int(better[e]), len(ranked) - int(worse[e])) for e in ranked}


def letters(pairs: Pairs, totals: Array, alpha: float) -> dict[int, str]:
    """Each entry's groups as letters, "a" at the top: runs in which nobody is told apart.

    Every longest run of neighbours in the order of ``totals`` in which no two differ is a group,
    so that there are never more groups than entries. A set of all that can't be told apart,
    neighbours or not, may belong to thousands of groups.
    """
    order = [int(e) for e in np.argsort(-totals, kind="stable") if not np.isnan(totals[e])]
    runs: list[range] = []
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not np.any(pairs.p_holm[order[end], order[start:end]] < alpha):
            end += 1
        if not runs or end > runs[-1].stop:
            runs.append(range(start, end))
    names: dict[int, list[str]] = {e: [] for e in order}
    for place, run in enumerate(runs):
        for member in run:
            names[order[member]].append(_letter(place))
    return {e: (" " if len(runs) > 26 else "").join(own) for e, own in names.items()}


def _letter(place: int) -> str:
    """a to z, then aa, ab …"""
    more, last = divmod(place, 26)
    return (_letter(more - 1) if more else "") + chr(ord("a") + last)


def smallest_difference(pairs: Pairs, confidence: float) -> dict[str, Any] | None:
    """What difference of two entries would be found with a power of 80%, here: middle and range.

    ``one_pair`` is for two that were chosen before; ``all_pairs`` for any two, at Bonferroni's
    level, which is Holm's first step. None where there is no pair.
    """
    errors = pairs.error[np.triu_indices(len(pairs.error), k=1)]
    errors = errors[(errors > 0) & ~np.isnan(pairs.p[np.triu_indices(len(pairs.p), k=1)])]
    if not len(errors):
        return None
    alpha = 1 - confidence
    found = {}
    for name, level in (("one_pair", alpha), ("all_pairs", alpha / pairs.pairs)):
        sizes = detectable(errors, level)
        low, middle, high = np.quantile(sizes, [0, 0.5, 1])
        found[name] = {"median": float(middle), "least": float(low), "most": float(high)}
    return {"power": 0.8, "pairs": pairs.pairs} | found


def pair_rows(pairs: Pairs, names: Sequence[str], totals: Array) -> list[dict[str, Any]]:
    """The tested pairs, the better one first; of very many only neighbours in the order."""
    order = [int(e) for e in np.argsort(-totals, kind="stable") if not np.isnan(totals[e])]
    reach = len(order) if pairs.pairs <= MOST_PAIRS else NEIGHBOURS
    rows = []
    for place, a in enumerate(order):
        for b in order[place + 1 : place + 1 + reach]:
            if np.isnan(pairs.difference[a, b]):
                continue
            figures = {
                "difference": pairs.difference[a, b],
                "low": pairs.low[a, b],
                "high": pairs.high[a, b],
                "p": pairs.p[a, b],
                "p_holm": pairs.p_holm[a, b],
            }
            known = {name: None if np.isnan(x) else float(x) for name, x in figures.items()}
            rows.append({"a": names[a], "b": names[b]} | known)
    return rows
