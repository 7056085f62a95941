"""Where the final answer stands, and the text around it, also in real answers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from real_answers import Answer, gpt3, rho

from annotator.passages import (
    MOST_RENDERED,
    blocks,
    final_answer,
    final_markdown,
    parts,
    shortened,
)
from judges.answers import LIMIT, prepare
from judges.plain import plain
from samples.records import Item

ITEM = Item("sums", "1", "What is 40 and 2 together?", ("42",), "number")
CHOICE = Item("c", "1", "Which?", ("A",), "choice", (("A", "x"), ("B", "y")))
PIECES = [
    "The answer is ",
    r"\boxed{",
    "}",
    "42",
    ".",
    "\n",
    "\n\n",
    "#### ",
    "−",
    "“",
    "```\n",
    " ",
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So it is. The answer is 42.", "42"),
        ("The answer is **42**.\nBye", "42**"),
        ("x\n#### 42\n", "42"),
        (r"So \boxed{ 42 }.", "42"),
        (r"\boxed{1} and \boxed{2}", r"1} and \boxed{2"),
        (r"First \boxed{1}. No: \boxed{\frac{1}{2}} it is", r"\frac{1}{2}"),
        ("The answer is −4 “units”.", "−4 “units”"),
        ("I do not know", None),
        ("", None),
    ],
)
def test_final_answer(text: str, answer: str | None) -> None:
    span = final_answer(text, ITEM)
    assert (span and text[slice(*span)]) == answer


def test_the_place_is_right_in_a_long_text() -> None:
    text = "word " * LIMIT + "The answer is 42. " + "So." * 10
    assert text[slice(*final_answer(text, ITEM) or (0, 0))] == "42"


@given(TEXTS)
def test_the_place_is_within_the_text_and_its_parts_are_the_text(text: str) -> None:
    for item in (ITEM, CHOICE):
        span = final_answer(text, item)
        found = parts(text, item)
        assert found.before + found.final + found.after == text
        assert found.marked == (span is not None)
        if span is not None:
            assert 0 <= span[0] < span[1] <= min(len(text), span[0] + 200)
            assert "\n" not in text[slice(*span)]
            assert found.span is not None
            assert found.final[slice(*found.span)] == text[slice(*span)]
        final_markdown(found)


@given(TEXTS)
def test_blocks_are_all_of_the_text(text: str) -> None:
    found = blocks(text)
    assert "".join(text[a:b] for a, b in found) == text
    assert all(text[a:b].strip() for a, b in found) or not text.strip()


def test_no_block_ends_within_code_or_a_formula() -> None:
    text = "a\n\n```\nb\n\nc\n```\n\n$$\nd\n\ne\n$$\n\nf"
    wanted = ["a\n\n", "```\nb\n\nc\n```\n\n", "$$\nd\n\ne\n$$\n\n", "f"]
    assert [text[a:b] for a, b in blocks(text)] == wanted


def test_parts() -> None:
    found = parts("Why.\n\nSo the answer is 42.\n\nBye.", ITEM)
    assert (found.before, found.final, found.after) == (
        "Why.\n\n",
        "So the answer is 42.\n\n",
        "Bye.",
    )
    assert ":orange-background[42]" in final_markdown(found)
    found = parts("Why.\n\nIt is so", ITEM)
    assert (found.before, found.final, found.marked) == ("Why.\n\n", "It is so", False)


def test_a_long_text_shows_its_final_part_first() -> None:
    text = "A paragraph of words.\n\n" * 400 + "The answer is 42.\n\n" + "More of it.\n\n" * 400
    shown = shortened(parts(text, ITEM))
    kept = shown.parts
    assert kept.final == "The answer is 42.\n\n"
    assert kept.before.startswith("A paragraph")
    size = len(kept.before + kept.final + kept.after)
    assert 3900 < size <= 4000
    assert shown.hidden == len(text) - size
    assert not shown.raw
    assert kept.before + kept.final + kept.after in text


def test_one_endless_block_is_cut_around_the_answer() -> None:
    text = "word " * 5000 + "The answer is 42. " + "word " * 2000
    shown = shortened(parts(text, ITEM), limit=1000)
    assert shown.raw is (len(text) > MOST_RENDERED)
    assert 700 < len(shown.parts.final) <= 1000
    assert shown.parts.final in text
    assert shown.parts.span is not None
    assert shown.parts.final[slice(*shown.parts.span)] == "42"


@given(TEXTS, st.integers(20, 60))
def test_what_is_shown_first_is_one_stretch_within_the_limit(text: str, limit: int) -> None:
    shown = shortened(parts(text, ITEM), limit)
    kept = shown.parts.before + shown.parts.final + shown.parts.after
    assert kept in text
    assert len(kept) <= limit
    assert shown.hidden == len(text) - len(kept)


def _agrees(text: str, item: Item) -> bool:
    """Whether the place holds what the reader's last mark says."""
    given = prepare(text, item)
    span = final_answer(text, item)
    if not given.marks or span is None:
        return not given.marks and span is None
    words = given.marks[-1].text.partition("\n")[0].strip()[:200].rstrip()
    return plain(text[slice(*span)]) == words or ", " in words


@pytest.mark.parametrize(
    ("read", "folder"), [(rho, "outputs_gsm8k_rho_1b"), (gpt3, "outputs_gsm8k_gpt3_6b_175b")]
)
def test_real_answers_of_small_models(
    read: Callable[[Path], Iterator[Answer]], folder: str, shared_data: Callable[[str], Path]
) -> None:
    answers = list(read(shared_data(folder)))
    assert len(answers) > 1000
    assert [a.text for a in answers if not _agrees(a.text, a.item)] == []
    with_place = sum(final_answer(a.text, a.item) is not None for a in answers)
    assert with_place > 0.9 * len(answers)


def test_real_boxed_answers(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("task_math500")
    rows = [json.loads(line) for line in (folder / "math500.jsonl").read_text().splitlines()]
    right = 0
    for row in rows:
        item = Item("math-500", row["unique_id"], row["problem"], (row["answer"],), "math")
        span = final_answer(row["solution"], item)
        assert span is not None
        assert _agrees(row["solution"], item)
        right += row["solution"][slice(*span)] == row["answer"]
    assert right > 0.95 * len(rows)
