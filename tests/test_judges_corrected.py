"""Which rates are corrected by what, and why some are not."""

import time
from dataclasses import replace

import numpy as np
import pytest

from judges.corrected import (
    CLIPPED,
    ENOUGH,
    GROUPS,
    NO_ANSWERS,
    NO_LABELS,
    NONE,
    ONE_QUESTION,
    PPI,
    ROGAN_GLADEN,
    Corrected,
    CorrectedBoard,
    corrected,
)
from judges.counted import Calibration, Graded
from samples.errors import BenchwarrantError

RIGHT, MISSES = 0.55, 0.1


def world(
    models: int, tasks: int, questions: int, labels: int, differ: float = 0.0, seed: int = 0
) -> tuple[Graded, Calibration]:
    """One draw of each answer, as many labels of each model; the judge errs 10% of the time.

    ``differ`` lets every other model's right answers be rejected that much more often.
    """
    rng = np.random.default_rng(seed)
    model, task, place = (x.ravel() for x in np.indices((models, tasks, questions)))
    truth = rng.random(len(model)) < RIGHT
    misses = MISSES + np.where(truth & (model % 2 == 1), differ, 0.0)
    verdict = np.where(rng.random(len(model)) < misses, ~truth, truth).astype(np.int64)
    question = task * questions + place
    graded = Graded(model, task, question, verdict, np.ones_like(model))
    per = tasks * questions
    drawn = np.concatenate([m * per + rng.choice(per, labels, False) for m in range(models)])
    rows = (x[drawn] for x in (model, task, question, verdict, truth.astype(np.int64)))
    return graded, Calibration(*rows, np.full(len(drawn), labels / per))


def board(graded: Graded, labels: Calibration, confidence: float = 0.95) -> CorrectedBoard:
    return corrected(graded, labels, np.random.default_rng(0), confidence)


def methods(made: CorrectedBoard) -> tuple[set[str], set[str]]:
    cells = {one.method for row in made.cells for one in row if one}
    return cells, {one.method for one in made.aggregates}


def test_few_labels_of_each_model_are_used_together() -> None:
    graded, labels = world(20, 3, 200, ENOUGH - 2)
    made = board(graded, labels)
    assert methods(made) == ({ROGAN_GLADEN}, {ROGAN_GLADEN})
    one = made.cells[0][0]
    assert one is not None
    assert one.low < one.value < one.high
    assert one.facts["sensitivity"] == pytest.approx(0.9, abs=0.03)
    assert one.facts["labels_of_model"] == 28
    assert (one.n, one.questions) == (200, 200)
    assert made.judge["labels"] == 560
    assert made.judge["sensitivity"]["p_models_alike"] > 0.05


def test_where_the_judge_errs_alike_the_whole_audit_makes_the_shorter_interval() -> None:
    graded, labels = world(8, 2, 300, 60, seed=2)
    made = board(graded, labels)
    assert min(made.judge["sensitivity"][f"p_{kind}_alike"] for kind in ("models", "tasks")) > 0.05
    by_all = [one for one in made.aggregates if one.method == ROGAN_GLADEN]
    assert by_all
    assert all(one.labels >= ENOUGH for one in by_all)


def test_a_judge_that_errs_unlike_is_corrected_by_each_models_own_labels() -> None:
    graded, labels = world(8, 2, 300, 120, differ=0.4)
    made = board(graded, labels)
    assert {one.method for one in made.aggregates} == {PPI}
    one = made.aggregates[1]
    assert one.raw < RIGHT - 0.1  # what the judge says
    assert one.low < RIGHT < one.high
    assert 0 < one.facts["lambda"] <= 1
    assert one.facts["effective_labelled_questions"] == pytest.approx(120, rel=0.01)
    assert made.judge["sensitivity"]["p_models_alike"] < 0.01


def test_a_model_without_labels_is_corrected_by_others_unless_they_differ() -> None:
    for differ, method in ((0.0, ROGAN_GLADEN), (0.4, NONE)):
        graded, labels = world(8, 2, 200, 100, differ)
        made = board(graded, labels.only(labels.model != 3))
        assert made.aggregates[3].method == method
        assert made.aggregates[3].labels == 0
    assert "err differently from model to model" in made.aggregates[3].reason
    assert "this one has only 0 labelled" in made.aggregates[3].reason
    assert made.aggregates[3].figure()["value"] is None


def test_few_labels_are_too_few_where_models_differ() -> None:
    """Seen in the simulation: there intervals by a dozen labels hold the truth too seldom."""
    graded, labels = world(40, 2, 100, 12, differ=0.5)
    one = board(graded, labels).aggregates[3]
    assert one.method == NONE
    assert "has only 12 labelled answers: it takes 20, or 30" in one.reason


def test_few_labelled_models_say_nothing_of_another() -> None:
    graded, labels = world(8, 2, 200, 100)
    made = board(graded, labels.only(labels.model < GROUPS - 1))
    assert "fewer than" in made.aggregates[7].reason
    assert made.aggregates[0].method != NONE


def test_a_judge_that_does_not_tell_right_from_wrong_corrects_nothing() -> None:
    graded, labels = world(8, 2, 200, 20)
    rng = np.random.default_rng(1)
    blind = replace(labels, verdict=rng.integers(0, 2, len(labels.verdict)))
    made = board(graded, blind)
    assert methods(made) == ({NONE}, {NONE})
    assert "does not tell" in made.aggregates[0].reason


def test_no_labels_and_too_few_are_reasons() -> None:
    graded, labels = world(3, 2, 50, 10)
    assert board(graded, labels.only(labels.model < 0)).aggregates[0].reason == NO_LABELS
    only_right = board(graded, labels.only(labels.label == 1))
    assert "labelled answers are wrong" in only_right.aggregates[0].reason


def test_a_missing_task_and_a_single_question() -> None:
    graded, labels = world(6, 2, 100, 40)
    keep = ~((graded.model == 0) & (graded.task == 1))
    keep &= ~((graded.model == 1) & (graded.task == 1) & (graded.question > 100))
    columns = ("model", "task", "question", "right", "answers")
    made = board(Graded(*(getattr(graded, name)[keep] for name in columns)), labels)
    assert made.cells[0][1] is None
    assert made.aggregates[0].reason == NO_ANSWERS
    assert made.aggregates[1].reason == ONE_QUESTION
    assert made.aggregates[2].method != NONE


def hardly_right(share: float) -> Corrected:
    """The first cell, without labels of its own, with so many answers right by the judge."""
    graded, labels = world(6, 2, 100, 80)
    few = (graded.question % 100 < 100 * share).astype(np.int64)
    graded = replace(graded, right=np.where(graded.model == 0, few, graded.right))
    one = board(graded, labels.only(labels.model > 0)).cells[0][0]
    assert one is not None
    return one


def test_a_rate_outside_0_to_1_is_clipped_and_says_so() -> None:
    """The judge accepts 10% of wrong answers or more: 8% right are none in truth."""
    one = hardly_right(0.08)
    assert (one.value, one.low, one.note) == (0.0, 0.0, CLIPPED)
    assert one.high > 0
    assert one.figure()["note"] == CLIPPED


def test_a_rate_that_the_judges_errors_rule_out_is_not_corrected_by_them() -> None:
    one = hardly_right(0.0)
    assert one.method == NONE
    assert "0.0% right" in one.reason
    assert "rule out" in one.reason


def test_a_wider_confidence_is_a_wider_interval_and_nonsense_is_refused() -> None:
    graded, labels = world(4, 2, 100, 60)
    narrow, wide = (board(graded, labels, c).aggregates[0] for c in (0.8, 0.99))
    assert wide.high - wide.low > narrow.high - narrow.low
    with pytest.raises(BenchwarrantError, match="between 0 and 1"):
        board(graded, labels, 95)


def test_the_order_of_rows_changes_nothing() -> None:
    graded, labels = world(4, 2, 100, 60)
    order = np.random.default_rng(5).permutation(len(graded.model))
    columns = ("model", "task", "question", "right", "answers")
    mixed = Graded(*(getattr(graded, name)[order] for name in columns))
    for one, other in zip(
        board(mixed, labels).aggregates, board(graded, labels).aggregates, strict=True
    ):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
        assert one.method == other.method


def test_labels_of_unequal_weight_are_undone() -> None:
    """Tasks of 100 and 900 questions: a mean counts them alike, however labels fall on them."""
    rng = np.random.default_rng(4)
    task = np.repeat([0, 1], [100, 900])
    truth = rng.random(1000) < np.where(task == 0, 0.9, 0.3)
    question, zeros = np.arange(1000), np.zeros(1000, dtype=np.int64)
    verdict = np.where((task == 0) & (rng.random(1000) < 0.3), False, truth).astype(np.int64)
    graded = Graded(zeros, task, question, verdict, np.ones_like(zeros))
    drawn = rng.choice(1000, 600, replace=False)
    labels = Calibration(
        zeros[drawn], task[drawn], drawn, verdict[drawn], truth[drawn].astype(np.int64),
        np.full(600, 0.6),
    )  # fmt: skip
    one = board(graded, labels).aggregates[0]
    assert one.method == PPI
    assert one.value == pytest.approx((truth[:100].mean() + truth[100:].mean()) / 2, abs=0.03)
    assert one.labels == 600
    assert one.facts["effective_labelled_questions"] > ENOUGH


@pytest.mark.slow
def test_the_whole_benchmark_takes_two_seconds() -> None:
    graded, labels = world(72, 17, 150, 14)
    start = time.thread_time()  # not the clock: the machine may be busy
    made = board(graded, labels)
    assert time.thread_time() - start < 2
    assert len(made.cells) == 72
    assert len(made.cells[0]) == 17
