"""Anthropic's batch API. A batch has no name of ours: its rows' custom ids tell whose it is."""

from collections.abc import Generator, Mapping, Set
from typing import Any

import anthropic

from inference.batch_services import Batch, Bodies, Ended, Row, asking, id_of, lines
from inference.endpoint import Run, Server

CLOCKS_APART = 3600.0  # seconds that the provider's clock may be behind this one
MISTAKES = {  # rows name their errors; with these statuses they would come one by one
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class AnthropicBatches:
    """Messages by batch."""

    def __init__(self, server: Server, run: Run, headers: Mapping[str, str] | None) -> None:
        self.host = server.host
        self._server = server
        self._others: set[str] = set()
        self._client = anthropic.Anthropic(
            api_key=server.key,
            base_url=server.base_url.rstrip("/").removesuffix("/v1"),
            max_retries=0,  # a second try of what was done unheard would be paid for twice
            timeout=anthropic.Timeout(run.timeout, connect=min(run.timeout, 10)),
            default_headers=headers,
        )

    def upload(self, key: str, bodies: Bodies) -> None:
        """Nothing: the requests are sent when the batch is created."""

    def create(self, batch: Batch, bodies: Bodies) -> str:
        requests: Any = [{"custom_id": name, "params": body} for name, body in bodies.items()]
        with asking(anthropic, self._server):
            return id_of(self._client.messages.batches.create(requests=requests))

    def find(self, batch: Batch, known: Set[str]) -> tuple[str | None, bool]:
        """A batch of this time and size; whether it is ours its results tell, once it has ended."""
        certain = True
        with asking(anthropic, self._server):
            for one in self._client.messages.batches.list(limit=1000):
                size = sum(count or 0 for _, count in one.request_counts)
                is_older = one.created_at.timestamp() < batch.planned - CLOCKS_APART
                if is_older or size != len(batch.rows) or one.id in known | self._others:
                    continue
                if one.processing_status != "ended":
                    certain = False
                elif self._is_ours(one.id, batch):
                    return one.id, True
                else:
                    self._others.add(one.id)
        return None, certain

    def _is_ours(self, id_: str, batch: Batch) -> bool:
        results = self.results(id_)
        first = next(results, None)
        results.close()
        return first is not None and first.custom_id.startswith(batch.custom_id(""))

    def ended(self, batch: str) -> Ended | None:
        with asking(anthropic, self._server, batch):
            now = self._client.messages.batches.retrieve(batch)
            if now.processing_status not in ("in_progress", "canceling", "ended"):
                raise ValueError(f"processing_status {now.processing_status!r}")
        return Ended() if now.processing_status == "ended" else None

    def results(self, batch: str) -> Generator[Row, None, None]:
        # Not at the results_url of the SDK, which may be on a server that the key is not for.
        with asking(anthropic, self._server, batch):
            path = f"/v1/messages/batches/{batch}/results"
            for line in lines(self._client, anthropic.Stream, path):
                yield _row(line)

    def close(self) -> None:
        self._client.close()


def _row(line: Mapping[str, Any]) -> Row:
    result = line["result"]
    if result["type"] == "succeeded":
        return Row(line["custom_id"], 200, result["message"])
    if result["type"] != "errored":  # expired, canceled
        return Row(line["custom_id"], None, said=str(result["type"]))
    error = result["error"].get("error") or result["error"]
    return Row(line["custom_id"], MISTAKES.get(error.get("type"), 500), {"error": error})
