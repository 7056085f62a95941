"""OpenAI's batch API: a file of requests goes in, files of answers and of errors come out."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

import openai

from inference.batch_services import Batch, Bodies, Ended, Row, asking, id_of, lines
from inference.endpoint import Lost, Run, Server
from samples.records import canonical_json

MARK = "benchwarrant"  # the metadata under which a batch keeps its key
RUNNING = ("validating", "in_progress", "finalizing", "cancelling")
OVER = ("failed", "completed", "expired", "cancelled")


class OpenAIBatches:
    """Chat completions by batch."""

    def __init__(self, server: Server, run: Run) -> None:
        self.host = server.host
        self._server = server
        self._client = openai.OpenAI(
            api_key=server.key,
            base_url=server.base_url,
            max_retries=0,  # a second try of what was done unheard would be paid for twice
            timeout=openai.Timeout(run.timeout, connect=min(run.timeout, 10)),
        )

    def upload(self, key: str, bodies: Bodies) -> str:
        common = {"method": "POST", "url": "/v1/chat/completions"}
        requests = [
            canonical_json({"custom_id": custom_id, **common, "body": body}) + "\n"
            for custom_id, body in bodies.items()
        ]
        file = (f"{key}.jsonl", "".join(requests).encode())
        with asking(openai, self._server):
            return id_of(self._client.files.create(file=file, purpose="batch"))

    def create(self, batch: Batch, bodies: Bodies) -> str:
        with asking(openai, self._server):
            made = self._client.batches.create(
                input_file_id=batch.file or "",
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={MARK: batch.key},
            )
            return id_of(made)

    def find(self, batch: Batch, known: Set[str]) -> tuple[str | None, bool]:
        with asking(openai, self._server):
            for one in self._client.batches.list(limit=100):
                if (one.metadata or {}).get(MARK) == batch.key or one.input_file_id == batch.file:
                    return id_of(one), True
        return None, True

    def ended(self, batch: str) -> Ended | None:
        with asking(openai, self._server, batch):
            now = self._client.batches.retrieve(batch)
            if now.status not in (*RUNNING, *OVER):
                raise ValueError(f"status {now.status!r}")
        if now.status == "failed":
            errors = (now.errors.data if now.errors else None) or []
            said = self._server.clean("; ".join(str(one.message or one.code) for one in errors))
            # Too many tokens under way at once is a trouble that passes.
            passes = any("limit" in str(one.code) for one in errors)
            check = "" if passes else "the model, and whether it can be asked by batch"
            return Ended(Lost(said or "no reason given", check, f"could not run batch {batch}"))
        return Ended() if now.status in OVER else None

    def results(self, batch: str) -> Iterator[Row]:
        with asking(openai, self._server, batch):
            now = self._client.batches.retrieve(batch)
            files = [file for file in (now.output_file_id, now.error_file_id) if file]
            if not files and now.status == "completed":  # sending it all again would cost as much
                raise ValueError(f"batch {batch} is completed and has no files of results")
            for file in files:
                for line in lines(self._client, openai.Stream, f"/files/{file}/content"):
                    yield _row(line)

    def close(self) -> None:
        self._client.close()


def _row(line: Mapping[str, Any]) -> Row:
    response, error = line.get("response"), line.get("error") or {}
    if not response:  # batch_expired, batch_cancelled
        said = str(error.get("message") or error.get("code") or "no answer and no error")
        return Row(line["custom_id"], None, said=said)
    return Row(line["custom_id"], int(response["status_code"]), response.get("body") or {})
