"""What the tests of the engines that ask a server share: a server, chats, and failing handlers."""

import time
from collections.abc import Callable

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from inference.engine import Chat, Message

Handler = Callable[[Request], Response]

KEY = "sk-secret-4711-never-to-be-seen"
SOON = {"retry-after-ms": "5"}


class QuickServer(HTTPServer):
    def thread_target(self) -> None:
        assert self.server is not None
        self.server.serve_forever(poll_interval=0.01)  # half a second would be spent at each stop


def chats(*questions: str) -> list[Chat]:
    return [(Message("user", question),) for question in questions]


def failing(
    times: int, reply: Callable[[], Response], well: Handler
) -> tuple[Handler, list[float]]:
    """Answer the first requests so, the next ones well; the list gets the time of each."""
    seen: list[float] = []

    def handler(request: Request) -> Response:
        seen.append(time.monotonic())
        return reply() if len(seen) <= times else well(request)

    return handler, seen


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
