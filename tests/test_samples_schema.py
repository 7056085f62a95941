"""The tables only grow, and take nothing that the records do not allow."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from samples import schema
from samples.errors import BenchwarrantError
from samples.store import TABLES, Store

TODAY = ("probes", "charges", "check_labels", "controls", "leases")  # tables that came later


def fill(store, one_of_each):
    assert store.add(one_of_each.values()) == len(one_of_each)


def grows_only(store):
    """Every way to change or lose a row is refused, in every table."""
    for table in TABLES.values():
        before = store.db.execute(f"SELECT * FROM {table}").fetchall()
        assert before, table
        for statement in (
            f"UPDATE {table} SET id = 'b2:other'",
            f"UPDATE OR REPLACE {table} SET seq = seq + 1",
            f"DELETE FROM {table}",
            f"REPLACE INTO {table} SELECT * FROM {table}",
        ):
            with pytest.raises(sqlite3.IntegrityError, match=f"{table} only grows"):
                store.db.execute(statement)
        assert store.db.execute(f"SELECT * FROM {table}").fetchall() == before


def test_no_row_of_any_table_is_changed_or_deleted(store, one_of_each):
    fill(store, one_of_each)
    assert set(store.db.table_names()) == set(TABLES.values())
    grows_only(store)


def test_a_transformed_table_grows_only_once_it_is_protected_again(store, one_of_each):
    fill(store, one_of_each)
    for table in TABLES.values():
        with store.transaction():
            store.db[table].transform()  # as a later migration may; it drops the triggers
            schema.protect(store.db)
    grows_only(store)
    assert all(store.db[table].strict for table in TABLES.values())
    assert list(store.faults()) == []
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        store.add([replace(one_of_each["labels"], status="forgotten")])


def test_every_table_is_strict(store, one_of_each):
    fill(store, one_of_each)
    with pytest.raises(sqlite3.IntegrityError, match=r"cannot store TEXT value in INTEGER column"):
        store.add([replace(one_of_each["responses"], draw=1, prompt_tokens="many")])
    assert all(store.db[table].strict for table in TABLES.values())


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("responses", "item"),
        ("responses", "spec"),
        ("audit_sets", "rubric"),
        ("audit_cases", "audit_set"),
        ("audit_cases", "response"),
        ("labels", "response"),
        ("labels", "rubric"),
        ("verdicts", "response"),
        ("verdicts", "rubric"),
        ("verdicts", "spec"),
        ("probes", "item"),
        ("probes", "rubric"),
        ("probes", "spec"),
        ("check_labels", "rubric"),
        ("controls", "rubric"),
        ("leases", "audit_set"),
        ("leases", "response"),
        ("warrants", "spec"),
        ("warrants", "audit_set"),
    ],
)
def test_a_row_speaks_only_of_rows_that_are_there(store, one_of_each, table, column):
    fill(store, one_of_each)
    free = {"position": 1} if table == "audit_cases" else {}
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        store.add([replace(one_of_each[table], **free, **{column: "b2:nowhere"})])


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("labels", {"value": None}),
        ("labels", {"status": "skipped"}),
        ("labels", {"status": "retracted"}),
        ("labels", {"status": "forgotten"}),
        ("labels", {"status": "unjudgeable"}),
        ("check_labels", {"purpose": "fun"}),
        ("check_labels", {"status": "skipped"}),
        ("verdicts", {"value": None}),
        ("verdicts", {"failure": "refused"}),
        ("verdicts", {"value": None, "failure": "tired"}),
        ("probes", {"must": "shrug"}),
        ("probes", {"value": "correct"}),
        ("probes", {"failure": None}),
        ("probes", {"failure": "tired"}),
        ("responses", {"draw": -1}),
        ("responses", {"finish": "maybe"}),
        ("specs", {"kind": "person"}),
        ("audit_cases", {"probability": 0.0}),
        ("audit_cases", {"probability": 1.5}),
        ("audit_cases", {"raters": 0}),
        ("warrants", {"decision": "perhaps"}),
        ("accounts", {"role": "owner"}),
        ("accounts", {"kind": "robot"}),
        ("accounts", {"status": "asleep"}),
    ],
)
def test_a_value_out_of_its_range_is_an_error_and_not_left_out(store, one_of_each, table, change):
    fill(store, one_of_each)
    before = store.counts()
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        store.add([one_of_each["labels"], replace(one_of_each[table], **change)])
    assert store.counts() == before


def test_a_missing_value_is_an_error_and_not_left_out(store, one_of_each):
    fill(store, one_of_each)
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        store.add([replace(one_of_each["events"], subject=None)])


def test_migrating_twice_changes_nothing(store, one_of_each):
    fill(store, one_of_each)
    before = "\n".join(store.db.conn.iterdump())
    with store.transaction():
        schema.migrate(store.db)
    assert "\n".join(store.db.conn.iterdump()) == before
    assert schema.version(store.db) == len(schema.MIGRATIONS)


def test_a_later_migration_keeps_the_rows_and_protects_its_own_tables(
    store, one_of_each, monkeypatch
):
    fill(store, one_of_each)

    def notes(db):
        db.execute("CREATE TABLE notes (seq INTEGER PRIMARY KEY, text TEXT) STRICT")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, notes))
    with Store(store.path) as migrated:
        assert schema.version(migrated.db) == len(schema.MIGRATIONS)
        assert list(migrated.faults()) == []
        migrated.db.execute("INSERT INTO notes (text) VALUES ('x')")
        with pytest.raises(sqlite3.IntegrityError, match="notes only grows"):
            migrated.db.execute("DELETE FROM notes")


def test_a_migration_that_fails_leaves_everything_as_it_was(store, monkeypatch):
    def half(db):
        db.execute("CREATE TABLE half (x)")
        raise RuntimeError("in the middle")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, half))
    with pytest.raises(RuntimeError):
        Store(store.path)
    assert schema.version(store.db) == len(schema.MIGRATIONS) - 1
    assert "half" not in store.db.table_names()


def test_a_newer_versions_file_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "study.db"
    Store(path, create=True).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(BenchwarrantError) as error:
        Store(path)
    assert str(error.value) == f"{path} was made by a newer Benchwarrant; update this one"


def test_a_study_from_before_the_newer_failures_keeps_its_verdicts(
    tmp_path: Path, one_of_each, monkeypatch
):
    path = tmp_path / "study.db"
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        with Store(path, create=True) as old:
            later = [one_of_each.pop(table) for table in TODAY]
            fill(old, one_of_each)
            kept = {
                table: old.db.execute(f"SELECT * FROM {table}").fetchall()
                for table in old.db.table_names()
            }
    with Store(path) as migrated:
        assert migrated.add(later) == len(TODAY)
        for table, rows in kept.items():
            assert migrated.db.execute(f"SELECT * FROM {table}").fetchall() == rows
        grows_only(migrated)
        assert list(migrated.faults()) == []
        refusal = replace(one_of_each["verdicts"], attempt=1, value=None, failure="refusal")
        assert migrated.add([refusal]) == 1
        (current,) = migrated.judged(refusal.spec, refusal.rubric).values()
        assert current == (None, "refusal")
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            migrated.add([replace(refusal, attempt=2, failure="tired")])


def test_a_study_from_before_the_new_labelling_keeps_every_label(
    tmp_path: Path, one_of_each, monkeypatch
):
    """Schema 4 with labels of every status: the same rows by the same ids, and the views work."""
    path = tmp_path / "study.db"
    label = one_of_each["labels"]
    newer = replace(label, value="incorrect", created_at="2026-02-01T00:00:00.000000+00:00")
    gone = replace(label, annotator="ben", status="retracted", value=None, meta={"age": 4})
    with monkeypatch.context() as before:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
        with Store(path, create=True) as old:
            later = [
                one_of_each.pop(table) for table in TODAY if table not in ("probes", "charges")
            ]
            fill(old, one_of_each)
            old.add([newer, gone])
            kept = {
                table: old.db.execute(f"SELECT * FROM {table}").fetchall()
                for table in old.db.table_names()
            }
            assert schema.version(old.db) == 4
    with Store(path) as migrated:
        for table, rows in kept.items():
            assert migrated.db.execute(f"SELECT * FROM {table}").fetchall() == rows
        assert migrated.labels() == [label, newer, gone]
        assert migrated.current_labels(label.rubric) == [newer]
        rated = "SELECT rater, value FROM ratings WHERE rater_kind = 'person'"
        assert list(migrated.db.execute(rated)) == [("ada", "incorrect")]
        check = next(one for one in later if hasattr(one, "purpose"))
        changed = replace(check, value="correct", created_at="2026-01-01")
        assert migrated.add([*later, changed]) == len(later) + 1
        newest = "SELECT id FROM current_check_labels"
        assert list(migrated.db.execute(newest)) == [(changed.id,)]
        unsure = replace(label, annotator="cid", status="unjudgeable", value=None)
        assert migrated.add([unsure]) == 1
        grows_only(migrated)
        assert list(migrated.faults()) == []
