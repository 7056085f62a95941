"""Responses that give no answer have a name of their own."""

import pytest

from judges.answers import Ruling
from judges.outcomes import loop, name_outcome
from judges.rules import RULES
from samples.records import Item

NUMBER = Item("t", "n", "How many apples does Anna have?", ("12",), "number")
CHOICE = Item("t", "c", "Where?", ("B",), "choice", (("A", "bank"), ("B", "mall")))
LIST = Item("t", "s", "Sort these numbers: [5, 3, 1]", ("[1, 3, 5]",), "sequence")


@pytest.mark.parametrize(
    ("item", "text", "outcome"),
    [
        (NUMBER, "", "degenerate"),
        (NUMBER, " \n\t", "degenerate"),
        (NUMBER, "!!!???...", "degenerate"),
        (NUMBER, "She has " + "apples and pears and " * 12, "degenerate"),
        (NUMBER, "5 " * 40, "degenerate"),
        (NUMBER, "So she has 7 more. " * 9 + "So she ha", "degenerate"),
        (NUMBER, "```python\nprint(5)\n```", "degenerate"),
        (NUMBER, "def f(x):\n  return x\nprint(f(5))", "degenerate"),
        (CHOICE, "import os\nfor a in b:\n  print(a)", "degenerate"),
        (LIST, "x = [5, 3, 1]\nx.sort()\nprint(x)", "degenerate"),
        (NUMBER, "I'm sorry, but I cannot help with that.", "refusal"),
        (NUMBER, "As an AI language model, I don't do sums. There are 3 reasons.", "refusal"),
        (NUMBER, "I don't know.", "refusal"),
        (CHOICE, "I cannot answer this question.", "refusal"),
        (LIST, "I am unable to process lists.", "unparsable"),
        (LIST, "I am not able to provide that.", "refusal"),
        (NUMBER, "The answer is 5 or 7.", "ambiguous"),
        (CHOICE, "A or B", "ambiguous"),
        (NUMBER, "Apples are nice.", "unparsable"),
        (NUMBER, "The answer is 12. The answer is 12. " * 9, True),
        (NUMBER, "I don't know the price yet, so let it be x. 3x = 36, so x = 12.", True),
        (NUMBER, "12", True),
        (NUMBER, "I can't say this is easy.\nThe answer is 12.", True),
        (CHOICE, "B", True),
    ],
)
def test_what_is_no_answer_is_named(item, text, outcome):
    ruling = name_outcome(RULES[item.answer_type](text, item), text)
    assert (ruling.value if ruling.failure is None else ruling.failure) == outcome, ruling
    assert ruling.reason


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("no no no", ""),
        ("2000000", ""),
        ("A banana and an ananas", ""),
        ("ab " * 9, "ab"),
        ("x" + "1" * 24, "1"),
        ("A sentence that is repeated. " * 5, "A sentence that is repeated."),
        ("A sentence that is repeated. " * 4, ""),
        ("." * 100, ""),
    ],
)
def test_a_loop_is_four_rounds_and_24_characters(text, unit):
    found = loop(text.strip())
    assert sorted(found.replace(" ", "")) == sorted(unit.replace(" ", ""))


def test_an_announced_answer_stands_whatever_follows_it():
    ruling = Ruling(True, None, "12", "read 12 after 'answer is'")
    assert name_outcome(ruling, "The answer is 12." + " la" * 100) is ruling
