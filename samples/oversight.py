"""What adjudicators and leads may ask the database: labels of finished cases, and how work goes.

No model and no verdict. A case is finished when as many people as it wants have said something to
it; before that nobody sees what others said, but for the note beside a flag.
"""

from typing import NamedTuple

from samples.annotation import DOUBTS
from samples.store import Store

# Who rules on others' labels, and who has rated the :audit_set under the :rubric: labels made by
# program and adjudicators, who have seen the others' labels, are no ratings.
_RULINGS = """
    SELECT * FROM current_labels WHERE rubric = :rubric AND status = 'labelled'
    AND annotator IN (SELECT name FROM current_accounts WHERE role = 'adjudicator')"""
_RATINGS = """
    SELECT l.* FROM current_labels AS l WHERE l.rubric = :rubric
    AND l.response IN (SELECT response FROM audit_cases WHERE audit_set = :audit_set)
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
    status: str
    seconds: float | None
    created_at: str


class Stratum(NamedTuple):
    """A stratum by its task and a number, since its name may hold a model's."""

    number: int
    task: str  # or "several"
    cases: int
    wanted: int  # labels
    labels: int  # given so far
    rest: int  # labels that the queue still asks for


class Checked(NamedTuple):
    """What a person said to a case of which something is known."""

    annotator: str
    purpose: str  # "repeat" or "control"
    value: str
    known: str  # what they said before, or what is right


class Flag(NamedTuple):
    """A case that somebody thinks something is wrong with."""

    response: str  # or the control's id
    control: bool
    annotator: str
    note: str


def finished(store: Store, audit_set: str, rubric: str) -> list[Said]:
    """What people say to the cases that are finished, in the audit set's order."""
    rows = store.db.execute(
        f"WITH said AS ({_RATINGS}), enough AS (SELECT s.response FROM said AS s"
        " JOIN audit_cases AS c ON c.audit_set = :audit_set AND c.response = s.response"
        " WHERE s.status IN ('labelled', 'unjudgeable')"
        " GROUP BY s.response HAVING count(*) >= max(c.raters))"
        " SELECT s.response, r.item, s.annotator, s.status, s.value, s.unsure, s.note"
        " FROM said AS s JOIN responses AS r ON r.id = s.response"
        " JOIN audit_cases AS c ON c.audit_set = :audit_set AND c.response = s.response"
        " WHERE s.response IN (SELECT response FROM enough)"
        " AND s.status IN ('labelled', 'unjudgeable') ORDER BY c.position, s.seq",
        {"audit_set": audit_set, "rubric": rubric},
    )
    return [Said(*row)._replace(unsure=bool(row[5])) for row in rows]


def rulings(store: Store, rubric: str) -> dict[str, str]:
    """Response -> what an adjudicator has settled it as."""
    rows = store.db.execute(
        f"SELECT response, value FROM ({_RULINGS}) ORDER BY created_at, seq", {"rubric": rubric}
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
        "SELECT annotator, response, status, seconds, coalesce(created_at, '') AS at"
        f" FROM ({_RATINGS}) ORDER BY at, seq",
        {"audit_set": audit_set, "rubric": rubric},
    )
    return [Work(*row) for row in rows]


def strata(store: Store, audit_set: str, rubric: str) -> list[Stratum]:
    """The audit set's strata, of the cases that have a text to be read.

    Nothing is asked for where an adjudicator has ruled, or too many people cannot judge.
    """
    rows = store.db.execute(
        "WITH said AS (SELECT response, sum(status = 'labelled') AS labels,"
        f" sum(status = 'unjudgeable') AS doubts FROM ({_RATINGS}) GROUP BY response),"
        " cases AS (SELECT c.stratum, i.task, c.raters, coalesce(s.labels, 0) AS labels,"
        f" c.response NOT IN (SELECT response FROM ({_RULINGS}))"
        " AND coalesce(s.doubts, 0) < :doubts AS open"
        " FROM audit_cases AS c JOIN responses AS r ON r.id = c.response"
        " JOIN items AS i ON i.id = r.item LEFT JOIN said AS s ON s.response = c.response"
        " WHERE c.audit_set = :audit_set AND r.text IS NOT NULL)"
        " SELECT dense_rank() OVER (ORDER BY stratum), iif(min(task) = max(task), min(task),"
        " 'several'), count(*), sum(raters), sum(labels), sum(open * max(0, raters - labels))"
        " FROM cases GROUP BY stratum ORDER BY 1",
        {"audit_set": audit_set, "rubric": rubric, "doubts": DOUBTS},
    )
    return [Stratum(*row) for row in rows]


def agreed_on(store: Store, audit_set: str, rubric: str) -> list[tuple[str, str, str, str]]:
    """(response, item, annotator, value) of every case that two people or more have labelled."""
    rows = store.db.execute(
        f"WITH said AS ({_RATINGS} AND l.status = 'labelled') SELECT s.response, r.item,"
        " s.annotator, s.value FROM said AS s JOIN responses AS r ON r.id = s.response"
        " WHERE s.response IN (SELECT response FROM said GROUP BY response HAVING count(*) > 1)"
        " ORDER BY s.response, s.seq",
        {"audit_set": audit_set, "rubric": rubric},
    )
    return list(rows)


def checked(store: Store, rubric: str) -> list[Checked]:
    """Everybody's repetitions and control cases beside what is known of them."""
    rows = store.db.execute(
        "SELECT k.annotator, k.purpose, k.value, coalesce(c.value, l.value)"
        " FROM current_check_labels AS k LEFT JOIN controls AS c ON c.id = k.response"
        " LEFT JOIN current_labels AS l ON k.purpose = 'repeat' AND l.response = k.response"
        " AND l.rubric = k.rubric AND l.annotator = k.annotator AND l.status = 'labelled'"
        " WHERE k.rubric = ? AND k.status = 'labelled' AND coalesce(c.value, l.value) IS NOT NULL"
        " ORDER BY k.seq",
        (rubric,),
    )
    return [Checked(*row) for row in rows]


def flags(store: Store, audit_set: str, rubric: str) -> list[Flag]:
    """The flags that are up on the audit set's cases and the rubric's controls, oldest first.

    Each with its person's note, where they wrote one.
    """
    rows = store.db.execute(
        "WITH flags AS (SELECT *, json_extract(body, '$.annotator') AS annotator,"
        " row_number() OVER (PARTITION BY subject, json_extract(body, '$.annotator')"
        " ORDER BY created_at DESC, seq DESC) AS newest FROM events WHERE kind = 'flag')"
        " SELECT f.subject, f.subject IN (SELECT id FROM controls), f.annotator,"
        " coalesce((SELECT note FROM (SELECT note, annotator, response, rubric FROM current_labels"
        " UNION ALL SELECT note, annotator, response, rubric FROM current_check_labels)"
        " WHERE rubric = :rubric AND response = f.subject AND annotator = f.annotator"
        " AND note != ''), '') FROM flags AS f WHERE newest = 1 AND json_extract(body, '$.on')"
        " AND (f.subject IN (SELECT response FROM audit_cases WHERE audit_set = :audit_set)"
        " OR f.subject IN (SELECT id FROM controls WHERE rubric = :rubric))"
        " ORDER BY created_at, seq",
        {"audit_set": audit_set, "rubric": rubric},
    )
    return [Flag(response, bool(control), *rest) for response, control, *rest in rows]


def labels_under(store: Store, rubric: str) -> int:
    """How many labels in force there are under a rubric."""
    query = "SELECT count(*) FROM current_labels WHERE rubric = ? AND status = 'labelled'"
    return int(store.db.execute(query, (rubric,)).fetchone()[0])
