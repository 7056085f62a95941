"""What collecting costs in memory, and how fast it is when the model costs nothing.

`python tests/bench_memory.py` prints a line for 10,000 and for 100,000 replayed answers.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ITEMS, SHOTS = 2000, 8
MB = 1_000_000
NOW = "2026-01-31T09:30:00.000000+00:00"


def memory_of_collecting(n: int, strategy: str = "direct", cache: int | None = None) -> int:
    """Bytes of peak memory above the start, of a process that collects ``n`` replayed answers."""
    return int(collecting(n, strategy, cache)["bytes"])


def collecting(n: int, strategy: str = "direct", cache: int | None = None) -> dict[str, Any]:
    """``bytes`` above the start, ``seconds`` and ``answers`` of collecting in its own process.

    ``cache`` bytes of the database's pages are kept, where it is not as many as usual.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_study(Path(folder), n, strategy)
        done = subprocess.run(
            [sys.executable, __file__, folder, *([] if cache is None else [str(cache)])],
            cwd=Path(__file__).parents[1],
            check=True,
            capture_output=True,
            text=True,
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write_study(folder: Path, n: int, strategy: str) -> None:
    """A study of ``n`` sampled answers to at most 2,000 questions, all in a file."""
    items = min(n, ITEMS)
    rows, answers = [], []
    for i in range(items + SHOTS):
        question = (
            f"Box {i} has {i + 3} pens and {i + 9} caps. " + "It is blue. " * 15 + "How many?"
        )
        solution = (
            f"There are {i + 3} pens and {i + 9} caps, so {2 * i + 12}. " + "Count them. " * 10
        )
        rows.append({"question": question, "answer": f"{solution}#### {2 * i + 12}"})
        answers.append({"match": f"Box {i} has", "text": f"{solution}The answer is {2 * i + 12}."})
    for name, lines in (("items.jsonl", rows), ("answers.jsonl", answers)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(
        'name = "memory"\n'
        f'[[task]]\nname = "gsm8k"\npath = "items.jsonl"\nlimit = {items}\n'
        '[[model]]\nname = "file"\nengine = "replay"\nmodel = "answers.jsonl"\n'
        f'strategies = ["{strategy}"]\ndraws = {n // items}\nsampling = {{ temperature = 0.7 }}\n',
        encoding="utf-8",
    )


def collect_here(folder: Path) -> dict[str, Any]:
    """Collect the study of this folder, and say what it took."""
    from inference import collect
    from samples import store as room
    from samples.cli import opened, progress

    if len(sys.argv) > 2:
        room.CACHE = int(sys.argv[2])
    with opened(folder / "study.toml", create=True) as (study, store):
        started, start = peak(), time.perf_counter()
        jobs = collect.plan(study, store)
        with progress("collect", sum(len(job.missing) for job in jobs)) as tick:
            failed = collect.run(study, store, jobs, tick, lambda: NOW)
        seconds, used = time.perf_counter() - start, peak() - started
        if failed:
            raise SystemExit(str(failed))
        answers = store.counts()["responses"]
    return {"bytes": used, "seconds": seconds, "answers": answers}


def peak() -> int:
    """The most bytes of memory that this process has held.

    Not of ``getrusage`` where there is another way: on Linux a new process starts with the peak of
    the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    for n in (10_000, 100_000):
        found = collecting(n)
        rate = found["answers"] / found["seconds"]
        what = f"collect {n:,} replayed answers: {found['bytes'] / MB:.0f} MB above start"
        verdict = "ok" if found["bytes"] <= 300 * MB else "missed"
        print(f"{what}, {rate:,.0f} answers/s, goal 300 MB, {verdict}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(collect_here(Path(sys.argv[1]))))
    else:
        main()
