"""Work is saved as it comes; whatever stops it, running again ends with every row once."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from samples.fill import fill
from samples.store import Store


class Clock:
    """A clock that stands still unless it is told to go on."""

    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run(made, *, clock=None, save=None, **limits):
    """Fill from what is made; returns how many, the batches saved and the rows told of."""
    batches, told = [], []

    def keep(rows):
        batches.append(rows)
        if save:
            save(rows)

    try:
        total = fill(made, keep, told.append, clock=clock or Clock(), **limits)
    except BaseException as error:
        return error, batches, told
    return total, batches, told


def test_rows_are_saved_in_order_and_counted():
    assert run(range(7), at_most=3) == (7, [[0, 1, 2], [3, 4, 5], [6]], [0, 1, 2, 3, 4, 5, 6])


def test_nothing_made_is_nothing_saved():
    assert run([]) == (0, [], [])


def test_rows_are_saved_when_enough_time_has_gone_by():
    clock = Clock()

    def made():
        for row, seconds in enumerate([0.0, 0.4, 0.1, 0.3, 0.1, 9.0, 0.0]):
            clock.now += seconds
            yield row

    # at +0.5 s: 0, 1, 2; then 0.3 + 0.1 s are too little, and the next row comes late
    assert run(made(), clock=clock, every=0.5)[1] == [[0, 1, 2], [3, 4, 5], [6]]


def test_the_time_that_saving_takes_does_not_count_as_waiting():
    clock = Clock()

    def slow(rows):
        clock.now += 5.0

    assert run(range(4), clock=clock, save=slow, every=0.5, at_most=2)[1] == [[0, 1], [2, 3]]


@pytest.mark.parametrize("stop", [RuntimeError("out of memory"), KeyboardInterrupt(), SystemExit()])
def test_what_is_finished_is_saved_before_the_exception_goes_on(stop):
    def made():
        yield from range(5)
        raise stop

    assert run(made(), at_most=3) == (stop, [[0, 1, 2], [3, 4]], [0, 1, 2, 3, 4])


def test_a_row_is_told_of_only_after_it_is_saved():
    saved = []

    def tick(row):
        assert row in saved

    assert fill(range(5), saved.extend, tick, clock=Clock(), at_most=2) == 5


def test_an_interrupt_while_progress_is_shown_saves_nothing_twice():
    saved = []

    def tick(row):
        if row == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(range(9), saved.extend, tick, clock=Clock(), at_most=4)
    assert saved == [0, 1, 2, 3]


def test_when_saving_fails_the_failure_is_shown_and_nothing_told():
    def broken(rows):
        raise OSError("disk full")

    error, _, told = run(range(9), save=broken, at_most=4)
    assert isinstance(error, OSError)
    assert told == []


ROWS = 400

COLLECT = f"""
import sys, time
from pathlib import Path
from samples.fill import fill
from samples.records import Item, Response, Spec
from samples.store import Store

item, spec = Item("t", "k", "?", ("1",)), Spec("model", "m", {{}})
with Store(Path(sys.argv[1]), create=True) as store:
    store.add([item, spec])
    done = set(store.collected(spec.id))

    def made():
        for draw in range({ROWS}):
            if (item.id, draw) not in done:
                time.sleep(0.002)
                yield Response(item.id, "m", spec.id, "", draw, f"answer {{draw}}")

    fill(made(), store.add, lambda row: print(row.draw, flush=True),
         clock=time.monotonic, every=0.01, at_most=7)
"""


def test_killed_at_any_moment_and_run_again_it_ends_with_every_row_once(tmp_path: Path):
    command = [sys.executable, "-c", COLLECT, str(tmp_path / "study.db")]
    root, rng = Path(__file__).parents[1], random.Random(7)
    told: list[int] = []
    for _ in range(2):
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as child:
            told += [int(child.stdout.readline()) for _ in range(rng.randint(1, 60))]
            child.kill()
        with Store(tmp_path / "study.db") as store:
            rows = [response.draw for response in store.responses()]
        assert set(told) <= set(rows)  # what was told of is on disk
        assert len(rows) < ROWS  # the kill came in the middle
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    with Store(tmp_path / "study.db") as store:
        assert [response.draw for response in store.responses()] == list(range(ROWS))
        assert list(store.faults()) == []
