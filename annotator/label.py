"""The labelling page: one case at a time, a key per label, saved before the next case shows.

The browser gets the question, the references and the answer's text, and no id: a response's id is
a hash over its model's name, which could be guessed from it. A label's key draws only the case
anew, not the row of actions below it, and the next case is read before it is asked for.
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
from samples import blind
from samples.annotation import CANNOT_JUDGE
from samples.errors import BenchwarrantError
from samples.records import Item, Label
from samples.store import Store
from samples.study import Study

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


def page(study: Study, desk: Desk) -> None:
    database = study.at(study.database)
    show.style()
    _work(database, desk)
    _actions(database, desk)
    show.script(desk.annotation.action_keys()["note"])


@st.fragment
def _work(database: Path, desk: Desk) -> None:
    _check_desk(database, desk)
    showing = _showing(database, desk)
    show.progress(_state("progress"), _state("saved"), st.session_state.pop("problem", None))
    if showing is None:
        show.finished(_state("progress"))
        return
    show.rubric(desk, opened=_progress().done == 0, help_=bool(_state("help")))
    steps = show.case(desk, showing.item, showing.text, (showing.number, _view()))
    with st.container(key="dock"):
        _buttons(database, desk, showing, steps)
    if _state("ready") is None:
        st.session_state.ready = _taken(database, desk, [showing.sight])


def _buttons(database: Path, desk: Desk, showing: Showing, steps: int) -> None:
    _note(desk, showing)
    label = _asking(showing)
    if label is not None:
        _reason_buttons(database, desk, showing, label)
    elif desk.annotation.steps:
        _step_buttons(database, desk, showing, steps)
    else:
        _label_buttons(database, desk, showing)


# --- which case ----------------------------------------------------------------------------------


def _check_desk(database: Path, desk: Desk) -> None:
    """Draw the whole page anew where this tab no longer is that person's, or where the guidance or
    the plan has changed: what is on screen is then asked anew."""
    with Store(database) as store:
        here = door.is_here(store, desk.annotator, *ROLES)
        if not here or not session.in_force(store, desk):
            st.rerun(scope="app")
    if _state("audit_set") != desk.audit_set:
        for name in ("showing", "ready", "progress", "asking", "noting"):
            st.session_state.pop(name, None)
        st.session_state.audit_set = desk.audit_set


def _showing(database: Path, desk: Desk) -> Showing | None:
    """The case on screen stays there until it is answered, whatever other people do."""
    old: Showing | None = _state("showing")
    if old is not None:
        return old
    new = st.session_state.pop("ready", None) or _taken(database, desk, [])
    number = st.session_state.get("showings", 0) + 1
    showing = None if new is None else replace(new, number=number, since=time.monotonic())
    st.session_state.update(showing=showing, showings=number, ready=None)
    if "progress" not in st.session_state:
        with Store(database) as store:
            st.session_state.progress = _counted(store, desk)
    return showing


def _taken(database: Path, desk: Desk, ahead: list[Sight]) -> Showing | None:
    """The next case, kept for this person and read."""
    with Store(database) as store:
        sight = session.take(store, desk, datetime.now(UTC), ahead)
        if sight is None:
            return None
        item, text = session.shown(store, sight)
        flagged = sight.response in blind.own_flags(store, desk.annotator)
        return Showing(sight, item, text, session.before(store, sight), flagged)


def _counted(store: Store, desk: Desk) -> Progress:
    return session.read_queue(store, desk, datetime.now(UTC)).progress()


# --- what can be done ----------------------------------------------------------------------------


def _label_buttons(database: Path, desk: Desk, showing: Showing) -> None:
    with st.container(horizontal=True, key="labels"):
        for value, key in desk.annotation.label_keys(desk.rubric.labels).items():
            st.button(
                show.as_words(value),
                key=f"label-{key}-{showing.number}",
                shortcut=key,
                width="stretch",
                on_click=_choose,
                args=(database, desk, showing, value),
            )
        _doubt_and_flag(database, desk, showing)


def _doubt_and_flag(database: Path, desk: Desk, showing: Showing) -> None:
    """What is said of the case beside its label, and so is drawn with it."""
    keys, levels = desk.annotation.action_keys(), desk.annotation.confidence
    level = _confidence(desk, showing)
    words = levels[0].capitalize() if len(levels) == 2 else f"Confidence: {level}"
    for text, action, act, args, on in (
        (words, "unsure", _turn, (desk, showing), level != levels[-1]),
        ("Flag", "flag", _flag, (database, desk, showing), showing.flagged),
    ):
        st.button(  # not st.toggle: while that has the focus, the keys do nothing
            show.as_words(text),
            key=f"{action}-{showing.number}",
            shortcut=keys[action],
            icon=":material/check:" if on else None,
            type="primary" if on else "secondary",
            on_click=act,
            args=args,
        )


def _step_buttons(database: Path, desk: Desk, showing: Showing, steps: int) -> None:
    """The first wrong step by its number; or that there is none."""
    wrong, right = desk.rubric.labels
    st.markdown("**Which step is the first wrong one?**")
    with st.container(horizontal=True, key="labels"):
        for step, key in enumerate(desk.annotation.step_keys((wrong, right), steps), start=1):
            st.button(
                f"{step}",
                key=f"step-{step}-{showing.number}",
                shortcut=key or None,
                help=f"Step {step} is the first wrong one: {show.as_words(wrong)}",
                on_click=_choose,
                args=(database, desk, showing, wrong, {"step": step}),
            )
        st.button(
            f"All are right: {show.as_words(right)}",
            key=f"label-0-{showing.number}",
            shortcut=desk.annotation.label_keys((wrong, right))[right],
            on_click=_choose,
            args=(database, desk, showing, right),
        )
        _doubt_and_flag(database, desk, showing)


def _reason_buttons(database: Path, desk: Desk, showing: Showing, label: str) -> None:
    st.markdown(f"**{show.as_words(label)}: why?**")
    with st.container(horizontal=True, key="labels"):
        for digit, reason in enumerate(desk.annotation.reasons[label], start=1):
            st.button(
                show.as_words(reason),
                key=f"reason-{digit}-{showing.number}",
                shortcut=str(digit),
                on_click=_answer,
                args=(database, desk, showing, label, {"reason": reason, **_asked()}),
            )
        st.button(  # Undo's key does the same
            "Back",
            key=f"back-{showing.number}",
            on_click=st.session_state.pop,
            args=("asking", None),
        )


def _actions(database: Path, desk: Desk) -> None:
    """What can be done to whatever case is on screen. Each draws the whole page anew."""
    keys = desk.annotation.action_keys()
    actions: tuple[tuple[str, str, Callable[..., None], tuple[object, ...]], ...] = (
        ("Cannot judge", "cannot judge", _of_case, (_choose, database, desk, CANNOT_JUDGE)),
        ("Skip", "skip", _of_case, (_answer, database, desk, "skip")),
        ("Undo", "undo", _undo, (database, desk)),
        ("Note", "note", _open_note, ()),
        ("Raw text", "raw", _switch, ("raw",)),
        ("All of it", "rest", _show_rest, ()),
        ("Help", "help", _switch, ("help",)),
    )
    with st.container(horizontal=True, key="actions", gap="xsmall"):
        for text, action, act, args in actions:
            on = action in ("raw", "help") and bool(_state(action))
            st.button(
                text,
                key=f"do-{action.replace(' ', '-')}",
                shortcut=keys[action],
                type="primary" if on else "secondary",
                on_click=act,
                args=args,
            )
        st.button("Sign out", key="out", type="tertiary", on_click=_out, args=(database, desk))


def _of_case(act: Callable[..., None], database: Path, desk: Desk, *args: object) -> None:
    """Do it to the case on screen, unless that has only just come: the key was for the last one."""
    showing: Showing | None = _state("showing")
    if showing is not None and time.monotonic() - showing.since > GLANCE:
        act(database, desk, showing, *args)


def _note(desk: Desk, showing: Showing) -> None:
    before = showing.before.note if showing.before else ""
    if not (_state("noting") or before):
        return
    st.text_area(
        "Note (optional)",
        value=before,
        key=f"note-{showing.number}",
        height=68,
        max_chars=2000,
        placeholder="Keys write here; Esc leaves the field, and they label again",
    )
    if _state("noting"):
        show.focus(f"note-{showing.number}", st.session_state.notes)


# --- what a key does -----------------------------------------------------------------------------


def _choose(
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
        _answer(database, desk, showing, label, meta)


def _answer(
    database: Path,
    desk: Desk,
    showing: Showing,
    label: str,
    meta: Mapping[str, object] | None = None,
) -> None:
    status = {"skip": "skipped", CANNOT_JUDGE: "unjudgeable"}
    levels, level = desk.annotation.confidence, _confidence(desk, showing)
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


def _undo(database: Path, desk: Desk) -> None:
    """Take back what is newest now; once per page, however often Streamlit calls this.

    Where a reason is being asked for nothing has been written yet, so that only that is dropped.
    """
    if st.session_state.pop("asking", None) is not None:
        return
    showings = st.session_state.get("showings", 0)
    if _state("undone") == showings:
        return
    st.session_state.undone = showings

    def write(store: Store) -> Label | None:
        return session.undo(store, desk, datetime.now(UTC))

    _write(database, desk, write, "Taken back: here is the case again", again=True)


def _flag(database: Path, desk: Desk, showing: Showing) -> None:
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
            st.session_state.progress = _counted(store, desk)
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


def _out(database: Path, desk: Desk) -> None:
    """Sign out; what is kept for this person is free for others."""
    with Store(database) as store:
        session.leave(store, desk, datetime.now(UTC))
    door.leave("Signed out.")


def _turn(desk: Desk, showing: Showing) -> None:
    """The next level of confidence, from the highest down."""
    levels = desk.annotation.confidence
    place = levels.index(_confidence(desk, showing))
    st.session_state.confidence = (showing.number, levels[place - 1])


def _confidence(desk: Desk, showing: Showing) -> str:
    levels = desk.annotation.confidence
    number, level = st.session_state.get("confidence", (0, ""))
    if number == showing.number:
        return str(level)
    return levels[0] if showing.before is not None and showing.before.unsure else levels[-1]


def _switch(name: str) -> None:
    st.session_state[name] = not _state(name)


def _open_note() -> None:
    """Show the note's field and go into it, also where it was open already."""
    st.session_state.update(noting=True, notes=st.session_state.get("notes", 0) + 1)


def _show_rest() -> None:
    number = st.session_state.get("showings", 0)
    st.session_state.rest = None if _state("rest") == number else number


# --- the tab's memory ----------------------------------------------------------------------------


def _state(name: str):  # type: ignore[no-untyped-def]
    return st.session_state.get(name)


def _progress() -> Progress:
    return st.session_state.get("progress") or Progress(0, 0, 0)


def _view() -> show.View:
    return show.View(bool(_state("raw")), _state("rest") == st.session_state.get("showings"))


def _asking(showing: Showing) -> str | None:
    """The label whose reason is asked for."""
    number, label, _ = st.session_state.get("asking", (0, None, {}))
    return label if number == showing.number else None


def _asked() -> dict[str, object]:
    return dict(st.session_state.get("asking", (0, None, {}))[2])
