"""Exports of Label Studio 1.23 and Argilla 2.8, in the shapes that they write."""

import json

import pytest

from samples.errors import BenchwarrantError
from samples.foreign import Foreign, import_any
from samples.records import Rubric
from samples.rows import Source, write_rows

RUBRIC = Rubric("final-answer", "Correct?", ("incorrect", "correct"))
WHEN = "2026-11-24T23:43:52.665777Z"


@pytest.fixture
def answer(store, one_of_each):
    """The id of the one answer in the study."""
    for kind in ("items", "specs", "responses"):
        store.add([one_of_each[kind]])
    return one_of_each["responses"].id


@pytest.fixture
def bring(store, tmp_path, answer):
    def brought(tool, rows, name="export.json", **words):
        path = tmp_path / name
        if name.endswith(".json"):
            path.write_text(json.dumps(rows))
        else:
            write_rows(iter(rows), path)
        return import_any(tool, Foreign(Source(path, **words)), store, RUBRIC)

    return brought


@pytest.fixture
def complaint(bring, store, tmp_path):
    def message(tool, rows, **words):
        before = store.counts()
        with pytest.raises(BenchwarrantError) as error:
            bring(tool, rows, **words)
        assert store.counts() == before and "\n" not in str(error.value)
        return str(error.value).replace(f"{tmp_path}/", "")

    return message


def events(store):
    return [(la.annotator, la.status, la.value, la.unsure, la.note) for la in store.labels()]


# --- Label Studio --------------------------------------------------------------------------------


def choice(name, *values):
    return {"from_name": name, "to_name": "a", "type": "choices", "value": {"choices": [*values]}}


def note(text):
    return {"from_name": "note", "to_name": "a", "type": "textarea", "value": {"text": [text]}}


def annotation(*result, by=1, **more):
    return {
        "id": 7, "completed_by": by, "result": [*result], "was_cancelled": False,
        "created_at": "2026-11-24T20:00:00Z", "updated_at": WHEN, "lead_time": 4.2,
    } | more  # fmt: skip


def task(*annotations, data=None, **more):
    return {"id": 1, "data": data or {}, "annotations": [*annotations], "predictions": []} | more


def test_an_annotation_is_a_label_of_the_answer_that_its_task_names(bring, store, answer):
    rows = [
        task(
            annotation(choice("label", "correct"), choice("unsure", "unsure"), note("hm")),
            annotation(choice("label", "incorrect"), by={"id": 2, "email": "bo@x.org"}),
            annotation(by=3, was_cancelled=True),
            annotation(by=4),  # submitted without a choice
            data={"case": answer, "question": "?"},
            drafts=[{}],
            predictions=[{}, {}],
        )
    ]
    said = bring("label-studio", rows)
    assert said[1:] == ["drafts left out: 1", "predictions left out: 2"]
    assert events(store) == [
        ("1", "labelled", "correct", True, "hm"),
        ("bo@x.org", "labelled", "incorrect", False, ""),
        ("3", "skipped", None, False, ""),
        ("4", "skipped", None, False, ""),
    ]
    first = store.labels()[0]
    assert (first.response, first.seconds, first.created_at, first.meta) == (
        answer, 4.2, "2026-11-24T23:43:52.665777+00:00", {"annotation": 7},
    )  # fmt: skip
    assert bring("label-studio", rows)[0].endswith(" 0 new")


def test_a_changed_annotation_is_a_changed_mind(bring, store, answer):
    data = {"case": answer}
    bring("label-studio", [task(annotation(choice("label", "correct")), data=data)])
    later = annotation(choice("label", "incorrect"), updated_at="2026-11-25T00:00:00Z")
    bring("label-studio", [task(later, data=data)])
    assert [la.value for la in store.current_labels(RUBRIC.id)] == ["incorrect"]


def test_tasks_of_ones_own_are_mapped(bring, complaint, store, answer):
    data = {"dataset": "sums", "n": "k1", "system": "tiny"}
    rows = [task(annotation(choice("verdict", "yes")), data=data)]
    assert "no column 'task'; found" in complaint("label-studio", rows)
    names = {"dataset": "task", "n": "key", "system": "model"}
    assert "'yes' is no label of the rubric" in complaint("label-studio", rows, names=names)
    bring("label-studio", rows, names=names, values={"yes": "correct"})
    assert store.labels()[0].response == answer


def test_of_two_questions_one_is_named(bring, complaint, store, answer):
    result = [choice("fluent", "yes"), choice("right", "correct"), note("x")]
    rows = [task(annotation(*result), data={"case": answer})]
    assert complaint("label-studio", rows) == (
        "export.json, task 1: which of fluent, right is the label? say it with --map fluent=value"
    )
    assert complaint("label-studio", rows, names={"rigt": "value"}).endswith("correct --map")
    bring("label-studio", rows, names={"right": "value"})
    assert store.labels()[0].value == "correct"


def test_stars_are_labels_where_they_are_mapped(bring, store, answer):
    stars = {"from_name": "stars", "type": "rating", "value": {"rating": 4}}
    bring("label-studio", [task(annotation(stars), data={"case": answer})], values={"4": "correct"})
    assert store.labels()[0].value == "correct"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "export.json has no rows"),
        ([{"id": 1, "label": "correct", "annotator": 1}], "is not a JSON export of Label Studio:"
         " it is a JSON-MIN export; choose JSON, which has the annotations whole"),
        ([{"id": 1}], "task 1 has no 'data'"),
        ([task(data=[1])], "the data of a task is not an object"),
        ([task({"id": 1})], "annotation 1 has no 'result'"),
        ([task(annotation(3))], "result 1 is not an object"),
        ([task(annotation(choice("label", "correct")), data={"case": "b2:00"})],
         "task 1, column 'case': no answer 'b2:00' in this study; import it first"),
        ([task(annotation(choice("label", "a", "b")), data={"case": "CASE"})],
         "task 1: 'label' holds 2 answers; one label is expected"),
        ([task(annotation(choice("label", "maybe")), data={"case": "CASE"})],
         "task 1, column 'value': 'maybe' is no label of the rubric"),
        ([task(annotation(choice("label", "correct"), by=None), data={"case": "CASE"})],
         "task 1, column 'annotator': is empty"),
        ([task(annotation(choice("label", "correct"), updated_at="x"), data={"case": "CASE"})],
         "task 1, column 'created_at': 'x' is not a date and time"),
        ([task(*[annotation(choice("label", "correct"))] * 2, data={"case": "CASE"})],
         "task 1, column 'annotator': '1' labels this answer twice"),
    ],
)  # fmt: skip
def test_an_export_that_cannot_be_right(complaint, answer, rows, expected):
    rows = json.loads(json.dumps(rows).replace("CASE", answer))
    assert expected in complaint("label-studio", rows)


# --- Argilla -------------------------------------------------------------------------------------


def flat(case, users=("u1", "u2", "u3"), statuses=("submitted", "discarded", "draft")):
    """A record of ``records.to_list(flatten=True)``."""
    return {
        "id": case, "status": "pending", "_server_id": None, "question": "?", "answer": "4",
        "label.responses": ["correct", "incorrect", "correct"][: len(users)],
        "label.responses.users": [*users], "label.responses.status": [*statuses],
        "note.responses": ["hm"], "note.responses.users": [users[0]],
        "note.responses.status": [statuses[0]],
    }  # fmt: skip


def nested(case, **more):
    """A record of ``records.to_json``."""
    one = {"value": "correct", "user_id": "u1"} | more
    return {
        "id": case, "fields": {"question": "?"}, "metadata": {}, "suggestions": {},
        "responses": {"label": [one]}, "vectors": {}, "status": "completed", "_server_id": None,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["export.json", "export.jsonl", "export.parquet"])
def test_what_was_submitted_counts(bring, store, answer, name):
    said = bring("argilla", [flat(answer)], name=name)
    assert said[1:] == ["drafts left out: 1"]
    assert events(store) == [
        ("u1", "labelled", "correct", False, "hm"),
        ("u2", "skipped", None, False, ""),
    ]
    assert bring("argilla", [flat(answer)], name=name)[0].endswith(" 0 new")


def test_a_form_without_statuses_is_not_taken_for_submitted(bring, complaint, store, answer):
    assert complaint("argilla", [nested(answer)]) == (
        "export.json, record 1: does not say whether it was submitted; export with"
        " records.to_list(flatten=True), or, if all were, add --set status=submitted"
    )
    bring("argilla", [nested(answer)], fixed={"status": "submitted"})
    assert events(store) == [("u1", "labelled", "correct", False, "")]


def test_records_of_ones_own_are_mapped(bring, store, answer):
    record = nested("7", status="submitted") | {
        "metadata": {"task": "sums", "key": "k1", "system": "tiny"},
    }
    bring("argilla", [record], names={"system": "model"})
    assert store.labels()[0].response == answer


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"fields": {}}, "record 1 has no 'id'"),
        (nested("b2:00", status="submitted"), "record 1, column 'case': no answer 'b2:00'"),
        (nested("CASE", status="lost"), "record 1, column 'status': 'lost' is not known"),
        (nested("CASE", status="submitted", value="x"), "column 'value': 'x' is no label"),
        (nested("CASE") | {"responses": 3}, "the responses of record 1 are not an object"),
        (nested("CASE") | {"responses": {"label": [{"value": 1}]}}, "response 1 has no 'user_id'"),
        (nested("CASE") | {"responses": {"a": [], "b": []}}, "which of a, b is the label?"),
        (flat("CASE") | {"label.responses": ["correct"]}, "'label.responses' are of different len"),
    ],
)
def test_records_that_cannot_be_right(complaint, answer, record, expected):
    assert expected in complaint(
        "argilla", json.loads(json.dumps([record]).replace("CASE", answer))
    )
