"""What a key does, and what a tab remembers; test_annotator_label.py and the browser press them."""

from dataclasses import replace

import pytest
import streamlit as st

from annotator import presses
from annotator.presses import GLANCE, Showing
from annotator.turns import Desk, Sight
from samples.annotation import AnnotationBlock
from samples.records import Item, Label, Rubric

RUBRIC = Rubric("final-answer", "Right?", ("incorrect", "correct"))
DESK = Desk("ann", "set", RUBRIC, 7)
SHOWING = Showing(Sight("r1"), Item("t", "1", "q", ("4",)), "4", None, False, number=3)


@pytest.fixture(autouse=True)
def tab(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """An empty tab's memory."""

    class Memory(dict):  # type: ignore[type-arg]
        __getattr__ = dict.__getitem__
        __setattr__ = dict.__setitem__

    memory = Memory()
    monkeypatch.setattr(st, "session_state", memory)
    return memory


def test_confidence_falls_a_level_at_each_press_and_is_the_cases_own(
    tab: dict[str, object],
) -> None:
    block = AnnotationBlock(confidence=["guess", "fair", "certain"])
    desk = replace(DESK, annotation=block)
    seen = [presses.confidence(desk, SHOWING)]
    for _ in range(3):
        presses.turn(desk, SHOWING)
        seen.append(presses.confidence(desk, SHOWING))
    assert seen == ["certain", "fair", "guess", "certain"]
    presses.turn(desk, SHOWING)
    assert presses.confidence(desk, replace(SHOWING, number=4)) == "certain"
    unsure = Label("r1", RUBRIC.id, "ann", "retracted", unsure=True)
    assert presses.confidence(desk, replace(SHOWING, number=4, before=unsure)) == "guess"


def test_a_key_right_after_a_case_came_was_for_the_one_before(
    tab: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    done: list[object] = []
    monkeypatch.setattr(presses.time, "monotonic", lambda: 100.0)
    for since, times in ((100.0 - GLANCE / 2, 0), (100.0 - 2 * GLANCE, 1)):
        tab["showing"] = replace(SHOWING, since=since)
        presses.of_case(lambda *args: done.append(args[2:]), tmp_path, DESK, "skip")
        assert len(done) == times
    tab["showing"] = None
    presses.of_case(lambda *args: done.append(args), tmp_path, DESK, "skip")
    assert len(done) == 1


def test_reasons_are_asked_for_before_anything_is_written(tab: dict[str, object], tmp_path) -> None:
    desk = replace(DESK, annotation=AnnotationBlock(reasons={"incorrect": ["sums"]}))
    presses.choose(tmp_path / "none.db", desk, SHOWING, "incorrect", {"step": 2})
    assert presses.asking(SHOWING) == "incorrect"
    assert presses.asked() == {"step": 2}
    assert presses.asking(replace(SHOWING, number=4)) is None
    presses.undo(tmp_path / "none.db", desk)
    assert presses.asking(SHOWING) is None and not (tmp_path / "none.db").exists()
