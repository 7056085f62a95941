"""`make bench-parsers`: what the rule judges read in real answers, and how fast.

Prints one line per figure: what was done, ours, the other parser's or the goal. With ``--list``
every answer that ours and the other parser read differently is printed, to be read by a person.
"""

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import open_qa
import real_answers
from real_answers import Answer

from judges.grade import CHUNK
from judges.judge import open_judge
from samples.records import Case, Item, Response, Rubric, Spec
from samples.tasks import TaskOptions, load_task

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHWARRANT_DATA", ROOT.parent / "shared" / "data"))
RUBRIC = Rubric("final-answer", "Is the final answer correct?", ("incorrect", "correct"))
SPEED, GOAL = 100_000, 20_000
STUDY = """
[[judge]]
name = "exact"
kind = "exact"
[[judge]]
name = "contains"
kind = "contains"
"""


class Read(NamedTuple):
    """What is kept of a verdict."""

    value: str | None
    failure: str | None
    reason: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print every difference")
    listed = parser.parse_args().list
    print("parsers: takes about a minute", flush=True)
    vectors(listed)
    solutions(listed)
    published(listed)
    people()
    speed()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")


def vectors(listed: bool) -> None:
    """Pairs with the verdict that Math-Verify's maintainers expect, with the settings they name."""
    if not (folder := _folder("parser_vectors_math_verify")):
        return
    answers = list(real_answers.math_pairs(folder))
    differ = []
    for settings in {tuple(real_answers.settings(answer).items()) for answer in answers}:
        chosen = [a for a in answers if tuple(real_answers.settings(a).items()) == settings]
        differ += _differences(chosen, _judge(chosen, dict(settings))[0])
    agree = len(answers) - len(differ)
    _line(f"Math-Verify's {len(answers)} pairs: as expected", agree, "goal", 252)
    _show(differ, listed)


def solutions(listed: bool) -> None:
    if not (folder := _folder("outputs_gsm8k_gpt3_6b_175b")):
        return
    answers = list(real_answers.gpt3(folder))
    verdicts, _ = _judge(answers)
    differ = _differences(answers, verdicts)
    agree = 100 * (1 - len(differ) / len(answers))
    _line(f"{len(answers):,} GSM8K solutions of GPT-3: % as labelled", agree, "goal", 99.8)
    _show(differ, listed)


def published(listed: bool) -> None:
    """The share right by our rules beside the share that was published with the answers."""
    sets: list[tuple[str, list[Answer]]] = []
    if folder := _folder("outputs_gsm8k_rho_1b"):
        sets.append(("GSM8K, Rho-Math-1B", list(real_answers.rho(folder))))
    if folder := _folder("outputs_zero_shot_cot_logs"):
        sets += [
            (f"{task}, text-davinci-002", list(real_answers.zero_shot(folder, task)))
            for task in real_answers.LOGS
        ]
    for name, answers in sets:
        verdicts, _ = _judge(answers)
        right = sum(verdict.value == "correct" for verdict in verdicts) / len(answers)
        theirs = sum(answer.theirs for answer in answers) / len(answers)
        differ = _differences(answers, verdicts)
        more = sum(not answer.theirs for answer, _ in differ)
        failed = sum(answer.theirs and bool(verdict.failure) for answer, verdict in differ)
        kinds = Counter(verdict.failure for verdict in verdicts if verdict.failure)
        print(
            f"{name}, {len(answers):,} answers: % right: {100 * right:.2f}, published"
            f" {100 * theirs:.2f}; {len(differ)} differ: {more} right by ours only, {failed} right"
            f" by theirs where ours sees no single answer, {len(differ) - more - failed} right by"
            f" theirs and wrong by ours; failures: {_counts(kinds)}, stated",
            flush=True,
        )
        _show(differ, listed)


def people() -> None:
    """Rules in words against people's labels of 12 systems, by way of a study and its report."""
    if not (folder := _folder("human_openqa_nq301")):
        return
    with tempfile.TemporaryDirectory() as place:
        out = Path(place)
        rows = open_qa.write_import_files(folder, out)
        _benchwarrant(out, "init", ".", "--bare")
        study = out / "study.toml"
        study.write_text(study.read_text("utf-8") + STUDY, encoding="utf-8")
        for kind in rows:
            _benchwarrant(out, "import", kind, f"{kind}.jsonl")
        _benchwarrant(out, "sample", "--labelled")
        _benchwarrant(out, "judge")
        value = json.loads(_benchwarrant(out, "report", "--json"))
    print(
        f"NQ-open, {rows['responses']:,} answers of {value['judges']['exact']['ranking']['models']}"
        f" systems: people's own κ {_figure(value['ceiling']['cohen_kappa'])}",
        flush=True,
    )
    for name, judge in value["judges"].items():
        case, ranking = judge["case"]["failures_count_as_wrong"], judge["ranking"]
        print(
            f"NQ-open, judge {name}: κ {_figure(case['cohen_kappa'])}, ranking of the systems"
            f" ρ {_figure(ranking['spearman'])}, {_counts(judge['failures'])} failed, stated",
            flush=True,
        )


def speed() -> None:
    """Answers a second through `auto`, from the case to its verdict, in one process."""
    rng = Random(0)
    kinds = {"sequences": list(_lists(rng))}
    numbers, choices = list(_numbers()), list(_choices())
    if numbers and choices:
        kinds = {"numbers": numbers, "choices": choices, **kinds}
    rates = {}
    mixed: list[Answer] = []
    for kind, answers in kinds.items():
        chosen = list(islice(cycle(answers), SPEED // len(kinds)))
        mixed += chosen
        _, seconds = _judge(chosen)
        rates[kind] = len(chosen) / seconds
    rng.shuffle(mixed)
    _, seconds = _judge(mixed)
    length = sum(len(answer.text) for answer in mixed) / len(mixed)
    what = f"{len(mixed):,} answers of {length:.0f} characters on average through auto: a second"
    _line(what, len(mixed) / seconds, "goal", GOAL)
    print("of these " + ", ".join(f"{kind} {rate:,.0f}" for kind, rate in rates.items()))
    if folder := _folder("task_math500"):
        answers = list(real_answers.own_answers(real_answers.items("math-500", folder.parent)))
        verdicts, seconds = _judge(answers)
        right = sum(verdict.value == "correct" for verdict in verdicts)
        print(
            f"MATH-500, every reference in 4 forms as its own answer: {right} of {len(answers)}"
            f" right, {len(answers) / seconds:,.0f} a second, stated",
            flush=True,
        )


def _numbers() -> Iterator[Answer]:
    if folder := _folder("outputs_gsm8k_rho_1b"):
        yield from real_answers.rho(folder)
    if folder := _folder("outputs_gsm8k_gpt3_6b_175b"):
        yield from real_answers.gpt3(folder)
    if folder := _folder("outputs_zero_shot_cot_logs"):
        yield from real_answers.zero_shot(folder, "gsm8k")


def _choices() -> Iterator[Answer]:
    if folder := _folder("outputs_zero_shot_cot_logs"):
        yield from real_answers.zero_shot(folder, "commonsenseqa")
        yield from real_answers.zero_shot(folder, "aqua")


def _lists(rng: Random) -> Iterator[Answer]:
    """Made-up replies to the sorting tasks, right and wrong in all the ways that are told apart."""
    forms = (
        "{}",
        "\\boxed{{{}}}",
        "The sorted list is: {}",
        "Here is the list in ascending order:\n\n{}",
        "The given list is {asked}.\nComparing the numbers one by one:\n\nSorted list: {}",
    )
    for name in ("sort8-positive", "sort8-mixed", "sort16-mixed", "sort32-positive"):
        for item in load_task(TaskOptions(name), name).items:
            for form in forms:
                values = json.loads(item.reference)
                if rng.random() < 0.3:
                    values[rng.randrange(len(values))] += 1
                if rng.random() < 0.2:
                    del values[rng.randrange(len(values))]
                asked = item.question.rpartition(":")[2].strip()
                yield Answer(item, form.format(values, asked=asked), False)


def _judge(
    answers: Sequence[Answer], options: dict[str, Any] | None = None
) -> tuple[list[Read], float]:
    """What `auto` reads in each answer, and the seconds that judging took.

    Cases come in chunks, as a study hands them over.
    """
    body = {"kind": "auto"} | ({"options": options} if options else {})
    judge = open_judge(Spec("judge", "auto", body), {})
    made = []
    seconds = 0.0
    gc.freeze()  # else the collector walks the answers that are waiting, over and over
    try:
        for start in range(0, len(answers), CHUNK):
            cases = [
                Case(a.item, Response(a.item.id, "m", "b2:spec", "cot", start + n, a.text), RUBRIC)
                for n, a in enumerate(answers[start : start + CHUNK])
            ]
            before = time.perf_counter()
            verdicts = list(judge.judge(cases))
            seconds += time.perf_counter() - before
            made += [Read(v.value, v.failure, v.reason or "") for v in verdicts]
    finally:
        gc.unfreeze()
        judge.close()
    return made, seconds


def _differences(answers: Sequence[Answer], verdicts: Sequence[Read]) -> list[tuple[Answer, Read]]:
    return [
        (answer, verdict)
        for answer, verdict in zip(answers, verdicts, strict=True)
        if (verdict.value == "correct") != answer.theirs
    ]


def _show(differ: Sequence[tuple[Answer, Read]], listed: bool) -> None:
    for answer, verdict in differ if listed else ():
        item: Item = answer.item
        print(
            f"--- {item.task} {item.key}: reference {item.reference!r}; theirs: {answer.theirs},"
            f" read {answer.read!r}; ours: {verdict.value or verdict.failure}, {verdict.reason}"
        )
        print(answer.text[-400:])


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())) or "none"


def _figure(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return str(figure["reason"])
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _line(what: str, ours: float, name: str, other: float) -> None:
    verdict = "ok" if ours >= other else "missed"
    print(f"{what}: {ours:,.2f}, {name} {other:,.2f}, {ours / other:.2f} ×, {verdict}", flush=True)


def _folder(name: str) -> Path | None:
    folder = DATA / name
    if folder.is_dir():
        return folder
    print(f"{name}: not measured: the public data is not here; set BENCHWARRANT_DATA", flush=True)
    return None


def _benchwarrant(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "benchwarrant", *words]
    run = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout


if __name__ == "__main__":
    main()
