"""Choices: by label, by text, by both; what contradicts itself is no answer."""

import pytest

from judges.choices import rule_choice
from samples.errors import BenchwarrantError
from samples.records import Item

SHOPS = (
    ("A", "bank"),
    ("B", "library"),
    ("C", "train station"),
    ("D", "mall"),
    ("E", "the harbour"),
)
WEATHER = (("1", "snow"), ("2", "rain"), ("3", "sand"))
SUMS = (("A", "x + 1"), ("B", "x - 1"), ("C", "3"))
INLINE = "(A) bank (B) library (C) train station (D) mall (E) the harbour"
LINES = "A. bank\nB. library\nC. train station\nD. mall\nE. the harbour"
UNREAD = "unparsable"
AMBIGUOUS = "ambiguous"


def item(reference, choices=SHOPS):
    return Item("t", "k", "Where do people borrow books?", (reference,), "choice", choices)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("B", True),
        ("b", True),
        ("(B)", True),
        ("**B**", True),
        ("B) library", True),
        ("library", True),
        ("the Library.", True),
        (r"\boxed{\text{B}}", True),
        ("The answer is B.", True),
        ("The answer is:\n\nB", True),
        ("The answer is (B) library.", True),
        ("The answer is the library (B).", True),
        ("The answer is library because people read there, not in a bank.", True),
        ("The correct option is B because people read, and A is a bank.", True),
        ("The answer is B, not A.", True),
        ("The answer is not A. It is B.", True),
        ("It can't be (A). It must be (B).", True),
        ("I would choose option B", True),
        ("People read (C) books.\nSolution: Choice_B", True),
        ("Answer: A library", True),
        ("A library is where people go.", True),
        ("You find it in the library.", True),
        ("B\n\nExplanation: (A) is wrong, and so is (C).", True),
        ("B. library\nA bank has none. Option A is wrong.", True),
        (f"{INLINE}\nSo it is (B).", True),
        (f"{LINES}\n\nB", True),
        ("E", False),
        ("A", False),
        ("The answer is E.", False),
        ("Answer: A", False),
        ("(A) is the best. (B) is not correct.", False),
        (INLINE, UNREAD),
        (LINES, UNREAD),
        ("The answer is (B) mall.", AMBIGUOUS),
        ("The answer is A or B.", AMBIGUOUS),
        ("It is either A, B, or C.", AMBIGUOUS),
        ("The answer is B or maybe C", AMBIGUOUS),
        ("Both A and B", AMBIGUOUS),
        ("bank or library", AMBIGUOUS),
        ("So (A) bank, (B) library, and (C) are all possible.\nHm.", AMBIGUOUS),
        ("The answer is BD.", AMBIGUOUS),
        ("The answer is F.", UNREAD),
        ("Among A through E, the answer is (F).", UNREAD),
        ("I do not know.", UNREAD),
        ("", UNREAD),
    ],
)
def test_letters(text, value):
    ruling = rule_choice(text, item("B"))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", True),
        ("(2) rain", True),
        ("rain", True),
        ("The answer is 2 because rain falls", True),
        ("The answer is 3", False),
        ("B", UNREAD),
    ],
)
def test_digits_as_labels(text, value):
    ruling = rule_choice(text, item("2", WEATHER))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling


def test_options_that_differ_in_a_sign_are_different():
    assert rule_choice("The answer is x - 1.", item("B", SUMS)).value is True
    assert rule_choice("The answer is x + 1.", item("B", SUMS)).value is False


def test_the_reference_may_be_the_text_of_an_option():
    assert rule_choice("B", item("library")).value is True
    with pytest.raises(BenchwarrantError, match="'F' is not among the options A, B, C, D, E"):
        rule_choice("B", item("F"))


def test_without_known_options_letters_are_options():
    assert rule_choice("The answer is (B).", item("B", ())).value is True
    assert rule_choice("The answer is (C).", item("B", ())).value is False


def test_a_contradiction_names_the_options():
    ruling = rule_choice("The answer is (B) mall.", item("B"))
    assert ruling.reason == "several options after 'answer is': B, D"
