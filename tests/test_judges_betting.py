"""Bounds that hold at any look: bets are exactly fair where they should be, and seldom get rich."""

import math
from itertools import product

import numpy as np
import pytest

from judges.agreement import STATISTICS
from judges.betting import Corrected, figures, log_wealth

RNG = np.random.default_rng(5)


def one_case(cells, k):
    """Tables of one case each."""
    tables = np.zeros((len(cells), k, k))
    tables[np.arange(len(cells)), cells // k, cells % k] = 1.0
    return tables


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", figures(2))
def test_a_bet_on_the_true_value_is_fair(name: str, k: int) -> None:
    """Over all draws of one case (for κ: two), with their chances, nothing is won on average."""
    shares = RNG.dirichlet(np.ones(k * k))
    # 1e9 cases: α's correction for few labels is gone
    true = float(STATISTICS[name](shares.reshape(k, k) * 1e9))
    about = figures(k)[name]
    draws = 2 if isinstance(about, Corrected) else 1
    won = {"above": 0.0, "below": 0.0}
    for cells in product(range(k * k), repeat=draws):
        bets = about.bets(one_case(np.array(cells), k), 1.0)
        for side in won:
            gain = getattr(bets, side)(true).sum()
            assert gain >= -1 - 1e-12  # no more than the stake
            won[side] += float(gain) * math.prod(shares[list(cells)])
    assert won == pytest.approx({"above": 0.0, "below": 0.0}, abs=1e-8)


def test_wealth_by_hand() -> None:
    # one win of 1 and one loss of ½: each stake u makes (1 + u)(1 − u / 2) of its part
    stakes = np.geomspace(0.01, 0.99, 16)
    expected = np.mean((1 + stakes) * (1 - stakes / 2))
    assert np.exp(log_wealth(np.array([1.0, -0.5]))[-1]) == pytest.approx(expected)
    assert np.exp(log_wealth(np.array([-0.5, 1.0]))[-1]) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["accuracy", "sensitivity", "leniency", "cohen_kappa", "gwet_ac1"])
def test_whoever_looks_after_every_label_is_fooled_seldom(name: str) -> None:
    """500 audits of 300 labels: a share of 5% at most ever shows a bound beyond the truth."""
    shares, times, tail = np.array([0.35, 0.05, 0.08, 0.52]), 500, 0.05
    true = float(STATISTICS[name](shares.reshape(2, 2)))
    fooled = {"above": 0, "below": 0}
    for _ in range(times):
        bets = figures(2)[name].bets(one_case(RNG.choice(4, 300, p=shares), 2), 1.0)
        for side in fooled:
            fooled[side] += bool((log_wealth(getattr(bets, side)(true)) >= -math.log(tail)).any())
    # three standard errors: 3 · √(.05 · .95 / 500) = .029
    assert max(fooled.values()) / times <= tail + 0.029


@pytest.mark.parametrize("name", figures(2))
def test_an_interval_holds_the_truth_and_narrows(name: str) -> None:
    shares = np.array([0.42, 0.03, 0.05, 0.50])
    cells = RNG.choice(4, 4000, p=shares)
    about, true = figures(2)[name], float(STATISTICS[name](shares.reshape(2, 2) * 1e9))
    wide = about.bets(one_case(cells[:200], 2), 1.0).interval(0.001)
    narrow = about.bets(one_case(cells, 2), 1.0).interval(0.001)
    assert wide[0] < narrow[0] < true < narrow[1] < wide[1]


def test_without_a_draw_nothing_is_known() -> None:
    assert figures(2)["accuracy"].bets(np.zeros((0, 2, 2)), 1.0).interval(0.05) == (0.0, 1.0)
    one = one_case(np.array([0]), 2)  # half a pair
    assert figures(2)["cohen_kappa"].bets(one, 1.0).interval(0.05) == (-1.0, 1.0)


def test_questions_with_several_cases_and_weights() -> None:
    """The bound is for the weighted figure; cases of a question that go together are no secret."""
    questions, each = 1500, 4
    wrong = RNG.random(questions) < 0.1  # all answers to a question, or none
    weight = RNG.choice([0.5, 1.5], questions)
    tables = np.zeros((questions, 2, 2))
    tables[np.arange(questions), 1, 1 - wrong.astype(int)] = weight * each
    low, high = figures(2)["accuracy"].bets(tables, 6.0).interval(0.025)
    assert low < 0.9 < high
    assert high - low > 2 * 2 * math.sqrt(0.09 / questions)  # not as if all cases were independent
