"""Answers of two entries set side by side: which belong together, and what both sides got right."""

import numpy as np

from judges.agreement import Array, IntArray
from judges.entries import Cell
from judges.paired import Sides

DRAWS = 2**31  # draws are counted in less


def same_answers(one: Cell, other: Cell) -> tuple[IntArray, IntArray]:
    """Places of the graded answers to the same question and draw, in both."""
    mine, others = (cell.item * DRAWS + cell.draw for cell in (one, other))
    _, ours, theirs = np.intersect1d(mine, others, assume_unique=True, return_indices=True)
    return ours, theirs


def by_question(question: IntArray, right: Array) -> Sides:
    """Both sides' answers (2, n) summed up by question."""
    _, place = np.unique(question, return_inverse=True)
    many = int(place.max(initial=-1)) + 1
    answers = np.bincount(place, minlength=many).astype(np.float64)
    summed = [np.bincount(place, side, minlength=many) for side in right]
    right_answers = np.array(summed, dtype=np.float64).reshape(2, many)
    return Sides(right_answers, np.stack([answers, answers]))


def joined(one: tuple[IntArray, Array], other: tuple[IntArray, Array]) -> Sides:
    """Each side's answers, as (question, right), on the questions that both have."""
    questions = np.intersect1d(one[0], other[0])
    right, answers = np.zeros((2, 2, len(questions)))
    for side, (question, graded) in enumerate((one, other)):
        known = np.isin(question, questions)
        place = np.searchsorted(questions, question[known])
        right[side] = np.bincount(place, graded[known], minlength=len(questions))
        answers[side] = np.bincount(place, minlength=len(questions))
    return Sides(right, answers)
