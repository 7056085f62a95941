"""Agreement among several people with missing labels."""

import warnings

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judges.agreement import STATISTICS
from judges.intervals import multinomial_weights
from judges.raters import RATER_STATISTICS, RaterTables, rater_tables, rater_undefined_reason

few = settings(deadline=None, max_examples=50)
every_statistic = pytest.mark.parametrize("name", RATER_STATISTICS)
every_weighting = pytest.mark.parametrize("weights", ["identity", "linear", "quadratic"])
TWO_RATERS = {
    ("percent_agreement", "identity"): "accuracy",
    ("fleiss_kappa", "identity"): "scott_pi",
    ("conger_kappa", "identity"): "cohen_kappa",
    ("conger_kappa", "linear"): "cohen_kappa_linear",
    ("conger_kappa", "quadratic"): "cohen_kappa_quadratic",
    ("gwet_ac", "identity"): "gwet_ac1",
    ("gwet_ac", "quadratic"): "gwet_ac2",
    ("brennan_prediger", "identity"): "brennan_prediger",
    ("krippendorff_alpha", "nominal"): "krippendorff_alpha",
    ("krippendorff_alpha", "ordinal"): "krippendorff_alpha_ordinal",
    ("krippendorff_alpha", "interval"): "krippendorff_alpha_interval",
}


@st.composite
def ratings(draw: st.DrawFn, lowest: int = -1, raters: int | None = None) -> np.ndarray:
    """Up to 12 cases, 2 to 5 raters and 4 labels; −1 is a missing label."""
    shape = draw(st.integers(1, 12)), raters or draw(st.integers(2, 5))
    cells = draw(st.lists(st.integers(lowest, 3), min_size=shape[0] * shape[1]))
    return np.resize(np.array(cells), shape)


def summed(given_ratings: np.ndarray, k: int = 4) -> RaterTables:
    return rater_tables(given_ratings, k).sum()


def test_one_case_by_hand() -> None:
    # Labels a, a, b and one missing: ordered pairs aa 2, ab 2, ba 2; m − 1 = 2, m(m − 1) = 6.
    tables = summed(np.array([[0, 0, 1, -1]]), 2)
    np.testing.assert_allclose(tables.coincidence, [[1, 1], [1, 0]])
    np.testing.assert_allclose(tables.pairs, [[1 / 3, 1 / 3], [1 / 3, 0]])
    np.testing.assert_allclose(tables.share, [2 / 3, 1 / 3])
    np.testing.assert_array_equal(tables.by_rater, [[1, 0], [1, 0], [0, 1], [0, 0]])
    assert float(RATER_STATISTICS["percent_agreement"](tables)) == pytest.approx(1 / 3)
    # n = 3 coincidences: D_o = 2/3, D_e = 2 · 2 · 1 / (3 · 2) = 2/3.
    assert float(RATER_STATISTICS["krippendorff_alpha"](tables)) == pytest.approx(0)


def test_a_case_with_one_label_counts_for_shares_only() -> None:
    tables = summed(np.array([[0, 1], [1, -1], [-1, -1]]), 2)
    assert tables.pairs.sum() == pytest.approx(1)
    assert tables.coincidence.sum() == pytest.approx(2)
    np.testing.assert_allclose(tables.share, [0.5, 1.5])


def test_labels_outside_the_rubric_are_refused() -> None:
    for wrong in (-2, 3):
        with pytest.raises(ValueError, match="coded"):
            rater_tables(np.array([[0, wrong]]), 3)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@few
@given(cases=ratings())
def test_krippendorff_agrees_with_missing_labels(level: str, cases: np.ndarray) -> None:
    values = [1.0, 2.0, 4.0, 7.0]
    data = np.array([*values, np.nan])[cases].T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = krippendorff.alpha(data, value_domain=values, level_of_measurement=level)
        except ValueError:  # it refuses where no two labels can be compared or none differ
            theirs = np.nan
    ours = RATER_STATISTICS["krippendorff_alpha"](summed(cases), level, values=values)
    assert float(ours) == pytest.approx(theirs, abs=1e-10, nan_ok=True)


@pytest.mark.parametrize(("name", "weights"), TWO_RATERS)
@few
@given(cases=ratings(lowest=0, raters=2))
def test_two_people_are_as_a_judge_and_people(name: str, weights: str, cases: np.ndarray) -> None:
    table = np.zeros((4, 4))
    np.add.at(table, (cases[:, 0], cases[:, 1]), 1)
    expected = float(STATISTICS[TWO_RATERS[name, weights]](table))
    value = float(RATER_STATISTICS[name](summed(cases), weights))
    assert value == pytest.approx(expected, abs=1e-12, nan_ok=True)


@every_weighting
@few
@given(cases=ratings(lowest=0))
def test_conger_is_the_mean_over_pairs_of_people(weights: str, cases: np.ndarray) -> None:
    """With no label missing, Conger's (1980) parts are means of Cohen's over all pairs."""
    raters = cases.shape[1]
    apart = {"identity": 0, "linear": 1, "quadratic": 2}[weights]
    w = 1 - np.where(
        np.eye(4) == 1, 0, (np.abs(np.subtract.outer(range(4), range(4))) / 3) ** apart
    )
    shares = [np.bincount(cases[:, r], minlength=4) / len(cases) for r in range(raters)]
    pairs = [(g, h) for g in range(raters) for h in range(g)]
    seen = np.mean([w[cases[:, g], cases[:, h]].mean() for g, h in pairs])
    chance = np.mean([shares[g] @ w @ shares[h] for g, h in pairs])
    expected = (seen - chance) / (1 - chance) if chance < 1 - 1e-12 else np.nan
    value = float(RATER_STATISTICS["conger_kappa"](summed(cases), weights))
    assert value == pytest.approx(expected, abs=1e-10, nan_ok=True)


@every_statistic
@every_weighting
def test_a_resample_is_a_weighting_of_cases(name: str, weights: str) -> None:
    rng = np.random.default_rng(5)
    cases = rng.integers(-1, 3, (30, 4))
    drawn = multinomial_weights(rng, 8, 30)
    values = RATER_STATISTICS[name](rater_tables(cases, 3).sum(drawn), weights)
    repeated = [np.repeat(cases, row.astype(int), axis=0) for row in drawn]
    expected = [float(RATER_STATISTICS[name](summed(r, 3), weights)) for r in repeated]
    np.testing.assert_allclose(values, expected, atol=1e-12)


@every_statistic
def test_cases_can_be_added_up_by_question_first(name: str) -> None:
    rng = np.random.default_rng(6)
    cases, question = rng.integers(-1, 3, (30, 4)), rng.integers(0, 7, 30)
    drawn = multinomial_weights(rng, 5, 7)
    tables = rater_tables(cases, 3)
    by_question = RATER_STATISTICS[name](tables.by_cluster(question, 7).sum(drawn))
    by_case = RATER_STATISTICS[name](tables.sum(drawn[:, question]))
    assert by_question.shape == (5,)
    np.testing.assert_allclose(by_question, by_case, atol=1e-12)


@every_statistic
def test_a_person_without_a_label_here_changes_nothing(name: str) -> None:
    cases = np.random.default_rng(7).integers(-1, 3, (30, 4))
    absent = np.insert(cases, 2, -1, axis=1)
    value = float(RATER_STATISTICS[name](summed(cases, 3)))
    assert float(RATER_STATISTICS[name](summed(absent, 3))) == pytest.approx(value, abs=1e-12)


@every_statistic
@every_weighting
def test_perfect_agreement_is_exactly_one(name: str, weights: str) -> None:
    cases = np.array([[0, 0, -1], [1, 1, 1], [2, -1, 2], [1, -1, -1]])
    assert float(RATER_STATISTICS[name](summed(cases, 3), weights)) == 1


@every_statistic
@few
@given(cases=ratings())
def test_a_reason_is_given_exactly_where_a_figure_is_undefined(
    name: str, cases: np.ndarray
) -> None:
    tables = summed(cases)
    reason = rater_undefined_reason(name, tables, ["a", "b", "c", "d"])
    assert bool(reason) == np.isnan(RATER_STATISTICS[name](tables))


@pytest.mark.parametrize(
    ("name", "cases", "reason"),
    [
        ("gwet_ac", [[0, -1], [-1, 1]], "no case has two people's labels"),
        ("fleiss_kappa", [[1, 1], [1, -1]], "every label that can be compared is 'correct'"),
        ("conger_kappa", [[0, 0]], "every label that can be compared is 'incorrect'"),
        ("krippendorff_alpha", [[1, 1], [0, -1]], "every label that can be compared is 'correct'"),
    ],
)
def test_reasons(name: str, cases: list[list[int]], reason: str) -> None:
    tables = summed(np.array(cases), 2)
    assert rater_undefined_reason(name, tables, ["incorrect", "correct"]) == f"undefined: {reason}"


def test_weights_that_add_up_to_less_than_one_label_leave_alpha_undefined() -> None:
    tables = rater_tables(np.array([[0, 1], [1, 1]]), 2).sum(np.array([0.2, 0.2]))
    reason = rater_undefined_reason("krippendorff_alpha", tables, ["incorrect", "correct"])
    assert reason == "undefined: the weights add up to one label or less"
