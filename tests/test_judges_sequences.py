"""Lists of numbers against the reference: right, wrong and how, or not to be read."""

from fractions import Fraction

import pytest

from judges.sequences import errors, rule_sequence
from samples.errors import BenchwarrantError
from samples.records import Item

UNREAD = "unparsable"
AMBIGUOUS = "ambiguous"


def sequence(*references: str) -> Item:
    return Item("t", "k", "Sort these numbers: [5, 9, 1, 3]", references, "sequence")


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
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling


def test_signs_are_kept_in_lists():
    item = sequence("[-5, -1, 0, 3]")
    assert rule_sequence("[\u22125, \u22121, 0, 3]", item).value is True
    assert rule_sequence("[5, 1, 0, 3]", item).value is False


def test_any_reference_will_do():
    assert rule_sequence("[1, 2]", sequence("2, 1", "1, 2")).value is True


def test_a_reference_that_is_no_list_is_an_error_that_names_the_item():
    with pytest.raises(BenchwarrantError, match="t/k: the reference 'Paris' is not a list"):
        rule_sequence("[5, 6]", Item("t", "k", "Capital?", ("Paris",)))


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([1, 3, 5, 9], {}),
        ([1, 3, 9, 5], {"wrong order": 1}),
        ([9, 5, 3, 1], {"wrong order": 3}),
        ([1, 3, 9], {"dropped": 1}),
        ([1, 3, 5, 7, 9], {"added": 1}),
        ([1, 3, 5, 5, 9], {"added": 1}),
        ([1, 3, 6, 9], {"changed": 1}),
        ([3, 1, 5], {"dropped": 1, "wrong order": 1}),
        ([2, 4], {"dropped": 2, "changed": 2}),
        ([], {"dropped": 4}),
    ],
)
def test_how_a_list_is_wrong(given, found):
    assert errors(tuple(map(Fraction, given)), tuple(map(Fraction, [1, 3, 5, 9]))) == found


def test_a_ruling_says_how_the_list_is_wrong():
    ruling = rule_sequence(r"\boxed{3, 5, 9", sequence("[1, 3, 5, 9]"))
    assert ruling.reason == "the list in \\boxed{}; dropped: 1"
    assert ruling.facts == {"dropped": 1}
