"""Two sides on the same questions: by hand, against a loop, and by how often it is right."""

import numpy as np
import pytest
from scipy import stats

from judges.paired import Sides, compare, detectable, p_value


def sides(first: str, second: str) -> Sides:
    """A letter per question, one answer each."""
    right = np.array([[float(x) for x in first], [float(x) for x in second]])
    return Sides(right, np.ones_like(right))


def test_one_answer_a_question_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    right = (rng.random((2, 80)) < [[0.6], [0.45]]).astype(float)
    made = compare([Sides(right, np.ones_like(right))], 0.95)
    test = stats.ttest_rel(*right)
    interval = test.confidence_interval(0.95)
    # the t test divides by m − 1 where the clustered variance has m/(m − 1) of the sum over m²
    assert made.p == pytest.approx(test.pvalue, rel=1e-9)
    assert (made.difference["low"], made.difference["high"]) == pytest.approx(tuple(interval))
    assert made.difference["value"] == pytest.approx(right[0].mean() - right[1].mean())


def test_draws_of_a_question_are_one_cluster() -> None:
    """Five like answers to each question tell no more than one."""
    once = sides("1101001110", "0101001010")
    often = Sides(once.right * 5, once.answers * 5)
    one, other = compare([once], 0.95), compare([often], 0.95)
    assert one.difference == pytest.approx(other.difference)
    assert one.p == pytest.approx(other.p)


def test_unequal_numbers_of_answers_by_an_explicit_loop() -> None:
    right = np.array([[2.0, 0, 1, 3], [1.0, 1, 0, 1]])
    answers = np.array([[3.0, 2, 1, 4], [1.0, 2, 2, 1]])
    made = compare([Sides(right, answers)], 0.9)
    rates = right.sum(axis=1) / answers.sum(axis=1)
    squares = 0.0
    for q in range(4):
        moved = [(right[s, q] - rates[s] * answers[s, q]) / answers[s].sum() for s in (0, 1)]
        squares += (moved[0] - moved[1]) ** 2
    half = stats.t.ppf(0.95, 3) * np.sqrt(squares * 4 / 3)
    assert made.difference["value"] == pytest.approx(rates[0] - rates[1])
    assert made.difference["high"] == pytest.approx(rates[0] - rates[1] + half)


def test_tasks_count_the_same_and_their_freedom_is_welch_s() -> None:
    """Two tasks: the mean of both differences, with Satterthwaite's degrees of freedom."""
    first, second = sides("110100" * 3, "010110" * 3), sides("1110" * 20, "0110" * 20)
    made = compare([first, second], 0.95)
    d = [s.right[0] - s.right[1] for s in (first, second)]
    v = [x.var(ddof=1) / len(x) for x in d]
    freedom = sum(v) ** 2 / sum(one**2 / (len(x) - 1) for one, x in zip(v, d, strict=True))
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(v)) / 2
    assert made.difference["value"] == pytest.approx((d[0].mean() + d[1].mean()) / 2)
    assert made.difference["low"] == pytest.approx(made.difference["value"] - half)
    assert made.questions == 18 + 80


def test_the_share_kept_is_a_ratio_with_the_interval_of_its_logarithm() -> None:
    made = compare([sides("1" * 30 + "0" * 30, "1" * 40 + "0" * 20)], 0.95)
    kept = made.share_kept
    assert kept["value"] == pytest.approx(0.75)
    # ten of sixty flip: the influence of a question on log ρ, by its four kinds
    moved = np.array([1 / 0.5 - 1 / (2 / 3)] * 30 + [-1 / (2 / 3)] * 10 + [0.0] * 20)
    error = np.sqrt((moved**2).sum() / 60**2 * 60 / 59)
    factor = np.exp(stats.t.ppf(0.975, 59) * error)
    assert (kept["low"], kept["high"]) == pytest.approx((0.75 / factor, 0.75 * factor))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [("11", "00", "undefined"), ("00", "11", "no right answer"), ("10", "10", "no question")],
)
def test_a_share_that_has_no_interval_says_why(first: str, second: str, reason: str) -> None:
    kept = compare([sides(first, second)], 0.95).share_kept
    assert kept["low"] is None and reason in kept["reason"]


def test_nothing_in_common_and_a_single_question() -> None:
    empty = Sides(np.zeros((2, 0)), np.zeros((2, 0)))
    for tasks in ([], [empty], [sides("10", "01"), empty]):
        made = compare(tasks, 0.95)
        assert made.p is None and made.difference["value"] is None
    one = compare([sides("1", "0")], 0.95)
    assert (one.difference["value"], one.difference["low"], one.p) == (1.0, None, None)


@pytest.mark.parametrize(
    ("value", "error", "freedom", "apart", "p"),
    [
        (0.2, 0.1, 1e9, 50, 2 * stats.norm.sf(2)),
        (0.2, 0.1, 5, 50, 2 * stats.t.sf(2, 5)),
        (0.5, 0.01, 100, 4, 0.125),  # four questions that differ show no less
        (0.5, 0.0, 100, 6, 2 / 2**6),  # all of them alike
        (0.0, 0.0, 100, 0, 1.0),
    ],
)
def test_p_values_by_hand(value, error, freedom, apart, p) -> None:
    assert p_value(value, error, freedom, apart) == pytest.approx(p)


def test_it_covers_and_rejects_as_often_as_it_says() -> None:
    """600 studies of 80 questions with three draws each; the truth is no difference."""
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(600):
        hard = rng.random(80)
        right = rng.binomial(3, np.stack([hard, hard])).astype(float)
        made = compare([Sides(right, np.full((2, 80), 3.0))], 0.95)
        covered.append(made.difference["low"] <= 0 <= made.difference["high"])
        assert (made.p < 0.05) == (not covered[-1])
    assert 0.925 < np.mean(covered) < 0.975


def test_what_can_be_detected_by_hand() -> None:
    """(1.95996 + 0.84162) standard errors at 5% and 80%."""
    assert detectable(np.array([0.01]), 0.05)[0] == pytest.approx(0.0280159, abs=1e-6)
