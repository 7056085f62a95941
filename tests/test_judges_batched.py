"""Studies whose judges are asked by batch: the same verdicts, and each of them paid for once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batch_provider import Provider, provider
from provider_server import start as start_provider
from provider_state import BatchFaults, Faults
from quick_server import KEY
from small_road import NOW, STUDY, collect_all, freeze_all, nothing, write_files

from judges import grade, probing, retry
from judges.judge import judge_spec
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.records import Verdict
from samples.store import Store
from samples.study import Study

ROOT = Path(__file__).parents[1]
JUDGE = """
[[judge]]
name = "{name}"
kind = "llm"
engine = "{engine}"
model = "tiny"
prompt = "prompt.txt"
batch = true
{more}
run = {{ base_url = "{url}", api_key_env = "TEST_KEY", poll = {poll} }}
"""


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as made:
        made.rule = lambda body: "ok"
        yield made


def judge_block(
    url: str, engine: str = "openai", name: str = "llm", more: str = "", poll: float = 0.01
) -> str:
    return JUDGE.format(name=name, engine=engine, url=url, more=more, poll=poll)


@contextmanager
def study_with(folder: Path, *blocks: str) -> Iterator[tuple[Study, Store]]:
    """24 answers and these judges."""
    text = STUDY.replace("[policy]", "\n".join(blocks) + "\n[policy]", 1)
    path = write_files(folder, **{"study.toml": text})
    with opened(path, create=True) as (study, store):
        if not store.counts()["responses"]:
            collect_all(study, store)
            freeze_all(study, store)
        yield study, store


def run(study: Study, store: Store, *names: str) -> list[Verdict]:
    made: list[Verdict] = []
    responses = [response.id for response in store.responses()]
    todo = grade.dockets(study, store, responses, names or ("llm",))
    grade.run(study, store, todo, made.append, lambda: NOW)
    return made


def states(store: Store) -> list[str]:
    return [event.body["state"] for event in store.events("batch")]


def test_a_judge_by_batch_is_the_same_judge(tmp_path: Path, there: Provider) -> None:
    with study_with(tmp_path, judge_block(there.openai)) as (study, _):
        [block] = [one for one in study.judge if one.name == "llm"]
        direct = block.model_copy(update={"batch": False})
        assert judge_spec(study, block) == judge_spec(study, direct)


@pytest.mark.parametrize("engine", ["openai", "anthropic"])
def test_all_cases_go_in_one_batch_and_it_is_settled_when_they_are_saved(
    tmp_path: Path, there: Provider, engine: str
) -> None:
    with study_with(tmp_path, judge_block(getattr(there, engine), engine)) as (study, store):
        made = run(study, store)
        assert len({verdict.response for verdict in made}) == len(made) == 24
        assert [len(one.rows) for one in there.batches.values()] == [24]
        assert states(store) == ["planned", "sent", "settled"]
        assert run(study, store) == []


def test_repeats_are_asked_at_once_and_are_different_rows(tmp_path: Path, there: Provider) -> None:
    block = judge_block(there.anthropic, "anthropic", more="repeats = 3")
    with study_with(tmp_path, block) as (study, store):
        made = run(study, store)
        assert len(made) == 24
        assert all(len(verdict.meta["repeats"]) == 3 for verdict in made)
        assert [len(one.rows) for one in there.batches.values()] == [24] * 3


def test_a_second_attempt_is_not_answered_from_the_first_one_s_batch(
    tmp_path: Path, there: Provider
) -> None:
    """Not even where the first batch was never settled, for the run was killed."""
    there.rule = lambda body: "400 not today"
    with study_with(tmp_path, judge_block(there.openai)) as (study, store):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("judges.batch_journal.BatchJournal.collected", nothing_of)
            assert {verdict.failure for verdict in run(study, store)} == {"api_error"}
        there.rule = lambda body: "ok"
        responses = [response.id for response in store.responses()]
        found = retry.retries(study, store, responses, ["llm"])
        retry.run(study, store, found, nothing, lambda: NOW)
        assert store.attempts(found[0].docket.spec.id, study.rater_question.id) == dict.fromkeys(
            responses, 1
        )
        assert len(there.batches) == 2


def nothing_of(*_: Any) -> None:
    """An entry that is never made."""


def test_a_panel_s_members_are_asked_by_batch_and_saved_as_themselves(
    tmp_path: Path, there: Provider
) -> None:
    panel = '[[judge]]\nname = "both"\nkind = "panel"\nhow = "majority"\nmembers = ["llm", "other"]'
    blocks = (judge_block(there.openai), judge_block(there.anthropic, "anthropic", "other"), panel)
    with study_with(tmp_path, *blocks) as (study, store):
        run(study, store, "both")
        said = Counter(verdict.judge for verdict in store.verdicts())
        assert said == {"llm": 24, "other": 24, "both": 24}
        assert [len(one.rows) for one in there.batches.values()] == [24, 24]
        assert states(store).count("settled") == 2


def test_probes_have_batches_of_their_own(tmp_path: Path, there: Provider) -> None:
    with study_with(tmp_path, judge_block(there.openai)) as (study, store):
        texts = probing.audit_plan(study, store, 2).texts
        todo = probing.unasked(study, store, texts, ["llm"])
        probing.run(study, store, todo, nothing, lambda: NOW)
        assert store.counts()["probes"] == len(texts)
        assert [len(one.rows) for one in there.batches.values()] == [len(texts)]
        assert {event.body["purpose"] for event in store.events("batch")} == {"probes"}


def test_a_second_run_beside_the_first_is_refused(tmp_path: Path, there: Provider) -> None:
    with study_with(tmp_path, judge_block(there.openai)) as (study, store):

        def again(when: str, call: str) -> None:
            if call == "POST /batches" and when == "before":
                refused = pytest.raises(BenchwarrantError, match="another run waits")
                with opened(tmp_path / "study.toml") as pair, refused:
                    run(*pair)

        there.trouble = again  # type: ignore[assignment]
        assert len(run(study, store)) == 24
        assert len(there.batches) == 1


# The command


def command(folder: Path, *more: str) -> subprocess.Popen[str]:
    told = [sys.executable, str(ROOT / "benchwarrant.py"), "judge", "--judge", "llm", *more]
    return subprocess.Popen(
        [*told, "--study", str(folder / "study.toml")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def verdicts(folder: Path) -> int:
    with opened(folder / "study.toml") as (_, store):
        return store.counts()["verdicts"]


def test_ctrl_c_says_that_the_batch_goes_on(tmp_path: Path, there: Provider) -> None:
    there.looks = 10**9
    with study_with(tmp_path, judge_block(there.openai, poll=60)):
        pass
    with command(tmp_path) as child:
        while not there.batches:
            assert child.poll() is None
            time.sleep(0.01)
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "the batches go on at localhost" in said and "same command collects them" in said
    assert KEY not in said
    there.looks = 0
    with command(tmp_path) as child:
        said, _ = child.communicate(timeout=60)
    assert child.returncode == 0, said
    assert verdicts(tmp_path) == 24
    assert len(there.batches) == 1


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openai", "anthropic"])
def test_killed_twenty_times_2000_verdicts_are_paid_for_once(tmp_path: Path, engine: str) -> None:
    calls = Faults(too_many=0.05, broken=0.05, cut=0.05, garbled=0.02, echo_key=True)
    faults = BatchFaults(invalid=0.02, broken=0.02, overloaded=0.02, expired=0.03, calls=calls)
    with start_provider(batch_seconds=8.0, batch_faults=faults, seed=5) as server:
        block = judge_block(getattr(server, engine), engine, poll=0.05)
        with study_with(tmp_path, block) as (study, store):
            many(store)
            freeze_all(study, store)
        chance, kills = random.Random(engine), 0
        while True:
            with command(tmp_path) as child:
                try:
                    child.wait(chance.uniform(0.6, 3.0) if kills < 20 else 120)
                except subprocess.TimeoutExpired:
                    child.kill()
                    kills += 1
                    continue
                said = child.communicate()[0]
                assert KEY not in said
                if child.returncode == 0:
                    break
        with opened(tmp_path / "study.toml") as (_, store):
            judged = [verdict.response for verdict in store.verdicts()]
        books = server.counts()
    assert len(judged) == len(set(judged)) == 2000
    assert (books["paid_twice"], books["batches"]["rows_paid_twice"]) == (0, 0)
    assert books["billed"] == 0
    assert kills >= 3


def many(store: Store) -> None:
    """2,000 answers, each of them another text."""
    made = list(store.responses())
    more = (
        replace(made[n % 24], draw=1 + n // 24, text=f"{made[n % 24].text} ({n})")
        for n in range(1976)
    )
    store.add(more)
