"""The labelling page, clicked through without a browser."""

import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_audit import GUIDANCE, QUESTION, Answered, build_study, numbered
from streamlit.testing.v1 import AppTest

from annotator import accounts, presses, sessions, show
from annotator.rendering import as_markdown
from samples.records import Control, Label
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
        annotation: str = "",
    ):
        self.study = build_study(folder, answered, labels)
        with self.study.open("a", encoding="utf-8") as file:
            file.write(f"[annotation]\n{annotation}\n")
        self.database = folder / "study.db"
        monkeypatch.setattr(sys, "argv", ["app.py", str(self.study)])
        monkeypatch.setattr(presses, "GLANCE", 0.0)  # clicks come at once here
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
        return self.box("Answer to judge")

    def box(self, title: str) -> str:
        """What stands under a title."""
        return next(
            text.removeprefix(f"###### {title}").strip() + after
            for text, after in zip(self.texts(), [*self.texts()[1:], ""], strict=True)
            for after in ["" if after.startswith("#") or text.endswith(after) else after]
            if text.startswith(f"###### {title}")
        )

    def texts(self) -> list[str]:
        """All that is laid out on the page."""
        return [str(one.value) for one in self.at.markdown]

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
    asked, guidance, *_ = desk.texts()
    number = desk.box("Question").removeprefix("question ")
    assert desk.box("Reference answer") == f"reference {number}"
    assert desk.answer() == f"answer {number}.0"
    assert (asked.replace("\\", ""), guidance) == (f"**{QUESTION}**", GUIDANCE)
    assert desk.at.expander[0].label == "Guidance"
    assert desk.words() == "0 of 3 done"
    shortcuts = {button.label: button.proto.shortcut for button in desk.at.button}
    assert shortcuts == {
        "incorrect": "1",
        "correct": "2",
        "Unsure": "d",
        "Cannot judge": "x",
        "Skip": "s",
        "Flag": "f",
        "Note": "n",
        "Raw text": "m",
        "All of it": "e",
        "Undo": "u",
        "Help": "h",
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
    desk.press("Undo")
    assert desk.answer() == shown[-1]


def test_a_reload_shows_the_same_case(desk: Desk) -> None:
    desk.press("correct")
    shown = desk.answer()
    desk.at = desk.open()
    assert desk.answer() == shown
    assert len(desk.labels()) == 1


def test_two_tabs_do_not_label_a_case_twice(desk: Desk) -> None:
    shown = desk.answer()
    first, desk.at = desk.at, desk.open()
    second = desk.at
    assert desk.answer() == shown
    desk.at = first
    desk.press("correct")
    following = desk.answer()
    desk.at = second
    desk.press("incorrect")
    assert [x.value for x in desk.labels()] == ["correct"]
    assert desk.answer() == following != shown  # it moved on to the next case
    assert "Saved" not in desk.words()


def test_skip_undo_note_and_doubt(desk: Desk) -> None:
    first = desk.answer()
    desk.press("Note")
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

        from annotator import presses, session
        from samples.store import Store

        st.session_state.token = token
        with Store(database) as store:
            seat = session.sit_down(store, "ann", 7)
        for _ in range(2):
            presses.undo(database, seat)

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
    laid_out = [as_markdown(text) for text in (question, f"- A. {choice}", reference)]
    titles = ("Question", "Choices", "Reference answer")
    assert desk.texts()[2:5] == [
        f"###### {title}\n\n{text}" for title, text in zip(titles, laid_out, strict=True)
    ]
    assert "".join(desk.texts()[5:]).count("GRADE") == 1
    assert not any(element.allow_html for element in desk.at.markdown)
    desk.press("Raw text")
    raw = [str(one.proto.body) for one in desk.at.get("html") if "GRADE" in str(one.proto.body)]
    assert len(raw) == 4
    assert not any("<script>document" in text or "<img" in text for text in raw)


def test_choices_and_an_empty_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Answered("Which?", "B", (" \n",), choices=(("A", "one"), ("B", "two")))
    desk = Desk(tmp_path, monkeypatch, [case])
    assert desk.box("Choices") == "- A. one\n- B. two"
    assert desk.box("Reference answer") == "B. two"
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
    assert [found[str(digit)] for digit in range(1, 10)] == [show.as_words(name) for name in names]
    desk.press(show.as_words(names[8]))
    assert [x.value for x in desk.labels()] == [names[8]]


def test_escaped_words_read_as_they_are() -> None:
    assert show.as_words("a *b* [c](d) · é_1") == r"a \*b\* \[c\]\(d\) · é\_1"


def test_what_cannot_be_judged_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = 'reasons = { "cannot judge" = ["cut off", "*other*"], incorrect = ["sums"] }'
    desk = Desk(tmp_path, monkeypatch, numbered(3), annotation=reasons)
    desk.press("Cannot judge")
    assert desk.labels() == []
    shortcuts = {button.label: button.proto.shortcut for button in desk.at.button}
    asked = {"cut off": "1", r"\*other\*": "2", "Back": ""}
    assert dict(list(shortcuts.items())[:3]) == asked
    desk.press("Back")
    desk.press("Cannot judge")
    desk.press("Undo")
    assert desk.labels() == [] and desk.at.button[0].label == "incorrect"
    desk.press("Cannot judge")
    desk.press(r"\*other\*")
    assert desk.words() == "1 of 3 done · ✓ Saved\\: cannot judge"
    desk.press("incorrect")
    desk.press("sums")
    desk.press("correct")
    assert [(x.status, x.value, x.meta) for x in desk.labels()] == [
        ("unjudgeable", None, {"reason": "*other*"}),
        ("labelled", "incorrect", {"reason": "sums"}),
        ("labelled", "correct", {}),
    ]


def test_confidence_has_as_many_levels_as_the_study_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = 'confidence = ["guess", "fair", "certain"]'
    desk = Desk(tmp_path, monkeypatch, numbered(3), annotation=levels)
    desk.press("correct")
    desk.press("Confidence\\: certain")
    desk.press("correct")
    desk.press("Confidence\\: certain")
    desk.press("Confidence\\: fair")
    desk.press("correct")
    said = [(x.meta["confidence"], x.unsure) for x in desk.labels()]
    assert said == [("certain", False), ("fair", False), ("guess", True)]


def test_the_first_wrong_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Step 1: 2 + 2 = 4.\n\nStep 2: 4 + 4 = 9.\n\nStep 3: So it is 9."
    cases = [Answered("sum?", "8", (text,)), Answered("sums?", "9", (text,))]
    desk = Desk(tmp_path, monkeypatch, cases, annotation="steps = true")
    shortcuts = {button.label: button.proto.shortcut for button in desk.at.button[:4]}
    assert shortcuts == {"1": "1", "2": "2", "3": "3", "All are right: correct": "0"}
    desk.press("2")
    desk.press("All are right: correct")
    said = [(x.value, x.meta) for x in desk.labels()]
    assert said == [("incorrect", {"step": 2}), ("correct", {})]


def test_a_flag_stays_with_its_case(desk: Desk) -> None:
    desk.press("Flag")
    assert next(b for b in desk.at.button if b.label == "Flag").proto.type == "primary"
    with Store(desk.database) as store:
        assert len(store.events("flag")) == 1
    desk.press("correct")
    assert next(b for b in desk.at.button if b.label == "Flag").proto.type == "secondary"


def test_a_long_answer_shows_its_end_first_and_the_rest_at_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "The start.\n\n" + "Some words. " * 500 + "\n\nThe answer is 42."
    desk = Desk(tmp_path, monkeypatch, [Answered("q", "42", (text,))])
    assert "42" in desk.texts()[-1] and not any("The start" in text for text in desk.texts())
    assert any("characters are left out" in text for text in desk.texts())
    desk.press("All of it")
    assert any("The start" in text for text in desk.texts())


def test_help_lists_every_key(desk: Desk) -> None:
    desk.press("Help")
    (line,) = [text for text in desk.texts() if text.startswith("**1**")]
    assert line.count("**") == 2 * 11


def test_controls_look_like_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, monkeypatch, numbered(20), annotation="controls = 0.5")
    with Store(desk.database) as store:
        (rubric,) = store.rubrics()
        known = [Control(rubric.id, f"known {n}?", ("4",), f"answer k{n}", "correct") for n in "ab"]
        store.add(known)
    shown = []
    while desk.at.button[0].label == "incorrect":
        shown.append(desk.answer())
        desk.press("correct")
    assert sum(text.startswith("answer k") for text in shown) == 2
    assert len(desk.labels()) == 20
    with Store(desk.database) as store:
        assert store.counts()["check_labels"] == 2
