"""The road by hand, by the commands themselves, with the replay engine on six questions."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

import benchwarrant

STUDY = """
name = "small"
[rubric]
guidance = "guidance.md"
[[task]]
name = "sums"
limit = 6
[[model]]
name = "good"
engine = "replay"
model = "good.jsonl"
run = {{ delay = {delay} }}
[[model]]
name = "bad"
engine = "replay"
model = "bad.jsonl"
[[judge]]
name = "rules"
kind = "auto"
[[judge]]
name = "reader"
kind = "llm"
engine = "replay"
model = "verdicts.jsonl"
prompt = "prompt.txt"
run = {{ delay = {delay} }}
[[judge]]
name = "yes"
kind = "constant"
value = "correct"
[audit]
size = {size}
overlap = 0.0
[policy]
resamples = 500
[[policy.rule]]
statistic = "accuracy"
at_least = 0.3
"""


@dataclass(frozen=True)
class Run:
    stdout: str
    stderr: str


def command(folder: Path, *words: str, ok: tuple[int, ...] = (0,)) -> Run:
    """Run a command as the shell would, without the cost of a new process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        try:
            benchwarrant.main(list(words))
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    assert code in ok, out.getvalue() + err.getvalue()
    return Run(out.getvalue(), err.getvalue())


def write_study(folder: Path, delay: float = 0.0, size: int = 12, limit: int = 6) -> None:
    text = STUDY.format(delay=delay, size=size).replace("limit = 6", f"limit = {limit}")
    (folder / "study.toml").write_text(text)
    (folder / "guidance.md").write_text("Right is right.\n")
    (folder / "prompt.txt").write_text(
        "Is it right?\n$question\n$reference\n$response\nAnswer with one of: $labels\n"
    )
    rows = [
        {"match": f"{a} + {b}", "text": f"The answer is {a + b}."}
        for a in range(10)
        for b in range(10)
    ]
    (folder / "good.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "bad.jsonl").write_text(json.dumps({"text": "The answer is 99."}) + "\n")
    (folder / "verdicts.jsonl").write_text(
        json.dumps({"match": "answer is 99", "text": "Verdict: incorrect"})
        + "\n"
        + json.dumps({"text": "Verdict: correct"})
        + "\n"
    )


def label_all(folder: Path) -> None:
    """Label every case of the audit set as a person would: 99 is wrong, all else is right."""
    command(folder, "export", "responses", "--out", "answers.jsonl")
    lines = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    labels = [
        {k: row[k] for k in ("task", "key", "model", "draw")}
        | {"annotator": "ann", "value": "incorrect" if "99" in row["text"] else "correct"}
        for row in lines
    ]
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels))
    command(folder, "import", "labels", "labels.jsonl")


def test_the_road(tmp_path: Path) -> None:
    write_study(tmp_path)
    assert "12 stop" in command(tmp_path, "collect").stdout
    assert "0 missing" in command(tmp_path, "collect").stdout
    command(tmp_path, "sample")
    assert "frozen already" in command(tmp_path, "sample").stdout
    command(tmp_path, "judge")
    refused = command(tmp_path, "approve", "rules", ok=(2,))
    assert "12 of 12 cases have no label yet" in refused.stderr
    label_all(tmp_path)
    report = json.loads(command(tmp_path, "report", "--json").stdout)
    assert report["reference"]["cases"] == 12 and report["reference"]["prevalence"] == 0.5
    assert report["judges"]["rules"]["case"]["failures_left_out"]["cohen_kappa"]["value"] == 1.0
    assert report["judges"]["yes"]["case"]["failures_left_out"]["cohen_kappa"]["value"] == 0.0
    assert report["judges"]["yes"]["decision"] == "undecided"
    command(tmp_path, "report")
    assert (tmp_path / "report" / "report.html").read_text().startswith("<!doctype html>")
    refused = command(tmp_path, "benchmark", ok=(1,))
    assert "benchwarrant approve" in refused.stderr and refused.stderr.count("\n") == 1
    command(tmp_path, "approve", "rules", "--signed-by", "Ann")
    command(tmp_path, "benchmark")
    command(tmp_path, "leaderboard")
    board = json.loads((tmp_path / "report" / "leaderboard.json").read_text())
    assert [row["model"] for row in board["rows"]] == ["good", "bad"]
    assert [row["aggregate"]["value"] for row in board["rows"]] == [1.0, 0.0]
    assert "0 do not match" in command(tmp_path, "verify").stdout
    assert "follows from the rows" in command(tmp_path, "verify").stdout
    status = json.loads(command(tmp_path, "status", "--json").stdout)
    assert status["rows"]["responses"] == 12 and status["decisions"] == {"rules": "approved"}


def test_a_prompt_changed_by_one_character_makes_the_warrant_stale(tmp_path: Path) -> None:
    write_study(tmp_path)
    for step in ("collect", "sample", "judge"):
        command(tmp_path, step)
    label_all(tmp_path)
    command(tmp_path, "approve", "reader")
    command(tmp_path, "benchmark")
    prompt = tmp_path / "prompt.txt"
    prompt.write_text(prompt.read_text().replace("Is it right?", "Is it right!"))
    refused = command(tmp_path, "benchmark", ok=(1,))
    assert "stale" in refused.stderr and "prompt" in refused.stderr
    assert refused.stderr.count("\n") == 1


BAD = [  # (what is done to the study, the command, exit code, words of the one line)
    (lambda f: edit(f, 'name = "small"', 'nmae = "small"'), ["status"], 2, "unknown key 'nmae'"),
    (lambda f: (f / "study.toml").unlink(), ["collect"], 2, "does not exist"),
    (lambda f: no_models(f), ["collect"], 2, "2 of the models could not be run"),
    (lambda f: edit(f, 'engine = "replay"', 'engine = "repaly"'), ["collect"], 2, "'replay'"),
    (lambda f: edit(f, 'name = "sums"', 'name = "sumz"'), ["collect"], 2, "'sums'"),
    (lambda f: (f / "prompt.txt").unlink(), ["judge"], 2, "prompt.txt"),
    (lambda f: None, ["report"], 2, "no case of the audit set has a settled label"),
    (lambda f: None, ["approve", "rules"], 2, "run `benchwarrant judge`"),
    (lambda f: None, ["benchmark"], 1, "approve"),
    (lambda f: edit(f, "size = 12", "size = 13"), ["sample", "--new"], 2, "only 12 answers"),
    (lambda f: edit(f, '"accuracy"', '"acuracy"'), ["approve", "rules"], 2, "'accuracy'"),
]


def no_models(folder: Path) -> None:
    """Something is missing, and neither model is there to answer it."""
    edit(folder, "limit = 6", "limit = 7")
    for name in ("good", "bad"):
        (folder / f"{name}.jsonl").unlink()


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "study.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sampled")
    write_study(folder)
    command(folder, "collect")
    command(folder, "sample")
    return folder


@pytest.mark.parametrize(("break_it", "words", "code", "says"), BAD, ids=lambda v: str(v)[:30])
def test_bad_input_is_one_line_and_writes_nothing(
    sampled: Path, tmp_path: Path, break_it, words: list[str], code: int, says: str
) -> None:
    for name in ("study.toml", "guidance.md", "prompt.txt", "study.db"):
        (tmp_path / name).write_bytes((sampled / name).read_bytes())
    for path in sampled.glob("*.jsonl"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = command(tmp_path, "status", "--json").stdout
    kept = (tmp_path / "study.toml").read_text()
    break_it(tmp_path)
    run = command(tmp_path, *words, ok=(code,))
    assert says in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1 and "Traceback" not in run.stderr
    (tmp_path / "study.toml").write_text(kept)
    assert command(tmp_path, "status", "--json").stdout == before


def kill_midway(
    folder: Path,
    words: list[str],
    table: str,
    wanted: int,
    already: int = 0,
    cwd: Path | None = None,
) -> None:
    """Start a command and kill -9 it when some of the rows it shall write are there."""
    run = subprocess.Popen(
        [sys.executable, "-m", "benchwarrant", *words],
        cwd=cwd or folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    found = already
    while time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.05)
        found = rows(folder, table)
        if already < found < wanted:
            break
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert already < found < wanted, "the kill came too early or too late to prove anything"


def rows(folder: Path, table: str) -> int:
    from samples.store import Store

    if not (folder / "study.db").exists():
        return 0
    with Store(folder / "study.db", create=True) as store:
        return store.counts()[table]


@pytest.mark.slow
def test_kill_during_collect_judge_and_benchmark(tmp_path: Path) -> None:
    write_study(tmp_path, delay=0.03, size=60, limit=40)
    kill_midway(tmp_path, ["collect", "--limit", "30"], "responses", 60)
    command(tmp_path, "collect", "--limit", "30")
    assert rows(tmp_path, "responses") == 60
    command(tmp_path, "sample")
    kill_midway(tmp_path, ["judge", "--judge", "reader"], "verdicts", 60)
    command(tmp_path, "judge", "--judge", "reader")
    assert rows(tmp_path, "verdicts") == 60
    label_all(tmp_path)
    command(tmp_path, "approve", "reader")
    kill_midway(tmp_path, ["benchmark"], "verdicts", 80, already=60)
    command(tmp_path, "benchmark")
    assert (rows(tmp_path, "responses"), rows(tmp_path, "verdicts")) == (80, 80)
    assert re.search(r"\b0 do not match", command(tmp_path, "verify").stdout)


@pytest.mark.slow
def test_the_demo_goes_on_after_a_kill_and_approves_one_judge(tmp_path: Path) -> None:
    """The main job, on the real embedded model; about two minutes."""
    study = tmp_path / "demo"
    kill_midway(study, ["demo", str(study)], "responses", 294, cwd=tmp_path)
    had = rows(study, "responses")
    printed = command(tmp_path, "demo", str(study)).stdout
    assert f"{294 - had} missing" in printed
    status = json.loads(command(study, "status", "--json").stdout)
    assert status["decisions"] == {
        "rules": "approved",
        "smollm2-135m-as-judge": "rejected",
        "always-correct": "rejected",
    }
    assert status["rows"]["responses"] == 435
    board = json.loads((study / "report" / "leaderboard.json").read_text())
    rates = {row["model"]: row["aggregate"]["value"] for row in board["rows"]}
    assert 0.25 < rates["smollm2-135m"] < 0.75
    assert rates["smollm2-135m-pruned"] < rates["smollm2-135m-int8"]
    assert board["labels"] == "reference"
    for page in ("report.html", "leaderboard.html"):
        assert "made by program" in (study / "report" / page).read_text()
    verified = command(study, "verify").stdout
    assert "0 do not match" in verified and verified.count("follows from the rows") == 3
