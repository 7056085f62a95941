"""The demo: the whole road by the commands themselves, on what the project carries with it."""

import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from shutil import which
from typing import Any

import typer

from samples import cli as samples
from samples.cli import now, opened, say, write_text
from samples.records import Account, Item, Label
from samples.spoken import spoken

LABELLER = "program"
PILOT = 22  # items per task that the audit set is drawn from; the benchmark asks them all


def reference_value(item: Item, text: str) -> bool:
    """Whether an answer is right, by the item's exact reference; stricter and blunter than a judge.

    Numbers: the last one. Sequences: the last run of numbers. Words: an accepted answer occurs as
    whole words, and none of the other choices does. It knows no cue and no format, so that it and
    the rule judge are two programs and can differ.
    """
    numbers = re.findall(r"-?\d+", text.replace(",", " , "))
    if item.answer_type == "number":
        return bool(numbers) and int(numbers[-1]) == int(item.reference)
    if item.answer_type == "sequence":
        wanted = re.findall(r"-?\d+", item.reference)
        return numbers[-len(wanted) :] == wanted
    texts = dict(item.choices)
    accepted = [texts[item.reference]] if texts else list(item.references)
    others = [text for label, text in item.choices if label != item.reference]
    return _holds(text, accepted) and not _holds(text, others)


def _holds(text: str, words: Iterable[str]) -> bool:
    return any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in words)


def label_by_program(study: Path) -> int:
    """Label every case of the audit set that has no label; an annotator of kind "reference"."""
    with opened(study) as (opened_study, store):
        audit_set = store.audit_set()
        assert audit_set is not None
        rubric = opened_study.rater_question
        done = set(store.labelled(rubric.id))
        todo = [c.response for c in store.audit_cases(audit_set.id) if c.response not in done]
        made: list[Any] = [Account(LABELLER, kind="reference")]
        for case in store.cases(todo, rubric):
            answer = spoken(case.response.text or "", case.response.prompt)
            right = reference_value(case.item, answer)
            value = rubric.labels[-1 if right else 0]
            made.append(Label(case.response.id, rubric.id, LABELLER, value=value, created_at=now()))
        store.add(made)
    return len(todo)


def run(folder: Path) -> None:
    """Walk the road; what is done already is not done again."""
    from inference import cli as inference
    from judges import cli as judges
    from judges import cli_asking as asking
    from judges import cli_board as board

    study = folder / "study.toml"
    if not study.exists():
        _write_study(folder)
    _step("1. Three variants of a small model answer questions (a pilot)")
    inference.collect(study, limit=PILOT)
    _step("2. A stratified audit set is drawn")
    inference.sample(study)
    _step(
        "3. The cases are labelled. No person labels a demo: a program does, from exact references"
    )
    say(f"{label_by_program(study)} reference labels made by program")
    _step("4. Three judges judge the audit set")
    asking.judge(study)
    _step("5. The gate decides")
    with opened(study) as (opened_study, _):
        names = [block.name for block in opened_study.judge]
    decided = {name: _exit_code(partial(judges.approve, name, study)) for name in names}
    _step("6. The report holds the judges against the labels")
    judges.report(study)
    if not any(code == 0 for code in decided.values()):
        say("no judge was approved, so nothing may be graded; the report says why")
        raise typer.Exit(1)
    _step("7. The benchmark runs under the warrant")
    judges.benchmark(study)
    _step("8. The leaderboard")
    board.leaderboard(study)
    say()
    say(f"report:       {(folder / 'report' / 'report.html').resolve()}")
    say(f"leaderboard:  {(folder / 'report' / 'leaderboard.html').resolve()}")
    say("label the same answers yourself:")
    say(f"  {_command()} accounts add YOUR-NAME --study {study}")
    say(f"  {_command()} annotate --study {study}")


def _write_study(folder: Path) -> None:
    templates = Path(samples.__file__).with_name("templates")
    folder.mkdir(parents=True, exist_ok=True)
    for template, name in (("guidance.md", "guidance.md"), ("demo_judge.txt", "judge_prompt.txt")):
        write_text(folder / name, (templates / template).read_text("utf-8"))
    write_text(folder / "study.toml", (templates / "demo.toml").read_text("utf-8"))


def _command() -> str:
    """How this very program is called from here."""
    called = Path(sys.argv[0])
    if which("benchwarrant") or called.name != "benchwarrant":
        return "benchwarrant"
    return os.path.relpath(called)


def _step(title: str) -> None:
    say()
    say(title)


def _exit_code(command: Callable[[], None]) -> int:
    try:
        command()
    except typer.Exit as exit_:
        return exit_.exit_code
    return 0
