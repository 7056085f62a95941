"""Numbers and lists as people write them."""

from fractions import Fraction

import pytest

from judges.numerals import number_list, numbers_in_words, numerals, one_number, same_number


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5", ["5"]),
        ("1.9", ["1.9"]),
        (".5", ["1/2"]),
        ("1,234", ["1234"]),
        ("1,234,567.89", ["1234567.89"]),
        ("1,00,000", ["100000"]),
        ("1 000 000", ["1000000"]),
        ("1.000,50", ["1000.5"]),
        ("2,74", ["2.74"]),
        ("$29.00", ["29"]),
        ("-$5", ["-5"]),
        ("$-5", ["-5"]),
        ("10-3", ["10", "3"]),
        ("10 - 3", ["10", "3"]),
        ("= - 3", ["-3"]),
        ("3/4", ["3/4"]),
        ("1 1/2", ["3/2"]),
        ("28 and 1/3", ["85/3"]),
        ("2½", ["5/2"]),
        (r"\frac{1}{3}", ["1/3"]),
        (r"1\frac12", ["3/2"]),
        ("1e3", ["1000"]),
        (r"1.2 \times 10^{3}", ["1200"]),
        ("1.5 million", ["1500000"]),
        ("the 3rd of 4", ["4"]),
        ("20cm", ["20"]),
        ("x2 and H2O", []),
        ("3:45", [None, None]),
        ("2^10", [None]),
        ("4_6", [None]),
        ("1,2,3", [None]),
        ("1/0", [None]),
        ("9" * 5000, [None]),
        ("1e999", [None]),
    ],
)
def test_values(text, values):
    wanted = [None if value is None else Fraction(value) for value in values]
    assert [numeral.value for numeral in numerals(text)] == wanted


@pytest.mark.parametrize(
    ("given", "wanted", "same"),
    [
        ("18.0", "18", True),
        ("1/2", "0.5", True),
        ("50%", "50%", True),
        ("50 percent", "50%", True),
        ("50", "50%", True),
        ("0.5", "50%", True),
        ("20%", "20", True),
        ("20%", "0.2", True),
        ("0.5", "50", False),
        ("5", "50%", False),
        ("0.333", "1/3", False),
        ("-5", "5", False),
    ],
)
def test_same_number(given, wanted, same):
    a, b = one_number(given), one_number(wanted)
    assert a is not None
    assert b is not None
    assert same_number(a, b) is same


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("seventy six", 76),
        ("twenty-five dollars", 25),
        ("one hundred forty thousand seats", 140_000),
        ("one thousand six hundred and twenty-five", 1625),
        ("zero", 0),
        ("the one thousandth", 1),
    ],
)
def test_a_number_in_words(text, value):
    assert [value for value, _ in numbers_in_words(text)] == [value]


def test_numbers_in_words_stand_where_they_begin():
    assert numbers_in_words("he has twenty, she nine") == [(20, 7), (9, 19)]
    assert numbers_in_words("one of them, or no one") == [(1, 19)]
    assert numbers_in_words("") == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[1, 3, 5]", (1, 3, 5)),
        ("1,3,5", (1, 3, 5)),
        ("1 3 5", (1, 3, 5)),
        ("1\n3\n5", (1, 3, 5)),
        ("1, 3 and 5.", (1, 3, 5)),
        ("1 < 3 < 5", (1, 3, 5)),
        (r"\{1, 3, 5\}", (1, 3, 5)),
        ("[- 5, -1.5]", (-5, Fraction(-3, 2))),
        ("**[1, 3]**", (1, 3)),
        ("[1, 2, ..., 9]", None),
        ("1, 3, five", None),
        ("1,,3", None),
        ("", None),
    ],
)
def test_lists(text, values):
    assert number_list(text) == values
