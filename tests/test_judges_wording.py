"""Answers in words, and yes or no."""

import pytest

from judges.wording import rule_contains, rule_text, rule_yes_no
from samples.errors import BenchwarrantError
from samples.records import Item

CAPITAL = "What is the capital of France?"
LETTER = 'What is the first letter of the word "apple"?'
UNREAD = "unparsable"
AMBIGUOUS = "ambiguous"


@pytest.mark.parametrize(
    ("text", "question", "reference", "value"),
    [
        ("Paris", CAPITAL, "Paris", True),
        ("paris.", CAPITAL, "Paris", True),
        ("The answer is Paris.", CAPITAL, "Paris", True),
        (r"\boxed{\text{Paris}}", CAPITAL, "Paris", True),
        ("The capital of France is Paris.", CAPITAL, "Paris", True),
        ("Paris is the capital of France.", CAPITAL, "Paris", True),
        ("Paris. It is the capital of France.", CAPITAL, "Paris", True),
        ("The answer is Paris because it is big.", CAPITAL, "Paris", True),
        ("France is a country.\nParis", CAPITAL, "Paris", True),
        ("Reykjav\u00edk", "Capital of Iceland?", "Reykjavik", True),
        ("The first letter of the word apple is A.", LETTER, "a", True),
        ('"A"', LETTER, "a", True),
        ('The opposite of "hot" is "cold".', 'What is the opposite of "hot"?', "cold", True),
        ("London", CAPITAL, "Paris", False),
        ("The capital of France is London.", CAPITAL, "Paris", False),
        ("It is not Paris.", CAPITAL, "Paris", False),
        ("Paris is not the capital of France.", CAPITAL, "Paris", UNREAD),
        ("Paris or London", CAPITAL, "Paris", UNREAD),
        ("London. No, Paris.", CAPITAL, "London", UNREAD),
        ("Paris, Texas", CAPITAL, "Paris", UNREAD),
        ("", CAPITAL, "Paris", UNREAD),
        ("...", CAPITAL, "Paris", UNREAD),
    ],
)
def test_words(text, question, reference, value):
    ruling = rule_text(text, Item("t", "k", question, (reference,)))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling


def test_any_reference_will_do():
    item = Item("t", "k", 'What is the opposite of "big"?', ("small", "little"))
    assert rule_text("Little", item).value is True


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Yes", True),
        ("Yes, it is.", True),
        ("**Yes**", True),
        ("True", True),
        (r"\boxed{yes}", True),
        ("There is no doubt. Therefore, yes.", True),
        ("Yes. But on reflection, the answer is no.", False),
        ("No.", False),
        ("So the answer is no.", False),
        ("Yes. It flies. So, no.", AMBIGUOUS),
        ("Maybe", UNREAD),
        ("", UNREAD),
    ],
)
def test_yes_or_no(text, value):
    ruling = rule_yes_no(text, Item("t", "k", "Is it?", ("yes",), "yesno"))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling


def test_true_and_false_are_yes_and_no():
    assert rule_yes_no("No.", Item("t", "k", "Is it?", ("False",), "yesno")).value is True
    with pytest.raises(BenchwarrantError, match="'blue' is not yes or no"):
        rule_yes_no("No.", Item("t", "k", "Is it?", ("blue",), "yesno"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("It is not Paris but London.", True),
        ("PARIS!", True),
        ("The lights of paris, France", True),
        ("Parisian", False),
        ("", UNREAD),
        ("...", UNREAD),
    ],
)
def test_contains_asks_only_whether_a_reference_stands_there(text, value):
    ruling = rule_contains(text, Item("t", "k", CAPITAL, ("Paname", "Paris")))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling
