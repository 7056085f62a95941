"""Solutions to be judged: MR-GSM8K and MR-Ben (Zeng et al. 2023, 2024).

Is the solution right, which step is the first wrong one, and why? The reference is a text of a
fixed form: "correct", or "incorrect; first wrong step: 3; reason: ...".
"""

import re
from dataclasses import dataclass
from typing import Any

from samples.records import Item
from samples.tasks.rows import Row, Shape, as_text, unfolded

CORRECTNESS = {"correct": True, "right": True, "incorrect": False, "wrong": False}
STEP = re.compile(r"\s*Step\s+(\d+)\b", re.IGNORECASE)
FORM = re.compile(r"incorrect; first wrong step: (\d+); reason: (.+)", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One step of a solution as it is shown; a line that continues a step has no number."""

    number: int | None
    text: str
    shown: str


def item(row: Row, shape: Shape, task: str, key: str) -> Item:
    """The question and the solution in numbered steps; a reference for every reason given."""
    steps = _steps(row, shape)
    offered = row.columns.get(shape.names("options")[0]) if shape.has("options", row) else None
    parts = [
        shape.question(row),
        *([as_text(row, "options", offered)] if offered else []),
        "Solution to check:\n" + "\n".join(step.shown for step in steps),
    ]
    return Item(
        task=task,
        key=key,
        question="\n\n".join(parts),
        references=_references(row, shape, steps),
        answer_type="critique",
        meta=shape.meta(row),
    )


def three_lines(reference: str) -> str:
    """A reference as an answer that says it in the three lines that are asked for."""
    found = FORM.fullmatch(reference)
    said = ("incorrect", *found.groups()) if found else (reference, "none", "none")
    return "Solution correctness: {}\nFirst wrong step: {}\nReason: {}".format(*said)


def _references(row: Row, shape: Shape, steps: list[Step]) -> tuple[str, ...]:
    said = shape.text(row, "correctness")
    right = CORRECTNESS.get(said.lower())
    if right is None:
        raise row.error(f"{shape.names('correctness')[0]!r} is {said!r}, expected correct or wrong")
    if right:
        return ("correct",)
    name, reasons = shape.names("reason")[0], unfolded(shape.value(row, "reason"))
    given = reasons if isinstance(reasons, list) else [reasons]
    found = [" ".join(as_text(row, name, reason).split()) for reason in given]
    if not found:
        raise row.error(f"{name!r} is empty")
    numbers = _wrong_steps(row, shape, steps)
    return tuple(
        f"incorrect; first wrong step: {number}; reason: {reason}"
        for number in numbers
        for reason in dict.fromkeys(found)
    )


def _wrong_steps(row: Row, shape: Shape, steps: list[Step]) -> list[int]:
    """The step's number; where its text is given instead, every step that reads so."""
    name, value = shape.names("wrong_step")[0], shape.value(row, "wrong_step")
    if isinstance(value, str) and not re.fullmatch(r"\s*\d+(\.0)?\s*", value):
        numbered = [(step.number, step.text) for step in steps if step.number is not None]
        same = [n for n, text in numbered if text == value]
        same = same or [n for n, text in numbered if text.strip() == value.strip()]
        if not same:
            raise row.error(f"{name!r} is {value[:40]!r}, which is neither a number nor a step")
        return same
    number = int(float(as_text(row, name, value)))
    if number not in [step.number for step in steps]:
        raise row.error(f"{name!r} is {number}, but the solution has no such step")
    return [number]


def _steps(row: Row, shape: Shape) -> list[Step]:
    """Steps keep the numbers that they begin with; others are numbered line by line."""
    name, value = shape.names("steps")[0], unfolded(shape.value(row, "steps"))
    lines: list[Any] = value.split("\n") if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise row.error(f"{name!r} is {type(value).__name__}, expected a list of steps or a text")
    if not any(line.strip() for line in lines):
        raise row.error(f"{name!r} is empty")
    if STEP.match(lines[0]):
        found = [(STEP.match(line), line) for line in lines]
        return [Step(int(match[1]) if match else None, line, line) for match, line in found]
    return [Step(n, line, f"Step {n}: {line}".rstrip()) for n, line in enumerate(lines, 1)]
