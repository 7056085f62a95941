"""A judge's tables, its statistics by hand, and why a figure is undefined."""

import numpy as np
import pytest

from judges.agreement import (
    STATISTICS,
    failures_count_as_wrong,
    failures_left_out,
    farthest_label,
    judge_cells,
    undefined_reason,
)

HAND = np.array([[40.0, 10.0], [5.0, 45.0]])  # people: 50 and 50; the judge: 45 and 55


# By hand


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 0.85),
        ("cohen_kappa", 0.7),  # p_e = .5·.45 + .5·.55 = .5
        ("scott_pi", (0.85 - 0.50125) / 0.49875),  # p_e = .475² + .525²
        ("gwet_ac1", (0.85 - 0.49875) / 0.50125),  # p_e = 2 · .475 · .525
        ("brennan_prediger", 0.7),
        ("krippendorff_alpha", 1 - 199 / 200 * 0.15 / 0.49875),  # n = 200 labels
        ("mcc", (40 * 45 - 10 * 5) / np.sqrt(50 * 50 * 45 * 55)),
        ("sensitivity", 45 / 50),
        ("specificity", 40 / 50),
        ("positive_predictive_value", 45 / 55),
        ("negative_predictive_value", 40 / 45),
        ("f1", 90 / 105),
        ("balanced_accuracy", 0.85),
        ("leniency", 0.05),
    ],
)
def test_by_hand(name: str, expected: float) -> None:
    assert float(STATISTICS[name](HAND)) == pytest.approx(expected, abs=1e-14)


def test_three_labels_by_hand() -> None:
    # Rows sum to 4, 3, 3 and columns to 3, 4, 3; the one distance of 2 is the cell (0, 2).
    table = np.array([[2.0, 1, 1], [1, 2, 0], [0, 1, 2]])
    # Linear D_o = (½ + 1 + ½ + ½) / 10; D_e = (8 + 12 + 4.5 + 4.5 + 9 + 6) / 100 by rows.
    assert float(STATISTICS["cohen_kappa_linear"](table)) == pytest.approx(1 - 0.25 / 0.44)
    # AC2: D_o = (3 · ¼ + 1) / 10; π = .35, .35, .3; Σw = 9 − 2 − 4/4 = 6, so p_e = Σ π(1−π) = .665.
    assert float(STATISTICS["gwet_ac2"](table)) == pytest.approx((0.825 - 0.665) / 0.335)
    # About the last label: 2 hits, 1 miss, 1 false alarm, and 6 that both sides reject.
    assert float(STATISTICS["specificity"](table)) == pytest.approx(6 / 7)
    assert float(STATISTICS["balanced_accuracy"](table)) == pytest.approx(
        (1 / 2 + 2 / 3 + 2 / 3) / 3
    )


def test_ac2_can_fall_below_minus_one() -> None:
    # D_o = (4/9 + 1 + 4/9) / 3 = 17/27; π = 2, 1, 1 and 2 of six: Σ π(1−π) = 26/36; Σw = 16 − 40/9.
    table = np.zeros((4, 4))
    table[[0, 0, 1], [2, 3, 3]] = 1
    chance = (16 - 40 / 9) / 12 * 26 / 36
    expected = (10 / 27 - chance) / (1 - chance)
    assert expected < -1.06
    assert float(STATISTICS["gwet_ac2"](table)) == pytest.approx(expected)


# The judge's tables


def test_cells_and_failures() -> None:
    reference, verdict = np.array([0, 0, 1, 1, 1]), np.array([0, 2, 1, 2, 2])
    cells = judge_cells(reference, verdict, 2)
    table = np.bincount(cells, minlength=6).reshape(2, 3)
    np.testing.assert_array_equal(table, [[1, 0, 1], [0, 1, 2]])
    np.testing.assert_array_equal(failures_left_out(table), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(failures_count_as_wrong(table), [[1, 1], [2, 1]])
    np.testing.assert_array_equal(table, [[1, 0, 1], [0, 1, 2]])  # the table itself is left alone


def test_a_failure_goes_to_the_farthest_label() -> None:
    assert farthest_label(4).tolist() == [3, 3, 0, 0]
    assert farthest_label(3).tolist() == [2, 2, 0]
    stack = np.zeros((7, 3, 4))
    stack[..., 3] = [1, 2, 4]
    expected = [[0, 0, 1], [0, 0, 2], [4, 0, 0]]
    np.testing.assert_array_equal(
        failures_count_as_wrong(stack), np.broadcast_to(expected, (7, 3, 3))
    )


@pytest.mark.parametrize(("reference", "verdict"), [(-1, 0), (2, 0), (0, -1), (0, 3)])
def test_a_code_outside_the_table_is_refused(reference: int, verdict: int) -> None:
    with pytest.raises(ValueError, match="coded"):
        judge_cells(np.array([reference]), np.array([verdict]), 2)


# Undefined, in words

ONLY_CORRECT = np.array([[0.0, 0], [0, 9]])
PEOPLE_SAY_CORRECT = np.array([[0.0, 0], [4, 5]])
JUDGE_SAYS_CORRECT = np.array([[0.0, 4], [0, 5]])
ONLY_INCORRECT = np.array([[9.0, 0], [0, 0]])
ALWAYS_THE_OTHER = np.array([[0.0, 9], [0, 0]])


@pytest.mark.parametrize(
    ("name", "table", "reason"),
    [
        ("cohen_kappa", ONLY_CORRECT, "every label is 'correct'"),
        ("krippendorff_alpha", ONLY_INCORRECT, "every label is 'incorrect'"),
        ("mcc", ONLY_CORRECT, "every label is 'correct'"),
        ("spearman", PEOPLE_SAY_CORRECT, "people always say 'correct'"),
        ("kendall", JUDGE_SAYS_CORRECT, "the judge always says 'correct'"),
        ("pearson", ALWAYS_THE_OTHER, "people always say 'incorrect'"),
        ("specificity", PEOPLE_SAY_CORRECT, "people always say 'correct'"),
        ("balanced_accuracy", PEOPLE_SAY_CORRECT, "people always say 'correct'"),
        ("negative_predictive_value", JUDGE_SAYS_CORRECT, "the judge always says 'correct'"),
        ("negative_predictive_value", ALWAYS_THE_OTHER, "the judge always says 'correct'"),
        ("sensitivity", ALWAYS_THE_OTHER, "people never say 'correct'"),
        ("positive_predictive_value", ONLY_INCORRECT, "the judge never says 'correct'"),
        ("f1", ONLY_INCORRECT, "neither people nor the judge ever say 'correct'"),
        ("leniency", np.zeros((2, 2)), "no cases"),
        ("krippendorff_alpha", HAND / 250, "the weights add up to half a case or less"),
    ],
)
def test_reasons(name: str, table: np.ndarray, reason: str) -> None:
    assert undefined_reason(name, table, ["incorrect", "correct"]) == f"undefined: {reason}"


@pytest.mark.parametrize("name", ["accuracy", "gwet_ac1", "brennan_prediger", "leniency"])
def test_some_figures_need_no_variation(name: str) -> None:
    assert float(STATISTICS[name](ONLY_CORRECT)) == (0 if name == "leniency" else 1)
    assert undefined_reason(name, ONLY_CORRECT, ["incorrect", "correct"]) == ""


@pytest.mark.parametrize("name", ["cohen_kappa", "scott_pi", "gwet_ac1"])
def test_a_judge_that_always_says_the_other_label_is_defined(name: str) -> None:
    # κ: D_o = D_e = 1; π and AC1: p_o = 0 and p_e = ½.
    expected = 0 if name == "cohen_kappa" else -1
    assert float(STATISTICS[name](ALWAYS_THE_OTHER)) == expected
