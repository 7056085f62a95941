"""`make bench-judges`: LLM judges against a server that is slow, faulty, and killed under.

Prints one line per figure: what was done, ours, the limit or what the server counted. The server
(tests/provider_server.py) speaks both providers' formats in a process of its own.
"""

import argparse
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import provider_server
from provider_server import Server
from provider_state import BatchFaults, Faults

from inference.ledger import BILLED, Purse
from inference.prices import Price, Tokens
from judges import grade
from samples.audit import Drawn, freeze
from samples.cli import now, opened
from samples.errors import BenchwarrantError
from samples.records import Charge, Item, Response, Spec
from samples.store import Store
from samples.study import load_study

ROOT = Path(__file__).parents[1]
CASES, AT_ONCE, DELAY, KILLS, MANY = 2000, 64, 0.2, 20, 100_000
FAULTS = Faults(too_many=0.10, broken=0.05, cut=0.02, garbled=0.005, misshapen=0.005)
ENGINES = ("openai", "anthropic")
MB = 1_000_000
PRICE = Price(
    input=2.5, output=10, cached=1.25, written=3.125, written_1h=5, batch=0.5, source="here"
)
STUDY = """
name = "bench"
[[judge]]
name = "judge"
kind = "llm"
engine = "{engine}"
model = "{model}"
prompt = "reference_graded_json"
answer = "json"
sampling = {{ max_tokens = 300 }}
{batch}
run = {{ base_url = "{url}", api_key_env = "BENCH_KEY", concurrency = 64{poll} }}
[[price]]
model = "{model}"
input = 2.5
cached = 1.25
written = 3.125
output = 10.0
batch = 0.5
"""
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory-of", metavar="STUDY", help=argparse.SUPPRESS)
    told = parser.parse_args()
    os.environ["BENCH_KEY"] = "sk-of-nobody"
    if told.memory_of:
        print(memory_of(Path(told.memory_of)))
        return
    print("judges: takes about twelve minutes", flush=True)
    for engine in ENGINES:
        speed(engine)
    for engine in ENGINES:
        faults(engine)
    for engine in ENGINES:
        kills(engine, batch=False)
    for engine in ENGINES:
        kills(engine, batch=True)
    memory()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")


def write_study(folder: Path, url: str, engine: str, cases: int, batch: bool = False) -> Path:
    """A study with so many answers to be judged, each about as long as a GSM8K solution."""
    study = folder / "study.toml"
    settings = {"engine": engine, "model": MODELS[engine], "url": url}
    more = {"batch": "batch = true", "poll": ", poll = 0.2"} if batch else {"batch": "", "poll": ""}
    study.write_text(STUDY.format(**settings, **more), encoding="utf-8")
    with Store(folder / "study.db", create=True) as store:
        spec = Spec("model", "tiny", {"engine": "replay"})
        store.add([spec])
        responses = []
        for start in range(0, cases, 5000):
            rows: list[Any] = []
            for n in range(start, min(cases, start + 5000)):
                item = Item("sums", str(n), f"What is {n} + {n + 7}? " * 6, (str(2 * n + 7),))
                text = f"First {n}, then {n + 7}. " * 20 + f"The answer is {2 * n + 7}."
                response = Response(item.id, "tiny", spec.id, "direct", 0, text)
                rows += [item, response]
                responses.append(response.id)
            store.add(rows)
        drawn = [Drawn(response, "all", 1.0, 1) for response in responses]
        freeze(store, load_study(study).rater_question, drawn, {"allocation": "equal"}, now())
    return study


def judge(path: Path) -> Purse:
    """Put all missing cases before the judge, as `benchwarrant judge` does."""
    purse = Purse()
    with opened(path) as (study, store):
        audit_set = store.audit_set()
        assert audit_set is not None
        responses = [case.response for case in store.audit_cases(audit_set.id)]
        todo = grade.dockets(study, store, responses)
        grade.check_texts(store, todo, study.rater_question)
        grade.run(study, store, todo, lambda verdict: None, now, purse)
    return purse


def speed(engine: str) -> None:
    with provider_server.start(delay=DELAY) as server, _folder() as folder:
        path = write_study(folder, getattr(server, engine), engine, CASES)
        seconds = _timed(lambda: judge(path))
    ideal = CASES * DELAY / AT_ONCE
    overhead = 1000 * (seconds - ideal) * AT_ONCE / CASES
    print(
        f"{engine}: {CASES:,} cases at {1000 * DELAY:.0f} ms, {AT_ONCE} at once: seconds:"
        f" {seconds:.2f}, ideal {ideal:.2f}, {ideal / seconds:.2f} ×, goal 0.90 ×,"
        f" {_met(ideal / seconds >= 0.9)}; {overhead:.1f} ms a call beyond the server's",
        flush=True,
    )


def faults(engine: str) -> None:
    with provider_server.start(delay=DELAY / 4, faults=FAULTS, seed=7) as server:
        with _folder() as folder:
            path = write_study(folder, getattr(server, engine), engine, CASES)
            commands = _until_done(path)
            values, failures, booked, estimated = outcome(path)
        counts = server.counts()
    sent, owed = counts["requests"], _owed(counts["tokens"])
    named = sum(failures.values())
    print(
        f"{engine}, 10% 429, 5% 500, 2% cut, 1% malformed: ends with a verdict or a named failure:"
        f" {values + named:,} ({_words(failures)}; {commands} command(s)), goal {CASES:,},"
        f" {_met(values + named == CASES)}",
        f"{engine}, same: calls sent: {sent:,}, {sent / CASES:.3f} × the cases, goal ≤ 1.25 ×,"
        f" {_met(sent <= 1.25 * CASES)}",
        f"{engine}, same: dollars booked: {booked:.4f} ({estimated} attempts by estimate), the"
        f" server counted {owed:.4f}, {booked / owed:.4f} ×, goal the same cent,"
        f" {_met(abs(booked - owed) < 0.005)}",
        sep="\n",
        flush=True,
    )


def _until_done(path: Path) -> int:
    """How often the command had to be given: a request may be unlucky six times in a row."""
    for command in count(1):
        try:
            judge(path)
            return command
        except BenchwarrantError:
            continue
    raise AssertionError


def kills(engine: str, batch: bool) -> None:
    """`kill -9` at random moments, each run going on where the last one was killed."""
    rng = Random(f"{engine} {batch}")
    settings: dict[str, Any] = {"faults": FAULTS, "seed": 11}
    if batch:
        calls = Faults(too_many=0.10, broken=0.05, cut=0.02)
        settings = {"batch_seconds": 6.0, "seed": 11}
        settings["batch_faults"] = BatchFaults(broken=0.05, expired=0.05, calls=calls)
    paid_again = []
    with provider_server.start(delay=DELAY, **settings) as server, _folder() as folder:
        path = write_study(folder, getattr(server, engine), engine, CASES, batch)
        killed = 0
        for _ in range(KILLS):
            before = _lost(server, path)
            killed += _killed(path, rng.uniform(0.0, 0.8 if not batch else 1.2))
            paid_again.append(_lost(server, path) - before)
        _until_done(path)
        values, failures, _, _ = outcome(path)
        counts = server.counts()
    verdicts = values + sum(failures.values())
    twice = counts["batches"]["rows_paid_twice"] if batch else max(paid_again)
    goal = 0 if batch else AT_ONCE
    how = "batch, " if batch else ""
    print(
        f"{engine}, {how}killed {killed} times: verdicts, each case once: {verdicts:,}, goal"
        f" {CASES:,}, {_met(verdicts == CASES and killed == KILLS)}",
        f"{engine}, {how}killed {killed} times: answers paid for twice"
        f"{'' if batch else ', at most, by one kill'}: {twice}, goal ≤ {goal}"
        f"{'' if batch else ', those under way'}, {_met(twice <= goal)}",
        sep="\n",
        flush=True,
    )


def _killed(path: Path, wait: float) -> bool:
    """Start the command, kill it so long after it has begun to ask; whether it was still there."""
    process = subprocess.Popen(
        _command(path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        process.wait(1.5 + wait)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    return False


def _lost(server: Server, path: Path) -> int:
    """Answers that the server has billed and the study has not booked, so nor their verdicts."""
    with opened(path) as (_, store):
        booked = sum(charge.outcome in BILLED for charge in store.records(Charge))
    return int(server.counts()["billed"]) - booked


def outcome(path: Path) -> tuple[int, dict[str, int], float, int]:
    """Verdicts with a value, failures by kind, dollars booked, and attempts that were guessed."""
    values, failures = 0, {}
    with opened(path) as (_, store):
        for verdict in store.verdicts():
            if verdict.value is None:
                failures[verdict.failure or ""] = failures.get(verdict.failure or "", 0) + 1
            else:
                values += 1
        specs = store.specs("judge")
        spent = store.spent(specs[0].id, "verdict") if specs else None
    return values, failures, (spent.usd or 0.0) if spent else 0.0, spent.estimated if spent else 0


def memory() -> None:
    with provider_server.start() as server, _folder() as folder:
        path = write_study(folder, server.openai, "openai", MANY)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--memory-of", str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - began
        values, _, _, _ = outcome(path)
    above = int(done.stdout) / MB
    print(
        f"openai, {MANY:,} cases, answered at once: MB above the start: {above:.0f}, limit 300,"
        f" {300 / above:.2f} ×, {_met(above <= 300 and values == MANY)}; {MANY / seconds:,.0f} a"
        " second",
        flush=True,
    )


def memory_of(path: Path) -> int:
    """Bytes of peak memory above the start, when everything is imported, of judging a study."""
    import openai  # noqa: F401

    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    judge(path)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * 1024


def _owed(tokens: dict[str, int]) -> float:
    return PRICE.usd(Tokens(**tokens))


def _command(path: Path) -> list[str]:
    return [sys.executable, str(ROOT / "benchwarrant.py"), "judge", "--study", str(path)]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())) or "no failures"


def _met(met: bool) -> str:
    return "ok" if met else "missed"


if __name__ == "__main__":
    main()
