"""The calls about files and batches, as OpenAI and Anthropic take them and show what they made."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from provider_answers import ANTHROPIC, OPENAI, Dialect, Invalid, Json
from provider_batches import NOT_RUN, Batch, Batches, Missing
from starlette.datastructures import UploadFile
from starlette.requests import Request

DAY = 24 * 60 * 60
OPENAI_TIMES = (
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)
COUNTED = ("processing", "succeeded", "errored", "canceled", "expired")

Call = Callable[[Batches, Request, str], Awaitable[Json | bytes]]  # the words to repeat in errors


def _id(request: Request) -> str:
    return request.path_params["id"]


# OpenAI


async def _upload(batches: Batches, request: Request, said: str) -> Json:
    async with request.form() as form:
        file, purpose = form.get("file"), form.get("purpose")
        if not isinstance(file, UploadFile) or not isinstance(purpose, str):
            raise Invalid("file, purpose: both are required")
        return batches.upload(file.filename or "", purpose, await file.read()).view()


async def _file(batches: Batches, request: Request, said: str) -> Json:
    return batches.file(_id(request)).view()


async def _content(batches: Batches, request: Request, said: str) -> bytes:
    return batches.file(_id(request)).content


async def _openai_create(batches: Batches, request: Request, said: str) -> Json:
    return _openai_view(batches.create_openai(await request.json(), said))


async def _openai_get(batches: Batches, request: Request, said: str) -> Json:
    return _openai_view(batches.get(OPENAI, _id(request)))


async def _openai_cancel(batches: Batches, request: Request, said: str) -> Json:
    return _openai_view(batches.cancel(OPENAI, _id(request)))


async def _openai_list(batches: Batches, request: Request, said: str) -> Json:
    asked = request.query_params
    found, more = batches.page(OPENAI, asked.get("after"), int(asked.get("limit", 20)))
    return {"object": "list"} | _page([_openai_view(batch) for batch in found], more)


def _page(views: list[Json], more: bool) -> Json:
    ends = {"first_id": views[0]["id"], "last_id": views[-1]["id"]} if views else {}
    return {"data": views, "has_more": more, "first_id": None, "last_id": None} | ends


def _openai_view(batch: Batch) -> Json:
    kinds, created = batch.kinds(), int(batch.times["created"])
    answered = kinds.pop("ok", 0)
    counts = {"total": len(batch.rows) if "in_progress" in batch.times else 0}
    counts |= {"completed": answered, "failed": sum(kinds.values())}
    problems = {"object": "list", "data": batch.problems}
    times = {f"{name}_at": int(batch.times.get(name, 0)) or None for name in OPENAI_TIMES}
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.about["endpoint"],
        "input_file_id": batch.about["input_file_id"],
        "metadata": batch.about.get("metadata"),
        "completion_window": "24h",
        "model": batch.rows[0][1].get("model") if batch.rows else None,
        "status": batch.status,
        "errors": problems if batch.status == "failed" else None,
        "output_file_id": batch.files.get("output"),
        "error_file_id": batch.files.get("error"),
        "request_counts": counts,
        "created_at": created,
        "expires_at": created + DAY,
        **times,
    }


# Anthropic


async def _create(batches: Batches, request: Request, said: str) -> Json:
    return _view(batches.create_anthropic(await request.json(), said), request)


async def _get(batches: Batches, request: Request, said: str) -> Json:
    return _view(batches.get(ANTHROPIC, _id(request)), request)


async def _cancel(batches: Batches, request: Request, said: str) -> Json:
    return _view(batches.cancel(ANTHROPIC, _id(request)), request)


async def _list(batches: Batches, request: Request, said: str) -> Json:
    asked = request.query_params
    found, more = batches.page(ANTHROPIC, asked.get("after_id"), int(asked.get("limit", 20)))
    return _page([_view(batch, request) for batch in found], more)


async def _results(batches: Batches, request: Request, said: str) -> bytes:
    batch = batches.get(ANTHROPIC, _id(request))
    if not batch.done:
        raise Missing(batch.id)
    lines = [
        {"custom_id": name, "result": _result(kind, what)}
        for name, (kind, what) in batch.results.items()
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _result(kind: str, what: Json | str | None) -> Json:
    if kind == "ok":
        return {"type": "succeeded", "message": what}
    if kind in NOT_RUN:
        return {"type": "canceled" if kind == "cancelled" else kind}
    return {"type": "errored", "error": ANTHROPIC.error(kind, str(what))}


def _view(batch: Batch, request: Request) -> Json:
    """Nothing is counted but as being processed until the whole batch has ended."""
    status = "canceling" if batch.status == "cancelling" else "in_progress"
    counts = Counter(processing=len(batch.rows))
    if batch.done:
        status = "ended"
        counts = Counter(_result(*result)["type"] for result in batch.results.values())
    ended = batch.times[batch.status] if batch.done else None
    results = f"{request.base_url}v1/messages/batches/{batch.id}/results"
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {name: counts[name] for name in COUNTED},
        "created_at": _moment(batch.times["created"]),
        "expires_at": _moment(batch.times["created"] + DAY),
        "ended_at": _moment(ended),
        "cancel_initiated_at": _moment(batch.times.get("cancelling")),
        "archived_at": None,
        "results_url": results if batch.done else None,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


CALLS: list[tuple[Dialect, str, str, Call]] = [
    (OPENAI, "POST", "/v1/files", _upload),
    (OPENAI, "GET", "/v1/files/{id}", _file),
    (OPENAI, "GET", "/v1/files/{id}/content", _content),
    (OPENAI, "POST", "/v1/batches", _openai_create),
    (OPENAI, "GET", "/v1/batches", _openai_list),
    (OPENAI, "GET", "/v1/batches/{id}", _openai_get),
    (OPENAI, "POST", "/v1/batches/{id}/cancel", _openai_cancel),
    (ANTHROPIC, "POST", "/v1/messages/batches", _create),
    (ANTHROPIC, "GET", "/v1/messages/batches", _list),
    (ANTHROPIC, "GET", "/v1/messages/batches/{id}", _get),
    (ANTHROPIC, "GET", "/v1/messages/batches/{id}/results", _results),
    (ANTHROPIC, "POST", "/v1/messages/batches/{id}/cancel", _cancel),
]
