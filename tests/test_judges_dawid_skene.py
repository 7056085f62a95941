"""Dawid and Skene's labels, against a plain loop over the same equations and on known truth."""

import numpy as np
import pytest

from judges.dawid_skene import identified, posterior
from samples.errors import BenchwarrantError


def crowd(seed: int, accuracy: list[float], cases: int = 300, k: int = 3, missing: float = 0.3):
    """Raters of these accuracies, who each leave out some cases: truth and ratings."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(k, cases, p=np.arange(1, k + 1) / (k * (k + 1) / 2))
    columns = []
    for share in accuracy:
        wrong = (truth + rng.integers(1, k, cases)) % k
        said = np.where(rng.random(cases) < share, truth, wrong)
        columns.append(np.where(rng.random(cases) < missing, -1, said))
    return truth, np.stack(columns, axis=1)


def by_hand(ratings: np.ndarray, k: int, rounds: int) -> np.ndarray:
    """Equations 2.3 to 2.5 in loops, from the shares of votes."""
    cases, raters = ratings.shape
    t = np.array([[np.sum(row == j) for j in range(k)] for row in ratings], dtype=float)
    t /= t.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        p = t.mean(axis=0)
        pi = np.zeros((raters, k, k))
        for r in range(raters):
            for i in range(cases):
                if ratings[i, r] >= 0:
                    pi[r, :, ratings[i, r]] += t[i]
            pi[r] /= pi[r].sum(axis=1, keepdims=True)
        for i in range(cases):
            for j in range(k):
                t[i, j] = p[j]
                for r in range(raters):
                    if ratings[i, r] >= 0:
                        t[i, j] *= pi[r, j, ratings[i, r]]
            t[i] /= t[i].sum()
    return t


def test_it_is_the_paper_s_equations() -> None:
    _, ratings = crowd(1, [0.9, 0.7, 0.6, 0.8], cases=80, missing=0.1)
    ratings = ratings[(ratings >= 0).any(axis=1)]
    np.testing.assert_allclose(posterior(ratings, 3), by_hand(ratings, 3, 300), atol=1e-6)


def test_good_raters_outweigh_many_bad_ones() -> None:
    truth, ratings = crowd(2, [0.95, 0.95, 0.4, 0.4, 0.4, 0.4], missing=0.0)
    votes = np.stack([(ratings == label).sum(axis=1) for label in range(3)], axis=1)
    right = (posterior(ratings, 3).argmax(axis=1) == truth).mean()
    assert right > 0.9 > (votes.argmax(axis=1) == truth).mean() + 0.05


def test_a_rater_who_turns_labels_round_is_used_the_other_way_round() -> None:
    truth, ratings = crowd(3, [0.9, 0.9, 0.9], k=2, missing=0.0)
    turned = np.column_stack([ratings, 1 - truth])
    assert (posterior(turned, 2).argmax(axis=1) == truth).mean() > 0.99


def test_known_cases_stay_and_teach() -> None:
    truth, ratings = crowd(4, [0.9, 0.55, 0.55], k=2, missing=0.0)
    known = np.where(np.arange(len(truth)) < 150, truth, -1)
    found = posterior(ratings, 2, known)
    np.testing.assert_array_equal(found[:150].argmax(axis=1), truth[:150])
    free = posterior(ratings, 2)
    assert (found.argmax(axis=1) == truth)[150:].mean() >= (free.argmax(axis=1) == truth)[
        150:
    ].mean()


def test_cases_without_a_label_have_no_posterior() -> None:
    _, ratings = crowd(5, [0.9, 0.8, 0.8], cases=50)
    ratings[3] = -1
    found = posterior(ratings, 3)
    assert np.isnan(found[3]).all() and np.isnan(posterior(np.full((2, 3), -1), 3)).all()
    labelled = (ratings >= 0).any(axis=1)
    np.testing.assert_allclose(found[labelled].sum(axis=1), 1)


def test_two_raters_cannot_be_told_apart() -> None:
    assert not identified(np.array([[0, 1, -1], [1, -1, 1]]))
    with pytest.raises(BenchwarrantError, match="three raters"):
        posterior(np.array([[0, 1], [1, 1]]), 2)
