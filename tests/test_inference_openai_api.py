"""The OpenAI engine against a real server on the loopback: what it sends, retries and reports."""

import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

import openai
import pytest
from pytest_httpserver import HTTPServer
from quick_server import KEY, SOON, Handler, QuickServer, chats, failing, until
from werkzeug import Request, Response

from inference.engine import EngineSpec, Message, Sampling
from inference.openai_api import OpenAIEngine
from samples.errors import BenchwarrantError

Connect = Callable[..., OpenAIEngine]


def question(request: Request) -> str:
    return str(request.get_json()["messages"][-1]["content"])


def answer(text: str | None, finish: str | None = "stop", **message: Any) -> Response:
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny-2026-01-01",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text, **message},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
    return Response(json.dumps(body), content_type="application/json")


def echo(request: Request) -> Response:
    return answer("re: " + question(request))


def error(
    status: int, message: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    body = json.dumps({"error": {"message": message, **more}})
    return Response(body, status, headers, content_type="application/json")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with QuickServer(threaded=True) as server:
        yield server


@pytest.fixture
def connect(server: HTTPServer) -> Iterator[Callable[..., OpenAIEngine]]:
    """Have a function answer the requests, and connect an engine to it."""
    opened: list[OpenAIEngine] = []

    def connect(handler: Handler, options: dict[str, Any] | None = None, **run: Any) -> Any:
        server.expect_request("/v1/chat/completions", "POST").respond_with_handler(handler)
        spec = EngineSpec("openai", "tiny", options=options or {})
        settings = {"base_url": server.url_for("/v1"), "api_key_env": "TEST_KEY", **run}
        opened.append(OpenAIEngine(spec, settings))
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


def test_500_chats_are_each_answered_once(connect: Connect) -> None:
    def slowly(request: Request) -> Response:
        time.sleep(0.005)
        return echo(request)

    asked = chats(*(str(n) for n in range(500)))
    got = list(connect(slowly).generate(asked, Sampling()))
    assert sorted(c.index for c in got) == list(range(500))
    assert all(c.text == f"re: {c.index}" for c in got)


def test_answers_come_in_the_order_they_are_ready(connect: Connect) -> None:
    others_done = threading.Event()

    def first_is_last(request: Request) -> Response:
        if question(request) == "0":
            assert others_done.wait(20)
        return echo(request)

    answers = connect(first_is_last, concurrency=2).generate(chats("0", "1", "2"), Sampling())
    assert [next(answers).index, next(answers).index] == [1, 2]
    others_done.set()
    assert [c.index for c in answers] == [0]


@pytest.mark.parametrize(
    ("sampling", "sent"),
    [
        (Sampling(), {"temperature": 0.0, "max_tokens": 512}),
        (Sampling(top_p=0.5, seed=3), {"temperature": 0.0, "max_tokens": 512}),
        (
            Sampling(temperature=0.7, max_tokens=5, seed=3),
            {"temperature": 0.7, "max_tokens": 5, "seed": 3},
        ),
        (
            Sampling(temperature=1.0, top_p=0.9, stop=("\n", "Q:")),
            {"temperature": 1.0, "max_tokens": 512, "seed": 0, "top_p": 0.9, "stop": ["\n", "Q:"]},
        ),
    ],
)
def test_only_what_has_an_effect_is_sent(
    connect: Connect, server: HTTPServer, sampling: Sampling, sent: dict[str, Any]
) -> None:
    list(connect(echo).generate(chats("a"), sampling))
    body = server.log[0][0].get_json()
    assert body == {"model": "tiny", "messages": [{"role": "user", "content": "a"}], **sent}


def test_options_reach_the_server(connect: Connect, server: HTTPServer) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "v", "schema": {"default": None}}}
    options = {
        "response_format": schema,
        "max_tokens_param": "max_completion_tokens",
        "extra_body": {"top_k": 5, "temperature": 1},
        "system": "Be brief.",
    }
    [got] = connect(echo, options).generate(chats("a"), Sampling(max_tokens=9))
    body = server.log[0][0].get_json()
    assert body["response_format"] == schema
    assert (body["max_completion_tokens"], body["top_k"], body["temperature"]) == (9, 5, 1)
    assert "max_tokens" not in body
    assert json.loads(got.prompt or "") == body["messages"]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_the_system_option_goes_before_the_system_text_of_the_chat(
    connect: Connect, server: HTTPServer
) -> None:
    chat = (Message("system", "Answer in French."), Message("user", "a"))
    list(connect(echo, {"system": "Be brief."}).generate([chat], Sampling()))
    system, user = server.log[0][0].get_json()["messages"]
    assert system == {"role": "system", "content": "Be brief.\n\nAnswer in French."}
    assert user["role"] == "user"


@pytest.mark.parametrize(
    ("reply", "finish", "text", "said"),
    [
        (answer("half a sent", "length"), "length", "half a sent", None),
        (answer(None, "length"), "length", "", None),
        (answer("done", "eos_token"), "stop", "done", None),
        (answer(None, "stop", refusal="I can't."), "error", None, "refused: I can't."),
        (answer("bad w", "content_filter"), "error", "bad w", "refused: content filter"),
        (answer("a", "abort"), "error", "a", "ended with finish_reason 'abort'"),
        (answer("a", None), "error", "a", "ended with finish_reason None"),
    ],
)
def test_how_an_answer_ended_is_kept(
    connect: Connect, reply: Response, finish: str, text: str | None, said: str | None
) -> None:
    [got] = connect(lambda request: reply).generate(chats("a"), Sampling())
    assert (got.finish, got.text, got.error) == (finish, text, said)


def test_a_server_without_token_counts(connect: Connect) -> None:
    body = {"model": "m", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
    reply = Response(json.dumps(body), content_type="application/json")
    [got] = connect(lambda request: reply).generate(chats("a"), Sampling())
    assert (got.text, got.prompt_tokens, got.completion_tokens) == ("a", None, None)


def test_facts_say_who_answered(connect: Connect, server: HTTPServer) -> None:
    engine = connect(echo)
    list(engine.generate(chats("a", "b"), Sampling()))
    assert engine.facts() == {
        "openai": openai.__version__,
        "host": f"localhost:{server.port}",
        "served": ["tiny-2026-01-01"],
        "system_fingerprints": ["fp_1"],
        "sent": [{"model": "tiny", "temperature": 0.0, "max_tokens": 512}],
    }


def test_facts_say_what_was_sent_for_each_draw(connect: Connect) -> None:
    engine = connect(echo, {"extra_body": {"top_k": 5}})
    for seed in (1, 2, 1):
        list(engine.generate(chats("a"), Sampling(temperature=0.7, max_tokens=9, seed=seed)))
    body = {"model": "tiny", "temperature": 0.7, "max_tokens": 9, "top_k": 5}
    assert engine.facts()["sent"] == [body | {"seed": 1}, body | {"seed": 2}]


def test_the_pace_is_kept(connect: Connect) -> None:
    handler, seen = failing(0, lambda: answer("a"), echo)
    engine = connect(handler, requests_per_minute=600)  # ten a second
    assert len(list(engine.generate(chats(*"abcdef"), Sampling()))) == 6
    assert seen[-1] - seen[0] >= 0.4


def test_tokens_are_counted_by_what_the_server_says(connect: Connect) -> None:
    """Each answer is 18 tokens, so 3,600 a minute are an answer each 0.3 s.

    Guessed are 1 character / 4 + 582: ten seconds, which nobody waits for.
    """
    engine = connect(echo, tokens_per_minute=3600, concurrency=1)
    begun = time.monotonic()
    assert len(list(engine.generate(chats("a", "b", "c"), Sampling(max_tokens=582)))) == 3
    assert 0.6 <= time.monotonic() - begun < 8


# Outcomes: one row, while the others go on


def test_a_refused_row_does_not_stop_the_others(connect: Connect) -> None:
    def handler(request: Request) -> Response:
        if question(request) == "bad":
            return error(400, "Unsupported value:\n'temperature' does not support 0")
        return echo(request)

    got = {c.index: c for c in connect(handler).generate(chats("a", "bad", "c"), Sampling())}
    assert [got[i].finish for i in range(3)] == ["stop", "error", "stop"]
    assert got[1].error == "Unsupported value: 'temperature' does not support 0"
    assert got[1].text is None and got[1].prompt == '[{"content":"bad","role":"user"}]'


@pytest.mark.parametrize(
    ("status", "message", "more"),
    [
        # OpenAI and vLLM, vLLM's engine, SGLang, llama.cpp, TGI, OpenAI's limit on characters
        (400, "This model's maximum context length is 8192 tokens. However, …", {}),
        (400, "some new wording", {"code": "context_length_exceeded"}),
        (400, "The prompt (length 9) is longer than the maximum model length of 8", {}),
        (400, "The input (9 tokens) is longer than the model's context length (8 tokens).", {}),
        (400, "request (9 tokens) exceeds the available context size (8 tokens)", {}),
        (500, "…", {"type": "exceed_context_size_error", "code": 500}),
        (422, "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000", {}),
        (400, "string too long", {"code": "string_above_max_length"}),
        (413, "Payload Too Large", {}),
    ],
)
def test_what_does_not_fit_is_too_long(
    connect: Connect, status: int, message: str, more: dict[str, Any]
) -> None:
    engine = connect(lambda request: error(status, message, **more), max_retries=0)
    [got] = engine.generate(chats("a"), Sampling())
    assert (got.finish, got.text, got.error) == ("too_long", None, message)


# Accidents: retried, then reported after everything that was answered


def test_never_more_requests_at_a_time_than_asked_for(connect: Connect) -> None:
    lock, now, most = threading.Lock(), 0, 0
    three = threading.Barrier(3)  # opens only when three are there together

    def counting(request: Request) -> Response:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        three.wait(20)
        time.sleep(0.01)
        with lock:
            now -= 1
        return echo(request)

    got = list(connect(counting, concurrency=3).generate(chats(*"abcdefghijkl"), Sampling()))
    assert len(got) == 12
    assert most == 3


def test_a_slow_reader_holds_the_requests_back(connect: Connect, server: HTTPServer) -> None:
    answers = connect(echo, concurrency=2).generate(chats(*(str(n) for n in range(50))), Sampling())
    next(answers)
    time.sleep(0.5)
    assert len(server.log) <= 2 * 2 + 1  # twice the concurrency, and the one that was taken
    assert len(list(answers)) == 49


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_passing_trouble_is_retried(connect: Connect, status: int) -> None:
    handler, seen = failing(2, lambda: error(status, "busy", SOON), echo)
    [got] = connect(handler).generate(chats("a"), Sampling())
    assert got.text == "re: a" and len(seen) == 3


def test_the_server_says_how_long_to_wait(connect: Connect) -> None:
    handler, seen = failing(1, lambda: error(429, "slow down", {"Retry-After": "1"}), echo)
    [got] = connect(handler).generate(chats("a"), Sampling())
    assert got.text == "re: a"
    assert seen[1] - seen[0] >= 1  # the SDK's own first pause is at most half a second


def garbled() -> list[Response]:
    whole = answer("a").get_data()
    half = Response(whole[:40], content_type="application/json")
    return [
        half,
        Response(whole[:40], headers={"Content-Length": "400"}, content_type="application/json"),
        Response("<html>Welcome</html>", content_type="text/html"),
        Response('{"error": {"message": "upstream"}}', content_type="application/json"),
        Response('{"choices": []}', content_type="application/json"),
        Response('{"choices": [{"message": {}}], "usage": 7}', content_type="application/json"),
    ]


@pytest.mark.parametrize("number", range(6))
def test_half_an_answer_or_none_is_retried(connect: Connect, number: int) -> None:
    handler, seen = failing(1, lambda: garbled()[number], echo)
    [got] = connect(handler, max_retries=1).generate(chats("a"), Sampling())
    assert got.text == "re: a" and len(seen) == 2


def test_a_page_that_is_no_answer_is_shown_when_it_stays(connect: Connect) -> None:
    engine = connect(lambda request: garbled()[2], max_retries=0)
    with pytest.raises(BenchwarrantError, match="not a chat completion: <html>Welcome</html>"):
        list(engine.generate(chats("a"), Sampling()))


def test_rows_that_are_never_answered_do_not_hold_up_the_others(connect: Connect) -> None:
    def handler(request: Request) -> Response:
        return error(500, "boom") if int(question(request)) % 2 else echo(request)

    engine = connect(handler, max_retries=0, concurrency=1)
    got = []
    with pytest.raises(BenchwarrantError, match="did not answer 5 request") as caught:
        for completion in engine.generate(chats(*"0123456789"), Sampling()):
            got.append(completion.index)
    assert got == [0, 2, 4, 6, 8]
    assert "500: boom" in str(caught.value)
    assert str(caught.value).endswith("finished answers are kept: run the same command again")


def test_a_server_that_is_gone_ends_the_run_after_what_was_answered(
    connect: Connect, server: HTTPServer
) -> None:
    def handler(request: Request) -> Response:
        return echo(request) if int(question(request)) < 10 else error(503, "down")

    asked = chats(*(str(n) for n in range(1000)))
    got = []
    with pytest.raises(BenchwarrantError, match="503: down"):
        for completion in connect(handler, max_retries=0).generate(asked, Sampling()):
            got.append(completion.index)
    assert sorted(got) == list(range(10))
    assert len(server.log) < 100  # 26 were needed to find out


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
    with pytest.raises(BenchwarrantError, match=r"did not answer 1 request.*timed out"):
        list(engine.generate(chats("a"), Sampling()))
    released.set()


def test_a_long_pause_is_reported_and_not_slept_through(connect: Connect) -> None:
    handler, seen = failing(
        1, lambda: error(429, "come back tomorrow", {"Retry-After": "3600"}), echo
    )
    with pytest.raises(BenchwarrantError, match="429: come back tomorrow; asks to wait 3600 s"):
        list(connect(handler).generate(chats("a"), Sampling()))
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "401: no key, or one that is not accepted); check the key in TEST_KEY"),
        (403, "403: no); check the key in TEST_KEY"),
        (402, "402: no); check base_url and model"),
        (404, "404: no); check base_url and model"),
    ],
)
def test_what_every_row_would_meet_ends_the_run_at_once(
    connect: Connect, server: HTTPServer, status: int, said: str
) -> None:
    def handler(request: Request) -> Response:
        return echo(request) if question(request) == "0" else error(status, "no")

    answers = connect(handler, concurrency=1).generate(
        chats(*(str(n) for n in range(200))), Sampling()
    )
    assert next(answers).index == 0
    with pytest.raises(BenchwarrantError) as caught:
        list(answers)
    assert str(caught.value) == f"localhost:{server.port} refuses every request ({said}"
    assert len(server.log) < 10


def test_an_answer_in_parts_is_an_outcome(connect: Connect) -> None:
    parts: Any = [{"type": "text", "text": "a"}]
    [got] = connect(lambda request: answer(parts)).generate(chats("a"), Sampling())
    assert (got.finish, got.text, got.error) == ("error", None, "the answer is not plain text")


def test_without_a_key_the_error_says_how_to_give_one(connect: Connect) -> None:
    engine = connect(lambda request: error(401, "who are you?"), api_key_env=None)
    with pytest.raises(BenchwarrantError, match="check api_key_env: no key was sent"):
        list(engine.generate(chats("a"), Sampling()))


def test_without_a_key_a_servers_words_stay_as_they_are(connect: Connect) -> None:
    engine = connect(lambda request: error(400, "none of these fits"), api_key_env=None)
    [got] = engine.generate(chats("a"), Sampling())
    assert got.error == "none of these fits"


# Keys


@pytest.mark.parametrize("long", ["", 270 * "."])  # at 270, the key is where the text is cut
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500])
def test_the_key_is_in_no_error_log_or_fact(
    connect: Connect, server: HTTPServer, status: int, long: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Even a server that repeats the key to us does not bring it out."""
    caplog.set_level(logging.DEBUG)

    def telltale(request: Request) -> Response:
        said = f"{long} not with {request.headers['Authorization']}!"
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


def test_a_missing_key_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchwarrantError, match="set the environment variable OPENAI_API_KEY"):
        OpenAIEngine(EngineSpec("openai", "m"), {})
    monkeypatch.setenv("TEST_KEY", "  ")
    run = {"base_url": "http://localhost:1/v1", "api_key_env": "TEST_KEY"}
    with pytest.raises(BenchwarrantError, match="set the environment variable TEST_KEY"):
        OpenAIEngine(EngineSpec("openai", "m"), run)


def test_what_cannot_be_a_key_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-1\nsk-2")  # would stand in the error of the HTTP library
    for name, said in (("TEST_KEY", "TEST_KEY does not hold a key"), (KEY, "name of a variable")):
        with pytest.raises(BenchwarrantError, match=said) as caught:
            OpenAIEngine(EngineSpec("openai", "m"), {"api_key_env": name})
        assert "sk-" not in str(caught.value)


def test_the_key_for_openai_goes_to_no_other_server(
    connect: Connect, server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    list(connect(echo, api_key_env=None).generate(chats("a"), Sampling()))
    assert server.log[0][0].headers["Authorization"] == "Bearer none"


@pytest.mark.parametrize("base_url", [None, "https://api.openai.com/v1/"])
def test_openai_itself_is_the_default(
    monkeypatch: pytest.MonkeyPatch, base_url: str | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere/v1")  # the study file decides
    engine = OpenAIEngine(EngineSpec("openai", "m"), {"base_url": base_url})
    body = engine._body(Sampling(max_tokens=3))
    engine.close()
    assert engine.facts()["host"] == "api.openai.com"
    assert body["max_completion_tokens"] == 3 and "max_tokens" not in body


# Settings


@pytest.mark.parametrize(
    ("options", "run", "said"),
    [
        ({"sistem": "x"}, {}, "options: 'sistem': unknown; did you mean 'system'?"),
        ({"max_tokens_param": "tokens"}, {}, "options: 'max_tokens_param': Input should be"),
        ({}, {"concurency": 3}, "run: 'concurency': unknown; did you mean 'concurrency'?"),
        ({}, {"concurrency": 0}, "run: 'concurrency': Input should be greater than or equal to 1"),
        ({}, {"timeout": "soon"}, "run: 'timeout': Input should be a valid number"),
        ({}, {"base_url": "localhost:8000"}, "base_url must look like http://localhost:8000/v1"),
        ({}, {"base_url": "http://x:port/v1"}, "base_url must look like"),
        ({}, {"base_url": "http://me:hunter2@x/v1"}, "base_url holds a password"),
        ({}, {"api_key": KEY}, "run: 'api_key': unknown"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(
    options: dict[str, Any], run: dict[str, Any], said: str
) -> None:
    with pytest.raises(BenchwarrantError) as caught:
        OpenAIEngine(EngineSpec("openai", "m", options=options), {"api_key_env": "TEST_KEY", **run})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value) and KEY not in str(caught.value)


# Leaving early


def test_leaving_early_waits_for_no_server_and_leaves_no_thread(
    connect: Connect, server: HTTPServer
) -> None:
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
    until(
        lambda: not engine._requests._running
    )  # dropped already now, not only when the engine is closed
    engine.close()
    assert not ended.is_set()  # the requests under way were dropped, not waited for
    assert "openai" not in [thread.name for thread in threading.enumerate()]
    assert len(server.log) <= 10
    released.set()


def test_a_pause_between_two_tries_is_not_waited_for(connect: Connect) -> None:
    handler, seen = failing(9, lambda: error(429, "slow down", {"Retry-After": "100"}), echo)

    def first_well(request: Request) -> Response:
        return echo(request) if question(request) == "0" else handler(request)

    engine = connect(first_well)
    answers = engine.generate(chats("0", "1"), Sampling())
    assert next(answers).index == 0
    until(lambda: bool(seen))
    start = time.monotonic()
    answers.close()  # type: ignore[attr-defined]
    engine.close()
    assert len(seen) == 1 and time.monotonic() - start < 50


def test_closing_the_engine_ends_a_run_that_is_under_way(connect: Connect) -> None:
    engine = connect(echo, concurrency=1)
    answers = engine.generate(chats(*"abcdefghij"), Sampling())
    next(answers)
    engine.close()
    with pytest.raises((CancelledError, RuntimeError)):  # a bug of the caller; it must not hang
        list(answers)


def test_the_engine_may_be_closed_before_the_reader_leaves(connect: Connect) -> None:
    engine = connect(echo, concurrency=1)
    answers = engine.generate(chats(*"abcdefghij"), Sampling())
    next(answers)
    engine.close()
    answers.close()  # type: ignore[attr-defined]


def test_a_generator_that_is_never_started_asks_nothing(
    connect: Connect, server: HTTPServer
) -> None:
    engine = connect(echo)
    engine.generate(chats("a"), Sampling())
    assert list(engine.generate([], Sampling())) == []
    assert server.log == []
