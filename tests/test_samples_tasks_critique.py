"""Solutions to be judged: numbered steps, the reference's fixed form, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from samples.errors import BenchwarrantError
from samples.records import Item
from samples.tasks import TaskOptions, load_task
from samples.tasks.critique import three_lines


def one(tmp_path: Path, row: Any, ending: str = "jsonl", **block: Any) -> Item:
    path = tmp_path / f"rows.{ending}"
    with path.open("w", encoding="utf-8", newline="") as file:
        if ending == "csv":
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
            writer.writerow(row)
        else:
            file.write(json.dumps(row))
    return load_task(TaskOptions("mine", path=path, **block), "critique").items[0]


def refused(tmp_path: Path, row: Any) -> str:
    with pytest.raises(BenchwarrantError) as caught:
        one(tmp_path, row)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path / 'rows.jsonl'}, line 1")


def solution(**changes: Any) -> dict[str, Any]:
    row = {
        "question": "1 + 1 + 1?",
        "steps": ["Step 1: 1 + 1 = 2", "so far", "Step 2: 2 + 1 = 4"],
        "correctness": "wrong",
        "wrong_step": 2,
        "reason": "It is\n3.",
    }
    return {**row, **changes}


@pytest.mark.parametrize(
    ("changes", "references"),
    [
        ({}, ("incorrect; first wrong step: 2; reason: It is 3.",)),
        ({"correctness": "Correct", "wrong_step": "N/A", "reason": "N/A"}, ("correct",)),
        ({"wrong_step": "2.0"}, ("incorrect; first wrong step: 2; reason: It is 3.",)),
        (
            {"reason": ["It is 3.", "Wrong sum."]},
            (
                "incorrect; first wrong step: 2; reason: It is 3.",
                "incorrect; first wrong step: 2; reason: Wrong sum.",
            ),
        ),
        (
            {"steps": "x = 1\nx = 2\n", "wrong_step": "x = 2"},
            ("incorrect; first wrong step: 2; reason: It is 3.",),
        ),
        (  # the line stands there twice, and the data does not say which is meant
            {"steps": "x = 1\ny = 1\n  x = 1", "wrong_step": "x = 1 "},
            (
                "incorrect; first wrong step: 1; reason: It is 3.",
                "incorrect; first wrong step: 3; reason: It is 3.",
            ),
        ),
    ],
)
def test_a_critique_says_which_step_is_wrong_and_why(
    tmp_path: Path, changes: Any, references: tuple[str, ...]
) -> None:
    item = one(tmp_path, solution(**changes))
    assert (item.references, item.answer_type) == (references, "critique")


def test_steps_are_shown_with_their_numbers(tmp_path: Path) -> None:
    own = one(tmp_path, solution(options="A: 2\nB: 3"), columns={"options": "options"})
    assert own.question == (
        "1 + 1 + 1?\n\nA: 2\nB: 3\n\nSolution to check:\n"
        "Step 1: 1 + 1 = 2\nso far\nStep 2: 2 + 1 = 4"
    )
    steps = repr(solution()["steps"])  # as a CSV file holds a list
    assert one(tmp_path, solution(steps=steps), ending="csv").question.endswith(
        "Solution to check:\nStep 1: 1 + 1 = 2\nso far\nStep 2: 2 + 1 = 4"
    )
    lines = one(tmp_path, solution(steps="x = 1\n\n  y = 2", wrong_step=3))
    assert lines.question.endswith("check:\nStep 1: x = 1\nStep 2:\nStep 3:   y = 2")


def test_one_model_may_solve_a_question_twice(tmp_path: Path) -> None:
    rows = {"u1": [solution(id="u1"), solution(id="u1")], "u2": [solution(id="u2")]}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    items = load_task(TaskOptions("mine", path=path), "critique").items
    assert [item.key for item in items] == ["u1", "u1:2", "u2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correctness": "so-so"}, ": 'correctness' is 'so-so', expected correct or wrong"),
        ({"wrong_step": 3}, ": 'wrong_step' is 3, but the solution has no such step"),
        ({"wrong_step": "N/A"}, ": 'wrong_step' is 'N/A', which is neither a number nor a step"),
        ({"wrong_step": None}, ": 'wrong_step' is NoneType, expected text"),
        ({"reason": ""}, ": 'reason' is empty"),
        ({"reason": []}, ": 'reason' is empty"),
        ({"steps": []}, ": 'steps' is empty"),
        ({"steps": 3}, ": 'steps' is int, expected a list of steps or a text"),
    ],
)
def test_a_bad_critique_is_named(tmp_path: Path, changes: Any, message: str) -> None:
    assert refused(tmp_path, solution(**changes)).startswith(message)


def test_a_reference_is_said_in_three_lines() -> None:
    assert three_lines("incorrect; first wrong step: 2; reason: a; b") == (
        "Solution correctness: incorrect\nFirst wrong step: 2\nReason: a; b"
    )
    assert three_lines("correct") == (
        "Solution correctness: correct\nFirst wrong step: none\nReason: none"
    )
