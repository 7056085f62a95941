"""`make bench-leaderboard`: the leaderboard, the audit draw and the page at the paper's scale.

Writes a study of 72 models × 17 tasks × 1,000 answers of 1 KB with a verdict each (2.6 GB, for some
minutes), then runs the real commands on it. Prints one line per figure: what was done, our figure,
the limit, their ratio and whether it is met.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_memory import peak
from wide_study import fill_study, write_study

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
MODELS, TASKS, ITEMS = 72, 17, 1000
RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="Where the study lies, or shall; it is kept.")
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.run:
        _here(told.run)
        return
    print("leaderboard: takes about four minutes, most of them to write the study", flush=True)
    folder = told.folder or Path(tempfile.mkdtemp(prefix="bench-leaderboard-"))
    try:
        study = _study(folder)
        _size(study)
        board(study)
        sample(study)
        page(study.parent / "report" / "leaderboard.html")
    finally:
        if told.folder is None:
            shutil.rmtree(folder)
    cores, machine = os.cpu_count(), platform.machine()
    print(f"{cores} cores, {machine}, Python {platform.python_version()}")


def _study(folder: Path) -> Path:
    """The study, written unless an earlier run left it in the folder."""
    study = folder / "study.toml"
    if not (folder / "written").exists():
        start = time.perf_counter()
        fill_study(write_study(folder, MODELS, TASKS, ITEMS))
        (folder / "written").touch()
        print(f"(written in {time.perf_counter() - start:.0f} s)", flush=True)
    return study


def _size(study: Path) -> None:
    """What a response of 1 KB with its verdict takes on disk, and what each of them adds."""
    from samples.store import Store

    database = study.parent / "study.db"
    with Store(database) as store:
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        tables = dict(
            store.db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
        )
        owner = dict(store.db.execute("SELECT name, tbl_name FROM sqlite_schema").fetchall())
        rows = store.counts()
    size = database.stat().st_size
    what = f"database of {rows['responses']:,} responses of 1 KB and {rows['verdicts']:,} verdicts"
    print(f"{what}: {size / 1e6:,.0f} MB (stated, no goal)")
    for table in ("responses", "verdicts"):
        taken = sum(pages for name, pages in tables.items() if owner.get(name) == table)
        each = taken / rows[table]
        print(f"growth per row of {table}, indexes included: {each:,.0f} bytes (stated, no goal)")


def board(study: Path) -> None:
    """The real command in a process of its own: time with start-up, and its peak of memory."""
    found = [_command("leaderboard", study) for _ in range(RUNS)]
    seconds, megabytes = (statistics.median(side) for side in zip(*found, strict=True))
    what = f"leaderboard, {MODELS} models × {TASKS} tasks × {ITEMS:,} answers, 2,000 resamples"
    _line(f"{what}: seconds", seconds, 20.0)
    _line(f"{what}: peak MB", megabytes, 1000.0)


def sample(study: Path) -> None:
    """Draw the audit set anew, stratified by task, in a copy: the warrant goes stale by it."""
    copy = study.parent / "sample"
    try:
        shutil.copytree(study.parent, copy, ignore=shutil.ignore_patterns("sample", "report"))
        found = [_command("sample", copy / study.name, "--new") for _ in range(RUNS)]
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    seconds, megabytes = (statistics.median(side) for side in zip(*found, strict=True))
    what = f"sample, 1,000 of {MODELS * TASKS * ITEMS:,} answers, {TASKS} strata"
    _line(f"{what}: seconds", seconds, 5.0)
    _line(f"{what}: peak MB", megabytes, 1000.0)


def page(path: Path) -> None:
    """From opening the file until a click on a heading has sorted it."""
    _line(f"page of {MODELS} models: MB", path.stat().st_size / 1e6, 5.0)
    if not Path(CHROMIUM).exists():
        print("page in Chromium: not measured, there is no Chromium here")
        return
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for _ in range(RUNS):
            tab = browser.new_page()
            start = time.perf_counter()
            tab.goto(path.resolve().as_uri())
            tab.wait_for_selector("html[data-ready=yes]", state="attached")
            tab.locator("#board thead button").nth(4).click()
            tab.wait_for_selector("#board th[aria-sort=descending]")
            seconds.append(time.perf_counter() - start)
            tab.close()
        browser.close()
    _line("page in Chromium, opened and sorted: seconds", statistics.median(seconds), 2.0)


def _command(name: str, study: Path, *more: str) -> tuple[float, float]:
    """Seconds of the whole process, and the megabytes that it held at most."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--run", name, str(study), *(word.lstrip("-") for word in more)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - start, json.loads(done.stdout.splitlines()[-1])["peak"] / 1e6


def _here(words: list[str]) -> None:
    """Run a command in this process and say what it held: ``new`` stands for --new."""
    import benchwarrant

    name, study, *more = words
    try:
        benchwarrant.main([name, "--study", study, *(f"--{word}" for word in more)])
    except SystemExit as end:
        if end.code:
            raise
    print(json.dumps({"peak": peak()}))


def _line(what: str, ours: float, limit: float) -> None:
    verdict = "ok" if ours <= limit else "missed"
    print(
        f"{what} {ours:.2f}, limit {limit:g}, {ours / limit:.2f} ×, goal 1.00 ×, {verdict}",
        flush=True,
    )


if __name__ == "__main__":
    main()
