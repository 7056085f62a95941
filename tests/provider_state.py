"""What the provider server was told to do wrong, its dice and its books."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
KINDS = ("input", "cached", "written", "written_1h", "output")


@dataclass(frozen=True)
class Faults:
    """Shares of the requests that go wrong, drawn anew for each request received."""

    too_many: float = 0.0  # 429, to be sent again after 20 ms
    broken: float = 0.0  # 500
    cut: float = 0.0  # the connection ends in the middle of the answer
    garbled: float = 0.0  # 200, and no JSON
    misshapen: float = 0.0  # 200, and the text or JSON in it breaks off
    refused: float = 0.0  # the model does not want to answer
    invalid: float = 0.0  # 400
    unauthorised: float = 0.0  # 401, in words that repeat the key
    echo_key: bool = False  # whatever goes wrong, the key is in the words


@dataclass(frozen=True)
class BatchFaults:
    """What goes wrong in batches: shares of the rows, and what befalls the calls around them."""

    invalid: float = 0.0  # a row's own fault: by its text, and so each time
    broken: float = 0.0  # 500, "api_error": the server's fault
    overloaded: float = 0.0  # 503, "overloaded_error"
    expired: float = 0.0
    misshapen: float = 0.0
    refused: float = 0.0
    first_fails: bool = False  # each provider's first batch: not one row is answered
    calls: Faults = field(default_factory=Faults)  # to upload, create, look and fetch

    @classmethod
    def of(cls, told: dict[str, Any]) -> "BatchFaults":
        return cls(**told | {"calls": Faults(**told.get("calls", {}))})


class State:
    """Settings that can be changed on the way, dice by a seed, and one ledger."""

    def __init__(self, delay: float, batch_seconds: float, seed: int) -> None:
        self.delay = delay
        self.batch_seconds = batch_seconds
        self.faults = Faults()
        self.batch_faults = BatchFaults()
        # Rows do not depend on how often a client looks after its batch.
        self._dice = {of: random.Random(f"{seed} {of}") for of in ("request", "call", "row")}
        self.ledger = Ledger()

    def change(self, told: dict[str, Any]) -> None:
        for name, value in told.items():
            match name:
                case "faults":
                    self.faults = Faults(**value)
                case "batch_faults":
                    self.batch_faults = BatchFaults.of(value)
                case "delay" | "batch_seconds":
                    setattr(self, name, float(value))
                case _:
                    raise ValueError(name)

    def drawn(self, of: str, shares: Faults | BatchFaults, names: Sequence[str]) -> str:
        """One of the names by its share, else "": always one throw, so that a seed repeats."""
        place = self._dice[of].random()
        for name in names:
            place -= getattr(shares, name)
            if place < 0:
                return name
        return ""

    def shuffled(self, results: Sequence[T]) -> list[T]:
        """In any order, as results of batches come."""
        return self._dice["row"].sample(results, len(results))


class Ledger:
    """What was received and what is billed: every answer made, whoever gets to see it."""

    def __init__(self) -> None:
        self.requests = 0
        self.calls = 0  # about files and batches
        self.batches = 0
        self.outcomes: Counter[str] = Counter()
        self._billed = {"single": 0, "row": 0}
        self._again = {"single": 0, "row": 0}
        self._tokens = {"single": dict.fromkeys(KINDS, 0), "row": dict.fromkeys(KINDS, 0)}
        self._paid: set[str] = set()  # the requests that were answered, by their keys
        self._now = self._most = 0

    def bill(self, how: str, key: str, tokens: dict[str, int]) -> None:
        self._billed[how] += 1
        self._again[how] += key in self._paid
        self._paid.add(key)
        for kind, count in tokens.items():
            self._tokens[how][kind] += count

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._now += 1
        self._most = max(self._most, self._now)
        try:
            yield
        finally:
            self._now -= 1

    def counts(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "outcomes": dict(self.outcomes),
            "billed": self._billed["single"],
            "tokens": self._tokens["single"],
            "paid_twice": self._again["single"],
            "most_at_once": self._most,
            "cpu_seconds": time.process_time(),  # whether it was the server that was slow
            "batches": {
                "created": self.batches,
                "calls": self.calls,
                "rows_billed": self._billed["row"],
                "tokens": self._tokens["row"],
                "rows_paid_twice": self._again["row"],
            },
        }
