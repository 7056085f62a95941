"""The loop that asks many chats at a time, and its pace, without any server."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from quick_server import chats, until
from slow_server import start

from inference.endpoint import Lost, Result, Run
from inference.engine import Chat, Completion, EngineSpec, Message, Sampling, open_engine
from inference.requests import Ask, Bucket, Pace, Requests
from samples.errors import BenchwarrantError

Open = Callable[..., Requests]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Loops with the given run settings."""
    all_of_them: list[Requests] = []

    def opened(**run: Any) -> Requests:
        all_of_them.append(Requests("test", "the server", Run(**run)))
        return all_of_them[-1]

    async def nothing() -> None: ...

    yield opened
    for requests in all_of_them:
        requests.close(nothing)


async def echo(index: int, chat: Chat) -> Result:
    return Completion(index, chat[-1].content, "stop")


def numbers(count: int) -> list[Chat]:
    return chats(*(str(number) for number in range(count)))


# Which chat is asked when


class Rendered(Sequence[Chat]):
    """Chats that are made when they are taken, and never all at once."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.made: list[int] = []

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if index >= self._count:
            raise IndexError
        self.made.append(index)
        assert threading.current_thread() is threading.main_thread()  # a database stays in its own
        return (Message("user", f"question {index}"),)


def test_a_chat_is_made_once_and_not_before_its_turn(opened: Open) -> None:
    asked = Rendered(1000)
    answers = opened(concurrency=3).answers(asked, echo, 8)
    assert asked.made == []
    got = [next(answers)]
    assert len(asked.made) <= 3 + 1
    got += answers
    assert asked.made == list(range(1000))
    assert {c.index: c.text for c in got} == {n: f"question {n}" for n in range(1000)}


def test_an_error_in_making_a_chat_comes_out_as_it_is(opened: Open) -> None:
    class Broken(Rendered):
        def __getitem__(self, index: Any) -> Any:
            if index == 20:
                raise BenchwarrantError("no such exemplar")
            return super().__getitem__(index)

    got = []
    with pytest.raises(BenchwarrantError, match="no such exemplar"):
        for completion in opened(concurrency=2).answers(Broken(30), echo, 8):
            got.append(completion.index)
    assert len(got) >= 20 - 2 * 2


def test_a_slow_row_holds_up_no_other(opened: Open) -> None:
    others_done = threading.Event()

    async def first_is_slow(index: int, chat: Chat) -> Result:
        if index == 0:
            await asyncio.to_thread(others_done.wait, 20)
        return await echo(index, chat)

    answers = opened(concurrency=2).answers(numbers(200), first_is_slow, 8)
    assert sorted(next(answers).index for _ in range(199)) == list(range(1, 200))
    others_done.set()
    assert [c.index for c in answers] == [0]


def test_as_many_are_asked_at_a_time_as_allowed(opened: Open) -> None:
    now = most = 0

    async def counting(index: int, chat: Chat) -> Result:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return await echo(index, chat)

    assert len(list(opened(concurrency=7).answers(numbers(50), counting, 8))) == 50
    assert most == 7


# What is lost


def lost_if(true: Callable[[int], bool], check: str = "") -> Ask:
    async def ask(index: int, chat: Chat) -> Result:
        return Lost("no answer", check) if true(index) else await echo(index, chat)

    return ask


def test_what_is_lost_is_told_at_the_end(opened: Open) -> None:
    got = []
    with pytest.raises(BenchwarrantError) as caught:
        odd_ones = lost_if(lambda index: index % 2 == 1)
        for completion in opened(concurrency=1).answers(numbers(11), odd_ones, 8):
            got.append(completion.index)
    assert got == [0, 2, 4, 6, 8, 10]
    assert str(caught.value) == (
        "the server did not answer 5 request(s) (last: no answer); finished answers are kept: run"
        " the same command again"
    )


def test_a_server_that_is_gone_is_not_asked_everything(opened: Open) -> None:
    asked = Rendered(10_000)
    with pytest.raises(BenchwarrantError, match="did not answer"):
        list(opened(concurrency=8).answers(asked, lost_if(lambda index: True), 8))
    assert len(asked.made) <= 8 + 8


def test_what_every_row_would_meet_ends_it_at_once(opened: Open) -> None:
    asked = Rendered(10_000)
    with pytest.raises(BenchwarrantError) as caught:
        list(opened(concurrency=1).answers(asked, lost_if(lambda index: index > 4, "the key"), 8))
    assert str(caught.value) == "the server refuses every request (no answer); check the key"
    assert len(asked.made) <= 10


def test_a_bug_shows_itself(opened: Open) -> None:
    async def buggy(index: int, chat: Chat) -> Result:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ExceptionGroup) as caught:
        list(opened().answers(numbers(3), buggy, 8))
    assert caught.group_contains(ZeroDivisionError, match="a bug")


# Leaving


def test_leaving_drops_what_is_under_way(opened: Open) -> None:
    begun, dropped = 0, 0

    async def endless(index: int, chat: Chat) -> Result:
        nonlocal begun, dropped
        if index == 0:
            return await echo(index, chat)
        begun += 1
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            dropped += 1
            raise
        return await echo(index, chat)

    requests = opened(concurrency=4)
    answers = requests.answers(numbers(100), endless, 8)
    assert next(answers).index == 0
    until(lambda: begun == 3)  # the fourth waits until the first answer is in safety
    answers.close()  # type: ignore[attr-defined]
    until(lambda: dropped == 3)
    assert not requests._running
    assert [c.text for c in requests.answers(chats("a"), echo, 8)] == ["a"]  # it can go on


# How fast


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_lets_through_so_many_a_minute() -> None:
    bucket = Bucket(120, Clock())  # one each half second
    assert [bucket.take(1) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]


def test_a_bucket_serves_whoever_comes_first_and_keeps_no_store() -> None:
    clock = Clock()
    bucket = Bucket(60, clock)  # one a second
    assert bucket.take(10) == 0.0  # as much as it likes, but it is paid off: until 110
    clock.now = 104.0
    assert bucket.take(1) == 6.0  # until 111
    clock.now = 200.0  # an idle minute and a half allows no burst afterwards
    assert [bucket.take(1), bucket.take(1)] == [0.0, 1.0]


def test_a_wrong_guess_is_put_right() -> None:
    bucket = Bucket(600, Clock())  # ten a second
    bucket.take(100)
    bucket.give_back(70)  # thirty were used: three seconds
    assert bucket.take(5) == pytest.approx(3.0)
    bucket.give_back(-5)  # ten were used and not five: a second in all
    assert bucket.take(1) == pytest.approx(4.0)


def test_any_minute_holds_no_more_than_allowed() -> None:
    """However unevenly they come, and with idle stretches in between."""
    clock, sent = Clock(), []
    bucket = Bucket(30, clock)
    for number in range(300):
        sent.append(clock.now + bucket.take(1))
        clock.now += 0.1 if number % 50 else 400
    for first in sent:
        assert sum(first <= time < first + 60 for time in sent) <= 30


def test_the_pace_of_requests_is_kept(opened: Open) -> None:
    came: list[float] = []

    async def noting(index: int, chat: Chat) -> Result:
        came.append(time.monotonic())
        return await echo(index, chat)

    requests = opened(concurrency=8, requests_per_minute=1200)  # twenty a second
    assert len(list(requests.answers(numbers(11), noting, 8))) == 11
    assert came[-1] - came[0] >= 10 / 20 - 0.01
    assert max(sum(t <= u < t + 0.25 for u in came) for t in came) <= 6


def test_tokens_are_guessed_before_and_put_right_after() -> None:
    """One answer at a time, 600 tokens a minute: ten a second.

    The guess is 40 characters / 4 + 90 = 100 tokens, ten seconds; used are 20, two seconds.
    """
    clock, slept = Clock(), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    async def short(index: int, chat: Chat) -> Result:
        return Completion(index, "ok", "stop", prompt_tokens=15, completion_tokens=5)

    async def three() -> None:
        ask = Pace(Run(tokens_per_minute=600), clock).kept(short, max_tokens=90)
        for index in range(3):
            await ask(index, (Message("user", 40 * "x"),))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inference.requests.asyncio.sleep", sleep)
        asyncio.run(three())
    assert slept == pytest.approx([2.0, 2.0])


def test_without_a_limit_nothing_stands_between() -> None:
    assert Pace(Run(), Clock()).kept(echo, 8) is echo


# Against a server that takes its time


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openai", "anthropic"])
def test_the_wait_is_for_the_server_and_not_for_us(engine: str) -> None:
    """640 requests of 0.5 s, 64 at a time: ideally 5 s.

    A bench is stricter; this finds what makes requests wait for each other, on a busy machine too.
    """
    with start(0.5) as (base_url, _):
        spec = EngineSpec(engine, "slow")
        opened = open_engine(spec, {"base_url": base_url, "concurrency": 64})
        begun = time.perf_counter()
        got = list(opened.generate(numbers(640), Sampling()))
        seconds = time.perf_counter() - begun
        opened.close()
    assert sorted(c.index for c in got) == list(range(640))
    assert {c.text for c in got} == {"Six times seven is 42. The answer is 42."}
    assert seconds < 2 * 5


def test_the_slow_server_ends_with_its_block_and_before() -> None:
    with start(0.0) as (base_url, stop):
        assert base_url.startswith("http://127.0.0.1:")
        stop()
        spec, run = EngineSpec("openai", "slow"), {"base_url": base_url, "max_retries": 0}
        engine = open_engine(spec, run)
        with pytest.raises(BenchwarrantError, match="did not answer 1 request"):
            list(engine.generate(chats("a"), Sampling()))
        engine.close()


def test_where_nobody_waits_any_more_the_answers_end(opened: Open) -> None:
    """Somebody on another thread ends the run: a server that never answers holds up nobody."""
    stop = threading.Event()

    async def never(index: int, chat: Chat) -> Result:
        if index == 0:
            return Completion(index, "first", "stop")
        await asyncio.sleep(3600)
        raise AssertionError

    got = []
    started = time.monotonic()
    for done in opened(concurrency=2, stop=stop).answers(numbers(9), never, 8):
        got.append(done.text)
        stop.set()
    assert got == ["first"] and time.monotonic() - started < 5
