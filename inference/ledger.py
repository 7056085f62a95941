"""What asking a provider costs: every attempt is booked, and a ceiling is never passed.

The SDKs try again on their own, so attempts are seen where they leave and where answers arrive, in
the hooks of the HTTP client. Dollars are set aside before a request goes out, for the dearest
answer that it allows, and settled when it is known what it took.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from math import floor, log10
from threading import Lock
from typing import Any

import httpx2

from inference.prices import Price, Tokens
from samples.records import Charge

ANSWERED, GARBLED = "answered", "garbled"
CUT = "cut"  # sent, and the connection ended before the whole answer was there
UNREACHED = "unreached"  # never sent: nobody was there
BILLED = (ANSWERED, GARBLED, CUT)  # a provider bills what it wrote, whatever becomes of it
PER_TOKEN = 4  # bytes of English text; other scripts take more tokens, so it is never a bound
POLL = 0.02  # seconds between two looks whether dollars have come back
DUST = 1e-9  # dollars that only rounding leaves behind


def dollars(usd: float) -> str:
    """US dollars to the cent, and with two digits that count where they are less than one."""
    if usd == 0 or usd >= 0.995:
        return f"${usd:,.2f}"
    return f"${usd:.{max(2, 1 - floor(log10(usd)))}f}"


class CeilingReached(BaseException):
    """What is left would not pay for the next request. No Exception: the SDKs try those again."""


class Purse:
    """The dollars that one command may spend on all its judges, and what it has spent them on.

    ``limit`` None is no limit. What is booked waits to be saved.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.spent = 0.0
        self.booked: deque[Charge] = deque()
        self._held = 0.0
        self._lock = Lock()

    async def hold(self, usd: float) -> None:
        """Set dollars aside; near the limit, wait for those that others have set aside."""
        while not self.take(usd):
            await asyncio.sleep(POLL)

    def settle(self, held: float, usd: float) -> None:
        """Give back what was set aside, and take what it came to."""
        with self._lock:
            self._held -= held
            self.spent += usd

    def drain(self) -> list[Charge]:
        """What was booked since the last time."""
        with self._lock:  # judges that share the purse save side by side
            return [self.booked.popleft() for _ in range(len(self.booked))]

    def take(self, usd: float) -> bool:
        """Set dollars aside, unless those that others have set aside must come back first.

        Raises CeilingReached where nobody has any to give back.
        """
        with self._lock:
            if self.limit is None or self.spent + self._held + usd <= self.limit:
                self._held += usd
                return True
            if self._held > DUST:
                return False
        raise CeilingReached(
            f"{dollars(self.spent)} of {dollars(self.limit)} are spent, and the next request may"
            f" cost {dollars(usd)}"
        )


@dataclass
class Attempt:
    """One request on the wire, and the dollars set aside for it or taken already."""

    request: str
    length: int  # bytes
    held: float
    taken: float = 0.0
    outcome: str = UNREACHED
    tokens: Tokens | None = None  # None: nobody said


@dataclass
class Call:
    """A request with the attempts that it took."""

    room: int  # tokens of an answer, at most
    attempts: list[Attempt] = field(default_factory=list)


CALL: ContextVar[Call | None] = ContextVar("call", default=None)


class Ledger:
    """Books what the requests of one judge cost.

    ``price`` None: nobody knows it, and the rows have no dollars. ``purpose`` is what was asked
    for: "verdict", "probe" or "recheck".
    """

    def __init__(
        self, spec: str, purpose: str, price: Price | None, purse: Purse, now: Callable[[], str]
    ) -> None:
        self._spec, self._purpose = spec, purpose
        self._price = price
        self._purse = purse
        self._now = now
        self._entries = 0

    @contextmanager
    def call(self, room: int) -> Iterator[None]:
        """What goes out inside is one request and its repetitions, booked at the end.

        Also where it is broken off: the provider may go on, and bill it.
        """
        token = CALL.set(call := Call(room))
        try:
            yield
        finally:
            CALL.reset(token)
            self._book(call)

    async def leaves(self, request: httpx2.Request) -> None:
        """Hook: an attempt goes out, if the purse allows the dearest answer."""
        if (call := CALL.get()) is None:
            return
        for before in call.attempts[-1:]:
            before.taken = before.held if before.outcome in BILLED else 0.0
            self._purse.settle(before.held, before.taken)
            before.held = 0.0
        length = len(request.content)
        dearest = self._dearest(length, call.room)
        await self._purse.hold(dearest)
        code = blake2b(request.content, digest_size=8).hexdigest()
        call.attempts.append(attempt := Attempt(code, length, dearest))

        async def trace(event: str, _: Any) -> None:
            if event == "http11.send_request_body.complete":
                attempt.outcome = CUT

        request.extensions["trace"] = trace

    def arrives(self, outcome: str, tokens: Tokens | None = None) -> None:
        """Hook: the answer to the last attempt is there, or what came instead of one."""
        if (call := CALL.get()) is not None and call.attempts:
            call.attempts[-1].outcome, call.attempts[-1].tokens = outcome, tokens

    def hold_row(self, length: int, room: int) -> float | None:
        """Dollars set aside for a row of a batch, of so many bytes; None: others hold them now."""
        dearest = self._dearest(length, room, batched=True)
        return dearest if self._purse.take(dearest) else None

    def let_go(self, held: float, spent: bool = False) -> None:
        """What was set aside for a row comes back, or is spent for all anybody knows."""
        self._purse.settle(held, held if spent else 0.0)

    def book_row(
        self,
        asked: tuple[str, int, str],
        tokens: Tokens | None,
        batch: tuple[str, float],
        held: float = 0.0,
    ) -> None:
        """A row of a batch (its name, and when it was made), at the price of batches.

        ``asked`` are the request, the attempt and its outcome; ``tokens`` None: nobody said. The
        same row makes the same entry, however often a killed run has it collected again.
        """
        usd = self._usd(tokens or Tokens(), batched=True)
        self._purse.settle(held, usd or 0.0)
        at = datetime.fromtimestamp(batch[1], UTC).isoformat(timespec="microseconds")
        about = {"batch": batch[0], "serial": 0, "created_at": at, "estimated": tokens is None}
        self._add(asked, tokens or Tokens(), usd, **about)

    def _book(self, call: Call) -> None:
        """Where no answer says what an attempt took: what the same request took, or a guess."""
        told = next((one.tokens for one in call.attempts if one.tokens is not None), None)
        for number, one in enumerate(call.attempts):
            guessed = one.tokens is None and one.outcome in BILLED
            guess = told or Tokens(input=one.length // PER_TOKEN, output=call.room)
            tokens = guess if guessed else one.tokens or Tokens()
            usd = self._usd(tokens)
            self._purse.settle(one.held, (usd or 0.0) - one.taken)
            attempt = one.request, number, one.outcome
            self._add(
                attempt,
                tokens,
                usd,
                estimated=guessed,
                serial=self._entries,
                created_at=self._now(),
            )
            self._entries += 1

    def _dearest(self, length: int, room: int, batched: bool = False) -> float:
        """Dollars of a request of so many bytes, since a token is a byte or more."""
        kinds = ("input", "written", "written_1h")
        asked = [Tokens(output=room, **{kind: length}) for kind in kinds]
        return max(self._usd(tokens, batched) or 0.0 for tokens in asked)

    def _add(
        self, asked: tuple[str, int, str], tokens: Tokens, usd: float | None, **more: Any
    ) -> None:
        request, attempt, outcome = asked
        self._purse.booked.append(
            Charge(
                spec=self._spec,
                purpose=self._purpose,
                request=request,
                attempt=attempt,
                outcome=outcome,
                input_tokens=tokens.input,
                cached_tokens=tokens.cached,
                written_tokens=tokens.written + tokens.written_1h,
                output_tokens=tokens.output,
                usd=usd,
                **more,
            )
        )

    def _usd(self, tokens: Tokens, batched: bool = False) -> float | None:
        return None if self._price is None else self._price.usd(tokens, batched)
