"""Models answer and judges grade side by side; whatever ends a run, the next one loses nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import provider_server
import pytest
from provider_server import Server
from provider_state import Faults
from readme import run as command
from small_road import (
    FILES,
    NOW,
    approve,
    collect_all,
    copied,
    edit,
    freeze_all,
    judge_all,
    label_all,
    walk,
    write,
    write_files,
)

from inference import collect
from inference.ledger import Purse
from judges import desk as desk_module
from judges import full_run
from judges.desk import Office
from judges.mandates import judge_of
from samples.cli import opened
from samples.errors import BenchwarrantError, Refused
from samples.records import Response, Verdict
from samples.store import Store

LATER = "2026-02-05T09:30:00.000000+00:00"
SLOW = 'model = "good.jsonl"\nrun = { delay = 0.05 }'


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rules and reader are approved; 80 answers are wanted, and 24 of them are there."""
    path = walk(tmp_path_factory.mktemp("road")) / "study.toml"
    with opened(path) as (study, store):
        approve(study, store, "rules")
        approve(study, store, "reader")
    edit(path, "limit = 12", "limit = 40")
    edit(path, 'model = "good.jsonl"', SLOW)
    return path.parent


@pytest.fixture(autouse=True)
def look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "LOOK", 0.02)


@pytest.fixture
def path(road: Path, tmp_path: Path) -> Path:
    return copied(road, tmp_path)


Seen = list[Response | Verdict]


def run(
    path: Path,
    judge: str | None = "rules",
    on: Callable[[Seen], None] = lambda seen: None,
    now: Callable[[], str] = lambda: NOW,
    seen: Seen | None = None,
    pause: float = 0.01,
) -> full_run.Outcome:
    """A whole run as the command makes it; ``on`` sees every answer and verdict as it is saved."""
    seen = [] if seen is None else seen
    with opened(path) as (study, store):
        jobs = collect.plan(study, store)
        specs = collect.specs_in_force(study, store, jobs)
        granted = judge_of(study, store, NOW, judge, specs.values())
        plan = full_run.plan(study, store, jobs, specs, granted)

        def tick(row: object) -> None:
            seen.append(row)
            on(seen)

        office = Office(study, tick, now, Purse(), pause=pause)
        return full_run.run(plan, office, store, tick, checked=0.05)


def counts(path: Path, judge: str = "rules") -> tuple[int, int]:
    """Answers, and this judge's verdicts."""
    with opened(path) as (study, store):
        spec = next(s for s in reversed(store.specs("judge")) if s.name == judge)
        given = len(store.judged(spec.id, study.rater_question.id))
        return store.counts()["responses"], given


def kinds(seen: Seen) -> str:
    return "".join("r" if isinstance(row, Response) else "v" for row in seen)


# --- side by side ------------------------------------------------------------------------------


def test_a_judge_grades_while_models_still_answer(path: Path) -> None:
    seen: Seen = []
    assert run(path, seen=seen) == full_run.Outcome()
    order = kinds(seen)
    assert (order.count("r"), order.count("v")) == (56, 56)
    assert "v" in order[: order.rindex("r")]
    assert counts(path) == (80, 80)


def test_a_second_run_makes_nothing(path: Path) -> None:
    run(path)
    seen: Seen = []
    run(path, seen=seen)
    assert seen == [] and counts(path) == (80, 80)


def test_the_command_tells_of_both(path: Path) -> None:
    said = command("benchmark", "--judge", "rules", "--study", str(path))
    for words in ("grading by rules under warrant b2:", "collect: 56 of 56, ", "grade: 56 of 56, "):
        assert words in said
    assert said.rstrip().endswith("done; `benchwarrant leaderboard` shows it")
    edit(path, "[policy]", '[benchmark]\njudges = { sums = "reader" }\n[policy]')
    assert "grading by reader" in command("benchmark", "--study", str(path))


def test_each_task_by_its_own_judge(path: Path) -> None:
    write(path.parent / "good.jsonl", [*FILES["good.jsonl"], {"text": "I do not know."}])
    words = '[[task]]\nname = "words"\nlimit = 12\n[[model]]\nname = "good"'
    edit(path, '[[model]]\nname = "good"', words)
    edit(path, "[policy]", '[benchmark]\njudges = { words = "reader", "*" = "rules" }\n[policy]')
    with opened(path) as (study, store):
        collect_all(study, store)
        freeze_all(study, store)
        judge_all(study, store)
        label_all(study, store)
        for judge in ("rules", "reader"):
            approve(study, store, judge)
    edit(path, 'name = "words"\nlimit = 12', 'name = "words"\nlimit = 20')
    run(path, None)
    with opened(path) as (study, store):
        new = list(store.verdicts())[-16:]
        cases = store.cases([verdict.response for verdict in new], study.rater_question)
        assert {verdict.judge for verdict in new} == {"reader"}
        assert {case.item.task for case in cases} == {"words"}
    assert counts(path, "reader")[1] == counts(path)[1] + 16


def test_a_judge_that_computes_here_takes_turns_with_the_models(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "COMPUTING", ("replay",))
    seen: Seen = []
    run(path, "reader", seen=seen)
    assert kinds(seen) == "r" * 28 + "v" * 28 + "r" * 28 + "v" * 28
    assert counts(path, "reader") == (80, 80)


def test_a_model_that_cannot_be_loaded_does_not_stop_the_others(path: Path) -> None:
    (path.parent / "bad.jsonl").unlink()
    outcome = run(path)
    assert list(outcome.failed) == ["bad"] and "bad.jsonl" in outcome.failed["bad"]
    assert counts(path) == (52, 52)
    trouble = full_run.troubles(outcome)
    assert "1 of the models could not be run" in str(trouble) and trouble.exit_code == 2
    said = command("benchmark", "--judge", "rules", "--study", str(path))
    assert "model bad could not be run" in said and "(exit code 2)" in said


# --- the end before the end --------------------------------------------------------------------


def after(rows: int, act: Callable[[], None]) -> Callable[[Seen], None]:
    """Act once, when so many rows were seen."""
    acted = []

    def on(seen: Seen) -> None:
        if len(seen) >= rows and not acted:
            acted.append(True)
            act()

    return on


def ended_and_resumed(path: Path, judge: str, says: str, **how: object) -> None:
    with pytest.raises(Refused, match=says) as caught:
        run(path, judge, **how)
    assert "is kept" in str(caught.value) and "\n" not in str(caught.value)
    answers, graded = counts(path, judge)
    assert 24 < answers < 80 and 24 <= graded < 80


def test_a_warrant_that_grows_too_old_on_the_way_ends_the_run(path: Path) -> None:
    edit(path, "resamples = 200", "resamples = 200\nmax_age_days = 3")
    old: list[bool] = []
    on = after(20, lambda: old.append(True))
    now = lambda: LATER if old else NOW  # noqa: E731
    ended_and_resumed(path, "rules", "5.0 days old and the policy allows 3", on=on, now=now)
    run(path)
    assert counts(path) == (80, 80)


def test_a_rejection_by_somebody_else_ends_the_run(path: Path) -> None:
    def reject() -> None:
        with opened(path) as (_, store):
            last = store.warrants()[0]
            store.add([replace(last, decision="rejected", created_at=LATER)])

    ended_and_resumed(path, "rules", "'rules' is rejected, not approved", on=after(20, reject))
    with pytest.raises(Refused, match="not approved"):
        run(path)
    with opened(path) as (study, store):
        store.add([replace(approve(study, store, "rules"), signed_by="somebody")])
    run(path)
    assert counts(path) == (80, 80)


def test_an_edited_prompt_ends_the_run(path: Path) -> None:
    prompt = path.parent / "prompt.txt"
    on = after(20, lambda: edit(prompt, "right?", "right!"))
    ended_and_resumed(path, "reader", "its prompt changed since", on=on)
    edit(prompt, "right!", "right?")
    run(path, "reader")
    assert counts(path, "reader") == (80, 80)


def test_an_edited_guidance_ends_the_run(path: Path) -> None:
    guidance = path.parent / "guidance.md"
    on = after(20, lambda: guidance.write_text("Otherwise.\n"))
    with pytest.raises(Refused, match=r"stopped: .*the rubric has changed"):
        run(path, on=on)
    guidance.write_text("Right is right.\n")
    run(path)
    assert counts(path) == (80, 80)


def test_an_interrupt_keeps_what_is_finished(path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, on=lambda seen: interrupt() if len(kinds(seen).replace("v", "")) == 20 else None)
    assert counts(path)[0] >= 44
    run(path)
    assert counts(path) == (80, 80)
    with opened(path) as (_, store):
        assert list(store.faults()) == []


def test_a_bug_beside_the_models_is_raised_and_not_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Store, "ungraded", broken)
    with pytest.raises(ZeroDivisionError):
        run(path)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_at_any_moment_loses_and_doubles_nothing(path: Path, how: signal.Signals) -> None:
    words = [sys.executable, "-m", "benchwarrant", "benchmark", "--judge", "rules"]
    for moment in (1.5, 2.2):
        process = subprocess.Popen(
            [*words, "--study", str(path)], stderr=subprocess.PIPE, text=True, cwd=os.getcwd()
        )
        time.sleep(moment)
        process.send_signal(how)
        _, said = process.communicate(timeout=30)
        assert "Traceback" not in said
        answers, graded = counts(path)
        assert graded <= answers <= 80
    run(path)
    assert counts(path) == (80, 80)
    with opened(path) as (_, store):
        assert list(store.faults()) == []


# --- a study file that is edited between runs --------------------------------------------------


def test_a_removed_model_stays_in_the_database_and_is_left_out(path: Path) -> None:
    edit(path, '[[model]]\nname = "bad"\nengine = "replay"\nmodel = "bad.jsonl"\n', "")
    run(path)
    assert counts(path) == (52, 52)  # the other's 12 answers, graded for the audit
    with opened(path) as (_, store):
        assert sum(response.model == "bad" for response in store.responses()) == 12


@pytest.mark.parametrize("what", ["another sampling", "a new model"])
def test_new_answers_under_a_scope_of_new_models_are_never_mixed(path: Path, what: str) -> None:
    edit(path, "resamples = 200", 'resamples = 200\nscope = "new models"')
    edit(path, "at_least = 0.4", "at_least = -1.0")
    with opened(path) as (study, store):
        approve(study, store, "rules")
    run(path)
    if what == "a new model":
        new = '[[model]]\nname = "new"\nengine = "replay"\nmodel = "good.jsonl"\n'
        edit(path, '[[judge]]\nname = "rules"', new + '[[judge]]\nname = "rules"')
    else:
        edit(path, 'model = "bad.jsonl"', 'model = "bad.jsonl"\nsampling = { max_tokens = 7 }')
    run(path)
    assert counts(path) == (120, 120)
    with opened(path) as (study, store):
        by_spec: dict[str, int] = {}
        for response in store.responses():
            by_spec[response.spec] = by_spec.get(response.spec, 0) + 1
        assert sorted(by_spec.values()) == [40, 40, 40]


# --- a judge behind an API ---------------------------------------------------------------------

API = """[[judge]]
name = "api"
kind = "llm"
engine = "openai"
model = "gpt-4o-mini"
prompt = "prompt.txt"
sampling = { max_tokens = 20 }
run = { base_url = "URL", max_retries = 0, concurrency = 4 }
[policy]"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with provider_server.start(delay=0.01, seed=3) as server:
        yield server


@pytest.fixture
def asking(server: Server, tmp_path: Path) -> Path:
    """The judge behind the server is approved, by a policy that approves anybody."""
    server.change(faults=Faults())
    path = write_files(tmp_path)
    edit(path, "[policy]", API.replace("URL", server.openai))
    edit(path, "at_least = 0.4", "at_least = -1.0")
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
        freeze_all(study, store)
        judge_all(study, store)
        label_all(study, store)
        assert approve(study, store, "api").decision == "approved"
    edit(path, "limit = 12", "limit = 40")
    edit(path, 'model = "good.jsonl"', SLOW)
    return path


def test_where_the_judges_api_dies_it_stops_and_the_models_go_on(
    asking: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    def die(seen: Seen) -> None:
        if kinds(seen).count("v") == 5:
            server.change(faults=Faults(broken=1.0))

    outcome = run(asking, "api", on=die)
    assert "127.0.0.1" in str(outcome.stopped["api"])
    answers, graded = counts(asking, "api")
    assert answers == 80 and 24 < graded < 80
    trouble = full_run.troubles(outcome)
    assert "judge api stopped" in str(trouble) and "run the same command again" in str(trouble)
    assert trouble.exit_code == 2
    assert caplog.text.count("is asked again") == desk_module.TRIES - 1
    server.change(faults=Faults())
    assert run(asking, "api") == full_run.Outcome()
    assert counts(asking, "api") == (80, 80)


def test_a_passing_trouble_of_the_api_is_got_over(asking: Path, server: Server) -> None:
    def stumble() -> None:
        server.change(faults=Faults(broken=1.0))
        threading.Timer(0.2, server.change, kwargs={"faults": Faults()}).start()

    assert run(asking, "api", on=after(20, stumble), pause=0.3) == full_run.Outcome()
    assert counts(asking, "api") == (80, 80)


def test_a_judge_that_never_answers_ends_the_run_before_models_cost_more(
    asking: Path, server: Server
) -> None:
    server.change(faults=Faults(unauthorised=1.0))
    with pytest.raises(BenchwarrantError, match="check"):
        run(asking, "api")
    assert counts(asking, "api")[0] < 80


def test_a_request_that_the_api_refuses_is_a_named_failure(asking: Path, server: Server) -> None:
    def refuse(seen: Seen) -> None:
        if kinds(seen).count("v") == 5:
            server.change(faults=Faults(invalid=1.0))

    assert run(asking, "api", on=refuse) == full_run.Outcome()
    assert counts(asking, "api") == (80, 80)
    with opened(asking) as (_, store):
        failures = [v.failure for v in store.verdicts() if v.judge == "api"]
        assert failures.count("api_error") > 20


def test_the_ceiling_stops_the_judge_and_not_the_models(asking: Path, server: Server) -> None:
    edit(
        asking,
        "[policy]",
        '[[price]]\nmodel = "gpt-4o-mini"\ninput = 1000.0\noutput = 2000.0\n[policy]',
    )
    said = command("benchmark", "--judge", "api", "--study", str(asking), "--max-usd", "3")
    assert "judge api stopped: stopped before the ceiling" in said and "(exit code 1)" in said
    assert "cost: $" in said
    answers, graded = counts(asking, "api")
    assert answers == 80 and 24 < graded < 80
    assert "done" in command("benchmark", "--judge", "api", "--study", str(asking))
    assert counts(asking, "api") == (80, 80)
