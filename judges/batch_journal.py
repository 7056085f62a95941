"""What a study knows of its judges' batches: events, each on the disk before what it tells of.

A batch is "planned" before it is created, "sent" once its id is known, and ends as "settled" (its
answers are saved), "dropped" (it was never created) or "failed" (it was not run).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from threading import Event as Signal
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from inference.batch_services import Batch
from inference.embedded import cache_folder
from samples.errors import BenchwarrantError
from samples.records import Event, Spec
from samples.store import Store

KIND = "batch"
OVER = ("settled", "dropped", "failed")
BATCHED = 50_000  # cases that one run puts before a judge at once, in as many batches as they need


class BatchJournal:
    """The batches of one judge for one purpose; while it is open, no other run may touch them.

    It is asked from several threads, so each entry opens the database anew.
    """

    def __init__(self, database: Path, purpose: str, now: Callable[[], str], spec: Spec) -> None:
        self.stopped = Signal()
        self._database = database
        self._spec = spec
        self._about = {"spec": spec.id, "purpose": purpose}
        self._now = now
        self._collected: list[Batch] = []
        which = f"{database.resolve()} {spec.id} {purpose}"
        one = blake2b(which.encode(), digest_size=8).hexdigest()
        self._lock = FileLock(cache_folder() / f"batches-{one}.lock", thread_local=False)

    def __enter__(self) -> "BatchJournal":
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BenchwarrantError(
                f"judge {self._spec.name!r}: another run waits for its batches; let it finish, or"
                " end it and run this command again"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Settle what was collected, if whoever has it came to the end and has saved it."""
        try:
            for batch in self._collected if kind is None else ():
                self.note("settled", batch)
        finally:
            self._lock.release()

    def open(self) -> list[Batch]:
        """The batches that are planned or sent and not over, oldest first."""
        found: dict[str, Batch] = {}
        for event in self._events():
            body = event.body
            if self._about.items() <= body.items():
                if body["state"] in OVER:
                    found.pop(body["key"], None)
                elif body["state"] == "planned":
                    planned = datetime.fromisoformat(event.created_at).timestamp()
                    told = {name: body[name] for name in ("key", "host", "file")}
                    found[body["key"]] = Batch(rows=tuple(body["rows"]), planned=planned, **told)
                elif body["key"] in found:
                    found[body["key"]] = replace(found[body["key"]], id=body["id"])
        return list(found.values())

    def ids(self) -> set[str]:
        return {event.body["id"] for event in self._events() if event.body["id"]}

    def note(self, state: str, batch: Batch) -> None:
        """One event, on the disk when this returns; the rows stand in the first one only."""
        rows: Any = list(batch.rows) if state == "planned" else len(batch.rows)
        body = {
            **self._about,
            "state": state,
            "key": batch.key,
            "id": batch.id,
            "host": batch.host,
            "file": batch.file,
            "rows": rows,
        }
        with Store(self._database, precious=True) as store:
            store.add([Event(KIND, self._spec.name, body, self._now())])

    def collected(self, batch: Batch) -> None:
        self._collected.append(batch)

    def _events(self) -> list[Event]:
        with Store(self._database) as store:
            return store.events(KIND)
