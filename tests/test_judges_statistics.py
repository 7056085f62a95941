"""Statistics of count tables against other libraries, and what must hold for all of them."""

import warnings
from collections.abc import Callable

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from judges.agreement import SAME_ON_TWO_LABELS, STATISTICS, undefined_reason

ALPHAS = [name for name in STATISTICS if name.startswith("krippendorff")]
SHARES = ["sensitivity", "specificity", "positive_predictive_value", "negative_predictive_value"]
SHARES += ["f1", "accuracy", "balanced_accuracy"]
ABOUT_POSITIVE = [*SHARES[:5], "leniency"]
UNORDERED = ["accuracy", "cohen_kappa", "scott_pi", "gwet_ac1", "brennan_prediger", "mcc"]
UNORDERED += ["krippendorff_alpha", "balanced_accuracy"]

many = settings(deadline=None)
few = settings(deadline=None, max_examples=25)
every_statistic = pytest.mark.parametrize("name", STATISTICS)


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    """Count tables of 2 to 5 labels, many cells empty."""
    k = draw(st.integers(2, 5))
    cell = st.sampled_from([0, 0, 0, 1, 2, 5, 9])
    cells = draw(st.lists(cell, min_size=k * k, max_size=k * k))
    return np.array(cells, dtype=float).reshape(k, k)


def vectors(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The table's cases, one by one: people's label and the judge's."""
    people, judge = np.indices(table.shape).reshape(2, -1)
    counts = table.astype(int).ravel()
    return np.repeat(people, counts), np.repeat(judge, counts)


def quietly(function: Callable[..., object], *args: object, **options: object) -> float:
    """Another library's figure; NaN where it refuses or warns that it is undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = function(*args, **options)
        except ValueError:
            return float("nan")
    return float(getattr(result, "statistic", result))


# Against other libraries


def agree(ours: float, theirs: float) -> None:
    assert ours == pytest.approx(theirs, abs=1e-10, nan_ok=True)


@many
@given(tables())
def test_scikit_learn_agrees(table: np.ndarray) -> None:
    people, judge = vectors(table)
    assume(len(people) > 0)
    k = len(table)
    ours = {name: float(statistic(table)) for name, statistic in STATISTICS.items()}
    for name, weights in [("", None), ("_linear", "linear"), ("_quadratic", "quadratic")]:
        theirs = quietly(metrics.cohen_kappa_score, people, judge, labels=range(k), weights=weights)
        agree(ours["cohen_kappa" + name], theirs)
    agree(ours["accuracy"], metrics.accuracy_score(people, judge))
    positive = people == k - 1, judge == k - 1
    agree(ours["f1"], quietly(metrics.f1_score, *positive, zero_division=np.nan))
    agree(ours["sensitivity"], quietly(metrics.recall_score, *positive, zero_division=np.nan))
    ppv = quietly(metrics.precision_score, *positive, zero_division=np.nan)
    agree(ours["positive_predictive_value"], ppv)
    both_vary = len(set(people)) > 1 and len(set(judge)) > 1
    # scikit-learn gives 0 for the MCC, and a recall for a single label, where ours is undefined.
    mcc = quietly(metrics.matthews_corrcoef, people, judge) if both_vary else np.nan
    agree(ours["mcc"], mcc)
    balanced = quietly(metrics.balanced_accuracy_score, people, judge)
    agree(ours["balanced_accuracy"], balanced if len(set(people)) > 1 else np.nan)


@many
@given(tables())
def test_scipy_agrees(table: np.ndarray) -> None:
    people, judge = vectors(table)
    assume(len(people) > 2)
    agree(float(STATISTICS["spearman"](table)), quietly(stats.spearmanr, people, judge))
    agree(float(STATISTICS["kendall"](table)), quietly(stats.kendalltau, people, judge))
    agree(float(STATISTICS["pearson"](table)), quietly(stats.pearsonr, people, judge))


@many
@given(tables())
def test_krippendorff_agrees(table: np.ndarray) -> None:
    labels = np.array(vectors(table), dtype=float)
    for name, level in zip(ALPHAS, ["nominal", "ordinal", "interval"], strict=True):
        theirs = quietly(
            krippendorff.alpha,
            labels,
            value_domain=list(range(len(table))),
            level_of_measurement=level,
        )
        agree(float(STATISTICS[name](table)), theirs if labels.size else np.nan)


def test_weighted_cases_are_what_scikit_learn_takes_as_sample_weights() -> None:
    rng = np.random.default_rng(3)
    people, judge, weight = rng.integers(0, 3, 50), rng.integers(0, 3, 50), rng.random(50)
    table = np.zeros((3, 3))
    np.add.at(table, (people, judge), weight)
    kappa = metrics.cohen_kappa_score(people, judge, sample_weight=weight, weights="linear")
    mcc = metrics.matthews_corrcoef(people, judge, sample_weight=weight)
    agree(float(STATISTICS["cohen_kappa_linear"](table)), kappa)
    agree(float(STATISTICS["mcc"](table)), mcc)


# What holds for every statistic


@every_statistic
@pytest.mark.parametrize("k", [2, 3, 5])
def test_perfect_agreement_is_exactly_one(name: str, k: int) -> None:
    table = np.diag(np.arange(1.0, k + 1) / 3)
    assert float(STATISTICS[name](table)) == (0 if name == "leniency" else 1)


@every_statistic
@few
@given(table=tables(), scale=st.floats(1e-3, 1e6))
def test_scaling_all_weights_changes_nothing_but_alpha(
    name: str, table: np.ndarray, scale: float
) -> None:
    assume(table.sum() > 0)
    before, after = float(STATISTICS[name](table)), float(STATISTICS[name](table * scale))
    if name in ALPHAS:
        # α draws without replacement from n = 2 × total weight labels, so 1 − α goes with
        # (n − 1) / n: of few cases more is left to chance than of many in the same proportions.
        n, scaled = 2 * table.sum(), 2 * table.sum() * scale
        assume(scaled > 1.001)
        before = 1 - (1 - before) * n / (n - 1) * (scaled - 1) / scaled
    assert after == pytest.approx(before, abs=1e-10, nan_ok=True)


@every_statistic
@pytest.mark.parametrize("shape", [(2, 2), (5, 5), (4, 0, 3, 3), (6, 2, 2)])
def test_no_cases_is_undefined(name: str, shape: tuple[int, ...]) -> None:
    values = STATISTICS[name](np.zeros(shape))
    assert values.shape == shape[:-2]
    assert np.isnan(values).all()


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - {"balanced_accuracy"}))
@few
@given(table=tables())
def test_people_and_judge_change_places(name: str, table: np.ndarray) -> None:
    swapped = {
        "sensitivity": "positive_predictive_value",
        "specificity": "negative_predictive_value",
        "positive_predictive_value": "sensitivity",
        "negative_predictive_value": "specificity",
    }
    there = float(STATISTICS[name](table))
    back = float(STATISTICS[swapped.get(name, name)](table.T))
    assert back == pytest.approx(-there if name == "leniency" else there, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - set(ABOUT_POSITIVE)))
@few
@given(table=tables())
def test_labels_in_reverse_order(name: str, table: np.ndarray) -> None:
    value = float(STATISTICS[name](table[::-1, ::-1]))
    assert value == pytest.approx(float(STATISTICS[name](table)), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", UNORDERED)
@few
@given(table=tables(), seed=st.integers(0, 99))
def test_label_names_do_not_matter_to_unordered_statistics(
    name: str, table: np.ndarray, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(table))
    value = float(STATISTICS[name](table[order][:, order]))
    assert value == pytest.approx(float(STATISTICS[name](table)), abs=1e-12, nan_ok=True)


@every_statistic
@few
@given(table=tables(), weights=st.integers(0, 2**32 - 1))
def test_values_stay_within_their_range(name: str, table: np.ndarray, weights: int) -> None:
    values = STATISTICS[name](table * np.random.default_rng(weights).random((20, *table.shape)))
    lowest = 0 if name in SHARES else -np.inf if name == "gwet_ac2" else -1
    assert np.all(np.isnan(values) | ((values >= lowest) & (values <= 1)))


@every_statistic
def test_a_stack_gives_what_its_tables_give(name: str) -> None:
    stack = (
        np.random.default_rng(1).multinomial(12, np.full(9, 1 / 9), (4, 25)).reshape(4, 25, 3, 3)
    )
    values = STATISTICS[name](stack)
    assert values.shape == (4, 25)
    one_by_one = [[float(STATISTICS[name](table)) for table in row] for row in stack]
    np.testing.assert_allclose(values, one_by_one, rtol=0, atol=1e-12)


@every_statistic
@few
@given(table=tables(), seed=st.integers(0, 2**32 - 1))
def test_rounding_cannot_make_an_undefined_figure_defined(
    name: str, table: np.ndarray, seed: int
) -> None:
    """A jackknife's total minus one cluster leaves dust where nothing is."""
    rng = np.random.default_rng(seed)
    table = table * rng.random(table.shape)
    assume(table.sum() > 0.6)  # lighter tables have no α
    dust = rng.normal(0, 1e-16, table.shape) * table.sum()
    clean, dusty = float(STATISTICS[name](table)), float(STATISTICS[name](table + dust))
    assert dusty == pytest.approx(clean, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("names", SAME_ON_TWO_LABELS)
@few
@given(cells=st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_one_number_on_two_labels(names: tuple[str, ...], cells: list[int]) -> None:
    table = np.array(cells, dtype=float).reshape(2, 2)
    first, *others = (float(STATISTICS[name](table)) for name in names)
    for other in others:
        assert other == pytest.approx(first, abs=1e-12, nan_ok=True)


@every_statistic
@few
@given(table=tables())
def test_a_reason_is_given_exactly_where_a_figure_is_undefined(
    name: str, table: np.ndarray
) -> None:
    reason = undefined_reason(name, table, ["a", "b", "c", "d", "e"][: len(table)])
    assert bool(reason) == np.isnan(STATISTICS[name](table))
    assert "None" not in reason
