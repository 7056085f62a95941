"""JSON by a schema from Anthropic's API, against a server on the loopback."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from quick_server import KEY, QuickServer, chats
from werkzeug import Request, Response

from inference.anthropic_api import AnthropicEngine
from inference.anthropic_json import NO_FORMAT, TOOL
from inference.engine import EngineSpec, Sampling
from samples.errors import BenchwarrantError

SCHEMA = {"type": "object", "properties": {"verdict": {"enum": ["no", "yes"]}}}
FORMAT = {"format": {"type": "json_schema", "schema": SCHEMA}}
TOLD = '{"reason":"so","verdict":"yes"}'


def reply(content: list[dict[str, Any]], reason: str = "end_turn") -> Response:
    body = {"model": "tiny", "content": content, "stop_reason": reason}
    return Response(json.dumps(body), content_type="application/json")


def modern(request: Request) -> Response:
    return reply([{"type": "text", "text": TOLD}])


def older(request: Request) -> Response:
    """A model without an output format."""
    if "output_config" in request.get_json():
        said = "output_config.format: this model does not support structured outputs"
        body = {"type": "error", "error": {"type": "invalid_request_error", "message": said}}
        return Response(json.dumps(body), 400, content_type="application/json")
    call = {"type": "tool_use", "id": "t", "name": TOOL, "input": json.loads(TOLD)}
    return reply([{"type": "text", "text": "Let me see."}, call], "tool_use")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)
    with QuickServer(threaded=True) as server:
        yield server
        server.check_handler_errors()


def ask(server: HTTPServer, handler: Any, *questions: str, **options: Any) -> tuple[Any, Any]:
    """The answers, and the facts; one request at a time."""
    server.expect_request("/v1/messages", "POST").respond_with_handler(handler)
    run = {"base_url": server.url_for("/"), "api_key_env": "TEST_KEY", "concurrency": 1}
    engine = AnthropicEngine(EngineSpec("anthropic", "tiny", options=options), run)
    try:
        return list(engine.generate_json(chats(*questions), Sampling(), SCHEMA)), engine.facts()
    finally:
        engine.close()


def sent(server: HTTPServer) -> list[Any]:
    return [request.get_json() for request, _ in server.log]


def test_by_the_output_format_where_the_model_has_one(server: HTTPServer) -> None:
    [got], facts = ask(server, modern, "a")
    assert (got.text, got.finish) == (TOLD, "stop")
    assert sent(server)[0]["output_config"] == FORMAT and "tools" not in sent(server)[0]
    assert [body["output_config"] for body in facts["sent"]] == [FORMAT]


def test_other_models_are_given_a_tool_and_not_asked_for_a_format_again(
    server: HTTPServer,
) -> None:
    got, facts = ask(server, older, "a", "b", "c")
    assert [(one.text, one.finish) for one in got] == [(TOLD, "stop")] * 3
    bodies = sent(server)
    assert [("output_config" in body, "tools" in body) for body in bodies] == [
        (True, False),
        *[(False, True)] * 3,
    ]
    assert bodies[1]["tool_choice"] == {"type": "tool", "name": TOOL}
    assert bodies[1]["tools"][0]["input_schema"] == SCHEMA
    assert len(facts["sent"]) == 2


def test_a_tool_at_once_where_the_options_say_so(server: HTTPServer) -> None:
    [got], _ = ask(server, older, "a", structured="tool")
    assert got.text == TOLD and len(sent(server)) == 1


def test_a_format_of_the_options_own_stays(server: HTTPServer) -> None:
    own = {"format": {"type": "json_schema", "schema": {}}, "effort": "low"}
    ask(server, modern, "a", output_config=own)
    assert sent(server)[0]["output_config"] == own
    server.clear_log()
    ask(server, modern, "a", output_config={"effort": "low"})
    assert sent(server)[0]["output_config"] == {**FORMAT, "effort": "low"}


@pytest.mark.parametrize(
    ("content", "reason", "text", "finish"),
    [
        ([{"type": "text", "text": '{"rea'}], "max_tokens", '{"rea', "length"),
        ([{"type": "tool_use", "name": TOOL, "input": {}}], "max_tokens", "{}", "length"),
        ([{"type": "tool_use", "name": TOOL, "input": {}}] * 2, "tool_use", "{}{}", "stop"),
        ([{"type": "tool_use", "name": "another", "input": {}}], "tool_use", "", "error"),
        ([], "refusal", "", "error"),
    ],
)
def test_how_it_ended(
    server: HTTPServer, content: list[dict[str, Any]], reason: str, text: str, finish: str
) -> None:
    [got], _ = ask(server, lambda request: reply(content, reason), "a")
    assert (got.text, got.finish) == (text, finish)


def test_a_model_that_takes_neither_is_told_once(server: HTTPServer) -> None:
    def refuses(request: Request) -> Response:
        said = "output_config and tools: not here"
        body = {"type": "error", "error": {"type": "invalid_request_error", "message": said}}
        return Response(json.dumps(body), 400, content_type="application/json")

    with pytest.raises(BenchwarrantError, match=r"refuses every request .*options: output_config"):
        ask(server, refuses, "a", "b", "c")
    assert len(sent(server)) <= 4


@pytest.mark.parametrize(
    "said", ["400: output_format: no", "400: `output_config.format` is unknown"]
)
def test_what_a_missing_format_is_known_by(said: str) -> None:
    assert re.match(NO_FORMAT, said) and not re.match(NO_FORMAT, f"500: {said}")
