"""Numbers against the reference: right, wrong, or not to be read."""

import pytest

from judges.quantities import rule_number
from samples.errors import BenchwarrantError
from samples.records import Item

UNREAD = "unparsable"
AMBIGUOUS = "ambiguous"


def number(reference: str, question: str = "How many apples does Anna have?") -> Item:
    return Item("t", "k", question, (reference,), "number")


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
        ("The answer is 5 or 7.", "5", AMBIGUOUS),
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
        # one answer in two forms is one answer
        ("The answer is 25%. The answer (as a fraction) is 1/4.", "25", True),
        ("The answer is 1/4, or 25%.", "25", True),
        ("The answer is 1/4, or 20%.", "25", AMBIGUOUS),
        (r"\boxed{1 \text{ and } 1/3}", "4/3", True),
        (r"$x = \boxed{1}$ and $y = \boxed{2}$", "2", AMBIGUOUS),
        (r"\fbox{70}\%", "70", True),
        # decimals that are wanted to two places or more
        ("The answer is 4.3333.", "4.33", True),
        ("The answer is 13/3.", "4.33", True),
        ("The answer is 4.3.", "4.33", False),
        ("The answer is 4.4.", "4", False),
        ("The answer is 4.9.", "4.5", False),
        ("She pays 25%.", "0.25", True),
        ("The answer is 0.25.", "25%", True),
        # nothing is announced: what the last sentence comes down to
        ("25 x 5 = 225. So Anna pays $225 over 5 weeks.", "225", True),
        ("42 / 2 = 21. So 42 kg last 21 weeks for the 5 of them.", "21", True),
        ("So she spends a total of 34 hours in 4 weeks.", "34", True),
        ("38 + 44 is 82.", "82", True),
        ("60 minutes is 1 hour.", "1", True),
        ("That leaves **4 litres** of the 7.", "4", True),
        ("She eats 3 * 4 = <<3*4=12>>12 eggs in 4 days.", "12", True),
        ("It is 12. I hope that this helps!", "12", True),
        ("She sold 5 in the morning and 7 in the evening.", "7", AMBIGUOUS),
    ],
)
def test_numbers(text, reference, value):
    ruling = rule_number(text, number(reference))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling


def test_a_ruling_says_what_was_read_from_where():
    ruling = rule_number("First 5. The answer is $18.00, Sir.", number("18"))
    assert ruling.span == "$18.00, Sir"
    assert ruling.reason == "read 18 after 'answer is'"


def test_the_numbers_of_an_echoed_question_are_no_answer():
    question = "Anna has 5 apples and gets 3 more. How many does she have?"
    ruling = rule_number(f"{question} Let me think.", number("3", question))
    assert ruling.failure == "unparsable"
    assert "no answer found" in ruling.reason


def test_a_reference_of_another_kind_is_an_error_that_names_the_item():
    with pytest.raises(BenchwarrantError, match="t/k: the reference 'Paris' is not a"):
        rule_number("5", Item("t", "k", "Capital?", ("Paris",)))
