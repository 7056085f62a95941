"""Solutions in steps: by their own numbers, else by paragraphs, lines or sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.steps import MOST_STEPS, steps

PIECES = ["Step 1: a", "2. b", "1) c", "\n", "\n\n", "```\n", "**Step 2** d", ". ", "x", "$$", " "]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Step 1: a\nb\nStep 2: c", ["Step 1: a\nb\n", "Step 2: c"]),
        ("So:\n\n1. a\n\n2. b\n3. c", ["So:\n\n1. a\n\n", "2. b\n", "3. c"]),
        ("1) a\n2) b", ["1) a\n", "2) b"]),
        ("**Step 1** a\n\nmore\n\n### Step 2\nb", ["**Step 1** a\n\nmore\n\n", "### Step 2\nb"]),
        ("a\n\nb\n\nc", ["a\n\n", "b\n\n", "c"]),
        ("a\nb\nc", ["a\n", "b\n", "c"]),
        ("He has 3. She has 4.", ["He has 3.", " She has 4."]),
        ("One sentence", ["One sentence"]),
        ("2. only\n7. far", ["2. only\n", "7. far"]),
        ("```\na\n\nb\n```\n\nc", ["```\na\n\nb\n```\n\n", "c"]),
        ("", []),
        (" \n", []),
    ],
)
def test_steps(text: str, wanted: list[str]) -> None:
    assert steps(text) == wanted


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=60).map("".join))
def test_every_sign_belongs_to_one_step(text: str) -> None:
    found = steps(text)
    assert "".join(found) == (text if text.strip() else "")
    assert len(found) <= MOST_STEPS
    assert all(step.strip() for step in found)


def test_the_tail_is_one_step() -> None:
    found = steps("\n".join(f"{n}. x" for n in range(1, 100)))
    assert len(found) == MOST_STEPS
    assert found[-1].startswith("24. x\n25. x")
    assert found[-1].endswith("99. x")
