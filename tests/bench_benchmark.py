"""`make bench-benchmark`: how fast a study takes rows in, and what a full run holds in memory.

One process writes answers and verdicts as engines and judges make them, their hashes included, in
transactions as large as `fill` makes them, until 1.2 million answers are there; the rate is that of
the first and of the last rows, by the clock and by the processor time of this process. Then a
process of its own plans a run over all of them and lets a judge follow them. Prints one line per
figure. ``ARGS="--responses 100000"`` takes fewer.
"""

import argparse
import inspect
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bench_memory import MB, peak
from small_road import NOW, write

from inference import collect
from inference.asking import Job
from judges import full_run, grade
from samples.cli import opened
from samples.fill import fill
from samples.records import Response, Spec, Verdict, Warrant
from samples.store import Store
from samples.study import Study

RESPONSES, ITEMS, MODELS, DRAWS = 1_200_000, 5_000, 80, 3
GOAL = 20_000  # rows a second
LAST = 60_000  # rows that a rate is of
AT_MOST = inspect.signature(fill).parameters["at_most"].default
Rates = list[tuple[float, float]]  # first and last rows; by the clock, by the processor
STUDY = """name = "full"
[[task]]
name = "gsm8k"
path = "items.jsonl"
{models}
[[judge]]
name = "rules"
kind = "auto"
"""
MODEL = """[[model]]
name = "m{number}"
engine = "replay"
model = "answers.jsonl"
draws = {draws}
sampling = {{ temperature = 0.7 }}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--responses", type=int, default=RESPONSES)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder:
        print(json.dumps(run_here(asked.folder)))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.responses)
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}"
    )


def measure(folder: Path, responses: int) -> None:
    """Fill a study with so many answers, half of them graded, and run over them."""
    models = -(-responses // (ITEMS * DRAWS))
    write_study(folder, models)
    rates = fill_up(folder, responses)
    for what, found in rates.items():
        for when, (rate, processor) in zip(("first", "last"), found, strict=True):
            verdict = "ok" if rate >= GOAL else "missed"
            print(
                f"{what}, the {when} {LAST:,}, {responses:,} answers in all: rows/s: {rate:,.0f},"
                f" goal {GOAL:,}, {rate / GOAL:.2f} ×, {verdict}"
                f" ({processor:,.0f} by processor time)",
                flush=True,
            )
    command = [sys.executable, __file__, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took = json.loads(done.stdout)
    print(
        f"a run over {responses:,} stored answers: MB of peak memory above the start:"
        f" {took['bytes'] / MB:,.0f} (plan {took['planned'] / MB:,.0f});"
        f" seconds to plan {took['plan']:.1f}, to follow them all {took['follow']:.1f}, stated"
    )


def write_study(folder: Path, models: int) -> None:
    """A task of 5,000 questions, and so many models that answer each three times."""
    rows = [
        {"question": f"Box {i} has {i + 3} pens. " + "It is blue. " * 20, "answer": f"#### {i + 3}"}
        for i in range(ITEMS)
    ]
    write(folder / "items.jsonl", rows)
    write(folder / "answers.jsonl", [{"text": "4"}])
    blocks = "".join(MODEL.format(number=n, draws=DRAWS) for n in range(models))
    (folder / "study.toml").write_text(STUDY.format(models=blocks), encoding="utf-8")


def fill_up(folder: Path, responses: int) -> dict[str, Rates]:
    """The rates of answers, and of verdicts on every second of them."""
    found: dict[str, Rates] = {}
    with opened(folder / "study.toml", create=True) as (study, store):
        jobs = collect.plan(study, store)
        [spec] = [grade.judge_spec(study, block) for block in study.judge]
        store.add([study.rater_question, spec, *jobs[0].items, *(job.spec for job in jobs)])
        ids: list[str] = []
        found["answers"] = timed(store, answers(jobs, responses), ids)
        found["verdicts"] = timed(store, verdicts(study, spec, ids[::2]), [])
    return found


def timed(store: Store, rows: Iterator[Any], ids: list[str]) -> Rates:
    """The rates of the first and of the last rows, saved as a run saves them; adds their ids."""
    seconds: list[tuple[int, float, float]] = []
    while heap := list(islice(rows, AT_MOST)):
        clock, processor = time.perf_counter(), time.process_time()
        store.add(heap)
        seconds.append((len(heap), time.perf_counter() - clock, time.process_time() - processor))
        ids += [row.id for row in heap]
    some = LAST // AT_MOST
    sums = [
        [sum(column) for column in zip(*part, strict=True)]
        for part in (seconds[:some], seconds[-some:])
    ]
    return [(n / clock, n / processor) for n, clock, processor in sums]


def answers(jobs: list[Job], responses: int) -> Iterator[Response]:
    """Answers as an engine gives them; an id is made when its row is saved."""
    left = responses
    for job in jobs:
        for item, draw in job.missing:
            if not left:
                return
            left -= 1
            yield Response(
                item.id,
                job.block.name,
                job.spec.id,
                job.strategy,
                draw,
                f"There are {item.key} pens. " + "Count them. " * 40 + f"The answer is {draw}.",
                prompt=f"user\n{item.question}\nassistant\n",
                prompt_tokens=112,
                completion_tokens=140,
                seconds=0.25,
                created_at=NOW,
            )


def verdicts(study: Study, spec: Spec, ids: list[str]) -> Iterator[Verdict]:
    rubric = study.rater_question.id
    for response in ids:
        yield Verdict(
            response,
            rubric,
            spec.name,
            spec.id,
            value="correct",
            raw="4",
            reason="4 is the reference",
            meta={"marked": True},
            created_at=NOW,
        )


def run_here(folder: Path) -> dict[str, float]:
    """Plan a run, and let a judge that says nothing follow all that is not graded."""
    start = peak()
    with opened(folder / "study.toml") as (study, store):
        began = time.perf_counter()
        jobs = collect.plan(study, store)
        specs = collect.specs_in_force(study, store, jobs)
        judge = grade.judge_spec(study, study.judge[0])
        granted = Warrant("rules", judge.id, "b2:none", "approved", {}, None, NOW)
        plan = full_run.plan(study, store, jobs, specs, {"gsm8k": granted})
        planned, seconds = peak() - start, time.perf_counter() - began
        began, seen = time.perf_counter(), 0
        asked, looked = plan.desks[0].asked, 0
        while True:  # as a desk does, with the cases that its judge gets
            found, looked = store.ungraded(asked, looked, grade.CHUNK)
            seen += len(list(store.cases(found, study.rater_question)))
            if not found:
                break
        follow = time.perf_counter() - began
    if seen != plan.to_grade - plan.to_collect:
        raise SystemExit(f"{seen} seen, {plan.to_grade} to grade, {plan.to_collect} to collect")
    return {"bytes": peak() - start, "planned": planned, "plan": seconds, "follow": follow}


if __name__ == "__main__":
    main()
