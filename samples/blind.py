"""All that the labelling page asks the database: no model, no verdict, nobody else's label.

A stratum, whose name may hold a model's, is a number here. Ids of responses are hashes over their
model's name, so they stay on the server.
"""

from collections.abc import Iterator
from typing import NamedTuple

from samples.records import CheckLabel, Control, Item, Label, Lease
from samples.spoken import spoken
from samples.store import Store, columns, decode


class Assignment(NamedTuple):
    """One case of the audit set that has a text to be read."""

    response: str
    item: str
    raters: int  # how many people shall label it
    stratum: int


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


def own_labels(store: Store, rubric: str, annotator: str) -> list[Label]:
    """One person's newest event on every case, oldest first."""
    query = (
        f"SELECT {columns(Label)} FROM current_labels"
        " WHERE rubric = ? AND annotator = ? ORDER BY seq"
    )
    return [decode(Label, row) for row in store.db.execute(query, (rubric, annotator))]


def own_checks(store: Store, rubric: str, annotator: str) -> list[CheckLabel]:
    """One person's newest event on every repeated or control case, oldest first."""
    query = (
        f"SELECT {columns(CheckLabel)} FROM check_labels WHERE seq IN (SELECT max(seq)"
        " FROM check_labels WHERE rubric = ? AND annotator = ? GROUP BY purpose, response)"
        " ORDER BY seq"
    )
    return [decode(CheckLabel, row) for row in store.db.execute(query, (rubric, annotator))]


def own_label(store: Store, kind: type[Label], key: tuple[str, str, str]) -> Label | None:
    """One person's newest event of a kind on one case; ``key`` is rubric, annotator, response."""
    found = own_checks(store, *key[:2]) if kind is CheckLabel else _newest(store, key)
    return next((label for label in found if label.response == key[2]), None)


def _newest(store: Store, key: tuple[str, str, str]) -> list[Label]:
    where = "WHERE rubric = ? AND annotator = ? AND response = ?"
    rows = store.db.execute(f"SELECT {columns(Label)} FROM current_labels {where}", key)
    return [decode(Label, row) for row in rows]


def own_flags(store: Store, annotator: str) -> set[str]:
    """The cases that this person has flagged and not taken back."""
    rows = store.db.execute(
        "SELECT subject, json_extract(body, '$.on') FROM events WHERE kind = 'flag'"
        " AND json_extract(body, '$.annotator') = ? ORDER BY seq",
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
