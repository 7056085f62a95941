"""The provider server's files and batches: kept in memory and run by the clock.

A batch goes on whether anybody looks or not, and every row that it answers is billed then.
"""

import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from provider_answers import ANTHROPIC, NO_ANSWER, OPENAI, SAYS, STATUS, Dialect, Invalid, Json
from provider_state import State

SLICES = 10  # a batch is answered in so many steps, and can be cancelled between them
ROW_FAULTS = ("broken", "overloaded", "expired", "misshapen", "refused")
ENDPOINT = "/v1/chat/completions"
NOT_RUN = {
    "expired": "This request could not be executed before the completion window expired.",
    "cancelled": "This request was not executed, for the batch was cancelled.",
}
TOO_MUCH = "Enqueued token limit reached. Please try again once batches have been completed."


class Missing(Exception):
    """An id that belongs to nothing."""


@dataclass(frozen=True)
class File:
    id: str
    name: str
    purpose: str
    made: float
    content: bytes

    def view(self) -> Json:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": int(self.made),
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "expires_at": None,
        }


@dataclass
class Batch:
    """Rows, how far they are, and what became of each: a kind of STATUS or NOT_RUN, or "ok"."""

    id: str
    dialect: Dialect
    rows: list[tuple[str, Json]]  # custom_id, request
    said: str  # what the words of its errors have to repeat
    about: Json = field(default_factory=dict)  # what OpenAI's is created with beside its rows
    problems: list[Json] = field(default_factory=list)
    doomed: bool = False
    status: str = "validating"
    times: dict[str, float] = field(default_factory=lambda: {"created": time.time()})
    results: dict[str, tuple[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # of output and of errors
    task: Any = None  # kept here, or it might be collected while it runs

    @property
    def done(self) -> bool:
        return self.status in ("completed", "expired", "cancelled", "failed")

    def reach(self, status: str) -> None:
        self.times[status] = time.time()
        if self.status != "cancelling" or status == "cancelled":
            self.status = status

    def kinds(self) -> Counter[str]:
        return Counter(kind for kind, _ in self.results.values())


class Batches:
    """All files and batches of one server."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._files: dict[str, File] = {}
        self._batches: dict[str, Batch] = {}

    # Files

    def upload(self, name: str, purpose: str, content: bytes) -> File:
        if purpose == "batch" and not name.endswith(".jsonl"):
            raise Invalid("Invalid file format for Batch API. Must be .jsonl")
        file = File(f"file-{len(self._files):06}", name, purpose, time.time(), content)
        self._files[file.id] = file
        return file

    def file(self, id: str) -> File:
        if id not in self._files:
            raise Missing(id)
        return self._files[id]

    # Batches

    def create_openai(self, asked: Json, said: str) -> Batch:
        file = self._files.get(asked.get("input_file_id", ""))
        if file is None or file.purpose != "batch":
            raise Invalid("input_file_id: no file with the purpose batch has this id")
        if asked.get("endpoint") != ENDPOINT or asked.get("completion_window") != "24h":
            raise Invalid(f"endpoint: {ENDPOINT}, completion_window: 24h")
        metadata = asked.get("metadata") or {}
        if len(metadata) > 16 or any(len(k) > 64 or len(v) > 512 for k, v in metadata.items()):
            raise Invalid("metadata: at most 16 keys of 64 characters, values of 512")
        rows, problems = _read(file.content)
        batch = Batch(self._new("batch_"), OPENAI, rows, said, asked, problems)
        return self._begin(batch)

    def create_anthropic(self, asked: Json, said: str) -> Batch:
        rows = [(row.get("custom_id"), row.get("params")) for row in asked.get("requests") or ()]
        names = [name for name, _ in rows]
        if not rows or not all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", str(name)) for name in names):
            raise Invalid("requests: each needs a custom_id of letters, digits, _ and -")
        if len(set(names)) < len(names):
            raise Invalid("requests: custom_id must be unique within the batch")
        return self._begin(Batch(self._new("msgbatch_"), ANTHROPIC, rows, said))

    def get(self, dialect: Dialect, id: str) -> Batch:
        batch = self._batches.get(id)
        if batch is None or batch.dialect is not dialect:
            raise Missing(id)
        return batch

    def page(self, dialect: Dialect, after: str | None, limit: int) -> tuple[list[Batch], bool]:
        """The newest first, those after the one named; and whether there are more."""
        found = [batch for batch in self._batches.values() if batch.dialect is dialect][::-1]
        start = found.index(self.get(dialect, after)) + 1 if after else 0
        return found[start : start + limit], len(found) > start + limit

    def cancel(self, dialect: Dialect, id: str) -> Batch:
        batch = self.get(dialect, id)
        if batch.done or batch.status == "finalizing":
            raise Invalid(f"Cannot cancel a batch with status '{batch.status}'.")
        batch.reach("cancelling")
        return batch

    def _new(self, prefix: str) -> str:
        return f"{prefix}{len(self._batches):06}"

    def _begin(self, batch: Batch) -> Batch:
        is_first = not self.page(batch.dialect, None, 1)[0]
        batch.doomed = is_first and self._state.batch_faults.first_fails
        if batch.doomed and batch.dialect is OPENAI:
            batch.problems.append(_problem("token_limit_exceeded", TOO_MUCH))
        self._batches[batch.id] = batch
        self._state.ledger.batches += 1
        batch.task = asyncio.create_task(self._run(batch))
        return batch

    async def _run(self, batch: Batch) -> None:
        whole = self._state.batch_seconds
        await asyncio.sleep(whole / 10)
        if batch.problems and batch.status != "cancelling":
            return batch.reach("failed")
        batch.reach("in_progress")
        for part in range(SLICES):
            await asyncio.sleep(whole * 0.8 / SLICES)
            if batch.status == "cancelling":
                break
            for name, body in batch.rows[part::SLICES]:
                batch.results[name] = self._answered(batch, body)
        batch.reach("finalizing")
        await asyncio.sleep(whole / 10)
        self._close(batch)

    def _answered(self, batch: Batch, body: Json) -> tuple[str, Any]:
        faults, key = self._state.batch_faults, batch.dialect.key(body)
        fault = self._state.drawn("row", faults, ROW_FAULTS)
        if batch.doomed or fault == "expired":
            return "expired", None
        if int(key[:8], 16) < faults.invalid * 16**8:
            return "invalid", SAYS["invalid"] + batch.said
        if fault in ("broken", "overloaded"):
            return fault, SAYS[fault] + batch.said
        try:
            answer = batch.dialect.answer(body, fault)
        except NO_ANSWER as error:
            return "invalid", str(error) + batch.said
        self._state.ledger.bill("row", key, batch.dialect.tokens(answer))
        return "ok", answer

    def _close(self, batch: Batch) -> None:
        """Results come in any order, and every row has one."""
        every = [(name, batch.results.get(name, ("cancelled", None))) for name, _ in batch.rows]
        found = self._state.shuffled(every)
        batch.results = dict(found)
        if batch.dialect is OPENAI:
            output = [openai_line(name, what) for name, what in found if what[0] == "ok"]
            errors = [openai_line(name, what) for name, what in found if what[0] != "ok"]
            for of, lines in (("output", output), ("error", errors)):
                if lines:
                    file = self.upload(f"{batch.id}_{of}.jsonl", "batch_output", b"".join(lines))
                    batch.files[of] = file.id
        ended = "expired" if batch.kinds()["expired"] else "completed"
        batch.reach("cancelled" if batch.status == "cancelling" else ended)


def _read(content: bytes) -> tuple[list[tuple[str, Json]], list[Json]]:
    """The rows of an input file, and what OpenAI finds wrong with its lines."""
    rows: dict[str, Json] = {}
    problems: list[Json] = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            row = json.loads(line)
            name, body, model = row["custom_id"], row["body"], row["body"]["model"]
            fits = (row["method"], row["url"]) == ("POST", ENDPOINT)
        except ValueError:
            problems.append(_problem("invalid_json_line", "The line is no JSON.", number))
            continue
        except (LookupError, TypeError) as error:
            problems.append(_problem("missing_required_parameter", str(error), number))
            continue
        if not fits:
            problems.append(_problem("invalid_url", f"It must be POST {ENDPOINT}.", number))
        if name in rows:
            problems.append(_problem("duplicate_custom_id", f"{name} is a duplicate.", number))
        if model != next(iter(rows.values()), body)["model"]:
            problems.append(_problem("mismatched_model", "A batch has one model.", number))
        rows[name] = body
    if not content.strip():
        problems.append(_problem("empty_file", "The input file is empty."))
    return list(rows.items()), problems


def _problem(code: str, message: str, line: int | None = None) -> Json:
    return {"code": code, "message": message, "param": None, "line": line}


def openai_line(name: str, result: tuple[str, Any]) -> bytes:
    """A row's line in the file of answers, or in the file of errors."""
    kind, what = result
    response = error = None
    if kind in NOT_RUN:
        error = {"code": f"batch_{kind}", "message": NOT_RUN[kind]}
    else:
        body = what if kind == "ok" else OPENAI.error(kind, what)
        status = STATUS.get(kind, 200)
        response = {"status_code": status, "request_id": f"req_{name}", "body": body}
    line = {"id": f"batch_req_{name}", "custom_id": name, "response": response, "error": error}
    return json.dumps(line).encode() + b"\n"
