"""The labels behind what raters say, where raters err in ways of their own (Dawid and Skene 1979).

Maximum likelihood estimation of observer error-rates using the EM algorithm, Applied Statistics
28(1), 20–28. Given the true label, raters err independently; each has a matrix of how often they
say l where the truth is j (equation 2.3), labels have shares (2.4), and a case's label has a
posterior probability (2.5). Errors and labels are estimated in turn until nothing moves.
"""

import numpy as np

from judges.agreement import Array, IntArray
from samples.errors import BenchwarrantError

ROUNDS = 1000
STILL = 1e-9  # no posterior probability moves by more: settled
FLOOR = 1e-10  # of an error rate: what nobody has done so far is rare, not impossible


def posterior(ratings: IntArray, k: int, known: IntArray | None = None) -> Array:
    """Each case's probability of each label, (cases, K); NaN where it has no label.

    ``ratings`` (cases, raters) hold label codes, −1 for none; cases that are ``known`` (codes, −1
    for not) keep that label. Fewer than three raters with shared cases leave errors undetermined.
    """
    said = (ratings[:, :, None] == np.arange(k)).astype(np.float64)
    votes = said.sum(axis=1)
    labelled = votes.any(axis=1)
    if not labelled.any():
        return np.full(votes.shape, np.nan)
    if not identified(ratings):
        raise BenchwarrantError(
            '[policy] reference = "dawid-skene" needs cases that three raters or more have'
            ' labelled, to tell whose labels are right; use reference = "majority", or have more'
            " cases labelled by three"
        )
    fixed = np.zeros_like(votes)
    if known is not None:
        fixed = (known[:, None] == np.arange(k)).astype(np.float64)
    bound = fixed.any(axis=1)
    truth = np.where(bound[:, None], fixed, votes / np.maximum(votes.sum(axis=1), 1)[:, None])
    for _ in range(ROUNDS):
        before = truth
        truth = np.where(bound[:, None], fixed, _expected(said, *_estimated(said, truth)))
        truth = np.where(labelled[:, None] | bound[:, None], truth, 0.0)
        if np.abs(truth - before).max() < STILL:
            break
    return np.where(labelled[:, None] | bound[:, None], truth, np.nan)


def identified(ratings: IntArray) -> bool:
    """Whether some cases have three raters' labels: with two, many errors fit equally well."""
    return bool(((ratings >= 0).sum(axis=1) >= 3).any())


def _estimated(said: Array, truth: Array) -> tuple[Array, Array]:
    """How often each rater says l where j is true (R, K, K), and the labels' shares (K,)."""
    counts = np.einsum("crl,cj->rjl", said, truth)
    total = counts.sum(axis=2, keepdims=True)
    errors = np.divide(counts, total, out=np.full_like(counts, 1.0), where=total > 0)
    used = truth.sum(axis=1) > 0
    return np.maximum(errors, FLOOR), np.maximum(truth[used].mean(axis=0), FLOOR)


def _expected(said: Array, errors: Array, shares: Array) -> Array:
    """Bayes' rule for every case (equation 2.5), in logarithms: products of rates get tiny."""
    logs = np.log(shares) + np.einsum("crl,rjl->cj", said, np.log(errors))
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))
