"""The judge's errors carried over to every cell."""

import numpy as np
import pytest

from judges.carried import MANY, alike, carry_over, middle
from judges.counted import Calibration, Graded, raw_rates
from judges.misjudged import Alike, Side


def board(models: int, questions: int, rate: float, **more) -> Graded:
    """One task; every model the same share of right answers by the judge."""
    model, question = (x.ravel() for x in np.indices((models, questions)))
    right = (question < rate * questions).astype(np.int64)
    return Graded(model, np.zeros_like(model), question, right, np.ones_like(model), **more)


def audit(models: int, agreed_right: int, agreed_wrong: int, per: int = 50) -> Calibration:
    """``per`` right and wrong answers of each model, of which so many are judged as such."""
    one_model = np.concatenate([np.arange(per) < agreed_right, np.arange(per) >= agreed_wrong])
    label = np.tile(np.repeat([1, 0], per), models)
    model = np.repeat(np.arange(models), 2 * per)
    return Calibration(
        model,
        np.zeros_like(model),
        np.arange(len(model)),
        np.tile(one_model.astype(np.int64), models),
        label,
        np.full(len(model), 0.1),
    )


def test_a_rate_is_put_right_by_hand() -> None:
    """Sensitivity 0.9, specificity 0.8 and a rate of 0.55 make (0.55 − 0.2) / 0.7 = 0.5."""
    raw = raw_rates(board(6, 1000, 0.55), 0.95)
    found = carry_over(raw, audit(6, 45, 40), np.random.default_rng(0), 0.95)
    assert found.cells.value[:, 0] == pytest.approx(np.full(6, 0.5), abs=0.015)
    assert (found.cells.low < 0.5).all()
    assert (found.cells.high > 0.5).all()
    assert found.youden.value[:, 0] == pytest.approx(np.full(6, 0.7), abs=0.02)
    assert found.alike[0] == 1.0


def test_the_interval_is_wider_than_the_questions_alone_make_it() -> None:
    raw = raw_rates(board(6, 1000, 0.55), 0.95)
    found = carry_over(raw, audit(6, 45, 40), np.random.default_rng(0), 0.95)
    by_questions = 2 * 1.96 * np.sqrt(raw.variance[0, 0]) / 0.7
    assert (found.cells.high - found.cells.low)[0, 0] > 1.1 * by_questions


def test_answers_without_text_are_wrong_for_sure() -> None:
    """Half cannot be shown. Of the others 0.55 are right by the judge and 0.5 in truth."""
    graded = board(6, 1000, 0.275, textless=np.full((6, 1), 500))
    found = carry_over(raw_rates(graded, 0.95), audit(6, 45, 40), np.random.default_rng(0), 0.95)
    assert found.cells.value[0, 0] == pytest.approx(0.25, abs=0.01)


def test_models_that_mislead_the_judge_unlike_are_found() -> None:
    both = [audit(3, 50, 49), audit(3, 30, 49)]
    joined = Calibration(
        np.concatenate([both[0].model, both[1].model + 3]),
        *(
            np.concatenate([getattr(one, name) for one in both])
            for name in ("task", "question", "verdict", "label", "probability")
        ),
    )
    raw = raw_rates(board(6, 500, 0.5), 0.95)
    found = carry_over(raw, joined, np.random.default_rng(0), 0.95)
    assert found.alike[0] == 0.0
    assert (found.cells.value[3:] > found.cells.value[:3].max() + 0.1).all()


def test_what_no_test_refuses_may_still_be_likely_to_differ() -> None:
    """Each side holds a chance of 20% that many models differ much: 36% that one of them does."""

    def one(groups: int, much: float, p: float = 0.4) -> Side:
        models, tasks = Alike(p, groups), Alike(0.9, 4)
        return Side(np.ones((1, 1, 1)), np.ones(1), 100, models, tasks, (0.3, 0.0), (much, 0.9))

    found = alike([one(MANY, 0.2), one(MANY, 0.2)])
    assert found == pytest.approx((0.64, 1.0))  # tasks are too few to tell
    assert alike([one(MANY, 0.2), one(MANY - 1, 0.2)])[0] == pytest.approx(0.8)
    assert alike([one(MANY, 0.0), one(MANY, 0.0, p=0.01)]) == (0.0, 1.0)


def test_the_middle_of_draws() -> None:
    ends = middle(np.array(0.5), np.arange(101) / 100, 0.9)
    assert (float(ends.value), float(ends.low), float(ends.high)) == pytest.approx(
        (0.5, 0.05, 0.95)
    )
