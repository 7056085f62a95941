"""Replayed answers: which row answers, what a bad file says, and what a function may return."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from inference.engine import Chat, Completion, EngineSpec, Message, Sampling, open_engine
from inference.replay import ReplayEngine
from samples.errors import BenchwarrantError
from samples.records import content_hash


def chat(*texts: str) -> Chat:
    """User and assistant by turns, the user first."""
    return tuple(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts))


def write(folder: Path, *rows: Any) -> str:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text(text, encoding="utf-8")
    return text


def opened(folder: Path, **run: Any) -> ReplayEngine:
    return ReplayEngine(EngineSpec("replay", "answers.jsonl"), {"base_dir": folder, **run})


def test_the_first_row_that_fits_answers(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"match": "apples", "text": "three"},
        {"match": "apples and pears", "text": "never reached"},
        {"match": "pears", "text": "five pe", "finish": "length"},
        "",
        {"text": "anything else"},
    )
    chats = [chat("How many apples and pears?"), chat("pears?"), chat("hello")]
    got = list(opened(tmp_path).generate(chats, Sampling()))
    assert [(c.index, c.text, c.finish) for c in got] == [
        (0, "three", "stop"),
        (1, "five pe", "length"),
        (2, "anything else", "stop"),
    ]
    assert got[2].prompt == '[{"content":"hello","role":"user"}]'
    assert got[0].prompt_tokens is None and got[0].completion_tokens is None


@pytest.mark.parametrize("seed", range(4))
def test_the_row_found_is_the_one_that_a_look_at_every_row_finds(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    words = ["a", "ab", "abc ", "\u00e4b ", "the ", "number ", "12"]

    def text(longest: int) -> str:
        return "".join(rng.choices(words, k=rng.randint(0, longest)))

    rows: list[dict[str, Any]] = []
    for n in range(200):
        keys = {"match": text(9)} if rng.random() < 0.9 else {}
        rows.append(keys | ({"seed": rng.randrange(3)} if rng.random() < 0.8 else {}))
        rows[-1]["text"] = str(n)
    write(tmp_path, *rows[:150])
    engine = opened(tmp_path)
    questions = [text(20) for _ in range(60)]
    for sampling in map(Sampling, [0.0] * 4, [1.0] * 4, [9] * 4, range(4)):
        got = engine.generate([chat(question) for question in questions], sampling)
        for question, found in zip(questions, got, strict=True):
            fits = (
                row["text"]
                for row in rows[:150]
                if row.get("match", "") in question
                and row.get("seed", sampling.seed) == sampling.seed
            )
            assert found.text == next(fits, None)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_of_another_system_is_read_the_same(tmp_path: Path, newline: str) -> None:
    lines = ['{"match": "ä", "text": "one"}', "", '{"text": "two"}']
    (tmp_path / "answers.jsonl").write_bytes(newline.join(lines).encode("utf-8-sig"))
    engine = opened(tmp_path)
    got = engine.generate([chat("ä"), chat("o")], Sampling())
    assert [c.text for c in got] == ["one", "two"]
    assert engine.facts()["content"] == content_hash("\n".join(lines))


def test_only_the_last_user_message_counts(tmp_path: Path) -> None:
    write(tmp_path, {"match": "apples", "text": "wrong"}, {"match": "pears", "text": "right"})
    chats = [chat("apples?", "three", "pears?"), chat("pears?", "the apples are gone")]
    assert [c.text for c in opened(tmp_path).generate(chats, Sampling())] == ["right", "right"]


def test_a_row_can_be_bound_to_a_seed(tmp_path: Path) -> None:
    write(tmp_path, {"seed": 1, "text": "one"}, {"seed": 0, "text": "zero"})
    engine = opened(tmp_path)
    texts = [[c.text for c in engine.generate([chat("q")], Sampling(seed=s))] for s in (0, 1, 2)]
    assert texts == [["zero"], ["one"], [None]]


def test_no_row_fits_is_an_outcome_that_says_so(tmp_path: Path) -> None:
    write(tmp_path, {"match": "apples", "text": "three"})
    [got] = opened(tmp_path).generate([chat("pears?")], Sampling(seed=4))
    assert (got.finish, got.text) == ("error", None)
    assert got.error == "no row of answers.jsonl answers 'pears?' with seed 4"


def test_failed_rows_are_replayed_as_such(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"match": "a", "finish": "too_long"},
        {"match": "b", "finish": "error", "error": "refused: no"},
    )
    got = list(opened(tmp_path).generate([chat("a"), chat("b")], Sampling()))
    assert [(c.finish, c.error) for c in got] == [("too_long", None), ("error", "refused: no")]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{text: 1}", "not JSON"),
        ("[1]", "expected an object"),
        ({"txt": "a"}, "unknown key 'txt'; did you mean 'text'?"),
        ({"text": 7}, "'text' must be of type str, not 7"),
        ({"text": "a", "seed": True}, "'seed' must be of type int, not True"),
        ({"text": "a", "finish": "done"}, "'finish' must be one of stop, length"),
        ({"match": "a"}, "no 'text'"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: Any, said: str) -> None:
    write(tmp_path, {"text": "fine"}, row)
    with pytest.raises(BenchwarrantError) as caught:
        opened(tmp_path)
    assert "answers.jsonl, line 2: " in str(caught.value)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_line_separator_inside_a_text_does_not_split_the_row(tmp_path: Path) -> None:
    write(tmp_path, '{"text": "one\u2028two\x85three"}')
    [got] = opened(tmp_path).generate([chat("q")], Sampling())
    assert got.text == "one\u2028two\x85three"


def test_a_missing_or_empty_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchwarrantError, match=r"cannot read .*answers.jsonl: No such file"):
        opened(tmp_path)
    write(tmp_path, "")
    with pytest.raises(BenchwarrantError, match=r"answers.jsonl is empty"):
        opened(tmp_path)
    (tmp_path / "answers.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BenchwarrantError, match=r"not UTF-8 text"):
        opened(tmp_path)


def test_facts_name_the_file_by_its_content(tmp_path: Path) -> None:
    text = write(tmp_path, {"text": "a"}, {"text": "b"})
    before = opened(tmp_path).facts()
    assert before == {"file": "answers.jsonl", "rows": 2, "content": content_hash(text)}
    write(tmp_path, {"text": "a"}, {"text": "c"})
    assert opened(tmp_path).facts()["content"] != before["content"]


@pytest.mark.parametrize("delay", [-1, "1", float("nan"), float("inf"), None])
def test_a_delay_that_is_no_duration_is_refused(tmp_path: Path, delay: Any) -> None:
    write(tmp_path, {"text": "a"})
    with pytest.raises(BenchwarrantError, match="'delay' must be seconds"):
        opened(tmp_path, delay=delay)


def test_each_answer_waits_for_the_delay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("inference.replay.time.sleep", slept.append)
    write(tmp_path, {"text": "a"})
    assert len(list(opened(tmp_path, delay=0.25).generate([chat("q")] * 3, Sampling()))) == 3
    assert slept == [0.25] * 3


def test_unknown_settings_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"text": "a"})
    with pytest.raises(BenchwarrantError, match=r"replay: run: unknown key 'dely'.*'delay'"):
        opened(tmp_path, dely=1)
    spec = EngineSpec("replay", "answers.jsonl", options={"warmth": 1})
    with pytest.raises(BenchwarrantError, match="replay: options: unknown key 'warmth'"):
        open_engine(spec, {"base_dir": tmp_path})


def test_a_function_answers_with_a_text_or_a_completion() -> None:
    def answer(chat: Chat, sampling: Sampling) -> str | Completion:
        question = chat[-1].content
        if question == "long":
            return Completion(99, None, "too_long", completion_tokens=0)
        return f"{question} with seed {sampling.seed}"

    engine = ReplayEngine.from_function(answer, model="double")
    got = list(engine.generate([chat("a"), chat("long")], Sampling(seed=3)))
    assert engine.spec == EngineSpec("replay", "double")
    assert [(c.index, c.text, c.finish) for c in got] == [
        (0, "a with seed 3", "stop"),
        (1, None, "too_long"),
    ]
    assert got[1].completion_tokens == 0
    assert engine.facts()["function"].endswith("answer")


def test_an_exception_in_the_function_is_an_accident_after_what_was_answered() -> None:
    def answer(chat: Chat, sampling: Sampling) -> str:
        if chat[-1].content == "boom":
            raise ConnectionError("gone")
        return "fine"

    answers = ReplayEngine.from_function(answer).generate([chat("a"), chat("boom")], Sampling())
    assert next(answers).text == "fine"
    with pytest.raises(ConnectionError):
        next(answers)
