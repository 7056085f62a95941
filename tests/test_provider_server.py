"""The provider server as both official SDKs and the engines see it: answers, faults and bills."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anthropic
import openai
import pytest
from provider_server import Faults, Server, start
from pydantic import BaseModel
from quick_server import KEY, chats, until

from inference.anthropic_api import AnthropicEngine
from inference.engine import EngineSpec, Sampling
from inference.label_scores import read_top
from inference.openai_api import OpenAIEngine
from judges.structured import read_json, verdict_schema

LABELS = ("correct", "incorrect")
SCHEMA = verdict_schema(LABELS)
HERE = Path(__file__).parent


class Judged(BaseModel):
    reason: str
    verdict: Literal["correct", "incorrect"]


@dataclass
class Asker:
    """One provider's SDK, asked as a judge asks."""

    sdk: Any
    is_openai: bool

    def ask(self, question: str, json_wanted: bool = False, **more: Any) -> Any:
        body: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": turns(question)}
        if self.is_openai:
            if json_wanted:
                named = {"name": "verdict", "strict": True, "schema": SCHEMA}
                body["response_format"] = {"type": "json_schema", "json_schema": named}
            return self.sdk.chat.completions.create(**body | more)
        if json_wanted:
            body["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        return self.sdk.messages.create(**body | more)

    def text(self, answer: Any) -> str:
        return answer.choices[0].message.content if self.is_openai else answer.content[0].text

    def refusal(self, answer: Any) -> str | None:
        if self.is_openai:
            return answer.choices[0].message.refusal
        return answer.stop_details.explanation if answer.stop_reason == "refusal" else None


def turns(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}]


def _asker(name: str, server: Server, **more: Any) -> Asker:
    if name == "openai":
        return Asker(openai.OpenAI(base_url=server.openai, api_key=KEY, **more), True)
    return Asker(anthropic.Anthropic(base_url=server.anthropic, api_key=KEY, **more), False)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start() as server:
        yield server


@pytest.fixture(scope="module", params=["openai", "anthropic"])
def asker(request: pytest.FixtureRequest, server: Server) -> Iterator[Asker]:
    asker = _asker(request.param, server, max_retries=0)
    yield asker
    asker.sdk.close()


@pytest.fixture(autouse=True)
def _no_faults_are_left(server: Server) -> Iterator[None]:
    yield
    server.change(faults=Faults())


# Answers


def test_the_last_line_is_a_verdict_that_follows_from_the_question(asker: Asker) -> None:
    said = {n: asker.text(asker.ask(f"question {n}")).splitlines()[-1] for n in range(12)}
    assert set(said.values()) == {"Verdict: correct", "Verdict: incorrect"}
    again = {n: asker.text(asker.ask(f"question {n}")).splitlines()[-1] for n in range(12)}
    assert again == said


def test_the_same_request_takes_the_same_tokens(asker: Asker) -> None:
    first, second = (asker.ask("what? " * 40).usage.model_dump() for _ in range(2))
    assert first == second
    spent = first["completion_tokens" if asker.is_openai else "output_tokens"]
    assert 5 <= spent <= 40
    assert first["prompt_tokens" if asker.is_openai else "input_tokens"] == 60  # 240 letters
    brief = asker.ask("what? " * 40, max_tokens=3).usage.model_dump()
    assert brief["completion_tokens" if asker.is_openai else "output_tokens"] == 3


def test_the_verdict_in_json_is_the_one_in_words(asker: Asker) -> None:
    for n in range(6):
        found = read_json(asker.text(asker.ask(f"question {n}", json_wanted=True)), LABELS)
        assert asker.text(asker.ask(f"question {n}")).endswith(f"Verdict: {found.value}")


def test_the_sdks_parse_what_their_own_schemas_ask_for(server: Server) -> None:
    with openai.OpenAI(base_url=server.openai, api_key=KEY) as sdk:
        parsed = sdk.chat.completions.parse(
            model="m", messages=turns("question"), response_format=Judged
        )
        assert isinstance(parsed.choices[0].message.parsed, Judged)
    with anthropic.Anthropic(base_url=server.anthropic, api_key=KEY) as sdk:
        message = sdk.messages.parse(
            model="m", max_tokens=50, messages=turns("question"), output_format=Judged
        )
        assert isinstance(message.parsed_output, Judged)


@pytest.mark.parametrize("asker", ["anthropic"], indirect=True)
def test_a_tool_that_has_to_be_called_is_called(asker: Asker) -> None:
    tool = {"name": "give_verdict", "description": "Give it.", "input_schema": SCHEMA}
    choice = {"type": "tool", "name": "give_verdict"}
    answer = asker.ask("question", tools=[tool], tool_choice=choice)
    assert answer.stop_reason == "tool_use"
    assert answer.content[0].name == "give_verdict"
    assert Judged(**answer.content[0].input).verdict in asker.text(asker.ask("question"))
    with pytest.raises(anthropic.BadRequestError, match="other"):
        asker.ask("question", tools=[tool], tool_choice={"type": "tool", "name": "other"})


@pytest.mark.parametrize("asker", ["openai"], indirect=True)
def test_the_first_token_has_its_chances_told(asker: Asker) -> None:
    for n in range(6):
        answer = asker.ask(f"question {n}", logprobs=True, top_logprobs=20).model_dump()
        found = read_top(answer, LABELS)
        assert found is not None and found.logprobs is not None
        likely = LABELS[found.logprobs.index(max(found.logprobs))]
        assert asker.text(asker.ask(f"question {n}")).endswith(f"Verdict: {likely}")
    [told] = asker.ask("question", logprobs=True, top_logprobs=2).choices[0].logprobs.content
    assert len(told.top_logprobs) == 2


@pytest.mark.parametrize("asker", ["anthropic"], indirect=True)
def test_what_is_marked_is_written_to_the_cache_or_read_from_it(asker: Asker) -> None:
    def took(question: str, **control: str) -> Any:
        block = {"type": "text", "text": "x" * 400, "cache_control": control}
        return asker.ask(question, system=[block]).usage

    usages = [took(f"question {n}", type="ephemeral") for n in range(12)]
    kinds = {(u.cache_creation_input_tokens, u.cache_read_input_tokens) for u in usages}
    assert kinds == {(100, 0), (0, 100)}
    assert {u.input_tokens for u in usages} == {2}  # the question's alone
    hours = [took(f"question {n}", type="ephemeral", ttl="1h") for n in range(12)]
    assert {u.cache_creation.ephemeral_1h_input_tokens for u in hours} == {0, 100}
    plain = asker.ask("question").usage
    assert plain.cache_creation_input_tokens == plain.cache_read_input_tokens == 0


@pytest.mark.parametrize("asker", ["openai"], indirect=True)
def test_some_of_what_is_asked_comes_from_the_cache(asker: Asker) -> None:
    usages = [asker.ask(f"question {n}").usage for n in range(12)]
    assert {u.prompt_tokens_details.cached_tokens for u in usages} == {0, 1}
    assert all(u.prompt_tokens == 2 for u in usages)


def test_what_no_provider_would_answer_is_refused(asker: Asker) -> None:
    for wrong in ({"messages": []}, {"stream": True}, {"messages": ["?"]}):
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)):
            asker.ask("question", **wrong)


# Faults


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("too_many", "RateLimitError"),
        ("broken", "InternalServerError"),
        ("cut", "APIConnectionError"),
        ("garbled", "JSONDecodeError"),
        ("invalid", "BadRequestError"),
        ("unauthorised", "AuthenticationError"),
    ],
)
def test_a_fault_is_what_its_name_says(
    asker: Asker, server: Server, fault: str, error: str
) -> None:
    server.change(faults=Faults(**{fault: 1.0}))
    with pytest.raises((openai.OpenAIError, anthropic.AnthropicError, ValueError)) as raised:
        asker.ask("question")
    assert type(raised.value).__name__ == error
    if fault == "too_many":
        assert raised.value.response.headers["retry-after-ms"] == "20"  # type: ignore[attr-defined]
    assert (KEY in str(raised.value)) is (fault == "unauthorised")


def test_an_answer_that_breaks_off_or_is_refused(asker: Asker, server: Server) -> None:
    server.change(faults=Faults(misshapen=1.0))
    assert read_json(asker.text(asker.ask("question", json_wanted=True)), LABELS).value is None
    assert "Verdict" not in asker.text(asker.ask("question"))
    if asker.is_openai:
        found = read_top(asker.ask("?", logprobs=True, top_logprobs=20).model_dump(), LABELS)
        assert found is not None and found.logprobs == (float("-inf"),) * 2
    server.change(faults=Faults(refused=1.0))
    assert asker.refusal(asker.ask("question", json_wanted=True))


@pytest.mark.parametrize("fault", ["too_many", "broken", "invalid", "garbled"])
def test_the_key_is_repeated_where_that_is_asked_for(
    asker: Asker, server: Server, fault: str
) -> None:
    server.change(faults=Faults(**{fault: 1.0}, echo_key=True))
    with pytest.raises((openai.OpenAIError, anthropic.AnthropicError, ValueError)) as raised:
        asker.ask("question")
    assert KEY in str(getattr(raised.value, "doc", raised.value))


def test_a_seed_repeats_the_faults() -> None:
    def seen(seed: int) -> list[str]:
        with (
            start(faults=Faults(too_many=0.3, invalid=0.3), seed=seed) as server,
            openai.OpenAI(base_url=server.openai, api_key=KEY, max_retries=0) as sdk,
        ):
            return [_outcome(lambda: Asker(sdk, True).ask("?")) for _ in range(30)]

    first = seen(7)
    assert first == seen(7) != seen(8)
    assert set(first) == {"fine", "RateLimitError", "BadRequestError"}


def _outcome(ask: Callable[[], Any]) -> str:
    try:
        ask()
    except openai.OpenAIError as error:
        return type(error).__name__
    return "fine"


@pytest.mark.parametrize("engine", [OpenAIEngine, AnthropicEngine])
def test_an_engine_gets_every_answer_in_the_end(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    faults = Faults(too_many=0.1, broken=0.03, cut=0.03, garbled=0.03)
    with start(delay=0.01, faults=faults, seed=5) as server:
        name = "openai" if engine is OpenAIEngine else "anthropic"
        run = {"base_url": getattr(server, name), "api_key_env": "TEST_KEY", "concurrency": 40}
        asking = engine(EngineSpec(name, "m"), run)
        asked = chats(*(f"question {n}" for n in range(100)))
        got = list(asking.generate(asked, Sampling()))
        asking.close()
        counts = server.counts()
    assert sorted(one.index for one in got) == list(range(100))
    assert all(one.error is None for one in got)
    outcomes = {"ok": 100, "too_many": 10, "broken": 1, "cut": 3, "garbled": 1}
    assert counts["outcomes"] == outcomes  # by the seed, whatever the order
    assert counts["paid_twice"] == outcomes["cut"] + outcomes["garbled"]


# Counts


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_what_is_billed_is_counted(name: str) -> None:
    with start() as server, _asker(name, server, max_retries=1).sdk as sdk:
        asker = Asker(sdk, name == "openai")
        usages = [asker.ask(f"question {n}").usage for n in (0, 1, 2, 3, 4, 5, 0)]
        server.change(faults=Faults(too_many=1.0))
        with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
            asker.ask("question 6")
        counts = server.counts()
    if asker.is_openai:
        output = sum(u.completion_tokens for u in usages)
        cached = sum(u.prompt_tokens_details.cached_tokens for u in usages)
        took = sum(u.prompt_tokens for u in usages) - cached
    else:
        output, cached = sum(u.output_tokens for u in usages), 0
        took = sum(u.input_tokens for u in usages)
    tokens = {"input": took, "cached": cached, "written": 0, "written_1h": 0, "output": output}
    assert counts["tokens"] == tokens
    assert counts["outcomes"] == {"ok": 7, "too_many": 2}
    assert (counts["requests"], counts["billed"], counts["paid_twice"]) == (9, 7, 1)


def test_what_is_cut_or_garbled_is_paid_again(asker: Asker, server: Server) -> None:
    before = server.counts()
    for fault in ("cut", "garbled", "refused"):
        server.change(faults=Faults(**{fault: 1.0}))
        for _ in range(2):
            try:
                asker.ask(f"a question {fault}")
            except (openai.OpenAIError, anthropic.AnthropicError, ValueError):
                assert fault != "refused"
    after = server.counts()
    assert after["billed"] - before["billed"] == 6
    assert after["paid_twice"] - before["paid_twice"] == 3


def test_requests_under_way_are_counted() -> None:
    with (
        start(delay=0.1) as server,
        openai.OpenAI(base_url=server.openai, api_key=KEY) as sdk,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda n: Asker(sdk, True).ask(f"question {n}"), range(16)))
        assert server.counts()["most_at_once"] == 8


# Its life


def test_an_answer_is_billed_though_the_client_has_gone() -> None:
    with start(delay=0.05) as server:
        body = json.dumps({"model": "m", "messages": turns("question")})
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"{head}\r\n\r\n{body}".encode())
        until(lambda: server.counts()["billed"] == 1)
        time.sleep(0.1)
        assert server.counts()["billed"] == 1


def test_it_ends_with_its_block_and_before() -> None:
    with start() as server:
        server.stop()
        with pytest.raises(ConnectionError):
            server.counts()
    with start() as server:
        assert server.counts()["requests"] == 0
    with pytest.raises(ConnectionError):
        server.counts()


def test_it_ends_with_the_process_that_started_it() -> None:
    code = (
        "import os, signal\n"
        "from provider_server import start\n"
        "with start() as server:\n"
        "    print(server.port, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True)
    server = Server(int(done.stdout), lambda: None)

    def gone() -> bool:
        try:
            server.counts()
        except ConnectionError:
            return True
        return False

    until(gone)


def test_a_person_can_start_it() -> None:
    command = [sys.executable, "provider_server.py", "--delay", "0", "--faults", '{"invalid": 1}']
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) as process:
        killed = threading.Timer(20, process.kill)
        killed.start()
        assert process.stdout
        address = process.stdout.readline().strip()
        with openai.OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0) as sdk:
            assert _outcome(lambda: Asker(sdk, True).ask("?")) == "BadRequestError"
        killed.cancel()
        process.terminate()
