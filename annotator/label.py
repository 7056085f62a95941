"""The labelling page: one case at a time, a key per label, saved before the next case shows.

The browser gets the question, the references and the answer's text as plain text, and no id:
a response's id is a hash over its model's name, which could be guessed from it.
"""

import re
import sqlite3  # only to tell the person what went wrong
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from annotator import session
from annotator.door import here, leave
from annotator.session import Answer, Desk, Queue, Sight
from samples.errors import BenchwarrantError
from samples.records import Item, Label, Rubric
from samples.store import Store


@dataclass(frozen=True)
class Showing:
    """A sight of a case in this browser tab; the number names its buttons and fields."""

    sight: Sight
    number: int
    since: float


# Streamlit leaves a hand's breadth free above and below, which a phone does not have. It takes a
# key that is held down for many presses, which would label cases that nobody has seen. And it
# shows the next case where the last one was scrolled to.
PAGE = """<style>
.stMainBlockContainer { padding-top: 1.5rem; padding-bottom: 1rem; }
[data-testid=stBottomBlockContainer] { padding-top: 0.5rem; padding-bottom: 1rem; }
.st-key-labels button { min-height: 3.25rem; }
</style>
<script>/* NUMBER */
document.querySelector("[data-testid=stMain]").scrollTo(0, 0);
if (!window.heldKeysIgnored) {
  window.heldKeysIgnored = true;
  window.addEventListener("keydown", (event) => {
    if (!event.repeat || event.target.closest("input, textarea")) return;
    event.stopImmediatePropagation();
    if (event.target.closest("button")) event.preventDefault();
  }, true);
}
</script>"""


def page(store: Store, desk: Desk) -> None:
    queue = session.read_queue(store, desk)
    showing = _showing(queue)
    _progress(queue)
    if showing is None:
        _end(queue)
    else:
        item, text = store.blind_case(showing.sight.response)
        _rubric(desk.rubric, opened=not queue.own)
        _case(item, text)
        _note(showing)
    with st.bottom:
        if showing is not None:
            _label_buttons(store.path, desk, showing)
        _other_buttons(store.path, desk, queue, showing)
    # Last, since it takes room; the number runs it again for each case.
    st.html(PAGE.replace("NUMBER", str(st.session_state.showings)), unsafe_allow_javascript=True)


def _showing(queue: Queue) -> Showing | None:
    """The case on screen stays there until it is answered, whatever other people do."""
    old: Showing | None = st.session_state.get("showing")
    if old is not None and queue.stands(old.sight):
        return old
    sight = queue.next()
    number = st.session_state.get("showings", 0) + 1
    showing = None if sight is None else Showing(sight, number, time.monotonic())
    st.session_state.update(showing=showing, showings=number)
    return showing


# --- what is shown -----------------------------------------------------------------------------


def _progress(queue: Queue) -> None:
    seen = queue.progress()
    total = seen.done + seen.left
    words = [f"{seen.done} of {total} done"]
    if seen.skipped:
        words.append(f"{seen.skipped} skipped, for the end")
    if "saved" in st.session_state:
        words.append(f"✓ {as_words(st.session_state.saved)}")
    st.progress(seen.done / total if total else 1.0, " · ".join(words))
    if "problem" in st.session_state:
        st.error("Not saved. The case is still here; try again, or tell whoever runs the study.")
        st.text(st.session_state.pop("problem"))


def _rubric(rubric: Rubric, *, opened: bool) -> None:
    st.markdown(f"**{as_words(rubric.question)}**")
    if rubric.guidance.strip():
        with st.expander("Guidance", expanded=opened):
            st.markdown(rubric.guidance)


def _case(item: Item, text: str) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        _box("Question", item.question)
        if item.choices:
            _box("Choices", "\n".join(f"{label}. {choice}" for label, choice in item.choices))
        _box("Reference answer", "\nor: ".join(_reference(item, one) for one in item.references))
    with right:
        _box("Answer to judge", text)


def _reference(item: Item, reference: str) -> str:
    """The letter of a choice with its words, so that nobody has to look it up."""
    words = dict(item.choices).get(reference)
    return reference if words is None else f"{reference}. {words}"


def _box(title: str, text: str) -> None:
    """Text from outside is data: st.code reads neither Markdown nor HTML, and keeps blanks."""
    with st.container(gap=None):
        st.caption(title)
        if text.strip():
            st.code(text, language=None, wrap_lines=True)
        else:
            st.info("It is empty: there is no text here.")


def _note(showing: Showing) -> None:
    before = showing.sight.before
    st.text_area(
        "Note (optional)",
        value=before.note if before else "",
        key=f"note-{showing.number}",
        height=68,
        max_chars=2000,
        placeholder="Keys write here; Tab leaves the field, and they label again",
    )


def _end(queue: Queue) -> None:
    done = queue.progress().done
    st.success(f"Finished: nothing is left that needs you. You have labelled {done}; thank you.")


# --- what can be done --------------------------------------------------------------------------


def _label_buttons(database: Path, desk: Desk, showing: Showing) -> None:
    with st.container(horizontal=True, key="labels"):
        for digit, value in enumerate(desk.rubric.labels, start=1):
            st.button(
                as_words(value),
                key=f"label-{digit}-{showing.number}",
                shortcut=str(digit),
                width="stretch",
                on_click=_answer,
                args=(database, desk, showing, value),
            )


def _other_buttons(database: Path, desk: Desk, queue: Queue, showing: Showing | None) -> None:
    number = st.session_state.showings
    with st.container(horizontal=True):
        if showing is not None:
            st.button(  # not st.toggle: while that has the focus, the keys do nothing
                "Unsure",
                key=f"unsure-{number}",
                shortcut="n",
                icon=":material/check:" if _unsure(showing) else None,
                type="primary" if _unsure(showing) else "secondary",
                on_click=_turn_unsure,
                args=(showing,),
            )
            st.button(
                "Skip",
                key=f"skip-{number}",
                shortcut="s",
                on_click=_answer,
                args=(database, desk, showing, None),
            )
        st.button(
            "Undo",
            key=f"undo-{number}",
            shortcut="u",
            disabled=queue.undoable is None,
            on_click=_undo,
            args=(database, desk, number),
        )
        st.button("Sign out", key="out", type="tertiary", on_click=leave, args=("Signed out.",))


def _unsure(showing: Showing) -> bool:
    before = showing.sight.before
    number, doubt = st.session_state.get("unsure", (0, False))
    return bool(doubt if number == showing.number else before is not None and before.unsure)


def _turn_unsure(showing: Showing) -> None:
    st.session_state.unsure = (showing.number, not _unsure(showing))


def _answer(database: Path, desk: Desk, showing: Showing, value: str | None) -> None:
    answer = Answer(
        value,
        unsure=_unsure(showing),
        note=st.session_state.get(f"note-{showing.number}", ""),
        seconds=round(time.monotonic() - showing.since, 3),
    )

    def write(store: Store) -> Label | None:
        return session.submit(store, desk, showing.sight, answer, datetime.now(UTC))

    _write(database, desk, write, "Skipped" if value is None else f"Saved: {value}")


def _undo(database: Path, desk: Desk, number: int) -> None:
    """Take back what is newest now, not what was when the page was drawn; once per page."""
    if st.session_state.get("undone") == number:
        return
    st.session_state.undone = number

    def write(store: Store) -> Label | None:
        return session.undo(store, desk, datetime.now(UTC))

    _write(database, desk, write, "Taken back: here is the case again")


def _write(database: Path, desk: Desk, write: Callable[[Store], Label | None], done: str) -> None:
    """Save, and only then say so. Whoever was locked out since the page was drawn saves nothing."""
    try:
        with Store(database, precious=True) as store:
            account = here(store)
            event = write(store) if account and account.name == desk.annotator else None
    except (BenchwarrantError, sqlite3.Error) as error:
        st.session_state.problem = str(error)
        st.session_state.pop("saved", None)
        return
    if event is not None:
        st.session_state.saved = done
        st.session_state.showing = None


def as_words(text: str) -> str:
    """Text in a place that reads Markdown, escaped so that it shows as it is."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)
