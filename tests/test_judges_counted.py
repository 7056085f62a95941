"""Graded answers by question, and the judge's own rates with their variance."""

import numpy as np
import pytest

from judges.counted import Calibration, Graded, raw_rates
from judges.intervals import clopper_pearson
from samples.errors import BenchwarrantError


def graded(rows: list[tuple[int, int, int, int, int]], **more) -> Graded:
    return Graded(*np.array(rows).T, **more)


def test_rates_and_variances_are_those_of_the_ratio_by_question() -> None:
    """Three questions of 3, 3 and 2 answers, 3, 1 and 0 of them right: rate ½, by hand.

    Σ (right − answers/2)² = 1.5² + 0.5² + 1² = 3.5, so 3/2 · 3.5 / 8² = 0.08203125. That is less
    than what three questions cannot rule out.
    """
    found = raw_rates(graded([(0, 0, 5, 3, 3), (0, 0, 2, 1, 3), (0, 0, 9, 0, 2)]), 0.95)
    assert found.rate.item() == 0.5
    assert found.questions.item() == 3
    unseen = clopper_pearson(np.zeros(1), np.full(1, 3.0), 0.95)[1].item()
    assert found.variance.item() == pytest.approx(max(0.08203125, (unseen / 1.959964) ** 2))


def test_many_questions_have_the_variance_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    right = rng.integers(0, 4, 500)
    rows = [(1, 1, q, k, 3) for q, k in enumerate(right)]
    found = raw_rates(graded(rows), 0.95)
    assert found.variance[1, 1] == pytest.approx(np.var(right / 3, ddof=1) / 500)
    assert np.isnan(found.rate[0, 0])
    assert found.answers[0, 1] == 0


def test_questions_that_are_all_alike_are_not_certain() -> None:
    found = raw_rates(graded([(0, 0, q, 0, 1) for q in range(20)]), 0.95)
    reach = 1.959964 * np.sqrt(found.variance.item())
    assert reach == pytest.approx(1 - 0.025 ** (1 / 20), rel=1e-5)


def test_one_question_has_no_variance() -> None:
    assert np.isnan(raw_rates(graded([(0, 0, 0, 2, 3)]), 0.95).variance.item())


def test_what_nobody_could_be_shown_is_left_out_of_the_drawable() -> None:
    rows = [(0, 0, 0, 1, 2), (0, 0, 1, 1, 2)]
    found = raw_rates(graded(rows, textless=np.array([[1]])), 0.95)
    assert found.drawable.item() == 0.75


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(0, 0, 0, 3, 2)], "0 to all of them right"),
        ([(0, 0, 0, 0, 0)], "1 answer or more"),
        ([(0, 0, 0, 1, 2), (0, 0, 0, 1, 2)], "two rows"),
        ([(-1, 0, 0, 1, 2)], "numbered from 0"),
    ],
)
def test_rows_that_cannot_be_are_refused(rows: list, says: str) -> None:
    with pytest.raises(BenchwarrantError, match=says):
        graded(rows)


def test_labels_that_cannot_be_are_refused() -> None:
    one = np.array([0])
    with pytest.raises(BenchwarrantError, match="0 or 1"):
        Calibration(one, one, one, np.array([2]), one, np.array([0.5]))
    with pytest.raises(BenchwarrantError, match="above 0"):
        Calibration(one, one, one, one, one, np.array([0.0]))
    with pytest.raises(BenchwarrantError, match="differ in length"):
        Calibration(one, one, np.array([0, 1]), one, one, np.array([0.5]))


def test_labels_are_counted_by_cell_and_cut_by_a_mask() -> None:
    model, task = np.array([0, 1, 1]), np.array([1, 0, 0])
    labels = Calibration(model, task, np.arange(3), task, task, np.full(3, 0.1))
    assert labels.counts((2, 2)).tolist() == [[0, 1], [2, 0]]
    assert labels.only(labels.model == 1).question.tolist() == [1, 2]
