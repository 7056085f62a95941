"""Questions with options to choose from, in the shapes that datasets hold the options in.

two lists       {"label": ["A", "B"], "text": ["ice", "steam"]}, as on the hub
a list          of {"label", "text"}, or of texts, with or without "A)" before them
an object       {"A": "ice", "B": "steam"}
columns         one for each option
one string      "... Answer1: ice Answer2: steam", as LLM-Adapters has it: the column of the choices
                is that of the question. The option ``answer_key`` names a file beside it with the
                official ids and keys, row by row
"""

import re
from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from samples.records import Item
from samples.tasks.rows import Row, Shape, as_text, check_distinct, unfolded, with_rationale

LEAD = re.compile(r"Please choose the correct answer to [^:]{1,80}:")
OPTION = re.compile(r"\b(?:Answer|Option)(\d+):")
NAMED = re.compile(r"(?:answer|option)(\d+)", re.IGNORECASE)
LETTERED = re.compile(r"\s*\(?([A-Z])[).:](.*)", re.DOTALL)

Pairs = list[tuple[str, str]]


def item(row: Row, shape: Shape, task: str, key: str) -> Item:
    """The question with its options as labelled in the file; ARC's labels 1–4 stay as they are."""
    one_string = shape.columns["choices"] == shape.columns["question"]
    stem, pairs = _split(row, shape) if one_string else (None, _offered(row, shape))
    check_distinct(row, (label for label, _ in pairs))
    place = _chosen(row, shape, pairs)
    if shape.has("official", row):
        pairs = _relabelled(row, shape, pairs, place)
    label, text = pairs[place]
    twins = [other for other, same in pairs if same == text and other != label]
    return Item(
        task=task,
        key=key,
        question=shape.question(row, stem),
        references=(label, *twins),  # an option of the same text is as right
        answer_type="choice",
        choices=tuple(pairs),
        meta=with_rationale(shape.meta(row), shape.rationale(row)),
    )


def _offered(row: Row, shape: Shape) -> Pairs:
    columns = shape.names("choices")
    if len(columns) > 1:
        return list(zip(_endings(columns), map(row.text, columns), strict=True))
    name, choices = columns[0], unfolded(row.value(columns[0]))
    pairs: list[tuple[Any, Any]]
    if isinstance(choices, Mapping) and {"label", "text"} & choices.keys():
        both = Row(row.number, f"{row.where}, in {name!r}", choices)
        labels, texts = both.value("label"), both.value("text")
        if not isinstance(labels, list) or not isinstance(texts, list):
            raise row.error(f"{name!r} does not hold two lists, of labels and of texts")
        if len(labels) != len(texts):
            raise row.error(f"{name!r} has {len(labels)} labels and {len(texts)} texts")
        pairs = list(zip(labels, texts, strict=True))
    elif isinstance(choices, Mapping):
        pairs = list(choices.items())
    elif isinstance(choices, list) and all(isinstance(choice, Mapping) for choice in choices):
        each = [Row(row.number, f"{row.where}, in {name!r}", choice) for choice in choices]
        pairs = [(choice.value("label"), choice.value("text")) for choice in each]
    elif isinstance(choices, list) and len(choices) <= len(ascii_uppercase):
        pairs = _lettered(choices)
    else:
        raise row.error(
            f"{name!r} is neither a list of options nor {{label: [], text: []}} nor {{A: text}}"
        )
    if not pairs:
        raise row.error(f"{name!r} is empty")
    return [(as_text(row, "label", a), as_text(row, f"text of {a}", b)) for a, b in pairs]


def _lettered(texts: list[Any]) -> list[tuple[Any, Any]]:
    """Options without labels get letters; those that have them in the text lose them there."""
    found = [LETTERED.fullmatch(text) if isinstance(text, str) else None for text in texts]
    own = [match[1] if match else "" for match in found]
    if own == list(ascii_uppercase[: len(texts)]):
        texts = [match[2] for match in found if match]
    return list(zip(ascii_uppercase, texts, strict=False))


def _endings(columns: list[str]) -> list[str]:
    """What tells the columns apart, if it is a letter or number: "1" of "option1"; or A, B, C."""
    start = 0
    while start < min(map(len, columns)) and len({column[start] for column in columns}) == 1:
        start += 1
    labels = [column[start:].upper() for column in columns]
    if all(label.isdigit() or (len(label) == 1 and label.isalpha()) for label in labels):
        return labels
    return list(ascii_uppercase[: len(columns)])


def _split(row: Row, shape: Shape) -> tuple[str, Pairs]:
    """The question and the options of one string."""
    column = shape.names("question")[0]
    stem, *parts = OPTION.split(LEAD.sub("", row.text(column)).rpartition("Answer format:")[0])
    numbers, texts = parts[::2], parts[1::2]
    if not numbers or numbers != [str(n) for n in range(1, len(numbers) + 1)]:
        raise row.error(f"{column!r} is not 'question Answer1: ... Answer2: ... Answer format:'")
    offered = zip(numbers, texts, strict=True)
    return as_text(row, column, stem), [(n, as_text(row, f"text of {n}", t)) for n, t in offered]


def _chosen(row: Row, shape: Shape, pairs: Pairs) -> int:
    """The place of the right option."""
    answer = shape.text(row, "answer")
    sought = shape.settings.get("answer_is", "label")
    if sought == "index":
        known = [str(n) for n in range(len(pairs))]
    else:
        known = [text if sought == "text" else label for label, text in pairs]
    if sought == "label" and (named := NAMED.fullmatch(answer)):
        answer = named[1]
    if answer not in known:
        what = "answer key" if sought == "label" else f"answer's {sought}"
        raise row.error(f"the {what} {answer!r} is not among the options {', '.join(known)}")
    return known.index(answer)


def _relabelled(row: Row, shape: Shape, pairs: Pairs, place: int) -> Pairs:
    """The options with letters where the official key is one; it must choose the same option."""
    official = shape.text(row, "official")
    labels = [label for label, _ in pairs]
    if not official.isdigit():
        labels = list(ascii_uppercase[: len(pairs)])
    if official not in labels:
        raise row.error(f"the answer key {official!r} is not among the options {', '.join(labels)}")
    if labels.index(official) != place:
        raise row.error(
            f"the official key is {official!r}, but the answer {shape.text(row, 'answer')!r}"
        )
    return [(label, text) for label, (_, text) in zip(labels, pairs, strict=True)]
