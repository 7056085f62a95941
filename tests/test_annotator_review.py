"""The review page, clicked through without a browser."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_audit import build_study, numbered
from streamlit.testing.v1 import AppTest

from annotator import accounts
from samples.oversight import rulings
from samples.records import Account, AuditSet, Label
from samples.store import Store

APP = Path(__file__).parents[1] / "annotator" / "app.py"
AT = "2026-01-01T12:00:{:02}.000000+00:00"
SAYS = {  # case -> who says what; each wants two people
    0: [("ann", "correct"), ("ben", "correct")],
    1: [("ann", "correct"), ("ben", "incorrect")],
    2: [("ann", "incorrect")],
    3: [("ann", "incorrect"), ("ben", None)],
}


class Desk:
    """A study with four cases, of which two are to be settled, and an adjudicator at work."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, role: str):
        study = build_study(folder, numbered(4, raters=2))
        self.database = folder / "study.db"
        monkeypatch.setattr(sys, "argv", ["app.py", str(study)])
        with Store(self.database) as store:
            self.key = accounts.add(store, "eve", role, datetime.now(UTC))
            frozen = store.audit_set()
            assert frozen is not None
            self.rubric = frozen.rubric
            self.cases = [case.response for case in store.audit_cases(frozen.id)]
            for case, said in SAYS.items():
                for name, value in said:
                    status = "labelled" if value else "unjudgeable"
                    self.say(store, case, name, value, status)
        self.at = self.open()

    def say(
        self, store: Store, case: int, name: str, value: str | None, status: str = "labelled"
    ) -> None:
        at = AT.format(10 * case + len(name) + (name == "ben"))
        note = f"look | at *{case}*"
        store.add(
            [Label(self.cases[case], self.rubric, name, status, value, False, note, None, at)]
        )

    def open(self) -> AppTest:
        at = AppTest.from_file(str(APP), default_timeout=30)
        at.query_params["key"] = self.key
        return at.run()

    def press(self, name: str) -> None:
        next(button for button in self.at.button if button.label == name).click().run()
        assert not self.at.exception

    def words(self) -> str:
        (bar,) = self.at.get("progress")
        return str(bar.proto.text)

    def page(self) -> str:
        """All that is written on the page."""
        return "\n".join(str(one.value) for one in (*self.at.markdown, *self.at.caption))

    def rulings(self) -> dict[int, str]:
        with Store(self.database) as store:
            found = rulings(store, self.rubric)
        return {self.cases.index(response): value for response, value in found.items()}


@pytest.fixture
def open_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Desk]:
    return lambda role: Desk(tmp_path, monkeypatch, role)


@pytest.fixture
def desk(open_desk: Callable[[str], Desk]) -> Desk:
    return open_desk("adjudicator")


def test_disputes_are_settled_one_by_one(desk: Desk) -> None:
    assert desk.words() == "0 of 2 settled"
    assert "answer 1.0" in desk.page() and "cannot judge" not in desk.page()
    desk.press("incorrect")
    assert desk.rulings() == {1: "incorrect"}
    assert desk.words().startswith("1 of 2 settled")
    assert "answer 3.0" in desk.page() and "cannot judge" in desk.page()
    desk.press("correct")
    assert desk.rulings() == {1: "incorrect", 3: "correct"}
    assert desk.words().startswith("2 of 2 settled")
    assert "Nothing to settle" in desk.at.success[0].value
    desk.press("Undo")
    assert desk.rulings() == {1: "incorrect"}
    assert "answer 3.0" in desk.page()


def test_nobodys_name_and_nothing_unfinished_is_there(desk: Desk) -> None:
    seen = ""
    for _ in range(2):
        seen += desk.page().replace("cannot judge", "")
        desk.press("correct")
    assert not any(name in seen for name in ("ann", "ben", "answer 0.0", "answer 2.0"))
    assert "\\|" in seen and "\\*1\\*" in seen  # notes are shown as they were written
    shown = [line for line in seen.splitlines() if line.startswith(("| A", "| B"))]
    assert len(shown) == 4


def test_later_puts_a_case_last_and_a_reload_forgets_that(desk: Desk) -> None:
    desk.press("Later")
    assert "answer 3.0" in desk.page()
    desk.press("Later")
    assert "answer 1.0" in desk.page()
    desk.at = desk.open()
    assert "answer 1.0" in desk.page() and desk.rulings() == {}


def test_a_case_that_another_adjudicator_has_settled_stays_so(desk: Desk) -> None:
    with Store(desk.database) as store:
        store.add([Account("zoe", "adjudicator")])
        desk.say(store, 1, "zoe", "correct")
    desk.press("incorrect")  # on a page from before
    assert desk.rulings() == {1: "correct"}
    assert "answer 3.0" in desk.page()


def test_undo_takes_no_label_back_from_before_they_ruled(desk: Desk) -> None:
    with Store(desk.database) as store:
        desk.say(store, 0, "eve", "correct")  # as an annotator, once
    desk.press("Undo")
    assert desk.rulings() == {0: "correct"}


def test_a_second_press_settles_nothing_twice(desk: Desk) -> None:
    def press_twice(database, token, case):  # runs as a script of its own
        import streamlit as st

        from annotator import review, session
        from annotator.turns import Sight
        from samples.store import Store

        st.session_state.update(token=token, rulings=0)
        with Store(database) as store:
            seat = session.sit_down(store, "eve", 7)
        for value in ("correct", "incorrect"):
            review._rule(database, seat, Sight(case), value)

    from annotator import sessions

    with Store(desk.database) as store:
        eve = next(one for one in accounts.listing(store) if one.name == "eve")
        token = sessions.begin(store, eve, 12, datetime.now(UTC))
    words = {"database": desk.database, "token": token, "case": desk.cases[1]}
    assert not AppTest.from_function(press_twice, kwargs=words).run().exception
    assert desk.rulings() == {1: "correct"}


def test_whoever_is_locked_out_settles_nothing(desk: Desk) -> None:
    with Store(desk.database) as store:
        accounts.set_role(store, "eve", "annotator", datetime.now(UTC))
    desk.press("incorrect")
    assert desk.rulings() == {}


def test_a_new_audit_set_is_noticed(desk: Desk) -> None:
    with Store(desk.database) as store:
        old = store.audit_set()
        assert old is not None
        cases = store.audit_cases(old.id)
        new = AuditSet(old.rubric, {"size": 1}, old.cases)
        from dataclasses import replace

        store.add([new, *(replace(case, audit_set=new.id, raters=3) for case in cases)])
    desk.press("Raw text")
    assert desk.words() == "0 of 0 settled"  # all of them want a third person now


def test_annotators_have_no_such_page(open_desk: Callable[[str], Desk]) -> None:
    desk = open_desk("annotator")
    assert "settled" not in desk.words() and "| A |" not in desk.page()
