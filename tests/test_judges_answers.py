"""Where a text gives its final answer."""

import pytest

from judges.answers import (
    LIMIT,
    blank_code,
    find_marks,
    last_sentence,
    normalise,
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


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("```python\nx = [2, 1]\n```\n[1, 2]", "[1, 2]"),
        ("```\n[1, 2]\n```", "[1, 2]"),
        ("x = [2, 1]\nx.sort()\nprint(x)", ""),
        ("x = 5", "x = 5"),
        ("```\ndef f():\n  return [2, 1]", ""),
    ],
)
def test_code_is_blanked_but_not_a_fenced_answer(text, kept):
    blanked = blank_code(text)
    assert len(blanked) == len(text)
    assert blanked.replace("```", "").strip() == kept


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("The United States", "united states.", True),
        ("São Paulo", "Sao Paulo", True),
        ("farmer's", "farmer\u2019s", True),
        ("1,000", "1000", True),
        ("1,2", "12", False),
        ("x + 1", "x - 1", False),
        ("-5", "5", False),
        ("C++", "C", False),
        ("50%", "50", False),
        ("a", "the", False),
    ],
)
def test_normalised_texts(a, b, same):
    assert (normalise(a) == normalise(b)) is same


def test_the_last_sentence():
    assert last_sentence("He has $5.50. So he is rich. \n") == "So he is rich."
    assert last_sentence("") == ""


def test_responses_without_text_are_refused_with_their_number():
    rubric = Rubric("r", "Right?", ("no", "yes"))
    cases = [
        Case(ITEM, Response(ITEM.id, "m", "s", "cot", n, text, finish), rubric)
        for n, (text, finish) in enumerate([("8", "stop"), (None, "stop"), (None, "too_long")])
    ]
    with pytest.raises(BenchwarrantError, match="1 of 3 responses have no text"):
        require_texts("rules", cases)
    require_texts("rules", [cases[0], cases[2]])
