"""What is missing → produce → save: the one loop behind collect, judge and benchmark.

Nothing is remembered but what the database holds, so that running the same command again goes on
where the last one stopped, whatever stopped it.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

R = TypeVar("R")


def fill(
    made: Iterable[R],
    save: Callable[[list[R]], object],
    tick: Callable[[R], None],
    *,
    clock: Callable[[], float],
    every: float = 0.5,
    at_most: int = 5000,
) -> int:
    """Save what is made as it comes, in small transactions; returns how many.

    When making fails or is interrupted, what is finished is saved before the exception goes on.
    What waits came within ``every`` seconds of the last save and is never more than ``at_most``
    rows: a kill loses no more than that.
    """
    waiting: list[R] = []
    saved, last = 0, clock()

    def flush() -> None:
        nonlocal waiting, saved, last
        if waiting:
            save(waiting)
            done, waiting = waiting, []
            saved += len(done)
            for row in done:
                tick(row)
        last = clock()

    try:
        for row in made:
            waiting.append(row)
            if len(waiting) >= at_most or clock() - last >= every:
                flush()
    finally:
        flush()
    return saved
