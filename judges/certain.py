"""Answers to an item that are certainly wrong, or certainly right in another dress.

A probe must leave nothing to argue about, so what cannot be made certain is not made at all.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from random import Random

from judges.plain import normalise
from samples.records import Item
from samples.tasks.critique import three_lines

PLAIN_NUMBER = re.compile(r"\$?(-?(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,10})?)%?")
LIST = re.compile(r"[\[({]?\s*(-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?)+)\s*[\])}]?")
# A number that is the right one in other units, signs or clocks is not certainly wrong.
RATIOS = (1, -1, 7, 10, 12, 24, 60, 100, 1000, 3600)
SHIFTS = (12, 24)
OF_OTHERS = re.compile(r"\b(?:above|below|both|none|neither|all|either|cannot|not)\b", re.I)
OPPOSITE = {"yes": "no", "no": "yes", "true": "false", "false": "true"}
TRIES = 200
LOOKED_AT = 100
ONES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
"""
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


class NotBuilt(Exception):
    """Why an item does not allow a probe."""


@dataclass(frozen=True)
class Target:
    """An item to be probed, the other items of its task, and the rubric's positive label."""

    item: Item
    others: tuple[Item, ...] = ()
    positive: str = "correct"


def wrong_answer(target: Target, rng: Random) -> str:
    """A final answer that is wrong whatever form the references are read in."""
    return WRONG[target.item.answer_type](target, rng)


def right_answer(item: Item) -> str:
    """The reference as an answer would say it."""
    if item.answer_type == "choice":
        label = _right_labels(item)[0]
        return f"({label}) {dict(item.choices)[label]}"
    if item.answer_type == "critique":
        return three_lines(item.reference)
    bare = item.answer_type == "math" and "$" not in item.reference
    return f"${item.reference}$" if bare else item.reference


def other_notation(item: Item) -> str:
    """The right answer as a careful reader would still call right at a glance."""
    kind, right = item.answer_type, right_answer(item)
    if kind in ("number", "math"):
        (value, *_) = _numbers(item)
        return (
            rf"$\boxed{{{value}.0}}$" if value == value.to_integral() else rf"$\boxed{{{value}0}}$"
        )
    if kind == "choice":
        return right.partition(") ")[2]
    if kind == "sequence":
        return "\n".join(_list(item.reference))
    if kind == "yesno":
        said = normalise(right)
        return {"yes": "True.", "no": "False.", "true": "Yes.", "false": "No."}[said]
    if kind == "critique":
        return "\n".join(f"**{n}:** {v}" for n, v in (x.split(": ", 1) for x in right.split("\n")))
    return right.upper()


def spelled_out(item: Item) -> str:
    """The right number in words."""
    if item.answer_type not in ("number", "math"):
        raise NotBuilt("the answer is no number")
    value = _numbers(item)[0]
    if value != value.to_integral() or not 0 <= value < 1_000_000:
        raise NotBuilt("the number is not whole, or is negative or above 999,999")
    return in_words(int(value))


def in_words(number: int) -> str:
    """ "one thousand two hundred thirty-four"."""
    ones, tens = ONES.split(), TENS.split()
    if number >= 1000:
        rest = number % 1000
        return f"{in_words(number // 1000)} thousand" + (f" {in_words(rest)}" if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{ones[number // 100]} hundred" + (f" {in_words(rest)}" if rest else "")
    if number >= 20:
        return tens[number // 10 - 2] + (f"-{ones[number % 10]}" if number % 10 else "")
    return ones[number]


# --- by answer type --------------------------------------------------------------------------


def _wrong_number(target: Target, rng: Random) -> str:
    rights = _numbers(target.item)
    places = max(0, -int(rights[0].normalize().as_tuple().exponent))
    for _ in range(TRIES):
        away = rng.randint(3, 19) + int(abs(rights[0]) * rng.randint(10, 60) / 100)
        wrong = rights[0] + away * rng.choice((1, 1, -1) if rights[0] > away else (1,))
        if not any(_alike(wrong, right) for right in rights):
            return f"{wrong:.{places}f}"
    raise NotBuilt("no number is certainly another than all references")


def _alike(wrong: Decimal, right: Decimal) -> bool:
    return any(wrong == right * n or wrong * n == right for n in RATIOS) or any(
        abs(wrong - right) == shift for shift in SHIFTS
    )


def _wrong_choice(target: Target, rng: Random) -> str:
    item = target.item
    texts = {label: set(normalise(text).split()) for label, text in item.choices}
    rights = [*_right_labels(item)]
    if any(OF_OTHERS.search(dict(item.choices)[label]) for label in rights):
        raise NotBuilt("the right option speaks of the others")
    wrong = [
        (label, text)
        for label, text in item.choices
        if label not in rights and not OF_OTHERS.search(text)
        if not any(texts[label] <= texts[r] or texts[r] <= texts[label] for r in rights)
    ]
    if not wrong:
        raise NotBuilt("no option is certainly another than the right one")
    label, text = rng.choice(wrong)
    return f"({label}) {text}"


def _right_labels(item: Item) -> list[str]:
    """The labels of the references and their twins, the first reference's first."""
    said = [normalise(reference) for reference in item.references]
    named = [la for r in said for la, text in item.choices if r in (normalise(la), normalise(text))]
    twins = {normalise(text) for label, text in item.choices if label in named}
    found = dict.fromkeys([*named, *(la for la, text in item.choices if normalise(text) in twins)])
    if not found:
        raise NotBuilt("no option is the reference")
    return list(found)


def _wrong_list(target: Target, rng: Random) -> str:
    rights = [_list(reference) for reference in target.item.references]
    for _ in range(TRIES):
        made = list(rights[0])
        a, b = rng.sample(range(len(made)), 2)
        made[a], made[b] = made[b], made[a]
        if not any(list(map(Decimal, made)) == list(map(Decimal, right)) for right in rights):
            return f"[{', '.join(made)}]"
    raise NotBuilt("all numbers of the list are the same")


def _wrong_text(target: Target, rng: Random) -> str:
    """Another item's answer; so many are looked at, in random order."""
    item, others = target.item, target.others
    rights = [_words(reference) for reference in item.references]
    for other in rng.sample(others, min(len(others), LOOKED_AT)):
        words = _words(other.reference)
        if other.answer_type != item.answer_type or other.id == item.id or not words:
            continue
        if not any(_related(words, right) for right in rights):
            return other.reference
    raise NotBuilt("no other item of the task has an answer that is certainly another")


@lru_cache(maxsize=16_384)
def _words(text: str) -> frozenset[str]:
    return frozenset(normalise(text).split())


def _related(words: frozenset[str], right: frozenset[str]) -> bool:
    """Whether two answers share a word, or a word's first four letters: "sad", "sadness"."""
    return any(a[:4] == b[:4] or a.startswith(b) or b.startswith(a) for a in words for b in right)


def _wrong_yes_no(target: Target, rng: Random) -> str:
    said = {normalise(reference) for reference in target.item.references}
    if len(said) > 1 or not said <= OPPOSITE.keys():
        raise NotBuilt("the references are not one yes or no")
    return OPPOSITE[said.pop()].capitalize()


def _wrong_critique(target: Target, rng: Random) -> str:
    calls = {reference == "correct" for reference in target.item.references}
    if len(calls) > 1:
        raise NotBuilt("the references call the solution right and wrong")
    if calls == {False}:
        return three_lines("correct")
    return three_lines("incorrect; first wrong step: 1; reason: the step does not follow")


WRONG: dict[str, Callable[[Target, Random], str]] = {
    "number": _wrong_number,
    "math": _wrong_number,
    "choice": _wrong_choice,
    "sequence": _wrong_list,
    "text": _wrong_text,
    "yesno": _wrong_yes_no,
    "critique": _wrong_critique,
}


def _numbers(item: Item) -> list[Decimal]:
    """The references as plain numbers."""
    found = [PLAIN_NUMBER.fullmatch(one.strip().strip("$").strip()) for one in item.references]
    values = [Decimal(one[1].replace(",", "")) for one in found if one]
    if len(values) < len(found):
        raise NotBuilt("a reference is no plain number")
    return values


def _list(reference: str) -> list[str]:
    """The numbers of a reference list as they are written."""
    found = LIST.fullmatch(reference.strip())
    if not found:
        raise NotBuilt("the reference is no list of numbers")
    return [number.strip() for number in found[1].split(",")]
