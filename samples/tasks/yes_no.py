"""Questions to be answered with yes or no, such as StrategyQA (Geva et al. 2021)."""

import re
from collections.abc import Mapping
from typing import Any

from samples.records import Item
from samples.tasks.rows import Row, Shape, unfolded, with_rationale

WORDS = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
VERDICT = re.compile(r"\s*(?:yes|no)\b[.,:;]?\s*", re.IGNORECASE)


def item(row: Row, shape: Shape, task: str, key: str) -> Item:
    """The question with "yes" or "no" as its answer, from a truth value, a word, or scores."""
    return Item(
        task=task,
        key=key,
        question=shape.question(row),
        references=(_answer(row, shape),),
        answer_type="yesno",
        meta=with_rationale(shape.meta(row), VERDICT.sub("", shape.rationale(row), count=1)),
    )


def _answer(row: Row, shape: Shape) -> str:
    name, value = shape.names("answer")[0], unfolded(shape.value(row, "answer"))
    if isinstance(value, Mapping):  # BIG-bench: {"Yes": 1, "No": 0}
        best = [answer for answer, score in value.items() if score == 1]
        value = best[0] if len(best) == 1 else value
    word = WORDS.get(_word(value))
    if word is None:
        shown = repr(value) if len(repr(value)) <= 40 else type(value).__name__
        raise row.error(f"{name!r} is {shown}, expected yes or no, true or false")
    return word


def _word(value: Any) -> str:
    return str(value).strip().rstrip(".").lower() if isinstance(value, str | bool) else ""
