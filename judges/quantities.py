"""Rule a number right or wrong against the reference."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from judges.answers import NO_ANSWER, Given, Mark, Ruling, ambiguous, prepare, unreadable
from judges.numerals import Numeral, numbers_in_words, numerals, one_number, same_number
from judges.plain import blank_code, clean, sentences
from samples.errors import BenchwarrantError
from samples.records import Item

OPERATOR = re.compile(
    r"[ $]{0,2}(?:[+×÷*/-]|\\times|\\cdot|\\div|x(?=[ \d])|(?:plus|minus|times|divided by)\b)"
    r"[ $(]{0,3}(?:[.\d]|\\[dtc]?frac)"
)
RESTATED = re.compile(r"[ \w$%}]{0,30}(?:=|≈|\\approx)[ $]{0,3}\Z")  # "3/4 of an hour = 45 minutes"
JOINS = re.compile(r"(?:\b(?:or|and|to)|[,/&-])[\s$(*]*\Z")
COMPOUND = re.compile(
    r"\s?(?:hours?|hrs?|minutes?|mins?|days?|weeks?|months?|years?|feet|foot|ft|pounds?|dollars?)"
    r"\s?,?\s?(?:and\s)?\$?"
)
ENUMERATOR = re.compile(
    r"^[ \t*_#>]{0,8}(?:(?:step|part)[ ])?[0-9]{1,2}(?:[.)]|:)(?=[ \t*])",
    re.MULTILINE | re.IGNORECASE,
)
CALCULATION = re.compile(r"<<[^<>\n]{0,200}>>")  # what a calculator was asked, in GSM8K's notation
LEAD = re.compile(
    r"(?:(?:about|approximately|around|roughly|exactly|only|just|simply|USD|US|Rs\.?)\b|[a-z]\s?=|"
    r"\\?[$€£¥₹(\[{~≈=:\"'*+-]|\\[(\[]|\\boxed\{|\s)*",
    re.IGNORECASE,
)
COPULA = re.compile(r"=|≈|\\approx|\bequals?\b|\bis\b|\bare\b|\bwas\b|\bwere\b")
EQUALS = re.compile(r"=|≈|\\approx|\bequals\b")
STATES = re.compile(rf"{COPULA.pattern}|\\[gl]eq?\b|[≤≥]|\ba total of\b")
ORDINAL = re.compile(r"(?:the\s)?([0-9]{1,6})(?:st|nd|rd|th)\b", re.IGNORECASE)
ASIDE = re.compile(r"\s*[*_(]{0,3}(?:note|hint|remember|p\.s\.)\b", re.IGNORECASE)
IN_BRACKETS = re.compile(r"(?<!\\)\([^()]{0,200}\)")
BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
UNDONE = "a sum that is not worked out"
SEVERAL = "several numbers"
TWO_UNITS = "a number in two units"
CONCLUSION = 1500  # characters in which a text that announces nothing may conclude
WORKING = 4000  # characters whose sums are looked at for what they result in


@dataclass(frozen=True)
class Reading:
    """What a place says: one number in one form or several, or why it is not one, or neither."""

    forms: tuple[Numeral, ...] = ()
    problem: str = ""


def rule_number(text: str, item: Item) -> Ruling:
    """The number that is announced last, else the one that the text concludes with."""
    wanted = _wanted_numbers(item)
    given = prepare(text, item)
    for place, mark in reversed([*enumerate(given.marks)]):
        reading = read_number(mark)
        rest = given.text[mark.at + len(mark.text) :]
        if reading.problem == UNDONE and numerals(rest):  # the working goes on
            return _concluded(Given(rest, (), given.note), item.question, wanted)
        if reading.problem:
            fail = ambiguous if reading.problem == SEVERAL else unreadable
            return fail(f"{reading.problem} {mark.where}", mark.text)
        if reading.forms:
            forms = reading.forms + _said_before(given.marks[:place], reading.forms[0])
            return _compare(forms, wanted, mark.text, mark.where + given.note)
        if NO_ANSWER.search(mark.text) and not numerals(mark.text):
            return _declined(wanted, mark.text, mark.where)
    return _concluded(given, item.question, wanted)


def read_number(mark: Mark) -> Reading:
    """The one number that an announced answer gives, if it gives one."""
    body = clean(mark.text)
    found = numerals(body)
    lead = LEAD.match(body)
    begins = lead.end() if lead else 0
    if not found:
        number = _in_words(body[begins:]) or _ordinal(body, begins)
        if number is None and len(numbers_in_words(body)) > 1:
            return Reading(problem=SEVERAL)
        return Reading((number,) if number else ())
    if found[0].start > begins:
        if not mark.firm:
            return Reading()
        if len({numeral.value for numeral in found}) > 1:
            found = _after_last(COPULA, body, found) or found
    elif OPERATOR.match(body, found[0].end):
        found = _after_last(EQUALS, body, found)
        if not found:
            return Reading(problem=UNDONE)
    return _the_one(body, found)


def _wanted_numbers(item: Item) -> tuple[Numeral, ...]:
    """The numbers of the references; none where the reference is that there is no answer."""
    wanted = _numbers(item.references)
    if wanted is None:
        raise BenchwarrantError(
            f"{item.task}/{item.key}: the reference {item.reference!r} is not a number; "
            "set the item's answer_type, or use a judge of another kind"
        )
    return wanted


@lru_cache(maxsize=16_384)
def _numbers(references: tuple[str, ...]) -> tuple[Numeral, ...] | None:
    wanted = tuple(number for number in map(one_number, references) if number)
    if wanted or any(NO_ANSWER.search(reference) for reference in references):
        return wanted
    return None


def _compare(forms: Sequence[Numeral], wanted: Sequence[Numeral], span: str, where: str) -> Ruling:
    right = any(same_number(number, one) for number in forms for one in wanted)
    return Ruling(right, None, span, f"read {_shown(forms[0])} {where}")


def _shown(number: Numeral) -> str:
    value = number.value
    return f"{value if value is None else str(value)[:40]}{'%' if number.percent else ''}"


def _declined(wanted: Sequence[Numeral], span: str, where: str) -> Ruling:
    return Ruling(not wanted, None, span, f"read that there is no answer {where}")


def _in_words(text: str) -> Numeral | None:
    """The one number that is spelled out; "one" alone may be no number at all."""
    spelled = numbers_in_words(text)
    if len(spelled) != 1:
        return None
    value, start = spelled[0]
    return None if value == 1 and start > 0 else Numeral(value, False, start, len(text))


def _ordinal(body: str, begins: int) -> Numeral | None:
    """A place, as in "98th", where an announced answer begins with it."""
    found = ORDINAL.match(body, begins)
    return Numeral(int(found[1]), False, *found.span()) if found else None


def _said_before(marks: Sequence[Mark], number: Numeral) -> tuple[Numeral, ...]:
    """The same number in another form just before: "The answer is 25%. As a fraction: 1/4"."""
    forms = read_number(marks[-1]).forms if marks else ()
    return forms if forms and same_number(forms[0], number) else ()


def _after_last(pattern: re.Pattern[str], body: str, found: list[Numeral]) -> list[Numeral]:
    ends = [m.end() for m in pattern.finditer(body) if m.end() <= found[-1].start]
    return [numeral for numeral in found if numeral.start >= ends[-1]] if ends else []


def _the_one(body: str, found: list[Numeral]) -> Reading:
    first = found[0]
    if first.value is None:
        return Reading(problem="no plain number")
    if len(found) == 1 and not OPERATOR.match(body, first.end):
        return Reading((first,))
    if OPERATOR.match(body, first.end):
        return Reading(problem=UNDONE)
    forms = _forms(body, found)
    others = [numeral for numeral in found if numeral not in forms]
    between = body[first.end : others[0].start] if others else ""
    if others and COMPOUND.fullmatch(between):
        return Reading(problem=TWO_UNITS)
    if others and JOINS.search(between[-30:]):
        return Reading(problem=SEVERAL)
    return Reading(forms)


def _forms(body: str, found: list[Numeral]) -> tuple[Numeral, ...]:
    """The first number and what is the same: by its value, or since the text says that it is."""
    first, *others = found
    forms = [first, *(numeral for numeral in others if same_number(numeral, first))]
    if others and RESTATED.fullmatch(body, first.end, others[0].start):
        forms.append(others[0])
    return tuple(dict.fromkeys(forms))


# --- where nothing is announced ----------------------------------------------------------------


@dataclass(frozen=True)
class Ending:
    """The last sentence that holds numbers, the working before it, and the question."""

    sentence: str
    numbers: list[Numeral]
    working: str
    question: str


def _concluded(given: Given, question: str, wanted: Sequence[Numeral]) -> Ruling:
    """The number of the last sentence that has one; of several the one that the working gives."""
    text = blank_code(given.text)
    for aside in (ENUMERATOR, CALCULATION):
        text = aside.sub(lambda found: " " * len(found[0]), text)
    said = [(a, b) for a, b in sentences(text, CONCLUSION) if text[a:b].strip()]
    last = text[slice(*said[-1])].strip() if said else ""
    if NO_ANSWER.search(last) and not numerals(last):
        return _declined(wanted, last, "in the last sentence")._replace(marked=False)
    for start, end in reversed(said):
        found = [] if ASIDE.match(text, start) else numerals(text[start:end])
        if found:
            working = text[max(0, start - WORKING) : start]
            ruling = _ruled(Ending(text[start:end], found, working, question), wanted, given.note)
            return ruling._replace(marked=text.strip() == ruling.span)
    number = _in_words(last)
    if number is None:
        return unreadable("no answer found: no number in the text", marked=False)
    return _compare((number,), wanted, last, "in words")._replace(marked=False)


def _ruled(ending: Ending, wanted: Sequence[Numeral], note: str) -> Ruling:
    sentence, found = ending.sentence, ending.numbers
    chosen, how = _choose(ending)
    for before, after in pairwise(found):
        compound = COMPOUND.fullmatch(sentence, before.end, after.start)
        if compound and (chosen or found[-1]) in (before, after):
            return unreadable(f"no answer found: {TWO_UNITS}", sentence.strip())
    if chosen is None:
        return ambiguous(f"{SEVERAL} in the last sentence", sentence.strip())
    span = sentence[max(0, chosen.start - 2) : chosen.end].split()[-1]
    if chosen.value is None:
        return unreadable(f"no answer found: {span!r} at the end is no plain number", span)
    return _compare((chosen,), wanted, span, how + note)


def _choose(ending: Ending) -> tuple[Numeral | None, str]:
    """The number that a sentence comes down to, and how that is known."""
    found = ending.numbers
    ways: tuple[tuple[str, Callable[[], list[Numeral]]], ...] = (
        ("at the end: the only number there", lambda: found),
        (
            "at the end, outside brackets",
            lambda: _inside(IN_BRACKETS, ending.sentence, found, False),
        ),
        ("at the end, in bold", lambda: _inside(BOLD, ending.sentence, found)),
        ("at the end, after '=' or 'is'", lambda: _stated(ending.sentence, found)[-1:]),
        ("at the end: what the working results in", lambda: _results(ending)),
        ("at the end: the only new number", lambda: _new(found, numerals(ending.question))),
    )
    for how, way in ways:
        kept = way()
        if kept and len({(numeral.value, numeral.percent) for numeral in kept}) == 1:
            return kept[-1], how
    return None, ""


def _inside(
    pattern: re.Pattern[str], text: str, found: list[Numeral], inside: bool = True
) -> list[Numeral]:
    spans = [match.span() for match in pattern.finditer(text)]
    return [n for n in found if any(start <= n.start < end for start, end in spans) is inside]


def _stated(text: str, found: list[Numeral]) -> list[Numeral]:
    """The numbers that stand right after "=", "is" or "a total of", and are not a sum's first."""
    begin = {numeral.start: numeral for numeral in found}
    stated = []
    for verb in STATES.finditer(text):
        lead = LEAD.match(text, verb.end())
        numeral = begin.get(lead.end()) if lead else None
        if numeral and not OPERATOR.match(text, numeral.end):
            stated.append(numeral)
    return stated


def _results(ending: Ending) -> list[Numeral]:
    """Those numbers that the last sum of the working gives, or else the one that any sum gives."""
    sums = _stated(ending.working, numerals(ending.working))
    for made in (sums[-1:], sums):
        same = [n for n in ending.numbers if any(same_number(n, one) for one in made)]
        if same:
            return same
    return []


def _new(found: list[Numeral], asked: Iterable[Numeral]) -> list[Numeral]:
    old = {numeral.value for numeral in asked}
    return [numeral for numeral in found if numeral.value not in old]
