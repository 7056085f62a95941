"""A server in a process of its own that answers as OpenAI and Anthropic do, faults and all.

    with start(delay=0.2, faults=Faults(too_many=0.1), seed=7) as server:
        ...  # base_url=server.openai, or base_url=server.anthropic, with any key
        server.counts()["paid_twice"]

It lives as long as the ``with`` block, or until ``stop()``, or the end of the process that started
it, whatever becomes of its clients. For a person:

    python tests/provider_server.py --delay 0.2 --faults '{"too_many": 0.1}'
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import uvicorn
from provider_answers import ANTHROPIC, NO_ANSWER, OPENAI, SAYS, STATUS, Dialect
from provider_batches import Batches, Missing
from provider_calls import CALLS
from provider_state import BatchFaults, Faults, State
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

SOON = {"retry-after-ms": "20"}
REFUSES = ("too_many", "invalid", "unauthorised")  # at once; the other faults take their time
CALL_FAULTS = (*REFUSES, "broken", "cut", "garbled")
FAULTS = (*CALL_FAULTS, "misshapen", "refused")

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Server:
    """Where the server is, and what can be asked of it from outside."""

    port: int
    stop: Callable[[], None]

    @property
    def anthropic(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai(self) -> str:
        return f"{self.anthropic}/v1"

    def counts(self) -> dict[str, Any]:
        """What was received and what was billed so far."""
        return self._call("GET", "/counts")

    def change(self, **settings: Any) -> None:
        """Other ``faults``, ``batch_faults``, ``delay`` or ``batch_seconds`` from now on."""
        told = {
            name: asdict(value) if isinstance(value, Faults | BatchFaults) else value
            for name, value in settings.items()
        }
        self._call("POST", "/change", json.dumps(told))

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
            assert response.status == 200, answer
            return json.loads(answer)
        finally:
            connection.close()


@contextmanager
def start(
    delay: float = 0.0,
    faults: Faults = Faults(),
    batch_faults: BatchFaults = BatchFaults(),
    batch_seconds: float = 0.3,
    seed: int = 0,
) -> Iterator[Server]:
    """Run the server until the block ends."""
    settings = {
        "--delay": delay,
        "--faults": json.dumps(asdict(faults)),
        "--batch-faults": json.dumps(asdict(batch_faults)),
        "--batch-seconds": batch_seconds,
        "--seed": seed,
    }
    told = [str(part) for setting in settings.items() for part in setting]
    process = subprocess.Popen(
        [sys.executable, __file__, "--end-with-stdin", *told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout

    def stop() -> None:
        process.kill()
        process.wait()

    try:
        yield Server(int(process.stdout.readline().rpartition(":")[2]), stop)
    finally:
        stop()
        process.stdin.close()
        process.stdout.close()


# In the process of its own


class Cut(Response):
    """Half an answer; uvicorn then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def _app(state: State) -> Starlette:
    """Both APIs, and two paths to look at the books and to change the settings."""
    batches = Batches(state)
    routes = [
        Route("/v1/chat/completions", _asking(state, OPENAI), methods=["POST"]),
        Route("/v1/messages", _asking(state, ANTHROPIC), methods=["POST"]),
    ]
    for dialect, method, path, call in CALLS:
        endpoint = _calling(state, dialect, partial(call, batches))
        routes.append(Route(path, endpoint, methods=[method]))

    async def counts(request: Request) -> Response:
        return JSONResponse(state.ledger.counts())

    async def change(request: Request) -> Response:
        state.change(await request.json())
        return JSONResponse({})

    routes += [Route("/counts", counts), Route("/change", change, methods=["POST"])]
    return Starlette(routes=routes)


def _asking(state: State, dialect: Dialect) -> Endpoint:
    """A single question: billed when it is taken, whatever becomes of the answer."""
    ledger = state.ledger

    async def ask(request: Request) -> Response:
        ledger.requests += 1
        fault = state.drawn("request", state.faults, FAULTS)
        said = _said(request, state.faults, fault)
        try:
            body = await request.json()
            answer = dialect.answer(body, fault)
        except NO_ANSWER as error:
            ledger.outcomes["invalid"] += 1
            return _refusal(dialect, "invalid", str(error), said)
        ledger.outcomes[fault or "ok"] += 1
        if fault in REFUSES:
            return _refusal(dialect, fault, SAYS[fault], said)
        if fault != "broken":
            ledger.bill("single", dialect.key(body), dialect.tokens(answer))
        with ledger.one_more():
            await asyncio.sleep(state.delay)
        if fault == "broken":
            return _refusal(dialect, fault, SAYS[fault], said)
        return _sent(JSONResponse(answer), fault, said)

    return ask


def _calling(state: State, dialect: Dialect, call: Callable[[Request, str], Any]) -> Endpoint:
    """A call about files or batches: what is cut or garbled on its way back was done."""

    async def answer(request: Request) -> Response:
        state.ledger.calls += 1
        faults = state.batch_faults.calls
        fault = state.drawn("call", faults, CALL_FAULTS)
        said = _said(request, faults, fault)
        await request.body()  # a refusal in the middle of a long one would be a broken connection
        if fault in STATUS:
            return _refusal(dialect, fault, SAYS[fault], said)
        try:
            made = await call(request, said)
        except Missing as error:
            return _refusal(dialect, "missing", f"{SAYS['missing']} {error}", said)
        except NO_ANSWER as error:
            return _refusal(dialect, "invalid", str(error), said)
        return _sent(Response(made) if isinstance(made, bytes) else JSONResponse(made), fault, said)

    return answer


def _said(request: Request, faults: Faults, fault: str) -> str:
    """What the words of an error end in: the key that was sent, or nothing."""
    if not faults.echo_key and fault != "unauthorised":
        return ""
    key = request.headers.get("authorization") or request.headers.get("x-api-key") or "none"
    return f" Key: {key.removeprefix('Bearer ')}"


def _refusal(dialect: Dialect, kind: str, message: str, said: str) -> Response:
    headers = SOON if kind == "too_many" else None
    return JSONResponse(dialect.error(kind, message + said), STATUS[kind], headers)


def _sent(response: Response, fault: str, said: str) -> Response:
    body = bytes(response.body)
    if fault == "cut":
        return Cut(body, media_type="application/json")
    if fault == "garbled":
        return Response(body[: len(body) // 2] + said.encode(), media_type="application/json")
    return response


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--delay", type=float, default=0.2, help="seconds before each answer")
    parser.add_argument("--faults", default="{}", help="JSON, as the fields of Faults")
    parser.add_argument("--batch-faults", default="{}", help="JSON, as the fields of BatchFaults")
    parser.add_argument("--batch-seconds", type=float, default=10.0, help="how long a batch takes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=0, help="by default one that is free")
    parser.add_argument("--end-with-stdin", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    faults, batch_faults = json.loads(told.faults), json.loads(told.batch_faults)
    state = State(told.delay, told.batch_seconds, told.seed)
    state.change({"faults": faults, "batch_faults": batch_faults})
    # With the protocol named, asyncio sends what is written at once: 40 ms for each answer.
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", told.port))
    listening.listen(1024)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    if told.end_with_stdin:
        Thread(target=_end_with_stdin, daemon=True).start()
    config = uvicorn.Config(
        _app(state),
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=600,  # not in the middle of a pause of the client's
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _end_with_stdin() -> None:
    sys.stdin.read()  # ends when the process that started this one does
    os._exit(0)


if __name__ == "__main__":
    main()
