"""Find where a free text gives its final answer.

Every function keeps positions: characters are made plain one for one, and what is no answer (the
echoed question, a next question the model made up, program code) is blanked out, not cut.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from samples.errors import BenchwarrantError
from samples.records import Case, Item

LIMIT = 20_000  # characters; the final answer stands at the end, so the end is what is read
SENTENCE = 300
NOT_ANSWERED = {"too_long": "too_long", "error": "api_error"}  # a finish without a text
LONGEST_BOX = 2000
MOST_MARKS = 30  # of one kind, from the last, are looked at

PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u200a\u202f\u3000", " "),
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u201c\u201d", '"'),
        **{chr(0xFF01 + n): chr(0x21 + n) for n in range(94) if n != 0x0C},  # full-width ASCII
    }
)
BREAKS = str.maketrans("\n\r\t", "   ")

BOX = re.compile(r"\\f?boxed\s{0,3}\{")
AND = re.compile(r"(?:[\s,;$&]|\\q?quad|\\text\{[^{}]{0,30}\}|\\[()\[\]]|and|or)*")
HASHES = re.compile(r"^\s{0,8}#{4}[ \t]*(?=[-+$\d(\[.\\*])", re.MULTILINE)
LETTER_A = re.compile(r"^[ \t>*_]{0,8}A[*_]{0,3}:", re.MULTILINE)
HEADING = re.compile(
    r"^[ \t#*_]{0,10}(?:the[ ])?(?:final[ ])?answer[ \t*_:]{0,6}$", re.MULTILINE | re.IGNORECASE
)
CUE = re.compile(
    r"""
    \b(?: (?:final|correct|right|best|likely)\s+(?:answer|result|option|choice|list)s?
        | answers? | ans
        | sorted | (?:sorted|ordered|resulting)\s+(?:list|numbers|order|sequence|array)
        | (?:sorted|ordered|arranged)\s+in\s+(?:ascending|descending|increasing|decreasing)\s+order
      )\b
    (?:\s*\([^()\n]{0,60}\))?
    (?:[ ](?:choice|option|to|for|of|in)\b[^.:=\n]{0,80}?)?
    [*_]{0,3}
    (?: \s+(?:is|are|was|would\s+be|should\s+be|must\s+be|will\s+be)\b(?!n't)\s*[*_]{0,3}[:=]?
      | [ ]?[:=] )
    | \bI(?:'d|'ll|\s+would|\s+will)?\s+(?:choose|pick|select|go\s+with)\b:?
    """,
    re.VERBOSE | re.IGNORECASE,
)
SENTENCE_END = re.compile(r"\n|(?<![A-Z][a-z])(?<!\b[A-Z])[.!?](?=[\s\"')\]*_]|\Z)")
NEXT_TURN = re.compile(
    r"^[ \t#*_>]{0,8}(?:Q|Question|Problem|Exercise|User|Human|Instruction)(?:[ ]?\d{1,3})?"
    r"[*_]{0,2}:"
    r"|<\|im_start\|>user",
    re.MULTILINE | re.IGNORECASE,
)
INTRODUCTION = re.compile(r"\W*(?:let|sure|ok|first|here|solution|step)", re.IGNORECASE)
END_TOKEN = re.compile(r"<\|(?:im_end|endoftext|eot_id|end_of_text|end)\|>|</s>|<end_of_turn>")

FENCE = re.compile(r"```([^\n`]{0,40})\n?(.*?)(?:```|\Z)", re.DOTALL)
CODE = re.compile(
    r"^[ \t]*(?:def[ ]|import[ ]|from[ ]\w+[ ]import\b|print[ ]?\(|return[ ]|class[ ]\w+[:(]"
    r"|#include|for[ ]\w+(?:,[ ]?\w+)?[ ]in[ ][^\n]{1,200}:"
    r"|while[ ][^\n]{1,200}:[ \t]*$|\w{1,40}\.sort\()",
    re.MULTILINE,
)
ASSIGNMENT = re.compile(r"^[ \t]*[A-Za-z_]\w{0,60}[ ]?=[^\n]*$", re.MULTILINE)
LINE_OF_CODE = re.compile(rf"(?:{CODE.pattern})[^\n]*", re.MULTILINE)

NO_ANSWER = re.compile(
    r"\b(?:cannot|can't|can\s+not|could\s+not|couldn't)\s+be\s+"
    r"(?:determined|answered|calculated|solved|found|computed|known)"
    r"|\b(?:not\s+(?:enough|sufficient)|insufficient)\s+(?:information|data|details)"
    r"|\bimpossible\s+to\s+(?:determine|answer|say|tell|know|calculate|solve)"
    r"|\bunanswerable\b|\bundetermined\b|\A\W{0,4}none\W{0,4}\Z",
    re.IGNORECASE,
)
LATEX_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|normal|tt)?|textnormal|mathrm|mathbf|mbox)\s?\{([^{}]*)\}?"
)
LATEX_SPACE = re.compile(r"\\[,;: ]|\\q?quad\b|~")
WORD = re.compile(r"\d+(?:\.\d+)?%?|[^\W_]+|[+/^=#√×÷∞∅≤≥≠±]|[-<>*](?=\s?\(?\d)")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
ACCENTS = re.compile("[\u0300-\u036f]")
ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True)
class Ruling:
    """Right, wrong or a failure; what it was read from; and why.

    ``marked`` is False where nothing announced the answer and the end of the text was taken for it.
    """

    value: bool | None
    failure: str | None
    span: str
    reason: str
    marked: bool = True


@dataclass(frozen=True)
class Mark:
    """A place that announces the final answer, and the text that stands there."""

    text: str
    where: str
    start: int
    at: int  # where that text begins
    firm: bool = True  # the answer follows at once, unlike a heading over the whole working
    closed: bool = True


@dataclass(frozen=True)
class Given:
    """A response made ready for reading: plain characters, echoes blanked out."""

    text: str
    marks: tuple[Mark, ...]  # in the order of the text: the last binds
    note: str = ""


def unreadable(reason: str, span: str = "", marked: bool = True) -> Ruling:
    return Ruling(None, "unparsable", span, reason, marked)


def prepare(text: str, item: Item) -> Given:
    """Make a response ready: plain characters, the model's own turn, its marks."""
    note = f" (only the last {LIMIT:,} characters were read)" if len(text) > LIMIT else ""
    plain = text[-LIMIT:].translate(PLAIN)
    plain = _blank_echo(plain, item.question.translate(PLAIN))
    letter_a = not item.choices  # where there are choices, "A:" is one of them
    plain = plain[: _own_turn_ends(plain, letter_a)]
    return Given(plain, find_marks(plain, letter_a), note)


def find_marks(text: str, letter_a: bool = True) -> tuple[Mark, ...]:
    """All places that announce an answer, in the order of the text."""
    marks = [*_boxes(text), *_cues(text, HASHES, "after '####'")]
    marks += [*_cues(text, HEADING, "under a heading 'Answer'"), *_cues(text, CUE, "after {!r}")]
    if letter_a:
        marks += _cues(text, LETTER_A, "after 'A:'")
    return tuple(sorted(marks, key=lambda mark: mark.start))


def blank(text: str, start: int, end: int) -> str:
    """Overwrite a stretch with blanks, so that positions stay."""
    return text[:start] + " " * (end - start) + text[end:]


def blank_code(text: str) -> str:
    """Blank out program code, fenced or not; a fence around a bare answer stays."""
    for fence in reversed(list(FENCE.finditer(text))):
        named = fence[1].strip().lower() not in ("", "text", "txt", "plaintext", "markdown", "json")
        if named or CODE.search(fence[2]) or ASSIGNMENT.search(fence[2]):
            text = blank(text, *fence.span())
    if not CODE.search(text):
        return text
    for line in (LINE_OF_CODE, ASSIGNMENT):
        text = line.sub(lambda found: " " * len(found[0]), text)
    return text


def clean(content: str) -> str:
    """Take the marking-up out of a short answer: LaTeX text and blanks, bold, code quotes."""
    content = LATEX_TEXT.sub(r" \1 ", content)
    for mark in ("\\left", "\\right", "\\!", "**", "__", "`", "\\displaystyle"):
        content = content.replace(mark, "")
    content = LATEX_SPACE.sub(" ", content).replace("{,}", ",")
    return re.sub(r"\\([$%{}&#])", r"\1", content)


def normalise(text: str) -> str:
    """Words in small letters without accents, punctuation and articles, for comparison."""
    folded = unicodedata.normalize("NFKD", text.translate(PLAIN)).casefold().replace("'", "")
    words = WORD.findall(THOUSANDS.sub("", ACCENTS.sub("", folded)))
    last = len(words) - 1  # an article at the end is none: "the first letter is a"
    return " ".join(w for n, w in enumerate(words) if n == last or w not in ARTICLES)


def last_sentence(text: str) -> str:
    """The last sentence that says something."""
    tail = text.rstrip()[-SENTENCE:]
    ends = [end.end() for end in SENTENCE_END.finditer(tail[:-1])]
    return tail[ends[-1] if ends else 0 :].strip()


def require_texts(judge: str, cases: Sequence[Case]) -> None:
    """Refuse responses of which only a score was imported: there is nothing to judge."""
    missing = sum(
        case.response.text is None and case.response.finish in ("stop", "length") for case in cases
    )
    if missing:
        raise BenchwarrantError(
            f"judge {judge!r}: {missing} of {len(cases)} responses have no text; "
            "import their texts, or verdicts made elsewhere"
        )


def _boxes(text: str) -> list[Mark]:
    """The last boxes; such as stand in one breath, "\\boxed{1} and \\boxed{2}", are one answer."""
    marks: list[Mark] = []
    last_end = -1
    for box in list(BOX.finditer(text))[-MOST_MARKS:]:
        depth, end = 1, box.end()
        while end < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        closed = depth == 0
        content = text[box.end() : end - closed].strip()
        if not content or (closed and len(content) > LONGEST_BOX):
            continue
        content = content[:LONGEST_BOX]
        mark = Mark(content, "in \\boxed{}", box.start(), box.end(), closed=closed)
        if marks and last_end <= box.start() and AND.fullmatch(text, last_end, box.start()):
            before = marks.pop()
            both = content if before.text == content else f"{before.text}, {content}"
            mark = replace(before, text=both, closed=closed)
        marks.append(mark)
        last_end = end
    return marks


def _cues(text: str, pattern: re.Pattern[str], where: str) -> list[Mark]:
    marks = []
    for cue in list(pattern.finditer(text))[-MOST_MARKS:]:
        start = cue.end()
        while start < len(text) and text[start] in " \t\n\r*_:=>":
            start += 1
        rest = text[start : start + SENTENCE]
        end = SENTENCE_END.search(rest)
        content = (rest[: end.start()] if end else rest).strip()
        if not content or re.match(r"(?:not|n't|never)\b", content):
            continue
        firm = not cue[0].rstrip().endswith(":") or not text[start + len(content) :].strip(" .\n")
        words = " ".join(cue[0].split())
        marks.append(Mark(content, where.format(words), cue.start(), start, firm))
    return marks


def _own_turn_ends(text: str, letter_a: bool) -> int:
    """Where the model, done with its own answer, goes on to a question it made up."""
    ends = [token.start() for token in END_TOKEN.finditer(text) if text[: token.start()].strip()]
    patterns = (BOX, HASHES, HEADING, CUE, *([LETTER_A] if letter_a else []))
    found = [mark.start() for pattern in patterns if (mark := pattern.search(text))]
    first_mark = min(found, default=len(text))
    for turn in NEXT_TURN.finditer(text):
        before = text[: turn.start()].strip()
        short = len(before.split()) <= 3 and not INTRODUCTION.match(before)
        answered = before and (short or re.search("[0-9]", before))
        if turn.start() > first_mark or answered:
            ends.append(turn.start())
            break
    return min(ends, default=len(text))


def _blank_echo(text: str, question: str) -> str:
    question = question.strip().translate(BREAKS)
    if len(question) < 8:
        return text
    flat = text.translate(BREAKS)
    start = flat.find(question)
    while start >= 0:
        text = blank(text, start, start + len(question))
        start = flat.find(question, start + len(question))
    return text
