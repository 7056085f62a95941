"""Tasks for other labelling tools: blind, and such that their labels find back."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from samples.errors import BenchwarrantError
from samples.foreign import Foreign, import_any
from samples.label_tasks import TOOLS, task_files
from samples.records import Rubric
from samples.rows import Source


@pytest.fixture
def study(store, one_of_each):
    store.add(one_of_each.values())
    return store


@pytest.mark.parametrize("tool", TOOLS)
def test_tasks_name_no_model_and_no_verdict(study, one_of_each, tmp_path, tool):
    files = task_files(tool, study, one_of_each["rubrics"], tmp_path / "tasks.json")
    text = json.dumps(list(files.values()))
    for hidden in ('"tiny"', '"direct"', '"rules"', '"ada"'):
        assert hidden not in text
    assert "2 + 2?\\nA. 4\\nB. 5" in text and "It is 4." in text
    assert one_of_each["responses"].id in text


@pytest.mark.parametrize("tool", TOOLS)
def test_without_an_audit_set_there_are_no_tasks(store, one_of_each, tmp_path, tool):
    for kind in ("items", "specs", "responses"):
        store.add([one_of_each[kind]])
    with pytest.raises(BenchwarrantError, match="run `benchwarrant sample` to draw one"):
        task_files(tool, store, one_of_each["rubrics"], tmp_path / "tasks.json")


def test_what_is_labelled_in_label_studio_comes_back(study, one_of_each, tmp_path):
    rubric = one_of_each["rubrics"]
    tasks, interface = task_files("label-studio", study, rubric, tmp_path / "t.json").values()
    names = {e.get("name") for e in ElementTree.fromstring(interface).iter() if e.get("name")}
    assert names == {"question", "reference", "answer", "label", "unsure", "note"}
    result = [{"from_name": "label", "type": "choices", "value": {"choices": ["incorrect"]}}]
    by = {"completed_by": 1, "result": result, "updated_at": "2026-02-01T00:00:00Z"}
    (tmp_path / "back.json").write_text(json.dumps([one | {"annotations": [by]} for one in tasks]))
    import_any("label-studio", Foreign(Source(tmp_path / "back.json")), study, rubric)
    assert [la.response for la in study.labels()] == [one_of_each["responses"].id] * 2


def test_what_is_labelled_in_argilla_comes_back(study, one_of_each, tmp_path):
    rubric = one_of_each["rubrics"]
    records, settings = task_files("argilla", study, rubric, tmp_path / "t.json").values()
    assert [question["name"] for question in settings["questions"]] == ["label", "note"]
    said = {"label": [{"value": "correct", "user_id": "u", "status": "submitted"}]}
    (tmp_path / "back.json").write_text(json.dumps([one | {"responses": said} for one in records]))
    import_any("argilla", Foreign(Source(tmp_path / "back.json")), study, rubric)
    assert study.labels()[-1].response == one_of_each["responses"].id


def test_a_rubric_is_text_in_the_interface_and_never_markup(study, one_of_each, tmp_path):
    rubric = Rubric("x", 'Is "a" < b & c?', ("<no>", '"yes"'))
    study.add([rubric])
    audit_set = replace(one_of_each["audit_sets"], rubric=rubric.id)
    study.add([audit_set, replace(one_of_each["audit_cases"], audit_set=audit_set.id)])
    _, interface = task_files("label-studio", study, rubric, tmp_path / "t.json").values()
    values = [e.get("value") for e in ElementTree.fromstring(interface).iter() if e.get("value")]
    assert {rubric.question, *rubric.labels} <= set(values)
