"""How a server is reached, and what its refusals mean."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from quick_server import KEY

from inference.endpoint import Lost, Run, Server, asked_pause, find_server, watched
from inference.engine import Completion
from samples.errors import BenchwarrantError

OWN = "https://api.provider.com/v1"
LOCAL = Server("http://x", "x", False, "TEST_KEY", KEY)
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def nothing(_: Any) -> None: ...


def found(**run: Any) -> Server:
    return find_server("test", Run(**run), OWN, "PROVIDER_KEY")


# Keys


@pytest.mark.parametrize(
    ("base_url", "is_own"),
    [
        (None, True),
        ("https://api.provider.com", True),
        ("https://eu.api.provider.com/v1/", True),
        ("https://api.provider.com.example.org/v1", False),
        ("https://myapi.provider.com/v1", False),
        ("http://localhost:8000/v1", False),
    ],
)
def test_the_providers_key_goes_to_the_provider_only(
    monkeypatch: pytest.MonkeyPatch, base_url: str | None, is_own: bool
) -> None:
    monkeypatch.setenv("PROVIDER_KEY", KEY)
    server = found(base_url=base_url)
    assert (server.is_own, server.key) == ((True, KEY) if is_own else (False, "none"))
    named = found(base_url=base_url, api_key_env="PROVIDER_KEY")
    assert named.key == KEY


def test_a_key_shows_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_KEY", KEY)
    server = found()
    assert KEY not in repr(server)
    assert server.clean(f"not\n with {KEY}!") == "not with [key]!"
    assert "sk-" not in server.clean(290 * "x" + KEY)  # where the text is cut
    assert found(base_url="http://x").clean("none of these") == "none of these"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({}, "test: no key: set the environment variable PROVIDER_KEY"),
        ({"api_key_env": KEY}, "takes the name of a variable, not a key"),
        ({"base_url": "localhost:8000"}, "test: run: base_url must look like"),
        ({"base_url": "http://me:hunter2@x/v1"}, "base_url holds a password; use api_key_env"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, run: dict[str, str], said: str
) -> None:
    monkeypatch.delenv("PROVIDER_KEY", raising=False)
    with pytest.raises(BenchwarrantError) as caught:
        found(**run)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value) and KEY not in str(caught.value)


# Pauses


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "Sat, 31 Jan 2026 12:01:30 GMT"}, 90.0),
        ({"retry-after": "Sat, 31 Jan 2026 12:01:30 -0000"}, 90.0),
        ({"retry-after": "Sat, 31 Jan 2026 11:00:00 GMT"}, None),  # that is over
        ({"retry-after": "Sat, 99 Jan 2026 11:00:00 GMT"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, float("inf")),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: Mapping[str, str], pause: float | None) -> None:
    assert asked_pause(headers, NOW) == pause


def checked(status: int, headers: dict[str, str], body: str = "{}") -> httpx2.Response:
    [check] = watched(Run(), LOCAL, lambda body: body["fine"], nothing)["event_hooks"]["response"]
    request = httpx2.Request("POST", "http://x")
    response = httpx2.Response(status, headers=headers, text=body, request=request)
    asyncio.run(check(response))
    return response


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (429, {}, None),
        (503, {"retry-after": "119"}, None),
        (429, {"retry-after": "121"}, "false"),
        (429, {"retry-after": "121", "x-should-retry": "true"}, "false"),
        (429, {"retry-after": "inf"}, "false"),
        (529, {"x-should-retry": "false"}, "false"),
        (400, {"x-should-retry": "true"}, "false"),
        (404, {}, "false"),
    ],
)
def test_what_is_worth_another_try(status: int, headers: dict[str, str], said: str | None) -> None:
    assert checked(status, headers).headers.get("x-should-retry") == said


@pytest.mark.parametrize("body", ['{"fine": tru', "[]", '{"fine": false}', "{}", "", "null"])
def test_what_is_no_answer_fails_like_a_connection(body: str) -> None:
    with pytest.raises(httpx2.DecodingError, match="not a chat completion"):
        checked(200, {}, body)


def test_what_is_no_answer_is_told_without_the_key() -> None:
    with pytest.raises(httpx2.DecodingError) as caught:
        checked(200, {}, f"not with {KEY}!")
    assert str(caught.value) == "not a chat completion: not with [key]!"


def test_an_answer_passes() -> None:
    assert checked(200, {}, '{"fine": true}').json() == {"fine": True}


def test_all_connections_are_kept_open() -> None:
    limits = watched(Run(concurrency=700), LOCAL, bool, nothing)["limits"]
    assert (limits.max_connections, limits.max_keepalive_connections) == (700, 700)


# Refusals


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Completion | Lost]:
    monkeypatch.setenv("PROVIDER_KEY", KEY)
    server = found()
    return lambda status, said="no", **headers: server.refused(status, said, headers)


@pytest.mark.parametrize(
    ("status", "said", "finish"),
    [
        (400, "no such thing", "error"),
        (422, "no such thing", "error"),
        (413, "no such thing", "too_long"),
        (400, "prompt is too long: 208310 tokens > 200000 maximum", "too_long"),
        (400, "input length and `max_tokens` exceed context limit: 9 + 9 > 10", "too_long"),
    ],
)
def test_a_row_that_is_refused(refused: Any, status: int, said: str, finish: str) -> None:
    assert refused(status, said) == Completion(0, None, finish, error=said)


@pytest.mark.parametrize(
    ("status", "check"),
    [
        (401, "the key in PROVIDER_KEY"),
        (403, "the key in PROVIDER_KEY"),
        (402, "base_url and model"),
        (404, "base_url and model"),
        (408, ""),
        (409, ""),
        (429, ""),
        (500, ""),
        (529, ""),
    ],
)
def test_an_accident_says_what_to_check(refused: Any, status: int, check: str) -> None:
    lost = refused(status)
    assert isinstance(lost, Lost) and lost.check == check
    assert lost.reason.startswith(str(status))


def test_a_pause_that_was_not_slept_through_is_told(refused: Any) -> None:
    assert refused(429, **{"retry-after": "3600"}).reason == "429: no; asks to wait 3600 s"
