"""ARC (Clark et al. 2018) and CommonsenseQA (Talmor et al. 2019) in the shapes they come in.

official    {"id", "question": {"stem", "choices": [{"label", "text"}]}, "answerKey"}
hub         {"id", "question", "choices": {"label": [...], "text": [...]}, "answerKey"}
one string  {"instruction": "... Answer1: ... Answer2: ...", "answer": "answer1"}, as LLM-Adapters
            has it; the option ``answer_key`` names a file beside it with the official
            {"id", "answerKey"}, row by row
"""

import re
from collections.abc import Mapping
from typing import Any

from samples.errors import BenchwarrantError
from samples.records import Item
from samples.tasks import TASKS, TaskData, TaskOptions
from samples.tasks.rows import Row, as_text, hub_file, items_from, read_rows

HUB_FILES = {
    "arc-easy": "ARC-Easy/{split}-00000-of-00001.parquet",
    "arc-challenge": "ARC-Challenge/{split}-00000-of-00001.parquet",
    "commonsenseqa": "data/{split}-00000-of-00001.parquet",
}
LEAD = "Please choose the correct answer to the question:"
OPTION = re.compile(r"\bAnswer(\d+):")

Pairs = list[tuple[str, str]]


def load(options: TaskOptions, task: str) -> TaskData:
    """Items with their options as labelled in the file; ARC's labels 1–4 stay as they are."""
    path = options.path or hub_file(options, TASKS[task], HUB_FILES[task])
    rows = read_rows(path)
    official: list[Row] = []
    if "answer_key" in options.options:
        key_file = path.parent / str(options.options["answer_key"])
        official = read_rows(key_file)
        if len(official) != len(rows):
            raise BenchwarrantError(
                f"{key_file}: {len(official)} keys for {len(rows)} rows; give the key to {path}"
            )

    def make(row: Row) -> Item:
        if "instruction" in row.columns:
            return _one_string(row, options.name, official[row.number - 1] if official else None)
        return _structured(row, options.name)

    return items_from(rows, make)


def _structured(row: Row, name: str) -> Item:
    question = row.value("question")
    holder = row
    if isinstance(question, Mapping):
        holder = Row(row.number, f"{row.where}, in 'question'", question)
        question = holder.value("stem")
    pairs = _offered(row, holder.value("choices"))
    labels = [label for label, _ in pairs]
    if len(set(labels)) < len(labels):
        raise row.error(f"two options have the same label: {', '.join(labels)}")
    return Item(
        task=name,
        key=row.key(),
        question=as_text(row, "question", question),
        references=(_among(row, row.text("answerKey"), labels),),
        answer_type="choice",
        choices=tuple(pairs),
        meta={"rationale": row.text("rationale")} if "rationale" in row.columns else {},
    )


def _offered(row: Row, choices: Any) -> Pairs:
    """The labels and texts of the options, from the official list or the hub's two lists."""
    if isinstance(choices, Mapping):
        both = Row(row.number, f"{row.where}, in 'choices'", choices)
        labels, texts = both.value("label"), both.value("text")
        if len(labels) != len(texts):
            raise row.error(f"'choices' has {len(labels)} labels and {len(texts)} texts")
        pairs = list(zip(labels, texts, strict=True))
    elif isinstance(choices, list) and all(isinstance(choice, Mapping) for choice in choices):
        each = [Row(row.number, f"{row.where}, in 'choices'", choice) for choice in choices]
        pairs = [(choice.value("label"), choice.value("text")) for choice in each]
    else:
        raise row.error("'choices' is neither a list of {label, text} nor {label: [], text: []}")
    return [(as_text(row, "label", a), as_text(row, f"text of {a}", b)) for a, b in pairs]


def _one_string(row: Row, name: str, official: Row | None) -> Item:
    text = row.text("instruction").removeprefix(LEAD)
    stem, *parts = OPTION.split(text.rpartition("Answer format:")[0])
    numbers, texts = parts[::2], parts[1::2]
    if not numbers or numbers != [str(n) for n in range(1, len(numbers) + 1)]:
        raise row.error("'instruction' is not 'question Answer1: ... Answer2: ... Answer format:'")
    answer = _among(row, row.text("answer").removeprefix("answer"), numbers)
    key, reference, labels = row.key(), answer, numbers
    if official is not None:
        key, reference = official.text("id"), official.text("answerKey")
        if not reference.isdigit():
            labels = [chr(ord("A") + n) for n in range(len(numbers))]
        if labels[numbers.index(answer)] != _among(official, reference, labels):
            raise official.error(f"the key is {reference!r}, but {row.where} has 'answer{answer}'")
    return Item(
        task=name,
        key=key,
        question=as_text(row, "question", stem),
        references=(reference,),
        answer_type="choice",
        choices=tuple(
            (label, as_text(row, f"Answer{n}", text))
            for label, n, text in zip(labels, numbers, texts, strict=True)
        ),
    )


def _among(row: Row, answer: str, labels: list[str]) -> str:
    if answer not in labels:
        raise row.error(f"the answer key {answer!r} is not among the options {', '.join(labels)}")
    return answer
