"""What ``batches`` needs: a provider's batch API in few words, and a journal."""

import json
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

import httpx2

from inference.endpoint import Lost, Server

# Half a page, or a page of something else: what the SDKs make of it lacks what it should have.
NO_ANSWER = (httpx2.HTTPError, ValueError, LookupError, TypeError, AttributeError)

Bodies = Mapping[str, dict[str, Any]]  # custom id → request


@dataclass(frozen=True)
class Batch:
    """A batch as the journal knows it; without an id it is planned, and perhaps created."""

    key: str  # random; the custom ids of its rows begin with it
    host: str
    rows: tuple[str, ...]
    planned: float = field(default_factory=time.time)  # seconds since 1970
    file: str | None = None  # the uploaded requests, where the provider wants a file
    id: str | None = None

    def custom_id(self, row: str) -> str:
        return f"{self.key}-{row}"


@dataclass(frozen=True)
class Row:
    """One line of a batch's results. Without a status it was not run, and ``said`` tells why."""

    custom_id: str
    status: int | None
    body: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""


@dataclass(frozen=True)
class Ended:
    """A batch that has ended; one that ``failed`` as a whole was not run and has no rows."""

    failed: Lost | None = None


class Trouble(Exception):
    """A request about batches was refused, or had no answer (status 0)."""

    def __init__(self, status: int, lost: Lost) -> None:
        super().__init__(lost.reason)
        self.status = status
        self.lost = lost

    @property
    def is_passing(self) -> bool:
        return not self.lost.check

    @property
    def is_undone(self) -> bool:
        """Whether the server says that it did nothing; otherwise nobody knows."""
        return 400 <= self.status < 500 and self.status not in (408, 409)


class Journal(Protocol):
    """What is known of one judge's batches for one purpose, whatever has ended the runs before."""

    stopped: Event  # set: wait for nothing any more

    def open(self) -> list[Batch]: ...

    def ids(self) -> Set[str]:
        """The ids of all the batches of the study."""
        ...

    def note(self, state: str, batch: Batch) -> None:
        """Keep "planned", "sent", "dropped" or "failed"; it is on the disk when this returns."""
        ...

    def collected(self, batch: Batch) -> None:
        """All its rows were handed on: it is settled once whoever has them has saved them."""
        ...


class Service(Protocol):
    """A provider's batch API. Each method asks once, and raises Trouble."""

    host: str

    def upload(self, key: str, bodies: Bodies) -> str | None:
        """The file that the provider wants to have the requests in, if it wants one."""
        ...

    def create(self, batch: Batch, bodies: Bodies) -> str: ...

    def find(self, batch: Batch, known: Set[str]) -> tuple[str | None, bool]:
        """The id of a batch that may have been created, and whether the answer is certain.

        ``known`` are the ids of others.
        """
        ...

    def ended(self, batch: str) -> Ended | None: ...

    def results(self, batch: str) -> Iterator[Row]: ...

    def close(self) -> None: ...


def lines(client: Any, stream: Any, path: str) -> Iterator[dict[str, Any]]:
    """The JSON lines of a file as it arrives. Texts may hold other ends of lines than ``\\n``."""
    response = client.get(path, cast_to=httpx2.Response, stream=True, stream_cls=stream)
    try:
        rest = b""
        for chunk in response.iter_bytes():
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (json.loads(line) for line in whole if line.strip())
        if rest.strip():
            yield json.loads(rest)
    finally:
        response.close()


def id_of(made: Any) -> str:
    """The id of what the server has made; the SDKs take any JSON, with None for what it lacks."""
    if not made.id:
        raise ValueError("no id")
    return str(made.id)


@contextmanager
def asking(sdk: Any, server: Server, batch: str = "") -> Iterator[None]:
    """An SDK's exceptions, and those of half an answer, as Trouble without the key."""
    try:
        yield
    except sdk.APIStatusError as error:
        raise Trouble(error.status_code, _refused(error, server, batch)) from None
    except sdk.APIConnectionError as error:
        said = str(error.__cause__ or "") or error.message
        raise Trouble(0, Lost(server.clean(said))) from None
    except (sdk.APIError, *NO_ANSWER) as error:
        said = server.clean(f"not an answer about batches: {error}")
        raise Trouble(0, Lost(said)) from None


def _refused(error: Any, server: Server, batch: str) -> Lost:
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error")
    inner = inner if isinstance(inner, dict) else body
    said = server.clean(str(inner.get("message") or error.message))
    if batch and error.status_code == 404:
        gone = f'the key; if they are gone for good, run = {{ given_up = ["{batch}"] }} asks again'
        return Lost(f"404: {said}", gone, f"has no batch {batch} or no results of it")
    result = server.refused(error.status_code, said, error.response.headers)
    if isinstance(result, Lost):
        return result
    check = "model and options, or leave out batch = true"
    return Lost(f"{error.status_code}: {said}", check, "takes no such batch")
