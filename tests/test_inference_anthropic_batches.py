"""Anthropic's message batches by its SDK; the loop around them has tests of its own."""

from collections.abc import Iterator

import pytest
from batch_provider import Provider, provider

from inference.anthropic_batches import AnthropicBatches
from inference.batch_services import Batch
from inference.endpoint import Run, Server

BODIES = {
    f"k-{text}": {"model": "m", "messages": [{"role": "user", "content": text}]} for text in "abcd"
}
BATCH = Batch("k", "localhost", tuple("abcd"))


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def service(there: Provider) -> Iterator[AnthropicBatches]:
    server = Server(there.anthropic, "localhost", False, None, "none")
    made = AnthropicBatches(server, Run(), {"anthropic-version": "2023-06-01"})
    yield made
    made.close()


def test_results_by_kind_and_never_from_another_server(
    there: Provider, service: AnthropicBatches
) -> None:
    kinds = {"a": "ok", "b": "400 bad", "c": "expired", "d": "canceled"}
    there.rule = lambda body: kinds[body["messages"][0]["content"]]
    id_ = service.create(BATCH, BODIES)
    assert service.ended(id_) is not None
    rows = {row.custom_id: row for row in service.results(id_)}  # its results_url is elsewhere
    assert [rows[f"k-{text}"].status for text in "abcd"] == [200, 400, None, None]
    assert rows["k-b"].body["error"]["message"] == "bad"
    assert (rows["k-c"].said, rows["k-d"].said) == ("expired", "canceled")


def test_a_batch_is_found_by_its_size_and_proved_by_its_results(
    there: Provider, service: AnthropicBatches
) -> None:
    there.looks = 3
    assert service.find(BATCH, set()) == (None, True)
    theirs = there.make("msgbatch_", {f"x-{n}": BODIES["k-a"] for n in range(4)}, {"looks": 9})
    there.make("msgbatch_", {f"k-{n}": BODIES["k-a"] for n in range(3)}, {"looks": 9})
    assert service.find(BATCH, set()) == (None, True)
    ours = service.create(BATCH, BODIES)
    assert service.find(BATCH, {theirs.id}) == (None, False)  # it runs: not certain yet
    there.looks = 0
    assert service.find(BATCH, set()) == (ours, True)
    assert service.find(BATCH, {ours}) == (None, True)


def test_one_from_long_before_is_not_ours(there: Provider, service: AnthropicBatches) -> None:
    ours = service.create(BATCH, BODIES)
    there.batches[ours].created -= 2 * 3600
    assert service.find(BATCH, set()) == (None, True)
