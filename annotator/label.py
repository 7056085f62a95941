"""The labelling page: one case at a time, a key per label, saved before the next case shows.

The browser gets the question, the references and the answer's text, and no id: a response's id is
a hash over its model's name, which could be guessed from it. A label's key draws only the case
anew, not the row of actions below it, and the next case is read before it is asked for.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from annotator import door, presses, session, show
from annotator.turns import Desk, Sight
from samples import blind
from samples.annotation import CANNOT_JUDGE
from samples.store import Store
from samples.study import Study


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
    seen, problem = presses.progress(), st.session_state.pop("problem", None)
    show.progress(seen, presses.state("saved"), problem)
    if showing is None:
        show.finished(seen)
        return
    show.rubric(desk, opened=seen.done == 0, help_=bool(presses.state("help")))
    steps = show.case(desk, showing.item, showing.text, (showing.number, presses.view()))
    with st.container(key="dock"):
        _buttons(database, desk, showing, steps)
    if presses.state("ready") is None:
        st.session_state.ready = _taken(database, desk, [showing.sight])


def _buttons(database: Path, desk: Desk, showing: presses.Showing, steps: int) -> None:
    _note(desk, showing)
    label = presses.asking(showing)
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
        here = door.is_here(store, desk.annotator, *presses.ROLES)
        if not here or not session.in_force(store, desk):
            st.rerun(scope="app")
    if presses.state("audit_set") != desk.audit_set:
        for name in ("showing", "ready", "progress", "asking", "noting"):
            st.session_state.pop(name, None)
        st.session_state.audit_set = desk.audit_set


def _showing(database: Path, desk: Desk) -> presses.Showing | None:
    """The case on screen stays there until it is answered, whatever other people do."""
    old: presses.Showing | None = presses.state("showing")
    if old is not None:
        return old
    new = st.session_state.pop("ready", None) or _taken(database, desk, [])
    number = st.session_state.get("showings", 0) + 1
    showing = None if new is None else replace(new, number=number, since=time.monotonic())
    st.session_state.update(showing=showing, showings=number, ready=None)
    if "progress" not in st.session_state:
        with Store(database) as store:
            st.session_state.progress = presses.counted(store, desk)
    return showing


def _taken(database: Path, desk: Desk, ahead: list[Sight]) -> presses.Showing | None:
    """The next case, kept for this person and read."""
    with Store(database) as store:
        sight = session.take(store, desk, datetime.now(UTC), ahead)
        if sight is None:
            return None
        item, text = session.shown(store, sight)
        flagged = sight.response in blind.own_flags(store, desk.annotator)
        return presses.Showing(sight, item, text, session.before(store, sight), flagged)


# --- what can be done ----------------------------------------------------------------------------


def _label_buttons(database: Path, desk: Desk, showing: presses.Showing) -> None:
    with st.container(horizontal=True, key="labels"):
        for value, key in desk.annotation.label_keys(desk.rubric.labels).items():
            st.button(
                show.as_words(value),
                key=f"label-{key}-{showing.number}",
                shortcut=key,
                width="stretch",
                on_click=presses.choose,
                args=(database, desk, showing, value),
            )
        _doubt_and_flag(database, desk, showing)


def _doubt_and_flag(database: Path, desk: Desk, showing: presses.Showing) -> None:
    """What is said of the case beside its label, and so is drawn with it."""
    keys, levels = desk.annotation.action_keys(), desk.annotation.confidence
    level = presses.confidence(desk, showing)
    words = levels[0].capitalize() if len(levels) == 2 else f"Confidence: {level}"
    for text, action, act, args, on in (
        (words, "unsure", presses.turn, (desk, showing), level != levels[-1]),
        ("Flag", "flag", presses.flag, (database, desk, showing), showing.flagged),
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


def _step_buttons(database: Path, desk: Desk, showing: presses.Showing, steps: int) -> None:
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
                on_click=presses.choose,
                args=(database, desk, showing, wrong, {"step": step}),
            )
        st.button(
            f"All are right: {show.as_words(right)}",
            key=f"label-0-{showing.number}",
            shortcut=desk.annotation.label_keys((wrong, right))[right],
            on_click=presses.choose,
            args=(database, desk, showing, right),
        )
        _doubt_and_flag(database, desk, showing)


def _reason_buttons(database: Path, desk: Desk, showing: presses.Showing, label: str) -> None:
    st.markdown(f"**{show.as_words(label)}: why?**")
    with st.container(horizontal=True, key="labels"):
        for digit, reason in enumerate(desk.annotation.reasons[label], start=1):
            st.button(
                show.as_words(reason),
                key=f"reason-{digit}-{showing.number}",
                shortcut=str(digit),
                on_click=presses.answer,
                args=(database, desk, showing, label, {"reason": reason, **presses.asked()}),
            )
        st.button(  # Undo's key does the same
            "Back",
            key=f"back-{showing.number}",
            on_click=st.session_state.pop,
            args=("asking", None),
        )


def _actions(database: Path, desk: Desk) -> None:
    """What can be done to whatever case is on screen. Each draws the whole page anew."""
    keys, here = desk.annotation.action_keys(), (database, desk)
    actions: tuple[tuple[str, str, Callable[..., None], tuple[object, ...]], ...] = (
        ("Cannot judge", CANNOT_JUDGE, presses.of_case, (presses.choose, *here, CANNOT_JUDGE)),
        ("Skip", "skip", presses.of_case, (presses.answer, *here, "skip")),
        ("Undo", "undo", presses.undo, here),
        ("Note", "note", presses.open_note, ()),
        ("Raw text", "raw", presses.switch, ("raw",)),
        ("All of it", "rest", presses.show_rest, ()),
        ("Help", "help", presses.switch, ("help",)),
    )
    with st.container(horizontal=True, key="actions", gap="xsmall"):
        for text, action, act, args in actions:
            on = action in ("raw", "help") and bool(presses.state(action))
            st.button(
                text,
                key=f"do-{action.replace(' ', '-')}",
                shortcut=keys[action],
                type="primary" if on else "secondary",
                on_click=act,
                args=args,
            )
        st.button("Sign out", key="out", type="tertiary", on_click=presses.out, args=here)


def _note(desk: Desk, showing: presses.Showing) -> None:
    before = showing.before.note if showing.before else ""
    if not (presses.state("noting") or before):
        return
    st.text_area(
        "Note (optional)",
        value=before,
        key=f"note-{showing.number}",
        height=68,
        max_chars=2000,
        placeholder="Keys write here; Esc leaves the field, and they label again",
    )
    if presses.state("noting"):
        show.focus(f"note-{showing.number}", st.session_state.notes)
