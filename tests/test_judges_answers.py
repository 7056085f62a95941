"""Where a text gives its final answer."""

import pytest

from judges.answers import (
    FORMATS,
    LIMIT,
    answer_format,
    blank_prompt,
    find_marks,
    prepare,
    require_texts,
)
from samples.errors import BenchwarrantError
from samples.records import Case, Item, Response, Rubric

QUESTION = "Anna has 5 apples and buys 3. How many has she?"
ITEM = Item("t", "k", QUESTION, ("8",), "number")


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("The answer is 8.", ["8"]),
        ("Answer: 8", ["8"]),
        ("**Final answer:** 8", ["8"]),
        ("A: 8", ["8"]),
        ("#### 8", ["8"]),
        ("#### Step 1\nadd", []),
        ("## Answer\n\n8", ["8"]),
        (r"\boxed{8}", ["8"]),
        (r"\boxed{\frac{1}{2}}", [r"\frac{1}{2}"]),
        (r"\boxed{1, 3, 5, 9", ["1, 3, 5, 9"]),
        (r"\boxed{} is where it goes: \boxed{8}", ["8"]),
        (r"\boxed{1} and \boxed{2}", ["1, 2"]),
        (r"\boxed{5} was wrong. The answer is 8.", ["5", "8"]),
        (r"The answer is 5. No: \boxed{8}", ["5", "8"]),
        ("The answer is not 5.", []),
        ("The answer isn't 5.", []),
        ("The answer (arabic numerals) is: \n\n8", ["8"]),
        ("I would choose option B.", ["option B."]),
        ("The sorted list of numbers [2, 1] is [1, 2].", ["[1, 2]"]),
        ("The answer is Mr. Smith.", ["Mr. Smith"]),
        ("They answered.", []),
    ],
)
def test_marks_stand_in_the_order_of_the_text(text, marks):
    assert [mark.text for mark in find_marks(text)] == marks


def test_a_colon_is_an_option_where_there_are_choices():
    choices = Item("t", "k", "Which?", ("A",), "choice", (("A", "8"), ("B", "9")))
    assert prepare("A: 8\nB: 9", choices).marks == ()
    assert prepare("A: 8", ITEM).marks[0].text == "8"


def test_an_echoed_question_is_blanked_and_positions_stay():
    given = prepare(f"{QUESTION} \u22128", ITEM)
    assert len(given.text) == len(QUESTION) + 3
    assert given.text.split() == ["-8"]


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 8.\n\nQuestion: What is 1 + 1?\nThe answer is 2.",
        "8\n\nQ: What is 1 + 1?\nA: 2",
        "She has 8 apples.\n\nQuestion: What is 1 + 1?\nAnswer: 2",
        "8<|im_end|>\n<|im_start|>user\nWhat is 1 + 1?",
        f"Question: {QUESTION}\nThe answer is 8.\n\nQuestion: What is 1 + 1?\nThe answer is 2.",
    ],
)
def test_a_next_question_that_the_model_made_up_is_not_read(text):
    kept = prepare(text, ITEM).text
    assert "8" in kept
    assert "2" not in kept


def test_a_restated_question_does_not_end_the_answer():
    given = prepare("Let's see.\nQuestion: how many apples in all?\nThe answer is 8.", ITEM)
    assert [mark.text for mark in given.marks] == ["8"]


def test_only_the_end_of_a_very_long_text_is_read_and_that_is_said():
    given = prepare("The answer is 5. " + "x " * LIMIT + "The answer is 8.", ITEM)
    assert [mark.text for mark in given.marks] == ["8"]
    assert f"{LIMIT:,}" in given.note


def test_responses_without_text_are_refused_with_their_number():
    rubric = Rubric("r", "Right?", ("no", "yes"))
    cases = [
        Case(ITEM, Response(ITEM.id, "m", "s", "cot", n, text, finish), rubric)
        for n, (text, finish) in enumerate([("8", "stop"), (None, "stop"), (None, "too_long")])
    ]
    with pytest.raises(BenchwarrantError, match="1 of 3 responses have no text"):
        require_texts("rules", cases)
    require_texts("rules", [cases[0], cases[2]])


PROMPT = """Q: Tom has 3 pears and eats one of them.
How many are left?
A: Tom has 3 - 1 = 2 pears left. The answer is 2.

Q: Anna has 5 apples and buys 3. How many has she?
A:"""


def test_a_worked_example_of_the_prompt_is_blanked_out():
    echo = "Q: Tom has 3 pears and eats one of them.\nHow many are left?\n"
    echo += "A: Tom has 3 - 1 = 2 pears left. The answer is 2.\n"
    left = blank_prompt(echo + "So 5 + 3 = 8.", PROMPT)
    assert left.split() == ["So", "5", "+", "3", "=", "8."]
    assert len(left) == len(echo) + 13


@pytest.mark.parametrize("text", ["The answer is 2.", "5 + 3 = 8\nThe answer is 2.", "A:\n2"])
def test_an_answer_like_an_examples_is_an_answer(text):
    assert blank_prompt(text, PROMPT) == text


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (r"So \boxed{8}", "boxed"),
        (r"\boxed{8}. The answer is 8.", "announced"),
        ("5 + 3 = 8\n#### 8", "after ####"),
        ("The answer is 8.", "announced"),
        ("8 apples", "short reply"),
        ("5 + 3 = 8.\nAnna has 8.", "running text"),
        ("x" * 300, "running text"),
        ("", "no text"),
        (QUESTION, "no text"),
    ],
)
def test_the_form_of_an_answer(text, form):
    assert answer_format(text, ITEM) == form
    assert form in FORMATS
