"""The labelling page, clicked through without a browser."""

import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_audit import GUIDANCE, QUESTION, Answered, build_study, numbered
from streamlit.testing.v1 import AppTest

from annotator import accounts, label, sessions
from samples.records import Label
from samples.store import Store

APP = Path(__file__).parents[1] / "annotator" / "app.py"

HOSTILE = """<script>document.title = 'mine'</script><img src=x onerror=alert(1)>
**bold** [link](javascript:alert(1)) ![image](http://example.com/x.png) :red[danger]
$\\frac{1}{2}$ `code` ``` ~~~
</code></pre><h1>GRADE: CORRECT</h1>
# heading
| a | b |
\x00\x1b[31m \u202ereversed"""


class Desk:
    """A study, a person who is signed in to it, and what their page shows."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        answered: list[Answered],
        labels: tuple[str, ...] = ("incorrect", "correct"),
    ):
        self.study = build_study(folder, answered, labels)
        self.database = folder / "study.db"
        monkeypatch.setattr(sys, "argv", ["app.py", str(self.study)])
        with Store(self.database) as store:
            self.key = accounts.add(store, "ann", "annotator", datetime.now(UTC))
        self.at = self.open()

    def open(self) -> AppTest:
        """A new tab."""
        at = AppTest.from_file(str(APP), default_timeout=30)
        at.query_params["key"] = self.key
        return at.run()

    def press(self, name: str) -> None:
        next(button for button in self.at.button if button.label == name).click().run()
        assert not self.at.exception

    def answer(self) -> str:
        """The text of the answer on show."""
        return str(self.at.code[-1].value)

    def words(self) -> str:
        """The line above the progress bar."""
        (bar,) = self.at.get("progress")
        return str(bar.proto.text)

    def labels(self) -> list[Label]:
        with Store(self.database) as store:
            return store.labels()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch, numbered(3))


def test_a_case_is_shown_with_all_that_is_needed(desk: Desk) -> None:
    question, reference, answer = (str(code.value) for code in desk.at.code)
    number = question.removeprefix("question ")
    assert (reference, answer) == (f"reference {number}", f"answer {number}.0")
    assert [caption.value for caption in desk.at.caption] == [
        "Question",
        "Reference answer",
        "Answer to judge",
    ]
    assert [m.value.replace("\\", "") for m in desk.at.markdown] == [f"**{QUESTION}**", GUIDANCE]
    assert desk.at.expander[0].label == "Guidance"
    assert desk.words() == "0 of 3 done"
    shortcuts = {button.label: button.proto.shortcut for button in desk.at.button}
    assert shortcuts == {
        "incorrect": "1",
        "correct": "2",
        "Unsure": "n",
        "Skip": "s",
        "Undo": "u",
        "Sign out": "",
    }


def test_labels_are_saved_one_by_one_until_nothing_is_left(desk: Desk) -> None:
    shown = []
    for done in range(3):
        assert desk.words().startswith(f"{done} of 3 done")
        shown.append(desk.answer())
        desk.press("correct" if done else "incorrect")
        assert (
            desk.words()
            == f"{done + 1} of 3 done · ✓ Saved\\: {'correct' if done else 'incorrect'}"
        )
        assert len(desk.labels()) == done + 1
    assert sorted(shown) == ["answer 0.0", "answer 1.0", "answer 2.0"]
    assert [x.value for x in desk.labels()] == ["incorrect", "correct", "correct"]
    for x in desk.labels():
        assert x.annotator == "ann"
        assert x.seconds is not None and 0 < x.seconds < 60
        assert x.created_at is not None and x.created_at.endswith("+00:00")
    assert "Finished" in desk.at.success[0].value
    assert [button.label for button in desk.at.button] == ["Undo", "Sign out"]
    desk.press("Undo")
    assert desk.answer() == shown[-1]


def test_a_reload_shows_the_same_case(desk: Desk) -> None:
    desk.press("correct")
    shown = desk.answer()
    assert desk.open().code[-1].value == shown
    assert len(desk.labels()) == 1


def test_two_tabs_do_not_label_a_case_twice(desk: Desk) -> None:
    first, second = desk.at, desk.open()
    assert first.code[-1].value == second.code[-1].value
    desk.press("correct")
    desk.at = second
    desk.press("incorrect")
    assert [x.value for x in desk.labels()] == ["correct"]
    assert second.code[-1].value == first.code[-1].value  # it moved on to the next case
    assert "Saved" not in desk.words()


def test_skip_undo_note_and_doubt(desk: Desk) -> None:
    first = desk.answer()
    desk.at.text_area[0].input("the unit is missing").run()
    desk.press("Unsure")
    assert desk.answer() == first
    desk.press("Skip")
    assert desk.words() == "0 of 3 done · 1 skipped, for the end · ✓ Skipped"
    desk.press("correct")
    desk.press("correct")
    assert desk.answer() == first  # the skipped one came back, with what was noted about it
    assert desk.at.text_area[0].value == "the unit is missing"
    desk.press("incorrect")
    desk.press("Undo")
    assert desk.answer() == first
    assert desk.at.text_area[0].value == "the unit is missing"
    desk.press("Unsure")
    desk.press("correct")
    assert [(x.status, x.value, x.unsure, x.note) for x in desk.labels()] == [
        ("skipped", None, True, "the unit is missing"),
        ("labelled", "correct", False, ""),
        ("labelled", "correct", False, ""),
        ("labelled", "incorrect", True, "the unit is missing"),
        ("retracted", None, True, "the unit is missing"),
        ("labelled", "correct", False, "the unit is missing"),
    ]


def test_a_page_takes_back_one_answer_however_often_the_key_comes(desk: Desk) -> None:
    """A second press that stops the rerun of the first calls the button's function again."""

    def press_twice(database, token):  # runs as a script of its own
        import streamlit as st

        from annotator import label, session
        from samples.store import Store

        st.session_state.token = token
        with Store(database) as store:
            seat = session.sit_down(store, "ann", 7)
        for _ in range(2):
            label._undo(database, seat, 5)

    desk.press("correct")
    desk.press("incorrect")
    with Store(desk.database) as store:
        token = sessions.begin(store, accounts.listing(store)[0], 12, datetime.now(UTC))
    twice = {"database": desk.database, "token": token}
    assert not AppTest.from_function(press_twice, kwargs=twice).run().exception
    assert [x.status for x in desk.labels()] == ["labelled", "labelled", "retracted"]


def test_text_from_outside_is_shown_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = [HOSTILE + part for part in (" question", " reference", " answer", " choice")]
    question, reference, answer, choice = outside
    case = Answered(question, reference, (answer,), choices=(("A", choice),))
    desk = Desk(tmp_path, monkeypatch, [case])
    assert [code.value for code in desk.at.code] == [question, f"A. {choice}", reference, answer]
    assert {(code.language, code.proto.wrap_lines) for code in desk.at.code} == {
        ("plaintext", True)
    }
    readers = [*desk.at.markdown, *desk.at.get("html"), *desk.at.caption]
    assert readers
    assert not any("GRADE" in str(element.proto) for element in readers)


def test_choices_and_an_empty_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Answered("Which?", "B", (" \n",), choices=(("A", "one"), ("B", "two")))
    desk = Desk(tmp_path, monkeypatch, [case])
    assert [code.value for code in desk.at.code] == ["Which?", "A. one\nB. two", "B. two"]
    assert "empty" in desk.at.info[0].value


def test_what_could_not_be_saved_is_said_and_not_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = desk.answer()

    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "add", full)
        desk.press("correct")
    assert "Not saved" in desk.at.error[0].value
    assert desk.at.text[0].value == "database or disk is full"
    assert "✓" not in desk.words()
    assert (desk.answer(), desk.labels()) == (shown, [])
    desk.press("correct")
    assert not desk.at.error
    assert [x.value for x in desk.labels()] == ["correct"]


def test_many_labels_have_a_digit_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = tuple(f"*{n}* [x](y)" for n in range(9))
    desk = Desk(tmp_path, monkeypatch, numbered(1), names)
    found = {button.proto.shortcut: button.label for button in desk.at.button}
    assert [found[str(digit)] for digit in range(1, 10)] == [label.as_words(name) for name in names]
    desk.press(label.as_words(names[8]))
    assert [x.value for x in desk.labels()] == [names[8]]


def test_escaped_words_read_as_they_are() -> None:
    assert label.as_words("a *b* [c](d) · é_1") == r"a \*b\* \[c\]\(d\) · é\_1"
