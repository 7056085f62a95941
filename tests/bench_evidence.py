"""`make bench-evidence`: what the evidence costs, and what a loop around a library would cost.

Prints one line per figure: what was done, our median, the peer's or the limit's, their ratio, the
goal. Uses the public set 'Judging the Judges' where it is, else made-up verdicts of the same shape.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from trivia import TRUTH, write_import_files

from judges import agreement, intervals

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHWARRANT_DATA", ROOT.parent / "shared" / "data"))
RESAMPLES, LOOP = 10_000, 100


def main() -> None:
    print("evidence: takes about two minutes")
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder)
        made = _import_files(study)
        _build(study)
        seconds, megabytes = zip(*(_report(study) for _ in range(5)), strict=True)
    what = f"report, 3,600 answers × 11 judges, {RESAMPLES:,} resamples, {made}"
    _line(f"{what}: seconds", statistics.median(seconds), 5.0, "limit", 1.0)
    _line(f"{what}: peak MB", statistics.median(megabytes), 1000.0, "limit", 1.0)
    rng = np.random.default_rng(0)
    question = np.repeat(np.arange(400), 9)
    people = rng.integers(0, 2, 3600)
    judges = np.where(rng.random((11, 3600)) < 0.9, people, 1 - people)
    loop = _median(lambda: _loop(question, people, judges[0])) * RESAMPLES / LOOP
    for many, goal in ((1, 50.0), (11, 50.0)):
        ours = _median(lambda many=many: _ours(question, people, judges[:many]))
        what = f"Cohen's κ, {many} judge(s), {RESAMPLES:,} cluster resamples, drawing included"
        _line(f"{what}: seconds", ours, loop * many, "scikit-learn in a loop", goal)
    cpu = platform.processor() or platform.machine()
    print(
        f"{os.cpu_count()} cores, {cpu}, Python {platform.python_version()}, numpy {np.__version__}"
    )


def _line(what: str, ours: float, other: float, name: str, goal: float) -> None:
    ratio = other / ours
    verdict = "ok" if ratio >= goal else "missed"
    print(f"{what}: {ours:.2f}, {name} {other:.2f}, {ratio:.2f} ×, goal {goal:g} ×, {verdict}")


def _median(work: Callable[[], object], times: int = 3) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def _ours(question: np.ndarray, people: np.ndarray, judges: np.ndarray) -> np.ndarray:
    weights = intervals.multinomial_weights(np.random.default_rng(1), RESAMPLES, 400)
    sums = np.stack(
        [
            intervals.cluster_sums(question, agreement.judge_cells(people, judge, 2), None, 400, 6)
            for judge in judges
        ],
        axis=1,
    ).reshape(400, len(judges), 2, 3)
    tables = agreement.failures_left_out(intervals.resampled(weights, sums))
    return agreement.STATISTICS["cohen_kappa"](tables)


def _loop(question: np.ndarray, people: np.ndarray, judge: np.ndarray) -> list[float]:
    """What is done today: draw questions, gather their answers, call the library."""
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(question == q) for q in range(400)]
    made = []
    for _ in range(LOOP):
        picked = np.concatenate([rows[q] for q in rng.integers(0, 400, 400)])
        made.append(cohen_kappa_score(people[picked], judge[picked]))
    return made


def _import_files(out: Path) -> str:
    folder = DATA / "human_judging_the_judges"
    if folder.is_dir():
        write_import_files(folder, out)
        return "real set"
    rng = np.random.default_rng(0)
    labels = list(TRUTH.values())
    cases = [{"task": "t", "key": str(q), "model": f"m{m}"} for m in range(9) for q in range(400)]
    truth = rng.integers(0, 2, len(cases))
    rows: dict[str, list[dict[str, object]]] = {
        "items": [
            {"task": "t", "key": str(q), "question": "?", "reference": "!"} for q in range(400)
        ],
        "responses": [dict(case) for case in cases],
        "labels": [
            case | {"annotator": "a", "value": labels[t]}
            for case, t in zip(cases, truth, strict=True)
        ],
        "verdicts": [
            case | {"judge": f"j{j}", "value": labels[int(t) ^ int(rng.random() < 0.1)]}
            for j in range(11)
            for case, t in zip(cases, truth, strict=True)
        ],
    }
    for kind, made in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in made)
        (out / f"{kind}.jsonl").write_text(text, encoding="utf-8")
    return "made-up set of the same shape"


def _run(folder: Path, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "benchwarrant", *words],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _build(folder: Path) -> None:
    _run(folder, "init", ".", "--bare")
    for kind in ("items", "responses", "labels", "verdicts"):
        _run(folder, "import", kind, f"{kind}.jsonl")
    if (folder / "labels.jsonl").read_text().count('"final"'):
        _run(folder, "accounts", "role", "final", "adjudicator")
    _run(folder, "sample", "--labelled")


def _report(folder: Path) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of the whole process, start-up included."""
    start = time.perf_counter()
    _run(folder, "report")
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


if __name__ == "__main__":
    main()
