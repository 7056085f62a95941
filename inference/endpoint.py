"""A server that answers over HTTP: how it is reached, what key it gets, what its refusals mean.

Retries are the SDKs': 408, 409, 429, 5xx and broken connections, with growing and jittered pauses
or the one in ``Retry-After``. What they leave open is settled in ``watched``.
"""

import os
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ConfigDict, Field

from inference.engine import Completion
from inference.ledger import ANSWERED, GARBLED, Ledger
from inference.prices import Tokens
from samples.errors import BenchwarrantError

PER_POOL = 16  # connections: a pool looks at all that it has at each request
LONGEST_PAUSE = 120.0  # seconds; a server that asks for more is reported, not slept through
ROW_REFUSED = (400, 413, 422)
TOO_LONG_TEXT = re.compile(
    r"context (length|size|window|limit)|maximum (prompt|model|input) length|prompt is too long"
    r"|maximum number of tokens|`inputs` (tokens|must have less)",
    re.IGNORECASE,
)


class Run(BaseModel):
    """How a server is reached. The provider's own key goes to no other server unless named."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = None
    api_key_env: str | None = None
    concurrency: int = Field(default=16, ge=1, le=1000)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    timeout: float = Field(default=600, gt=0)
    max_retries: int = Field(default=5, ge=0)
    base_dir: Any = None  # for engines that read files
    journal: Any = None  # of batches (batches.Journal); where there is one, batches are sent
    batch_rows: int = Field(default=50_000, ge=1, le=50_000)  # OpenAI takes no more
    poll: float = Field(default=60, gt=0)  # longest pause, in seconds, between looks at a batch
    given_up: tuple[str, ...] = ()  # batches whose answers are gone: their rows are sent again
    ledger: Any = None  # books what requests cost
    stop: Any = None  # a threading.Event: once it is set, nobody waits for answers any more


@dataclass(frozen=True)
class Lost:
    """A request without an answer. With something to ``check``, no other would fare better."""

    reason: str
    check: str = ""
    trouble: str = "refuses every request"
    ceiling: bool = False  # the dollars are spent


Result = Completion | Lost


# The server


@dataclass(frozen=True)
class Server:
    """Where requests go, and the key that goes with them."""

    base_url: str
    host: str
    is_own: bool  # the provider's, not a compatible one
    key_env: str | None
    key: str = field(repr=False)

    def clean(self, text: str) -> str:
        """A server's words without the key, on one line and not endless."""
        if self.key_env is not None:
            text = text.replace(self.key, "[key]")
        return " ".join(text.split())[:300]

    def refused(self, status: int, said: str, headers: Mapping[str, str]) -> Result:
        """An error status: the outcome of this row, or an accident."""
        if status in ROW_REFUSED:
            too_long = status == 413 or TOO_LONG_TEXT.search(said)
            return Completion(0, None, "too_long" if too_long else "error", error=said)
        if _is_passing(status):
            pause = asked_pause(headers, datetime.now(UTC))
            return Lost(f"{status}: {said}" + (f"; asks to wait {pause:.0f} s" if pause else ""))
        key = f"the key in {self.key_env}" if self.key_env else "api_key_env: no key was sent"
        if status == 401:  # a provider's own words may show a part of the key
            return Lost("401: no key, or one that is not accepted", check=key)
        return Lost(f"{status}: {said}", check=key if status == 403 else "base_url and model")


def find_server(engine: str, run: Run, own_url: str, own_key_env: str) -> Server:
    """The server of the run settings, by default the provider's own, with its key."""
    base_url = run.base_url or own_url
    host, own_host = _host(engine, base_url), _host(engine, own_url)
    is_own = f".{host}".endswith(f".{own_host}")
    key_env = run.api_key_env or (own_key_env if is_own else None)
    return Server(base_url, host, is_own, key_env, _key(engine, key_env))


def _host(engine: str, base_url: str) -> str:
    """The server's name without anything secret."""
    try:
        url = urlsplit(base_url)
        host = url.hostname if url.port is None else f"{url.hostname}:{url.port}"
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https"):
        raise BenchwarrantError(f"{engine}: run: base_url must look like http://localhost:8000/v1")
    if url.username or url.password:
        raise BenchwarrantError(
            f"{engine}: run: base_url holds a password; use api_key_env instead"
        )
    return host


def _key(engine: str, name: str | None) -> str:
    if name is None:
        return "none"
    if not name.isidentifier():  # perhaps the key itself, so it is not repeated
        raise BenchwarrantError(
            f"{engine}: run: api_key_env takes the name of a variable, not a key"
        )
    key = os.environ.get(name, "").strip()
    if not key:
        raise BenchwarrantError(f"{engine}: no key: set the environment variable {name}")
    if not (key.isascii() and key.isprintable()):
        raise BenchwarrantError(f"{engine}: the environment variable {name} does not hold a key")
    return key


# What a response means to the retries


def watched(
    run: Run,
    server: Server,
    is_answer: Callable[[Any], bool],
    tokens_of: Callable[[Any], Tokens | None],
) -> dict[str, Any]:
    """Settings of an HTTP client for ``run``, whose responses the SDKs' retries read rightly.

    Each attempt is booked in the ledger of ``run``, if it has one.

    Half an answer, or a page that is none, fails like a broken connection, so that it is retried.
    Of error statuses only a passing trouble is, and only after a pause that is worth waiting for:
    one SDK would sleep through whatever ``Retry-After`` says, 49 days if need be.
    """

    ledger: Ledger | None = run.ledger
    arrives = ledger.arrives if ledger else lambda *_: None

    async def check(response: httpx2.Response) -> None:
        if not response.is_success:
            arrives(str(response.status_code))
            pause = asked_pause(response.headers, datetime.now(UTC))
            if not _is_passing(response.status_code) or (pause or 0) > LONGEST_PAUSE:
                response.headers["x-should-retry"] = "false"  # both SDKs obey it
            return
        await response.aread()
        try:
            answered = is_answer(body := response.json())
        except (ValueError, LookupError, TypeError):
            answered = False
        if answered:
            arrives(ANSWERED, tokens_of(body))
        else:
            arrives(GARBLED)
            said = f"not a chat completion: {server.clean(response.text)}"  # the SDKs log it
            raise httpx2.DecodingError(said, request=response.request)

    at_once = run.concurrency  # the SDKs keep 100 connections open, and make the others anew
    limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    hooks = {"request": [ledger.leaves] if ledger else [], "response": [check]}
    return {"event_hooks": hooks, "limits": limits, "verify": trusted()}


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed, looked up once: it takes 40 ms."""
    return httpx2.create_ssl_context()


def pools(run: Run) -> range:
    """One number for each client that shares the requests."""
    return range(-(-run.concurrency // PER_POOL))


async def closed(clients: Sequence[Any]) -> None:
    """Close SDK clients."""
    for client in clients:
        await client.close()


def asked_pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds a server asks to wait, if any: Retry-After is a number or a date (RFC 9110)."""
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            pause = float(headers.get(name, "")) / per_second
        except ValueError:
            continue
        return pause if pause > 0 else None  # nor "nan"
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds()) or None


def _is_passing(status: int) -> bool:
    return status in (408, 409, 429) or status >= 500
