"""`benchwarrant collect` as a person meets it: what it says, what stops it, and how it goes on."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_road import edit, write, write_files

import benchwarrant
from samples.cli import opened

ROOT = Path(__file__).parents[1]
MANY = '"good.jsonl"\ndraws = 1000\nsampling = { temperature = 1.0 }'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_files(tmp_path)


def collect(path: Path, *words: str) -> int:
    """The exit code of the command in this process."""
    try:
        benchwarrant.main(["collect", "--study", str(path), *words])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def start(path: Path, limits: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchwarrant", "collect", "--study", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limits,
    )


def responses(path: Path) -> int:
    with opened(path) as (_, store):
        assert list(store.faults()) == []
        return store.counts()["responses"]


def test_the_summary_counts_outcomes_and_names_the_most_common_error(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(path.with_name("bad.jsonl"), [{"match": "+", "finish": "error", "error": "refused: no"}])
    write(path.with_name("good.jsonl"), [{"match": "1", "finish": "too_long"}, {"text": "5"}])
    assert collect(path) == 0
    with opened(path) as (_, store):
        long = sum(r.finish == "too_long" for r in store.responses())
    said = capsys.readouterr().out
    assert "24 answers wanted, 24 missing" in said
    assert f"finished: 12 error, {max(long, 12 - long)} " in said and f"{long} too_long" in said
    assert "most common error: 12 × refused: no" in said
    assert collect(path) == 0
    assert capsys.readouterr().out == "24 answers wanted, 0 missing\n"


def test_repeatability_is_measured_after_collecting_and_when_all_is_there(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert collect(path, "--repeatability", "5") == 0
    said = capsys.readouterr().out
    assert "good: asked again with the same seed and settings, 0 of 5 texts changed" in said
    write(path.with_name("good.jsonl"), [{"text": "Something else."}])
    assert collect(path, "--repeatability", "7") == 0
    said = capsys.readouterr().out
    assert "24 answers wanted, 0 missing" in said
    assert "good: asked again with the same seed and settings, 7 of 7 texts changed" in said
    assert "bad: asked again with the same seed and settings, 0 of 7 texts changed" in said
    assert responses(path) == 24


def test_a_model_that_fails_is_named_and_the_command_does_not_succeed(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.with_name("good.jsonl").unlink()
    assert collect(path, "--repeatability", "2") == 2
    said = capsys.readouterr()
    assert "model good could not be run: replay: cannot read" in said.out
    assert "bad: asked again" in said.out
    assert said.err.count("\n") <= 3 and "run the same command again" in said.err
    assert responses(path) == 12


def test_ctrl_c_keeps_what_is_finished_and_says_so_in_a_line(path: Path) -> None:
    edit(path, '"good.jsonl"', '"good.jsonl"\nrun = { delay = 0.1 }')
    with start(path) as child:
        assert "24 missing" in child.stdout.readline()
        while not _some(path):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.strip().startswith("interrupted after ") and err.strip().count("\n") == 0
    kept = responses(path)
    assert 0 < kept < 24
    edit(path, "delay = 0.1", "delay = 0.0")
    assert collect(path) == 0
    assert responses(path) == 24


def _some(path: Path) -> bool:
    with opened(path, create=True) as (_, store):
        return bool(store.counts()["responses"])


def test_a_disk_without_room_is_a_line_and_the_same_command_goes_on(path: Path) -> None:
    """The limit is on the size of a file, so the disk says no in the middle of a write."""
    edit(path, '"good.jsonl"', MANY)

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, resource.RLIM_INFINITY))

    with start(path, little_room) as child:
        out, err = child.communicate(timeout=60)
    assert child.returncode == 2, err
    lines = [line for line in err.splitlines() if not line.startswith("collect:")]
    assert len(lines) == 1 and lines[0].startswith("benchwarrant: cannot write to ")
    assert "make room on its disk and run the same command again" in lines[0]
    kept = responses(path)
    assert 0 < kept < 12012
    assert collect(path) == 0
    assert responses(path) == 12012
    assert "Traceback" not in out + err and os.path.getsize(path.with_name("study.db")) > 5_000_000
