"""A server in a process of its own that answers every chat after the same delay.

    with start(0.2) as (base_url, stop):
        ...  # POST base_url + "/chat/completions" (OpenAI) or "/messages" (Anthropic)

It does as little as a server can, so that what is measured is the client: HTTP/1.1 with
connections kept open, one fixed answer for each of the two APIs. It ends with ``stop()``, with the
block, and with the process that started it, whatever becomes of that one.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

TEXT = "Six times seven is 42. The answer is 42."


@contextmanager
def start(delay: float) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run the server; gives its base URL (an OpenAI client's) and a function that ends it."""
    server = subprocess.Popen(
        [sys.executable, __file__, str(delay)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin and server.stdout

    def stop() -> None:
        server.kill()
        server.wait()

    try:
        port = int(server.stdout.readline())
        yield f"http://127.0.0.1:{port}/v1", stop
    finally:
        stop()
        server.stdin.close()
        server.stdout.close()


def _response(body: dict[str, Any]) -> bytes:
    payload = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}"
    return head.encode() + b"\r\n\r\n" + payload


OPENAI = _response(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "slow",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": TEXT},
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 13, "total_tokens": 24},
    }
)
ANTHROPIC = _response(
    {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "slow",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 13},
    }
)


class Connection(asyncio.Protocol):
    """Waits for a whole request, then for the delay, then answers."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._come = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._come += data
        while (whole := _length(self._come)) and len(self._come) >= whole:
            first_line = self._come[: self._come.index(b"\r\n")]
            self._come = self._come[whole:]
            answer = ANTHROPIC if b"/messages" in first_line else OPENAI
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)


def _length(come: bytes) -> int:
    """How long the first request is, head and body; 0 while its head is not complete."""
    head, end, _ = come.partition(b"\r\n\r\n")
    if not end:
        return 0
    _, _, length = head.lower().partition(b"content-length:")
    return len(head) + len(end) + int(length.split(b"\r\n", 1)[0] or 0)


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    parent_gone = loop.create_future()

    def wait() -> None:
        sys.stdin.read()  # ends when the parent does
        loop.call_soon_threadsafe(parent_gone.set_result, None)

    Thread(target=wait, daemon=True).start()
    await parent_gone


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
