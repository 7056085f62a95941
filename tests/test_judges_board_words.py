"""The board's figures in print, and what is said of corrected ones."""

from typing import Any

import numpy as np
from small_board import JUDGES, entry
from small_road import NOW

from judges.board_value import whole
from judges.board_words import REASONS, both, corrected_by, corrections_say, reasons
from judges.figures import undefined_figure
from judges.leaderboard import CorrectedFigures, resample

RAW = {"value": 0.75, "low": 0.7, "high": 0.8}
SIDE = {"n": 20, "value": 0.9, "low": 0.8, "high": 0.95}


def value(models: int = 2, **figures: Any) -> dict[str, Any]:
    board = resample([entry(f"m{m}", sums="10") for m in range(models)], np.random.default_rng(1))
    known = {(f"m{m}", "direct", "sums"): undefined_figure(f"why {m}") for m in range(models)}
    known = {key: one | {"method": "none", "labels": 0} for key, one in known.items()}
    known |= {(model, "direct", "sums"): one for model, one in figures.items()}
    errors = {"rules": {"labels": 33, "sensitivity": SIDE, "specificity": SIDE | {"n": 13}}}
    corrected = CorrectedFigures("a method", known, errors)
    return whole(board, JUDGES, "small", 0.95, NOW, corrected=corrected)


def test_a_figure_is_raw_corrected_or_not_corrected() -> None:
    assert both(RAW | {"corrected": None}) == "75.0% [70.0, 80.0]"
    assert both(RAW | {"corrected": undefined_figure("no")}).endswith(" (not corrected)")
    assert both(RAW | {"corrected": RAW}).endswith(" (corrected 75.0% [70.0, 80.0])")
    assert both(None) == "—"


def test_what_a_corrected_figure_rests_on() -> None:
    own = {"method": "ppi++", "labels": 40}
    assert corrected_by(own, "human") == "by its own labels, n = 40"
    assert corrected_by(own, "reference") == "by its own reference labels, n = 40"
    assert corrected_by({"method": "rogan-gladen", "labels": 2}, "human").startswith("by the judge")
    assert (
        corrected_by({"method": "combined", "labels": 2}, "human") == "each task by its own judge"
    )


def test_the_notes_say_how_many_are_corrected_and_by_which_errors() -> None:
    first, second = corrections_say(value(m0=RAW | {"method": "ppi++", "labels": 40}))
    assert first == "1 of 2 rates are corrected for the judge's error, by a method."
    assert second == (
        "Judge rules on 33 labels of graded answers: sensitivity 90.0% [80.0, 95.0] (n = 20),"
        " specificity 90.0% [80.0, 95.0] (n = 13)."
    )
    assert corrections_say(value() | {"corrected": None}) == []


def test_every_reason_has_its_places_and_very_many_are_counted() -> None:
    assert reasons(value(m1=undefined_figure("why 0"))) == [
        "m0 · direct (sums), m1 · direct (sums): why 0."
    ]
    many = reasons(value(models=REASONS + 3))
    assert len(many) == REASONS + 1 and many[-1] == "3 more are in leaderboard.json."
