"""Numbers and lists of numbers as people write them: read exactly, or not at all.

Nothing is cut to fit: "1.9" is never 1, and "3:45", "2^10" or "1,2,3" are not one number.
"""

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from judges.plain import clean

MOST_DIGITS = 60  # a longer run of digits is no answer
FINEST = 6
FINE = 2  # decimal places from which on a number may be given to more of them
MOST_TENS = 60  # powers of ten beyond this are no answer either

TOKEN = re.compile(
    r"\\[dtc]?frac\s?(?:\{(?P<top>[^{}]{1,60})\}|(?P<t>[0-9]))\s?(?:\{(?P<under>[^{}]{1,60})\}|(?P<u>[0-9]))"
    r"|(?<![\w.^])(?P<digits>[0-9][0-9,.]*|\.[0-9]+)"
    r"|(?P<vulgar>[¼-¾⅐-⅞])"
)
WHOLE = re.compile(r"[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}")
DECIMAL = re.compile(r"(?:[0-9]*|[0-9]{1,3}(?:,[0-9]{3})+)\.[0-9]+")
DECIMAL_COMMA = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),[0-9]{1,2}|0,[0-9]+")
GROUPS_APART = re.compile(r"(?: [0-9]{3})+(?![0-9]|[,.][0-9])")
ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
MIXED = re.compile(r"(?:\s(?:and\s)?|-)([0-9]{1,4})\s?/\s?([0-9]{1,4})(?![\w/])")
MIXED_SIGN = re.compile(r"\s?(?:and\s)?(?=\\[dtc]?frac|[¼-¾⅐-⅞])")
OVER = re.compile(r"\s?/\s?([0-9]{1,20}(?:\.[0-9]{1,20})?)(?![0-9]|[.,][0-9])")
POWER_OF_TEN = re.compile(
    r"[eE]([+-]?[0-9]{1,3})(?!\w)"
    r"|\s?(?:[×x*]|\\times|\\cdot)\s?10\s?(?:\^|\*\*)\s?\{?\s?([+-]?[0-9]{1,3})(?![0-9])\}?"
)
SCALE = re.compile(r"\s(hundred|thousand|million|billion|trillion)s?\b", re.IGNORECASE)
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
PERCENT = re.compile(r"[ $}]{0,3}(?:\\?%|per\s?cent(?:age)?\b|pct\b)", re.IGNORECASE)
SPOILS = re.compile(r"[:_][0-9{]|\s?\^|\s?/\s?[0-9]")
NEGATIVE = re.compile(r"(?:\bnegative|(?<![0-9)}]\s)\bminus)\s\$?\Z", re.IGNORECASE)
ON_THE_HOUR = re.compile(r":00(?![0-9:.,]*[0-9])")  # 2:00 is two o'clock, 2:30 no plain number
AFTER_COLON = re.compile(r"[0-9]:\Z")
SIGN = re.compile(r"([-+])(\s?)(?:\\?[$€£¥₹]\s?)?\Z|[$€£¥₹]\s?([-+])(\s?)\Z")

WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
IN_WORDS = {word: n if n < 20 else 10 * n - 180 for n, word in enumerate(WORDS.split())}
_ONE = "|".join(IN_WORDS)
SPELLED = re.compile(
    rf"\b(?:{_ONE})(?:(?:\s|-|\sand\s)(?:{_ONE}|hundred|thousand|million|billion|trillion))*\b"
    r"(?!\s(?:of|or)\b)",
    re.IGNORECASE,
)
POINT = re.compile(rf"\spoint\s((?:{_ONE})(?:[\s-](?:{_ONE}))*)\b", re.IGNORECASE)
PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8}
PARTS |= {"halve": 2, "seventh": 7, "ninth": 9, "tenth": 10}
PART = re.compile(rf"(\sand\sa)?[\s-](?:an?\s)?({'|'.join(PARTS)})s?\b", re.IGNORECASE)

LIST_GAP = re.compile(
    r"\s*(?:[,;]\s*(?:and\b)?|<=?|≤|→|->|\\(?:q?quad|lt|leq?|to|rightarrow)\b|\band\b)\s*|\s+"
)
LIST_EDGES = " \t\r\n[](){}$*`\"'.,;"
LIST_ITEM = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{1,20})?|\.[0-9]{1,20})")
PLAIN_LIST = re.compile(r"-?[0-9]{1,20}(?:, ?-?[0-9]{1,20})*")  # most are; read at once
LOOSE_MINUS = re.compile(r"(\A|[\[({,;<])\s*-\s+(?=[0-9.])")


Rational = int | Fraction  # equal numbers are equal and hash alike, whichever they are


class Numeral(NamedTuple):
    """A number as it stands in a text; ``value`` is None for a time, a ratio, a power."""

    value: Rational | None
    percent: bool
    start: int
    end: int
    places: int = 0  # decimal places, where the number is written out as a decimal


def numerals(text: str) -> list[Numeral]:
    """All numbers of a text in their order; ordinals ("3rd") are left out."""
    found: list[Numeral] = []
    place = 0
    while token := TOKEN.search(text, place):
        numeral = _numeral(text, token)
        if numeral is not None:
            found.append(numeral)
        place = numeral.end if numeral else token.end()
    return found


def one_number(text: str) -> Numeral | None:
    """The number of a reference, which holds nothing else but a unit or a currency."""
    found = numerals(clean(text))
    return found[0] if len(found) == 1 and found[0].value is not None else None


def same_number(given: Numeral, wanted: Numeral) -> bool:
    """Equal in value; the percent sign may be missing, or written out as a share.

    A number wanted to two decimal places or more may be given to more of them: 4.3333 or 13/3 is
    4.33; beyond the sixth they are what a computer's arithmetic left. What is wanted whole is
    wanted exactly.
    """
    if given.value is None or wanted.value is None:
        return False
    if given.value == wanted.value:
        return True
    if given.percent != wanted.percent:
        share, percentage = (given, wanted) if wanted.percent else (wanted, given)
        return share.value is not None and share.value * 100 == percentage.value
    if wanted.places < FINE:
        return False
    off = Fraction(given.value) - wanted.value
    return abs(off) <= Fraction(1, 2 * 10 ** min(wanted.places, FINEST))


def numbers_in_words(text: str) -> list[tuple[Rational, int]]:
    """Numbers such as "one thousand six hundred and two", and where they begin."""
    found: list[tuple[Rational, int]] = []
    place = 0
    while run := SPELLED.search(text, place):
        value, place = _spelled(run[0]), run.end()
        if value is not None and (point := POINT.match(text, place)):  # "two point six two"
            decimals, place = _decimals(point[1]), point.end()
            value = None if decimals is None else value + decimals
        elif value is not None and (share := PART.match(text, place)):
            size, place = Fraction(1, PARTS[share[2].lower()]), share.end()
            value = value + size if share[1] else value * size  # "three and a half", "two thirds"
        if value is not None:
            found.append((value, run.start()))
    return found


def spelled_out(text: str) -> Rational | None:
    """The number of a text that is number words and nothing else: "forty-four"."""
    found = numbers_in_words(text)
    words = re.findall(r"[a-z]+", text.lower())
    known = {*IN_WORDS, *SCALES, "and", "point"}
    return found[0][0] if len(found) == 1 and known.issuperset(words) else None


def _spelled(words: str) -> Rational | None:
    """The value of number words; None for such as stand side by side: "six two"."""
    total = part = 0
    before = "hundred"
    for word in re.findall(r"[a-z]+", words.lower()):
        if word == "and":
            continue
        if word in SCALES and word != "hundred":
            total, part = total + part * SCALES[word], 0
        elif word == "hundred":
            part *= 100
        elif before in IN_WORDS and not (IN_WORDS[before] >= 20 and 0 < IN_WORDS[word] < 10):
            return None
        else:
            part += IN_WORDS[word]
        before = word
    return total + part


def _decimals(words: str) -> Fraction | None:
    """What follows "point": digits one by one, or one number such as eighty-seven."""
    digits = [IN_WORDS.get(word, 10) for word in re.findall(r"[a-z]+", words.lower())]
    one_by_one = all(digit < 10 for digit in digits)
    value = int("".join(map(str, digits))) if one_by_one else _spelled(words)
    if value is None:
        return None
    return Fraction(value, 10 ** (len(digits) if one_by_one else len(str(value))))


def number_list(text: str) -> tuple[Rational, ...] | None:
    """The numbers of a text that is a list of numbers and nothing else, else None."""
    body = LOOSE_MINUS.sub(r"\1 -", clean(text)).strip(LIST_EDGES)
    if PLAIN_LIST.fullmatch(body):
        return tuple(map(int, body.split(",")))
    items = LIST_GAP.split(body) if body else []
    if not items or not all(map(LIST_ITEM.fullmatch, items)):
        return None
    return tuple([Fraction(item) if "." in item else int(item) for item in items])


def _numeral(text: str, token: re.Match[str]) -> Numeral | None:
    start, end = token.span()
    places = 0
    value: Rational | None
    if token["digits"]:
        run = token["digits"].rstrip(",.")
        end = start + len(run)
        if ORDINAL.match(text, end):
            return None
        if text[end : end + 1] == ":" and (hour := ON_THE_HOUR.match(text, end)):
            return Numeral(int(run), False, start, hour.end()) if run.isdigit() else None
        groups = GROUPS_APART.match(text, end) if run.isdigit() and len(run) <= 3 else None
        if groups:
            run, end = run + groups[0].replace(" ", ""), groups.end()
        value, after = _completed(text, end, _plain_value(run))
        places = len(run.partition(".")[2]) if after == end else 0
        end = after
    elif token["vulgar"]:
        value = Fraction(unicodedata.numeric(token["vulgar"])).limit_denominator(10)
    else:
        value = _quotient(token["top"] or token["t"], token["under"] or token["u"])
    percent = PERCENT.match(text, end)
    end = percent.end() if percent else end
    if SPOILS.match(text, end) or AFTER_COLON.search(text, max(0, start - 2), start):
        value = None
    before = text[max(0, start - 12) : start]
    if value is not None and _negative(before):
        value = -value
    return Numeral(value, percent is not None, start, end, places)


def _plain_value(run: str) -> Rational | None:
    if len(run) > MOST_DIGITS:
        return None
    if run.isdecimal():
        return int(run)
    if WHOLE.fullmatch(run) or DECIMAL.fullmatch(run):
        return Fraction(run.replace(",", ""))
    if DECIMAL_COMMA.fullmatch(run):
        return Fraction(run.replace(".", "").replace(",", "."))
    return None


def _completed(text: str, end: int, value: Rational | None) -> tuple[Rational | None, int]:
    """Take in what follows the digits and belongs to the number: 1/2 in "3 1/2", "million"."""
    if value is None or end == len(text):
        return value, end
    sign = MIXED_SIGN.match(text, end)
    token = TOKEN.match(text, sign.end()) if sign else None
    if token and value.denominator == 1:
        part = _numeral(text, token)
        if part and part.value is not None and 0 < part.value < 1:
            return value + part.value, part.end
    if (mixed := MIXED.match(text, end)) and value.denominator == 1:
        part_value = _quotient(mixed[1], mixed[2])
        return (None if part_value is None else value + part_value), mixed.end()
    if over := OVER.match(text, end):
        under = Fraction(over[1])
        return (value / under if under else None), over.end()
    if power := POWER_OF_TEN.match(text, end):
        tens = int(power[1] or power[2])
        return (value * Fraction(10) ** tens if abs(tens) <= MOST_TENS else None), power.end()
    if scale := SCALE.match(text, end):
        return value * SCALES[scale[1].lower()], scale.end()
    return value, end


def _quotient(top: str, under: str) -> Fraction | None:
    a, b = _plain_value(top.strip().lstrip("-")), _plain_value(under.strip())
    if a is None or not b:
        return None
    return Fraction(-a if top.strip().startswith("-") else a) / b


def _negative(before: str) -> bool:
    """Whether a minus before the digits is a sign, not a subtraction or a hyphen."""
    if (before[-1:].isspace() or before.endswith("$")) and NEGATIVE.search(before):
        return True
    if "-" not in before:
        return False
    sign = SIGN.search(before)
    if sign is None or "-" not in (sign[1], sign[3]):
        return False
    ahead = before[: sign.start()]
    last = ahead.rstrip()[-1:]
    if sign[2] or sign[4]:  # "- 5"
        return last in ("", "=", "(", "{", "[", ":", ",", "<")
    return not last or ahead[-1].isspace() or not (last.isalnum() or last in ")]}%")
