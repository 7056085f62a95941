"""Numbers and lists of numbers against the reference: right, wrong, or not to be read."""

import pytest

from judges.quantities import rule_number, rule_sequence
from samples.errors import BenchwarrantError
from samples.records import Item

UNREAD = None


def number(reference: str, question: str = "How many apples does Anna have?") -> Item:
    return Item("t", "k", question, (reference,), "number")


def sequence(*references: str) -> Item:
    return Item("t", "k", "Sort these numbers: [5, 9, 1, 3]", references, "sequence")


@pytest.mark.parametrize(
    ("text", "reference", "value"),
    [
        ("73**", "73", True),
        ("**73**", "73", True),
        ("The total is $29.00.", "29", True),
        ("The answer is 1.9.", "1", False),
        ("The answer is 1,234 dollars", "1234", True),
        ("The answer is \u22125.", "-5", True),
        ("The answer is \u22125.", "5", False),
        (r"\boxed{\frac{1}{2}}", "0.5", True),
        (r"\boxed{5", "5", True),
        (r"\boxed{1{,}000}", "1000", True),
        ("The answer is $\\boxed{18}$.", "18", True),
        ("#### 18", "18", True),
        ("A: 18", "18", True),
        ("5 + 5 = 10\n#### Step 2\n10 + 8 = 18", "18", True),
        ("The answer is 70 + 140 = 210 litres.", "210", True),
        ("The answer is that 90 + 80 + 150 equals 320.", "320", True),
        ("The answer is 18 because 3 x 6 = 18 and 20 is more.", "18", True),
        ("The answer is 18. I hope that helps with all 3!", "18", True),
        ("The answer is 5. No. The answer is 6.", "6", True),
        (r"\boxed{5} was wrong. The answer is 6.", "6", True),
        (r"The answer is 5, I mean \boxed{6}", "6", True),
        ("The answer is not 5. The answer is 6.", "6", True),
        ("The answer is seventy six.", "76", True),
        ("Anna now has seven apples.", "7", True),
        ("1. Add 3 and 4.\n2. That makes 7.", "7", True),
        ("3 + 4 = 7. The answer is in apples.", "7", True),
        ("The answer is y = 180 - 150\ny = 30", "30", True),
        ("The answer is 5 or 7.", "5", UNREAD),
        ("The answer is 2 hours and 30 minutes.", "2", UNREAD),
        ("It takes 1 hour 30 minutes", "30", UNREAD),
        ("The answer is 5-7.", "5", UNREAD),
        ("The answer is 3:45.", "3", UNREAD),
        ("The answer is 10^3", "10", UNREAD),
        ("The answer is 5+3+3.", "5", UNREAD),
        ("```python\nprint(5)\n```", "5", UNREAD),
        ("```\n5\n```", "5", True),
        ("", "5", UNREAD),
        ("No idea.", "5", UNREAD),
        ("How many apples does Anna have?", "5", UNREAD),
        ("The answer cannot be determined.", "5", False),
        ("5 apples at least. The answer cannot be determined.", "5", False),
        ("There is not enough information.", "None", True),
        ("The answer is 5.", "None", False),
    ],
)
def test_numbers(text, reference, value):
    ruling = rule_number(text, number(reference))
    assert ruling.value is value, ruling
    assert ruling.failure == ("unparsable" if value is None else None)


def test_a_ruling_says_what_was_read_from_where():
    ruling = rule_number("First 5. The answer is $18.00, Sir.", number("18"))
    assert ruling.span == "$18.00, Sir"
    assert ruling.reason == "read 18 after 'answer is'"


def test_the_numbers_of_an_echoed_question_are_no_answer():
    question = "Anna has 5 apples and gets 3 more. How many does she have?"
    ruling = rule_number(f"{question} Let me think.", number("3", question))
    assert ruling.failure == "unparsable"
    assert "no answer found" in ruling.reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 3, 5, 9]", True),
        (r"\boxed{1, 3, 5, 9}", True),
        (r"\boxed{1, 3, 5, 9", True),
        (r"\boxed{[1, 3, 5, 9]}", True),
        (r"\boxed{1}, \boxed{3}, \boxed{5}, \boxed{9}", True),
        ("The given list is [5, 9, 1, 3]. Sorted: [1, 3, 5, 9]", True),
        ("The sorted list is [1, 3, 5, 9]. The original was [5, 9, 1, 3].", True),
        ("The sorted list of numbers [5, 9, 1, 3] is [1, 3, 5, 9].", True),
        ("The sorted list is 1, 3, 5 and 9.", True),
        ("Sorted numbers:\n1, 3, 5, 9", True),
        ("1\n3\n5\n9", True),
        ("1 < 3 < 5 < 9", True),
        ("The answer is: [1,\n3,\n5,\n9]", True),
        ("```python\nx = [5, 9, 1, 3]\nprint(sorted(x))\n```\nOutput: [1, 3, 5, 9]", True),
        ("Sorted: 1, 3, 5, 9. I only swapped (5, 9).", True),
        ("[1, 3, 5, 9] after swapping (5, 9)", True),
        ("[1, 3, 5]", False),
        ("[9, 5, 3, 1]", False),
        ("[5, 9, 1, 3]", False),
        ("[1.9, 3, 5, 9]", False),
        (r"\boxed{3, 5, 9}", False),
        ("The given list is [5, 9, 1, 3].", UNREAD),
        ("```python\nx = [1, 3, 5, 9]\nprint(x)\n```", UNREAD),
        ("x = [1, 3, 5, 9]\nx.sort()\nprint(x)", UNREAD),
        ("[1, 3, ..., 9]", UNREAD),
        ("The answer is [1, 3, ..., 9]", UNREAD),
        ("Sorry.", UNREAD),
        ("", UNREAD),
    ],
)
def test_lists(text, value):
    ruling = rule_sequence(text, sequence("[1, 3, 5, 9]"))
    assert ruling.value is value, ruling
    assert ruling.failure == ("unparsable" if value is None else None)


def test_signs_are_kept_in_lists():
    item = sequence("[-5, -1, 0, 3]")
    assert rule_sequence("[\u22125, \u22121, 0, 3]", item).value is True
    assert rule_sequence("[5, 1, 0, 3]", item).value is False


def test_any_reference_will_do():
    assert rule_sequence("[1, 2]", sequence("2, 1", "1, 2")).value is True


@pytest.mark.parametrize("rule", [rule_number, rule_sequence])
def test_a_reference_of_another_kind_is_an_error_that_names_the_item(rule):
    with pytest.raises(BenchwarrantError, match="t/k: the reference 'Paris' is not a"):
        rule("5", Item("t", "k", "Capital?", ("Paris",)))
