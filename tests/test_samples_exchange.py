"""Rows made elsewhere: checked whole, written whole or not at all, and given back as they came."""

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from trivia import write_import_files

from samples.errors import BenchwarrantError
from samples.exchange import import_file, imported_judge, imported_model
from samples.export import export_rows
from samples.records import Account, Control, Item, Label, Response, Rubric, Spec, Verdict
from samples.rows import COLUMNS, Source, write_rows
from samples.store import Store

RUBRIC = Rubric("final-answer", "Correct?", ("incorrect", "correct"))
KINDS = ("items", "responses", "labels", "verdicts")
ITEM = {"task": "t", "key": "k2", "question": "2 + 2?", "reference": "4"}
CASE = {"task": "t", "key": "k1", "model": "m"}
GOOD = {  # a row of each kind that is right in the study below
    "items": ITEM,
    "responses": CASE | {"draw": "1", "text": "It is 2."},
    "labels": CASE | {"annotator": "ada", "value": "correct"},
    "verdicts": CASE | {"judge": "gpt", "value": "correct"},
}


@pytest.fixture
def study(store):
    """One question; m answers it, n answers it in two ways, and one judge has spoken."""
    item = Item("t", "k1", "1 + 1?", ("2",))
    specs = [imported_model("m", ""), imported_model("n", "direct"), imported_model("n", "cot")]
    answers = [
        Response(item.id, spec.name, spec.id, spec.body["strategy"], 0, "2") for spec in specs
    ]
    judge = imported_judge("old")
    verdict = Verdict(answers[0].id, RUBRIC.id, "old", judge.id, value="correct")
    store.add([RUBRIC, item, *specs, *answers, judge, verdict])
    return store


@pytest.fixture
def bring(study, tmp_path):
    """Import rows, as a file of the given format, into the study."""

    def brought(kind, rows, suffix=".jsonl", labels_kind="human", **words):
        path = tmp_path / f"{kind}{suffix}"
        if suffix == ".csv":
            names = list(dict.fromkeys(name for row in rows for name in row))
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(rows)
        else:
            path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return import_file(kind, Source(path, **words), study, RUBRIC, labels_kind)

    return brought


@pytest.fixture
def complaint(bring, study, tmp_path):
    """What an import says that must fail, and that it wrote nothing."""

    def message(kind, rows, suffix=".jsonl", **words):
        before = study.counts()
        with pytest.raises(BenchwarrantError) as error:
            bring(kind, rows, suffix, **words)
        assert study.counts() == before
        text = str(error.value)
        assert "\n" not in text
        return text.replace(f"{tmp_path}/", "")

    return message


# --- in ----------------------------------------------------------------------------------------


def test_items_keep_what_is_ours_and_put_the_rest_aside(bring, study):
    rows = [
        ITEM | {"reference": ["4", " four "], "level": 3},
        ITEM | {"key": 3, "choices": ["red", "blue"], "reference": "B"},
        ITEM | {"key": "4", "choices": {"1": "red", "2": "blue"}, "reference": "1"},
        ITEM | {"key": "5", "answer_type": "number", "reference": 4},
        ITEM | {"key": "6", "reference": "[1, 2)"},
        ITEM | {"key": "7", "reference": [3, 1, 2], "answer_type": "sequence"},
    ]
    assert bring("items", rows) == (6, 6)
    assert study.items()[1:] == [
        Item("t", "k2", "2 + 2?", ("4", "four"), meta={"level": 3}),
        Item("t", "3", "2 + 2?", ("B",), "choice", (("A", "red"), ("B", "blue"))),
        Item("t", "4", "2 + 2?", ("1",), "choice", (("1", "red"), ("2", "blue"))),
        Item("t", "5", "2 + 2?", ("4",), "number"),
        Item("t", "6", "2 + 2?", ("[1, 2)",)),
        Item("t", "7", "2 + 2?", ("[3, 1, 2]",), "sequence"),
    ]


def test_lists_in_a_csv_cell_are_json(bring, study):
    row = ITEM | {"reference": '["A", "the first"]', "choices": '["red, or pink", "blue"]'}
    assert bring("items", [row], ".csv") == (1, 1)
    expected = (("A", "red, or pink"), ("B", "blue"))
    assert study.items()[-1] == Item("t", "k2", "2 + 2?", ("A", "the first"), "choice", expected)


def test_responses_are_told_apart_by_strategy_and_draw(bring, study):
    rows = [
        CASE | {"draw": 1, "text": "two"},
        CASE | {"draw": "2", "text": ""},  # an empty answer is an answer
        CASE | {"strategy": "cot", "finish": "length", "seconds": 1.5},  # no text: scores only
    ]
    assert bring("responses", rows) == (3, 3)
    found = [(r.strategy, r.draw, r.text, r.finish, r.meta) for r in study.responses()][3:]
    assert found == [
        ("", 1, "two", "stop", {}),
        ("", 2, "", "stop", {}),
        ("cot", 0, None, "length", {"seconds": 1.5}),
    ]
    assert len(study.specs("model")) == 4


def test_labels_find_their_case_and_make_known_names(bring, study):
    rows = [
        CASE | {"annotator": "ada", "value": "correct", "unsure": "True", "note": "hm", "age": 4},
        CASE | {"model": "n", "strategy": "cot", "annotator": "ada", "value": "incorrect"},
        CASE | {"model": "n", "strategy": "direct", "annotator": "bob", "value": "correct"},
    ]
    assert bring("labels", rows) == (3, 3)
    first, second, _ = study.labels()
    assert (first.unsure, first.note, first.meta) == (True, "hm", {"age": 4})
    (case,) = study.cases([second.response], RUBRIC)
    assert (case.response.model, case.response.strategy) == ("n", "cot")
    assert study.accounts() == [Account("ada"), Account("bob")]  # with no key to come in by
    assert all(account.secret is None for account in study.accounts())


def test_labels_made_by_program_are_not_called_human(bring, study, complaint):
    row = GOOD["labels"] | {"annotator": "script"}
    assert bring("labels", [row], labels_kind="reference") == (1, 1)
    assert study.accounts() == [Account("script", kind="reference")]
    again = row | {"model": "n", "strategy": "cot"}
    assert complaint("labels", [again]) == (
        "labels.jsonl, line 1, column 'annotator': 'script' labels as reference already, not as"
        " human; use another name"
    )
    bring("labels", [GOOD["labels"]])
    assert "'ada' labels as human already, not as reference" in complaint(
        "labels", [GOOD["labels"] | {"model": "n", "strategy": "cot"}], labels_kind="reference"
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-01-31T09:30", "2026-01-31T09:30:00.000000+00:00"),  # no zone: UTC
        ("2026-01-31 10:30:00+01:00", "2026-01-31T09:30:00.000000+00:00"),
        ("2026-01-31T09:30:00.25Z", "2026-01-31T09:30:00.250000+00:00"),
        ("", None),
    ],
)
def test_times_are_kept_in_one_form_so_that_the_newest_is_found(bring, study, given, kept):
    bring("labels", [GOOD["labels"] | {"created_at": given}])
    assert study.labels()[0].created_at == kept


def test_a_second_label_with_a_later_time_is_a_changed_mind(bring, study):
    later = {"value": "incorrect", "created_at": "2026-01-31T11:00+01:00"}
    earlier = {"created_at": "2026-01-31T10:30Z"}  # later on the clock, in another zone
    assert bring("labels", [GOOD["labels"] | later, GOOD["labels"] | earlier]) == (2, 2)
    assert [label.value for label in study.current_labels(RUBRIC.id)] == ["correct"]


def test_verdicts_are_a_value_or_a_failure(bring, study):
    rows = [
        CASE | {"judge": "a", "value": "correct", "score": "0.75", "raw": "Yes.", "cost": 2},
        CASE | {"judge": "b", "failure": "refused"},
        CASE | {"judge": "c", "value": "unparsable"},
        CASE | {"judge": "d", "value": "incorrect", "score": -0.0},
    ]
    assert bring("verdicts", rows) == (4, 4)
    found = [(v.judge, v.value, v.failure, v.score, v.raw, v.meta) for v in study.verdicts()][1:]
    assert found == [
        ("a", "correct", None, 0.75, "Yes.", {"cost": 2}),
        ("b", None, "refused", None, None, {}),
        ("c", None, "unparsable", None, None, {}),
        ("d", "incorrect", None, 0.0, None, {}),
    ]
    assert list(study.faults()) == []  # the database has no -0.0
    assert {spec.name for spec in study.specs("judge")} == {"old", "a", "b", "c", "d"}


def test_a_label_of_the_rubric_is_a_value_even_if_a_failure_has_its_name(tmp_path, study):
    path = tmp_path / "verdicts.jsonl"
    path.write_text(json.dumps(CASE | {"judge": "a", "value": "refused"}))
    rubric = Rubric("refusal", "What did the model do?", ("refused", "answered"))
    import_file("verdicts", Source(path), study, rubric)
    verdict = list(study.verdicts())[-1]
    assert (verdict.value, verdict.failure) == ("refused", None)


def test_theirs_becomes_ours(bring, study):
    row = {"dataset": "t", "key": "k1", "model": "m", "who": "ada", "ok": True}
    names = {"dataset": "task", "who": "annotator", "ok": "value"}
    assert bring("labels", [row], names=names, values={"True": "correct"}) == (1, 1)
    assert study.labels()[0].value == "correct"


def test_a_case_is_named_by_its_id_alone(bring, study, complaint):
    second = [r.id for r in study.responses()][1]
    row = {"annotator": "ada", "value": "correct", "seconds": "2"}
    assert bring("labels", [row | {"case": second}]) == (1, 1)
    assert (study.labels()[0].response, study.labels()[0].seconds) == (second, 2.0)
    assert complaint("labels", [row | {"case": "b2:00"}]) == (
        "labels.jsonl, line 1, column 'case': no answer 'b2:00' in this study; import it first"
    )
    assert complaint("labels", [row | {"case": second, "model": "m"}]) == (
        "labels.jsonl, line 1, column 'case': is an answer with model 'n'; correct one"
    )
    elsewhere = CASE | {"case": "b2:00", "annotator": "bob", "value": "correct"}
    assert bring("labels", [elsewhere]) == (1, 1)  # the answer has another id here


def test_what_every_row_has_in_common_need_not_stand_in_the_file(bring, study):
    row = {"key": "k1", "annotator": "ada", "value": "correct", "model": "m"}
    assert bring("labels", [row], fixed={"task": "t", "model": "n"}) == (1, 1)
    (case,) = study.cases([study.labels()[0].response], RUBRIC)
    assert case.response.model == "m"  # what stands in the file goes first


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
@pytest.mark.parametrize("kind", KINDS)
def test_importing_twice_changes_nothing(bring, study, kind, suffix):
    assert bring(kind, [GOOD[kind]], suffix) == (1, 1)
    before = "\n".join(study.db.conn.iterdump())
    assert bring(kind, [GOOD[kind]], suffix) == (1, 0)
    assert "\n".join(study.db.conn.iterdump()) == before


# --- what is refused -----------------------------------------------------------------------------

EMPTY = "is empty; every question needs a reference answer"
NEVER = (
    "in the study already, with other content; rows are never changed: import it under another"
    " name, or into a new study"
)
FAILURE = (
    "expected a label or a failure (one of refused, truncated, unparsable, api_error, too_long,"
    " refusal, degenerate, ambiguous)"
)
BAD = [  # kind, what is wrong with the row, its column, the complaint
    ("items", {"question": ""}, "question", "is empty; a value is expected"),
    ("items", {"key": ""}, "key", "is empty; a value is expected"),
    ("items", {"key": "k2"}, "key", "'k2' stands twice in task 't'"),
    ("items", {"key": "k1"}, "key", f"'k1' is {NEVER}"),
    ("items", {"reference": ""}, "reference", EMPTY),
    ("items", {"reference": "[]"}, "reference", EMPTY),
    ("items", {"reference": '["a", null]'}, "reference",
     "['a', None] is not a text or a list of texts"),
    ("items", {"answer_type": "nmber"}, "answer_type",
     "'nmber' is not known; did you mean 'number'?"),
    ("items", {"choices": "red; blue"}, "choices", "is not a JSON list of texts"),
    ("items", {"choices": "3"}, "choices", "expected a list of 1 to 26 texts"),
    ("items", {"choices": json.dumps(["x"] * 27)}, "choices", "expected a list of 1 to 26 texts"),
    ("items", {"choices": '["a", "b"]', "reference": "C"}, "reference",
     "'C' is none of the choices ['A', 'B']"),
    ("responses", {"key": "k9"}, "key", "no item 'k9' in task 't'; import items first"),
    ("responses", {"draw": "1"}, "draw", "m answers 'k1' twice; number repeats by draw"),
    ("responses", {"draw": "first"}, "draw", "'first' is not a whole number"),
    ("responses", {"draw": "1.5"}, "draw", "'1.5' is not a whole number"),
    ("responses", {"draw": "-1"}, "draw", "-1 is out of range; repeats count from 0"),
    ("responses", {"draw": "9" * 20}, "draw", "9" * 20 + " is out of range; repeats count from 0"),
    ("responses", {"finish": "stpo"}, "finish", "'stpo' is not known; did you mean 'stop'?"),
    ("responses", {"draw": "0", "text": "3"}, "model", f"'m' is {NEVER}"),
    ("labels", {"value": ""}, "value", "is empty; a value is expected"),
    ("labels", {"value": "corect"}, "value",
     "'corect' is no label of the rubric; did you mean 'correct'?"),
    ("labels", {"value": "7"}, "value",
     "'7' is no label of the rubric; known: correct, incorrect"),
    ("labels", {"annotator": ""}, "annotator", "is empty; a value is expected"),
    ("labels", {}, "annotator", "'ada' labels this answer twice; give created_at"),
    ("labels", {"model": "mm"}, "key",
     "no answer of 'mm' to t 'k1' of that draw; import it first"),
    ("labels", {"draw": "3"}, "key", "no answer of 'm' to t 'k1' of that draw; import it first"),
    ("labels", {"model": "n"}, "strategy", "'n' answers t 'k1' in several ways; name one"),
    ("labels", {"unsure": "perhaps"}, "unsure", "'perhaps' is not true or false"),
    ("labels", {"created_at": "yesterday"}, "created_at",
     "'yesterday' is not a date and time like 2026-01-31T09:30"),
    ("labels", {"seconds": "nan"}, "seconds", "'nan' is not a number of seconds"),
    ("labels", {"rubric": "b2:1"}, "rubric", "'b2:1' is not the hash of a rubric of this study: its"
     " label answers another question; leave the column out where it does not"),
    ("labels", {"status": "skiped"}, "status", "'skiped' is not known; did you mean 'skipped'?"),
    ("labels", {"status": "skipped"}, "value",
     "'correct' does not go with status 'skipped'; leave it empty"),
    ("verdicts", {"value": ""}, "value", FAILURE),
    ("verdicts", {"failure": "refused"}, "value", FAILURE),
    ("verdicts", {"value": "yes"}, "value",
     "'yes' is no label of the rubric; known: correct, incorrect"),
    ("verdicts", {"value": "", "failure": "refusd"}, "failure",
     "'refusd' is not known; did you mean 'refused'?"),
    ("verdicts", {"judge": ""}, "judge", "is empty; a value is expected"),
    ("verdicts", {}, "judge", "'gpt' judges this answer twice; number by attempt"),
    ("verdicts", {"judge": "old", "value": "incorrect"}, "judge", f"'old' is {NEVER}"),
    *(
        ("verdicts", {"judge": "b", "score": score}, "score",
         f"{score!r} is not a number from 0 (negative) to 1 (positive)")
        for score in ("high", "7", "-0.5", "nan", "inf")
    ),
    ("verdicts", {"model": "n"}, "strategy", "'n' answers t 'k1' in several ways; name one"),
]  # fmt: skip


def test_another_label_by_the_same_person_needs_a_time(bring, complaint):
    bring("labels", [GOOD["labels"]])
    changed = GOOD["labels"] | {"value": "incorrect"}
    expected = f"labels.jsonl, line 1, column 'annotator': 'ada' is {NEVER}"
    assert complaint("labels", [changed]) == expected
    assert bring("labels", [changed | {"created_at": "2026-01-31"}]) == (1, 1)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
@pytest.mark.parametrize(("kind", "wrong", "column", "expected"), BAD)
def test_a_bad_row_says_where_and_what_was_expected(
    complaint, kind, wrong, column, expected, suffix
):
    other = {"items": {"key": "k3"}, "responses": {"draw": "7"}}  # keys of their own
    bad = GOOD[kind] | other.get(kind, {}) | wrong
    line = 3 if suffix == ".csv" else 2  # the header is a line as well
    where = f"{kind}{suffix}, line {line}, column {column!r}"
    assert complaint(kind, [GOOD[kind], bad], suffix) == f"{where}: {expected}"


@pytest.mark.parametrize(
    ("kind", "wrong", "column", "expected"),
    [
        ("items", {"question": {"text": "?"}}, "question", "is a dict; a text is expected"),
        ("items", {"reference": {"a": "b"}}, "reference",
         "{'a': 'b'} is not a text or a list of texts"),
        ("responses", {"text": 42}, "text", "42 is not text; put it in quotes"),
        ("responses", {"draw": 1.5}, "draw", "1.5 is not a whole number"),
        ("responses", {"draw": True}, "draw", "True is not a whole number"),
        ("labels", {"note": ["a"]}, "note", "['a'] is not text; put it in quotes"),
        ("labels", {"created_at": 1769851800}, "created_at",
         "1769851800 is not a date and time like 2026-01-31T09:30"),
        ("verdicts", {"raw": {"a": 1}}, "raw", "{'a': 1} is not text; put it in quotes"),
        ("verdicts", {"value": False}, "value",
         "'False' is no label of the rubric; known: correct, incorrect"),
    ],
)  # fmt: skip
def test_a_json_value_of_the_wrong_type(complaint, kind, wrong, column, expected):
    """In an SQLite column it would turn into text, and its hash would not be the one stored."""
    where = f"{kind}.jsonl, line 1, column {column!r}"
    assert complaint(kind, [GOOD[kind] | wrong]) == f"{where}: {expected}"


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_surrogate_pair_anywhere_is_refused(complaint, kind):
    for column in (*GOOD[kind], "extra"):
        text = complaint(kind, [GOOD[kind], GOOD[kind] | {column: "\ud83d"}])
        assert text.startswith(f"{kind}.jsonl, line 2, column {column!r}: half a surrogate pair")


# --- out and in again ----------------------------------------------------------------------------


def test_a_study_that_was_exported_imports_into_a_new_one(store, one_of_each, tmp_path):
    """Same items by id; same labels and verdicts by content, in force and earlier ones alike."""
    first, verdict = one_of_each["labels"], one_of_each["verdicts"]
    answer = one_of_each["responses"]
    other = Spec("model", "tiny", {"draws": 1, "strategy": ""})
    bare = Response(answer.item, "tiny", other.id, "", 0, 'says "4",\nnot 5\r\n')
    day = "2026-02-0{}T00:00:00.000000+00:00".format
    store.add([*one_of_each.values(), other, bare])
    store.add([Item("u", "k1", "?", ("[1, 2]",)), Item("u", "k2", "Ü?\u2028", ('["a"]', "a"))])
    store.add(
        [
            replace(first, value="incorrect", created_at=day(1), unsure=True, note="[look]"),
            Label(first.response, first.rubric, "bob", "skipped", created_at=day(2)),
            Label(bare.id, first.rubric, "bob", value="correct", created_at=day(2)),
            Label(bare.id, first.rubric, "bob", "retracted", created_at=day(3)),
            replace(verdict, value=None, failure="api_error", score=None, attempt=1),
            replace(verdict, response=bare.id, value=None, failure="refused", raw="No."),
        ]
    )
    for suffix in (".jsonl", ".csv", ".parquet"):
        with Store(tmp_path / f"new{suffix}.db", create=True) as new:
            for kind in KINDS:
                path = tmp_path / f"{kind}{suffix}"
                rows = write_rows(export_rows(kind, store), path)
                assert rows == store.counts()[kind]
                assert import_file(kind, Source(path), new, one_of_each["rubrics"]) == (rows, rows)
            if suffix != ".csv":  # a CSV cell of meta is a text, so 1 comes back as "1"
                assert [item.id for item in new.items()] == [item.id for item in store.items()]
            for kind in KINDS:
                assert list(_facts(kind, new)) == list(_facts(kind, store))
            assert list(new.faults()) == []
            in_force = [label.value for label in new.current_labels(first.rubric)]
            assert in_force == ["incorrect"]


def _facts(kind, store):
    """The columns that import reads, of every row; an answer made elsewhere has another id."""
    required, optional = COLUMNS[kind]
    for row in export_rows(kind, store):
        yield {name: row.get(name) for name in (*required, *optional) if name != "case"}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_labels_that_were_exported_change_nothing_where_they_came_from(
    store, one_of_each, tmp_path, suffix
):
    label, rubric = one_of_each["labels"], one_of_each["rubrics"]
    earlier = replace(rubric, guidance="Look at the unit too.")
    store.add(one_of_each.values())
    store.add([Account("eve", "lead", created_at="2026"), earlier])
    store.add([replace(label, rubric=earlier.id), replace(label, annotator="eve", note='"é",\n')])
    path = tmp_path / f"labels{suffix}"
    assert write_rows(export_rows("labels", store), path) == 3
    before = "\n".join(store.db.conn.iterdump())
    assert import_file("labels", Source(path), store, rubric) == (3, 0)
    assert "\n".join(store.db.conn.iterdump()) == before


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_what_was_asked_beside_a_label_goes_out_and_comes_back(
    store, one_of_each, tmp_path, suffix
):
    label, rubric = one_of_each["labels"], one_of_each["rubrics"]
    asked = [
        replace(
            label, annotator="dan", meta={"confidence": "sure", "step": 3, "reason": "wrong sum"}
        ),
        replace(
            label, annotator="ben", status="unjudgeable", value=None, meta={"reason": "cut off"}
        ),
        replace(label, annotator="cid"),
    ]
    store.add(one_of_each.values())
    store.add([*asked, *(Account(name) for name in ("ben", "cid", "dan"))])
    path = tmp_path / f"labels{suffix}"
    write_rows(export_rows("labels", store), path)
    assert import_file("labels", Source(path), store, rubric) == (4, 0)
    given = [one for one in one_of_each.values() if not isinstance(one, Label)]
    with Store(tmp_path / "new.db", create=True) as new:
        new.add(given)
        new.add([Account(name) for name in ("ben", "cid", "dan")])
        assert import_file("labels", Source(path), new, rubric) == (4, 4)
        assert new.labels() == store.labels()


# --- controls ------------------------------------------------------------------------------------

CONTROL = {"question": "1 + 1?", "reference": "2", "text": "It is 3.", "value": "incorrect"}


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_controls_come_in_whole_and_once(study, bring, tmp_path, suffix):
    rows = [
        CONTROL | {"note": "read the *sum*"},
        CONTROL | {"text": "", "reference": '["2", "two"]'},
        CONTROL | {"reference": "A", "choices": '["2", "3"]', "value": "correct"},
    ]
    if suffix == ".parquet":
        write_rows(iter(rows), tmp_path / "controls.parquet")
        source = Source(tmp_path / "controls.parquet")
        assert import_file("controls", source, study, RUBRIC) == (3, 3)
    else:
        assert bring("controls", rows, suffix) == (3, 3)
        assert bring("controls", rows, suffix) == (3, 0)
    first, second, third = study.records(Control)
    assert first == Control(
        RUBRIC.id, "1 + 1?", ("2",), "It is 3.", "incorrect", note="read the *sum*"
    )
    assert (second.text, second.references) == ("", ("2", "two"))
    assert third.choices == (("A", "2"), ("B", "3"))
    path = tmp_path / f"out{suffix}"
    assert write_rows(export_rows("controls", study), path) == 3
    assert import_file("controls", Source(path), study, RUBRIC) == (3, 0)
    assert list(study.faults()) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"value": "wrong"}, "line 2, column 'value': 'wrong' is no label of the rubric"),
        ({"value": ""}, "line 2, column 'value': is empty; a value is expected"),
        ({"reference": " "}, "line 2, column 'reference': is empty"),
        ({"text": None}, "line 2, column 'text': is missing; the answer that people shall judge"),
        ({"text": 3}, "line 2, column 'text': 3 is not text; put it in quotes"),
        ({"choices": ["2"]}, "line 2, column 'reference': '2' is none of the choices ['A']"),
        ({"rubric": "b2:0"}, "line 2, column 'rubric': 'b2:0' is not the hash of a rubric"),
        ({"choicse": []}, "column 'choicse': is no column of controls; did you mean 'choices'?"),
        ({"text": "It is 2."}, "line 2, column 'text': this answer to this question stands twice"),
    ],
)  # fmt: skip
def test_controls_that_are_refused(complaint, row, said):
    first = CONTROL | {"text": "It is 2.", "value": "correct"}
    assert f"controls.jsonl, {said}".replace("controls.jsonl, column", "column") in complaint(
        "controls", [first, CONTROL | row]
    )


def test_a_control_that_is_known_has_one_answer(bring, complaint):
    bring("controls", [CONTROL])
    assert "is in the study already, with other content" in complaint(
        "controls", [CONTROL | {"value": "correct"}]
    )


# --- a public study ------------------------------------------------------------------------------


@pytest.mark.slow
def test_judging_the_judges_is_imported_whole(shared_data, tmp_path: Path):
    """Counts of the published files: 400 questions, 9 models, 11 judges; failures by judge."""
    folder = shared_data("human_judging_the_judges")
    write_import_files(folder, tmp_path)
    expected = {"items": 400, "responses": 3600, "labels": 7257, "verdicts": 39600}
    with Store(tmp_path / "study.db", create=True) as store:
        for kind, rows in expected.items():
            source = Source(tmp_path / f"{kind}.jsonl")
            assert import_file(kind, source, store, RUBRIC) == (rows, rows)
        assert import_file("labels", Source(tmp_path / "labels.jsonl"), store, RUBRIC) == (7257, 0)
        assert {kind: store.counts()[kind] for kind in KINDS} == expected
        raters = [la for la in store.current_labels(RUBRIC.id) if la.annotator != "final"]
        per_case = Counter(label.response for label in raters)
        assert Counter(per_case.values()) == {1: 3543, 2: 57}
        failures = Counter(v.judge for v in store.verdicts() if v.failure == "unparsable")
        assert len(store.specs("judge")) == 11
        assert Counter(failures.values()) == {5: 10, 135: 1}
        (worst,) = [judge for judge, count in failures.items() if count == 135]
        assert "Llama" in worst and "70" in worst
        assert list(store.faults()) == []
