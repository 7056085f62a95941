"""What each key of the labelling page does, and what a browser tab remembers.

Whatever is written is on disk before the page says so; and the database is asked each time whether
this tab still is that person's.
"""

import sqlite3  # only to tell the person what went wrong
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from annotator import door, session, show
from annotator.accounts import PAGES
from annotator.session import Answer
from annotator.turns import Desk, Progress, Sight
from samples.annotation import CANNOT_JUDGE
from samples.errors import BenchwarrantError
from samples.records import Item, Label
from samples.store import Store

ROLES = PAGES["label"]
GLANCE = 0.3  # seconds in which nobody has read a case


@dataclass(frozen=True)
class Showing:
    """A sight of a case in this browser tab; the number names its buttons and fields."""

    sight: Sight
    item: Item
    text: str
    before: Label | None
    flagged: bool
    number: int = 0
    since: float = 0.0


def of_case(act: Callable[..., None], database: Path, desk: Desk, *args: object) -> None:
    """Do it to the case on screen, unless that has only just come: the key was for the last one."""
    showing: Showing | None = state("showing")
    if showing is not None and time.monotonic() - showing.since > GLANCE:
        act(database, desk, showing, *args)


def choose(
    database: Path,
    desk: Desk,
    showing: Showing,
    label: str,
    meta: Mapping[str, object] | None = None,
) -> None:
    """A label; where the study asks why, its reasons come first."""
    if label in desk.annotation.reasons:
        st.session_state.asking = (showing.number, label, dict(meta or {}))
    else:
        answer(database, desk, showing, label, meta)


def answer(
    database: Path,
    desk: Desk,
    showing: Showing,
    label: str,
    meta: Mapping[str, object] | None = None,
) -> None:
    status = {"skip": "skipped", CANNOT_JUDGE: "unjudgeable"}
    levels, level = desk.annotation.confidence, confidence(desk, showing)
    more = {"confidence": level} if len(levels) > 2 else {}
    known = label in desk.rubric.labels
    note = st.session_state.get(f"note-{showing.number}")
    answer = Answer(
        label if known else None,
        "labelled" if known else status[label],
        unsure=level == levels[0],
        note=note if note is not None else (showing.before.note if showing.before else ""),
        seconds=round(time.monotonic() - showing.since, 3),
        meta={**more, **(meta or {})},
    )

    def write(store: Store) -> Label | None:
        return session.submit(store, desk, showing.sight, answer, datetime.now(UTC))

    words = {"skip": "Skipped", CANNOT_JUDGE: "Saved: cannot judge"}
    _write(database, desk, write, f"Saved: {label}" if known else words[label])


def undo(database: Path, desk: Desk) -> None:
    """Take back what is newest now; once per page, however often Streamlit calls this.

    Where a reason is being asked for nothing has been written yet, so that only that is dropped.
    """
    if st.session_state.pop("asking", None) is not None:
        return
    showings = st.session_state.get("showings", 0)
    if state("undone") == showings:
        return
    st.session_state.undone = showings

    def write(store: Store) -> Label | None:
        return session.undo(store, desk, datetime.now(UTC))

    _write(database, desk, write, "Taken back: here is the case again", again=True)


def flag(database: Path, desk: Desk, showing: Showing) -> None:
    try:
        with Store(database, precious=True) as store:
            if door.is_here(store, desk.annotator, *ROLES):
                on = session.flag(store, desk, showing.sight, datetime.now(UTC))
                st.session_state.showing = replace(showing, flagged=on)
    except (BenchwarrantError, sqlite3.Error) as error:
        st.session_state.problem = str(error)


def _write(
    database: Path,
    desk: Desk,
    write: Callable[[Store], Label | None],
    done: str,
    *,
    again: bool = False,
) -> None:
    """Save, and only then say so. Whoever was locked out since the page was drawn saves nothing."""
    try:
        with Store(database, precious=True) as store:
            event = write(store) if door.is_here(store, desk.annotator, *ROLES) else None
            st.session_state.progress = counted(store, desk)
    except (BenchwarrantError, sqlite3.Error) as error:
        st.session_state.problem = str(error)
        st.session_state.pop("saved", None)
        return
    for name in ("showing", "asking", "noting"):
        st.session_state.pop(name, None)
    if event is None or again:  # another tab was first, or another case comes: look anew
        st.session_state.pop("ready", None)
    if event is not None:
        st.session_state.saved = done
    else:
        st.session_state.pop("saved", None)


def out(database: Path, desk: Desk) -> None:
    """Sign out; what is kept for this person is free for others."""
    with Store(database) as store:
        session.leave(store, desk, datetime.now(UTC))
    door.leave("Signed out.")


def turn(desk: Desk, showing: Showing) -> None:
    """The next level of confidence, from the highest down."""
    levels = desk.annotation.confidence
    place = levels.index(confidence(desk, showing))
    st.session_state.confidence = (showing.number, levels[place - 1])


def confidence(desk: Desk, showing: Showing) -> str:
    levels = desk.annotation.confidence
    number, level = st.session_state.get("confidence", (0, ""))
    if number == showing.number:
        return str(level)
    return levels[0] if showing.before is not None and showing.before.unsure else levels[-1]


def switch(name: str) -> None:
    st.session_state[name] = not state(name)


def open_note() -> None:
    """Show the note's field and go into it, also where it was open already."""
    st.session_state.update(noting=True, notes=st.session_state.get("notes", 0) + 1)


def show_rest() -> None:
    number = st.session_state.get("showings", 0)
    st.session_state.rest = None if state("rest") == number else number


# --- the tab's memory ----------------------------------------------------------------------------


def state(name: str):  # type: ignore[no-untyped-def]
    return st.session_state.get(name)


def progress() -> Progress:
    return st.session_state.get("progress") or Progress(0, 0, 0)


def view() -> show.View:
    return show.View(bool(state("raw")), state("rest") == st.session_state.get("showings"))


def asking(showing: Showing) -> str | None:
    """The label whose reason is asked for."""
    number, label, _ = st.session_state.get("asking", (0, None, {}))
    return label if number == showing.number else None


def asked() -> dict[str, object]:
    return dict(st.session_state.get("asking", (0, None, {}))[2])


def counted(store: Store, desk: Desk) -> Progress:
    return session.read_queue(store, desk, datetime.now(UTC)).progress()
