"""Rule a number or a list of numbers right or wrong against the reference."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from judges.answers import (
    NO_ANSWER,
    Given,
    Mark,
    Ruling,
    blank_code,
    clean,
    last_sentence,
    prepare,
    unreadable,
)
from judges.numerals import (
    Numeral,
    number_list,
    numbers_in_words,
    numerals,
    one_number,
    same_number,
)
from samples.errors import BenchwarrantError
from samples.records import Item

OPERATOR = re.compile(r"[ $]{0,2}(?:[+×÷*/-]|\\times|\\cdot|\\div|x(?=[ \d]))[ $(]{0,3}[.\d]")
JOINS = re.compile(r"(?:\b(?:or|and|to)|[,/&-])[\s$(*]*\Z")
COMPOUND = re.compile(
    r"\s?(?:hours?|hrs?|minutes?|mins?|days?|weeks?|months?|years?|feet|foot|ft|pounds?|dollars?)"
    r"\s?,?\s?(?:and\s)?\$?"
)
ENUMERATOR = re.compile(
    r"^[ \t*_#>]{0,8}(?:(?:step|part)[ ])?[0-9]{1,2}(?:[.)]|:)(?=[ \t*])",
    re.MULTILINE | re.IGNORECASE,
)
LEAD = re.compile(
    r"(?:(?:about|approximately|around|roughly|exactly|only|just|simply|USD|US|Rs\.?)\b|[a-z]\s?=|"
    r"\\?[$€£¥₹(\[{~≈=:\"'*+-]|\\[(\[]|\\boxed\{|\s)*",
    re.IGNORECASE,
)
COPULA = re.compile(r"=|≈|\\approx|\bequals?\b|\bis\b|\bare\b|\bwas\b|\bwere\b")
BRACKETED = re.compile(r"[\[({]([^\[\](){}]{1,4000})[\])}]")
UNCLOSED = re.compile(r"\[([^\[\](){}]{1,4000})\Z")
PLAIN_NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?"
RUN = re.compile(
    rf"(?<![\w.,\[({{-]){PLAIN_NUMBER}(?:\s?[,;]\s?(?:and\s)?{PLAIN_NUMBER}){{2,}}"
    rf"(?:\s(?:and|&)\s{PLAIN_NUMBER})?(?![\w\])}}])"
)
ELLIPSIS = re.compile(r"\.\.|…|\\[lc]?dots")
NUMERIC_LINE = re.compile(r"[ \t]*[-+.0-9][-+.,;0-9 \t<>]*")
UNDONE = "a sum that is not worked out"
NEAR = 120  # characters between a cue and its list


@dataclass(frozen=True)
class Reading:
    """What a place says: one number, or why it is not one, or neither."""

    number: Numeral | None = None
    problem: str = ""


@dataclass(frozen=True)
class Found:
    """A list of numbers in a text, and how strongly its form says that it is a list."""

    values: tuple[Fraction, ...]
    start: int
    span: str
    bracketed: bool


def rule_number(text: str, item: Item) -> Ruling:
    """The number that is announced last, else the last number, against the reference."""
    wanted = _wanted_numbers(item)
    given = prepare(text, item)
    for mark in reversed(given.marks):
        if NO_ANSWER.search(mark.text) and not numerals(mark.text):
            return _declined(wanted, mark.text, mark.where)
        reading = read_number(mark)
        rest = given.text[mark.at + len(mark.text) :]
        if reading.problem == UNDONE and numerals(rest):  # the working goes on
            return _last_number(Given(rest, (), given.note), wanted)
        if reading.problem:
            return unreadable(f"{reading.problem} {mark.where}", mark.text)
        if reading.number is not None:
            return _compare(reading.number, wanted, mark.text, mark.where + given.note)
    return _last_number(given, wanted)


def read_number(mark: Mark) -> Reading:
    """The one number that an announced answer gives, if it gives one."""
    body = clean(mark.text)
    found = numerals(body)
    lead = LEAD.match(body)
    begins = lead.end() if lead else 0
    if not found:
        return Reading(_in_words(body[begins:]))
    if found[0].start > begins:
        if not mark.firm:
            return Reading()
        if len({numeral.value for numeral in found}) > 1:
            found = _after_last(COPULA, body, found) or found
    elif OPERATOR.match(body, found[0].end):
        found = _after_last(re.compile("="), body, found)
        if not found:
            return Reading(problem=UNDONE)
    return _the_one(body, found)


def rule_sequence(text: str, item: Item) -> Ruling:
    """The list that is announced last, else the last that is neither an echo nor code."""
    wanted = _wanted_lists(item)
    given = prepare(text, item)
    asked = {found.values for found in find_lists(item.question)}
    for mark in reversed(given.marks):
        ruling = _announced_list(given, mark, wanted, asked)
        if ruling is not None:
            return ruling
    whole = number_list(given.text)
    if whole and len(whole) > 1:
        return Ruling(whole in wanted, None, given.text.strip(), "the whole reply is a list")
    lists = [found for found in find_lists(blank_code(given.text)) if found.values not in asked]
    lists = [found for found in lists if found.bracketed] or lists
    if not lists:
        return unreadable("no answer found: no list that is not the question's", marked=False)
    last = lists[-1]
    return Ruling(last.values in wanted, None, last.span, "the last list", marked=False)


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


def _wanted_numbers(item: Item) -> list[Numeral] | None:
    """The numbers of the references; None where the reference is that there is no answer."""
    wanted = [number for number in map(one_number, item.references) if number]
    if wanted:
        return wanted
    if any(NO_ANSWER.search(reference) for reference in item.references):
        return None
    raise BenchwarrantError(
        f"{item.task}/{item.key}: the reference {item.reference!r} is not a number; "
        "set the item's answer_type, or use a judge of another kind"
    )


def _wanted_lists(item: Item) -> list[tuple[Fraction, ...]]:
    wanted = [values for values in map(number_list, item.references) if values]
    if not wanted:
        raise BenchwarrantError(
            f"{item.task}/{item.key}: the reference {item.reference!r} is not a list of numbers; "
            "set the item's answer_type, or use a judge of another kind"
        )
    return wanted


def _compare(number: Numeral, wanted: list[Numeral] | None, span: str, where: str) -> Ruling:
    right = wanted is not None and any(same_number(number, one) for one in wanted)
    return Ruling(right, None, span, f"read {_shown(number)} {where}")


def _shown(number: Numeral) -> str:
    value = number.value
    return f"{value if value is None else str(value)[:40]}{'%' if number.percent else ''}"


def _declined(wanted: list[Numeral] | None, span: str, where: str) -> Ruling:
    return Ruling(wanted is None, None, span, f"read that there is no answer {where}")


def _in_words(text: str) -> Numeral | None:
    """The one number that is spelled out; "one" alone may be no number at all."""
    spelled = numbers_in_words(text)
    if len(spelled) != 1:
        return None
    value, start = spelled[0]
    return None if value == 1 and start > 0 else Numeral(value, False, start, len(text))


def _after_last(pattern: re.Pattern[str], body: str, found: list[Numeral]) -> list[Numeral]:
    ends = [m.end() for m in pattern.finditer(body) if m.end() <= found[-1].start]
    return [numeral for numeral in found if numeral.start >= ends[-1]] if ends else []


def _the_one(body: str, found: list[Numeral]) -> Reading:
    first = found[0]
    if first.value is None:
        return Reading(problem="no plain number")
    if OPERATOR.match(body, first.end):
        return Reading(problem=UNDONE)
    others = [numeral for numeral in found if numeral.value != first.value]
    between = body[first.end : others[0].start] if others else ""
    if others and (JOINS.search(between[-30:]) or COMPOUND.fullmatch(between)):
        return Reading(problem="several numbers")
    return Reading(first)


def _last_number(given: Given, wanted: list[Numeral] | None) -> Ruling:
    text = ENUMERATOR.sub(lambda m: " " * len(m[0]), blank_code(given.text))
    ending = last_sentence(text)
    found = numerals(text)
    if NO_ANSWER.search(ending) and not numerals(ending):
        return replace(_declined(wanted, ending, "in the last sentence"), marked=False)
    if not found:
        number = _in_words(ending)
        if number is None:
            return unreadable("no answer found: no number in the text", marked=False)
        return replace(_compare(number, wanted, ending, "in words"), marked=False)
    last = found[-1]
    if len(found) > 1 and COMPOUND.fullmatch(text, found[-2].end, last.start):
        return unreadable(
            "no answer found: the text ends with a number in two units", ending, False
        )
    span = text[max(0, last.start - 2) : last.end].split()[-1]
    if last.value is None:
        return unreadable(f"no answer found: {span!r} at the end is no plain number", span, False)
    ruling = _compare(last, wanted, span, "at the end: the last number" + given.note)
    return replace(ruling, marked=text.strip() == span)


def _announced_list(
    given: Given, mark: Mark, wanted: list[tuple[Fraction, ...]], asked: set[tuple[Fraction, ...]]
) -> Ruling | None:
    if ELLIPSIS.search(mark.text):
        return unreadable(f"the list {mark.where} is abridged", mark.text)
    values = number_list(mark.text)
    goes_on = mark.text.count("[") > mark.text.count("]") and mark.closed
    if values is not None and not goes_on:
        return Ruling(values in wanted, None, mark.text, f"the list {mark.where}{given.note}")
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
    return Ruling(best[0].values in wanted, None, best[0].span, f"the list {mark.where}")


def _numeric_lines(text: str) -> list[tuple[int, str]]:
    """Lines that hold nothing but numbers, after a colon or alone; neighbours are joined."""
    lines: list[tuple[int, str]] = []
    place, joins = 0, False
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
