"""Rule a list of numbers right or wrong against the reference, and say how it is wrong."""

import re
from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from typing import Any, NamedTuple

from judges.answers import Given, Mark, Ruling, prepare, unreadable
from judges.numerals import Rational, number_list
from judges.plain import blank_code
from samples.errors import BenchwarrantError
from samples.records import Item

BRACKETED = re.compile(r"[\[({]([^\[\](){}]{1,4000})[\])}]")
UNCLOSED = re.compile(r"\[([^\[\](){}]{1,4000})\Z")
PLAIN_NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?"
RUN = re.compile(
    rf"(?<![\w.,\[({{-]){PLAIN_NUMBER}(?:\s?[,;]\s?(?:and\s)?{PLAIN_NUMBER}){{2,}}"
    rf"(?:\s(?:and|&)\s{PLAIN_NUMBER})?(?![\w\])}}])"
)
ELLIPSIS = re.compile(r"\.\.|…|\\[lc]?dots")
NUMERIC_LINE = re.compile(r"[ \t]*[-+.0-9][-+.,;0-9 \t<>]*")
BULLET = re.compile(r"^[ \t]{0,8}(?:[-*•]|[0-9]{1,2}[.)])[ \t]+(?=-?[0-9])", re.MULTILINE)
NEAR = 120  # characters between a cue and its list

Values = tuple[Rational, ...]


class Found(NamedTuple):
    """A list of numbers in a text, and how strongly its form says that it is a list."""

    values: Values
    start: int
    span: str
    bracketed: bool


def rule_sequence(text: str, item: Item) -> Ruling:
    """The list that is announced last, else the last that is neither an echo nor code."""
    wanted = _lists(item.references)
    if not wanted:
        raise BenchwarrantError(
            f"{item.task}/{item.key}: the reference {item.reference!r} is not a list of numbers; "
            "set the item's answer_type, or use a judge of another kind"
        )
    given = prepare(text, item)
    asked = _asked(item.question)
    for mark in reversed(given.marks):
        ruling = _announced_list(given, mark, wanted, asked)
        if ruling is not None:
            return ruling
    whole = number_list(given.text)
    if whole and len(whole) > 1:
        return _compare(whole, wanted, given.text.strip(), "the whole reply is a list")
    lists = [found for found in find_lists(blank_code(given.text)) if found.values not in asked]
    lists = [found for found in lists if found.bracketed] or lists
    if not lists:
        return unreadable("no answer found: no list that is not the question's", marked=False)
    last = lists[-1]
    return _compare(last.values, wanted, last.span, "the last list", marked=False)


def find_lists(text: str) -> list[Found]:
    """All lists of two or more numbers, in the order of the text."""
    found: dict[int, Found] = {}
    brackets = (*BRACKETED.finditer(text), *UNCLOSED.finditer(text))
    spans = [(m, m[1], not m[0].startswith("(")) for m in brackets]
    spans += [(m, m[0], False) for m in RUN.finditer(text)]
    for match, content, bracketed in spans:
        values = number_list(content)
        if values and len(values) > 1:
            entry = Found(values, match.start(), match[0].strip(), bracketed)
            found.setdefault(match.start(), entry)
    for start, content in _numeric_lines(text):
        values = number_list(content)
        if values and len(values) > 1:
            found.setdefault(start, Found(values, start, content.strip(), False))
    return [found[start] for start in sorted(found)]


def errors(given: Values, wanted: Values) -> dict[str, int]:
    """How a list differs from the sorted one: elements dropped, added, changed, or out of order.

    A dropped and an added element together are a changed one. ``wrong order`` counts the elements
    that would have to move, among those that belong to the list.
    """
    have: list[Any] = [*given]
    want: list[Any] = [*wanted]
    places = {element: n for n, element in enumerate(want)}
    if len(set(have)) < len(have) or len(places) < len(want):
        have, want = _told_apart(have), _told_apart(want)
        places = {element: n for n, element in enumerate(want)}
    kept = [places[element] for element in have if element in places]
    dropped, added = len(want) - len(kept), len(have) - len(kept)
    changed = min(dropped, added)
    found = {
        "dropped": dropped - changed,
        "added": added - changed,
        "changed": changed,
        "wrong order": 0 if kept == sorted(kept) else len(kept) - _longest_rise(kept),
    }
    return {kind: number for kind, number in found.items() if number}


@lru_cache(maxsize=4096)
def _lists(references: tuple[str, ...]) -> tuple[Values, ...]:
    return tuple(values for values in map(number_list, references) if values)


@lru_cache(maxsize=4096)
def _asked(question: str) -> frozenset[Values]:
    return frozenset(found.values for found in find_lists(question))


def _told_apart(values: list[Any]) -> list[Any]:
    """The elements, with the second 7 of a list another than the first."""
    seen: Counter[Rational] = Counter()
    made = []
    for value in values:
        made.append((value, seen[value]))
        seen[value] += 1
    return made


def _longest_rise(places: list[int]) -> int:
    """The length of the longest part that rises, by patience sorting (Fredman 1975)."""
    tails: list[int] = []
    for place in places:
        at = bisect_left(tails, place)
        tails[at : at + 1] = [place]
    return len(tails)


def _compare(
    values: Values, wanted: tuple[Values, ...], span: str, where: str, marked: bool = True
) -> Ruling:
    if values in wanted:
        return Ruling(True, None, span, where, marked)
    facts = min((errors(values, one) for one in wanted), key=lambda found: sum(found.values()))
    how = ", ".join(f"{kind}: {number}" for kind, number in facts.items())
    return Ruling(False, None, span, f"{where}; {how}", marked, facts)


def _announced_list(
    given: Given, mark: Mark, wanted: tuple[Values, ...], asked: frozenset[Values]
) -> Ruling | None:
    if ELLIPSIS.search(mark.text):
        return unreadable(f"the list {mark.where} is abridged", mark.text)
    values = number_list(mark.text)
    goes_on = mark.text.count("[") > mark.text.count("]") and mark.closed
    if values is not None and not goes_on:
        return _compare(values, wanted, mark.text, f"the list {mark.where}{given.note}")
    near = [
        found
        for found in find_lists(given.text[mark.at : mark.at + 4000])
        if found.start <= max(NEAR, len(mark.text))
    ]
    inside = [found for found in near if found.start <= len(mark.text)]
    new = [found for found in near if found.values not in asked]
    best = [found for found in inside if found in new][-1:] or new[:1] or near[:1]
    if not best:
        return None
    return _compare(best[0].values, wanted, best[0].span, f"the list {mark.where}")


def _numeric_lines(text: str) -> list[tuple[int, str]]:
    """Lines that hold nothing but numbers, after a colon or alone; neighbours are joined."""
    lines: list[tuple[int, str]] = []
    place, joins = 0, False
    text = BULLET.sub(lambda found: " " * len(found[0]), text)
    for line in text.split("\n"):
        content = line.rpartition(":")[2]
        if not NUMERIC_LINE.fullmatch(content):
            joins = joins and not line.strip()
        elif joins and content == line:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]}\n{content}")
        else:
            lines.append((place + len(line) - len(content), content))
            joins = len(content.split()) == 1
        place += len(line) + 1
    return lines
