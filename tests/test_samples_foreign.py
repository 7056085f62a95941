"""Which tool wrote a file, and what is said where it was taken for another one's."""

import json
import zipfile

import pytest
from test_end_to_end import command

from samples.errors import BenchwarrantError
from samples.foreign import FORMATS, Foreign, import_any, recognise
from samples.records import Rubric
from samples.registry import find
from samples.rows import Source

RUBRIC = Rubric("final-answer", "Correct?", ("incorrect", "correct"))
FILES = {
    "lm-eval": ("a.jsonl", '{"doc": {}, "resps": [], "filtered_resps": []}'),
    "inspect": ("b.json", '{"eval": {}, "samples": []}'),
    "label-studio": ("c.json", '[{"data": {}, "annotations": []}]'),
    "argilla": ("d.json", '[{"fields": {}, "responses": {}}]'),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_recognised_by_its_content(tmp_path, name):
    file, content = FILES[name]
    (tmp_path / file).write_text(content)
    assert recognise(tmp_path / file) == name
    assert callable(find("format", name, {name: FORMATS[name].read}))


@pytest.mark.parametrize("content", ["", "[]", "{}", "3", "[3]", '{"a": 1}', "[[]]", "{", "\ud83d"])
def test_what_is_not_certain_is_not_guessed(tmp_path, content):
    for name in ("x.jsonl", "x.json", "x.csv"):
        (tmp_path / name).write_bytes(content.encode("utf-8", "surrogatepass"))
        assert recognise(tmp_path / name) is None
    assert recognise(tmp_path / "gone") is None


def test_a_packed_log_is_recognised(tmp_path):
    path = tmp_path / "x.eval"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("other.json", "{}")
    assert recognise(path) is None
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("header.json", "{}")
    assert recognise(path) == "inspect"


@pytest.mark.parametrize("kind", ["items", "responses", "labels", "verdicts", *FORMATS])
@pytest.mark.parametrize("name", FORMATS)
def test_a_wrong_guess_says_what_the_file_is(store, tmp_path, kind, name):
    if kind == name:
        return
    file, content = FILES[name]
    (tmp_path / file).write_text(content)
    before = store.counts()
    with pytest.raises(BenchwarrantError) as error:
        import_any(kind, Foreign(Source(tmp_path / file)), store, RUBRIC)
    path = tmp_path / file
    assert str(error.value).endswith(
        f"; it is {FORMATS[name].title}: `benchwarrant import {name} {path}`"
    )
    assert "\n" not in str(error.value) and store.counts() == before


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("lm-evl", {}, "cannot import 'lm-evl'; did you mean 'lm-eval'?"),
        ("items", {"made_by": "robot"}, "--made-by 'robot'; known: human, program"),
        ("items", {"fixed": {"modell": "m"}}, "--set modell=: no such column; did you mean"),
    ],
)
def test_a_word_that_is_not_known(store, tmp_path, kind, words, expected):
    source = Source(tmp_path / "x", fixed=words.pop("fixed", {}))
    with pytest.raises(BenchwarrantError) as error:
        import_any(kind, Foreign(source, **words), store, RUBRIC)
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize("name", ["inspect", "label-studio", "argilla"])
@pytest.mark.parametrize("content", [b"\xff", b"{", b"[" * 100_000, b"9" * 5000, b"null", b"[1]"])
def test_json_that_is_not_the_format(store, tmp_path, name, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(BenchwarrantError) as error:
        import_any(name, Foreign(Source(path)), store, RUBRIC)
    assert str(error.value).startswith(f"{path} is not {FORMATS[name].title}: ")
    assert "\n" not in str(error.value)


def test_rows_are_written_only_where_all_are_right(store, tmp_path):
    path = tmp_path / "x.json"
    log = {"eval": {"task": "t", "model": "m"}, "samples": []}
    for number, target in enumerate(("5", "")):
        log["samples"].append(
            {"id": number, "epoch": 1, "input": "?", "target": target, "output": {}}
        )
    path.write_text(json.dumps(log))
    with pytest.raises(BenchwarrantError, match=r"sample 2, column 'reference'"):
        import_any("inspect", Foreign(Source(path)), store, RUBRIC)
    assert sum(store.counts().values()) == 0


def test_the_commands_from_a_log_to_tasks_for_people(tmp_path):
    log = {"eval": {"task": "t", "model": "m"}, "samples": []}
    for number in range(3):
        text = f"it is {number}"
        output = {"choices": [{"message": {"content": text}}], "completion": text}
        scores = {"match": {"value": "C"}, "other": {"value": 0.5}}
        log["samples"].append(
            {"id": number, "epoch": 1, "input": "?", "target": "1", "output": output}
            | {"scores": scores}
        )
    (tmp_path / "log.json").write_text(json.dumps(log))
    command(tmp_path, "init", ".", "--bare")
    words = ("import", "inspect", "log.json", "--model", "tiny", "--set", "strategy=cot")
    refused = command(tmp_path, *words, ok=(2,)).stderr
    assert "'inspect other' says '0.5'" in refused and refused.count("\n") == 1
    assert command(tmp_path, *words, "--judge", "match").stdout == (
        "3 items read from log.json, 3 new\n3 responses read from log.json, 3 new\n"
        "3 verdicts read from log.json, 3 new\n"
    )
    command(tmp_path, "export", "verdicts", "--out", "v.jsonl")
    first = json.loads((tmp_path / "v.jsonl").read_text().splitlines()[0])
    assert (first["model"], first["strategy"], first["judge"]) == ("tiny", "cot", "inspect match")
    with (tmp_path / "study.toml").open("a") as file:
        file.write("[audit]\nsize = 3\n")
    command(tmp_path, "sample")
    said = command(tmp_path, "export", "label-studio", "--out", "tasks.json").stdout
    assert said == "3 tasks for label-studio written to tasks.json; set-up: tasks.xml\n"
    refused = command(tmp_path, "export", "label-studoi", "--out", "x", ok=(2,)).stderr
    assert "cannot export 'label-studoi'; did you mean 'label-studio'?" in refused
