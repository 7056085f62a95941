"""The study's database: the only SQL in the project.

One file holds everything; rows are written once and named by their content (records.py). A
connection belongs to its thread: open a Store per thread, it costs half a millisecond.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from samples import schema
from samples.database import Database
from samples.errors import BenchwarrantError
from samples.records import (
    Account,
    AuditCase,
    AuditSet,
    Case,
    Charge,
    CheckLabel,
    Control,
    Event,
    Item,
    Label,
    Lease,
    ProbeVerdict,
    Response,
    Rubric,
    Spec,
    Verdict,
    Warrant,
    canonical_json,
    content_hash,
)

TABLES: dict[type, str] = {
    Item: "items",
    Spec: "specs",
    Rubric: "rubrics",
    Response: "responses",
    AuditSet: "audit_sets",
    AuditCase: "audit_cases",
    Label: "labels",
    CheckLabel: "check_labels",
    Control: "controls",
    Lease: "leases",
    Verdict: "verdicts",
    ProbeVerdict: "probes",
    Charge: "charges",
    Warrant: "warrants",
    Account: "accounts",
    Event: "events",
}
_JSON = {"references", "choices", "meta", "labels", "body", "design"}
_TUPLES = {"references", "choices", "labels"}
_BOOLS = {"unsure", "estimated"}
_REALS = {"seconds", "score", "probability", "usd"}

CACHE = 128 << 20  # bytes of the database's pages, taken as they are read
CHECKPOINT = 30_000  # pages that wait in the log: 120 MB

R = TypeVar("R")


class Spent(NamedTuple):
    """Sums over the charges of one judge."""

    attempts: int
    calls: int
    estimated: int  # attempts of which nobody said what they took
    input_tokens: int
    output_tokens: int
    usd: float | None  # None: there is no charge, or none with a price
    unpriced: int  # attempts whose price nobody knew


class Ungraded(NamedTuple):
    """Which answers, and without whose verdict: of these model specs to these tasks."""

    judge_spec: str
    rubric: str
    specs: tuple[str, ...]
    tasks: tuple[str, ...]

    @property
    def parameters(self) -> tuple[str, str, str, str]:
        lists = canonical_json(self.specs), canonical_json(self.tasks)
        return (*lists, self.judge_spec, self.rubric)


# With a + no index is taken: rows are read in the order of writing, and none is sorted.
_UNGRADED = (
    "FROM responses AS r CROSS JOIN items AS i ON i.id = r.item WHERE r.text IS NOT NULL"
    " AND +r.spec IN (SELECT value FROM json_each(?))"
    " AND +i.task IN (SELECT value FROM json_each(?))"
    " AND NOT EXISTS (SELECT 1 FROM verdicts AS v"
    " WHERE v.spec = ? AND v.rubric = ? AND v.response = r.id)"
)


@cache
def _form(kind: type) -> tuple[Callable[[Any], tuple[Any, ...]], list[int], list[int]]:
    """How a record's fields are got, and which columns, after the id, are JSON and real numbers."""
    names = tuple(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    places = [
        [place for place, name in enumerate(names, start=1) if name in some]
        for some in (_JSON, _REALS)
    ]
    return attrgetter(*names), places[0], places[1]


def _encode(record: Any) -> list[Any]:
    fields, texts, reals = _form(type(record))  # type: ignore[arg-type]  # a class is hashable
    row = [record.id, *fields(record)]
    for place in texts:
        value = row[place]
        row[place] = canonical_json(value) if value else "{}" if isinstance(value, dict) else "[]"
    for place in reals:
        if isinstance(row[place], int):
            name = list(record.__dataclass_fields__)[place - 1]
            raise TypeError(f"{name} must be a float, or its hash would not survive the database")
    return row


def decode(kind: type[R], row: Sequence[Any]) -> R:
    """A record from the columns of its table, in the order of its fields."""
    values = dict(zip(kind.__dataclass_fields__, row, strict=True))  # type: ignore[attr-defined]
    for name in values.keys() & _JSON:
        values[name] = json.loads(values[name])
        if name in _TUPLES:
            values[name] = tuple(tuple(v) if isinstance(v, list) else v for v in values[name])
    for name in values.keys() & _BOOLS:
        values[name] = bool(values[name])
    return kind(**values)


def columns(kind: type, alias: str = "") -> str:
    """A record's columns, in the order of its fields."""
    prefix = f"{alias}." if alias else ""
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return ", ".join(f'{prefix}"{name}"' for name in names)


class Store:
    """One open connection to a study's database.

    ``precious`` waits for the disk at every commit: for labels, which are somebody's work.
    """

    def __init__(self, path: Path, *, create: bool = False, precious: bool = False):
        if not create and not path.exists():
            raise BenchwarrantError(f"{path} does not exist yet; collect or import something first")
        self.path = path
        try:
            self.db = Database(sqlite3.connect(path, timeout=30, isolation_level=None))
            self._check_is_ours()
            self.db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.DatabaseError as error:
            raise BenchwarrantError(
                f"cannot open {path} as a study's database ({error}); check `database` in the study"
            ) from None
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute(f"PRAGMA synchronous = {'FULL' if precious else 'NORMAL'}")
        # Ids are hashes: rows come in anywhere in an index, so that its pages had better stay here,
        # and be written back when many rows have changed them.
        self.db.execute(f"PRAGMA cache_size = -{CACHE // 1024}")
        self.db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
        if schema.version(self.db) < len(schema.MIGRATIONS):
            with self.transaction():
                schema.migrate(self.db)

    def _check_is_ours(self) -> None:
        """Before anything is written: a newer version's file, or another program's, stays as is."""
        used = bool(self.db.table_names())  # asked first: somebody may be making the tables now
        version = schema.version(self.db)
        if used and version == 0:
            self.close()
            raise BenchwarrantError(
                f"{self.path} is another program's database; name a new file as `database`"
            )
        if version > len(schema.MIGRATIONS):
            self.close()
            raise BenchwarrantError(
                f"{self.path} was made by a newer Benchwarrant; update this one"
            )

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and the write lock from the start: a deferred one fails under load."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            yield
            self.db.execute("COMMIT")
        except BaseException as error:
            if self.db.conn.in_transaction:  # SQLite itself undoes one that finds no room
                self.db.execute("ROLLBACK")
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR")):
                raise BenchwarrantError(
                    f"cannot write to {self.path} ({error}); make room on its disk and run the same"
                    " command again: what was saved before is kept"
                ) from error
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read as of one moment, while others go on writing."""
        self.db.execute("BEGIN")
        try:
            yield
        finally:
            self.db.execute("ROLLBACK")

    # --- writing ---------------------------------------------------------------------------

    def add(self, records: Iterable[Any]) -> int:
        """Write records of any kinds, in order; what is already there stays as it is.

        Returns how many were new. Inside ``transaction()`` it joins that transaction. Where two
        runs make the same answer or verdict the first one stays; any other row that differs from
        the one under its key is an error.
        """
        if not self.db.conn.in_transaction:
            with self.transaction():
                return self.add(records)
        before = self.db.conn.total_changes
        for kind, alike in groupby(records, type):
            marks = ", ".join("?" * (1 + len(kind.__dataclass_fields__)))  # type: ignore[attr-defined]
            # Not OR IGNORE: that would swallow broken CHECK and NOT NULL constraints too.
            known = "" if kind in (Response, Verdict, ProbeVerdict) else "(id)"
            self.db.conn.executemany(
                f"INSERT INTO {TABLES[kind]} (id, {columns(kind)}) VALUES ({marks})"
                f" ON CONFLICT {known} DO NOTHING",
                map(_encode, alike),
            )
        return int(self.db.conn.total_changes - before)

    # --- reading ---------------------------------------------------------------------------

    def _all(self, kind: type[R], tail: str = "ORDER BY seq", parameters: Any = ()) -> list[R]:
        query = f"SELECT {columns(kind)} FROM {TABLES[kind]} {tail}"
        return [decode(kind, row) for row in self.db.execute(query, parameters)]

    def counts(self) -> dict[str, int]:
        """Rows per table."""
        return {
            table: self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in TABLES.values()
        }

    def records(self, kind: type[R]) -> Iterator[R]:
        """Every record of a kind in the order of writing, a few at a time."""
        rows = self.db.execute(f"SELECT {columns(kind)} FROM {TABLES[kind]} ORDER BY seq")
        return (decode(kind, row) for row in rows)

    def has(self, record: Any) -> bool:
        """Whether exactly this record is kept."""
        key = ("spec", "rubric", "response", "attempt") if isinstance(record, Verdict) else ()
        where = " AND ".join(f"{column} = ?" for column in ("id", *key))
        query = f"SELECT 1 FROM {TABLES[type(record)]} WHERE {where}"
        values = [getattr(record, column) for column in ("id", *key)]
        return self.db.execute(query, values).fetchone() is not None

    def items(self) -> list[Item]:
        return self._all(Item)

    def specs(self, kind: str) -> list[Spec]:
        """Every model's or judge's spec ever used, oldest first."""
        return self._all(Spec, "WHERE kind = ? ORDER BY seq", (kind,))

    def responses(self) -> Iterator[Response]:
        query = f"SELECT {columns(Response)} FROM responses ORDER BY seq"
        return (decode(Response, row) for row in self.db.execute(query))

    def rubrics(self) -> list[Rubric]:
        return self._all(Rubric)

    def labels(self) -> list[Label]:
        """Every label event, oldest first."""
        return self._all(Label)

    def verdicts(self) -> Iterator[Verdict]:
        query = f"SELECT {columns(Verdict)} FROM verdicts ORDER BY seq"
        return (decode(Verdict, row) for row in self.db.execute(query))

    def audit_set(self) -> AuditSet | None:
        """The audit set in force: the newest one."""
        return next(iter(self._all(AuditSet, "ORDER BY seq DESC LIMIT 1")), None)

    def audit_cases(self, audit_set: str) -> list[AuditCase]:
        return self._all(AuditCase, "WHERE audit_set = ? ORDER BY position", (audit_set,))

    def warrants(self) -> list[Warrant]:
        """Every decision ever made, oldest first."""
        return self._all(Warrant)

    def accounts(self) -> list[Account]:
        """The accounts in force."""
        query = f"SELECT {columns(Account)} FROM current_accounts ORDER BY seq"
        return [decode(Account, row) for row in self.db.execute(query)]

    def events(self, kind: str) -> list[Event]:
        return self._all(Event, "WHERE kind = ? ORDER BY seq", (kind,))

    def events_about(self, kind: str, subject: str) -> list[Event]:
        """Every event of this kind and subject, oldest first."""
        return self._all(Event, "WHERE kind = ? AND subject = ? ORDER BY seq", (kind, subject))

    def events_since(self, kind: str, since: str) -> list[Event]:
        """Every event of this kind from that moment on, oldest first."""
        where = "WHERE kind = ? AND created_at >= ? ORDER BY created_at"
        return self._all(Event, where, (kind, since))

    # --- what the rooms ask for --------------------------------------------------------------

    def collected(self, spec: str) -> Iterator[tuple[str, int]]:
        """(item, draw) of every response that this model spec has given."""
        query = "SELECT item, draw FROM responses WHERE spec = ?"
        return ((item, draw) for item, draw in self.db.execute(query, (spec,)))

    def response(self, spec: str, item: str, draw: int) -> Response | None:
        """What this model spec answered, if it was asked."""
        where = "WHERE spec = ? AND item = ? AND draw = ?"
        return next(iter(self._all(Response, where, (spec, item, draw))), None)

    def frame(self) -> list[tuple[str, str, str, str, str, bool]]:
        """(response, task, model, strategy, spec, has text) of every response."""
        return list(
            self.db.execute(
                "SELECT r.id, i.task, r.model, r.strategy, r.spec, r.text IS NOT NULL"
                " FROM responses AS r JOIN items AS i ON i.id = r.item ORDER BY r.seq"
            )
        )

    def answers_of(self, answer_type: str) -> list[tuple[str, str, str, str, str, str]]:
        """(response, item, task, model, strategy, spec) of every answer to items of this type.

        Left out are those of which only a score was imported.
        """
        return list(
            self.db.execute(
                "SELECT r.id, r.item, i.task, r.model, r.strategy, r.spec FROM responses AS r"
                " JOIN items AS i ON i.id = r.item WHERE i.answer_type = ?"
                " AND (r.text IS NOT NULL OR r.finish NOT IN ('stop', 'length')) ORDER BY r.seq",
                (answer_type,),
            )
        )

    def labelled(self, rubric: str) -> list[str]:
        """Responses that somebody has labelled under this rubric, in order of collection."""
        rows = self.db.execute(
            "SELECT id FROM responses WHERE id IN (SELECT response FROM current_labels"
            " WHERE rubric = ? AND status = 'labelled') ORDER BY seq",
            (rubric,),
        )
        return [response for (response,) in rows]

    def positive_shares(self, rubric: Rubric, strata: Sequence[str]) -> dict[str, float]:
        """The share of positive verdicts so far in each stratum, over all judges."""
        names = {"task": "i.task", "model": "r.model", "strategy": "r.strategy"}
        stratum = " || ' · ' || ".join(names[name] for name in strata) or "'all'"
        return dict(
            self.db.execute(
                f"SELECT {stratum}, avg(v.value = ?) FROM current_verdicts AS v"
                " JOIN responses AS r ON r.id = v.response JOIN items AS i ON i.id = r.item"
                " WHERE v.rubric = ? AND v.value IS NOT NULL GROUP BY 1",
                (rubric.positive, rubric.id),
            ).fetchall()
        )

    def outcomes(self, rubric: str) -> dict[str, list[int]]:
        """Response → how many judges said the same of it, for each value or failure."""
        found: dict[str, list[int]] = {}
        for response, number in self.db.execute(
            "SELECT response, count(*) FROM current_verdicts WHERE rubric = ?"
            " GROUP BY response, coalesce(value, failure)",
            (rubric,),
        ):
            found.setdefault(response, []).append(number)
        return found

    def cases(self, responses: Sequence[str], rubric: Rubric) -> Iterator[Case]:
        """The cases of these responses, in their order."""
        query = (
            f"SELECT {columns(Item, 'i')}, {columns(Response, 'r')}"
            " FROM responses AS r JOIN items AS i ON i.id = r.item WHERE r.id = ?"
        )
        width = len(Item.__dataclass_fields__)
        for response in responses:
            row = self.db.execute(query, (response,)).fetchone()
            yield Case(decode(Item, row[:width]), decode(Response, row[width:]), rubric)

    def textless(self, responses: Sequence[str]) -> int:
        """How many of these answers were given but have no text: only a score was imported."""
        query = (
            "SELECT count(*) FROM responses WHERE text IS NULL AND finish IN ('stop', 'length')"
            " AND id IN (SELECT value FROM json_each(?))"
        )
        return int(self.db.execute(query, (canonical_json(list(responses)),)).fetchone()[0])

    def judged(
        self, spec: str, rubric: str, among: Sequence[str] | None = None
    ) -> dict[str, tuple[str | None, str | None]]:
        """Response → (value, failure) of a judge's current verdicts (on these answers)."""
        rows = self._current("response, value, failure", (spec, rubric), among)
        return {response: (value, failure) for response, value, failure in rows}

    def _current(
        self, columns: str, of: tuple[str, str], among: Sequence[str] | None
    ) -> Iterator[Any]:
        """Columns of the current verdicts by a judge under a rubric."""
        query = f"SELECT {columns} FROM current_verdicts WHERE spec = ? AND rubric = ?"
        if among is None:
            return iter(self.db.execute(query, of))
        query += " AND response IN (SELECT value FROM json_each(?))"
        return iter(self.db.execute(query, (*of, canonical_json(list(among)))))

    def ungraded(self, asked: Ungraded, after: int = 0, at_most: int = -1) -> tuple[list[str], int]:
        """The next answers with a text that a judge has no verdict on, in the order of writing.

        ``after`` is 0 or what the last call returned: how far it has looked. Whoever goes on from
        there misses nothing, for writers take turns and each row comes after all before it.
        """
        [(newest,)] = self.db.execute("SELECT coalesce(max(seq), 0) FROM responses")
        rows = self.db.execute(
            f"SELECT r.seq, r.id {_UNGRADED} AND r.seq > ? AND r.seq <= ? ORDER BY r.seq LIMIT ?",
            (*asked.parameters, after, newest, at_most),
        ).fetchall()
        return [response for _, response in rows], rows[-1][0] if len(rows) == at_most else newest

    def count_ungraded(self, asked: Ungraded) -> int:
        query = f"SELECT count(*) {_UNGRADED}"
        return int(self.db.execute(query, asked.parameters).fetchone()[0])

    def specs_of(self, audit_set: str) -> set[str]:
        """The model specs whose answers are in an audit set."""
        rows = self.db.execute(
            "SELECT DISTINCT r.spec FROM audit_cases AS c JOIN responses AS r ON r.id = c.response"
            " WHERE c.audit_set = ?",
            (audit_set,),
        )
        return {spec for (spec,) in rows}

    def tasks_of(self, spec: str) -> set[str]:
        """The tasks that a model spec has answered."""
        rows = self.db.execute(
            "SELECT DISTINCT i.task FROM responses AS r JOIN items AS i ON i.id = r.item"
            " WHERE r.spec = ?",
            (spec,),
        )
        return {task for (task,) in rows}

    def scores(
        self, spec: str, rubric: str, among: Sequence[str] | None = None
    ) -> dict[str, float]:
        """Response → score of a judge's current verdicts, of those that have one."""
        rows = self._current("response, score", (spec, rubric), among)
        return {response: score for response, score in rows if score is not None}

    def attempts(
        self, spec: str, rubric: str, among: Sequence[str] | None = None
    ) -> dict[str, int]:
        """Response → the attempt that a judge's current verdict is; the first one is 0."""
        return dict(self._current("response, attempt", (spec, rubric), among))

    def judged_how(self, spec: str, rubric: str) -> Iterator[tuple[str, Any, int | None]]:
        """(response, meta, tokens) of a judge's current verdicts; None where none were counted."""
        rows = self.db.execute(
            "SELECT response, meta, prompt_tokens + completion_tokens FROM current_verdicts"
            " WHERE spec = ? AND rubric = ?",
            (spec, rubric),
        )
        return ((response, json.loads(meta), tokens) for response, meta, tokens in rows)

    def spent(self, spec: str, purpose: str) -> Spent:
        """What a judge's attempts came to, all of them together."""
        row = self.db.execute(
            "SELECT count(*), coalesce(sum(attempt = 0), 0), coalesce(sum(estimated), 0),"
            " coalesce(sum(input_tokens + cached_tokens + written_tokens), 0),"
            " coalesce(sum(output_tokens), 0), sum(usd), coalesce(sum(usd IS NULL), 0)"
            " FROM charges WHERE spec = ? AND purpose = ?",
            (spec, purpose),
        ).fetchone()
        return Spent(*row)

    def verdicts_given(self, spec: str) -> int:
        """How many verdicts a judge has given, those that were asked for again included."""
        query = "SELECT count(*) FROM verdicts WHERE spec = ?"
        return int(self.db.execute(query, (spec,)).fetchone()[0])

    def probed(self, spec: str, rubric: str, audit_set: str) -> list[ProbeVerdict]:
        """A judge's newest verdict on every (item, attack) of the audit set's items."""
        query = (
            "SELECT * FROM probes WHERE spec = ? AND rubric = ? AND item IN (SELECT r.item"
            " FROM audit_cases AS c JOIN responses AS r ON r.id = c.response"
            " WHERE c.audit_set = ?)"
        )
        newest = (
            f"SELECT {columns(ProbeVerdict)} FROM (SELECT *, row_number() OVER (PARTITION BY item,"
            " attack ORDER BY coalesce(created_at, '') DESC, seq DESC) AS newest"
            f" FROM ({query})) WHERE newest = 1 ORDER BY seq"
        )
        rows = self.db.execute(newest, (spec, rubric, audit_set))
        return [decode(ProbeVerdict, row) for row in rows]

    def probes_asked(self, spec: str, rubric: str) -> set[tuple[str, str, str]]:
        """(item, attack, text) of every probe that this judge was asked about."""
        query = "SELECT item, attack, text FROM probes WHERE spec = ? AND rubric = ?"
        return set(self.db.execute(query, (spec, rubric)))

    def audit_items(self, audit_set: str) -> list[Item]:
        """The items that the audit set's answers are to, each once."""
        where = (
            "WHERE id IN (SELECT r.item FROM audit_cases AS c"
            " JOIN responses AS r ON r.id = c.response WHERE c.audit_set = ?) ORDER BY id"
        )
        return self._all(Item, where, (audit_set,))

    def current_labels(self, rubric: str) -> list[Label]:
        """The label in force of every (case, annotator), skipped and taken-back ones left out."""
        query = (
            f"SELECT {columns(Label)} FROM current_labels"
            " WHERE rubric = ? AND status = 'labelled' ORDER BY seq"
        )
        return [decode(Label, row) for row in self.db.execute(query, (rubric,))]

    def traits(self, responses: Sequence[str]) -> list[tuple[str, str, str, str, int]]:
        """(item, task, model, strategy, draw) of these responses, in their order."""
        query = (
            "SELECT r.item, i.task, r.model, r.strategy, r.draw FROM responses AS r"
            " JOIN items AS i ON i.id = r.item WHERE r.id = ?"
        )
        return [self.db.execute(query, (response,)).fetchone() for response in responses]

    def audit_places(self, audit_set: str) -> list[tuple[str, int]]:
        """(model spec, number of the item) of the audit set's cases, in its order."""
        return list(
            self.db.execute(
                "SELECT r.spec, i.seq FROM audit_cases AS c JOIN responses AS r"
                " ON r.id = c.response JOIN items AS i ON i.id = r.item"
                " WHERE c.audit_set = ? ORDER BY c.position",
                (audit_set,),
            )
        )

    def answer_facts(self, audit_set: str) -> dict[str, tuple[str, str, str]]:
        """Response → (answer type of its item, strategy, finish) of the audit set."""
        rows = self.db.execute(
            "SELECT r.id, i.answer_type, r.strategy, r.finish FROM audit_cases AS c"
            " JOIN responses AS r ON r.id = c.response JOIN items AS i ON i.id = r.item"
            " WHERE c.audit_set = ?",
            (audit_set,),
        )
        return {response: (kind, strategy, finish) for response, kind, strategy, finish in rows}

    def cell(
        self, model_spec: str, task: str, judge_spec: str, rubric: str
    ) -> Iterator[tuple[Item, Response, Verdict | None]]:
        """The answers behind one figure of the board, each with what the judge said of it."""
        query = (
            f"SELECT {columns(Item, 'i')}, {columns(Response, 'r')}, {columns(Verdict, 'v')}"
            " FROM responses AS r JOIN items AS i ON i.id = r.item LEFT JOIN current_verdicts AS v"
            " ON v.response = r.id AND v.spec = ? AND v.rubric = ?"
            " WHERE r.spec = ? AND i.task = ? ORDER BY i.seq, r.draw"
        )
        first = len(Item.__dataclass_fields__)
        second = first + len(Response.__dataclass_fields__)
        for row in self.db.execute(query, (judge_spec, rubric, model_spec, task)):
            verdict = None if row[second] is None else decode(Verdict, row[second:])
            yield decode(Item, row[:first]), decode(Response, row[first:second]), verdict

    # --- trust -------------------------------------------------------------------------------

    def faults(self) -> Iterator[str]:
        """Every row whose content does not have the id that it is filed under, in words."""
        # What is no longer UTF-8 shall be named too, not stop the search.
        self.db.conn.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        try:
            yield from self._changed_rows()
            for table, _, parent, _ in self.db.execute("PRAGMA foreign_key_check"):
                yield f"{table}: a row speaks of a row of {parent} that is no longer there"
            for audit_set, cases in self.db.execute("SELECT id, cases FROM audit_sets").fetchall():
                if cases_hash(self.audit_cases(audit_set)) != cases:
                    yield f"audit_sets: the cases of {audit_set} are not the ones it was drawn with"
        finally:
            self.db.conn.text_factory = str

    def _changed_rows(self) -> Iterator[str]:
        for kind, table in TABLES.items():
            for stored, *row in self.db.execute(f"SELECT id, {columns(kind)} FROM {table}"):
                try:
                    record: Any = decode(kind, row)
                    found = record.id
                except (ValueError, TypeError) as error:
                    found = f"unreadable: {error}"
                if found != stored:
                    yield f"{table}: row {stored} has been changed (its content is {found})"


def cases_hash(cases: Sequence[AuditCase]) -> str:
    """The hash of an audit set's cases, without the id of the set that they belong to."""
    return content_hash(
        [[c.response, c.position, c.stratum, c.probability, c.raters] for c in cases]
    )
