"""One file per study: nothing is lost, the newest counts, and what was changed is found."""

import multiprocessing
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from samples import blind
from samples.errors import BenchwarrantError
from samples.records import (
    Account,
    AuditCase,
    Event,
    Item,
    Label,
    Response,
    Rubric,
    Spec,
    Verdict,
)
from samples.store import TABLES, Store, Ungraded, cases_hash

T0, T1, T2 = (f"2026-01-31T09:3{n}:00.000000+00:00" for n in range(3))


def test_what_an_audit_says_of_its_answers(full, one_of_each):
    answer, item = one_of_each["responses"], one_of_each["items"]
    facts = full.answer_facts(one_of_each["audit_sets"].id)
    assert facts == {answer.id: (item.answer_type, answer.strategy, answer.finish)}
    assert full.answer_facts("b2:none") == {}


# --- writing ---------------------------------------------------------------------------------


def test_adding_counts_what_is_new_and_adds_it_once(store, one_of_each):
    assert store.add(one_of_each.values()) == len(one_of_each)
    assert store.add(one_of_each.values()) == 0
    assert store.add([*one_of_each.values(), Event("run", "other", {}, T0)]) == 1
    assert store.counts() == dict.fromkeys(TABLES.values(), 1) | {"specs": 2, "events": 2}


def test_what_another_run_made_first_stays(full, one_of_each):
    """Two collects at once differ in seconds; the second one's answer is not wanted."""
    answer, verdict = one_of_each["responses"], one_of_each["verdicts"]
    assert full.add([replace(answer, text="late"), replace(verdict, raw="late")]) == 0
    assert next(full.responses()) == answer
    assert next(full.verdicts()) == verdict


@pytest.mark.parametrize(
    ("table", "change"),
    [("items", {"question": "3 + 3?"}), ("audit_cases", {"stratum": "other"})],
)
def test_another_row_under_the_same_key_is_an_error(full, one_of_each, table, change):
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        full.add([replace(one_of_each[table], **change)])


def test_a_full_disk_says_what_to_do_and_leaves_nothing_half_written(full, one_of_each):
    used = full.db.execute("PRAGMA page_count").fetchone()[0]
    full.db.execute(f"PRAGMA max_page_count = {used + 20}")
    answer = replace(one_of_each["responses"], text="long " * 500)
    before = full.counts()
    with pytest.raises(BenchwarrantError, match=r"cannot write to .*full.*make room on its disk"):
        full.add(replace(answer, draw=draw) for draw in range(1, 200))
    assert full.counts() == before
    full.db.execute(f"PRAGMA max_page_count = {used + 2000}")
    assert full.add(replace(answer, draw=draw) for draw in range(1, 200)) == 199


def test_a_transaction_is_all_or_nothing(store, one_of_each):
    for stop in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(stop), store.transaction():
            assert store.add(one_of_each.values()) == len(one_of_each)
            raise stop
        assert sum(store.counts().values()) == 0
    with pytest.raises(sqlite3.IntegrityError):
        store.add([one_of_each["items"], replace(one_of_each["labels"], response="b2:none")])
    assert sum(store.counts().values()) == 0


def test_a_whole_number_where_a_real_one_belongs_is_refused(full, one_of_each):
    with pytest.raises(TypeError, match="seconds must be a float"):
        full.add([replace(one_of_each["responses"], draw=1, seconds=1)])


def _write(path, name, start):
    """Read, then write, 200 times over: a lost or a double number would show."""
    with Store(path) as store:
        start.wait()
        for _ in range(200):
            with store.transaction():
                number = store.counts()["events"]
                store.add([Event("write", str(number), {"by": name}, T0)])


def test_two_processes_writing_at_once_lose_nothing(store):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    writers = [context.Process(target=_write, args=(store.path, name, start)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    events = store.events("write")
    assert [event.subject for event in events] == [str(number) for number in range(400)]
    assert sum(event.body["by"] == "a" for event in events) == 200


# --- which row counts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([("yes", T0)], "yes"),
        ([("yes", T0), ("no", T1)], "no"),  # a changed mind
        ([("yes", T0), ("no", T1), ("yes", T2)], "yes"),
        ([("no", T1), ("yes", T0)], "no"),  # made offline before, merged after
        ([("yes", None), ("no", T0)], "no"),
        ([("no", T0), ("yes", None)], "no"),  # without a time it is older than any with one
        ([("yes", None), ("no", None)], "no"),  # the order of writing is all there is
        ([("yes", T1), ("no", T1)], "no"),
        ([("skipped", T0)], None),
        ([("skipped", T0), ("yes", T1)], "yes"),
        ([("yes", T0), ("retracted", T1)], None),
        ([("yes", T0), ("retracted", T1), ("no", T2)], "no"),
        ([("retracted", T1), ("yes", T0)], None),
    ],
)
def test_the_newest_label_counts(full, one_of_each, history, expected):
    rubric = replace(one_of_each["rubrics"], labels=("no", "yes"))
    answer = one_of_each["responses"].id
    full.add([rubric])
    for what, when in history:
        status = what if what in ("skipped", "retracted") else "labelled"
        value = what if status == "labelled" else None
        full.add([Label(answer, rubric.id, "ada", status, value, created_at=when)])
    counted = full.current_labels(rubric.id)
    assert [label.value for label in counted] == ([expected] if expected else [])
    assert full.labelled(rubric.id) == ([answer] if expected else [])
    assert len(full.labels()) == 1 + len(history)  # nothing is lost, whatever counts
    (newest,) = blind.own(full, rubric.id, "ada")
    assert newest.event == blind.newest(full, "case", (rubric.id, "ada", answer))
    assert blind.own_event(full, "case", newest.event).value == expected


def test_each_person_and_each_rubric_has_a_label_of_its_own(full, one_of_each):
    first, other = one_of_each["labels"], replace(one_of_each["rubrics"], question="Fluent?")
    full.add([other, replace(first, annotator="bob", value="incorrect")])
    full.add([replace(first, rubric=other.id)])
    values = [(label.annotator, label.value) for label in full.current_labels(first.rubric)]
    assert values == [("ada", "correct"), ("bob", "incorrect")]
    where = (full.audit_set().id, first.rubric)
    assert blind.others(full, *where, "eve", T1)[first.response].labelled == 2
    assert blind.others(full, *where, "bob", T1)[first.response].labelled == 1


def test_the_newest_attempt_of_a_judge_counts(full, one_of_each):
    first = one_of_each["verdicts"]
    full.add([replace(first, value=None, failure="api_error", attempt=1)])
    assert full.judged(first.spec, first.rubric) == {first.response: (None, "api_error")}
    full.add([replace(first, value="incorrect", attempt=2)])
    assert full.judged(first.spec, first.rubric) == {first.response: ("incorrect", None)}
    assert full.judged(first.spec, "b2:other") == {}
    for read in (full.judged, full.attempts, full.scores):
        assert read(first.spec, first.rubric, [first.response]) == read(first.spec, first.rubric)
        assert read(first.spec, first.rubric, ["b2:other"]) == {}
    assert full.attempts(first.spec, first.rubric) == {first.response: 2}
    ratings = full.db.execute("SELECT rater_kind, rater, value FROM ratings").fetchall()
    assert ratings == [("person", "ada", "correct"), ("judge", first.spec, "incorrect")]


def test_a_cell_is_the_answers_behind_a_figure(full, one_of_each):
    item, answer, said = (one_of_each[kind] for kind in ("items", "responses", "verdicts"))
    of = answer.spec, item.task, said.spec, said.rubric
    assert list(full.cell(*of)) == [(item, answer, said)]
    assert list(full.cell(answer.spec, "other", *of[2:])) == []
    assert list(full.cell(*of[:2], "b2:other", said.rubric)) == [(item, answer, None)]
    assert full.specs_of(one_of_each["audit_sets"].id) == {answer.spec}
    assert full.audit_places(one_of_each["audit_sets"].id) == [(answer.spec, 1)]


def test_a_failure_is_a_current_verdict_but_no_rating(full, one_of_each):
    first = one_of_each["verdicts"]
    full.add([replace(first, value=None, failure="refused", attempt=1)])
    ratings = full.db.execute("SELECT rater FROM ratings WHERE rater_kind = 'judge'").fetchall()
    assert ratings == []


def test_the_newest_account_of_a_name_is_in_force(full):
    full.add([Account("bob"), Account("ada", role="lead"), Account("ada", status="revoked")])
    assert [(one.name, one.role, one.status) for one in full.accounts()] == [
        ("bob", "annotator", "active"),
        ("ada", "annotator", "revoked"),
    ]


# --- what the rooms ask for --------------------------------------------------------------------


def test_cases_come_in_the_order_asked_for(full, one_of_each):
    first = one_of_each["responses"]
    item = Item("sums", "k2", "3 + 3?", ("6",))
    second = Response(item.id, "tiny", first.spec, "cot", 0, None, finish="too_long")
    full.add([item, second])
    cases = list(full.cases([second.id, first.id], one_of_each["rubrics"]))
    assert [(case.item, case.response) for case in cases] == [
        (item, second),
        (one_of_each["items"], first),
    ]
    assert full.traits([second.id]) == [(item.id, "sums", "tiny", "cot", 0)]
    assert set(full.collected(first.spec)) == {(first.item, 0), (item.id, 0)}
    assert full.frame() == [
        (first.id, "sums", "tiny", "direct", first.spec, True),
        (second.id, "sums", "tiny", "cot", first.spec, False),
    ]


# --- trust -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("items", "question = '2 + 3?'"),
        ("items", '"references" = \'["5","four"]\''),
        ("items", "meta = '{\"level\":2}'"),
        ("specs", "body = '{\"draws\":9}'"),
        ("rubrics", "guidance = 'Look at the numbers.'"),
        ("responses", "text = 'It is 5.'"),
        ("responses", "text = CAST(x'4974ff' AS TEXT)"),  # no longer UTF-8
        ("responses", "seconds = 0.25"),
        ("audit_sets", "design = '{\"size\":2}'"),
        ("audit_sets", "design = 'x'"),  # no longer JSON
        ("audit_cases", "raters = 3"),
        ("audit_cases", "stratum = CAST(x'ff' AS TEXT)"),
        ("audit_cases", "probability = 0.5"),
        ("labels", "value = 'incorrect'"),
        ("labels", "unsure = 1"),
        ("verdicts", "value = NULL, failure = 'refused'"),
        ("verdicts", "score = 9e999"),
        ("warrants", "decision = 'rejected'"),
        ("accounts", "role = 'lead'"),
        ("events", "created_at = ''"),
        ("events", "id = 'b2:other'"),
    ],
)
def test_a_changed_row_is_named(full, table, change):
    assert list(full.faults()) == []
    with closing(sqlite3.connect(full.path)) as connection:
        connection.execute(f"DROP TRIGGER {table}_no_update")
        connection.execute(f"UPDATE {table} SET {change} WHERE seq = 1")
        row = connection.execute(f"SELECT id FROM {table} WHERE seq = 1").fetchone()[0]
        connection.commit()
    faults = list(full.faults())
    assert faults[0].startswith(f"{table}: row {row} has been changed (its content is ")
    # A case's row is named by its own content and again by the set that was frozen with it.
    assert len(faults) == (2 if table == "audit_cases" else 1), faults
    assert full.db.conn.text_factory is str  # the search was lenient; reading is not


def test_a_swapped_audit_case_is_found_even_with_a_right_id(full, one_of_each):
    answer = replace(one_of_each["responses"], draw=1)
    swapped = replace(one_of_each["audit_cases"], response=answer.id)
    full.add([answer])
    full.db.execute("DROP TRIGGER audit_cases_no_update")
    full.db.execute("UPDATE audit_cases SET response = ?, id = ?", (answer.id, swapped.id))
    audit_set = full.audit_set().id
    expected = f"audit_sets: the cases of {audit_set} are not the ones it was drawn with"
    assert list(full.faults()) == [expected]


def test_a_case_taken_out_of_the_audit_set_is_found(full):
    full.db.execute("DROP TRIGGER audit_cases_no_delete")
    full.db.execute("DELETE FROM audit_cases")
    assert len(list(full.faults())) == 1


def test_a_row_that_others_speak_of_and_that_is_gone_is_found(full):
    with closing(sqlite3.connect(full.path)) as connection:  # foreign keys are off there
        connection.execute("DROP TRIGGER responses_no_delete")
        connection.execute("DELETE FROM responses")
        connection.commit()
    faults = set(full.faults())
    for table in ("labels", "verdicts", "audit_cases"):
        assert f"{table}: a row speaks of a row of responses that is no longer there" in faults


def test_the_hash_of_the_cases_leaves_out_the_id_of_their_set():
    cases = [AuditCase("b2:one", "b2:r", 0, "s", 0.5, 1)]
    assert cases_hash(cases) == cases_hash([replace(cases[0], audit_set="b2:two")])
    assert cases_hash(cases) != cases_hash([replace(cases[0], position=1)])
    assert cases_hash([]) != cases_hash(cases)


# --- opening -----------------------------------------------------------------------------------


def test_a_file_that_is_no_study(tmp_path: Path):
    missing, text, folder = tmp_path / "no.db", tmp_path / "text.db", tmp_path / "gone" / "x.db"
    text.write_text("just text " * 500)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    before = other.read_bytes()
    hint = "check `database` in the study"
    for path, create, expected in [
        (missing, False, f"{missing} does not exist yet; collect or import something first"),
        (
            text,
            False,
            f"cannot open {text} as a study's database (file is not a database); {hint}",
        ),
        (
            folder,
            True,
            f"cannot open {folder} as a study's database (unable to open database file); {hint}",
        ),
        (other, True, f"{other} is another program's database; name a new file as `database`"),
    ]:
        with pytest.raises(BenchwarrantError) as error:
            Store(path, create=create)
        assert str(error.value) == expected
    assert not missing.exists()
    assert other.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db", "text.db"]


@pytest.mark.parametrize(("precious", "synchronous"), [(True, 2), (False, 1)])
def test_every_connection_has_its_safety_on(tmp_path, precious, synchronous):
    with Store(tmp_path / "s.db", create=True, precious=precious) as store:
        pragma = {
            name: store.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("foreign_keys", "journal_mode", "synchronous", "recursive_triggers")
        }
    # recursive_triggers: without it REPLACE deletes rows past the triggers that forbid it
    assert pragma == {
        "foreign_keys": 1,
        "journal_mode": "wal",
        "synchronous": synchronous,
        "recursive_triggers": 1,
    }


def test_what_one_connection_writes_another_reads(store, one_of_each):
    with Store(store.path) as other:
        store.add(one_of_each.values())
        assert next(other.responses()) == one_of_each["responses"]
        with pytest.raises(RuntimeError), store.transaction():
            store.add([Event("a", "b", {}, T0)])
            assert other.events("a") == []  # nothing is seen before it is certain
            raise RuntimeError
        assert other.events("a") == store.events("a") == []


def test_a_programs_label_takes_no_persons_place(full, one_of_each):
    label = one_of_each["labels"]
    full.add([Account("robot", kind="reference"), replace(label, annotator="robot")])
    assert len(full.current_labels(label.rubric)) == 2
    counted = blind.others(full, full.audit_set().id, label.rubric, "eve", T1)
    assert counted[label.response].labelled == 1


def test_records_of_any_kind_come_in_the_order_of_writing(store, one_of_each):
    store.add(one_of_each.values())
    later = replace(one_of_each["labels"], annotator="bob")
    store.add([later])
    assert list(store.records(Label)) == [one_of_each["labels"], later]
    assert all(store.has(record) for record in one_of_each.values())
    assert not store.has(replace(later, note="x"))
    assert not store.has(replace(one_of_each["verdicts"], reason="another"))


def test_a_snapshot_is_of_one_moment_and_holds_nobody_up(store, one_of_each):
    store.add(one_of_each.values())
    with store.snapshot():
        assert len(list(store.records(Label))) == 1
        with Store(store.path) as other:
            other.db.execute("PRAGMA busy_timeout = 0")
            other.add([replace(one_of_each["labels"], annotator="bob")])
        assert len(list(store.records(Label))) == 1
    assert len(list(store.records(Label))) == 2


def test_the_newest_verdict_on_a_probe_counts_whatever_came_in_first(full, one_of_each):
    """A probe whose wording changed is asked again; an import may bring the older row later."""
    probe = one_of_each["probes"]
    new = replace(probe, text="?", value="incorrect", failure=None, created_at="2026-03-01")
    old = replace(probe, text="!", value="correct", failure=None, created_at="2026-02-01")
    other = replace(probe, attack="colon", text=":")
    assert full.add([new, old, other]) == 3
    assert full.add([replace(other, raw="late")]) == 0
    set_id = one_of_each["audit_sets"].id
    assert full.probed(probe.spec, probe.rubric, set_id) == [new, other]
    assert full.probed(probe.spec, probe.rubric, "b2:another") == []
    assert full.probes_asked(probe.spec, probe.rubric) == {
        (probe.item, "empty", text) for text in ("", "?", "!")
    } | {(probe.item, "colon", ":")}
    assert full.audit_items(set_id) == [one_of_each["items"]]


def test_events_by_subject_and_by_time(store):
    store.add([Event("a", subject, {}, f"2026-01-0{day}") for day, subject in enumerate("xyx", 1)])
    store.add([Event("b", "x", {}, "2026-01-03")])
    assert [e.created_at[-1] for e in store.events_about("a", "x")] == ["1", "3"]
    assert store.events_about("a", "z") == []
    assert [e.subject for e in store.events_since("a", "2026-01-02")] == ["y", "x"]


def test_what_a_judge_has_not_graded_is_followed_as_it_comes(tmp_path: Path) -> None:
    """In the order of writing, heap by heap; what has a verdict, no text, another spec or task is
    passed over."""
    items = [Item("sums", str(n), f"{n}?", ("4",)) for n in range(3)]
    items.append(Item("x", "0", "?", ("4",)))
    mine, other = Spec("model", "m", {"strategy": "direct"}), Spec("model", "n", {})
    judge, rubric = Spec("judge", "j", {}), Rubric("r", "?", ("no", "yes"))
    with Store(tmp_path / "s.db", create=True) as store:
        store.add([*items, mine, other, judge, rubric])
        asked = Ungraded(judge.id, rubric.id, (mine.id,), ("sums",))
        assert store.ungraded(asked, 0, 2) == ([], 0)

        def answer(item: Item, draw: int, spec: Spec = mine, text: str | None = "4") -> str:
            finish = "stop" if text else "error"
            made = Response(item.id, spec.name, spec.id, "direct", draw, text, finish)
            store.add([made])
            return made.id

        first = [answer(items[n], 0) for n in range(3)]
        answer(items[3], 0)
        answer(items[0], 0, other)
        answer(items[0], 1, text=None)
        store.add([Verdict(first[1], rubric.id, "j", judge.id, value="yes")])
        assert store.count_ungraded(asked) == 2
        heap, looked = store.ungraded(asked, 0, 1)
        assert heap == first[:1]
        heap, looked = store.ungraded(asked, looked, 5)
        assert heap == first[2:]
        assert store.ungraded(asked, looked, 5) == ([], looked)
        late = answer(items[1], 1)
        assert store.ungraded(asked, looked, 5)[0] == [late]
        assert store.tasks_of(mine.id) == {"sums", "x"}


def test_verdicts_are_read_for_the_answers_that_are_asked_about(full: Store) -> None:
    [*verdicts] = full.verdicts()
    one = verdicts[0]
    assert set(full.judged(one.spec, one.rubric, [one.response])) == {one.response}
    assert full.judged(one.spec, one.rubric, []) == {}
    assert full.attempts(one.spec, one.rubric, ["b2:none"]) == {}
    assert full.scores(one.spec, one.rubric, [one.response]).keys() <= {one.response}
