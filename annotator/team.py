"""The team page: how labelling goes, how far people agree, and the guidance that they work by.

A lead may label too, so there is no model's name here and no verdict: strata have numbers.
"""

import sqlite3  # only to tell the person what went wrong
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import streamlit as st

from annotator import door, show
from annotator.accounts import PAGES
from annotator.session import timestamp
from annotator.team_figures import Figure, agreement, checks, left, people
from annotator.turns import Desk
from samples import blind, oversight, revision
from samples.errors import BenchwarrantError
from samples.store import Store
from samples.study import Study

ROLES = PAGES["team"]
COLUMNS = (
    *("person", "labelled", "skipped", "cannot judge"),
    *("seconds a label", "labels an hour", "last (UTC)"),
)
NAMES = {
    "percent_agreement": "agreement of two people on a case",
    "conger_kappa": "Cohen's κ (Conger's where there are more than two people)",
    "krippendorff_alpha": "Krippendorff's α",
}


def page(study: Study, desk: Desk) -> None:
    show.style()
    st.header("Team")
    now = datetime.now(UTC)
    with Store(study.at(study.database)) as store:
        _progress(store, desk, now)
        _quality(store, desk)
        _flags(store, desk)
        _stopping(study, store)
    _guidance(study, desk)


def _progress(store: Store, desk: Desk, now: datetime) -> None:
    work = oversight.work(store, desk.audit_set, desk.rubric.id)
    strata = oversight.strata(store, desk.audit_set, desk.rubric.id)
    rest = left(strata, work, now)
    hours = "time left: not known until somebody has given two labels within ten minutes"
    if rest.hours is not None:
        hours = f"about {rest.hours:.1f} hours at the last hour's pace"
    st.subheader("Progress")
    st.markdown(
        f"**{rest.labels} labels of {rest.wanted} wanted**; "
        + (f"{rest.rest} to come, {hours}" if rest.rest else "none to come")
    )
    _table(
        COLUMNS,
        [
            (
                one.name,
                one.labelled,
                one.skipped,
                one.unjudgeable,
                "–" if one.seconds is None else f"{one.seconds:.1f}",
                "–" if one.pace is None else f"{one.pace:.0f}",
                show.minute(one.last),
            )
            for one in people(work, now)
        ],
        "Nobody has labelled yet.",
    )
    with st.expander(f"By stratum ({len(strata)})"):
        st.caption("Strata have a number, since their names can hold a model's.")
        _table(
            ["stratum", "task", "cases", "labels", "wanted", "to come"],
            [(s.number, s.task, s.cases, s.labels, s.wanted, s.rest) for s in strata],
            "",
        )


def _quality(store: Store, desk: Desk) -> None:
    st.subheader("Agreement")
    labels = oversight.agreed_on(store, desk.audit_set, desk.rubric.id)
    found = agreement(labels, desk.rubric.labels, desk.seed)
    _table(
        ["among people", "with its 95% interval"],
        [(NAMES[x], f.says()) for x, f in found.items()],
        "",
    )
    known = oversight.checked(store, desk.rubric.id)
    again, right = checks(known, "repeat"), checks(known, "control")
    if again or right:
        _table(
            ["person", "the same label on a repeated case", "right on a control case"],
            [(name, _says(again.get(name)), _says(right.get(name))) for name in {**again, **right}],
            "",
        )


def _says(figure: Figure | None) -> str:
    return "none yet" if figure is None else figure.says()


def _flags(store: Store, desk: Desk) -> None:
    st.subheader("Flagged cases")
    found = oversight.flags(store, desk.audit_set, desk.rubric.id)
    if not found:
        st.caption("None.")
    for flag in found:
        read = blind.control_case if flag.control else blind.case
        item, text = read(store, flag.response)
        said = f"{flag.annotator}: {flag.note}" if flag.note else flag.annotator
        with st.expander(f"{show.cell(said)} · {show.cell(item.question[:80])}"):
            show.case(desk, item, text, (0, show.View(raw=True, all=True)))


def _stopping(study: Study, store: Store) -> None:
    """How far a sequential audit set has come; what judges said is not looked at here."""
    from judges.sequential import standing
    from judges.tables import load_audit

    frozen = store.audit_set()
    if frozen is None or frozen.design.get("sequential") is not True:
        return
    st.subheader("Stopping early")
    if store.labelled(frozen.rubric):
        st.markdown(show.as_words(standing(load_audit(study, store)) or "Every label is there."))
        st.caption("`benchwarrant approve JUDGE` says whether the decision is certain already.")


def _guidance(study: Study, desk: Desk) -> None:
    st.subheader("Guidance")
    if (done := st.session_state.pop("revised", None)) is not None:
        st.success(done)
    if (problem := st.session_state.pop("not_revised", None)) is not None:
        st.error(show.as_words(problem))
    with Store(study.at(study.database)) as store:
        labels = oversight.labels_under(store, desk.rubric.id)
    with st.form("guidance", border=False):
        st.text_area("Guidance (Markdown)", desk.rubric.guidance, key="guidance-text", height=240)
        st.checkbox(
            f"This makes a new version of the rubric. The {labels} labels given so far stay with"
            " the old one, and everybody labels the same cases anew.",
            key="guidance-sure",
        )
        st.form_submit_button("Save as a new version", on_click=_revise, args=(study, desk))


def _revise(study: Study, desk: Desk) -> None:
    if not st.session_state.get("guidance-sure"):
        st.session_state.not_revised = "Not saved. Tick the box first, since labels start anew."
        return
    text = st.session_state["guidance-text"]
    try:
        with Store(study.at(study.database), precious=True) as store:
            if door.is_here(store, desk.annotator, *ROLES):
                rubric = revision.revise_guidance(study, store, text, timestamp(datetime.now(UTC)))
                st.session_state.revised = f"Saved as rubric {rubric.id}."
    except (BenchwarrantError, sqlite3.Error, OSError) as error:
        st.session_state.not_revised = str(error)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """A table that a screen reader reads."""
    lines = [f"| {' | '.join(show.cell(str(cell)) for cell in row)} |" for row in rows]
    if not lines:
        st.caption(nothing)
        return
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    st.markdown("\n".join([*head, *lines]))
