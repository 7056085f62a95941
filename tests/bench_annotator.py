"""`make bench-annotator`: the labelling app in Chromium, one person and ten, killed, and at scale.

Prints one line per figure. The server and the browsers with all their pages share this machine's
cores, so every figure holds the browser's own work too; people pause 0.7 s over a case.
"""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from statistics import median, quantiles

from browser import JUDGE, Server, Study, serving, study
from labellers import LABELS, PAUSE, Labeller, Press, all_at_once, in_turn, until_killed

from samples.records import Item, Response, Verdict
from samples.store import Store

PEOPLE = tuple(f"person {n}" for n in range(10))
CASES, KILLS, LABELS_EACH, MANY = 1000, 20, 100, 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--write", metavar="DATABASE", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.write:
        write_verdicts(Path(told.write))
        return
    part = 10 if told.quick else 1
    print(f"annotator: takes about {15 // part + 1} minutes", flush=True)
    one_person(200 // part)
    ten_people(40 // part)
    beside_a_judge(LABELS_EACH // part)
    kills(KILLS // part)
    behind_many(MANY // part, 100 // part)
    print(
        f"{os.cpu_count()} cores for the server and the browser, {platform.machine()},"
        f" Python {platform.python_version()}; load {os.getloadavg()[0]:.1f}"
    )


def one_person(times: int) -> None:
    with _served(CASES, PEOPLE[:1]) as (made, server):
        people = asyncio.run(all_at_once(made, server, times, PAUSE))
        _faultless(server, people)
    _latency(f"1 person, {CASES:,} cases, {times} keys", people, 250, p95=500)


def ten_people(times: int) -> None:
    with _served(CASES, PEOPLE) as (made, server):
        people = asyncio.run(all_at_once(made, server, times, PAUSE))
        _faultless(server, people)
    _latency(f"{len(PEOPLE)} people at once, {times} keys each", people, 600)


def beside_a_judge(each: int) -> None:
    """Everybody labels while a judge's verdicts are written to the same database."""
    with _served(each * len(PEOPLE) * 11 // 10, PEOPLE) as (made, server):
        command = [sys.executable, __file__, "--write", str(made.database)]
        writer = subprocess.Popen(command)
        try:
            people = asyncio.run(all_at_once(made, server, each, PAUSE))
        finally:
            assert writer.poll() is None, "the writer has ended too early"
            writer.kill()
            writer.wait()
        _faultless(server, people)
        kept, verdicts = _kept(made)
    presses = [(person.name, press) for person in people for press in person.presses]
    lost = _lost(kept, presses)
    twice = sum(n > 1 for n in Counter(case for _, case in kept).values())
    goal = each * len(PEOPLE)
    good = len(kept) == goal and not lost and not twice
    print(
        f"{len(PEOPLE)} people × {each} labels beside a judge that wrote {verdicts:,} verdicts:"
        f" labels kept: {len(kept):,}, goal {goal:,}, {len(kept) / goal:.2f} ×,"
        f" {lost} shown as saved and lost, {twice} cases labelled by more people than wanted,"
        f" {_met(good)}",
        flush=True,
    )
    _latency(f"{len(PEOPLE)} people beside a judge", people, 600)


def write_verdicts(database: Path) -> None:
    """As `benchwarrant judge` does without end: a verdict as soon as it is there, many a second."""
    with Store(database) as store:
        (rubric,) = store.rubrics()
        responses, attempt = [response.id for response in store.responses()], 0
        spec = next(spec for spec in store.specs("judge") if spec.name == JUDGE)
        while True:
            attempt += 1
            for response in responses:
                said = "walrus-said-so " * 20
                given = Verdict(
                    response, rubric.id, JUDGE, spec.id, LABELS[0], raw=said, attempt=attempt
                )
                store.add([given])
                time.sleep(0.005)


def kills(times: int) -> None:
    """Killed at random moments: what was shown as saved is there, and the person goes on."""
    random = Random(7)
    with _folder() as folder, ExitStack() as servers:
        made = study(folder, cases=CASES, people=PEOPLE[:1])

        def start() -> Server:
            return servers.enter_context(serving(made))

        presses = asyncio.run(until_killed(made, start(), PEOPLE[0], start, times, random))
        kept, _ = _kept(made)
    named = [(PEOPLE[0], press) for press in presses]
    lost, shown = _lost(kept, named), sum(press.saved for press in presses)
    print(
        f"app killed {times} times while one person labels: labels shown as saved and lost: {lost}"
        f" of {shown:,}, goal 0, {_met(lost == 0 and shown > 0)}; {len(kept):,} are kept",
        flush=True,
    )


def behind_many(many: int, times: int) -> None:
    """The same audit set in a study of many more answers, key by key in turn with the small one."""
    with _folder() as folder, ExitStack() as servers:
        tables = []
        for name, responses in (("few", 0), ("many", many)):
            (folder / name).mkdir()
            made = study(folder / name, cases=CASES, people=PEOPLE[:1])
            seconds = _fill(made, responses - CASES)
            tables.append((made, servers.enter_context(serving(made))))
        size = made.database.stat().st_size / 1e6
        few, large = asyncio.run(in_turn(tables, times, PAUSE))
    ours, other = (median(press.painted for press in one.presses) for one in (large, few))
    print(
        f"{many:,} answers ({size:,.0f} MB, made in {seconds:.0f} s) behind {CASES:,} cases,"
        f" {times} keys: median ms: {ours:.0f}, {CASES:,} answers {other:.0f},"
        f" {ours / other:.2f} ×, goal 1.25 ×, {_met(ours / other <= 1.25)}",
        flush=True,
    )


def _fill(made: Study, answers: int, draws: int = 20) -> float:
    """So many answers more, of about 200 characters; returns the seconds that it took."""
    began = time.monotonic()
    with Store(made.database) as store:
        specs = store.specs("model")
        for start in range(0, max(answers, 0), 20_000):
            rows: list[Item | Response] = []
            for number in range(start, start + 20_000, draws * len(specs)):
                item = Item("bulk", str(number), f"What is {number} + 1? " * 5, (str(number + 1),))
                rows.append(item)
                rows += [
                    Response(item.id, spec.name, spec.id, "direct", draw, f"It is {number}. " * 14)
                    for spec in specs
                    for draw in range(draws)
                ]
            store.add(rows)
    return time.monotonic() - began


# What was seen, against what is kept


def _kept(made: Study) -> tuple[dict[tuple[str, str], str], int]:
    """The labels in force as (person, case's name) → value, and how many verdicts there are."""
    with Store(made.database) as store:
        (rubric,) = store.rubrics()
        names = {
            response.id: str(response.text).split()[2].rstrip(".") for response in store.responses()
        }
        labels = store.current_labels(rubric.id)
        kept = {(x.annotator, names[x.response]): str(x.value) for x in labels}
        return kept, store.counts()["verdicts"]


def _lost(kept: dict[tuple[str, str], str], presses: list[tuple[str, Press]]) -> int:
    return sum(
        press.saved and kept.get((person, press.name)) != press.value for person, press in presses
    )


def _faultless(server: Server, people: list[Labeller]) -> None:
    """A figure of a broken page is none."""
    found = [error for person in people for error in person.errors]
    assert not found and not server.errors.strip(), (found, server.errors)
    assert all(press.saved for person in people for press in person.presses)


# What is printed


def _latency(what: str, people: list[Labeller], goal: float, p95: float | None = None) -> None:
    painted = [press.painted for person in people for press in person.presses]
    there = median(press.there for person in people for press in person.presses)
    middle, late = median(painted), quantiles(painted, n=20)[-1]
    good = middle <= goal and (p95 is None or late <= p95)
    also = f", p95 {late:.0f}" + (f" (goal {p95:.0f})" if p95 else "")
    print(
        f"{what}: median ms from key to next case: {middle:.0f}, goal {goal:.0f},"
        f" {middle / goal:.2f} ×{also}, {_met(good)}; its text is there after {there:.0f}",
        flush=True,
    )


def _met(good: bool) -> str:
    return "ok" if good else "missed"


@contextmanager
def _served(cases: int, people: tuple[str, ...]) -> Iterator[tuple[Study, Server]]:
    with _folder() as folder:
        made = study(folder, cases=cases, people=people)
        with serving(made) as server:
            yield made, server


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-annotator-") as name:
        yield Path(name)


if __name__ == "__main__":
    main()
