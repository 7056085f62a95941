"""The datasets as published, where they are here: every row, and how the rules read it."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference.prompting import render
from judges.rules import RULES
from samples.records import Item
from samples.tasks import TASKS, TaskData, TaskOptions, load_task

ARC = {stem: {"answer_key": f"{stem}_answer_key.jsonl"} for stem in ("ARC-Easy", "ARC-Challenge")}
BOOK = {"answer_key": "openbookqa_answer_key.jsonl"}
PUBLISHED: list[tuple[str, str, str, dict[str, str], int]] = [
    ("gsm8k", "task_gsm8k", "test.jsonl", {}, 1319),
    ("gsm-plus", "task_gsm_plus", "gsmplus_testmini.jsonl", {}, 2400),
    ("svamp", "task_svamp_aqua_multiarith", "svamp_test.jsonl", {}, 1000),
    ("multiarith", "task_svamp_aqua_multiarith", "multiarith.jsonl", {}, 600),
    ("math-500", "task_math500", "math500.jsonl", {}, 500),
    ("arc-easy", "task_arc", "ARC-Easy_test.json", ARC["ARC-Easy"], 2376),
    ("arc-challenge", "task_arc", "ARC-Challenge_test.json", ARC["ARC-Challenge"], 1172),
    ("commonsenseqa", "task_commonsenseqa", "dev_rand_split.jsonl", {}, 1221),
    ("openbookqa", "task_openbookqa_winogrande", "openbookqa_test.json", BOOK, 500),
    ("winogrande", "task_openbookqa_winogrande", "winogrande_test.json", {}, 1267),
    ("aqua", "task_svamp_aqua_multiarith", "aqua_test.jsonl", {}, 254),
    ("strategyqa", "task_strategyqa", "dev.json", {}, 229),
    ("strategyqa", "task_strategyqa", "bigbench_task.json", {}, 2290),
    ("mr-ben", "human_mr_ben", "math.json", {}, 918),
    ("mr-ben", "human_mr_ben", "coding.json", {}, 238),
]
BARE = ("number", "choice", "yesno")  # answers that are given as the reference has them
SharedData = Callable[[str], Path]


def load(task: str, path: Path, **options: Any) -> TaskData:
    return load_task(TaskOptions(name=task, path=path, **options), task)


@pytest.mark.parametrize(("task", "folder", "file", "options", "rows"), PUBLISHED)
def test_every_row_is_an_item_whose_reference_its_rule_reads(
    shared_data: SharedData, task: str, folder: str, file: str, options: Any, rows: int
) -> None:
    items = load(task, shared_data(folder) / file, options=options).items
    assert len(items) == len({item.key for item in items}) == rows
    assert {item.answer_type for item in items} == {TASKS[task].answer_type}
    assert render(items[0], "direct", ())
    assert all(item.question and all(item.references) for item in items)
    rule = RULES[TASKS[task].answer_type] if TASKS[task].answer_type in BARE else None
    if rule:  # given back as the answer, a reference is right
        said = [rule(f"The answer is {item.reference}", item).value for item in items]
        assert False not in said
        assert said.count(None) <= 1  # an option of ARC-Challenge has the text "C", and isn't C


def test_gsm8k_as_published(shared_data: SharedData) -> None:
    items = load("gsm8k", shared_data("task_gsm8k") / "test.jsonl").items
    assert len(items) == 1319 == TASKS["gsm8k"].size
    assert sum("," in item.reference for item in items) == 14  # commas stay
    assert [item.reference for item in items if item.reference.startswith("-")] == ["-10", "-3"]
    assert items[0].key == "1" and items[0].reference == "18"
    assert items[0].meta["rationale"].startswith("Janet sells 16 - 3 - 4 = 9 duck eggs a day.")
    assert not any(
        mark in item.meta["rationale"] for item in items for mark in ("<<", ">>", "####")
    )


@pytest.mark.parametrize(
    ("task", "stem", "options", "digits"),
    [
        ("arc-easy", "ARC-Easy", {3: 7, 4: 2365, 5: 4}, 97),
        ("arc-challenge", "ARC-Challenge", {3: 4, 4: 1165, 5: 3}, 22),
    ],
)
def test_arc_as_published(
    shared_data: SharedData, task: str, stem: str, options: dict[int, int], digits: int
) -> None:
    path = shared_data("task_arc") / f"{stem}_test.json"
    items = load(task, path, options={"answer_key": f"{stem}_answer_key.jsonl"}).items
    assert len(items) == TASKS[task].size
    assert Counter(len(item.choices) for item in items) == options
    assert sum(item.reference.isdigit() for item in items) == digits
    assert all(item.reference in dict(item.choices) for item in items)
    bare = load(task, path).items  # without the official key: the file's own numbers
    assert [dict(a.choices)[a.reference] for a in items] == [
        dict(b.choices)[b.reference] for b in bare
    ]


def test_arc_texts_are_split_at_the_options(shared_data: SharedData) -> None:
    path = shared_data("task_arc") / "ARC-Easy_test.json"
    first = load("arc-easy", path, options={"answer_key": "ARC-Easy_answer_key.jsonl"}).items[0]
    row = json.loads(path.read_text(encoding="utf-8"))[0]["instruction"]
    key = path.with_name("ARC-Easy_answer_key.jsonl").read_text(encoding="utf-8")
    assert first.key == json.loads(key.splitlines()[0])["id"]
    assert [label for label, _ in first.choices] == ["A", "B", "C", "D"]
    texts = [first.question, *(text for _, text in first.choices)]
    places = [row.index(text) for text in texts]
    assert places == sorted(places) and all(places)  # the question, then each option in its place
    assert not any("Answer1" in text or "Answer format" in text for text in texts)


def test_commonsenseqa_as_published(shared_data: SharedData) -> None:
    items = load("commonsenseqa", shared_data("task_commonsenseqa") / "dev_rand_split.jsonl").items
    assert len(items) == 1221 == TASKS["commonsenseqa"].size
    answers = Counter(item.reference for item in items)
    assert answers == {"A": 239, "B": 255, "C": 241, "D": 251, "E": 235}
    assert {len(item.choices) for item in items} == {5}
    assert all(len(item.key) >= 32 and item.choices[0][0] == "A" for item in items)


def items_of(shared_data: SharedData, task: str, folder: str, file: str) -> tuple[Item, ...]:
    return load(task, shared_data(folder) / file).items


def test_gsm_plus_as_published(shared_data: SharedData) -> None:
    items = items_of(shared_data, "gsm-plus", "task_gsm_plus", "gsmplus_testmini.jsonl")
    kinds = Counter(item.meta["perturbation_type"] for item in items)
    assert len(kinds) == 8 and set(kinds.values()) == {300}
    unanswerable = [item for item in items if item.reference == "None"]
    assert {item.meta["perturbation_type"] for item in unanswerable} == {"critical thinking"}
    assert len(unanswerable) == 300
    assert RULES["number"]("It cannot be determined.", unanswerable[0]).value is True
    assert all(item.meta["seed_question"] != item.question for item in items)
    assert not any("####" in item.meta["rationale"] for item in items)


def test_svamp_and_multiarith_as_published(shared_data: SharedData) -> None:
    folder = "task_svamp_aqua_multiarith"
    svamp = items_of(shared_data, "svamp", folder, "svamp_test.jsonl")
    assert (svamp[0].key, svamp[0].reference) == ("chal-777", "145")
    assert svamp[0].question.endswith("into 93 groups How big is each group of bananas?")
    assert all(item.reference.isdigit() for item in svamp)
    first = items_of(shared_data, "multiarith", folder, "multiarith.jsonl")[0]
    assert (first.key, first.reference) == ("1", "39")


def test_math_500_as_published(shared_data: SharedData) -> None:
    items = items_of(shared_data, "math-500", "task_math500", "math500.jsonl")
    assert Counter(item.meta["level"] for item in items) == {1: 43, 2: 90, 3: 105, 4: 128, 5: 134}
    assert len({item.meta["subject"] for item in items}) == 7
    assert items[0].key.startswith("test/") and "\\pi" in items[0].reference


def test_openbookqa_and_winogrande_as_published(shared_data: SharedData) -> None:
    folder = "task_openbookqa_winogrande"
    book = load("openbookqa", shared_data(folder) / "openbookqa_test.json", options=BOOK).items
    assert book[0].key == "8-343" and [label for label, _ in book[0].choices] == [*"ABCD"]
    bare = items_of(shared_data, "openbookqa", folder, "openbookqa_test.json")
    assert Counter(item.reference for item in bare) == {"1": 138, "2": 126, "3": 132, "4": 104}
    items = items_of(shared_data, "winogrande", folder, "winogrande_test.json")
    assert Counter(item.reference for item in items) == {"1": 628, "2": 639}
    assert items[0].choices == (("1", "Sarah"), ("2", "Maria"))
    assert all("_" in item.question and "Option1" not in item.question for item in items)


def test_aqua_as_published(shared_data: SharedData) -> None:
    items = items_of(shared_data, "aqua", "task_svamp_aqua_multiarith", "aqua_test.jsonl")
    assert items[0].choices[0] == ("A", "5(√3 + 1)")
    assert {len(item.choices) for item in items} == {5}
    twins = [item.references for item in items if len(item.references) > 1]
    assert len(twins) == 4  # an option of the same text as the right one


def test_strategyqa_as_published(shared_data: SharedData) -> None:
    items = items_of(shared_data, "strategyqa", "task_strategyqa", "dev.json")
    assert Counter(item.reference for item in items) == {"yes": 107, "no": 122}
    assert items[0].key == "e0044a7b4d146d611e73"
    assert items[0].meta["rationale"].count("Albany") == 2  # both facts
    other = items_of(shared_data, "strategyqa", "task_strategyqa", "bigbench_task.json")
    assert Counter(item.reference for item in other) == {"yes": 1071, "no": 1219}
    assert other[0].meta["rationale"].startswith("College commencement")  # "Yes." is taken off


def test_mr_ben_as_published(shared_data: SharedData) -> None:
    items = items_of(shared_data, "mr-ben", "human_mr_ben", "math.json")
    wrong = [item for item in items if item.reference != "correct"]
    assert len(wrong) == 769 and {len(item.references) for item in wrong} == {2}
    for item in wrong:  # the step is one that is shown, and both annotators name it
        (number,) = {one.split("; ")[1] for one in item.references}
        assert f"\nStep {number.removeprefix('first wrong step: ')}" in item.question
    assert Counter(item.meta["Sampled_Model"] for item in items)["Claude2"] == 306
    assert {item.meta["Subject"] for item in items} == {"college_math", "high_school_math"}


def test_programs_of_mr_ben_are_numbered_line_by_line(shared_data: SharedData) -> None:
    items = items_of(shared_data, "mr-ben", "human_mr_ben", "coding.json")
    wrong = [item for item in items if item.reference != "correct"]
    assert len(wrong) == 164
    assert Counter(len(item.references) for item in wrong)[1] == 147  # others: the line repeats
    first = next(item for item in wrong if item.key.startswith("f4a72d1a"))
    number = first.reference.split("; ")[1].removeprefix("first wrong step: ")
    assert f"\nStep {number}:         # Find a substring of length 2" in first.question
    twice = [item.key for item in items if item.key.endswith("Claude2:2")]
    assert len(twice) == 1  # one model, one question, two solutions
