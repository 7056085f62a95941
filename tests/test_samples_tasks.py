"""Tasks: every registered one that needs no file, the real files where they are, and bad files."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from samples.errors import BenchwarrantError
from samples.tasks import GENERATED, TASKS, WRITTEN, TaskData, TaskOptions, load_task

OFFLINE = [name for name, task in TASKS.items() if task.source in (GENERATED, WRITTEN)]
SORTING = [name for name in OFFLINE if name.startswith("sort")]


def load(task: str, path: Path | None = None, **options: Any) -> TaskData:
    return load_task(TaskOptions(name=task, path=path, **options), task)


# Every task that needs no file


@pytest.mark.parametrize("task", OFFLINE)
def test_items_are_complete_and_the_same_for_the_same_seed(task: str) -> None:
    data = load(task, seed=3)
    assert len(data.items) == TASKS[task].size
    assert len({item.key for item in data.items}) == len(data.items)
    assert all(item.references and all(item.references) for item in data.items)
    assert {item.answer_type for item in data.items} == {TASKS[task].answer_type}
    assert {item.task for item in data.items} == {task}
    assert [item.id for item in load(task, seed=3).items] == [item.id for item in data.items]


@pytest.mark.parametrize("task", OFFLINE)
def test_exemplars_are_never_asked(task: str) -> None:
    for limit in (None, 30):
        data = load(task, limit=limit)
        assert 2 <= len(data.exemplars) <= 8
        shown = {exemplar.question for exemplar in data.exemplars}
        assert not shown & {item.question for item in data.items}


@pytest.mark.parametrize("task", OFFLINE)
def test_another_seed_draws_other_items(task: str) -> None:
    ids = [{item.id for item in load(task, seed=seed, limit=10).items} for seed in (0, 1)]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("task", SORTING)
def test_sorting_lists_hold_distinct_numbers_in_range(task: str) -> None:
    low = -100 if task.endswith("mixed") else 1
    length = int(task.removeprefix("sort").split("-")[0])
    for item in load(task).items:
        numbers = json.loads(item.question.split(": ")[1])
        assert len(set(numbers)) == len(numbers) == length
        assert low <= min(numbers) and max(numbers) <= 100
        assert json.loads(item.reference) == sorted(numbers) != numbers


def test_a_seed_means_the_same_list_in_every_version() -> None:
    # Written down once from a run; it may change only on purpose, since ids hang on it.
    first = load("sort8-mixed").items[0]
    assert first.question == (
        "Put these numbers in order, smallest first: [-33, -41, -55, -95, -8, 95, -47, 35]"
    )
    assert first.id == "b2:d86ba5a126847309b621c10f536dbe50"


def test_a_larger_size_begins_with_the_same_lists() -> None:
    few = load("sort8-positive", options={"size": 20}).items
    assert load("sort8-positive", options={"size": 150}).items[:20] == few


@pytest.mark.parametrize("size", [0, -1, "ten", 6841])
def test_a_size_that_cannot_be_is_refused(size: Any) -> None:
    with pytest.raises(BenchwarrantError, match=r"'sort3': size = .*; give 1 to 3420"):
        load("sort3", options={"size": size})  # 20 * 19 * 18 / 2 = 3420


def test_sums_and_word_problems_have_the_right_answer() -> None:
    for item in load("sums").items:
        a, b = map(int, item.key.split("+"))
        assert item.question == f"What is {a} + {b}?"
        assert int(item.reference) == a + b
    for item in load("word-problems").items:
        a, b = map(int, item.key.split(":")[1].split(","))
        right = {"addition": a + b, "multiplication": a * b}[item.meta["kind"]]
        assert int(item.reference) == right
        assert str(a) in item.question and str(b) in item.question and "$" not in item.question


def test_words_take_every_accepted_answer() -> None:
    words = {item.key: item for item in load("words").items}
    assert words["opposite:big"].references == ("small", "little")
    assert words["capital:France"].question == "What is the capital of France?"
    assert words["first letter:candle"].references == ("c",)
    assert Counter(item.meta["kind"] for item in words.values()) == {
        "capital": 40,
        "opposite": 40,
        "first letter": 40,
    }


def test_facts_are_offered_in_drawn_order() -> None:
    items = load("facts").items
    assert all(len({text for _, text in item.choices}) == 4 for item in items)
    assert dict(items[0].choices)[items[0].reference] == "dog"  # "Which animal barks?"
    assert set(Counter(item.reference for item in items)) == set("ABCD")


def test_only_the_exemplars_of_sorting_are_worked_out() -> None:
    data = load("sort3")
    shown = data.exemplars[0]
    a, b, c = json.loads(shown.reference)
    assert shown.meta["rationale"] == f"The smallest is {a}, then {b}, then {c}."
    assert not any("rationale" in item.meta for item in data.items)


# Choosing among the items


def numbered(folder: Path, count: int, name: str = "rows.jsonl", first: int = 0) -> Path:
    rows = rows_of(range(first, first + count))
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(numbers: range) -> list[dict[str, str]]:
    return [{"question": f"Q{n}?", "answer": f"so #### {n}"} for n in numbers]


def test_limit_is_a_seeded_sample_in_file_order_that_grows(tmp_path: Path) -> None:
    path = numbered(tmp_path, 100)
    few = [int(item.key) for item in load("gsm8k", path, limit=10).items]
    many = [int(item.key) for item in load("gsm8k", path, limit=40).items]
    assert few == sorted(few) and len(few) == 10 and few != list(range(1, 11))
    assert set(few) < set(many)
    assert len(load("gsm8k", path, limit=500).items) == 100


def test_exemplars_are_what_is_not_asked_and_stay_when_the_limit_grows(tmp_path: Path) -> None:
    path = numbered(tmp_path, 100)
    data = load("gsm8k", path, limit=10)
    assert len(data.exemplars) == 8
    assert not {e.key for e in data.exemplars} & {item.key for item in data.items}
    assert load("gsm8k", path, limit=92).exemplars == data.exemplars
    assert len(load("gsm8k", path, limit=97).exemplars) == 3
    assert load("gsm8k", path).exemplars == ()


def test_exemplars_come_from_their_file_eight_at_most(tmp_path: Path) -> None:
    path = numbered(tmp_path, 10)
    few = numbered(tmp_path, 3, "few.jsonl", first=50)
    shown = load("gsm8k", path, exemplars=few).exemplars
    assert [exemplar.reference for exemplar in shown] == ["50", "51", "52"]
    many = numbered(tmp_path, 60, "many.jsonl", first=50)
    assert len(load("gsm8k", path, exemplars=many).exemplars) == 8


def test_an_exemplar_that_is_asked_is_refused(tmp_path: Path) -> None:
    path, same = numbered(tmp_path, 5), numbered(tmp_path, 2, "same.jsonl", first=4)
    with pytest.raises(BenchwarrantError, match=r"same.jsonl: exemplar '1' is item '5' of task"):
        load("gsm8k", path, exemplars=same)


def test_the_block_names_the_items(tmp_path: Path) -> None:
    options = TaskOptions(name="mine", path=numbered(tmp_path, 2))
    assert [item.task for item in load_task(options, "gsm8k").items] == ["mine", "mine"]


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchwarrantError, match="unknown task 'gsm8'; did you mean 'gsm8k'"):
        load("gsm8")
    with pytest.raises(BenchwarrantError, match="unknown option 'sizes'; did you mean 'size'"):
        load("sort8-mixed", options={"sizes": 3})
    with pytest.raises(BenchwarrantError, match="task 'sums': sums reads no file"):
        load("sums", tmp_path / "sums.jsonl")


# Other shapes of the same


def hub_row(**changes: Any) -> dict[str, Any]:
    choices = {"label": ["1", "2", "3"], "text": ["ice", "steam", "sand"]}
    row = {"id": "x1", "question": "Frozen water?", "choices": choices, "answerKey": "1"}
    return {**row, **changes}


def official_row(**changes: Any) -> dict[str, Any]:
    choices = [{"label": "A", "text": "ice"}, {"label": "B", "text": "steam"}]
    question = {"stem": "Frozen water?", "choices": choices}
    return {"id": "x1", "question": question, "answerKey": "A", **changes}


def one_string_row(**changes: Any) -> dict[str, Any]:
    text = (
        "Please choose the correct answer to the question: Frozen water?\n\n"
        "Answer1: ice Answer2: steam\n\nAnswer format: answer1/answer2"
    )
    return {"instruction": text, "input": "", "answer": "answer1", **changes}


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        table = pytest.importorskip("pyarrow").Table.from_pylist(list(rows))
        parquet.write_table(table, path)
    return path


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".parquet"])
def test_gsm8k_in_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    row = {"question": "How much,\nin all?", "answer": "2+2=<<2+2=4>>4\n#### 1,004"}
    (item,) = load("gsm8k", write(tmp_path / f"test{ending}", row)).items
    assert (item.question, item.reference) == ("How much,\nin all?", "1,004")
    assert item.meta == {"rationale": "2+2=4"}


@pytest.mark.parametrize("row", [hub_row(), official_row(), one_string_row()])
@pytest.mark.parametrize("ending", [".jsonl", ".json", ".parquet"])
def test_choices_in_every_shape(tmp_path: Path, row: dict[str, Any], ending: str) -> None:
    (item,) = load("arc-easy", write(tmp_path / f"test{ending}", row)).items
    assert item.question == "Frozen water?"
    assert dict(item.choices)[item.reference] == "ice"


def test_a_rationale_column_is_kept_for_exemplars(tmp_path: Path) -> None:
    path = write(tmp_path / "train.jsonl", hub_row(rationale="Ice is frozen water."))
    assert load("arc-easy", path).items[0].meta == {"rationale": "Ice is frozen water."}


def fake_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and no network: the library's own offline mode."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


ONE_FILE = "-00000-of-00001.parquet"
CRITIQUE = {
    "model_output_steps": "['Step 1: 1 + 1 = 3']",
    "model_output_solution_correctness": "wrong",
    "model_output_solution_first_error_step": "1",
    "model_output_solution_first_error_reason": "It is 2.",
}
SOLUTION = {
    "Question_UUID": "u",
    "Sampled_Model": "m",
    "Model_Solution_Steps": ["Step 1: 2"],
    "Model_Solution_Correctness": "correct",
    "Model_Solution_First_Error_Step": "N/A",
    "Model_Solution_Error_Reason": "N/A",
}
ON_THE_HUB: list[tuple[str, str, str, dict[str, Any]]] = [
    ("gsm8k", "openai--gsm8k", f"main/test{ONE_FILE}", {"question": "1+1?", "answer": "#### 2"}),
    (
        "gsm-plus",
        "qintongli--GSM-Plus",
        "data/testmini-00000-of-00001.jsonl",
        {"question": "1+1?", "answer": "2"},
    ),
    (
        "svamp",
        "ChilleD--SVAMP",
        f"data/test{ONE_FILE}",
        {"Body": "One.", "Question": "1+1?", "Answer": "2.0"},
    ),
    (
        "multiarith",
        "ChilleD--MultiArith",
        "default/test/0000.parquet",
        {"question": "1+1?", "final_ans": "2"},
    ),
    ("math-500", "HuggingFaceH4--MATH-500", "test.jsonl", {"problem": "1+1?", "answer": "2"}),
    ("arc-easy", "allenai--ai2_arc", f"ARC-Easy/test{ONE_FILE}", hub_row()),
    ("arc-challenge", "allenai--ai2_arc", f"ARC-Challenge/test{ONE_FILE}", hub_row()),
    ("commonsenseqa", "tau--commonsense_qa", f"data/validation{ONE_FILE}", hub_row()),
    (
        "openbookqa",
        "allenai--openbookqa",
        f"main/test{ONE_FILE}",
        {**hub_row(), "question_stem": "Frozen water?"},
    ),
    (
        "winogrande",
        "allenai--winogrande",
        f"winogrande_xl/validation{ONE_FILE}",
        {"sentence": "_ is 2.", "option1": "1+1", "option2": "1", "answer": "1"},
    ),
    (
        "aqua",
        "deepmind--aqua_rat",
        f"raw/test{ONE_FILE}",
        {"question": "1+1?", "options": ["A)2", "B)3"], "correct": "A"},
    ),
    ("strategyqa", "ChilleD--StrategyQA", "test.json", {"question": "1+1=2?", "answer": True}),
    ("mr-gsm8k", "Randolphzeng--Mr-GSM8K", "test.csv", {"question": "1+1?", **CRITIQUE}),
    (
        "mr-ben",
        "Randolphzeng--Mr-Ben",
        "default/train/0000.parquet",
        {"Question": "1+1?", "Options": None, **SOLUTION},
    ),
]


def test_every_table_is_known_to_the_hub() -> None:
    tables = [name for name, task in TASKS.items() if not task.made_up]
    assert sorted(name for name, *_ in ON_THE_HUB) == sorted(tables)


@pytest.mark.parametrize(("task", "dataset", "file", "row"), ON_THE_HUB)
def test_without_a_path_the_hub_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, dataset: str, file: str, row: Any
) -> None:
    cached = fake_hub(tmp_path, monkeypatch) / f"datasets--{dataset}"
    branch = cached / "refs" / (TASKS[task].revision or "main")
    branch.parent.mkdir(parents=True)
    branch.write_text("0" * 40)
    write(cached / "snapshots" / ("0" * 40) / file, row)
    (item,) = load(task).items
    assert item.answer_type == TASKS[task].answer_type


def test_from_the_hub_exemplars_are_of_the_train_split_and_not_among_the_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = fake_hub(tmp_path, monkeypatch) / "datasets--openai--gsm8k"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40)
    files = cached / "snapshots" / ("0" * 40) / "main"
    ending = "-00000-of-00001.parquet"
    write(files / f"test{ending}", *rows_of(range(20)))
    asked = load("gsm8k", limit=5)  # zero-shot: there is no train split yet, and none is missed
    with pytest.raises(BenchwarrantError, match=r"'main/train-.* and set exemplars = to it"):
        load("gsm8k", limit=5, shots=True)
    write(files / f"train{ending}", *rows_of(range(10, 30)))  # half of it stands in the test split
    data = load("gsm8k", limit=5, shots=True)
    assert data.items == asked.items
    assert len(data.exemplars) == 8
    assert {int(exemplar.reference) for exemplar in data.exemplars} <= set(range(20, 30))
    assert load("gsm8k", shots=True).exemplars == data.exemplars  # as many as are asked
    assert load("gsm8k", seed=1, shots=True).exemplars != data.exemplars
    asked = load("gsm8k", limit=5, hub={"split": "train"}, shots=True)  # then it shows the others
    assert not {one.key for one in asked.exemplars} & {one.key for one in asked.items}
    assert len(asked.items) == 5 and len(asked.exemplars) == 8
    own = numbered(tmp_path, 3, "few.jsonl", first=50)
    assert len(load("gsm8k", exemplars=own, shots=True).exemplars) == 3


def test_a_hub_out_of_reach_says_which_file_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_hub(tmp_path, monkeypatch)
    with pytest.raises(BenchwarrantError) as caught:
        load("commonsenseqa")
    assert "'data/validation-00000-of-00001.parquet'" in str(caught.value)
    assert "dataset 'tau/commonsense_qa' and set path =" in str(caught.value)
    assert "\n" not in str(caught.value) and "http" not in str(caught.value)


# Bad files

GOOD = {"question": "1+1?", "answer": "#### 2"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"question": "1?", "solution": "x"}, "no column 'answer'; found: question, solution"),
        ({"question": " ", "answer": "#### 1"}, "'question' is empty"),
        ({"question": "1?", "answer": "#### "}, "\"answer after '####'\" is empty"),
        ({"question": "1?", "answer": "one"}, "'answer' has no '####' before the final answer"),
        ({"question": ["1?"], "answer": "#### 1"}, "'question' is list, expected text"),
        ({"id": "1", **GOOD}, "the key '1' stands at "),
        ([1, 2], "expected an object, found list"),
    ],
)
@pytest.mark.parametrize(("ending", "place"), [(".jsonl", "line 2"), (".json", "row 2")])
def test_a_bad_row_of_gsm8k_is_named(
    tmp_path: Path, bad: Any, message: str, ending: str, place: str
) -> None:
    path = write(tmp_path / f"test{ending}", GOOD, bad)
    with pytest.raises(BenchwarrantError) as caught:
        load("gsm8k", path)
    assert str(caught.value).startswith(f"{path}, {place}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (hub_row(answerKey="4"), ": the answer key '4' is not among the options 1, 2, 3"),
        (hub_row(answerKey=""), ": 'answerKey' is empty"),
        (hub_row(answerKey=True), ": 'answerKey' is bool, expected text"),
        (hub_row(choices={"label": ["A", "A"], "text": ["x", "y"]}), ": two options have the same"),
        (hub_row(choices={"label": ["A"], "text": ["x", "y"]}), ": 'choices' has 1 labels and 2"),
        (hub_row(choices={"label": ["A"]}), ", in 'choices': no column 'text'; found: label"),
        (hub_row(choices="A or B"), ": 'choices' is neither a list of"),
        (hub_row(choices={"label": ["1"], "text": [""]}), ": 'text of 1' is empty"),
        (official_row(question={"choices": []}), ", in 'question': no column 'stem'"),
        (official_row(question={"stem": "?"}), ", in 'question': no column 'choices'; found: stem"),
        (official_row(id="x0"), ": the key 'x0' stands at "),
        (one_string_row(answer="answer3"), ": the answer key '3' is not among the options 1, 2"),
        (one_string_row(instruction="Frozen water?"), ": 'instruction' is not 'question Answer1:"),
        ({"q": 1}, ": no column 'question'; found: q"),
    ],
)
def test_a_bad_row_of_choices_is_named(tmp_path: Path, bad: Any, message: str) -> None:
    path = write(tmp_path / "test.jsonl", hub_row(id="x0"), bad)
    with pytest.raises(BenchwarrantError) as caught:
        load("arc-easy", path)
    assert str(caught.value).startswith(f"{path}, line 2{message}")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            [{"id": "a", "answerKey": "B"}],
            "row 1: the official key is 'B', but the answer 'answer1'",
        ),
        (
            [{"id": "a", "answerKey": "C"}],
            "row 1: the answer key 'C' is not among the options A, B",
        ),
        ([{"id": "a", "answerKey": "A"}] * 2, "key.jsonl: 2 keys for 1 rows; give the key to"),
        ([{"id": "a"}], "key.jsonl, line 1: no column 'answerKey'; found: id"),
    ],
)
def test_an_answer_key_that_does_not_fit_is_refused(
    tmp_path: Path, keys: list[Any], message: str
) -> None:
    path = write(tmp_path / "test.json", one_string_row())
    write(tmp_path / "key.jsonl", *keys)
    with pytest.raises(BenchwarrantError, match=message):
        load("arc-easy", path, options={"answer_key": "key.jsonl"})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"question": 1}\n{oops\n', "a.jsonl, line 2: not JSON"),
        ("a.json", b'[\n{"question":\n', "a.json, line 3: not JSON"),
        ("a.json", b"{}", "a.json: expected a list of objects"),
        ("a.csv", b"question,answer\nQ\n", "a.csv, line 2: expected 2 fields, as in the header"),
        ("a.csv", b"question,answer\nQ,#### 1,x\n", "a.csv, line 2: expected 2 fields"),
        ("a.jsonl", b"\n\n", "a.jsonl: no rows"),
        ("a.jsonl", '{"question": "é"}'.encode("latin-1"), "a.jsonl: not UTF-8"),
        ("a.txt", b"x", "a.txt: cannot read '.txt'; known: .jsonl, .json, .csv, .parquet"),
        ("a.parquet", b"not parquet", "a.parquet: not a parquet file"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BenchwarrantError) as caught:
        load("gsm8k", path)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchwarrantError, match=r"none\.jsonl: no such file"):
        load("gsm8k", tmp_path / "none.jsonl")


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode() + b"\n\n" + json.dumps(GOOD).encode()
    )
    assert [item.key for item in load("gsm8k", path).items] == ["1", "2"]
