"""`make bench-evidence`: what the evidence costs, and what a loop around a library would cost.

Prints one line per figure: what was done, our median, the peer's or the limit's, their ratio, the
goal. Uses the public set 'Judging the Judges' where it is, else made-up verdicts of the same shape.
"""

import argparse
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
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench_memory import peak
from trivia import TRUTH, write_import_files

from judges import agreement, intervals, raters

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHWARRANT_DATA", ROOT.parent / "shared" / "data"))
RESAMPLES, LOOP = 10_000, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weigh", nargs=2, type=int, help=argparse.SUPPRESS)
    if told := parser.parse_args().weigh:
        print(json.dumps(_weigh(*told)))
        return
    print("evidence: takes about three minutes", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder)
        made = _import_files(study)
        _build(study)
        for scope in ("these models", "new models"):
            _policy(study, scope)
            found = [_report(study) for _ in range(5)]
            seconds, megabytes = (statistics.median(side) for side in zip(*found, strict=True))
            what = f"report, 3,600 answers × 11 judges, {RESAMPLES:,} resamples, {scope}, {made}"
            _line(f"{what}: seconds", seconds, 3.0, "limit", 1.0)
            _line(f"{what}: peak MB", megabytes, 500.0, "limit", 1.0)
        start = time.perf_counter()
        _run(study, "plan")
        seconds = time.perf_counter() - start
        _line("plan, with 11 judges measured: seconds", seconds, 20.0, "limit", 1.0)
    growth()
    alpha()
    whole_report()
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


def growth() -> None:
    """Evidence alone, in a process of its own, with more cases and more judges."""
    base = 0.0
    for times, judges in ((1, 2), (10, 2), (100, 2), (1, 11)):
        done = subprocess.run(
            [sys.executable, __file__, "--weigh", str(times), str(judges)],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        found = json.loads(done.stdout)
        base = base or found["seconds"]
        print(
            f"evidence, {3600 * times:,} cases × {judges} judges: seconds:"
            f" {found['seconds']:.2f}, {found['seconds'] / base:.1f} × the first, peak MB"
            f" {found['megabytes']:.0f}, stated",
            flush=True,
        )


def _weigh(times: int, judges: int) -> dict[str, float]:
    from small_road import audit_of, policy

    from judges.evidence import weigh

    rng = np.random.default_rng(0)
    n = 3600 * times
    people = rng.integers(0, 2, n)
    said = {
        f"j{j}": "".join(map(str, np.where(rng.random(n) < 0.9, people, 1 - people)))
        for j in range(judges)
    }
    question = np.repeat(np.arange(400 * times), 9).tolist()
    models = "abcdefghi" * (n // 9)
    audit = audit_of("".join(map(str, people)), said, question=question, model=models)
    start = time.perf_counter()
    weigh(audit, policy(resamples=RESAMPLES), 0)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "megabytes": peak() / 1e6}


def alpha() -> None:
    """Krippendorff's α of 1,000 cases × 3 raters, against a loop that calls the package."""
    import krippendorff

    rng = np.random.default_rng(0)
    ratings = np.where(rng.random((1000, 3)) < 0.9, rng.integers(0, 2, 1000)[:, None], 0)
    ratings = ratings.astype(np.int64)

    def ours() -> np.ndarray:
        weights = intervals.multinomial_weights(np.random.default_rng(1), RESAMPLES, 1000)
        tables = raters.rater_tables(ratings, 2).by_cluster(np.arange(1000), 1000)
        drawn = intervals.resampled(weights, tables.coincidence)  # α reads nothing else
        return raters.RATER_STATISTICS["krippendorff_alpha"](replace(tables, coincidence=drawn))

    def loop() -> list[float]:
        draw = np.random.default_rng(1)
        return [
            krippendorff.alpha(
                ratings[draw.integers(0, 1000, 1000)].T, level_of_measurement="nominal"
            )
            for _ in range(LOOP)
        ]

    what = f"Krippendorff's α, 1,000 cases × 3 raters, {RESAMPLES:,} resamples, drawing included"
    _line(f"{what}: seconds", _median(ours), _median(loop) * RESAMPLES / LOOP, "package", 50.0)


def whole_report() -> None:
    """All agreement figures of the report, against a loop that calls libraries per resample.

    The loop computes eight statistics over all cases and for each of nine models, for one judge and
    100 resamples, and is scaled to eleven judges and 10,000.
    """
    rng = np.random.default_rng(0)
    question, model = np.repeat(np.arange(400), 9), np.tile(np.arange(9), 400)
    people = rng.integers(0, 2, 3600)
    judge = np.where(rng.random(3600) < 0.9, people, 1 - people)
    rows = [np.flatnonzero(question == q) for q in range(400)]

    def loop() -> None:
        for _ in range(LOOP):
            picked = np.concatenate([rows[q] for q in rng.integers(0, 400, 400)])
            _by_libraries(people[picked], judge[picked])
            for one in range(9):
                some = picked[model[picked] == one]
                _by_libraries(people[some], judge[some])

    seconds = _median(loop, 1) * 11 * RESAMPLES / LOOP
    done = _weigh(1, 11)["seconds"]
    _line("all figures of the report, 11 judges: seconds", done, seconds, "libraries", 500.0)


def _by_libraries(people: np.ndarray, judge: np.ndarray) -> None:
    import krippendorff
    from scipy.stats import spearmanr
    from sklearn import metrics

    metrics.accuracy_score(people, judge)
    metrics.cohen_kappa_score(people, judge)
    metrics.matthews_corrcoef(people, judge)
    metrics.f1_score(people, judge)
    metrics.balanced_accuracy_score(people, judge)
    metrics.confusion_matrix(people, judge)
    spearmanr(people, judge)
    krippendorff.alpha(np.stack([people, judge]), level_of_measurement="nominal")


def _policy(folder: Path, scope: str) -> None:
    path = folder / "study.toml"
    text = path.read_text("utf-8")
    text = "".join(line for line in text.splitlines(True) if not line.startswith("scope ="))
    path.write_text(text.replace("[policy]\n", f'[policy]\nscope = "{scope}"\n'), "utf-8")


def _line(what: str, ours: float, other: float, name: str, goal: float) -> None:
    ratio = other / ours
    verdict = "ok" if ratio >= goal else "missed"
    print(
        f"{what}: {ours:.2f}, {name} {other:.2f}, {ratio:.2f} ×, goal {goal:g} ×, {verdict}",
        flush=True,
    )


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
