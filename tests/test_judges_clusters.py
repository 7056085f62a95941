"""What few clusters, and two kinds of them at once, do to an interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from judges.agreement import STATISTICS
from judges.clusters import (
    FEW,
    FEW_MODELS,
    FEW_QUESTIONS,
    Parts,
    few,
    influence,
    linear_part,
    one_way_stretch,
    stretched,
    two_way_stretch,
    variances,
)
from judges.intervals import multinomial_weights, pigeonhole


@given(st.integers(0, 2**32 - 1))
def test_the_influence_of_accuracy_is_known(seed: int) -> None:
    """Accuracy is right / n: a case more moves it by (1 − accuracy) / n, or by −accuracy / n."""
    table = np.random.default_rng(seed).uniform(1, 50, (3, 2, 2))
    accuracy = STATISTICS["accuracy"](table)[:, None, None]
    total = table.sum(axis=(1, 2), keepdims=True)
    expected = (np.eye(2) - accuracy) / total
    np.testing.assert_allclose(
        influence(STATISTICS["accuracy"], table), expected, rtol=1e-4, atol=1e-8
    )


@pytest.mark.parametrize("name", ["cohen_kappa", "mcc", "leniency", "f1", "sensitivity"])
def test_weights_in_proportion_change_nothing(name: str) -> None:
    table = np.array([[[30.0, 6.0], [4.0, 60.0]]])
    slope = influence(STATISTICS[name], table)
    assert float((slope * table).sum()) == pytest.approx(0, abs=1e-4)


def test_variances_are_sums_of_squares_by_cluster() -> None:
    rng = np.random.default_rng(1)
    sums = rng.integers(0, 3, (20, 4, 1, 2, 2)).astype(float)
    parts = variances(linear_part(STATISTICS["accuracy"], sums))
    slope = influence(STATISTICS["accuracy"], sums.sum(axis=(0, 1)))[0]
    cell = (sums[:, :, 0] * slope).sum(axis=(2, 3))
    assert parts.questions[0] == pytest.approx((cell.sum(axis=1) ** 2).sum())
    assert parts.models[0] == pytest.approx((cell.sum(axis=0) ** 2).sum())
    assert parts.both[0] == pytest.approx((cell**2).sum())


def test_resamples_of_both_show_the_plain_sum_of_the_parts() -> None:
    """What two_way_stretch divides by is what the pigeonhole bootstrap really spreads."""
    rng = np.random.default_rng(2)
    sums = np.zeros((150, 40, 1, 2, 2))
    right = rng.random((150, 40)) < 0.6 + 0.25 * rng.normal(size=40) / 2
    sums[..., 0, 1, 1], sums[..., 0, 1, 0] = right, ~right
    tables = pigeonhole(
        multinomial_weights(rng, 20_000, 150), multinomial_weights(rng, 20_000, 40), sums
    )
    shown = STATISTICS["accuracy"](tables)[:, 0].var()
    assert sum(variances(linear_part(STATISTICS["accuracy"], sums)))[0] == pytest.approx(
        shown, rel=0.06
    )


def test_few_questions_by_hand() -> None:
    found = one_way_stretch(np.array([5, 20, FEW, 1000]), 0.95)
    z = stats.norm.ppf(0.975)
    expected = [np.sqrt(m / (m - 1)) * stats.t.ppf(0.975, m - 1) / z for m in (5, 20)]
    assert found == pytest.approx([*expected, 1, 1])


def test_two_ways_by_hand() -> None:
    """9 models whose differences are all there is: √(9/8) and t with 8 degrees of freedom."""
    z = stats.norm.ppf(0.975)
    clusters = np.array([[400], [9]])
    models = Parts(np.array([1e-12]), np.array([1.0]), np.array([1e-12]))
    expected = np.sqrt(9 / 8) * stats.t.ppf(0.975, 8) / z
    assert two_way_stretch(models, clusters, 0.95)[0] == pytest.approx(expected, rel=1e-6)
    # answers that differ by chance only: each part is the same, and resamples count it three times
    chance = Parts(np.array([1.0]), np.array([1.0]), np.array([1.0]))
    factor = two_way_stretch(chance, np.array([[10**6], [10**6]]), 0.95)[0]
    assert factor == pytest.approx(np.sqrt(1 / 3), rel=1e-3)
    nothing = Parts(*np.zeros((3, 1)))
    assert two_way_stretch(nothing, clusters, 0.95)[0] == 1


def test_ends_stay_where_the_statistic_can_be() -> None:
    assert stretched("accuracy", 0.9, (0.8, 0.96), 2.0) == pytest.approx((0.7, 1.0))
    assert stretched("accuracy", 0.1, (0.02, 0.2), 3.0)[0] == 0
    assert stretched("cohen_kappa", -0.5, (-0.9, 0.0), 2.0)[0] == -1
    assert stretched("gwet_ac2", -0.5, (-0.9, 0.0), 2.0)[0] == pytest.approx(-1.3)
    assert np.isnan(stretched("accuracy", 0.5, (np.nan, np.nan), 2.0)[0])


def test_what_is_few_is_said() -> None:
    assert few(np.array([FEW])) == {} == few(np.array([400, FEW]))
    assert few(np.array([FEW - 1, 400])) == {"note": FEW_QUESTIONS}
    assert few(np.array([400, 9])) == {"note": FEW_MODELS} == few(np.array([20, 9]))
