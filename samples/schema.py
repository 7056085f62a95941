"""The tables of a study: numbered migrations, and triggers that keep every row as it was written.

Rows are events or facts and are never changed, so each table is append-only. ``seq`` keeps the
order of writing; ``id`` is the record's content hash.
"""

from collections.abc import Callable

from samples.database import Database

_TABLES = {
    "items": """
        task TEXT NOT NULL, key TEXT NOT NULL, question TEXT NOT NULL, "references" TEXT NOT NULL,
        answer_type TEXT NOT NULL, choices TEXT NOT NULL, meta TEXT NOT NULL,
        UNIQUE (task, key)""",
    "specs": """
        kind TEXT NOT NULL CHECK (kind IN ('model', 'judge')), name TEXT NOT NULL,
        body TEXT NOT NULL""",
    "responses": """
        item TEXT NOT NULL REFERENCES items (id), model TEXT NOT NULL,
        spec TEXT NOT NULL REFERENCES specs (id), strategy TEXT NOT NULL,
        draw INTEGER NOT NULL CHECK (draw >= 0), text TEXT,
        finish TEXT NOT NULL CHECK (finish IN ('stop', 'length', 'too_long', 'error')),
        prompt TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, seconds REAL,
        meta TEXT NOT NULL, created_at TEXT,
        UNIQUE (spec, item, draw)""",
    "rubrics": """
        name TEXT NOT NULL, question TEXT NOT NULL, labels TEXT NOT NULL,
        guidance TEXT NOT NULL""",
    "audit_sets": """
        rubric TEXT NOT NULL REFERENCES rubrics (id), design TEXT NOT NULL, cases TEXT NOT NULL,
        created_at TEXT""",
    "audit_cases": """
        audit_set TEXT NOT NULL REFERENCES audit_sets (id),
        response TEXT NOT NULL REFERENCES responses (id), position INTEGER NOT NULL,
        stratum TEXT NOT NULL,
        probability REAL NOT NULL CHECK (probability > 0 AND probability <= 1),
        raters INTEGER NOT NULL CHECK (raters >= 1),
        UNIQUE (audit_set, response), UNIQUE (audit_set, position)""",
    "labels": """
        response TEXT NOT NULL REFERENCES responses (id),
        rubric TEXT NOT NULL REFERENCES rubrics (id), annotator TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('labelled', 'skipped', 'retracted')),
        value TEXT, unsure INTEGER NOT NULL CHECK (unsure IN (0, 1)), note TEXT NOT NULL,
        seconds REAL, created_at TEXT, meta TEXT NOT NULL,
        CHECK ((value IS NOT NULL) = (status = 'labelled'))""",
    "verdicts": """
        response TEXT NOT NULL REFERENCES responses (id),
        rubric TEXT NOT NULL REFERENCES rubrics (id), judge TEXT NOT NULL,
        spec TEXT NOT NULL REFERENCES specs (id), value TEXT,
        failure TEXT CHECK (failure IN
            ('refused', 'truncated', 'unparsable', 'api_error', 'too_long')),
        score REAL, raw TEXT, reason TEXT, attempt INTEGER NOT NULL, prompt_tokens INTEGER,
        completion_tokens INTEGER, seconds REAL, created_at TEXT, meta TEXT NOT NULL,
        CHECK ((value IS NULL) = (failure IS NOT NULL)),
        UNIQUE (spec, rubric, response, attempt)""",
    "warrants": """
        judge TEXT NOT NULL, spec TEXT NOT NULL REFERENCES specs (id),
        audit_set TEXT NOT NULL REFERENCES audit_sets (id),
        decision TEXT NOT NULL CHECK (decision IN ('approved', 'rejected', 'inconclusive')),
        body TEXT NOT NULL, signed_by TEXT, created_at TEXT NOT NULL""",
    "accounts": """
        name TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('annotator', 'adjudicator', 'lead')),
        kind TEXT NOT NULL CHECK (kind IN ('human', 'reference')),
        status TEXT NOT NULL CHECK (status IN ('active', 'revoked')),
        secret TEXT, created_at TEXT""",
    "events": """
        kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
        created_at TEXT NOT NULL""",
}

_VIEWS = {
    # A label made elsewhere and merged later counts by its own time, not by when it arrived.
    "current_labels": """
        SELECT * FROM (
            SELECT *, row_number() OVER (
                PARTITION BY response, rubric, annotator
                ORDER BY coalesce(created_at, '') DESC, seq DESC) AS newest
            FROM labels)
        WHERE newest = 1""",
    "current_verdicts": """
        SELECT * FROM verdicts AS v WHERE attempt = (
            SELECT max(attempt) FROM verdicts AS w
            WHERE w.spec = v.spec AND w.rubric = v.rubric AND w.response = v.response)""",
    "current_accounts": """
        SELECT * FROM accounts WHERE seq IN (SELECT max(seq) FROM accounts GROUP BY name)""",
    "ratings": """
        SELECT response, rubric, 'person' AS rater_kind, annotator AS rater, value
        FROM current_labels WHERE status = 'labelled'
        UNION ALL
        SELECT response, rubric, 'judge', spec, value FROM current_verdicts
        WHERE value IS NOT NULL""",
}
_OF_VERDICTS = ("ratings", "current_verdicts")


def m001_first(db: Database) -> None:
    """The first tables and views."""
    for table, columns in _TABLES.items():
        db.execute(
            f"CREATE TABLE {table} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, {columns})"
            " STRICT"
        )
    db.execute("CREATE INDEX labels_by_case ON labels (rubric, response)")
    db.execute("CREATE INDEX responses_by_item ON responses (item)")
    for view, query in _VIEWS.items():
        db.execute(f"CREATE VIEW {view} AS {query}")


def _rewrite(db: Database, table: str, views: tuple[str, ...], change: Callable[[str], str]) -> str:
    """Write a table anew, its rows as they are: SQLite cannot change a constraint.

    ``views`` are those that read it, the outermost first. Returns the new columns.
    """
    made = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    columns = change(made[made.index("(") :])
    for view in views:
        db.execute(f"DROP VIEW {view}")
    db.execute(f"CREATE TABLE new_{table} {columns}")
    db.execute(f"INSERT INTO new_{table} SELECT * FROM {table}")
    db.execute(f"DROP TABLE {table}")
    db.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    for view in reversed(views):
        db.execute(f"CREATE VIEW {view} AS {_VIEWS[view]}")
    return columns


def m002_more_failures(db: Database) -> None:
    """A verdict may say that the answer itself is none: a refusal, degenerate, ambiguous."""
    more = "'too_long', 'refusal', 'degenerate', 'ambiguous')"
    _rewrite(db, "verdicts", _OF_VERDICTS, lambda columns: columns.replace("'too_long')", more))


def m003_probes(db: Database) -> None:
    """What judges say to texts that were made up to test them, apart from all verdicts."""
    db.execute("""
        CREATE TABLE probes (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        item TEXT NOT NULL REFERENCES items (id), rubric TEXT NOT NULL REFERENCES rubrics (id),
        attack TEXT NOT NULL, must TEXT NOT NULL CHECK (must IN ('reject', 'accept')),
        text TEXT NOT NULL, judge TEXT NOT NULL, spec TEXT NOT NULL REFERENCES specs (id),
        value TEXT, failure TEXT CHECK (failure IN
            ('refused', 'truncated', 'unparsable', 'api_error', 'too_long', 'refusal',
            'degenerate', 'ambiguous')),
        raw TEXT, reason TEXT, created_at TEXT,
        CHECK ((value IS NULL) = (failure IS NOT NULL)),
        UNIQUE (spec, rubric, item, attack, text)) STRICT""")


def m004_charges(db: Database) -> None:
    """What asking judges has cost, attempt by attempt."""
    db.execute("""
        CREATE TABLE charges (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        spec TEXT NOT NULL REFERENCES specs (id),
        purpose TEXT NOT NULL CHECK (purpose IN ('verdict', 'probe', 'recheck')),
        request TEXT NOT NULL, attempt INTEGER NOT NULL CHECK (attempt >= 0),
        outcome TEXT NOT NULL, input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
        written_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
        usd REAL CHECK (usd >= 0), estimated INTEGER NOT NULL CHECK (estimated IN (0, 1)),
        batch TEXT, serial INTEGER NOT NULL, created_at TEXT) STRICT""")
    db.execute("CREATE INDEX charges_by_judge ON charges (spec, purpose)")


def m005_labelling(db: Database) -> None:
    """Cases that somebody cannot judge, cases kept for a person, and what measures the people."""
    more = "'retracted', 'unjudgeable')"
    columns = _rewrite(
        db, "labels", ("ratings", "current_labels"), lambda old: old.replace("'retracted')", more)
    )
    db.execute("CREATE INDEX labels_by_case ON labels (rubric, response)")
    db.execute("CREATE INDEX labels_by_person ON labels (rubric, annotator, response)")
    checks = columns.replace(" REFERENCES responses (id)", "")
    purpose = "purpose TEXT NOT NULL CHECK (purpose IN ('repeat', 'control'))"
    checks = checks.replace("meta TEXT NOT NULL,", f"meta TEXT NOT NULL, {purpose},")
    db.execute(f"CREATE TABLE check_labels {checks}")
    db.execute("CREATE INDEX check_labels_by_person ON check_labels (rubric, annotator)")
    db.execute("""
        CREATE VIEW current_check_labels AS SELECT * FROM (
            SELECT *, row_number() OVER (
                PARTITION BY response, rubric, annotator, purpose
                ORDER BY coalesce(created_at, '') DESC, seq DESC) AS newest
            FROM check_labels)
        WHERE newest = 1""")
    db.execute("""
        CREATE TABLE controls (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        rubric TEXT NOT NULL REFERENCES rubrics (id), question TEXT NOT NULL,
        "references" TEXT NOT NULL, text TEXT NOT NULL, value TEXT NOT NULL,
        choices TEXT NOT NULL, note TEXT NOT NULL) STRICT""")
    db.execute("""
        CREATE TABLE leases (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        audit_set TEXT NOT NULL REFERENCES audit_sets (id),
        response TEXT NOT NULL REFERENCES responses (id), annotator TEXT NOT NULL,
        until TEXT NOT NULL, created_at TEXT NOT NULL) STRICT""")
    db.execute("CREATE INDEX leases_by_set ON leases (audit_set, until)")
    db.execute("CREATE INDEX events_by_subject ON events (kind, subject)")
    db.execute("CREATE INDEX events_by_time ON events (kind, created_at)")


def m006_unfinished(db: Database) -> None:
    """The few answers that did not end by themselves or have no text, found without reading all."""
    db.execute("CREATE INDEX responses_unfinished ON responses (finish) WHERE finish <> 'stop'")
    db.execute("CREATE INDEX responses_textless ON responses (spec) WHERE text IS NULL")


def m007_faster_writing(db: Database) -> None:
    """Two indexes go that nothing reads: each wrote a page of its own for every new row.

    Answers are not looked up by their item alone, nor verdicts by their id, which stays unique by
    itself: it is a hash over what UNIQUE (spec, rubric, response, attempt) keeps apart.
    """
    db.execute("DROP INDEX responses_by_item")
    _rewrite(
        db, "verdicts", _OF_VERDICTS,
        lambda columns: columns.replace("id TEXT NOT NULL UNIQUE", "id TEXT NOT NULL", 1),
    )  # fmt: skip


MIGRATIONS: tuple[Callable[[Database], None], ...] = (
    m001_first,
    m002_more_failures,
    m003_probes,
    m004_charges,
    m005_labelling,
    m006_unfinished,
    m007_faster_writing,
)


def protect(db: Database) -> None:
    """Let every table only grow. Made anew after each migration: transforms drop triggers."""
    for table in db.table_names():
        for verb in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} only grows: rows are never changed'); END"
            )


def version(db: Database) -> int:
    """How many migrations this database has seen."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: Database) -> None:
    """Bring the tables up to date; the caller holds the transaction."""
    for number, step in list(enumerate(MIGRATIONS, start=1))[version(db) :]:
        step(db)
        protect(db)
        db.execute(f"PRAGMA user_version = {number}")
