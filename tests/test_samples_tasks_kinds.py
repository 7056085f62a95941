"""Tasks that need no code: kinds, columns and options in the study file, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference.collect import task_data
from samples.errors import BenchwarrantError
from samples.records import Item
from samples.study import load_study
from samples.tasks import TaskOptions, load_task


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def one(tmp_path: Path, task: str, row: Any, **block: Any) -> Item:
    path = write(tmp_path / "rows.jsonl", row)
    return load_task(TaskOptions("mine", path=path, **block), task).items[0]


def refused(tmp_path: Path, task: str, row: Any, **block: Any) -> str:
    with pytest.raises(BenchwarrantError) as caught:
        one(tmp_path, task, row, **block)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path / 'rows.jsonl'}, line 1")


# A study that brings its own rows


def test_a_study_names_the_columns_and_nothing_else(tmp_path: Path) -> None:
    rows = [{"problem": f"{n} + 1?", "solution": f"Count. #### {n + 1}", "nr": n} for n in range(9)]
    write(tmp_path / "mine.jsonl", *rows)
    (tmp_path / "study.toml").write_text("""
        name = "s"
        [[task]]
        name = "mine"
        kind = "math"
        path = "mine.jsonl"
        columns = { question = "problem", answer = "solution", key = "nr", meta = ["nr"] }
        options = { after = "####", lead = "Add up." }
        limit = 3
    """)
    study = load_study(tmp_path / "study.toml")
    data = task_data(study, study.task[0])
    item = next(item for item in data.items)
    number = item.meta["nr"]
    assert (item.task, item.key, item.reference) == ("mine", str(number), str(number + 1))
    assert item.question == f"Add up.\n\n{number} + 1?"
    assert item.meta == {"nr": number, "rationale": "Count."}
    assert len(data.items) == 3 and len(data.exemplars) == 6


def test_a_study_names_a_dataset_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub = {"dataset": "me/mine", "file": "data/{split}.jsonl", "split": "dev", "revision": "v2"}
    with pytest.raises(BenchwarrantError) as caught:
        load_task(TaskOptions("mine", hub=hub), "yesno")
    assert str(caught.value).endswith(
        "fetch 'data/dev.jsonl' of the dataset 'me/mine' at revision 'v2' and set path = to it in"
        " the [[task]] block"
    )
    cached = tmp_path / "datasets--me--mine"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "v2").write_text("0" * 40)
    folder = cached / "snapshots" / ("0" * 40) / "data"
    folder.mkdir(parents=True)
    write(folder / "dev.jsonl", {"question": "Is it?", "answer": "No."})
    assert load_task(TaskOptions("mine", hub=hub, shots=True), "yesno").items[0].reference == "no"
    with pytest.raises(BenchwarrantError, match=r"fetch 'test.jsonl' of the dataset 'my math'"):
        load_task(TaskOptions("math-500", hub={"dataset": "my math"}), "math-500")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ('columns = { qestion = "q" }', "columns has no 'qestion'; did you mean 'question'?"),
        ('columns = { answer = "a", steps = "b" }', "columns has no 'steps'; known: answer, key,"),
        ('options = { aftr = "####" }', "unknown option 'aftr'; did you mean 'after'?"),
        ('options = { answer_type = "text" }', "answer_type = 'text'; give 'number' or 'math'"),
        ("options = { after = 4 }", "after = 4; give a text"),
        ('hub = { dataset = "a/b", file = "c.csv" }', "path and hub both say where the rows are"),
        ('hub = { dataset = "a/b" }', "kind 'math' has rows of your own; set path = FILE or hub"),
        ("columns = { question = 3 }", "question = 3; give a column's name, or a list of names"),
        ("columns = { question = [] }", "question = []; give a column's name, or a list of"),
        ('columns = "x"', "columns: expected a block of keys and values"),
        ('hub = { datset = "x" }', "hub: unknown key 'datset'; did you mean 'dataset'?"),
        ('kind = "maths"', "unknown task 'maths'; did you mean 'math'?"),
    ],
)
def test_a_wrong_block_is_refused(tmp_path: Path, block: str, message: str) -> None:
    kind = "" if block.startswith("kind") else 'kind = "math"\n'
    path = "" if "kind 'math'" in message else 'path = "x.jsonl"\n'
    file = tmp_path / "study.toml"
    file.write_text(f'name = "s"\n[[task]]\nname = "mine"\n{kind}{path}{block}\n')
    with pytest.raises(BenchwarrantError) as caught:
        study = load_study(file)
        task_data(study, study.task[0])
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_made_up_tasks_have_no_columns() -> None:
    for wrong in ({"columns": {"question": "q"}}, {"hub": {"split": "test"}}):
        with pytest.raises(BenchwarrantError, match="sums reads no file; take path, hub, columns"):
            load_task(TaskOptions("sums", **wrong), "sums")


# Worked answers


@pytest.mark.parametrize(
    ("answer", "options", "reference", "answer_type"),
    [
        (145.0, {}, "145", "number"),
        ("145.00", {}, "145", "number"),
        (0.5, {}, "0.5", "number"),
        (-3, {}, "-3", "number"),
        ("1,004", {}, "1,004", "number"),
        ("$18.90", {}, "$18.90", "number"),
        ("12.5%", {}, "12.5%", "number"),
        ("3/4", {}, "3/4", "number"),
        ("None", {}, "None", "number"),
        ("\\frac{3}{4}", {}, "\\frac{3}{4}", "math"),
        ("12 or 13", {}, "12 or 13", "math"),
        ("4", {"answer_type": "math"}, "4", "math"),
        ("1 + 1 = 2. Answer: 2", {"after": "Answer:"}, "2", "number"),
        ("So \\boxed{1}, or \\boxed{\\frac{1}{2}}.", {"after": "\\boxed"}, "\\frac{1}{2}", "math"),
    ],
)
def test_a_number_is_one_only_if_it_reads_as_one(
    tmp_path: Path, answer: Any, options: Any, reference: str, answer_type: str
) -> None:
    item = one(tmp_path, "math", {"question": "?", "answer": answer}, options=options)
    assert (item.reference, item.answer_type) == (reference, answer_type)


def test_several_columns_are_one_question(tmp_path: Path) -> None:
    row = {"Body": "Tom has 2.", "Question": "How many?", "a": "2", "why": "2<<2=2>>.\n#### 2"}
    columns = {"question": ["Body", "Question"], "answer": "a", "rationale": "why"}
    item = one(tmp_path, "math", row, columns=columns)
    assert item.question == "Tom has 2. How many?" and item.meta == {"rationale": "2."}


@pytest.mark.parametrize(
    ("row", "columns", "options", "message"),
    [
        ({"q": "?", "answer": "1"}, {}, {}, ": no column 'question'; found: q, answer"),
        ({"question": "?"}, {"answer": "sol"}, {}, ": no column 'sol'; found: question"),
        ({"question": "?", "answer": "1"}, {"key": "n"}, {}, ": no column 'n'; found: question,"),
        ({"question": "?", "answer": "1"}, {"meta": "m"}, {}, ": no column 'm'; found: question,"),
        ({"question": "?", "answer": " "}, {}, {}, ": 'answer' is empty"),
        ({"question": "?", "answer": None}, {}, {}, ": 'answer' is NoneType, expected text"),
        ({"question": "?", "answer": "1"}, {}, {"after": "=>"}, ": 'answer' has no '=>' before"),
        ({"question": "?", "answer": "\\boxed{1"}, {}, {"after": "\\boxed"}, ": 'answer' has a"),
    ],
)
def test_a_bad_row_of_math_is_named(
    tmp_path: Path, row: Any, columns: Any, options: Any, message: str
) -> None:
    assert refused(tmp_path, "math", row, columns=columns, options=options).startswith(message)


# Choices

ICE = [["A", "ice"], ["B", "steam"]]


@pytest.mark.parametrize(
    ("choices", "labels"),
    [
        ({"label": ["A", "B"], "text": ["ice", "steam"]}, "AB"),
        ([{"label": "A", "text": "ice"}, {"label": "B", "text": "steam"}], "AB"),
        ({"A": "ice", "B": "steam"}, "AB"),
        (["ice", "steam"], "AB"),
        (["A) ice", "B) steam"], "AB"),
        (["(A) ice", "(B) steam"], "AB"),
        ("['ice', 'steam']", "AB"),
        ('{"A": "ice", "B": "steam"}', "AB"),
    ],
)
def test_choices_in_every_form(tmp_path: Path, choices: Any, labels: str) -> None:
    item = one(tmp_path, "choice", {"question": "?", "choices": choices, "answer": "A"})
    assert [list(pair) for pair in item.choices] == ICE and item.references == ("A",)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["option1", "option2"], "12"),
        (["choice_a", "choice_b"], "AB"),
        (["A", "B"], "AB"),
        (["first", "other"], "AB"),
        (["ending", "endings"], "AB"),
    ],
)
def test_a_column_for_each_choice(tmp_path: Path, names: list[str], labels: str) -> None:
    row = {"question": "?", names[0]: "ice", names[1]: "steam", "answer": labels[1]}
    item = one(tmp_path, "choice", row, columns={"choices": names})
    assert item.choices == ((labels[0], "ice"), (labels[1], "steam"))
    assert item.reference == labels[1]


@pytest.mark.parametrize(("how", "answer"), [("index", 1), ("index", "1"), ("text", "steam")])
def test_the_answer_may_be_an_index_or_a_text(tmp_path: Path, how: str, answer: Any) -> None:
    row = {"question": "?", "choices": ["ice", "steam"], "answer": answer}
    assert one(tmp_path, "choice", row, options={"answer_is": how}).reference == "B"


def test_an_option_of_the_same_text_is_as_right(tmp_path: Path) -> None:
    row = {"question": "?", "choices": ["ice", "steam", "ice"], "answer": "C"}
    assert one(tmp_path, "choice", row).references == ("C", "A")


@pytest.mark.parametrize(
    ("choices", "answer", "options", "message"),
    [
        (["ice", "steam"], "C", {}, ": the answer key 'C' is not among the options A, B"),
        (["ice"], "2", {"answer_is": "index"}, ": the answer's index '2' is not among the option"),
        (["ice"], "fog", {"answer_is": "text"}, ": the answer's text 'fog' is not among the opti"),
        (["ice", ""], "A", {}, ": 'text of B' is empty"),
        ([], "A", {}, ": 'choices' is empty"),
        ({"label": None, "text": ["x"]}, "A", {}, ": 'choices' does not hold two lists"),
        ("{[1]: 2}", "A", {}, ": 'choices' is neither a list of options nor"),
        ("ice or steam", "A", {}, ": 'choices' is neither a list of options nor"),
        (3, "A", {}, ": 'choices' is neither a list of options nor"),
    ],
)
def test_bad_choices_are_named(
    tmp_path: Path, choices: Any, answer: Any, options: Any, message: str
) -> None:
    row = {"question": "?", "choices": choices, "answer": answer}
    assert refused(tmp_path, "choice", row, options=options).startswith(message)


# Yes or no


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        (True, "yes"),
        (False, "no"),
        ("Yes", "yes"),
        ("no.", "no"),
        ("TRUE", "yes"),
        ("false", "no"),
        ({"Yes": 1, "No": 0}, "yes"),
        ({"Yes": 0, "No": 1}, "no"),
    ],
)
def test_yes_and_no_in_every_form(tmp_path: Path, answer: Any, reference: str) -> None:
    row = {"question": "Is it?", "answer": answer, "rationale": ["It rains.", "Rain is wet."]}
    item = one(tmp_path, "yesno", row)
    assert (item.reference, item.answer_type) == (reference, "yesno")
    assert item.meta == {"rationale": "It rains. Rain is wet."}


@pytest.mark.parametrize("answer", ["maybe", 1, None, {"Yes": 1, "No": 1}, ["yes"]])
def test_what_is_neither_yes_nor_no_is_refused(tmp_path: Path, answer: Any) -> None:
    message = refused(tmp_path, "yesno", {"question": "Is it?", "answer": answer})
    assert message.endswith("expected yes or no, true or false")


# Files


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ('{"name": "x", "keywords": ["a"], "examples": [{"question": "?", "answer": "1"}]}', 1),
        ('{"question": "?", "answer": "1"}\n{"question": "??", "answer": "2"}\n', 2),
        ('{"train": [{"question": "?"}], "test": [{"question": "?"}]}', 0),
        ('{"data": []}', 0),
    ],
)
def test_json_files_hold_rows_in_several_ways(tmp_path: Path, content: str, count: int) -> None:
    path = tmp_path / "rows.json"
    path.write_text(content, encoding="utf-8")
    if count:
        assert len(load_task(TaskOptions("mine", path=path), "math").items) == count
    else:
        with pytest.raises(BenchwarrantError, match="or an object with one such list"):
            load_task(TaskOptions("mine", path=path), "math")
