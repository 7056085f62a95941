"""The commands that ask judges, against a server that speaks both providers' formats."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import provider_server
import pytest
from four_judges import JUDGES, write_study
from provider_server import Server
from provider_state import Faults
from readme import run

from samples.cli import opened
from samples.records import Charge

KEY = "sk-secret-4711-never-to-be-seen"
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def provider() -> Iterator[Server]:
    with provider_server.start(seed=3) as server:
        yield server


@pytest.fixture
def server(provider: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    provider.change(faults=Faults())
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    return provider


@pytest.fixture
def path(server: Server, tmp_path: Path) -> Path:
    """The README's study, with the two providers' addresses and keys made explicit."""
    return write_study(tmp_path, of_server(server))


def of_server(server: Server, judges: str = JUDGES) -> str:
    """The judges with the providers' addresses and keys, and prices that show."""
    for engine, model in (("openai", "gpt-4o-mini"), ("anthropic", "claude-haiku-4-5")):
        address = (
            f'base_url = "{getattr(server, engine)}", api_key_env = "{engine.upper()}_API_KEY",'
            " max_retries = 20"  # whatever the dice say
        )
        before, block, after = judges.partition(f'engine = "{engine}"')
        head, run_, rest = after.partition("run = {")
        if run_ and "[[judge]]" not in head:
            after = f"{head}run = {{ {address},{rest}"
        else:
            after = f"\nrun = {{ {address} }}{after}"
        judges = f"{before}{block}{after}"
        judges += f'[[price]]\nmodel = "{model}"\ninput = 1000.0\noutput = 2000.0\n'
    return judges


def judged(path: Path, *words: str) -> str:
    return run("judge", "--study", str(path), *words)


@pytest.mark.slow
def test_one_study_file_with_four_judges_goes_all_the_way(path: Path, server: Server) -> None:
    """Forecast, judged, reported: both providers, a local model, rules and a cascade."""
    forecast = json.loads(judged(path, "--dry-run", "--json"))
    assert {name: one["calls"] for name, one in forecast.items()} == {
        "gpt": 24,
        "claude": 24,
        "local": 24,
        "rules": 0,
        "cascade: rules": 0,
        "cascade: gpt": 0,
    }
    assert server.counts()["requests"] == 0
    printed = judged(path)
    assert "cascade: " in printed and "calls saved" in printed and "cost: $" in printed
    report = json.loads(run("report", "--json", "--study", str(path)))
    costs = {name: about["cost"] for name, about in report["judges"].items()}
    assert {name for name, cost in costs.items() if cost["per_1000_verdicts"] is None} == {
        "local",
        "rules",
    }
    for name in ("gpt", "claude"):
        assert costs[name]["attempts"] == costs[name]["verdicts"] == 24
        # At most what was forecast before anything was sent, and of its order.
        assert costs[name]["usd"] < forecast[name]["usd"] < 20 * costs[name]["usd"]
    panel = report["judges"]["cascade"]["panel"]
    assert (panel["calls"], panel["decided_by"]["rules"]) == ({"rules": 24, "gpt": 8}, 16)
    assert panel["usd_saved"] == pytest.approx(16 * costs["gpt"]["usd"] / 24)
    assert costs["cascade"]["usd"] == pytest.approx(8 * costs["gpt"]["usd"] / 24)
    again = judged(path)
    assert again.count("nothing missing") == 5 and "cost" not in again
    page = run("report", "--study", str(path))
    assert "It costs $" in page and "per 1,000 correct ones" in page


def test_what_is_booked_is_what_the_server_counted(path: Path, server: Server) -> None:
    before = server.counts()
    server.change(faults=Faults(too_many=0.2, broken=0.03, cut=0.04, garbled=0.04, refused=0.1))
    judged(path, "--judge", "gpt", "--judge", "claude")
    after = server.counts()
    with opened(path) as (_, store):
        charges = list(store.records(Charge))
    assert len(charges) == after["requests"] - before["requests"] > 48
    sums = {
        "input": sum(c.input_tokens for c in charges),
        "cached": sum(c.cached_tokens for c in charges),
        "written": sum(c.written_tokens for c in charges),
        "output": sum(c.output_tokens for c in charges),
    }
    counted = {kind: after["tokens"][kind] - before["tokens"][kind] for kind in sums}
    assert sums == counted
    assert {"429", "answered"} < {c.outcome for c in charges}


def test_a_ceiling_stops_and_the_next_command_goes_on(path: Path, server: Server) -> None:
    server.change(faults=Faults(too_many=0.1))
    printed = judged(path, "--judge", "gpt", "--max-usd", "6")
    assert "stopped before the ceiling: $" in printed and printed.endswith("(exit code 1)\n")
    with opened(path) as (_, store):
        some = store.counts()["verdicts"]
        [spec] = [spec for spec in store.specs("judge") if spec.name == "gpt"]
        assert 0 < (store.spent(spec.id, "verdict").usd or 0) <= 6
    assert 0 < some < 24
    assert "cost: $" in judged(path, "--judge", "gpt", "--max-usd", "60")
    with opened(path) as (_, store):
        assert store.counts()["verdicts"] == 24


def test_a_ceiling_without_a_price_is_refused_before_anything_is_sent(
    path: Path, server: Server
) -> None:
    text = path.read_text("utf-8")
    path.write_text(text.replace('model = "gpt-4o-mini"\nprompt', 'model = "gpt-99"\nprompt'))
    before = server.counts()["requests"]
    path.write_text(path.read_text("utf-8").replace("http://127.0.0.1", "http://judges.example"))
    printed = judged(path, "--judge", "gpt", "--max-usd", "6")
    assert "no price of 'gpt-99' is known" in printed and "(exit code 2)" in printed
    assert server.counts()["requests"] == before
    for words in (
        ("--recheck", "--max-usd", "1"),
        ("--recheck", "--dry-run"),
        ("--recheck", "--all"),
    ):
        assert "--recheck goes with none of" in judged(path, *words)


def test_probes_are_booked_apart(path: Path) -> None:
    printed = run("probe", "--study", str(path), "--judge", "gpt", "--per-attack", "1")
    assert "cost: $" in printed
    with opened(path) as (_, store):
        [spec] = [spec for spec in store.specs("judge") if spec.name == "gpt"]
        assert store.spent(spec.id, "verdict").attempts == 0
        assert store.spent(spec.id, "probe").attempts == store.counts()["probes"] > 0


FAILING = {
    "unauthorised": Faults(unauthorised=1.0),
    "every error": Faults(too_many=0.4, broken=0.3, invalid=0.3, echo_key=True),
    "invalid": Faults(invalid=1.0, echo_key=True),
    "garbled": Faults(garbled=1.0, echo_key=True),
    "cut": Faults(cut=1.0),
    "misshapen": Faults(misshapen=1.0),
    "refused": Faults(refused=1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAILING)
def test_no_key_is_in_any_file_or_line_after_a_failure(
    path: Path, server: Server, fault: str
) -> None:
    """In a process of its own, with all that it prints, logs and leaves behind."""
    server.change(faults=FAILING[fault])
    command = [sys.executable, str(ROOT / "benchwarrant.py")]
    judges = ["--judge", "gpt", "--judge", "claude"]
    text = path.read_text("utf-8").replace("max_retries = 20", "max_retries = 1")
    path.write_text(text, encoding="utf-8")
    done = [
        subprocess.run(
            [*command, *words, "--study", str(path)],
            capture_output=True,
            text=True,
            env={**_environment(), "OPENAI_LOG": "debug", "ANTHROPIC_LOG": "debug"},
        )
        for words in (["judge", *judges], ["judge", "--judge", "claude"], ["report"])
    ]
    server.change(faults=Faults())
    said = "".join(one.stdout + one.stderr for one in done)
    assert KEY not in said  # nor in the tracebacks that the SDKs log
    for file in path.parent.rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file


def test_a_bug_shows_its_traceback_and_no_key(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "import inference.openai_api as api\n"
        "api._read = lambda answer: 1 / 0\n"
        "import benchwarrant; benchwarrant.main(sys.argv[1:])\n"
    )
    words = ["judge", "--judge", "gpt", "--study", str(path)]
    done = subprocess.run(
        [sys.executable, "-c", script, str(ROOT), *words],
        capture_output=True,
        text=True,
        env=_environment(),
    )
    assert "ZeroDivisionError" in done.stderr
    assert KEY not in done.stdout + done.stderr
    for file in path.parent.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
