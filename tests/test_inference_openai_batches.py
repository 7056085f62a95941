"""OpenAI's files and batches by its SDK; the loop around them has tests of its own."""

import json
from collections.abc import Iterator

import pytest
from batch_provider import Provider, provider

from inference.batch_services import Batch, Trouble
from inference.endpoint import Run, Server
from inference.openai_batches import OpenAIBatches

BODIES = {"k-1": {"model": "m", "messages": [{"role": "user", "content": "a\u2028b"}]}}


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def service(there: Provider) -> Iterator[OpenAIBatches]:
    made = OpenAIBatches(Server(there.openai, "localhost", False, None, "none"), Run())
    yield made
    made.close()


def test_the_file_has_a_line_per_request(there: Provider, service: OpenAIBatches) -> None:
    file = service.upload("k", BODIES)
    [line] = there.files[file].decode().split("\n")[:-1]
    assert json.loads(line) == {
        "custom_id": "k-1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": BODIES["k-1"],
    }


def test_a_batch_is_found_by_its_key_or_by_its_file(
    there: Provider, service: OpenAIBatches
) -> None:
    batch = Batch("k", "localhost", ("1",), file=service.upload("k", BODIES))
    assert service.find(batch, set()) == (None, True)
    id_ = service.create(batch, BODIES)
    assert there.batches[id_].about["metadata"] == {"benchwarrant": "k"}
    assert service.find(batch, set()) == (id_, True)
    there.batches[id_].about["metadata"] = None  # a compatible server may not keep it
    assert service.find(batch, set()) == (id_, True)
    assert service.find(Batch("other", "localhost", ("1",)), set()) == (None, True)


def test_results_are_those_of_both_files(there: Provider, service: OpenAIBatches) -> None:
    there.rule = lambda body: {"a": "ok", "b": "400 bad", "c": "expired"}[
        body["messages"][0]["content"]
    ]
    bodies = {f"k-{t}": {"messages": [{"role": "user", "content": t}]} for t in "abc"}
    batch = Batch("k", "localhost", ("a", "b", "c"), file=service.upload("k", bodies))
    id_ = service.create(batch, bodies)
    assert service.ended(id_) is not None
    rows = {row.custom_id: row for row in service.results(id_)}
    assert (rows["k-a"].status, rows["k-b"].status, rows["k-c"].status) == (200, 400, None)
    assert rows["k-b"].body["error"]["message"] == "bad"
    assert rows["k-c"].said == "It was not run in time."


def test_completed_without_results_is_no_reason_to_pay_again(
    there: Provider, service: OpenAIBatches
) -> None:
    batch = Batch("k", "localhost", ("1",), file=service.upload("k", BODIES))
    id_ = service.create(batch, BODIES)
    there.batches[id_].rows.clear()
    assert service.ended(id_) is not None
    with pytest.raises(Trouble, match="completed and has no files"):
        list(service.results(id_))
