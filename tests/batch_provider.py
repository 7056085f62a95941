"""Both providers' batch APIs as handlers of a test server: each row is answered when it comes in.

What is created counts as paid, whether the answer about it arrives or not.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pytest_httpserver import HTTPServer
from quick_server import QuickServer
from werkzeug import Request, Response

Json = dict[str, Any]
Rule = Callable[[Json], str]  # a row's request → "ok", a status such as "400", or "expired"


@dataclass
class Made:
    """A batch as the provider keeps it."""

    id: str
    rows: dict[str, tuple[Json, str]]  # custom id → request, what became of it
    about: Json
    created: float = field(default_factory=time.time)


@dataclass
class Provider:
    """Where the server is, what it was asked, and how it is to behave."""

    server: HTTPServer
    rule: Rule = lambda body: "ok"
    looks: int = 1  # at a batch until it has ended
    state: str = "completed"  # OpenAI's, at the end
    problems: list[Json] = field(default_factory=list)  # why a batch of OpenAI's has failed
    trouble: Callable[[str, str], Response | None] = lambda when, call: None
    batches: dict[str, Made] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    paid: Counter[str] = field(default_factory=Counter)  # requests answered, by their text
    calls: list[str] = field(default_factory=list)

    @property
    def openai(self) -> str:
        return str(self.server.url_for("/v1"))

    @property
    def anthropic(self) -> str:
        return str(self.server.url_for("/")).rstrip("/")

    def make(self, prefix: str, rows: dict[str, Json], about: Json) -> Made:
        made = Made(f"{prefix}{len(self.batches)}", {}, about)
        for name, body in rows.items():
            what = "expired" if self.problems else self.rule(body)
            made.rows[name] = body, what
            self.paid[json.dumps(body["messages"])] += what == "ok"
        self.batches[made.id] = made
        return made

    def answer(self, request: Request) -> Response:
        call = f"{request.method} {request.path.removeprefix('/v1')}"
        self.calls.append(call)
        if early := self.trouble("before", call):
            return early
        parts = request.path.removeprefix("/v1/").split("/")
        of_anthropic = parts[0] == "messages"
        found = (
            self._anthropic(request, parts[2:]) if of_anthropic else self._openai(request, parts)
        )
        return self.trouble("after", call) or found

    # OpenAI

    def _openai(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "POST", ["files"]:
                name = f"file-{len(self.files)}"
                self.files[name] = request.files["file"].read()
                return shown({"id": name, "object": "file", "purpose": "batch"})
            case "GET", ["files", name, "content"]:
                return Response(self.files[name]) if name in self.files else refused(404, "no file")
            case "POST", ["batches"]:
                about = request.get_json()
                lines = self.files[about["input_file_id"]].splitlines()
                rows = {row["custom_id"]: row["body"] for row in map(json.loads, lines)}
                return shown(self._batch(self.make("batch_", rows, about | {"looks": 0})))
            case "GET", ["batches"]:
                newest = [self._batch(made) for made in self.batches.values()][::-1]
                return shown({"object": "list", "data": newest, "has_more": False})
            case "GET", ["batches", name] if name in self.batches:
                self.batches[name].about["looks"] += 1
                return shown(self._batch(self.batches[name]))
        return refused(404, f"no {'/'.join(parts)}")

    def _batch(self, made: Made) -> Json:
        is_over = made.about["looks"] >= self.looks
        status = ("failed" if self.problems else self.state) if is_over else "in_progress"
        files = {}
        if is_over and not self.problems:
            for which, is_good in (("output", True), ("error", False)):
                lines = [
                    json.dumps(openai_line(name, body, what)) + "\n"
                    for name, (body, what) in made.rows.items()
                    if (what == "ok") is is_good
                ]
                if lines:
                    files[f"{which}_file_id"] = f"{made.id}-{which}"
                    self.files[f"{made.id}-{which}"] = "".join(lines).encode()
        return {
            "id": made.id,
            "object": "batch",
            "status": status,
            "errors": {"object": "list", "data": self.problems} if status == "failed" else None,
            "created_at": int(made.created),
            **{name: made.about.get(name) for name in ("endpoint", "input_file_id", "metadata")},
            "completion_window": "24h",
            **files,
        }

    # Anthropic

    def _anthropic(self, request: Request, parts: list[str]) -> Response:
        match request.method, parts:
            case "POST", []:
                rows = {r["custom_id"]: r["params"] for r in request.get_json()["requests"]}
                return shown(self._messages(self.make("msgbatch_", rows, {"looks": 0})))
            case "GET", []:
                newest = [self._messages(made) for made in self.batches.values()][::-1]
                return shown({"data": newest, "has_more": False})
            case "GET", [name] if name in self.batches:
                self.batches[name].about["looks"] += 1
                return shown(self._messages(self.batches[name]))
            case "GET", [name, "results"] if name in self.batches:
                rows = self.batches[name].rows.items()
                lines = [
                    json.dumps(anthropic_line(n, body, what)) + "\n" for n, (body, what) in rows
                ]
                return Response("".join(lines))
        return refused(404, f"no {'/'.join(parts)}")

    def _messages(self, made: Made) -> Json:
        is_over = made.about["looks"] >= self.looks
        if not is_over:
            made.about["looks"] += 0.5  # a list is half a look
        kinds = Counter(
            "succeeded" if what == "ok" else "errored" for _, what in made.rows.values()
        )
        return {
            "id": made.id,
            "type": "message_batch",
            "processing_status": "ended" if is_over else "in_progress",
            "request_counts": dict(kinds) if is_over else {"processing": len(made.rows)},
            "created_at": datetime.fromtimestamp(made.created, UTC).isoformat(),
            "expires_at": datetime.fromtimestamp(made.created + 86400, UTC).isoformat(),
            "results_url": "https://elsewhere.example/results" if is_over else None,
        }


@contextmanager
def provider() -> Iterator[Provider]:
    with QuickServer(threaded=True) as server:
        made = Provider(server)
        for path in ("files", "batches", "messages"):
            server.expect_request(re.compile(rf"/v1/{path}(/.*)?")).respond_with_handler(
                made.answer
            )
        yield made
        server.check_handler_errors()


def shown(body: Json) -> Response:
    return Response(json.dumps(body), content_type="application/json")


def refused(status: int, said: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"type": "error", "error": {"message": said, "type": "some_error"}})
    return Response(body, status, headers, content_type="application/json")


def said(body: Json) -> str:
    return "re: " + str(body["messages"][-1]["content"])


def openai_line(name: str, body: Json, what: str) -> Json:
    if what == "expired":
        error = {"code": "batch_expired", "message": "It was not run in time."}
        return {"id": "1", "custom_id": name, "response": None, "error": error}
    status, answer = (
        200,
        {
            "model": "tiny-2026-01-01",
            "choices": [{"finish_reason": "stop", "message": {"content": said(body)}}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7},
        },
    )
    if what != "ok":
        code, _, words = what.partition(" ")
        status, answer = int(code), {"error": {"message": words or "no", "code": "x", "type": "y"}}
    return {
        "id": "1",
        "custom_id": name,
        "response": {"status_code": status, "request_id": "r", "body": answer},
        "error": None,
    }


TYPES = {"400": "invalid_request_error", "401": "authentication_error", "500": "api_error"}


def anthropic_line(name: str, body: Json, what: str) -> Json:
    if what == "ok":
        message = {
            "type": "message",
            "model": "tiny-2026-01-01",
            "content": [{"type": "text", "text": said(body)}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 11, "output_tokens": 7},
        }
        return {"custom_id": name, "result": {"type": "succeeded", "message": message}}
    if what in ("expired", "canceled"):
        return {"custom_id": name, "result": {"type": what}}
    code, _, words = what.partition(" ")
    error = {"type": "error", "error": {"type": TYPES[code], "message": words or "no"}}
    return {"custom_id": name, "result": {"type": "errored", "error": error}}
