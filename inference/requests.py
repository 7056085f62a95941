"""Many requests at a time to one server, for the engines that ask one.

The requests live in an event loop on a thread of the engine. Unlike a pool of threads, a loop can
drop a request under way, or a pause between two tries, at once: Ctrl-C does not wait for a server.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import cast

from inference.endpoint import Lost, Result, Run
from inference.engine import Chat, Completion
from inference.ledger import CeilingReached, Ledger
from samples.errors import BenchwarrantError, Refused

PATIENCE = 4  # so many requests in a row without an answer may be bad luck
LOOK = 0.2  # seconds between two looks whether anybody still waits
APART = 0.001  # seconds; what starts together stays together, and each waits for all the others

Ask = Callable[[int, Chat], Awaitable[Result]]
Asked = asyncio.Queue[tuple[int, Chat]]
Arrivals = SimpleQueue[Result | None]  # None: no more will come


@dataclass
class Bucket:
    """A token bucket that fills at a steady rate, keeps no store, and may be overdrawn.

    What was taken is filled up before anyone else may take: the virtual scheduling algorithm of
    ITU-T I.371 with no tolerance. Whoever comes first is served first, however much they take.
    """

    per_minute: float
    clock: Callable[[], float]
    _full_at: float = float("-inf")

    def take(self, amount: float) -> float:
        """Take now; returns the seconds to wait before using it."""
        now = self.clock()
        start = max(self._full_at, now)
        self._full_at = start + 60 * amount / self.per_minute
        return start - now

    def give_back(self, amount: float) -> None:
        """What was taken too much; a negative amount is what was taken too little."""
        self._full_at -= 60 * amount / self.per_minute


class Pace:
    """Holds requests back to so many, and so many tokens, a minute; retries are not counted."""

    def __init__(self, run: Run, clock: Callable[[], float]) -> None:
        per_minute, tokens = run.requests_per_minute, run.tokens_per_minute
        self._requests = None if per_minute is None else Bucket(per_minute, clock)
        self._tokens = None if tokens is None else Bucket(tokens, clock)

    def kept(self, ask: Ask, max_tokens: int) -> Ask:
        """``ask``, but when it is time: tokens are guessed before and put right after."""

        async def wait_and_ask(index: int, chat: Chat) -> Result:
            guess = sum(len(message.content) for message in chat) / 4 + max_tokens
            waits = [self._requests.take(1)] if self._requests else [0.0]
            if self._tokens:
                waits.append(self._tokens.take(guess))
            if max(waits) > 0:
                await asyncio.sleep(max(waits))
            result = await ask(index, chat)
            if self._tokens and isinstance(result, Completion) and result.prompt_tokens is not None:
                used = result.prompt_tokens + (result.completion_tokens or 0)
                self._tokens.give_back(guess - used)
            return result

        return wait_and_ask if self._requests or self._tokens else ask


class Requests:
    """Hands chats to a function that asks, many at a time, and its results on as they arrive."""

    def __init__(
        self, name: str, host: str, run: Run, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._at_once = run.concurrency
        self._pace = Pace(run, clock)
        self._ledger: Ledger | None = run.ledger
        self._stop: Event | None = run.stop
        self._running: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def answers(self, chats: Sequence[Chat], ask: Ask, max_tokens: int) -> Iterator[Completion]:
        """One completion per chat, in the order of arrival; a chat is taken when its turn comes.

        A request without an answer does not hold up the others and is reported at the end; when
        as many in a row fail as are sent at a time, the server is taken to be gone.
        """
        numbered = iter(enumerate(chats))
        asked: Asked = asyncio.Queue()
        arrived: Arrivals = SimpleQueue()
        lost: list[Lost] = []
        in_a_row, gone = 0, False

        def hand_out(at_most: int) -> int:
            turns = list(islice(numbered, at_most))
            for turn in turns:
                self._loop.call_soon_threadsafe(asked.put_nowait, turn)
            return len(turns)

        # No more than are under way: a kill must not cost what has come and is not saved yet.
        waiting = hand_out(self._at_once)
        work = asyncio.run_coroutine_threadsafe(
            self._work(asked, arrived, self._pace.kept(self._booked(ask, max_tokens), max_tokens)),
            self._loop,
        )
        try:
            while waiting and (result := self._next(arrived)) is not None:
                waiting -= 1
                if isinstance(result, Completion):
                    in_a_row = 0
                    yield result
                else:
                    lost.append(result)
                    in_a_row += 1
                    if result.check or result.ceiling or in_a_row >= max(PATIENCE, self._at_once):
                        gone = work.cancel()  # what has arrived by now is still handed on
                waiting += 0 if gone else hand_out(1)
            if waiting and not gone and not self._stopped():
                work.result()  # a bug shows its traceback here
        finally:  # also when the reader left, or at Ctrl-C
            work.cancel()
        for loss in lost:
            if loss.ceiling:
                raise Refused(loss.reason)
        if lost:
            raise BenchwarrantError(_in_words(self._host, lost))

    def _stopped(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def _next(self, arrived: Arrivals) -> Result | None:
        """What arrives next; None where no more will come, or nobody waits any more."""
        while self._stop is not None and not self._stop.is_set():
            with suppress(Empty):
                return arrived.get(timeout=LOOK)
        return None if self._stopped() else arrived.get()

    def _booked(self, ask: Ask, max_tokens: int) -> Ask:
        """``ask``, with what it costs in the ledger."""
        if (ledger := self._ledger) is None:
            return ask

        async def ask_and_book(index: int, chat: Chat) -> Result:
            with ledger.call(max_tokens):
                try:
                    return await ask(index, chat)
                except CeilingReached as reached:
                    said = "finished answers are kept: a higher --max-usd goes on from here"
                    return Lost(f"stopped before the ceiling: {reached}; {said}", ceiling=True)

        return ask_and_book

    def close(self, end: Callable[[], Awaitable[None]]) -> None:
        """Drop what is under way, ``end`` what the requests need, and the thread."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(end), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self, end: Callable[[], Awaitable[None]]) -> None:
        running = tuple(self._running)  # not all tasks: those of anyio must end from the top down
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await end()
        await self._loop.shutdown_default_executor()

    async def _work(self, asked: Asked, arrived: Arrivals, ask: Ask) -> None:
        this = cast("asyncio.Task[None]", asyncio.current_task())
        self._running.add(this)

        async def one_by_one(place: int) -> None:
            await asyncio.sleep(place * APART)
            while True:
                arrived.put(await ask(*await asked.get()))

        try:
            async with asyncio.TaskGroup() as group:
                for place in range(self._at_once):
                    group.create_task(one_by_one(place))
        finally:
            self._running.discard(this)
            arrived.put(None)


def _in_words(host: str, lost: Sequence[Lost]) -> str:
    for loss in lost:
        if loss.check:
            return f"{host} {loss.trouble} ({loss.reason}); check {loss.check}"
    return (
        f"{host} did not answer {len(lost)} request(s) (last: {lost[-1].reason}); "
        "finished answers are kept: run the same command again"
    )
