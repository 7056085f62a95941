"""The provider server's batches as both official SDKs see them, from upload to results."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import anthropic
import openai
import pytest
from provider_server import BatchFaults, Faults, Server, start
from quick_server import KEY, until

ENDPOINT = "/v1/chat/completions"
SOON = 0.1  # seconds that a batch takes
DONE = ("completed", "expired", "cancelled", "failed")
Line = dict[str, Any]


def params(question: str) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": question}]}


def questions(count: int) -> dict[str, dict[str, Any]]:
    return {f"row-{n}": params(f"question {n}") for n in range(count)}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with start(batch_seconds=SOON, seed=1) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_faults_are_left(server: Server) -> Iterator[None]:
    yield
    server.change(batch_faults=BatchFaults(), batch_seconds=SOON)


@pytest.fixture(scope="module")
def gpt(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.openai, api_key=KEY, max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def claude(server: Server) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.anthropic, api_key=KEY, max_retries=0) as sdk:
        yield sdk


# OpenAI


def line(name: str, body: dict[str, Any], url: str = ENDPOINT) -> str:
    return json.dumps({"custom_id": name, "method": "POST", "url": url, "body": body})


def upload(gpt: openai.OpenAI, lines: Sequence[str], name: str = "rows.jsonl") -> Any:
    return gpt.files.create(file=(name, "\n".join(lines).encode()), purpose="batch")


def create(gpt: openai.OpenAI, lines: Sequence[str], **more: Any) -> Any:
    file = upload(gpt, lines)
    return gpt.batches.create(
        input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h", **more
    )


def rows(count: int) -> list[str]:
    return [line(name, body) for name, body in questions(count).items()]


def finished(gpt: openai.OpenAI, batch: Any) -> tuple[Any, list[str]]:
    """The batch at its end, and the states that it was seen in."""
    seen = [batch.status]
    while batch.status not in DONE:
        time.sleep(0.004)
        batch = gpt.batches.retrieve(batch.id)
        seen += [batch.status] if batch.status != seen[-1] else []
    return batch, seen


def lines_of(gpt: openai.OpenAI, file: str | None) -> dict[str, Line]:
    if file is None:
        return {}
    found = [json.loads(one) for one in gpt.files.content(file).text.splitlines()]
    assert len({one["custom_id"] for one in found}) == len(found)
    return {one["custom_id"]: one for one in found}


def test_an_openai_batch_goes_through_its_states(server: Server, gpt: openai.OpenAI) -> None:
    server.change(batch_seconds=0.3)
    batch, seen = finished(gpt, create(gpt, rows(20), metadata={"study": "one"}))
    states = ["validating", "in_progress", "finalizing", "completed"]
    assert seen == [state for state in states if state in seen]  # a slow look may miss one
    assert len(seen) > 2 and batch.status == "completed" and batch.finalizing_at
    assert batch.metadata == {"study": "one"} and batch.error_file_id is None
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (20, 20, 0)
    assert batch.created_at <= batch.in_progress_at <= batch.completed_at < batch.expires_at
    file = gpt.files.retrieve(batch.output_file_id)
    assert (file.purpose, file.bytes > 0) == ("batch_output", True)
    given = gpt.files.content(batch.input_file_id).text.splitlines()
    assert given == rows(20)


def test_a_row_is_answered_as_a_request_of_its_own_is(server: Server, gpt: openai.OpenAI) -> None:
    before = server.counts()
    batch, _ = finished(gpt, create(gpt, rows(8)))
    found = lines_of(gpt, batch.output_file_id)
    assert list(found) != list(questions(8)) and set(found) == set(questions(8))
    for name, body in questions(8).items():
        assert found[name]["error"] is None
        assert found[name]["response"]["status_code"] == 200
        single = gpt.chat.completions.create(**body)
        answer = found[name]["response"]["body"]
        assert answer["choices"][0]["message"]["content"] == single.choices[0].message.content
        assert answer["usage"]["total_tokens"] == single.usage.total_tokens
    after = server.counts()
    assert after["paid_twice"] - before["paid_twice"] == 8
    billed = [counts["batches"]["tokens"]["output"] for counts in (before, after)]
    took = sum(f["response"]["body"]["usage"]["completion_tokens"] for f in found.values())
    assert billed[1] - billed[0] == took


def test_rows_paid_twice_are_counted_across_batches(server: Server, gpt: openai.OpenAI) -> None:
    before = server.counts()["batches"]
    asked = [params(f"paid {n}") for n in range(4)]
    for names in ("abcd", "efgh"):
        batch = create(gpt, [line(n, body) for n, body in zip(names, asked, strict=True)])
        finished(gpt, batch)
    after = server.counts()["batches"]
    grown = {name: after[name] - before[name] for name in ("created", "rows_billed")}
    assert grown == {"created": 2, "rows_billed": 8}
    assert after["rows_paid_twice"] - before["rows_paid_twice"] == 4


def test_rows_of_an_openai_batch_go_wrong(server: Server, gpt: openai.OpenAI) -> None:
    server.change(batch_faults=BatchFaults(invalid=0.2, broken=0.2, overloaded=0.2, expired=0.2))
    before = server.counts()["batches"]["rows_billed"]
    batch, seen = finished(gpt, create(gpt, rows(60)))
    assert seen[-1] == batch.status == "expired" and batch.expired_at
    good, bad = lines_of(gpt, batch.output_file_id), lines_of(gpt, batch.error_file_id)
    assert set(good) | set(bad) == set(questions(60)) and not set(good) & set(bad)
    assert server.counts()["batches"]["rows_billed"] - before == len(good)
    kinds = Counter(
        one["error"]["code"] if one["error"] else one["response"]["status_code"]
        for one in bad.values()
    )
    assert set(kinds) == {"batch_expired", 400, 500, 503}
    refused = [one["response"]["body"]["error"] for one in bad.values() if one["response"]]
    assert {error["type"] for error in refused} == {"invalid_request_error", "server_error"}
    assert all(one["response"] is None for one in bad.values() if one["error"])
    # A row's own fault is there again, and the server's trouble is not.
    server.change(batch_faults=BatchFaults(invalid=0.2))
    again, _ = finished(gpt, create(gpt, rows(60)))
    assert again.status == "completed"
    at_fault = {n for n, one in bad.items() if (one["response"] or {}).get("status_code") == 400}
    assert at_fault <= set(lines_of(gpt, again.error_file_id))


def test_answers_of_a_batch_can_break_off_or_be_refusals(
    server: Server, gpt: openai.OpenAI
) -> None:
    server.change(batch_faults=BatchFaults(misshapen=0.5, refused=0.5))
    batch, _ = finished(gpt, create(gpt, rows(12)))
    said = [
        one["response"]["body"]["choices"][0]["message"]
        for one in lines_of(gpt, batch.output_file_id).values()
    ]
    refused = [message for message in said if message["refusal"]]
    assert 0 < len(refused) < 12
    assert not any("Verdict" in (message["content"] or "") for message in said)


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([], "empty_file", None),
        (["{", *rows(1)], "invalid_json_line", 1),
        ([*rows(1), "{}"], "missing_required_parameter", 2),
        ([line("a", params("?"), "/v1/responses")], "invalid_url", 1),
        ([*rows(2), *rows(1)], "duplicate_custom_id", 3),
        ([*rows(1), line("a", params("?") | {"model": "n"})], "mismatched_model", 2),
    ],
)
def test_a_file_that_is_wrong_fails_as_a_whole(
    gpt: openai.OpenAI, lines: list[str], code: str, number: int | None
) -> None:
    batch, seen = finished(gpt, create(gpt, lines))
    assert seen == ["validating", "failed"] and batch.failed_at
    assert [(one.code, one.line) for one in batch.errors.data] == [(code, number)]
    assert batch.output_file_id is batch.error_file_id is None


def test_calls_that_openai_refuses(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="jsonl"):
        upload(gpt, rows(1), "rows.txt")
    file = upload(gpt, rows(1))
    for wrong in (
        {"input_file_id": "file-none"},
        {"endpoint": "/v1/embeddings"},
        {"completion_window": "1h"},
        {"metadata": {"long": "x" * 513}},
    ):
        right = {"input_file_id": file.id, "endpoint": ENDPOINT, "completion_window": "24h"}
        with pytest.raises(openai.BadRequestError):
            gpt.batches.create(**right | wrong)
    for call in (gpt.batches.retrieve, gpt.files.retrieve, gpt.files.content):
        with pytest.raises(openai.NotFoundError):
            call("none")


def test_openai_batches_are_listed_page_by_page(gpt: openai.OpenAI) -> None:
    made = [create(gpt, rows(1), metadata={"number": str(n)}).id for n in range(5)][::-1]
    page = gpt.batches.list(limit=2)
    assert [batch.id for batch in page.data] == made[:2] and page.has_more
    page = gpt.batches.list(limit=2, after=made[1])
    assert [batch.id for batch in page.data] == made[2:4]
    listed = list(gpt.batches.list(limit=2))
    assert [batch.id for batch in listed[:5]] == made
    assert [batch.metadata for batch in listed[:2]] == [{"number": "4"}, {"number": "3"}]
    assert len({batch.id for batch in listed}) == len(listed)


def test_an_openai_batch_is_cancelled(server: Server, gpt: openai.OpenAI) -> None:
    server.change(batch_seconds=1.0)
    batch = create(gpt, rows(20))
    while not batch.request_counts.completed:
        batch = gpt.batches.retrieve(batch.id)
    batch = gpt.batches.cancel(batch.id)
    assert batch.status == "cancelling"
    batch, _ = finished(gpt, batch)
    good, bad = lines_of(gpt, batch.output_file_id), lines_of(gpt, batch.error_file_id)
    assert batch.status == "cancelled" and good and len(good) + len(bad) == 20
    assert {one["error"]["code"] for one in bad.values()} == {"batch_cancelled"}
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        gpt.batches.cancel(batch.id)


# Anthropic


def send(claude: anthropic.Anthropic, requests: dict[str, Any]) -> Any:
    listed = [{"custom_id": name, "params": body} for name, body in requests.items()]
    return claude.messages.batches.create(requests=listed)  # type: ignore[arg-type]


def ended(claude: anthropic.Anthropic, batch: Any) -> Any:
    while batch.processing_status != "ended":
        assert batch.results_url is None and batch.request_counts.succeeded == 0
        time.sleep(0.004)
        batch = claude.messages.batches.retrieve(batch.id)
    return batch


def results(claude: anthropic.Anthropic, batch: Any) -> dict[str, Any]:
    return {one.custom_id: one.result for one in claude.messages.batches.results(batch.id)}


def test_an_anthropic_batch_runs_to_its_end(claude: anthropic.Anthropic) -> None:
    batch = send(claude, questions(8))
    assert batch.request_counts.processing == 8
    with pytest.raises(anthropic.AnthropicError):
        claude.messages.batches.results(batch.id)
    batch = ended(claude, batch)
    assert batch.request_counts.succeeded == 8 and batch.created_at < batch.ended_at
    found = results(claude, batch)
    assert list(found) != list(questions(8))
    for name, body in questions(8).items():
        single = claude.messages.create(**body)
        assert found[name].type == "succeeded"
        assert found[name].message.content == single.content
        assert found[name].message.usage == single.usage


def test_rows_of_an_anthropic_batch_go_wrong(server: Server, claude: anthropic.Anthropic) -> None:
    server.change(batch_faults=BatchFaults(invalid=0.2, broken=0.2, overloaded=0.2, expired=0.2))
    lacking = {"model": "m", "messages": params("?")["messages"]}
    batch = ended(claude, send(claude, questions(60) | {"lacking": lacking, "none": 1}))
    found = results(claude, batch)
    kinds = Counter(result.type for result in found.values())
    counts = batch.request_counts
    assert (kinds["succeeded"], kinds["errored"]) == (counts.succeeded, counts.errored)
    assert kinds["expired"] == counts.expired and counts.processing == counts.canceled == 0
    errors = [result.error for result in found.values() if result.type == "errored"]
    assert {error.type for error in errors} == {"error"}
    assert {found["lacking"].type, found["none"].type} <= {"errored", "expired"}
    types = {error.error.type for error in errors}
    assert types == {"invalid_request_error", "api_error", "overloaded_error"}
    assert min(kinds.values()) > 0 and sum(kinds.values()) == 62


def test_calls_that_anthropic_refuses(claude: anthropic.Anthropic) -> None:
    for wrong in ({}, {"not a name": params("?")}, {"x" * 65: params("?")}):
        with pytest.raises(anthropic.BadRequestError, match="custom_id"):
            send(claude, wrong)
    twice = [{"custom_id": "a", "params": params("?")}] * 2
    with pytest.raises(anthropic.BadRequestError, match="unique"):
        claude.messages.batches.create(requests=twice)  # type: ignore[arg-type]
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.batches.retrieve("none")


def test_anthropic_batches_are_listed_page_by_page(claude: anthropic.Anthropic) -> None:
    made = [send(claude, questions(1)).id for _ in range(5)][::-1]
    page = claude.messages.batches.list(limit=2)
    assert [batch.id for batch in page.data] == made[:2] and page.has_more
    listed = [batch.id for batch in claude.messages.batches.list(limit=2)]
    assert listed[:5] == made and len(set(listed)) == len(listed)
    assert [b.id for b in claude.messages.batches.list(limit=2, after_id=made[1])][:3] == made[2:]


def test_an_anthropic_batch_is_cancelled(server: Server, claude: anthropic.Anthropic) -> None:
    server.change(batch_seconds=1.5)
    batch = send(claude, questions(20))
    time.sleep(0.4)
    batch = claude.messages.batches.cancel(batch.id)
    assert batch.processing_status == "canceling" and batch.cancel_initiated_at
    batch = ended(claude, batch)
    kinds = Counter(result.type for result in results(claude, batch).values())
    assert set(kinds) == {"succeeded", "canceled"} and sum(kinds.values()) == 20
    assert batch.request_counts.canceled == kinds["canceled"]


# Both


def test_the_first_batch_of_each_provider_fails() -> None:
    with (
        start(batch_seconds=SOON, batch_faults=BatchFaults(first_fails=True)) as server,
        openai.OpenAI(base_url=server.openai, api_key=KEY) as gpt,
        anthropic.Anthropic(base_url=server.anthropic, api_key=KEY) as claude,
    ):
        batch, _ = finished(gpt, create(gpt, rows(3)))
        assert batch.status == "failed"
        assert batch.errors.data[0].code == "token_limit_exceeded"
        assert ended(claude, send(claude, questions(3))).request_counts.expired == 3
        assert server.counts()["batches"]["rows_billed"] == 0
        assert finished(gpt, create(gpt, rows(3)))[0].status == "completed"
        assert ended(claude, send(claude, questions(3))).request_counts.succeeded == 3
        assert server.counts()["batches"]["rows_billed"] == 6


def test_a_batch_is_made_though_the_answer_was_cut(
    server: Server, gpt: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    file = upload(gpt, rows(2))
    before = server.counts()["batches"]
    server.change(batch_faults=BatchFaults(calls=Faults(cut=1.0)))
    with pytest.raises(openai.APIConnectionError):
        gpt.batches.create(input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h")
    with pytest.raises(anthropic.APIConnectionError):
        send(claude, {name: params(f"cut {name}") for name in "ab"})
    server.change(batch_faults=BatchFaults())
    until(lambda: server.counts()["batches"]["rows_billed"] == before["rows_billed"] + 4)
    assert gpt.batches.list(limit=1).data[0].input_file_id == file.id


@pytest.mark.parametrize("fault", ["too_many", "broken", "unauthorised"])
def test_calls_about_batches_go_wrong_too(
    server: Server, gpt: openai.OpenAI, claude: anthropic.Anthropic, fault: str
) -> None:
    before = server.counts()["batches"]["created"]
    server.change(batch_faults=BatchFaults(calls=Faults(**{fault: 1.0}, echo_key=True)))
    with pytest.raises(openai.APIStatusError, match=KEY):
        upload(gpt, ["x" * 2_000_000])
    with pytest.raises(anthropic.APIStatusError, match=KEY):
        send(claude, questions(1))
    assert server.counts()["batches"]["created"] == before
