"""What adjudicators and leads may ask the database: labels of finished cases, and how work goes.

No model and no verdict. A case is finished when as many people as it wants have said something to
it; before that nobody sees what others said.
"""

from typing import NamedTuple

from samples.records import Event
from samples.store import Store

# People's events in force on the audit set ?1 under the rubric ?2; labels made by program and
# adjudicators, who have seen the others' labels, are no raters.
_RATINGS = """
    SELECT l.* FROM current_labels AS l WHERE l.rubric = ?2
    AND l.response IN (SELECT response FROM audit_cases WHERE audit_set = ?1)
    AND l.annotator NOT IN (SELECT name FROM current_accounts
        WHERE kind = 'reference' OR role = 'adjudicator')"""


class Said(NamedTuple):
    """What one person says to one case."""

    response: str
    item: str
    annotator: str
    status: str
    value: str | None
    unsure: bool
    note: str


class Work(NamedTuple):
    """One person's newest event on one case."""

    annotator: str
    response: str
    stratum: int
    status: str
    seconds: float | None
    created_at: str


class Stratum(NamedTuple):
    """A stratum by its task and a number, since its name may hold a model's."""

    number: int
    task: str
    cases: int
    wanted: int  # labels


class Checked(NamedTuple):
    """What a person said to a case of which something is known."""

    annotator: str
    purpose: str  # "repeat" or "control"
    value: str
    known: str  # what they said before, or what is right


def finished(store: Store, audit_set: str, rubric: str) -> list[Said]:
    """What people say to the cases that are finished, in the audit set's order."""
    rows = store.db.execute(
        f"WITH said AS ({_RATINGS}), enough AS (SELECT s.response FROM said AS s"
        " JOIN audit_cases AS c ON c.audit_set = ?1 AND c.response = s.response"
        " WHERE s.status IN ('labelled', 'unjudgeable')"
        " GROUP BY s.response HAVING count(*) >= max(c.raters))"
        " SELECT s.response, r.item, s.annotator, s.status, s.value, s.unsure, s.note"
        " FROM said AS s JOIN responses AS r ON r.id = s.response"
        " JOIN audit_cases AS c ON c.audit_set = ?1 AND c.response = s.response"
        " WHERE s.response IN (SELECT response FROM enough)"
        " AND s.status IN ('labelled', 'unjudgeable') ORDER BY c.position, s.seq",
        (audit_set, rubric),
    )
    return [Said(*row)._replace(unsure=bool(row[5])) for row in rows]


def rulings(store: Store, rubric: str) -> dict[str, str]:
    """Response -> what an adjudicator has settled it as."""
    rows = store.db.execute(
        "SELECT response, value FROM current_labels WHERE rubric = ? AND status = 'labelled'"
        " AND annotator IN (SELECT name FROM current_accounts WHERE role = 'adjudicator')"
        " ORDER BY created_at, seq",
        (rubric,),
    )
    return dict(rows.fetchall())


def history(store: Store, rubric: str, response: str) -> list[tuple[str, str, str | None, str]]:
    """(annotator, status, value, time) of every event on a case, oldest first."""
    rows = store.db.execute(
        "SELECT annotator, status, value, coalesce(created_at, '') AS at FROM labels"
        " WHERE rubric = ? AND response = ? ORDER BY at, seq",
        (rubric, response),
    )
    return list(rows)


def work(store: Store, audit_set: str, rubric: str) -> list[Work]:
    """What everybody has done of the audit set."""
    rows = store.db.execute(
        f"WITH said AS ({_RATINGS}), strata AS (SELECT response,"
        " dense_rank() OVER (ORDER BY stratum) AS number FROM audit_cases WHERE audit_set = ?1)"
        " SELECT s.annotator, s.response, t.number, s.status, s.seconds,"
        " coalesce(s.created_at, '') FROM said AS s JOIN strata AS t ON t.response = s.response"
        " ORDER BY s.created_at, s.seq",
        (audit_set, rubric),
    )
    return [Work(*row) for row in rows]


def strata(store: Store, audit_set: str) -> list[Stratum]:
    """The audit set's strata, of the cases that have a text to be read."""
    rows = store.db.execute(
        "SELECT dense_rank() OVER (ORDER BY c.stratum), min(i.task), count(*), sum(c.raters)"
        " FROM audit_cases AS c JOIN responses AS r ON r.id = c.response"
        " JOIN items AS i ON i.id = r.item WHERE c.audit_set = ? AND r.text IS NOT NULL"
        " GROUP BY c.stratum ORDER BY 1",
        (audit_set,),
    )
    return [Stratum(*row) for row in rows]


def agreed_on(store: Store, audit_set: str, rubric: str) -> list[tuple[str, str, str, str]]:
    """(response, item, annotator, value) of every case that two people or more have labelled."""
    rows = store.db.execute(
        f"WITH said AS ({_RATINGS} AND l.status = 'labelled') SELECT s.response, r.item,"
        " s.annotator, s.value FROM said AS s JOIN responses AS r ON r.id = s.response"
        " WHERE s.response IN (SELECT response FROM said GROUP BY response HAVING count(*) > 1)"
        " ORDER BY s.response, s.seq",
        (audit_set, rubric),
    )
    return list(rows)


def checked(store: Store, rubric: str) -> list[Checked]:
    """Everybody's repetitions and control cases beside what is known of them."""
    rows = store.db.execute(
        "SELECT k.annotator, k.purpose, k.value, coalesce(c.value, l.value)"
        " FROM check_labels AS k LEFT JOIN controls AS c ON c.id = k.response"
        " LEFT JOIN current_labels AS l ON k.purpose = 'repeat' AND l.response = k.response"
        " AND l.rubric = k.rubric AND l.annotator = k.annotator AND l.status = 'labelled'"
        " WHERE k.rubric = ? AND k.status = 'labelled' AND coalesce(c.value, l.value) IS NOT NULL"
        " AND k.seq IN (SELECT max(seq) FROM check_labels"
        " GROUP BY rubric, annotator, purpose, response) ORDER BY k.seq",
        (rubric,),
    )
    return [Checked(*row) for row in rows]


def flags(store: Store, audit_set: str) -> list[tuple[str, str]]:
    """(response, annotator) of the flags that are up, the oldest first."""
    found: dict[tuple[str, str], Event] = {}
    for event in store.events("flag"):
        if event.body["audit_set"] == audit_set:
            found[event.subject, event.body["annotator"]] = event
    return [key for key, event in found.items() if event.body["on"]]


def notes(store: Store, rubric: str, response: str) -> dict[str, str]:
    """Annotator -> their note on a case, where there is one."""
    rows = store.db.execute(
        "SELECT annotator, note FROM current_labels WHERE rubric = ? AND response = ?"
        " AND note != ''",
        (rubric, response),
    )
    return dict(rows.fetchall())


def labels_under(store: Store, rubric: str) -> int:
    """How many labels in force there are under a rubric."""
    query = "SELECT count(*) FROM current_labels WHERE rubric = ? AND status = 'labelled'"
    return int(store.db.execute(query, (rubric,)).fetchone()[0])
