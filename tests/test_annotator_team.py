"""The team page, clicked through without a browser."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_audit import GUIDANCE, SECRETS, build_study, numbered
from streamlit.testing.v1 import AppTest

from annotator import accounts
from samples.oversight import labels_under
from samples.records import CheckLabel, Control, Event, Label
from samples.store import Store

APP = Path(__file__).parents[1] / "annotator" / "app.py"


class Desk:
    """A study of twelve cases, half of which two people have labelled, and its lead."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.folder = folder
        study = build_study(folder, numbered(12, raters=2))
        self.database = folder / "study.db"
        monkeypatch.setattr(sys, "argv", ["app.py", str(study)])
        start = datetime.now(UTC) - timedelta(minutes=20)
        with Store(self.database) as store:
            self.key = accounts.add(store, "eve", "lead", datetime.now(UTC))
            frozen = store.audit_set()
            assert frozen is not None
            self.rubric = frozen.rubric
            self.cases = [case.response for case in store.audit_cases(frozen.id)]
            for n, case in enumerate(self.cases[:6]):
                at = (start + timedelta(minutes=n)).isoformat(timespec="microseconds")
                for name in ("ann", "b | *b*"):
                    value = "correct" if n or name == "ann" else "incorrect"
                    store.add([Label(case, self.rubric, name, value=value, created_at=at)])
        self.at = self.open()

    def open(self) -> AppTest:
        at = AppTest.from_file(str(APP), default_timeout=60)
        at.query_params["key"] = self.key
        at.run()
        assert not at.exception
        return at

    def team(self) -> str:
        """All that is written on the team page."""
        self.at = AppTest.from_function(
            _page, kwargs={"study": self.folder / "study.toml", "token": self.token()}
        )
        self.at.default_timeout = 60
        self.at.run()
        assert not self.at.exception
        return "\n".join(str(one.value) for one in (*self.at.markdown, *self.at.caption))

    def token(self) -> str:
        from annotator import sessions

        with Store(self.database) as store:
            eve = next(one for one in accounts.listing(store) if one.name == "eve")
            return sessions.begin(store, eve, 12, datetime.now(UTC))


def _page(study, token):  # runs as a script of its own
    import streamlit as st

    from annotator import session, team
    from samples.store import Store
    from samples.study import load_study

    st.session_state.token = token
    loaded = load_study(study)
    with Store(loaded.at(loaded.database)) as store:
        desk = session.sit_down(store, "eve", loaded.seed)
    team.page(loaded, desk)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_how_it_goes(desk: Desk) -> None:
    seen = desk.team()
    assert "**12 labels of 24 wanted**; 12 to come, about 0.1 hours" in seen  # 60 an hour each
    assert "| ann | 6 | 0 | 0 | – | 60 |" in seen.replace("\\", "")
    assert "b \\| \\*b\\*" in seen  # a name is text
    assert "0.83 (n = 6; no interval below 10 questions)" in seen.replace("\\", "")
    assert "| 1 | quiz | 12 | 12 | 24 | 12 |" in seen
    assert not any(secret in seen for secret in SECRETS)


def test_checks_and_flags_with_controls_among_them(desk: Desk) -> None:
    assert "None." in desk.team()
    control = Control(desk.rubric, "2 + 2?", ("4",), "It is 5.", "incorrect")
    flags = [
        Event("flag", subject, {"annotator": "ann", "audit_set": "", "on": True}, "2026")
        for subject in (control.id, desk.cases[0])
    ]
    said = {"value": "incorrect", "purpose": "control", "note": "no <b>sense</b>"}
    with Store(desk.database) as store:
        store.add([control, *flags, CheckLabel(control.id, desk.rubric, "ann", **said)])
    seen = desk.team()
    assert "| ann | none yet | 1.00 (0.21 to 1.00, n = 1) |" in seen.replace("\\", "")
    titles = [expander.label.replace("\\", "") for expander in desk.at.expander]
    assert "ann: no <b>sense</b> · 2 + 2?" in titles
    assert any(title.startswith("ann · question 0") for title in titles)


def test_new_guidance_needs_a_tick_and_starts_anew(desk: Desk) -> None:
    desk.team()
    desk.at.text_area[0].input("Units count.")
    next(b for b in desk.at.button if b.label == "Save as a new version").click().run()
    assert "Tick the box first" in desk.at.error[0].value
    assert (desk.folder / "guidance.md").read_text() == GUIDANCE
    desk.at.text_area[0].input("Units count.")
    desk.at.checkbox[0].check()
    next(b for b in desk.at.button if b.label == "Save as a new version").click().run()
    assert not desk.at.exception
    assert "Saved as rubric" in desk.at.success[0].value
    assert (desk.folder / "guidance.md").read_text() == "Units count."
    with Store(desk.database) as store:
        frozen = store.audit_set()
        assert frozen is not None and frozen.rubric != desk.rubric
        assert labels_under(store, desk.rubric) == 12
    assert "**0 labels of 24 wanted**" in desk.team()


def test_a_label_page_that_is_open_asks_anew(desk: Desk) -> None:
    """The lead's own label page, open since before the guidance was changed."""
    from samples.revision import revise_guidance
    from samples.study import load_study

    assert GUIDANCE in "".join(str(one.value) for one in desk.at.markdown)
    with Store(desk.database) as store:
        study = load_study(desk.folder / "study.toml")
        new = revise_guidance(study, store, "Units count.", datetime.now(UTC).isoformat())
    correct = next(button for button in desk.at.button if button.label == "correct")
    correct.click().run()
    assert not desk.at.exception
    assert "Units count." in "".join(str(one.value) for one in desk.at.markdown)
    (bar,) = desk.at.get("progress")
    assert str(bar.proto.text).startswith("0 of 12 done")
    with Store(desk.database) as store:
        assert store.current_labels(new.id) == []
        assert labels_under(store, desk.rubric) == 12
