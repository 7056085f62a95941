"""Find where a free text gives its final answer.

The text is made plain first, and what is no answer (the echoed question, a next question that the
model made up) is blanked out or cut off.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from judges.plain import SENTENCE, SENTENCE_END, blank, flat, lower, plain
from samples.errors import BenchwarrantError
from samples.records import Case, Item

LIMIT = 20_000  # characters; the final answer stands at the end, so the end is what is read
NOT_ANSWERED = {"too_long": "too_long", "error": "api_error"}  # a finish without a text
LONGEST_BOX = 2000
MOST_MARKS = 30  # of one kind, from the last, are looked at
BRIEF = 200  # characters of a reply that is read as a whole
FORMATS = ("boxed", "after ####", "announced", "short reply", "running text", "no text")
ECHO = 40  # characters of two lines that stand in the prompt

BOX = re.compile(r"\\(?:f?boxed|fbox)\s{0,3}\{")
BRACE = re.compile(r"[{}]")
AND = re.compile(
    r"(?:[\s,;$&]|\\q?quad|\\text\{[^{}]{0,30}\}|\\[()\[\]]|and|or"
    r"|[a-zA-Z](?:_\{?\w{1,3}\}?)?\s?=)*"
)
HASHES = re.compile(r"^\s{0,8}#{4}[ \t]*(?=[-+$\d(\[.\\*])", re.MULTILINE)
LETTER_A = re.compile(r"^[ \t>*_]{0,8}A[*_]{0,3}:", re.MULTILINE)
# These three look at small letters: to ignore case costs twice the time.
TAG = re.compile(r"<answer>(?=[^<>]{1,300}</answer>)")
HEADING = re.compile(r"^[ \t#*_]{0,10}(?:the[ ])?(?:final[ ])?answer[ \t*_:]{0,6}$", re.MULTILINE)
CUE = re.compile(
    r"""
    \b(?=[abcflmorsty])  # how its words begin, to fail at once at others
    (?: (?:final|correct|right|best|likely)\s+(?:answer|result|option|choice|list)s?
        | answers? | ans
        | sorted | (?:sorted|ordered|resulting)\s+(?:list|numbers|order|sequence|array)
        | (?:sorted|ordered|arranged)\s+in\s+(?:ascending|descending|increasing|decreasing)\s+order
        | (?:the|my|your)\s+(?:choice|option|pick)
      )\b
    (?:\s*\([^()\n]{0,60}\))?
    (?:[ ](?:choice|option|to|for|of|in)\b[^.:=\n]{0,80}?)?
    [*_"']{0,3}
    (?: \s+(?:is|are|was|would\s+be|should\s+be|must\s+be|will\s+be)\b(?!n't)\s*[*_]{0,3}[:=]?
      | [ ]?[:=] )
    | \bi(?:'d|'ll|\s+would|\s+will)?\s+(?:choose|pick|select|go[ ]with)\b:?
    """,
    re.VERBOSE,
)
# One of these, or "ans", stands in every cue: before the first there is no need to look.
CUE_WORDS = (
    *("result", "option", "choice", "list", "sorted", "ordered", "arranged"),
    *("choose", "pick", "select", "go with"),
)
CHECKED = re.compile(  # "we check our answer: 5 + 5 = 10" announces none; for small letters
    r"\b(?:check|verif(?:y|ies)|test|confirm)(?:ing|s|ed)?\s(?:our|the|this|my|your)\s\Z"
)
CHECKED_WHOSE = ("our", "the", "this", "my")  # how what CHECKED finds must end
CUE_LEAD = 20  # characters before it, as from "I would" to "choose"
AFTER_CUE = re.compile(r"[ \t\n\r*_:=>\"]*")
NEGATION = re.compile(r"(?:not|n't|never)\b(?!\s(?:known|clear|certain|sure|definit|as\s))")
NEXT_TURN = re.compile(
    r"^[ \t#*_>]{0,8}(?:Q|Question|Problem|Exercise|User|Human|Instruction)(?:[ ]?\d{1,3})?"
    r"[*_]{0,2}:"
    r"|<\|im_start\|>user",
    re.MULTILINE | re.IGNORECASE,
)
INTRODUCTION = re.compile(r"\W*(?:let|sure|ok|first|here|solution|step)", re.IGNORECASE)
END_TOKEN = re.compile(r"<\|(?:im_end|endoftext|eot_id|end_of_text|end)\|>|</s>|<end_of_turn>")

NO_ANSWER = re.compile(
    r"\b(?:cannot|can't|can\s+not|could\s+not|couldn't)\s+be\s+"
    r"(?:determined|answered|calculated|solved|found|computed|known)"
    r"|\b(?:not\s+(?:enough|sufficient)|insufficient)\s+(?:information|data|details)"
    r"|\bimpossible\s+to\s+(?:determine|answer|say|tell|know|calculate|solve)"
    r"|\bunanswerable\b|\bundetermined\b|\A\W{0,4}none\W{0,4}\Z",
    re.IGNORECASE,
)


class Ruling(NamedTuple):
    """Right, wrong or a failure; what it was read from; and why.

    ``marked`` is False where nothing announced the answer and the end of the text was taken for it.
    ``facts`` is what else is worth counting, such as how a sorted list is wrong.
    """

    value: bool | None
    failure: str | None
    span: str
    reason: str
    marked: bool = True
    facts: Mapping[str, Any] = MappingProxyType({})


class Mark(NamedTuple):
    """A place that announces the final answer, and the text that stands there."""

    text: str
    where: str
    start: int
    at: int  # where that text begins
    firm: bool = True  # the answer follows at once, unlike a heading over the whole working
    closed: bool = True


class Given(NamedTuple):
    """A response made ready for reading: plain characters, echoes blanked out."""

    text: str
    marks: tuple[Mark, ...]  # in the order of the text: the last binds
    note: str = ""


def unreadable(reason: str, span: str = "", marked: bool = True) -> Ruling:
    """No answer can be read."""
    return Ruling(None, "unparsable", span, reason, marked)


def ambiguous(reason: str, span: str = "", marked: bool = True) -> Ruling:
    """Several answers are given that contradict each other."""
    return Ruling(None, "ambiguous", span, reason, marked)


def prepare(text: str, item: Item) -> Given:
    """Make a response ready: plain characters, the model's own turn, its marks."""
    note = f" (only the last {LIMIT:,} characters were read)" if len(text) > LIMIT else ""
    made = _blank_question(plain(text[-LIMIT:]), plain(item.question))
    letter_a = not item.choices  # where there are choices, "A:" is one of them
    made = made[: _own_turn_ends(made, letter_a)]
    return Given(made, find_marks(made, letter_a), note)


def find_marks(text: str, letter_a: bool = True) -> tuple[Mark, ...]:
    """All places that announce an answer, in the order of the text."""
    marks = _boxes(text) if "\\" in text else []
    if "####" in text:
        marks += _announced(text, HASHES.finditer(text), "after '####'")
    if letter_a and ("A:" in text or "A*" in text or "A_" in text):
        marks += _announced(text, LETTER_A.finditer(text), "after 'A:'")
    small = lower(text)
    start = _first_cue(small)
    if start < len(text):
        if "\n" in text:
            marks += _announced(text, HEADING.finditer(small, start), "under a heading 'Answer'")
        marks += _announced(text, CUE.finditer(small, start), "after {!r}")
        if "<" in text:
            marks += _announced(text, TAG.finditer(small), "in <answer>")
    return tuple(sorted(marks, key=lambda mark: mark.start))


def answer_format(text: str, item: Item) -> str:
    """In which form a response gives its answer: one of FORMATS, by the mark that binds."""
    given = prepare(text, item)
    if given.marks:
        where = given.marks[-1].where
        return {"in \\boxed{}": "boxed", "after '####'": "after ####"}.get(where, "announced")
    reply = given.text.strip()
    if not reply:
        return "no text"
    return "short reply" if len(reply) <= BRIEF and "\n" not in reply else "running text"


def blank_prompt(text: str, prompt: str) -> str:
    """Blank out what repeats the prompt, such as its worked examples: two lines or more.

    A line by itself may well be the answer, even where an example's answer is the same.
    """
    left = text
    lines = [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", text)]
    for (start, _), (_, end) in pairwise(lines):
        if end - start >= ECHO and text[start:end].strip() in prompt:
            left = blank(left, start, end)
    return left


def require_texts(judge: str, cases: Sequence[Case]) -> None:
    """Refuse responses of which only a score was imported: there is nothing to judge."""
    missing = sum(
        case.response.text is None and case.response.finish in ("stop", "length") for case in cases
    )
    require_all(judge, missing, len(cases))


def require_all(judge: str, missing: int, of: int) -> None:
    """Refuse where ``missing`` of so many responses have no text though they were given."""
    if missing:
        raise BenchwarrantError(
            f"judge {judge!r}: {missing} of {of} responses have no text; "
            "import their texts, or verdicts made elsewhere"
        )


def _first_cue(small: str) -> int:
    """Where looking for cues must begin; the text's length where it holds no word of any cue."""
    found = [place for word in CUE_WORDS if (place := small.find(word)) >= 0]
    answer = small.find("ans")
    while answer > 0 and small[answer - 1].isalpha():  # "means" holds no answer
        answer = small.find("ans", answer + 1)
    if answer >= 0:
        found.append(answer)
    return max(0, min(found) - CUE_LEAD) if found else len(small)


def _boxes(text: str) -> list[Mark]:
    """The last boxes; such as stand in one breath, "\\boxed{1} and \\boxed{2}", are one answer."""
    marks: list[Mark] = []
    last_end = -1
    for box in list(BOX.finditer(text))[-MOST_MARKS:]:
        depth, end = 1, len(text)
        for brace in BRACE.finditer(text, box.end()):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.end()
                break
        closed = depth == 0
        content = text[box.end() : end - closed].strip()
        if not content or (closed and len(content) > LONGEST_BOX):
            continue
        content = content[:LONGEST_BOX]
        mark = Mark(content, "in \\boxed{}", box.start(), box.end(), closed=closed)
        if marks and last_end <= box.start() and AND.fullmatch(text, last_end, box.start()):
            before = marks.pop()
            both = content if before.text == content else f"{before.text}, {content}"
            mark = before._replace(text=both, closed=closed)
        marks.append(mark)
        last_end = end
    return marks


def _announced(text: str, cues: Iterable[re.Match[str]], where: str) -> list[Mark]:
    marks = []
    for cue in list(cues)[-MOST_MARKS:]:
        skipped = AFTER_CUE.match(text, cue.end())
        at = skipped.end() if skipped else cue.end()
        end = SENTENCE_END.search(text, at, at + SENTENCE)
        content = text[at : end.start() if end else at + SENTENCE].strip()
        if not content or NEGATION.match(content):
            continue
        lead = text[max(0, cue.start() - CUE_LEAD) : cue.start()].lower()
        if lead.rstrip().endswith(CHECKED_WHOSE) and CHECKED.search(lead):
            continue
        firm = not cue[0].rstrip().endswith(":") or not text[at + len(content) :].strip(" .\n")
        words = " ".join(text[cue.start() : cue.end()].split())
        marks.append(Mark(content, where.format(words), cue.start(), at, firm))
    return marks


def _own_turn_ends(text: str, letter_a: bool) -> int:
    """Where the model, done with its own answer, goes on to a question it made up."""
    ends = [len(text)]
    if "<" in text:
        ends += [end.start() for end in END_TOKEN.finditer(text) if text[: end.start()].strip()]
    turns = list(NEXT_TURN.finditer(text)) if ":" in text or "<" in text else []
    if not turns:
        return min(ends)
    patterns = (BOX, HASHES, *([LETTER_A] if letter_a else []))
    places = [
        *((pattern, text) for pattern in patterns),
        (HEADING, lower(text)),
        (CUE, lower(text)),
    ]
    found = [mark.start() for pattern, read in places if (mark := pattern.search(read))]
    first_mark = min(found, default=len(text))
    for turn in turns:
        before = text[: turn.start()].strip()
        short = len(before.split()) <= 3 and not INTRODUCTION.match(before)
        answered = before and (short or re.search("[0-9]", before))
        if turn.start() > first_mark or answered:
            ends.append(turn.start())
            break
    return min(ends)


def _blank_question(text: str, question: str) -> str:
    question = flat(question.strip())
    if not 8 <= len(question) <= len(text):
        return text
    line = flat(text)
    start = line.find(question)
    while start >= 0:
        text = blank(text, start, start + len(question))
        start = line.find(question, start + len(question))
    return text
