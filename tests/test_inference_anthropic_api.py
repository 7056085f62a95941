"""The Anthropic engine against a real server on the loopback: what it sends, retries and reports.

The loop that asks, keys and pauses have tests of their own, in those of requests and endpoint.
"""

import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import anthropic
import pytest
from pytest_httpserver import HTTPServer
from quick_server import KEY, SOON, Handler, QuickServer, chats, failing, until
from werkzeug import Request, Response

from inference import anthropic_api
from inference.anthropic_api import TAKES_SAMPLING, AnthropicEngine
from inference.engine import Chat, EngineSpec, Message, Sampling
from samples.errors import BenchwarrantError

Connect = Callable[..., AnthropicEngine]


def question(request: Request) -> str:
    return str(request.get_json()["messages"][-1]["content"])


def answer(text: str, stop_reason: Any = "end_turn", **more: Any) -> Response:
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "tiny-2026-01-01",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7},
        **more,
    }
    return Response(json.dumps(body), content_type="application/json")


def echo(request: Request) -> Response:
    return answer("re: " + question(request))


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"type": "error", "error": {"type": "some_error", "message": message}}
    return Response(json.dumps(body), status, headers, content_type="application/json")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with QuickServer(threaded=True) as server:
        yield server


@pytest.fixture
def connect(server: HTTPServer) -> Iterator[Connect]:
    """Have a function answer the requests, and connect an engine to it."""
    opened: list[AnthropicEngine] = []

    def connect(
        handler: Handler, options: dict[str, Any] | None = None, model: str = "tiny", **run: Any
    ) -> AnthropicEngine:
        server.expect_request("/v1/messages", "POST").respond_with_handler(handler)
        spec = EngineSpec("anthropic", model, options=options or {})
        settings = {"base_url": server.url_for("/v1"), "api_key_env": "TEST_KEY", **run}
        opened.append(AnthropicEngine(spec, settings))
        return opened[-1]

    yield connect
    for engine in opened:
        engine.close()
    server.check_handler_errors()


# What is sent and what comes back


def test_every_chat_gets_its_own_answer(connect: Connect) -> None:
    engine = connect(echo)
    got = {c.index: c for c in engine.generate(chats("a", "b", "c"), Sampling())}
    assert {i: c.text for i, c in got.items()} == {0: "re: a", 1: "re: b", 2: "re: c"}
    first = got[0]
    assert (first.finish, first.prompt_tokens, first.completion_tokens) == ("stop", 11, 7)
    assert first.prompt == '[{"content":"a","role":"user"}]'
    assert first.seconds is not None and first.seconds > 0
    assert first.error is None


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_the_address_may_be_that_of_an_openai_client(
    connect: Connect, server: HTTPServer, path: str
) -> None:
    engine = connect(echo, base_url=f"http://localhost:{server.port}{path}")
    assert [c.text for c in engine.generate(chats("a"), Sampling())] == ["re: a"]


@pytest.mark.parametrize(
    ("sampling", "sent"),
    [
        (Sampling(), {"temperature": 0.0, "max_tokens": 512}),
        (Sampling(top_p=0.5, seed=3), {"temperature": 0.0, "max_tokens": 512}),
        (
            Sampling(temperature=1.0, top_p=0.9, max_tokens=5, stop=("\n\nQ:",)),
            {"temperature": 1.0, "top_p": 0.9, "max_tokens": 5, "stop_sequences": ["\n\nQ:"]},
        ),
    ],
)
def test_only_what_has_an_effect_is_sent(
    connect: Connect, server: HTTPServer, sampling: Sampling, sent: dict[str, Any]
) -> None:
    engine = connect(echo)
    list(engine.generate(chats("a"), sampling))
    body = server.log[0][0].get_json()
    assert body == {"model": "tiny", "messages": [{"role": "user", "content": "a"}], **sent}
    assert engine.facts()["sent"] == [{"model": "tiny", **sent}]
    assert engine.facts()["not_sent"] == ["seed"]


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("claude-3-5-haiku-20241022", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-sonnet-4@20250514", True),
        ("claude-opus-4-1-20250805", True),
        ("claude-haiku-4-5", True),
        ("claude-haiku-4-5-20251001", True),
        ("claude-opus-4-6", True),
        ("anthropic.claude-sonnet-4-6-v1:0", True),
        ("claude-opus-4-7", False),
        ("claude-opus-4-8", False),
        ("claude-opus-4-10", False),
        ("claude-opus-5", False),
        ("claude-sonnet-5-5", False),
        ("claude-haiku-5-5", False),
        ("claude-fable-5-2", False),
        ("claude-mythos-preview", False),
        ("qwen3-0.6b", True),
    ],
)
def test_sampling_arguments_go_to_the_models_that_take_them(model: str, takes: bool) -> None:
    assert bool(TAKES_SAMPLING.match(model)) == takes


def test_a_model_that_takes_no_sampling_arguments_gets_none(
    connect: Connect, server: HTTPServer
) -> None:
    engine = connect(echo, model="claude-opus-5-5")
    list(engine.generate(chats("a"), Sampling(temperature=0.7, top_p=0.5, seed=3)))
    [(request, _)] = server.log
    assert set(request.get_json()) == {"model", "messages", "max_tokens"}
    assert engine.facts()["not_sent"] == ["seed", "temperature", "top_p"]
    assert request.headers["anthropic-version"] == "2026-10-21"  # that of the client


def test_sampling_arguments_need_the_older_version_of_the_api(
    connect: Connect, server: HTTPServer
) -> None:
    engine = connect(echo, {"send": ["temperature"]}, model="claude-opus-5-5")
    list(engine.generate(chats("a"), Sampling(temperature=0.7, top_p=0.5)))
    [(request, _)] = server.log
    assert request.get_json()["temperature"] == 0.7 and "top_p" not in request.get_json()
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert engine.facts()["not_sent"] == ["seed", "top_p"]


@pytest.mark.parametrize(
    "thinking",
    [{"type": "adaptive"}, {"type": "disabled"}, {"type": "enabled", "budget_tokens": 2048}],
)
def test_thinking_is_asked_for_and_kept_out_of_the_answer(
    connect: Connect, server: HTTPServer, thinking: dict[str, Any]
) -> None:
    blocks = [
        {"type": "thinking", "thinking": "Is it b?", "signature": "x"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "a."},
    ]
    usage = {"input_tokens": 1, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 6}}
    engine = connect(lambda r: answer("", content=blocks, usage=usage), {"thinking": thinking})
    [got] = engine.generate(chats("a or b?"), Sampling(max_tokens=4000))
    body = server.log[0][0].get_json()
    assert body["thinking"] == thinking
    assert ("temperature" in body) == (thinking["type"] == "disabled")
    assert (got.text, got.completion_tokens) == ("It is a.", 9)
    assert engine.facts()["usage"]["thinking_tokens"] == 6


def test_options_reach_the_server(connect: Connect, server: HTTPServer) -> None:
    schema = {"type": "json_schema", "schema": {"type": "object", "properties": {}}}
    options = {
        "output_config": {"format": schema, "effort": "low"},
        "extra_body": {"top_k": 5, "temperature": 1},
        "system": "Be brief.",
    }
    engine = connect(echo, options)
    [got] = engine.generate(
        [(Message("system", "In French."), Message("user", "a"))], Sampling(max_tokens=9)
    )
    body = server.log[0][0].get_json()
    assert body["output_config"] == options["output_config"]
    assert (body["max_tokens"], body["top_k"], body["temperature"]) == (9, 5, 1)
    assert body["system"][0]["text"] == "Be brief.\n\nIn French."
    assert [m["role"] for m in body["messages"]] == ["user"]
    assert json.loads(got.prompt or "") == [
        {"role": "system", "content": "Be brief.\n\nIn French."},
        {"role": "user", "content": "a"},
    ]
    assert "system" not in engine.facts()["sent"][0]


@pytest.mark.parametrize(
    ("reply", "finish", "text", "said"),
    [
        (answer("a", "stop_sequence"), "stop", "a", None),
        (answer("half a sent", "max_tokens"), "length", "half a sent", None),
        (answer("", "max_tokens", content=[]), "length", "", None),
        (answer("bad w", "refusal"), "error", "bad w", "refused: no reason given"),
        (answer("", "refusal", stop_details="no"), "error", "", "refused: no reason given"),
        (answer("a", stop_reason=["odd"]), "error", "a", "ended with stop_reason ['odd']"),
        (
            answer("", "refusal", stop_details={"type": "refusal", "category": "cyber"}),
            "error",
            "",
            "refused: cyber",
        ),
        (
            answer("", "refusal", stop_details={"category": "bio", "explanation": "No labs."}),
            "error",
            "",
            "refused: No labs.",
        ),
        (
            answer("half", "model_context_window_exceeded"),
            "too_long",
            None,
            "the context was full before the answer ended",
        ),
        (answer("a", "tool_use"), "error", "a", "ended with stop_reason 'tool_use'"),
        (answer("a", "pause_turn"), "error", "a", "ended with stop_reason 'pause_turn'"),
    ],
)
def test_how_an_answer_ended_is_kept(
    connect: Connect, reply: Response, finish: str, text: str | None, said: str | None
) -> None:
    [got] = connect(lambda request: reply).generate(chats("a"), Sampling())
    assert (got.finish, got.text, got.error) == (finish, text, said)


def test_facts_say_who_answered_and_what_it_took(connect: Connect, server: HTTPServer) -> None:
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 3000,
        "output_tokens": 4,
        "service_tier": "standard",
    }
    engine = connect(lambda request: answer("a", usage=usage))
    got = list(engine.generate(chats("a", "b"), Sampling()))
    assert [(c.prompt_tokens, c.completion_tokens) for c in got] == [(3210, 4), (3210, 4)]
    assert engine.facts() == {
        "anthropic": anthropic.__version__,
        "host": f"localhost:{server.port}",
        "served": ["tiny-2026-01-01"],
        "sent": [{"model": "tiny", "max_tokens": 512, "temperature": 0.0}],
        "not_sent": ["seed"],
        "cache": "5m",
        "usage": {
            "input_tokens": 20,
            "cache_creation_input_tokens": 400,
            "cache_read_input_tokens": 6000,
            "output_tokens": 8,
        },
    }


# The prompt cache


def shots(*replies: str, system: str = "") -> list[Message]:
    turns = [Message("system", system)] if system else []
    for reply in replies:
        turns += [Message("user", f"Why {reply}?"), Message("assistant", reply)]
    return turns


MARK = {"type": "ephemeral"}


def test_the_end_of_what_comes_before_the_question_is_marked(
    connect: Connect, server: HTTPServer
) -> None:
    asked: Chat = (*shots("one", "two", system="Be brief."), Message("user", "a"))
    list(connect(echo).generate([asked], Sampling()))
    body = server.log[0][0].get_json()
    assert body["system"] == "Be brief."  # the one mark covers it, too
    assert body["messages"] == [
        {"role": "user", "content": "Why one?"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "Why two?"},
        {"role": "assistant", "content": [{"type": "text", "text": "two", "cache_control": MARK}]},
        {"role": "user", "content": "a"},
    ]


@pytest.mark.parametrize(
    ("chat", "cache", "marked"),
    [
        ((Message("user", "a"),), "5m", []),
        ((Message("system", "s"), Message("user", "a")), "5m", ["s"]),
        ((*shots("one"), Message("user", "a"), Message("assistant", "It is")), "5m", ["one"]),
        ((*shots(""), Message("user", "a")), "5m", []),  # an empty block cannot be marked
        ((*shots("one"), Message("user", "a")), "1h", ["one"]),
        ((*shots("one", system="s"), Message("user", "a")), "off", []),
    ],
)
def test_what_is_marked(
    connect: Connect, server: HTTPServer, chat: Chat, cache: str, marked: list[str]
) -> None:
    list(connect(lambda request: answer("a"), cache=cache).generate([chat], Sampling()))
    body = server.log[0][0].get_json()
    contents = [body.get("system", ""), *(message["content"] for message in body["messages"])]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    assert [block["text"] for block in blocks] == marked
    control = MARK if cache == "5m" else {"type": "ephemeral", "ttl": "1h"}
    assert all(block["cache_control"] == control for block in blocks)


LONG = [Message("user", 1000 * "x "), Message("assistant", "yes")]


def at_once(connect: Connect, before: list[Message], **run: Any) -> list[str]:
    """Which questions of eight came before the first was answered, which took a moment."""
    lock, came, early = threading.Lock(), [], []

    def handler(request: Request) -> Response:
        with lock:
            came.append(question(request))
            first = len(came) == 1
        if first:
            time.sleep(0.3)
            early.extend(came)
        return echo(request)

    asked = [(*before, Message("user", q)) for q in "abcdefgh"]
    got = list(connect(handler, concurrency=8, **run).generate(asked, Sampling()))
    assert sorted(c.index for c in got) == list(range(8))
    return early


def test_one_request_writes_the_cache_and_then_the_others_read_it(connect: Connect) -> None:
    assert len(at_once(connect, LONG)) == 1


def test_nothing_waits_where_nothing_is_cached(connect: Connect) -> None:
    assert len(at_once(connect, [])) == 8


def test_nothing_waits_for_a_cache_that_is_off(connect: Connect) -> None:
    assert len(at_once(connect, LONG, cache="off")) == 8


def test_the_others_do_not_wait_for_long(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anthropic_api, "HEAD_START", 0.05)
    assert len(at_once(connect, LONG)) == 8


def test_a_first_request_that_fails_holds_up_no_other(connect: Connect) -> None:
    def handler(request: Request) -> Response:
        return error(500, "boom") if question(request) == "a" else echo(request)

    asked = [(*LONG, Message("user", q)) for q in "abcd"]
    got = []
    with pytest.raises(BenchwarrantError, match="did not answer 1 request"):
        for completion in connect(handler, max_retries=0).generate(asked, Sampling()):
            got.append(completion.index)
    assert sorted(got) == [1, 2, 3]


# Outcomes: one row, while the others go on


@pytest.mark.parametrize(
    ("status", "message", "finish"),
    [
        (400, "messages: text content blocks must be non-empty", "error"),
        (400, "prompt is too long: 208310 tokens > 200000 maximum", "too_long"),
        (400, "input length and `max_tokens` exceed context limit: 9 + 9 > 10, …", "too_long"),
        (413, "Request exceeds the maximum size", "too_long"),
    ],
)
def test_a_refused_row_does_not_stop_the_others(
    connect: Connect, status: int, message: str, finish: str
) -> None:
    def handler(request: Request) -> Response:
        return error(status, message) if question(request) == "bad" else echo(request)

    got = {c.index: c for c in connect(handler).generate(chats("a", "bad", "c"), Sampling())}
    assert [got[i].finish for i in range(3)] == ["stop", finish, "stop"]
    assert (got[1].error, got[1].text) == (message, None)
    assert got[1].prompt == '[{"content":"bad","role":"user"}]'


# Accidents: retried, then reported after everything that was answered


@pytest.mark.parametrize("status", [408, 409, 429, 500, 529])
def test_a_passing_trouble_is_retried(connect: Connect, status: int) -> None:
    handler, seen = failing(2, lambda: error(status, "busy", SOON), echo)
    [got] = connect(handler).generate(chats("a"), Sampling())
    assert got.text == "re: a" and len(seen) == 3


def test_the_server_says_how_long_to_wait(connect: Connect) -> None:
    handler, seen = failing(1, lambda: error(429, "slow down", {"Retry-After": "1"}), echo)
    [got] = connect(handler).generate(chats("a"), Sampling())
    assert got.text == "re: a"
    assert seen[1] - seen[0] >= 1  # the SDK's own first pause is at most half a second


@pytest.mark.parametrize("pause", ["3600", "inf", formatdate(time.time() + 3700, usegmt=True)])
def test_a_long_pause_is_reported_and_not_slept_through(connect: Connect, pause: str) -> None:
    """The SDK alone would sleep it through."""
    handler, seen = failing(9, lambda: error(429, "come back", {"Retry-After": pause}), echo)
    with pytest.raises(BenchwarrantError, match=r"429: come back; asks to wait (3\d\d\d|inf) s"):
        list(connect(handler).generate(chats("a"), Sampling()))
    assert len(seen) == 1


def garbled() -> list[Response]:
    whole = answer("a").get_data()
    return [
        Response(whole[:40], content_type="application/json"),
        Response(whole[:40], headers={"Content-Length": "400"}, content_type="application/json"),
        Response("<html>Welcome</html>", content_type="text/html"),
        Response('{"type": "error"}', content_type="application/json"),
        answer("a", content=["a"]),
        answer("a", usage=7),
    ]


@pytest.mark.parametrize("number", range(6))
def test_half_an_answer_or_none_is_retried(connect: Connect, number: int) -> None:
    handler, seen = failing(1, lambda: garbled()[number], echo)
    [got] = connect(handler, max_retries=1).generate(chats("a"), Sampling())
    assert got.text == "re: a" and len(seen) == 2


def test_nobody_listens(connect: Connect, server: HTTPServer) -> None:
    engine = connect(echo, max_retries=0)
    server.stop()
    with pytest.raises(BenchwarrantError, match=f"localhost:{server.port} did not answer 2"):
        list(engine.generate(chats("a", "b"), Sampling()))


def test_a_server_that_takes_too_long(connect: Connect) -> None:
    released = threading.Event()

    def handler(request: Request) -> Response:
        released.wait(20)
        return echo(request)

    engine = connect(handler, max_retries=0, timeout=0.2)
    with pytest.raises(BenchwarrantError, match="did not answer 1 request"):
        list(engine.generate(chats("a"), Sampling()))
    released.set()


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (401, "no", "401: no key, or one that is not accepted); check the key in TEST_KEY"),
        (403, "no", "403: no); check the key in TEST_KEY"),
        (404, "model: nix", "404: model: nix); check base_url and model"),
        (
            400,
            "`temperature` and `top_p` cannot both be specified for this model",
            "400: `temperature` and `top_p` cannot both be specified for this model); check"
            " options: send",
        ),
        (
            400,
            "thinking.enabled.budget_tokens: too small",
            "400: thinking.enabled.budget_tokens: too small); check options: thinking",
        ),
        (
            400,
            "Your credit balance is too low",
            "400: Your credit balance is too low); check the account's credit and limits",
        ),
    ],
)
def test_what_every_row_would_meet_ends_the_run_at_once(
    connect: Connect, server: HTTPServer, status: int, message: str, said: str
) -> None:
    asked = chats(*(str(n) for n in range(200)))
    engine = connect(lambda request: error(status, message), concurrency=2)
    with pytest.raises(BenchwarrantError) as caught:
        list(engine.generate(asked, Sampling()))
    assert str(caught.value) == f"localhost:{server.port} refuses every request ({said}"
    assert len(server.log) < 10


def test_leaving_early_waits_for_no_server_and_leaves_no_thread(connect: Connect) -> None:
    released, ended = threading.Event(), threading.Event()

    def handler(request: Request) -> Response:
        if question(request) != "0":
            released.wait(20)
            ended.set()
        return echo(request)

    engine = connect(handler, concurrency=4)
    answers = engine.generate(chats(*(str(n) for n in range(100))), Sampling())
    assert next(answers).index == 0
    answers.close()  # type: ignore[attr-defined]
    until(lambda: not engine._requests._running)
    engine.close()
    assert not ended.is_set()  # the requests under way were dropped, not waited for
    assert "anthropic" not in [thread.name for thread in threading.enumerate()]
    released.set()


def test_the_pace_is_kept(connect: Connect) -> None:
    handler, seen = failing(0, lambda: answer("a"), echo)
    engine = connect(handler, requests_per_minute=600)  # ten a second
    assert len(list(engine.generate(chats(*"abcdef"), Sampling()))) == 6
    assert seen[-1] - seen[0] >= 0.4


# Keys and settings


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
def test_the_key_is_in_no_error_log_or_fact(
    connect: Connect, server: HTTPServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Even a server that repeats the key to us does not bring it out."""
    caplog.set_level(logging.DEBUG)

    def telltale(request: Request) -> Response:
        said = f"not with {request.headers['Authorization']}!"
        return Response(said) if status == 200 else error(status, said)

    engine = connect(telltale, max_retries=0)
    texts = [repr(engine), repr(engine.facts())]
    try:
        texts.extend(repr(c) for c in engine.generate(chats("a"), Sampling()))
    except BenchwarrantError as caught:
        texts += [str(caught), repr(caught), *traceback.format_exception(caught)]
    assert len(texts) > 2
    assert server.log[0][0].headers["Authorization"] == f"Bearer {KEY}"  # it was sent
    assert caplog.text
    assert "sk-secret" not in "".join(texts) + caplog.text


def test_the_key_for_anthropic_goes_to_no_other_server(
    connect: Connect, server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
    list(connect(echo, api_key_env=None).generate(chats("a"), Sampling()))
    headers = server.log[0][0].headers
    assert headers["Authorization"] == "Bearer none"
    assert KEY not in str(headers)


def test_anthropic_itself_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchwarrantError, match="set the environment variable ANTHROPIC_API_KEY"):
        AnthropicEngine(EngineSpec("anthropic", "m"), {})
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://elsewhere")  # the study file decides
    engine = AnthropicEngine(EngineSpec("anthropic", "m"), {})
    engine.close()
    assert engine.facts()["host"] == "api.anthropic.com"
    assert engine._clients[0].base_url.host == "api.anthropic.com"


@pytest.mark.parametrize(
    ("options", "run", "said"),
    [
        ({"sistem": "x"}, {}, "anthropic: options: 'sistem': unknown; did you mean 'system'?"),
        ({"send": ["seed"]}, {}, "options: 'send.0': Input should be 'temperature' or 'top_p'"),
        ({"thinking": True}, {}, "options: 'thinking': Input should be a valid dictionary"),
        ({}, {"cache": "2h"}, "run: 'cache': Input should be '5m', '1h' or 'off'"),
        ({}, {"tokens_per_minute": 0}, "'tokens_per_minute': Input should be greater than 0"),
        ({}, {"base_url": "http://me:hunter2@x"}, "base_url holds a password"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(
    options: dict[str, Any], run: dict[str, Any], said: str
) -> None:
    spec = EngineSpec("anthropic", "m", options=options)
    with pytest.raises(BenchwarrantError) as caught:
        AnthropicEngine(spec, {"api_key_env": "TEST_KEY", **run})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
