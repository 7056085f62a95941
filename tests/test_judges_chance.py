"""The formulas that the agreement coefficients share."""

import numpy as np
import pytest

from judges.chance import (
    alpha,
    chance_corrected,
    disagreement,
    expected_by_gwet,
    expected_disagreement,
    expected_if_uniform,
    metric_difference,
    mid_ranks,
    observed_disagreement,
    ratio,
    shares,
)


def test_shares_of_a_stack_have_their_labels_in_front() -> None:
    stack = np.array([[[1.0, 2], [3, 4]], [[0, 0], [0, 5]]])
    t, total = shares(stack)
    np.testing.assert_allclose(t[..., 0], [[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_array_equal(t[..., 1], [[0, 0], [0, 1]])
    np.testing.assert_array_equal(total, [10, 5])


def test_dust_is_cleared_and_an_empty_table_is_nan() -> None:
    t, total = shares(np.array([[1e-14, 3.0], [-1e-15, 0.0]]))
    np.testing.assert_array_equal(t == 0, [[True, False], [True, True]])
    assert total == pytest.approx(3)
    for empty in (np.zeros((2, 2)), np.full((2, 2), 1e-17)):
        t, total = shares(empty)
        assert np.isnan(t).all() and np.isnan(total)


def test_a_light_case_among_many_is_no_dust() -> None:
    assert shares(np.array([[1e6, 1e-3], [0, 1]]))[0][0, 1] > 0


def test_ratio_of_nothing_to_nothing_is_nan() -> None:
    np.testing.assert_array_equal(ratio(np.array([0.0, 1]), np.array([0.0, 4])), [np.nan, 0.25])


def test_disagreement_of_three_labels() -> None:
    np.testing.assert_array_equal(disagreement(3), 1 - np.eye(3))
    np.testing.assert_array_equal(disagreement(3, "linear")[0], [0, 0.5, 1])
    np.testing.assert_array_equal(disagreement(3, "quadratic")[0], [0, 0.25, 1])
    with pytest.raises(KeyError):
        disagreement(3, "cubic")


def test_chance_correction_is_the_textbook_formula() -> None:
    t, p, q = np.array([[0.4, 0.1], [0.05, 0.45]]), np.array([0.5, 0.5]), np.array([0.45, 0.55])
    observed = observed_disagreement(disagreement(2), t)
    expected = expected_disagreement(disagreement(2), p, q)
    assert (float(observed), float(expected)) == pytest.approx((0.15, 0.5))
    assert float(chance_corrected(observed, expected)) == pytest.approx((0.85 - 0.5) / (1 - 0.5))


def test_expected_disagreement_without_the_labels_own_frequencies() -> None:
    p = np.array([0.5, 0.3, 0.2])
    # Gwet: p_e = Σw / (K(K−1)) · Σ p(1−p) = 3/6 · .62 for AC1; quadratic Σw = 9 − 3 = 6.
    assert float(expected_by_gwet(disagreement(3), p)) == pytest.approx(1 - 0.31)
    assert float(expected_by_gwet(disagreement(3, "quadratic"), p)) == pytest.approx(1 - 0.62)
    assert float(expected_if_uniform(disagreement(3))) == pytest.approx(2 / 3)


def test_mid_ranks_are_average_ranks() -> None:
    # 5, 3 and 2 cases of ten share the ranks 1–5, 6–8, 9–10: 3, 7 and 9.5, less ½, over 10.
    np.testing.assert_allclose(mid_ranks(np.array([0.5, 0.3, 0.2])), [0.25, 0.65, 0.9])


def test_metric_differences() -> None:
    p, values = np.array([0.5, 0.3, 0.2]), np.array([1.0, 2.0, 4.0])
    assert metric_difference("interval", p, values)[0].tolist() == [0, 1, 9]
    assert metric_difference("ratio", p, values)[0] == pytest.approx([0, 1 / 9, 9 / 25])
    # Ordinal, first to last: (5 + 3 + 2 − (5 + 2) / 2) cases of ten.
    assert metric_difference("ordinal", p, values)[0, 2] == pytest.approx(0.65**2)
    np.testing.assert_array_equal(metric_difference("nominal", p, values), 1 - np.eye(3))
    assert metric_difference("ratio", p, np.arange(3.0))[0].tolist() == [0, 1, 1]


def test_metrics_refuse_what_they_cannot_measure() -> None:
    p = np.array([0.5, 0.5])
    with pytest.raises(KeyError):
        metric_difference("circular", p, np.arange(2.0))
    with pytest.raises(ValueError, match="negative"):
        metric_difference("ratio", p, np.array([-1.0, 1.0]))


def test_alpha_needs_more_than_one_label() -> None:
    # D_o = .2; D_e = .5 · n / (n − 1): for ten labels 1 − .2 · 9 / 5.
    t = np.array([[0.4, 0.1], [0.1, 0.4]])
    assert float(alpha(t, np.array(10.0), "nominal")) == pytest.approx(1 - 0.2 * 9 / 5)
    assert np.isnan(alpha(t, np.array(1.0), "nominal"))
