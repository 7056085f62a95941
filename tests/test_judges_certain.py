"""What is called certainly wrong is so in every form that a rule reads, or it is not made."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.certain import (
    NotBuilt,
    Target,
    in_words,
    other_notation,
    right_answer,
    spelled_out,
    wrong_answer,
)
from judges.numerals import numbers_in_words
from samples.records import ANSWER_TYPES, Item

OPTIONS = (
    ("A", "a dog"),
    ("B", "Dog"),
    ("C", "a big dog"),
    ("D", "cat"),
    ("E", "all of the above"),
)


def item(answer_type: str, *references: str, choices=(), key: str = "k") -> Item:
    return Item("t", key, f"What? ({key})", references, answer_type, choices)


def wrong(one: Item, *others: Item) -> set[str]:
    """All that a hundred seeds give."""
    return {wrong_answer(Target(one, others), Random(seed)) for seed in range(100)}


@given(st.decimals(-100_000, 100_000, places=2), st.integers(0, 99))
def test_a_wrong_number_is_no_other_form_of_the_right_one(right: Decimal, seed: int) -> None:
    said = wrong_answer(Target(item("number", f"{right:.2f}")), Random(seed))
    for factor in (1, -1, 60, 100, 1000):
        assert Decimal(said) != right * factor and Decimal(said) * factor != right
    assert abs(Decimal(said) - right) not in (0, 12, 24)


def test_wrong_numbers_keep_the_form_and_differ_from_every_reference() -> None:
    assert all(said.isdigit() for said in wrong(item("number", "1,250", "1250")))
    assert all(len(said.partition(".")[2]) == 2 for said in wrong(item("number", "$2.25")))
    assert not wrong(item("number", "5", "8", "9", "10")) & {"5", "8", "9", "10"}
    with pytest.raises(NotBuilt, match="a reference is no plain number"):
        wrong(item("math", r"\frac{1}{2}"))
    with pytest.raises(NotBuilt, match="a reference is no plain number"):
        wrong(item("number", "3", "None"))


def test_another_option_is_wrong_unless_it_says_the_same_or_speaks_of_the_others() -> None:
    assert wrong(item("choice", "A", choices=OPTIONS)) == {"(D) cat"}
    assert wrong(item("choice", "a dog", choices=OPTIONS)) == {"(D) cat"}
    for reference, why in (("E", "speaks of the others"), ("F", "no option is the reference")):
        with pytest.raises(NotBuilt, match=why):
            wrong(item("choice", reference, choices=OPTIONS))
    with pytest.raises(NotBuilt, match="certainly another"):
        wrong(item("choice", "A", choices=OPTIONS[:3]))


def test_a_wrong_list_holds_the_same_numbers_in_another_order() -> None:
    said = wrong(item("sequence", "[1, 2, 3]", "[3, 2, 1]"))
    assert said == {"[2, 1, 3]", "[1, 3, 2]"}
    with pytest.raises(NotBuilt, match="all numbers of the list are the same"):
        wrong(item("sequence", "4, 4"))
    with pytest.raises(NotBuilt, match="no list of numbers"):
        wrong(item("sequence", "a, b"))


def test_a_wrong_text_answers_another_item_and_shares_no_word() -> None:
    sad = item("text", "sad", "unhappy")
    others = [item("text", said, key=said) for said in ("sadness", "very unhappy", "Rome")]
    assert wrong(sad, sad, *others, item("number", "5")) == {"Rome"}
    with pytest.raises(NotBuilt, match="no other item of the task"):
        wrong(sad, sad, others[0])


def test_yes_and_no_and_critiques_are_turned_round() -> None:
    assert wrong(item("yesno", "yes")) == {"No"} and wrong(item("yesno", "False")) == {"True"}
    with pytest.raises(NotBuilt, match="not one yes or no"):
        wrong(item("yesno", "yes", "no"))
    found = "incorrect; first wrong step: 3; reason: it adds"
    assert next(iter(wrong(item("critique", found)))).startswith("Solution correctness: correct\n")
    assert "First wrong step: 1" in next(iter(wrong(item("critique", "correct"))))
    with pytest.raises(NotBuilt, match="right and wrong"):
        wrong(item("critique", "correct", found))


def test_right_answers_in_another_dress() -> None:
    assert right_answer(item("choice", "B", choices=OPTIONS)) == "(B) Dog"
    assert right_answer(item("math", r"\pi")) == r"$\pi$"
    assert other_notation(item("number", "1,250")) == r"$\boxed{1250.0}$"
    assert other_notation(item("math", "2.5")) == r"$\boxed{2.50}$"
    assert other_notation(item("choice", "D", choices=OPTIONS)) == "cat"
    assert other_notation(item("sequence", "[1, -2]")) == "1\n-2"
    assert other_notation(item("text", "Paris")) == "PARIS"
    assert other_notation(item("yesno", "yes")) == "True."
    assert other_notation(item("critique", "correct")).startswith(
        "**Solution correctness:** correct"
    )


@given(st.integers(0, 999_999))
def test_a_number_in_words_is_that_number(number: int) -> None:
    assert [found for found, _ in numbers_in_words(in_words(number))] == [number]


def test_only_whole_numbers_are_spelled_out() -> None:
    assert spelled_out(item("number", "1,234")) == "one thousand two hundred thirty-four"
    for one in (item("number", "2.5"), item("number", "-3"), item("text", "three")):
        with pytest.raises(NotBuilt):
            spelled_out(one)


def test_every_answer_type_has_a_way_to_be_wrong() -> None:
    from judges.certain import WRONG

    assert WRONG.keys() == set(ANSWER_TYPES)
