"""Answers side by side: the same question and draw, and questions that both have."""

import numpy as np
from small_board import cell

from judges.matching import by_question, joined, same_answers


def test_only_the_same_question_and_draw_belong_together() -> None:
    one, other = cell("1101", draws=2), cell("01", first=1, draws=2)
    ours, theirs = same_answers(one, other)
    assert ours.tolist() == [2, 3] and theirs.tolist() == [0, 1]
    assert same_answers(one, cell("1", first=9))[0].size == 0


def test_answers_are_summed_up_by_question() -> None:
    made = by_question(np.array([7, 7, 9]), np.array([[1.0, 0, 1], [1, 1, 0]]))
    assert made.right.tolist() == [[1, 1], [2, 0]] and made.answers.tolist() == [[2, 1], [2, 1]]
    none = by_question(np.zeros(0, dtype=np.int64), np.zeros((2, 0)))
    assert none.right.shape == (2, 0)


def test_each_side_keeps_its_own_number_of_answers() -> None:
    first = np.array([3, 3, 5, 8]), np.array([1.0, 0, 1, 1])
    second = np.array([5, 3, 4]), np.array([0.0, 1, 1])
    made = joined(first, second)
    assert made.right.tolist() == [[1, 1], [1, 0]] and made.answers.tolist() == [[2, 1], [1, 1]]
