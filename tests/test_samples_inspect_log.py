"""Logs of Inspect, in the shape that version 0.3.285 writes them, packed and plain."""

import json
import zipfile

import pytest

from samples.errors import BenchwarrantError
from samples.foreign import Foreign, import_any
from samples.records import Rubric
from samples.rows import Source

RUBRIC = Rubric("final-answer", "Correct?", ("incorrect", "correct"))
HEADER = {"version": 2, "status": "success", "eval": {"task": "sums", "model": "mock/m"}}


def sample(key=1, epoch=1, text="The answer is 5", value="C", **more):
    return {
        "id": key,
        "epoch": epoch,
        "input": "2 + 3?",
        "target": "5",
        "messages": [],
        "output": {
            "model": "mock/m",
            "choices": [
                {"message": {"role": "assistant", "content": text}, "stop_reason": "stop"}
            ],
            "completion": text,
        },
        "scores": {"match": {"value": value, "answer": "5", "explanation": text, "history": []}},
        "metadata": {},
    } | more  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """A log of these samples, packed unless its name says otherwise."""

    def written(samples, name="log.eval", header=HEADER):
        path = tmp_path / name
        if name.endswith(".json"):
            path.write_text(json.dumps(header | {"samples": samples}))
            return path
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for one in samples:
                key, epoch = (one.get("id"), one.get("epoch")) if isinstance(one, dict) else (0, 0)
                file.writestr(f"samples/{key}_epoch_{epoch}.json", json.dumps(one))
            file.writestr("summaries.json", "[]")
            file.writestr("header.json", json.dumps(header))
        return path

    return written


@pytest.fixture
def bring(store, write):
    def brought(samples, judges=(), name="log.eval", header=HEADER, **words):
        source = Source(write(samples, name, header), **words)
        return import_any("inspect", Foreign(source, judges), store, RUBRIC)

    return brought


@pytest.fixture
def complaint(bring, store, tmp_path):
    def message(samples, **words):
        before = store.counts()
        with pytest.raises(BenchwarrantError) as error:
            bring(samples, **words)
        assert store.counts() == before and "\n" not in str(error.value)
        return str(error.value).replace(f"{tmp_path}/", "")

    return message


@pytest.mark.parametrize("name", ["log.eval", "log.json"])
def test_questions_answers_and_scores_come_in(bring, store, name):
    samples = [
        sample(), sample(epoch=2, text="41", value="I"),
        sample("b/2", target=["42", "forty-two"], metadata={"n": 3}),
    ]  # fmt: skip
    assert [line.rpartition(", ")[2] for line in bring(samples, name=name)] == [
        "2 new", "3 new", "3 new",
    ]  # fmt: skip
    assert [(i.task, i.key, i.references) for i in store.items()] == [
        ("sums", "1", ("5",)), ("sums", "b/2", ("42", "forty-two")),
    ]  # fmt: skip
    assert [(r.model, r.draw, r.text) for r in store.responses()] == [
        ("mock/m", 0, "The answer is 5"), ("mock/m", 1, "41"), ("mock/m", 0, "The answer is 5"),
    ]  # fmt: skip
    assert [(v.judge, v.value, v.raw) for v in store.verdicts()][:2] == [
        ("inspect match", "correct", "The answer is 5"), ("inspect match", "incorrect", "41"),
    ]  # fmt: skip
    assert all(line.endswith(" 0 new") for line in bring(samples, name=name))
    assert list(store.faults()) == []


def test_the_model_may_have_another_name_here(bring, store):
    bring([sample()], fixed={"model": "tiny"})
    assert next(store.responses()).model == "tiny"


@pytest.mark.parametrize(
    ("more", "text", "finish"),
    [
        ({"output": {"choices": [], "completion": ""}, "error": {"message": "no"}}, None, "error"),
        ({"output": {"choices": [{"message": {"content": "5"}, "stop_reason": "max_tokens"}],
                     "completion": "5"}}, "5", "length"),
        ({"output": {"choices": [{"message": {"content": [
            {"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "5"}]}}]}},
         "5", "stop"),
        ({"output": {"choices": [{"message": {}}], "completion": "attachment://ab"},
          "attachments": {"ab": "a long one"}}, "a long one", "stop"),
        ({"output": {"choices": [{"message": {"content": ""}}], "completion": ""}}, "", "stop"),
    ],
)  # fmt: skip
def test_an_answer_is_what_was_written(bring, store, more, text, finish):
    bring([sample(**more, scores={})])
    (answer,) = store.responses()
    assert (answer.text, answer.finish) == (text, finish)


@pytest.mark.parametrize(
    ("given", "question"),
    [
        ([{"role": "system", "content": "brief"}, {"role": "user", "content": "7 * 6?"}], "7 * 6?"),
        ([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
          {"role": "user", "content": [{"type": "text", "text": "7 * 6?"}, {"type": "image"}]}],
         "user: Hi\n\nassistant: Hello\n\nuser: 7 * 6?"),
    ],
)  # fmt: skip
def test_a_question_of_messages(bring, store, given, question):
    bring([sample(input=given)])
    assert store.items()[0].question == question


def test_choices_keep_their_letters(bring, store):
    bring([sample(choices=["blue", "red"], target="B")])
    (item,) = store.items()
    assert (item.reference, item.choices) == ("B", (("A", "blue"), ("B", "red")))


@pytest.mark.parametrize("value", ["P", "N", 0.5, 1, True, ["C"], {"a": "C"}, None])
def test_no_score_but_correct_and_incorrect_is_understood(bring, complaint, store, value):
    assert "which is no verdict; map it with --values" in complaint([sample(value=value)])
    bring([sample(value=value)], judges=["none"])
    assert not list(store.verdicts())


def test_other_scores_are_mapped_by_whoever_knows(bring, store):
    bring([sample(value="P"), sample(2, value="N"), sample(3, value="C")],
          values={"P": "incorrect", "N": "unparsable"})  # fmt: skip
    assert [(v.value, v.failure) for v in store.verdicts()] == [
        ("incorrect", None), (None, "unparsable"), ("correct", None),
    ]  # fmt: skip


def test_a_scorer_is_chosen_by_its_name(bring, complaint, store):
    two = sample(scores={"match": {"value": "C"}, "f1": {"value": 0.5}})
    assert "'inspect f1' says '0.5'" in complaint([two])
    assert "has no judge 'includes'" in complaint([two], judges=["includes"])
    bring([two], judges=["match"])
    assert [v.judge for v in store.verdicts()] == ["inspect match"]


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], "has no rows"),
        ([[1]], "is not an object"),
        ([{"id": 1, "epoch": 1}], "sample 1 has no 'input'"),
        ([sample(epoch=0)], "sample 1 has epoch 0"),
        ([sample(epoch="x")], "sample 1 has epoch 'x'"),
        ([sample(), sample(epoch=2, target="6")], "sample '1' differs between epochs"),
        ([sample(target="")], "sample 1, column 'reference': is empty"),
        ([sample(input="")], "sample 1, column 'question': is empty"),
        ([sample(output={"choices": ["x"]})], "sample 1 has an output without a message"),
        ([sample(input="\ud83d")], "sample 1, column 'question': half a surrogate pair"),
        ([sample(epoch=10**30)], "sample 1, column 'draw'"),
    ],
)
@pytest.mark.parametrize("name", ["log.eval", "log.json"])
def test_a_log_that_cannot_be_right(complaint, name, samples, expected):
    assert expected in complaint(samples, name=name)


@pytest.mark.parametrize("header", [{}, {"eval": 3}, {"eval": {"task": 4}}])
def test_a_log_without_a_task(complaint, header):
    expected = "log.eval is not a log of Inspect: its header does not name a task"
    assert complaint([sample()], header=header) == expected


def test_a_log_that_was_cut_off(write, store):
    path = write([sample()])
    for size in (0, 10, path.stat().st_size // 2, path.stat().st_size - 1):
        cut = path.with_name("cut.eval")
        cut.write_bytes(path.read_bytes()[:size])
        with pytest.raises(BenchwarrantError, match=r"cut\.eval is not a whole zip file"):
            import_any("inspect", Foreign(Source(cut)), store, RUBRIC)


def test_names_that_lead_elsewhere_are_only_read(store, tmp_path):
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("../evil.json", "{}")
        file.writestr("samples/../../evil.json", json.dumps(sample()))
        file.writestr("header.json", json.dumps(HEADER))
    import_any("inspect", Foreign(Source(path)), store, RUBRIC)
    assert {f.name for f in tmp_path.iterdir()} == {
        "log.eval", *(f.name for f in tmp_path.glob("study.db*"))
    }  # fmt: skip
