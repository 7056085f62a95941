"""Labels' chances from a server's first token, and from the Decisions API, on the loopback."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from quick_server import KEY, QuickServer, chats
from werkzeug import Request, Response

from inference.engine import EngineSpec, Sampling
from inference.label_scores import check_first_letters, read_top
from inference.openai_api import OpenAIEngine
from samples.errors import BenchwarrantError

LABELS = ("incorrect", "correct")
Connect = Callable[..., OpenAIEngine]


def told(says: str, **chances: float) -> dict[str, Any]:
    """A chat answer; the first of the chances is of the token that ``says`` begins with."""
    top = [{"token": token, "logprob": math.log(chance)} for token, chance in chances.items()]
    content = [{**top[0], "top_logprobs": top}] if top else []
    return {
        "model": "tiny",
        "choices": [
            {
                "message": {"role": "assistant", "content": says},
                "finish_reason": "length",
                "logprobs": {"content": content},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 8},
    }


def send(body: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def chances(answer: dict[str, Any], labels: Any = LABELS) -> list[float]:
    read = read_top(answer, labels)
    assert read is not None and read.logprobs is not None
    return [round(math.exp(one), 6) for one in read.logprobs]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, server: HTTPServer) -> Iterator[Connect]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("TEST_KEY", KEY)
    opened = []

    def connect(reply: Any, options: dict[str, Any] | None = None, path: str = "/chat/completions"):
        handler = reply if callable(reply) else lambda request: send(reply)
        server.expect_request(f"/v1{path}", "POST").respond_with_handler(handler)
        run = {"base_url": server.url_for("/v1"), "api_key_env": "TEST_KEY"}
        opened.append(OpenAIEngine(EngineSpec("openai", "tiny", options=options or {}), run))
        return opened[-1]

    yield connect
    for engine in opened:
        engine.close()


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with QuickServer(threaded=True) as server:
        yield server
        server.check_handler_errors()


# What a token stands for


def test_spellings_add_up_and_the_rest_is_left_alone():
    answer = told("Correct", Correct=0.5, correct=0.2, **{" Correct": 0.1}, The=0.05)
    assert chances(answer) == [0, 0.8]


def test_a_beginning_counts_for_its_label_unless_the_model_goes_on_otherwise():
    assert chances(told("Incorrect, as", In=0.6, Correct=0.3)) == [0.6, 0.3]
    assert chances(told("In this case", In=0.6, Correct=0.3)) == [0, 0.3]
    assert chances(told("Correct", Correct=0.6, In=0.3)) == [0.3, 0.6]
    assert chances(told("Corrections first", Correct=0.6, In=0.3)) == [0.3, 0]


def test_one_letter_is_no_beginning_of_a_word():
    assert chances(told("I think", The=0.4, I=0.3, c=0.1)) == [0, 0]
    assert chances(told("B", B=0.4, A=0.3, **{"B.": 0.1, "Bad": 0.1}), ["A", "B"]) == [0.3, 0.5]
    assert chances(told("10", **{"10": 0.9, "1": 0.1}), ["1", "2"]) == [0.1, 0]


def test_a_token_without_a_chance_has_none():
    answer = told("Correct", Correct=0.5, In=0.2)
    answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"][1]["logprob"] = None
    assert chances(answer) == [0, 0.5]


def test_an_answer_that_ends_at_once_weighs_nothing_and_none_at_all_is_told_apart():
    assert chances(told("")) == [0, 0]
    for logprobs in (None, {}, {"content": []}):
        answer = told("Correct", Correct=1.0)
        answer["choices"][0]["logprobs"] = logprobs
        assert read_top(answer, LABELS) is None


@pytest.mark.parametrize("labels", [("correct", "close"), ("no", "Not sure"), ("1", "10")])
def test_labels_that_may_share_a_token_are_refused_before_anything_is_asked(labels, connect):
    with pytest.raises(BenchwarrantError, match=r"first token only, which labels .* in common"):
        connect(told("x", x=1.0)).score(chats("a"), labels)
    check_first_letters(["no", "yes", "partly"])


# Asking


def test_a_score_is_asked_for_in_a_few_tokens(connect, server):
    engine = connect(told("Correct", Correct=0.5, In=0.25))
    [got] = engine.score(chats("a"), LABELS)
    body = server.log[0][0].get_json()
    assert (body["logprobs"], body["top_logprobs"], body["max_tokens"]) == (True, 20, 8)
    assert body["temperature"] == 0 and body["messages"] == [{"role": "user", "content": "a"}]
    assert got.logprobs == pytest.approx((math.log(0.25), math.log(0.5)))
    assert (got.finish, got.prompt_tokens, got.completion_tokens) == ("stop", 11, 8)
    assert json.loads(got.text) == {
        "says": "Correct",
        "first_token": [["Correct", -0.6931], ["In", -1.3863]],
    }
    assert engine.facts()["sent"][0]["top_logprobs"] == 20


def test_a_server_that_ignores_it_is_told_once_and_no_case_fails(connect, server):
    answer = told("Correct", Correct=1.0)
    del answer["choices"][0]["logprobs"]
    with pytest.raises(BenchwarrantError) as error:
        list(connect(answer).score(chats(*"abcdefgh" * 20), LABELS))
    said = str(error.value)
    assert "returned no log-probabilities" in said and "\n" not in said
    assert 'answer = "score": "json" and "text" need none' in said
    assert len(server.log) < 100


def test_a_model_that_refuses_the_argument_is_told_once_too(connect):
    def refuse(request: Request) -> Response:
        said = "'logprobs' is not supported with this model"
        return send({"error": {"message": said, "param": "logprobs"}}, 400)

    with pytest.raises(BenchwarrantError, match=r"refuses every request \(400: 'logprobs' is not"):
        list(connect(refuse).score(chats("a", "b"), LABELS))


def test_a_refusal_is_an_outcome(connect):
    answer = told("", x=1.0)
    answer["choices"][0]["message"]["refusal"] = "I won't."
    [got] = connect(answer).score(chats("a"), LABELS)
    assert (got.finish, got.error, got.logprobs) == ("error", "refused: I won't.", None)


# By a schema

SCHEMA = {"type": "object"}


def test_the_schema_goes_along_unless_the_options_have_one(connect, server):
    own = {"type": "json_object"}
    for options, sent in (
        (
            {},
            {
                "type": "json_schema",
                "json_schema": {"name": "verdict", "strict": True, "schema": SCHEMA},
            },
        ),
        ({"response_format": own}, own),
        ({"extra_body": {"response_format": own}}, own),
    ):
        server.clear_log()
        engine = connect(told('{"a": 1}', x=1.0), options)
        [got] = engine.generate_json(chats("a"), Sampling(max_tokens=5), SCHEMA)
        body = server.log[0][0].get_json()
        assert (got.text, body["response_format"], body["max_tokens"]) == ('{"a": 1}', sent, 5)


def test_a_server_that_takes_no_schema_is_told_once(connect):
    def refuse(request: Request) -> Response:
        return send({"error": {"message": "unknown response_format json_schema"}}, 400)

    with pytest.raises(BenchwarrantError, match='check answer = "json": "text" needs no schema'):
        list(connect(refuse).generate_json(chats("a"), Sampling(), SCHEMA))


# The Decisions API


def decision(**answer: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 9,
        "output_tokens": 2,
        "total_tokens": 11,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {"model": "gpt-6-luna", "answers": [answer], "usage": usage}


def test_a_decision_is_asked_for_as_the_sdk_asks(connect, server):
    probabilities = [
        {"value": "correct", "probability": 0.9},
        {"value": "incorrect", "probability": 0.1},
    ]
    reply = decision(type="choice", choice="correct", confidence=0.9, probabilities=probabilities)
    [got] = connect(reply, {"decisions": True}, "/decisions").score(chats("a"), LABELS)
    assert got.logprobs == pytest.approx((math.log(0.1), math.log(0.9)))
    assert (got.prompt_tokens, got.completion_tokens, got.finish) == (9, 2, "stop")
    assert json.loads(got.text)["probabilities"] == probabilities
    ours = server.log[0][0].get_json()

    import openai

    client = openai.OpenAI(base_url=server.url_for("/v1"), api_key=KEY)
    read = client.decisions.create(
        model="tiny",
        input=[{"role": "user", "content": "a"}],
        questions=[
            {
                "type": "choice",
                "instructions": ours["questions"][0]["instructions"],
                "choices": [{"value": "incorrect"}, {"value": "correct"}],
            }
        ],
    )
    client.close()
    assert server.log[-1][0].get_json() == ours
    assert read.answers[0].type == "choice"


def test_an_answer_without_a_decision_is_no_answer(connect):
    for reply in (decision(type="score", score=1.0), {"answers": []}):
        engine = connect(reply, {"decisions": True}, "/decisions")
        engine._clients[0].max_retries = 0
        with pytest.raises(BenchwarrantError, match="did not answer 1 request"):
            list(engine.score(chats("a"), LABELS))


def test_a_decision_may_be_refused(connect):
    reply = decision(type="refusal", name=None)
    [got] = connect(reply, {"decisions": True}, "/decisions").score(chats("a"), LABELS)
    assert (got.finish, got.logprobs) == ("error", None)
    assert got.error == "refused: no decision was made"
