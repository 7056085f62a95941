"""What is left of a text without its thoughts, and that none of them is taken for an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.spoken import TAG, spoken

OPENS = "<|im_start|>assistant\n<think>\n"
CLOSED = "<|im_start|>assistant\n<think>\n\n</think>\n\n"  # what enable_thinking = false writes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The answer is 5.", "The answer is 5."),
        ("  kept as it is \n", "  kept as it is \n"),
        ("", ""),
        ("<think>2 + 3 is 5, or 6?</think>\n\nThe answer is 5.", "The answer is 5."),
        ("<think></think>5", "5"),
        ("<think>\n\n</think>\n\n5\n", "5"),
        ("<THINK>6</Think>5", "5"),
        ("<thinking>6</thinking>5", "5"),
        ("Sure. <think>6</think>It is 5.", "Sure. It is 5."),
        ("<think>6</think>5, wait. <think>7</think>It is 8.", "5, wait. It is 8."),
        ("It is 6.</think>\n\nThe answer is 5.", "The answer is 5."),  # opened by the template
        ("<think>In <think> tags: 6</think> 7 </think>5", "5"),  # tags among the thoughts
        ("<think>The answer is 6.", ""),
        ("<think>6</think>The answer is 5. <think>Or is it 7?", ""),
        ("The answer is 6.</think>", ""),
        ("</think><think>The answer is 6.</think>", ""),
        ("I think <b>5</b>, thinking about it.", "I think <b>5</b>, thinking about it."),
    ],
)
def test_thoughts_are_left_out(text: str, said: str) -> None:
    assert spoken(text) == said


@pytest.mark.parametrize(
    ("text", "prompt", "said"),
    [
        ("The answer is 6. Wait", OPENS, ""),  # cut off among its thoughts
        ("6?</think>The answer is 5.", OPENS, "The answer is 5."),
        ("<think>6?</think>The answer is 5.", OPENS, "The answer is 5."),  # opened twice
        ("The answer is 5.", CLOSED, "The answer is 5."),
        ("The answer is 5.", "What does <think> mean?\nassistant\n", "The answer is 5."),
        ("The answer is 5.", '[{"content":"<think>","role":"user"}]', "The answer is 5."),
        ("The answer is 5.", None, "The answer is 5."),
    ],
)
def test_a_block_may_be_opened_by_the_prompt(text: str, prompt: str | None, said: str) -> None:
    assert spoken(text, prompt) == said


PIECES = st.lists(st.sampled_from(["<think>", "</think>", "a", "b ", "\n"]), max_size=12)


@given(PIECES)
def test_no_tag_is_left_and_nothing_is_made_up(pieces: list[str]) -> None:
    text = "".join(pieces)
    said = spoken(text)
    assert not TAG.search(said)
    assert said == text or spoken(said) == said
    left = iter(text)
    assert all(letter in left for letter in said)  # a subsequence of the text
