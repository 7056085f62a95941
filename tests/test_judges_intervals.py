"""Resampling, intervals and rankings, against naive loops and scipy."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from judges.agreement import STATISTICS, judge_cells
from judges.intervals import (
    bca_interval,
    clopper_pearson,
    cluster_sums,
    leave_one_out,
    multinomial_weights,
    no_disagreement_interval,
    percentile_interval,
    pigeonhole,
    resampled,
    wilson,
)

ShareInterval = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]
KAPPA = STATISTICS["cohen_kappa"]


def cases(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Question, model and cell of each case of a judge that is right nine times in ten."""
    rng = np.random.default_rng(seed)
    people = rng.integers(0, 2, n)
    judge = np.where(rng.random(n) < 0.9, people, 1 - people)
    return rng.integers(0, 15, n), rng.integers(0, 4, n), judge_cells(people, judge, 2)


# Resampling


def test_cluster_sums_by_hand() -> None:
    cluster, cell, weight = np.array([0, 2, 0, 2]), np.array([1, 0, 1, 1]), np.array([1.5, 2, 3, 4])
    assert cluster_sums(cluster, cell, weight, 3, 2).tolist() == [[0, 4.5], [0, 0], [2, 4]]
    assert cluster_sums(cluster, cell, None, 3, 2).tolist() == [[0, 2], [0, 0], [1, 1]]


def test_each_resample_draws_as_many_clusters_as_there_are() -> None:
    weights = multinomial_weights(np.random.default_rng(1), 2500, 40)
    assert weights.shape == (2500, 40) and weights.dtype == np.float32
    np.testing.assert_array_equal(weights.sum(axis=1), 40)
    # A cluster is drawn Binomial(40, 1/40) times: mean 1, variance 39/40.
    assert weights.mean(axis=0) == pytest.approx(np.ones(40), abs=0.1)
    assert weights.var() == pytest.approx(39 / 40, abs=0.02)


def test_the_same_generator_draws_the_same_weights() -> None:
    draws = [multinomial_weights(np.random.default_rng(9), 30, 7) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize("weighted", [False, True])
def test_one_way_bootstrap_is_the_naive_loop(weighted: bool) -> None:
    question, _, cell = cases(2)
    rng = np.random.default_rng(3)
    weight = rng.random(200) if weighted else np.ones(200)
    weights = multinomial_weights(rng, 50, 15)
    tables = resampled(weights, cluster_sums(question, cell, weight, 15, 6))
    for row, table in zip(weights, tables, strict=True):
        again = [
            i for q in range(15) for _ in range(int(row[q])) for i in np.flatnonzero(question == q)
        ]
        naive = np.bincount(cell[again], weights=weight[again], minlength=6)
        np.testing.assert_allclose(table, naive, rtol=1e-12, atol=1e-12)


def test_whole_numbers_too_large_for_float32_stay_exact() -> None:
    weights = np.array([[1, 1], [2, 0]], dtype=np.float32)
    sums = np.array([[2.0**25 + 1], [2.0]])
    np.testing.assert_array_equal(resampled(weights, sums), [[2.0**25 + 3], [2.0**26 + 2]])


def test_trailing_axes_are_kept() -> None:
    weights = multinomial_weights(np.random.default_rng(1), 6, 5)
    sums = np.arange(5.0 * 3 * 2 * 3).reshape(5, 3, 2, 3)
    expected = np.einsum("bc,cjkl->bjkl", weights, sums)
    np.testing.assert_allclose(resampled(weights, sums), expected)


def test_two_way_bootstrap_is_the_naive_product_of_weights() -> None:
    question, model, cell = cases(4)
    rng = np.random.default_rng(5)
    by_question, by_model = multinomial_weights(rng, 40, 15), multinomial_weights(rng, 40, 4)
    sums = cluster_sums(question * 4 + model, cell, None, 60, 6).reshape(15, 4, 6)
    tables = pigeonhole(by_question, by_model, sums)
    for b in range(40):
        weight = by_question[b, question] * by_model[b, model]
        naive = np.bincount(cell, weights=weight, minlength=6)
        np.testing.assert_allclose(tables[b], naive, atol=1e-9)


def test_leave_one_out_leaves_one_out() -> None:
    question, _, cell = cases(6)
    tables = leave_one_out(cluster_sums(question, cell, None, 15, 6))
    for q in range(15):
        np.testing.assert_array_equal(tables[q], np.bincount(cell[question != q], minlength=6))


# Intervals from resamples


def test_percentiles_are_numpys_and_undefined_resamples_are_reported() -> None:
    samples = np.random.default_rng(1).normal(size=(3, 1000))
    samples[1, :40] = np.nan  # 4%: an interval of the rest
    samples[2, :60] = np.nan  # 6% is more than 1 − .95: none
    low, high, undefined = percentile_interval(samples, 0.95)
    expected = np.nanquantile(samples[:2], [0.025, 0.975], axis=-1)
    np.testing.assert_allclose([low[:2], high[:2]], expected, rtol=1e-12)
    assert np.isnan(low[2]) and np.isnan(high[2])
    assert undefined == pytest.approx([0, 0.04, 0.06])


def test_nothing_but_undefined_resamples() -> None:
    low, high, undefined = percentile_interval(np.full(10, np.nan), 0.95)
    assert np.isnan(low) and np.isnan(high) and undefined == 1
    low, high, undefined = bca_interval(np.array(0.5), np.full(10, np.nan), np.ones(4), 0.95)
    assert np.isnan(low) and np.isnan(high) and undefined == 1


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_bca_is_scipys_on_the_same_resamples(confidence: float) -> None:
    data = np.random.default_rng(7).exponential(size=30)
    result = stats.bootstrap(
        (data,),
        np.mean,
        confidence_level=confidence,
        n_resamples=4000,
        method="BCa",
        rng=np.random.default_rng(8),
    )
    jackknife = (data.sum() - data) / 29
    low, high, _ = bca_interval(data.mean(), result.bootstrap_distribution, jackknife, confidence)
    expected = result.confidence_interval
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_bca_of_cluster_tables_is_scipys_within_monte_carlo_error() -> None:
    # One case per cluster and accuracy .85 of 60, so that scipy's unclustered mean is the same.
    right = np.repeat([1, 0], [51, 9])
    sums = cluster_sums(np.arange(60), np.where(right, 0, 1), None, 60, 4).reshape(60, 2, 2)
    weights = multinomial_weights(np.random.default_rng(1), 20_000, 60)
    accuracy = STATISTICS["accuracy"]
    samples, jackknife = accuracy(resampled(weights, sums)), accuracy(leave_one_out(sums))
    low, high, _ = bca_interval(accuracy(sums.sum(axis=0)), samples, jackknife, 0.95)
    rng = np.random.default_rng(2)
    theirs = stats.bootstrap((right,), np.mean, n_resamples=20_000, method="BCa", rng=rng)
    expected = theirs.confidence_interval
    # A resample's accuracy moves in steps of 1/60: no more than one step apart.
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1.01 / 60)
    assert float(low) < 0.85 < float(high)


def test_bca_works_on_stacks_and_without_any_spread() -> None:
    rng = np.random.default_rng(3)
    samples, jackknife = rng.normal(size=(2, 3, 500)), rng.normal(size=(2, 3, 20))
    samples[0, 0], jackknife[0, 0] = 1.0, 1.0
    point = np.zeros((2, 3))
    point[0, 0], point[1, 2] = 1.0, np.nan
    low, high, _ = bca_interval(point, samples, jackknife, 0.9)
    assert (low[0, 0], high[0, 0]) == (1, 1)
    assert np.isnan(low[1, 2]) and np.isnan(high[1, 2])
    one = bca_interval(point[0, 1], samples[0, 1], jackknife[0, 1], 0.9)
    assert (low[0, 1], high[0, 1]) == pytest.approx((float(one.low), float(one.high)))


def test_bca_has_no_interval_where_the_point_lies_outside_its_resamples() -> None:
    low, high, _ = bca_interval(np.array(9.0), np.arange(5.0), np.arange(5.0), 0.95)
    assert np.isnan(low) and np.isnan(high)


# Intervals of a share


@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None)
def test_share_intervals_are_scipys(n: int, share: float, confidence: float) -> None:
    successes = round(share * n)
    for ours, method in [(wilson, "wilson"), (clopper_pearson, "exact")]:
        theirs = stats.binomtest(successes, n).proportion_ci(confidence, method)
        low, high = ours(np.array(successes), np.array(n), confidence)
        assert (float(low), float(high)) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_share_intervals_end_at_nothing_and_at_everything(interval: ShareInterval) -> None:
    n = np.arange(200)
    none_low, _ = interval(np.zeros(200), n, 0.95)
    _, all_high = interval(n, n, 0.95)
    assert np.isnan(none_low[0]) and np.isnan(all_high[0])  # there is no share of no cases
    np.testing.assert_array_equal(none_low[1:], 0)
    np.testing.assert_array_equal(all_high[1:], 1)


# No disagreement at all


def test_a_hundred_clusters_without_disagreement() -> None:
    # 1 − .025^(1/100) = .0362: that part of the cases may be wrong, spread or in one row.
    q = 1 - 0.025 ** (1 / 100)
    table = np.diag([30.0, 70.0])
    low, high = no_disagreement_interval(STATISTICS["accuracy"], table, 100, 0.95)
    assert (low, high) == pytest.approx((1 - q, 1))
    even = np.array([[30 * (1 - q), 30 * q], [70 * q, 70 * (1 - q)]])
    assert no_disagreement_interval(KAPPA, table, 100, 0.95)[0] <= float(KAPPA(even))


def test_with_three_labels_it_moves_to_the_farthest() -> None:
    # Shares by cell: only 0 → 2, 1 → 2 and 2 → 0 gain, 4 (1 − .05^(1/50)) each where spread evenly.
    gain = 4 * (1 - 0.05**0.02)

    def cell(i: int, j: int) -> tuple[float, float]:
        table = np.diag([4.0, 4.0, 4.0])
        return no_disagreement_interval(lambda tables: tables[..., i, j], table, 50, 0.9)

    assert [cell(*to)[1] for to in ((0, 2), (1, 2), (2, 0))] == pytest.approx([3 * gain] * 3)
    assert [cell(*to) for to in ((0, 1), (1, 0), (2, 1))] == [(0, 0)] * 3


def test_the_range_holds_what_the_even_spread_hides() -> None:
    # Evenly spread, false alarms and misses cancel; all in one row, leniency is ± q.
    q = 1 - 0.025 ** (1 / 100)
    table = np.diag([50.0, 50.0])
    leniency = no_disagreement_interval(STATISTICS["leniency"], table, 100, 0.95)
    assert leniency == pytest.approx((-q, q))
    whole = no_disagreement_interval(STATISTICS["leniency"], table.astype(int), 100, 0.95)
    assert whole == leniency
    # All the disagreement among the 50 positive cases: 1 − 100 q / 50.
    low, high = no_disagreement_interval(STATISTICS["sensitivity"], table, 100, 0.95)
    assert (low, high) == pytest.approx((1 - 2 * q, 1))


def test_too_few_clusters_leave_no_bound() -> None:
    # .025^(1/5) leaves 52% to chance, more than all positive cases: the judge may say no to all.
    low, _ = no_disagreement_interval(STATISTICS["mcc"], np.diag([8.0, 2.0]), 5, 0.95)
    assert np.isnan(low)


def test_a_table_with_disagreement_is_refused() -> None:
    with pytest.raises(ValueError, match="disagreement"):
        no_disagreement_interval(KAPPA, np.array([[5.0, 1.0], [0, 5]]), 11, 0.95)
