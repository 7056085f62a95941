"""The providers' batch APIs: half the price, answers within a day, and no row is paid for twice.

A batch is written into the journal before it is created, with the rows that it holds, and again
with its id before anything waits for it. What an earlier run left open is taken up first: a batch
without an id may have been created all the same, and is looked for at the provider. Only rows that
no open batch holds are sent.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any, TypeVar

from inference.batch_services import Batch, Ended, Journal, Row, Service, Trouble
from inference.endpoint import Lost, Result, Run
from inference.engine import Completion
from inference.ledger import ANSWERED, CeilingReached, Ledger
from inference.prices import Tokens
from samples.errors import BenchwarrantError, Refused
from samples.records import canonical_json

MOST_BYTES = 64_000_000  # of a batch, which is built in memory; OpenAI takes 200 MB, Anthropic 256
ROUNDS = 3  # in a row that bring no answer
PATIENCE = 20  # looks in a row without an answer: ten minutes and more, for a batch goes on
GRACE = 30.0  # seconds; a batch may be listed a little later than it was created

T = TypeVar("T")


class Batches:
    """Sends what is asked in batches, waits, and hands the answers on as they are collected.

    ``tokens_of`` reads what an answer took, for the ledger of ``run``.
    """

    def __init__(
        self, service: Service, run: Run, tokens_of: Callable[[Any], Tokens | None]
    ) -> None:
        self._service = service
        self._journal: Journal = run.journal
        self._run = run
        self._ledger: Ledger | None = run.ledger
        self._tokens_of = tokens_of
        self._asked: set[str] = set()
        self.ids: set[str] = set()

    def answers(
        self,
        identities: Iterable[Any],
        body: Callable[[int], dict[str, Any]],
        read: Callable[[Row], Result],
        room: int,
    ) -> Iterator[Completion]:
        """One completion per identity, by which a request is known again after a restart.

        ``room`` are the tokens that an answer may have.
        """
        wanted = named(identities)
        self._asked |= wanted.keys()
        try:
            yield from self._answers(wanted, body, read, room)
        except CeilingReached as reached:
            raise Refused(str(reached)) from None
        except Trouble as trouble:
            raise BenchwarrantError(self._in_words(trouble.lost)) from None
        except KeyboardInterrupt:
            said = f"the batches go on at {self._service.host}, and the same command collects them"
            raise KeyboardInterrupt(said) from None

    def close(self) -> None:
        self._service.close()

    def _answers(
        self,
        wanted: dict[str, int],
        body: Callable[[int], dict[str, Any]],
        read: Callable[[Row], Result],
        room: int,
    ) -> Iterator[Completion]:
        """Round by round, until every row has its answer and is not ``wanted`` any more."""
        waiting, idle = self._taken_up(wanted), 0
        while wanted:
            before, lost = len(wanted), list[Lost]()
            held = {row for batch in waiting for row in batch.rows}
            rows = {r: n for r, n in wanted.items() if r not in held}
            with self._set_aside(rows.values(), body, room) as paid:
                own = self._send(dict(islice(rows.items(), paid)), body, lost)
                yield from self._hear(waiting, own, wanted, read, lost)
            if not (own or waiting or lost):  # the dollars that others hold will come back
                self._pause(self._run.poll)
                continue
            idle = idle + 1 if len(wanted) == before and not waiting else 0
            waiting = []
            self._go_on_after(lost, idle)

    def _set_aside(
        self, numbers: Collection[int], body: Callable[[int], dict[str, Any]], room: int
    ) -> AbstractContextManager[int]:
        """For how many of the requests there are dollars."""
        if self._ledger is None or not self._ledger.has_ceiling:
            return nullcontext(len(numbers))
        lengths = (len(canonical_json(body(number)).encode()) for number in numbers)
        return self._ledger.set_aside(lengths, room)

    def _hear(
        self,
        waiting: Sequence[Batch],
        own: Sequence[Batch],
        wanted: dict[str, int],
        read: Callable[[Row], Result],
        lost: list[Lost],
    ) -> Iterator[Completion]:
        for batch, ended in self._as_they_end([*waiting, *own]):
            # What went wrong in an earlier run may be right by now, and is sent again.
            troubles = lost if batch in own else []
            if ended.failed:
                self._journal.note("failed", batch)
                troubles.append(ended.failed)
                continue
            yield from self._collect(batch, wanted, read, troubles)
            if self._asked.issuperset(batch.rows):
                self._journal.collected(batch)

    def _go_on_after(self, lost: Sequence[Lost], idle: int) -> None:
        """Raises where another round would fare no better."""
        if fatal := next((one for one in lost if one.check), None):
            raise BenchwarrantError(self._in_words(fatal))
        if idle == ROUNDS:
            raise BenchwarrantError(
                f"{self._service.host}: {ROUNDS} times in a row no answer came by batch (last:"
                f" {lost[-1].reason if lost else 'rows were missing'}); finished answers are kept:"
                " run the same command again later, with smaller batches (run = { batch_rows ="
                " 1000 }) if they are too large, or leave out batch = true"
            )
        if idle:
            self._pause(self._run.poll)

    # An earlier run's batches

    def _taken_up(self, wanted: Mapping[str, int]) -> list[Batch]:
        """The open batches that hold something wanted, each with its id."""
        found = []
        for batch in self._journal.open():
            if batch.host != self._service.host or batch.id in self._run.given_up:
                continue
            if wanted.keys().isdisjoint(batch.rows):
                continue
            there = batch if batch.id else self._found(batch)
            if there is None:
                self._journal.note("dropped", batch)
            else:
                found.append(there)
        return found

    def _found(self, batch: Batch) -> Batch | None:
        """A planned batch with its id, if it was created; waits until that is certain."""
        started, pauses = time.monotonic(), growing(self._run.poll)
        known = self._journal.ids() | set(self._run.given_up)
        while True:
            id_, certain = self._patiently(lambda: self._service.find(batch, known))
            if id_ is not None:
                return self._noted(batch, id_)
            if certain and time.monotonic() - started >= min(GRACE, 5 * self._run.poll):
                return None
            self._pause(next(pauses))

    def _noted(self, batch: Batch, id_: str) -> Batch:
        sent = replace(batch, id=id_)
        self._journal.note("sent", sent)
        return sent

    # Sending

    def _send(
        self, rows: Mapping[str, int], body: Callable[[int], dict[str, Any]], lost: list[Lost]
    ) -> list[Batch]:
        """The rows in as many batches as they need, all before anything waits.

        Where the provider takes no more of them for now, the others are left for the next round.
        """
        sent: list[Batch] = []
        for part in parted(((r, body(n)) for r, n in rows.items()), self._run.batch_rows):
            try:
                sent.append(self._create(part))
            except Trouble as trouble:
                if not (trouble.is_passing and trouble.is_undone):
                    raise
                lost.append(trouble.lost)
                break
        return sent

    def _create(self, part: Mapping[str, dict[str, Any]]) -> Batch:
        """Create one batch, once: after a try whose end is unknown it is looked for."""
        batch = Batch(secrets.token_hex(6), self._service.host, tuple(part))
        bodies = {batch.custom_id(row): body for row, body in part.items()}
        tries, pauses = self._run.max_retries, growing(self._run.poll)
        file = self._patiently(lambda: self._service.upload(batch.key, bodies), tries)
        batch = replace(batch, file=file, planned=time.time())
        self._journal.note("planned", batch)
        while True:
            try:
                return self._noted(batch, self._service.create(batch, bodies))
            except Trouble as trouble:
                if not trouble.is_undone and (there := self._found(batch)):
                    return there
                tries -= 1
                if tries < 0 or not trouble.is_passing:
                    self._journal.note("dropped", batch)
                    raise
            self._pause(next(pauses))

    # Waiting and collecting

    def _as_they_end(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, Ended]]:
        waiting, pauses = list(batches), growing(self._run.poll)
        self.ids |= {batch.id for batch in waiting if batch.id}
        while waiting:
            for batch in tuple(waiting):
                if ended := self._patiently(partial(self._service.ended, batch.id or "")):
                    waiting.remove(batch)
                    yield batch, ended
            if waiting:
                self._pause(next(pauses))

    def _collect(
        self,
        batch: Batch,
        wanted: dict[str, int],
        read: Callable[[Row], Result],
        lost: list[Lost],
    ) -> Iterator[Completion]:
        """What is wanted of a batch's results; a download that breaks off begins anew.

        Where lines are missing it is believed when it is so twice: they are paid for again.
        """
        tries, pauses, before = PATIENCE, growing(self._run.poll), -1
        while True:
            seen = 0
            try:
                for row in self._service.results(batch.id or ""):
                    seen += 1
                    name = row.custom_id.removeprefix(f"{batch.key}-")
                    if name not in wanted:  # answered before, or not asked by this call
                        continue
                    self._book(row, batch)
                    result = read(row)
                    if isinstance(result, Completion):
                        yield replace(result, index=wanted.pop(name))
                    else:
                        lost.append(result)
                if seen >= len(batch.rows) or seen == before:
                    return
                before = seen
            except Trouble as trouble:
                tries -= 1
                if tries < 0 or not trouble.is_passing:
                    raise
            self._pause(next(pauses))

    def _book(self, row: Row, batch: Batch) -> None:
        if self._ledger is None:
            return
        answered = row.status == 200
        tokens = self._tokens_of(row.body) if answered else Tokens()
        outcome = ANSWERED if answered else str(row.status or "not run")
        self._ledger.book_row(row.custom_id, outcome, tokens, batch.id or "")

    def _patiently(self, ask: Callable[[], T], tries: int = PATIENCE) -> T:
        """Ask again, after growing pauses, while the trouble may pass."""
        for pause in growing(self._run.poll):
            try:
                return ask()
            except Trouble as trouble:
                tries -= 1
                if tries < 0 or not trouble.is_passing:
                    raise
            self._pause(pause)
        raise AssertionError("pauses have no end")

    def _pause(self, seconds: float) -> None:
        if self._journal.stopped.wait(seconds):
            raise BenchwarrantError("stopped while waiting for a batch; run the same command again")

    def _in_words(self, lost: Lost) -> str:
        host = self._service.host
        if lost.check:
            return f"{host} {lost.trouble} ({lost.reason}); check {lost.check}"
        return (
            f"{host} did not answer ({lost.reason}); batches that were sent go on there: run the"
            " same command again to collect them"
        )


def named(identities: Iterable[Any]) -> dict[str, int]:
    """A name for each request, made of what it asks, so that it is the same after a restart."""
    seen: Counter[str] = Counter()
    names = {}
    for index, identity in enumerate(identities):
        content = canonical_json(identity)
        name = canonical_json([content, seen[content]]).encode()
        names[blake2b(name, digest_size=12).hexdigest()] = index
        seen[content] += 1  # twins are asked twice
    return names


def parted(
    requests: Iterable[tuple[str, dict[str, Any]]], most_rows: int, most_bytes: int = MOST_BYTES
) -> Iterator[dict[str, dict[str, Any]]]:
    """The requests in parts that are small enough, in their order."""
    part: dict[str, dict[str, Any]] = {}
    size = 0
    for row, body in requests:
        length = len(canonical_json(body).encode())
        if part and (len(part) == most_rows or size + length > most_bytes):
            yield part
            part, size = {}, 0
        part[row] = body
        size += length
    if part:
        yield part


def growing(longest: float) -> Iterator[float]:
    """Pauses from a second on, each half as long again as the one before."""
    pause = 1.0
    while True:
        yield min(pause, longest)
        pause = min(1.5 * pause, longest)


def fits(is_answer: Callable[[Any], bool], body: Mapping[str, Any]) -> bool:
    """Whether a row's body is an answer, and no page of something else."""
    try:
        return is_answer(body)
    except (ValueError, LookupError, TypeError):
        return False
