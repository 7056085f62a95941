"""Real answers with what somebody else read in them, for the parser tests and `make bench-parsers`.

Each row is an item, a model's text, and whether the other parser called it right.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from samples.records import Item
from samples.tasks import TaskOptions, load_task
from samples.tasks.critique import three_lines

GPT3 = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
LOGS = {"gsm8k": "gsm8k", "commonsenseqa": "commonsensqa", "aqua": "aqua"}
OPTION = re.compile(r"\(([A-E])\)\s*")
TASKS = {  # where the rows of the tasks lie, and the file of their official keys
    "gsm8k": ("task_gsm8k/test.jsonl", ""),
    "gsm-plus": ("task_gsm_plus/gsmplus_testmini.jsonl", ""),
    "svamp": ("task_svamp_aqua_multiarith/svamp_test.jsonl", ""),
    "multiarith": ("task_svamp_aqua_multiarith/multiarith.jsonl", ""),
    "aqua": ("task_svamp_aqua_multiarith/aqua_test.jsonl", ""),
    "math-500": ("task_math500/math500.jsonl", ""),
    "arc-easy": ("task_arc/ARC-Easy_test.json", "ARC-Easy_answer_key.jsonl"),
    "arc-challenge": ("task_arc/ARC-Challenge_test.json", "ARC-Challenge_answer_key.jsonl"),
    "commonsenseqa": ("task_commonsenseqa/dev_rand_split.jsonl", ""),
    "openbookqa": (
        "task_openbookqa_winogrande/openbookqa_test.json",
        "openbookqa_answer_key.jsonl",
    ),
    "winogrande": ("task_openbookqa_winogrande/winogrande_test.json", ""),
    "strategyqa": ("task_strategyqa/dev.json", ""),
    "mr-ben": ("human_mr_ben/math.json", ""),
}


class Answer(NamedTuple):
    item: Item
    text: str
    theirs: bool
    read: str = ""  # what the other parser read, where it is known


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def gpt3(folder: Path) -> Iterator[Answer]:
    """GSM8K solutions of GPT-3 6B and 175B; the label compares the strings after "A:"."""
    for n, row in enumerate(_lines(folder / "example_model_solutions.jsonl")):
        reference = row["ground_truth"].rpartition("A:")[2].strip()
        item = Item("gsm8k", str(n), row["question"], (reference,), "number")
        for model in GPT3:
            yield Answer(item, row[model]["solution"], row[model]["is_correct"])


def rho(folder: Path) -> Iterator[Answer]:
    """GSM8K answers of Rho-Math-1B, a base model, with its authors' parser."""
    for row in _lines(folder / "rho-math-1b-v0.1_gsm8k_cot.jsonl"):
        item = Item("gsm8k", str(row["idx"]), row["question"], (row["gt"],), "number")
        yield Answer(item, row["code"][0], row["score"][0], row["pred"][0])


def zero_shot(folder: Path, task: str) -> Iterator[Answer]:
    """Answers of text-davinci-002 without examples, with the authors' answer cleansing."""
    for row in _lines(folder / f"{LOGS[task]}_zero_shot_cot.jsonl"):
        stem, _, offered = row["question"].partition("Answer Choices:")
        parts = OPTION.split(offered)[1:]
        choices = tuple(zip(parts[::2], (t.strip() for t in parts[1::2]), strict=True))
        kind = "choice" if choices else "number"
        item = Item(task, str(row["n"]), stem.strip(), (row["gold"],), kind, choices)
        right = row["pred_after"] == row["gold"]
        yield Answer(item, row["response"], right, row["pred_after"])


def math_pairs(folder: Path) -> Iterator[Answer]:
    """Gold and prediction with the verdict that Math-Verify's maintainers expect."""
    with (folder / "gold_pred_expected.csv").open(encoding="utf-8", newline="") as file:
        for n, row in enumerate(csv.DictReader(file)):
            item = Item(
                row["test"], str(n), "", (row["gold"],), "math", (), {"extra": row["extra"]}
            )
            yield Answer(item, row["pred"], row["expected"] == "1")


def open_qa(folder: Path) -> Iterator[tuple[Item, str, str]]:
    """(item, system's answer, system) of 12 systems on NQ-open, with all accepted answers."""
    for row in _lines(folder / "model_outputs_301.jsonl"):
        item = Item("nq", row["question"], row["question"], tuple(row["answer"]), "text")
        said = row["prediction"]
        yield item, " ".join(said) if isinstance(said, list) else said, row["model"]


def settings(answer: Answer) -> dict[str, Any]:
    """The settings that a pair of ``math_pairs`` is to be compared with, under our names."""
    ours = {"allow_set_relation_comp": "relations"}
    extra = json.loads(answer.item.meta["extra"] or "{}")
    return {ours.get(name, name): value for name, value in extra.items()}


def items(task: str, root: Path) -> tuple[Item, ...]:
    """The items of a task by its loader, from its public file below ``root``."""
    file, key = TASKS[task]
    options = {"answer_key": key} if key else {}
    return load_task(TaskOptions(task, path=root / file, options=options), task).items


def own_answers(asked: Iterable[Item]) -> Iterator[Answer]:
    """Every reference as the answer to its own question, in the forms in which answers come."""
    for item in asked:
        reference = item.reference
        if item.answer_type == "critique":
            yield Answer(item, three_lines(reference), True)
            continue
        forms = ["{}", "The answer is {}.", "So we are done.\n\n\\boxed{{{}}}", "**Answer:** {}"]
        said = [form.format(reference) for form in forms]
        if item.choices:
            own = dict(item.choices)[reference]
            said += [own, f"({reference}) {own}", f"The correct answer is {reference}: {own}"]
        for text in said:
            yield Answer(item, text, True)
