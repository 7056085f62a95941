"""Problems that are worked out to a number or an expression, such as GSM8K (Cobbe et al. 2021).

The answer has a column of its own, or stands at the end of the worked solution: after a mark such
as ``####``, or in its last ``\\boxed{}``.
"""

import re

from samples.records import Item
from samples.tasks.rows import Row, Shape, as_text, with_rationale

BOX = "\\boxed"
CALCULATOR_MARK = re.compile(r"<<[^<>]*>>")
FINAL_LINE = re.compile(r"\s*^####.*\Z", re.MULTILINE | re.DOTALL)
# What a number is compared as; another answer, such as an expression, is of type "math".
NUMBER = re.compile(r"[-+]?[$€£]?\d[\d,]*(?:\.\d+)?\s?%?|[-+]?\d+/[1-9]\d*|None")
WHOLE = re.compile(r"([-+]?\d+)\.0+")


def item(row: Row, shape: Shape, task: str, key: str) -> Item:
    """The problem with its final answer; the worked solution is kept as the rationale."""
    answer, solution = shape.text(row, "answer"), shape.rationale(row)
    after = shape.settings.get("after")
    if after:
        before, answer = _split(row, shape, answer, after)
        solution = solution or before
    if whole := WHOLE.fullmatch(answer):
        answer = whole[1]
    wanted = shape.settings.get("answer_type", "number")
    solution = FINAL_LINE.sub("", CALCULATOR_MARK.sub("", solution)).strip()
    return Item(
        task=task,
        key=key,
        question=shape.question(row),
        references=(answer,),
        answer_type=wanted if NUMBER.fullmatch(answer) else "math",
        meta=with_rationale(shape.meta(row), solution),
    )


def _split(row: Row, shape: Shape, text: str, after: str) -> tuple[str, str]:
    """What stands before the mark, and the answer after it."""
    column = shape.names("answer")[0]
    before, mark, final = text.rpartition(after)
    if not mark:
        raise row.error(f"{column!r} has no {after!r} before the final answer")
    if after != BOX:
        return before, as_text(row, f"{column} after {after!r}", final)
    content = _in_braces(final)
    if content is None:
        raise row.error(f"{column!r} has a {BOX} whose braces do not close")
    return text, as_text(row, f"{column} in {BOX}", content)


def _in_braces(text: str) -> str | None:
    """What stands in the braces that a text begins with; None where they do not close."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return text[1:place] if place else None
    return None
