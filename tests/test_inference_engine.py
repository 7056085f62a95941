"""The contract that every engine of ENGINES keeps; a new engine adds a line to MAKERS."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from inference.engine import (
    ENGINES,
    SCORING,
    STRUCTURED,
    Chat,
    Engine,
    EngineSpec,
    Message,
    Sampling,
    open_engine,
)
from samples.errors import BenchwarrantError
from samples.records import FINISHES
from samples.registry import find

CONTEXT = 512  # of the tiny model, and of the pretended server
Made = tuple[EngineSpec, dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Made]]:
    """What an engine is opened with, made once."""
    folder = tmp_path_factory.mktemp("engines")
    known: dict[str, Made] = {}
    with HTTPServer(threaded=True) as server:

        def make(name: str) -> Made:
            if name not in known:
                known[name] = MAKERS[name](folder, server)
            return known[name]

        yield make


def make_hf(folder: Path, server: HTTPServer) -> Made:
    from tiny_model import build_tiny_model

    return EngineSpec("hf", str(build_tiny_model(folder))), {"device": "cpu", "batch_size": 4}


def make_replay(folder: Path, server: HTTPServer) -> Made:
    (folder / "answers.jsonl").write_text('{"text": "four"}\n', encoding="utf-8")
    return EngineSpec("replay", "answers.jsonl"), {"base_dir": str(folder)}


def make_openai(folder: Path, server: HTTPServer) -> Made:
    def complete(request: Request) -> Response:
        body = request.get_json()
        if len(body["messages"][-1]["content"]) > CONTEXT:
            error = {"message": "too many tokens", "code": "context_length_exceeded"}
            return Response(json.dumps({"error": error}), 400, content_type="application/json")
        choice = {"message": {"role": "assistant", "content": "four"}, "finish_reason": "stop"}
        answer = {"model": body["model"], "choices": [choice]}
        return Response(json.dumps(answer), content_type="application/json")

    server.expect_request("/v1/chat/completions", "POST").respond_with_handler(complete)
    return EngineSpec("openai", "tiny"), {"base_url": server.url_for("/v1")}


def make_anthropic(folder: Path, server: HTTPServer) -> Made:
    def complete(request: Request) -> Response:
        body = request.get_json()
        if len(body["messages"][-1]["content"]) > CONTEXT:
            error = {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens"}
            return Response(json.dumps({"error": error}), 400, content_type="application/json")
        blocks = [{"type": "text", "text": "four"}]
        answer = {"model": body["model"], "content": blocks, "stop_reason": "end_turn"}
        return Response(json.dumps(answer), content_type="application/json")

    server.expect_request("/v1/messages", "POST").respond_with_handler(complete)
    return EngineSpec("anthropic", "tiny"), {"base_url": server.url_for("/v1")}


def make_served(folder: Path, server: HTTPServer) -> Made:
    pytest.importorskip("xllamacpp", reason="pip install xllamacpp")
    options = {"server": "llama.cpp", "context": CONTEXT}
    return EngineSpec("served", "embedded:smollm2-135m", options=options), {"concurrency": 4}


MAKERS: dict[str, Callable[[Path, HTTPServer], Made]] = {
    "anthropic": make_anthropic,
    "cluster": make_replay,  # any engine, on a cluster of this machine
    "hf": make_hf,
    "openai": make_openai,
    "replay": make_replay,
    "served": make_served,
}
SLOW = {"cluster", "hf", "served"}  # start processes, or load a model


def test_every_engine_is_held_to_the_contract() -> None:
    assert set(MAKERS) == {*ENGINES, "cluster"}


def test_what_an_engine_can_is_listed_as_it_is() -> None:
    kinds = {name: find("engine", name, ENGINES) for name in ENGINES}
    assert set(STRUCTURED) == {name for name in kinds if hasattr(kinds[name], "generate_json")}
    assert set(SCORING) == {name for name in kinds if hasattr(kinds[name], "score")}


def opened(name: str, spec: EngineSpec, run: dict[str, Any]) -> Engine:
    if name != "cluster":
        return open_engine(spec, run)
    pytest.importorskip("ray", reason="pip install ray")
    from inference.cluster import open_cluster

    return open_cluster(spec, {**run, "cluster": {"workers": 1}}, "auto")


@pytest.fixture(
    params=[pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in sorted(MAKERS)]
)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(name: str, made: Callable[[str], Made]) -> Iterator[Engine]:
    spec, run = made(name)
    engine = opened(name, spec, run)
    yield engine
    engine.close()


def ask(*questions: str) -> list[Chat]:
    return [(Message("system", "Be brief."), Message("user", text)) for text in questions]


SHORT = Sampling(max_tokens=4)


def test_every_chat_gets_one_completion_with_its_index(engine: Engine) -> None:
    questions = [f"What is {n} and {'one and ' * (n % 5)}one?" for n in range(11)]
    got = list(engine.generate(ask(*questions), SHORT))
    assert sorted(c.index for c in got) == list(range(11))
    for completion in got:
        assert completion.finish in ("stop", "length")
        assert isinstance(completion.text, str)
        assert completion.error is None
        assert completion.prompt and questions[completion.index] in completion.prompt
        assert completion.seconds is None or completion.seconds >= 0


def test_no_chats_give_nothing(engine: Engine) -> None:
    assert list(engine.generate([], SHORT)) == []


def test_the_same_engine_answers_again_and_alike(engine: Engine) -> None:
    """Temperature 0 is greedy, and a second call starts afresh."""
    first, second = ({c.index: c.text for c in engine.generate(ask("a", "b"), SHORT)} for _ in "12")
    assert first == second


def test_what_does_not_fit_is_never_cut(engine: Engine) -> None:
    fits, huge = "Hi", "word " * (2 * CONTEXT)
    got = {c.index: c for c in engine.generate(ask(fits, huge), SHORT)}
    assert got[0].finish in ("stop", "length")
    if engine.spec.engine == "replay":  # has no context: it answers
        assert got[1].finish == "stop"
    else:
        assert (got[1].finish, got[1].text) == ("too_long", None)
    assert got[1].finish in FINISHES and huge in (got[1].prompt or "")


def test_leaving_after_the_first_answer_does_no_harm(engine: Engine) -> None:
    answers = engine.generate(ask("a", "b", "c", "d", "e", "f"), SHORT)
    next(answers)
    del answers
    assert len(list(engine.generate(ask("a", "b"), SHORT))) == 2


def test_facts_are_plain_json_before_and_after_work(engine: Engine) -> None:
    before = engine.facts()
    list(engine.generate(ask("a"), SHORT))
    for facts in (before, engine.facts()):
        assert facts and json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_closing_twice_is_harmless(engine: Engine) -> None:
    engine.close()
    engine.close()


def test_an_unknown_option_is_refused_in_one_line(name: str, made: Callable[[str], Made]) -> None:
    spec, run = made(name)
    spec = EngineSpec(spec.engine, spec.model, options={**spec.options, "no_such_option": 1})
    with pytest.raises(BenchwarrantError) as caught:
        opened(name, spec, run)
    assert "no_such_option" in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_run_setting_is_refused_in_one_line(
    name: str, made: Callable[[str], Made]
) -> None:
    spec, run = made(name)
    with pytest.raises(BenchwarrantError) as caught:
        opened(name, spec, {**run, "no_such_setting": 1})
    assert "no_such_setting" in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_engine_is_refused_with_a_hint() -> None:
    with pytest.raises(BenchwarrantError, match="unknown engine 'replai'; did you mean 'replay'"):
        open_engine(EngineSpec("replai", "x"), {})
