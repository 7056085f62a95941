"""Every attempt is booked, whatever became of it, and a ceiling is never passed."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from quick_server import KEY, SOON, Handler, QuickServer, chats, failing
from test_inference_openai_api import answer, echo, error
from werkzeug import Request, Response

from inference.anthropic_api import tokens_of as anthropic_tokens
from inference.engine import EngineSpec, Sampling
from inference.ledger import CeilingReached, Ledger, Purse, dollars
from inference.openai_api import OpenAIEngine
from inference.openai_api import tokens_of as openai_tokens
from inference.prices import Price, Tokens
from samples.errors import Refused
from samples.records import Charge

# A dollar per million tokens of either kind: dollars are tokens, seen from far away.
PRICE = Price(
    input=1, output=1, cached=0.5, written=1, written_1h=2, batch=0.5, source="the study file"
)
ANSWER = 11 + 7  # tokens that the server says each answer took
NOW = "2026-01-31T09:30:00.000000+00:00"

Connect = Callable[..., tuple[OpenAIEngine, Purse]]


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with QuickServer(threaded=True) as server:
        yield server


@pytest.fixture
def connect(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    monkeypatch.setenv("TEST_KEY", KEY)
    opened: list[OpenAIEngine] = []

    def connect(
        handler: Handler, limit: float | None = None, price: Price | None = PRICE, **run: Any
    ) -> tuple[OpenAIEngine, Purse]:
        server.expect_request("/v1/chat/completions", "POST").respond_with_handler(handler)
        purse = Purse(limit)
        ledger = Ledger("b2:judge", "verdict", price, purse, lambda: NOW)
        settings = {"base_url": server.url_for("/v1"), "api_key_env": "TEST_KEY", "ledger": ledger}
        opened.append(OpenAIEngine(EngineSpec("openai", "tiny"), settings | run))
        return opened[-1], purse

    yield connect
    for engine in opened:
        engine.close()


def booked(purse: Purse) -> list[tuple[int, str, int, bool]]:
    """(attempt, outcome, tokens, estimated) of what was booked; the dollars must be the tokens."""
    rows: list[Charge] = purse.drain()
    for row in rows:
        if row.usd is not None:
            assert row.usd * 1e6 == pytest.approx(row.input_tokens + row.output_tokens)
    assert purse.spent == pytest.approx(sum(row.usd or 0.0 for row in rows))
    assert purse._held == pytest.approx(0)
    return [(r.attempt, r.outcome, r.input_tokens + r.output_tokens, r.estimated) for r in rows]


def test_an_answer_is_booked_with_what_it_took(connect: Connect) -> None:
    engine, purse = connect(echo)
    list(engine.generate(chats("a", "b"), Sampling()))
    assert booked(purse) == [(0, "answered", ANSWER, False)] * 2


def test_charges_name_who_asked_and_what_was_sent(connect: Connect) -> None:
    engine, purse = connect(echo)
    list(engine.generate(chats("a", "b", "a"), Sampling()))
    rows = purse.drain()
    assert {(row.spec, row.purpose, row.batch) for row in rows} == {("b2:judge", "verdict", None)}
    assert len({row.request for row in rows}) == 2  # the same question is the same request
    assert len({row.id for row in rows}) == 3  # and a charge of its own each time


def half(request: Request) -> Response:
    """The connection ends before the answer does."""
    whole = echo(request)
    whole.headers["Content-Length"] = str(len(whole.data) + 50)
    return whole


@pytest.mark.parametrize(
    ("reply", "outcome", "tokens"),
    [
        (lambda _: error(429, "slow down", SOON), "429", 0),
        (lambda _: error(503, "not now", SOON), "503", 0),
        (lambda _: Response("{", content_type="application/json"), "garbled", ANSWER),
        (half, "cut", ANSWER),
    ],
)
def test_every_attempt_is_booked(
    connect: Connect, reply: Handler, outcome: str, tokens: int
) -> None:
    """What may be billed though nobody says how much is taken to cost what the answer cost."""
    seen = 0

    def handler(request: Request) -> Response:
        nonlocal seen
        seen += 1
        return reply(request) if seen == 1 else echo(request)

    engine, purse = connect(handler)
    [completion] = engine.generate(chats("a"), Sampling())
    assert completion.text == "re: a"
    assert booked(purse) == [
        (0, outcome, tokens, tokens > 0),
        (1, "answered", ANSWER, False),
    ]


def test_what_is_never_answered_is_booked_by_a_guess(connect: Connect) -> None:
    engine, purse = connect(half, max_retries=1)
    with pytest.raises(Exception, match="did not answer"):
        list(engine.generate(chats("a"), Sampling(max_tokens=50)))
    rows = booked(purse)
    assert [(attempt, outcome, estimated) for attempt, outcome, _, estimated in rows] == [
        (0, "cut", True),
        (1, "cut", True),
    ]
    assert all(tokens > 50 for _, _, tokens, _ in rows)  # the dearest answer, and the question


def test_who_is_not_there_costs_nothing(connect: Connect, server: HTTPServer) -> None:
    engine, purse = connect(echo, base_url="http://127.0.0.1:9/v1", max_retries=1)
    with pytest.raises(Exception, match="did not answer"):
        list(engine.generate(chats("a"), Sampling()))
    assert booked(purse) == [(0, "unreached", 0, False), (1, "unreached", 0, False)]


def test_a_refusal_is_paid_for(connect: Connect) -> None:
    engine, purse = connect(lambda _: answer(None, refusal="I won't."))
    [completion] = engine.generate(chats("a"), Sampling())
    assert completion.error == "refused: I won't."
    assert booked(purse) == [(0, "answered", ANSWER, False)]


def test_without_a_price_tokens_are_booked_and_no_dollars(connect: Connect) -> None:
    engine, purse = connect(echo, price=None)
    list(engine.generate(chats("a"), Sampling()))
    [row] = purse.drain()
    assert (row.usd, row.input_tokens, row.output_tokens) == (None, 11, 7)


def test_what_is_broken_off_is_booked(connect: Connect) -> None:
    import threading

    begun, go_on = threading.Event(), threading.Event()

    def slow(request: Request) -> Response:
        if "b" in str(request.get_json()["messages"]):
            begun.set()
            go_on.wait(10)
        return echo(request)

    engine, purse = connect(slow, concurrency=2)
    answers = engine.generate(chats("a", "b"), Sampling())
    next(answers)
    begun.wait(10)
    answers.close()  # type: ignore[attr-defined]
    engine.close()
    go_on.set()
    assert [(outcome, guess) for _, outcome, _, guess in booked(purse)] == [
        ("answered", False),
        ("cut", True),
    ]


def test_a_ceiling_is_not_passed_and_what_is_paid_for_arrives(connect: Connect) -> None:
    """The dearest answer would be some 300 tokens: it stops when that might not be left."""
    engine, purse = connect(echo, limit=0.001, concurrency=4)
    got: list[Any] = []
    with pytest.raises(Refused, match=r"stopped before the ceiling: \$0\.000\d\d of \$0\.0010 are"):
        got.extend(_each(engine, got))
    rows = purse.drain()
    assert len(got) == len(rows) == pytest.approx((1000 - 300) / ANSWER, abs=10)
    assert 0.0006 < purse.spent <= 0.001
    assert purse._held == pytest.approx(0)


def _each(engine: OpenAIEngine, got: list[Any]) -> list[Any]:
    for completion in engine.generate(chats(*map(str, range(100))), Sampling(max_tokens=100)):
        got.append(completion)
    return []


def test_a_ceiling_holds_through_retries(connect: Connect) -> None:
    """Each garbled answer may be billed, and is taken from the purse before the next try."""
    broken = Response("{", content_type="application/json")
    handler, seen = failing(100, lambda: broken, echo)
    engine, purse = connect(handler, limit=0.001, max_retries=50, concurrency=2)
    with pytest.raises(Refused, match="stopped before the ceiling"):
        list(engine.generate(chats("a", "b"), Sampling(max_tokens=100)))
    assert 2 <= len(seen) < 10
    assert purse.spent <= 0.001


def test_near_the_ceiling_one_waits_for_what_others_give_back() -> None:
    async def two() -> list[str]:
        purse, order = Purse(1.0), []

        async def first() -> None:
            await purse.hold(0.9)
            await asyncio.sleep(0.05)
            order.append("first")
            purse.settle(0.9, 0.1)

        async def second() -> None:
            await asyncio.sleep(0.01)
            await purse.hold(0.8)
            order.append("second")
            purse.settle(0.8, 0.8)

        await asyncio.gather(first(), second())
        with pytest.raises(CeilingReached, match=r"\$0\.90 of \$1\.00 are spent.*\$0\.50"):
            await purse.hold(0.5)
        return order

    assert asyncio.run(two()) == ["first", "second"]


def test_a_row_of_a_batch_has_the_price_of_batches() -> None:
    purse = Purse()
    ledger = Ledger("b2:judge", "verdict", PRICE, purse, lambda: NOW)
    ledger.book_row("c0de", "answered", Tokens(input=60, cached=20, output=10), "batch_1")
    [row] = purse.drain()
    assert row.usd == pytest.approx((60 + 10 + 10) / 2 / 1e6)
    assert (row.batch, row.cached_tokens, purse.spent) == ("batch_1", 20, row.usd)


@pytest.mark.parametrize(
    ("usd", "said"),
    [(0, "$0.00"), (1234.5, "$1,234.50"), (0.999, "$1.00"), (0.5, "$0.50"), (0.0123, "$0.012")],
)
def test_small_sums_keep_two_digits(usd: float, said: str) -> None:
    assert dollars(usd) == said


def test_tokens_are_read_as_they_are_billed() -> None:
    usage: dict[str, Any] = {"prompt_tokens": 100, "completion_tokens": 7}
    assert openai_tokens({"usage": usage}) == Tokens(input=100, output=7)
    usage["prompt_tokens_details"] = {"cached_tokens": 64}
    assert openai_tokens({"usage": usage}) == Tokens(input=36, cached=64, output=7)
    usage["prompt_tokens_details"] = {"cached_tokens": 60, "cache_write_tokens": 30}
    assert openai_tokens({"usage": usage}) == Tokens(10, cached=60, written=30, output=7)
    decided = {"answers": [], "usage": {"input_tokens": 5, "output_tokens": 1}}
    assert openai_tokens(decided) == Tokens(input=5)
    assert openai_tokens({"usage": None}) is None
    usage = {
        "input_tokens": 10,
        "output_tokens": 7,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 25, "ephemeral_1h_input_tokens": 5},
    }
    assert anthropic_tokens({"usage": usage}) == Tokens(10, 20, 25, 5, 7)
    assert anthropic_tokens({"usage": {}}) is None
