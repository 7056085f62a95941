"""The review page: an adjudicator settles, by one key, the cases on which people differ.

Labels have letters instead of names, and the letters change from case to case. Only finished cases
come here.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from annotator import door, session, show
from annotator.accounts import PAGES
from annotator.disputes import Dispute, disputes
from annotator.session import Answer
from annotator.turns import Desk, Sight
from samples import blind, oversight
from samples.annotation import CANNOT_JUDGE
from samples.blind import CASE
from samples.errors import BenchwarrantError
from samples.records import Label
from samples.store import Store
from samples.study import Study

ROLES = PAGES["review"]


def page(study: Study, desk: Desk) -> None:
    show.style()
    _work(study.at(study.database), desk)
    show.script()


@st.fragment
def _work(database: Path, desk: Desk) -> None:
    door.must_be(database, desk.annotator, *ROLES)
    sight = None
    with Store(database) as store:
        if not session.in_force(store, desk):
            st.rerun()  # the whole page, at a desk of today
        found = _disputes(store, desk)
        settled = sum(one.ruling is not None for one in found)
        _progress(settled, len(found))
        chosen = _chosen(found)
        if chosen is None:
            st.success(
                "Nothing to settle: people agree on every finished case, or all is settled. New"
                " cases come here when as many people as they want have labelled them."
            )
        else:
            _case(store, desk, chosen)
            key = (desk.rubric.id, desk.annotator, chosen.response)
            sight = Sight(chosen.response, blind.newest(store, CASE, key))
    with st.container(key="dock"):
        _buttons(database, desk, sight)


def _disputes(store: Store, desk: Desk) -> list[Dispute]:
    labels = oversight.finished(store, desk.audit_set, desk.rubric.id)
    return disputes(labels, oversight.rulings(store, desk.rubric.id), desk.seed)


def _chosen(found: list[Dispute]) -> Dispute | None:
    """The one that was taken back, else the first that waits, those put off last."""
    later: list[str] = st.session_state.setdefault("later", [])
    waiting = [one for one in found if one.ruling is None]
    back = st.session_state.get("back")
    again = next((one for one in waiting if one.response == back), None)
    put_off = [one for response in later for one in waiting if one.response == response]
    return (
        again
        or next((one for one in waiting if one.response not in later), None)
        or (put_off[0] if put_off else None)
    )


def _progress(settled: int, total: int) -> None:
    words = [f"{settled} of {total} settled"]
    if saved := st.session_state.get("ruled"):
        words.append(f"✓ {show.as_words(saved)}")
    st.progress(settled / total if total else 1.0, " · ".join(words))
    if (problem := st.session_state.pop("problem", None)) is not None:
        st.error("Not saved. The case is still here; try again, or tell whoever runs the study.")
        st.text(problem)


def _case(store: Store, desk: Desk, dispute: Dispute) -> None:
    show.rubric(desk, opened=False, help_=False)
    rows = ["| rater | says | sure | note |", "|---|---|---|---|"]
    for letter, said in dispute.said:
        value = said.value or CANNOT_JUDGE
        sure = "unsure" if said.unsure else ""
        rows.append(f"| {letter} | {show.cell(value)} | {sure} | {show.cell(said.note)} |")
    st.markdown("\n".join(rows))
    item, text = blind.case(store, dispute.response)
    number = st.session_state.get("rulings", 0)
    show.case(desk, item, text, (number, show.View(bool(st.session_state.get("raw")), True)))
    with st.expander("History"):
        events = oversight.history(store, desk.rubric.id, dispute.response)
        lines = ["| time (UTC) | who | what |", "|---|---|---|"]
        lines += [
            f"| {show.minute(at)} | {_who(dispute, desk, name)} | {show.cell(value or status)} |"
            for name, status, value, at in events
        ]
        st.markdown("\n".join(lines))


def _who(dispute: Dispute, desk: Desk, name: str) -> str:
    return "you" if name == desk.annotator else dispute.letter(name)


def _buttons(database: Path, desk: Desk, sight: Sight | None) -> None:
    keys, number = desk.annotation.action_keys(), st.session_state.setdefault("rulings", 0)
    if sight is not None:
        labels = desk.rubric.labels
        by_key = {label: str(digit) for digit, label in enumerate(labels, start=1)}
        if not desk.annotation.steps:
            by_key = dict(desk.annotation.label_keys(labels))
        with st.container(horizontal=True, key="labels"):
            for value, key in by_key.items():
                st.button(
                    show.as_words(value),
                    key=f"rule-{key}-{number}",
                    shortcut=key,
                    width="stretch",
                    on_click=_rule,
                    args=(database, desk, sight, value),
                )
    with st.container(horizontal=True, key="actions", gap="xsmall"):
        if sight is not None:
            later = (sight.response,)
            st.button("Later", key="later-key", shortcut=keys["skip"], on_click=_later, args=later)
            st.button("Raw text", key="raw-key", shortcut=keys["raw"], on_click=_raw)
        undo = (database, desk, number)
        st.button("Undo", key="undo-key", shortcut=keys["undo"], on_click=_undo, args=undo)
        st.button(
            "Sign out", key="out", type="tertiary", on_click=door.leave, args=("Signed out.",)
        )


def _rule(database: Path, desk: Desk, sight: Sight, value: str) -> None:
    """Settle the case, once however often the key comes, and not where another one has by now."""

    def write(store: Store) -> Label | None:
        if sight.response in oversight.rulings(store, desk.rubric.id):
            return None
        return session.submit(store, desk, sight, Answer(value), datetime.now(UTC))

    _write(database, desk, write, f"Settled: {value}")
    st.session_state.back = None


def _undo(database: Path, desk: Desk, number: int) -> None:
    """Take back the ruling that is newest now; once per page, however often the key comes.

    Labels from before somebody became an adjudicator are no rulings on what comes here.
    """
    if st.session_state.get("taken_back") == number:
        return
    st.session_state.taken_back = number

    def write(store: Store) -> Label | None:
        here = {one.response for one in _disputes(store, desk)}
        event = session.undo(store, desk, datetime.now(UTC), here)
        st.session_state.back = event.response if event else None
        return event

    _write(database, desk, write, "Taken back: here is the case again")


def _write(database: Path, desk: Desk, write: Callable[[Store], Label | None], done: str) -> None:
    """Save, and only then say so; the role is looked up anew."""
    try:
        with Store(database, precious=True) as store:
            event = write(store) if door.is_here(store, desk.annotator, *ROLES) else None
    except (BenchwarrantError, sqlite3.Error) as error:
        st.session_state.problem = str(error)
        event = None
    st.session_state.ruled = done if event is not None else None
    if event is not None:
        st.session_state.rulings += 1


def _later(response: str) -> None:
    later = [one for one in st.session_state.get("later", []) if one != response]
    st.session_state.update(later=[*later, response], back=None)


def _raw() -> None:
    st.session_state.raw = not st.session_state.get("raw")
