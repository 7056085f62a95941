"""All that the labelling page asks the database: no model, no verdict, nobody else's label.

A stratum, whose name may hold a model's, is a number here. Ids of responses are hashes over their
model's name, so they stay on the server.
"""

from collections.abc import Iterator
from typing import NamedTuple

from samples.records import CheckLabel, Control, Item, Label, Lease
from samples.spoken import spoken
from samples.store import TABLES, Store, columns, decode

CASE, REPEAT, CONTROL = "case", "repeat", "control"  # what a case is shown for


class Assignment(NamedTuple):
    """One case of the audit set that has a text to be read."""

    response: str
    item: str
    raters: int  # how many people shall label it
    stratum: int


class Own(NamedTuple):
    """A person's newest event on something that was on their screen."""

    purpose: str
    response: str  # or the control's id
    status: str
    event: str  # id of the label


class Others(NamedTuple):
    """How far other people are with a case; not what they said."""

    labelled: int
    unjudgeable: int
    held: int = 0  # on somebody's screen now


def case(store: Store, response: str) -> tuple[Item, str]:
    """The question and what was answered, and nothing about who wrote it.

    The answer is without its thoughts, as judges see it.
    """
    row = store.db.execute(
        f"SELECT {columns(Item, 'i')}, r.text, r.prompt FROM responses AS r"
        " JOIN items AS i ON i.id = r.item WHERE r.id = ?",
        (response,),
    ).fetchone()
    return decode(Item, row[:-2]), spoken(*row[-2:])


def assignments(store: Store, audit_set: str) -> list[Assignment]:
    """The audit set's cases that can be read, in its order."""
    rows = store.db.execute(
        "SELECT c.response, r.item, c.raters, dense_rank() OVER (ORDER BY c.stratum)"
        " FROM audit_cases AS c JOIN responses AS r ON r.id = c.response"
        " WHERE c.audit_set = ? AND r.text IS NOT NULL ORDER BY c.position",
        (audit_set,),
    )
    return [Assignment(*row) for row in rows]


def readable(store: Store, audit_set: str) -> set[str]:
    """The cases of the audit set that have a text to be read."""
    return {case.response for case in assignments(store, audit_set)}


def others(
    store: Store, audit_set: str, rubric: str, annotator: str, now: str
) -> dict[str, Others]:
    """How many people but this one have each case, of those that somebody has.

    Reference labels, made by program, take nobody's place.
    """
    rows = store.db.execute(
        "SELECT response, sum(status = 'labelled'), sum(status = 'unjudgeable')"
        " FROM current_labels WHERE rubric = ? AND annotator != ? AND annotator NOT IN"
        " (SELECT name FROM current_accounts WHERE kind = 'reference') GROUP BY response",
        (rubric, annotator),
    )
    found = {response: Others(*counts) for response, *counts in rows}
    for lease in _leases(store, audit_set, rubric, now):
        if lease.annotator != annotator:
            before = found.get(lease.response, Others(0, 0))
            found[lease.response] = before._replace(held=before.held + 1)
    return found


def free(store: Store, audit_set: str, key: tuple[str, str, str], now: str) -> int:
    """How many more people may have one case; ``key`` is rubric, annotator, response."""
    rubric, annotator, response = key
    taken = store.db.execute(
        "SELECT count(*) FROM current_labels WHERE rubric = ? AND response = ? AND annotator != ?"
        " AND status = 'labelled' AND annotator NOT IN"
        " (SELECT name FROM current_accounts WHERE kind = 'reference')",
        (rubric, response, annotator),
    ).fetchone()[0]
    taken += sum(
        lease.response == response and lease.annotator != annotator
        for lease in _leases(store, audit_set, rubric, now)
    )
    raters = "SELECT raters FROM audit_cases WHERE audit_set = ? AND response = ?"
    return int(store.db.execute(raters, (audit_set, response)).fetchone()[0]) - int(taken)


def held(store: Store, audit_set: str, rubric: str, annotator: str, now: str) -> list[str]:
    """The cases that are kept for this person, in the order in which they were given out."""
    leases = _leases(store, audit_set, rubric, now)
    return [lease.response for lease in leases if lease.annotator == annotator]


def _leases(store: Store, audit_set: str, rubric: str, now: str) -> Iterator[Lease]:
    """The newest of a person and case, where it has not ended and they have not answered since."""
    rows = store.db.execute(
        f"SELECT {columns(Lease, 'l')} FROM leases AS l WHERE l.seq IN (SELECT max(seq)"
        " FROM leases WHERE audit_set = ? GROUP BY response, annotator) AND l.until > ?"
        " AND NOT EXISTS (SELECT 1 FROM labels AS a WHERE a.rubric = ? AND a.response = l.response"
        " AND a.annotator = l.annotator AND a.created_at >= l.created_at) ORDER BY l.seq",
        (audit_set, now, rubric),
    )
    return (decode(Lease, row) for row in rows)


def own(store: Store, rubric: str, annotator: str) -> list[Own]:
    """One person's newest event on every case, repetition and control, oldest first."""
    rows = store.db.execute(
        "SELECT 'case', response, status, id, coalesce(created_at, '') AS at, seq"
        " FROM current_labels WHERE rubric = ?1 AND annotator = ?2"
        " UNION ALL SELECT purpose, response, status, id, coalesce(created_at, ''), seq"
        " FROM current_check_labels WHERE rubric = ?1 AND annotator = ?2 ORDER BY at, seq",
        (rubric, annotator),
    )
    return [Own(*row[:4]) for row in rows]


def own_event(store: Store, purpose: str, event: str) -> Label:
    """An event by its id."""
    kind = Label if purpose == CASE else CheckLabel
    query = f"SELECT {columns(kind)} FROM {TABLES[kind]} WHERE id = ?"
    return decode(kind, store.db.execute(query, (event,)).fetchone())


def newest(store: Store, purpose: str, key: tuple[str, str, str]) -> str | None:
    """The id of a person's newest event on one case; ``key`` is rubric, annotator, response."""
    where = "WHERE rubric = ? AND annotator = ? AND response = ?"
    query = f"SELECT id FROM current_labels {where}"
    if purpose != CASE:
        query = f"SELECT id FROM current_check_labels {where} AND purpose = '{purpose}'"
    row = store.db.execute(query, key).fetchone()
    return None if row is None else str(row[0])


def own_flags(store: Store, annotator: str) -> set[str]:
    """The cases that this person has flagged and not taken back."""
    rows = store.db.execute(
        "SELECT subject, json_extract(body, '$.on') FROM events WHERE kind = 'flag'"
        " AND json_extract(body, '$.annotator') = ? ORDER BY created_at, seq",
        (annotator,),
    )
    return {subject for subject, on in dict(rows.fetchall()).items() if on}


def controls(store: Store, rubric: str) -> list[str]:
    """The control cases of a rubric; what they are known to be stays in the database."""
    rows = store.db.execute("SELECT id FROM controls WHERE rubric = ? ORDER BY seq", (rubric,))
    return [control for (control,) in rows]


def control_case(store: Store, control: str) -> tuple[Item, str]:
    """A control as it is shown: like any other case."""
    query = f"SELECT {columns(Control)} FROM controls WHERE id = ?"
    known = decode(Control, store.db.execute(query, (control,)).fetchone())
    return Item("", "", known.question, known.references, choices=known.choices), known.text
