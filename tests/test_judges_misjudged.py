"""Sensitivity and specificity by model and task, drawn from what the labels leave open."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.misjudged import Rows, Side, rogan_gladen, side

DRAWS = 4000


def fitted(agreed: np.ndarray, model: np.ndarray, task: np.ndarray, shape, **more) -> Side:
    question = more.get("question", np.arange(len(agreed)))
    weight = more.get("weight", np.ones(len(agreed)))
    rows = Rows(agreed, model, task, question, weight)
    return side(rows, shape, DRAWS, np.random.default_rng(more.get("seed", 1)))


def alone(agreed: int, n: int, **more) -> Side:
    zeros = np.zeros(n, dtype=np.int64)
    return fitted((np.arange(n) < agreed).astype(np.int64), zeros, zeros, (1, 1), **more)


def test_rogan_and_gladen_by_hand() -> None:
    """(0.3 + 0.8 − 1) / (0.9 + 0.8 − 1) = 1/7; a judge no better than chance gives nothing."""
    found = rogan_gladen(np.array([0.3, 0.3]), np.array([0.9, 0.5]), np.array([0.8, 0.5]))
    assert found[0] == pytest.approx(1 / 7)
    assert np.isnan(found[1])


@given(st.floats(0.01, 0.99), st.floats(0.6, 1.0), st.floats(0.6, 1.0))
def test_it_undoes_what_the_judge_does(truth: float, sensitivity: float, specificity: float):
    seen = truth * sensitivity + (1 - truth) * (1 - specificity)
    found = rogan_gladen(*map(np.array, (seen, sensitivity, specificity)))
    assert float(found) == pytest.approx(truth)


def test_its_intervals_are_those_of_lang_and_reiczigel() -> None:
    """One model and task: 300 of 1,000 right by the judge, 90/100 and 160/200 agreed.

    Lang and Reiczigel (2014), equations 2, 4 and 16, written out here.
    """
    z, n, k, n_se, k_se, n_sp, k_sp = 1.959964, 1000, 300, 100, 90, 200, 160
    ap = (k + z**2 / 2) / (n + z**2)
    se, sp = (k_se + 1) / (n_se + 2), (k_sp + 1) / (n_sp + 2)
    p = (ap + sp - 1) / (se + sp - 1)
    parts = [se * (1 - se) / (n_se + 2), sp * (1 - sp) / (n_sp + 2)]
    shift = 2 * z**2 * (p * parts[0] - (1 - p) * parts[1])
    spread = ap * (1 - ap) / (n + z**2) + p**2 * parts[0] + (1 - p) ** 2 * parts[1]
    half = z * np.sqrt(spread) / (se + sp - 1)

    rng = np.random.default_rng(0)
    rates = rng.normal(0.3, np.sqrt(0.3 * 0.7 / n), DRAWS)
    drawn = rogan_gladen(
        rates, alone(k_se, n_se).draws.ravel(), alone(k_sp, n_sp, seed=2).draws.ravel()
    )
    low, high = np.quantile(drawn, (0.025, 0.975))
    assert (low, high) == pytest.approx((p + shift - half, p + shift + half), abs=0.015)


def test_one_group_has_the_labels_spread() -> None:
    """Laplace-smoothed share and the logit's normal error, by hand: 91/102, 1/91 + 1/11."""
    found = alone(90, 100)
    assert np.median(found.draws) == pytest.approx(91 / 102, abs=0.003)
    logits = np.log(found.draws / (1 - found.draws))
    assert logits.std() == pytest.approx(np.sqrt(1 / 91 + 1 / 11), rel=0.05)
    assert np.isnan(found.models.p)


def test_no_error_seen_is_not_no_error() -> None:
    found = alone(50, 50)
    assert np.quantile(found.draws, 0.025) < 0.95
    assert found.value.item() < 1


def many(rng: np.random.Generator, sensitivity: np.ndarray, per: int) -> Side:
    model = np.repeat(np.arange(len(sensitivity)), per)
    agreed = (rng.random(len(model)) < sensitivity[model]).astype(np.int64)
    return fitted(agreed, model, np.zeros_like(model), (len(sensitivity) + 1, 1))


def test_models_that_differ_keep_their_own_and_say_so() -> None:
    """The last model has no labels: it may be anything between the others."""
    rng = np.random.default_rng(2)
    truth = np.array([0.95, 0.6, 0.95, 0.6, 0.95, 0.6, 0.95, 0.6])
    found = many(rng, truth, 200)
    assert found.models.p < 1e-6
    assert np.abs(found.value[:-1, 0] - truth).max() < 0.06
    spread = np.quantile(found.draws[:, -1, 0], (0.025, 0.975))
    assert spread[0] < 0.55
    assert spread[1] > 0.95


def test_models_that_are_alike_share_their_labels() -> None:
    rng = np.random.default_rng(3)
    found = many(rng, np.full(8, 0.9), 30)
    assert found.models.p > 0.05
    own = found.draws[:, 0, 0].std()
    assert own < np.sqrt(0.9 * 0.1 / 30) * 0.85
    assert found.draws[:, -1, 0].std() > own  # the one without labels


def test_labels_of_one_question_count_less() -> None:
    """Ten answers to each question that all go one way are worth one."""
    agreed = np.repeat((np.arange(40) < 32).astype(np.int64), 10)
    zeros = np.zeros(400, dtype=np.int64)
    question = np.repeat(np.arange(40), 10)
    found = fitted(agreed, zeros, zeros, (1, 1), question=question)
    plain = fitted(agreed, zeros, zeros, (1, 1))
    assert found.draws.std() > 2.5 * plain.draws.std()
    assert found.n == 400


def test_weights_undo_a_design_that_seeks_errors() -> None:
    """Errors drawn five times as often: by weight the share that agrees is 100 / 120."""
    agreed = np.repeat([1, 0], [100, 100])
    zeros = np.zeros(200, dtype=np.int64)
    found = fitted(agreed, zeros, zeros, (1, 1), weight=np.where(agreed == 1, 5.0, 1.0))
    assert found.value.item() == pytest.approx(500 / 600, abs=0.01)


def test_the_same_generator_draws_the_same() -> None:
    first, second = alone(90, 100), alone(90, 100)
    np.testing.assert_array_equal(first.draws, second.draws)
