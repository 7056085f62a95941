"""What one call of an engine asks by batch: rows by name, and the dollars set aside for them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from inference.batch_services import Batch, Row
from inference.endpoint import Lost, Result
from inference.ledger import ANSWERED, CeilingReached, Ledger
from inference.prices import Tokens
from samples.records import canonical_json

MOST_BYTES = 64_000_000  # of a batch, which is built in memory; OpenAI takes 200 MB, Anthropic 256
OTHERS = Lost("the dollars are set aside for other requests")


@dataclass
class Call:
    """How requests are made and their rows read; ``wanted`` are the rows without an answer.

    ``ledger`` None books nothing.
    """

    wanted: dict[str, int]  # row → number of the request
    body: Callable[[int], dict[str, Any]]
    read: Callable[[Row], Result]
    room: int  # tokens of an answer, at most
    ledger: Ledger | None
    held: dict[str, float] = field(default_factory=dict)  # row → dollars

    def affordable(
        self, taken: frozenset[str], lost: list[Lost]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The wanted rows that are not ``taken``, with their requests, as far as dollars go."""
        for row, index in self.wanted.items():
            if row in taken:
                continue
            request = self.body(index)
            if self.ledger is not None:
                length = len(canonical_json(request).encode())
                try:
                    held = self.ledger.hold_row(length, self.room)
                except CeilingReached as reached:
                    said = "finished answers are kept: a higher --max-usd goes on from here"
                    lost.append(
                        Lost(f"stopped before the ceiling: {reached}; {said}", ceiling=True)
                    )
                    return
                if held is None:
                    lost.append(OTHERS)
                    return
                self.held[row] = held
            yield row, request

    def book(
        self, row: Row, batch: Batch, tokens_of: Callable[[Mapping[str, Any]], Tokens | None]
    ) -> None:
        """A row that came back; what was set aside for it is settled. Only answers are paid for."""
        if self.ledger is None:
            return
        held = self.held.pop(row.custom_id.removeprefix(batch.custom_id("")), 0.0)
        outcome: str = str(row.status or "not run")
        tokens: Tokens | None = Tokens()
        if row.status == 200:
            outcome, tokens = ANSWERED, tokens_of(row.body)
        named = (batch.id or "", batch.planned)
        self.ledger.book_row((row.custom_id, 0, outcome), tokens, named, held)

    def let_go(self, rows: Iterable[str], spent: bool = False) -> None:
        """What was set aside for rows that were not answered."""
        for row in rows:
            if self.ledger is not None and row in self.held:
                self.ledger.let_go(self.held.pop(row), spent)


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


def fits(is_answer: Callable[[Any], bool], body: Mapping[str, Any]) -> bool:
    """Whether a row's body is an answer, and no page of something else."""
    try:
        return is_answer(body)
    except (ValueError, LookupError, TypeError):
        return False
