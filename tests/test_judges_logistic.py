"""The logistic model against scikit-learn; its errors by hand, and by how often they hold."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from judges.logistic import ONE_CLUSTER, SEPARATED, logistic


def clustered(seed: int, questions: int = 40, each: int = 5) -> tuple[np.ndarray, ...]:
    """Outcomes, columns (length, constant) and questions; questions differ in both."""
    rng = np.random.default_rng(seed)
    question = np.repeat(np.arange(questions), each)
    length = rng.normal(size=questions)[question] + 0.5 * rng.normal(size=len(question))
    logit = 0.4 * length + 0.3 + rng.normal(size=questions)[question]
    y = (rng.random(len(question)) < expit(logit)).astype(float)
    return y, np.stack([length, np.ones(len(question))], axis=1), question


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [False, True])
def test_the_coefficients_are_scikit_learn_s(seed: int, weighted: bool) -> None:
    y, x, question = clustered(seed)
    weight = np.random.default_rng(seed).uniform(0.2, 3, len(y)) if weighted else np.ones(len(y))
    found = logistic(y, x, question, weight)
    theirs = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000)
    theirs.fit(x, y, sample_weight=weight)
    np.testing.assert_allclose(found.coefficients, theirs.coef_[0], atol=1e-5)
    assert found.why == "" and found.clusters == 40


def test_the_errors_are_the_sandwich_written_out() -> None:
    y, x, question = clustered(9)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    found = logistic(y, x, question, weight)
    p = expit(x @ found.coefficients)
    information, meat = np.zeros((2, 2)), np.zeros((2, 2))
    for i in range(len(y)):
        information += weight[i] * p[i] * (1 - p[i]) * np.outer(x[i], x[i])
    for q in range(40):
        score = sum(weight[i] * (y[i] - p[i]) * x[i] for i in np.flatnonzero(question == q))
        meat += np.outer(score, score)
    bread = np.linalg.inv(information)
    factor = 40 / 39 * 199 / 198
    np.testing.assert_allclose(found.covariance, factor * bread @ meat @ bread, rtol=1e-6)
    error = np.sqrt(found.covariance[0, 0])
    low, high = found.interval(0, 0.9)
    half = stats.t.ppf(0.95, 39) * error
    assert (low, high) == pytest.approx(
        (found.coefficients[0] - half, found.coefficients[0] + half)
    )
    t = found.coefficients[0] / error
    assert found.p_value(0) == pytest.approx(2 * stats.t.sf(abs(t), 39))


def test_clustered_errors_hold_where_plain_ones_do_not() -> None:
    """Length is nearly the question's own, so that answers to it are one and the same evidence."""
    clear = 0.0
    held = plain = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        question = np.repeat(np.arange(60), 6)
        x = np.stack([rng.normal(size=60)[question], np.ones(360)], axis=1)
        y = (rng.random(360) < expit(1.5 * rng.normal(size=60)[question])).astype(float)
        found = logistic(y, x, question, np.ones(360))
        low, high = found.interval(0, 0.95)
        held += low <= clear <= high
        alone = logistic(y, x, np.arange(360), np.ones(360)).interval(0, 0.95)
        plain += alone[0] <= clear <= alone[1]
    assert 0.92 <= held / 300 <= 0.98
    assert plain / 300 < 0.88


@pytest.mark.parametrize("gap", [0.0, 1.0])
def test_separation_is_said_and_no_number_is_given(gap: float) -> None:
    """Complete with a gap; quasi-complete where one length has both outcomes."""
    length = np.array([1.0, 2, 3, 4, 4 + gap, 5, 6, 7])
    y = np.array([0.0] * 4 + [1.0] * 4)
    found = logistic(y, np.stack([length, np.ones(8)], axis=1), np.arange(8), np.ones(8))
    assert found.why == SEPARATED and np.isnan(found.coefficients).all()


def test_one_outcome_only_is_separated_too() -> None:
    x = np.stack([np.arange(6.0), np.ones(6)], axis=1)
    assert logistic(np.ones(6), x, np.arange(6), np.ones(6)).why == SEPARATED


def test_a_steep_model_is_no_separation() -> None:
    rng = np.random.default_rng(2)
    length = rng.normal(size=400)
    y = (rng.random(400) < expit(12 * length)).astype(float)
    x = np.stack([length, np.ones(400)], axis=1)
    found = logistic(y, x, np.arange(400), np.ones(400))
    assert found.why == "" and 6 < found.coefficients[0] < 25


def test_units_do_not_matter() -> None:
    y, x, question = clustered(3)
    plain, scaled = (logistic(y, x * [unit, 1], question, np.ones(len(y))) for unit in (1, 1e6))
    assert scaled.coefficients[0] * 1e6 == pytest.approx(plain.coefficients[0])
    assert scaled.error(0) * 1e6 == pytest.approx(plain.error(0))


def test_one_question_says_nothing_of_others() -> None:
    y, x, _ = clustered(3)
    assert logistic(y, x, np.zeros(len(y), dtype=int), np.ones(len(y))).why == ONE_CLUSTER
