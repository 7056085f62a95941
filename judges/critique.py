"""Rule what a model says of somebody's solution: is it right, and which step is the first wrong?

Models are asked for three lines (as in MR-GSM8K and MR-Ben, Zeng et al. 2023 and 2024) but write
them in many ways. The last statement of each binds. Whether the reason holds, no rule can say.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from judges.answers import END_TOKEN, LIMIT, NEXT_TURN, Ruling
from judges.plain import SENTENCE, SENTENCE_END, plain
from samples.errors import BenchwarrantError
from samples.records import Item

NO_STEP = 0  # what is read where no step is said to be wrong: steps are numbered from 1
APART = 200  # characters between two statements that are shown with what stands between them
REFERENCE = re.compile(r"correct|incorrect; first wrong step: (\d{1,4}); reason: .*", re.DOTALL)

MARKS = r"[ \t*_#>`\"'\[({<$:=]{0,12}"  # marking-up between a line's name and what it says
SAYS = (
    r"(?:[ ]\([^()\n]{0,40}\))?(?:[ ]is\b|[ \t*_\x22']{0,6}[:=\n]|[*_]{1,3}|[ ][-\u2014][ ])"
    rf"{MARKS}\s{{0,4}}{MARKS}(?:\\boxed\{{)?"
)
CORRECTNESS_LINE = r"(?:solution|overall)[ _]correctness|final[ ]judge?ment"
STEP_LINE = r"first[ _](?:wrong|error|erroneous|incorrect)[ _](?:step|line)(?:[ ]number)?"
CORRECTNESS = re.compile(
    rf"\b(?:{CORRECTNESS_LINE}|correctness)(?:[ ]of[ ]the[ ]solution)?{SAYS}", re.IGNORECASE
)
STEP = re.compile(
    rf"\b{STEP_LINE}(?:{SAYS}(?:in[ ]|at[ ])?|[ ](?:occurs|appears)[ ](?:in|at)[ ])", re.IGNORECASE
)
NEXT_LINE = re.compile(
    rf"\b(?:{CORRECTNESS_LINE}|{STEP_LINE}|(?:error[ _])?reason\s?[:*]|error[ _]analysis)",
    re.IGNORECASE,
)
# In running text, where no line has the name that was asked for.
SAYS_CORRECTNESS = re.compile(
    r"(?P<other>\b(?:if|whether|when|unless|until|of|in)\s[^.\n]{0,30}?)?"
    r"\b(?:solution|reasoning)[ ](?:is|was|seems|appears[ ]to[ ]be)[ ]"
    r"(?=(?:\w{2,12}[ ]){0,2}(?:in)?(?:correct|right|wrong|valid|flawed)\b)",
    re.IGNORECASE,
)
SAYS_STEP = re.compile(
    r"(?P<other>\b(?:if|whether)\s[^.\n]{0,30}?)?"
    r"\bfirst[ ](?:error|mistake)[ ](?:is|was|occurs|appears|happens)(?:[ ](?:made|found))?"
    rf"[ ](?:in|at|with)[ ]{MARKS}(?=step|line)",
    re.IGNORECASE,
)
# A reply that gives the lines without their names.
BARE_CORRECTNESS = re.compile(
    r"\A\W{0,6}(?=(?:not[ ])?(?:in)?(?:correct|right|wrong)\b[ .*_]{0,6}(?:\n|\Z))", re.IGNORECASE
)
BARE_STEP = re.compile(
    r"\A\W{0,6}\w[\w ]{2,14}[ .*_]{0,6}\n\s{0,4}[*_]{0,3}"
    r"(?=(?:(?:step[ ])?\d{1,4}|none|n/a)[ .*_]{0,6}(?:\n|\Z))",
    re.IGNORECASE,
)
VERDICT = re.compile(
    r"(?:(\bnot|n't|\bnever)|\b(partially|partly|mostly|almost|nearly))?(?:\s?\b\w{2,12}ly\b)?"
    r"\s{0,3}\b(?:(correct|right|true|valid)|(incorrect|wrong|false|invalid|flawed))\b"
    r"(?!\s(?:answer|result|solution|value|number|step|sum|total|approach|method|reasoning)s?\b)",
    re.IGNORECASE,
)
SAID_OF_IT = re.compile(r"(?:\A|\b(?:is|was|be|as|seems|appears|deemed))\W*\Z", re.IGNORECASE)
SAID_OF_PART = re.compile(
    r"(?<!-)\b(?:steps?|lines?|parts?|answer|result|approach|method|logic|calculations?)\b(?!-)",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(rf"[,;:(]|\b(?i:because|since|as|due)\b|\s-\s|{SENTENCE_END.pattern}")
TAKEN_BACK = re.compile(
    r"\b(?:or|but|however|wait|actually|although|though|sorry)\b|/", re.IGNORECASE
)
IN_PART = re.compile(r"\b(?:up\sto|until|except|apart\sfrom|aside\sfrom|other\sthan)\b", re.I)
TEMPLATE = re.compile(
    r"\bcorrect\W{0,4}(?:\bor\b|/|\|)\W{0,4}(?:incorrect|wrong)\b|\A\W{0,4}(?:its[ ])?number\b",
    re.IGNORECASE,
)
NONE = re.compile(
    r"n\.?/?a\b|none\b|nil\b|null\b|not[ ]applicable|no[ ](?:wrong|incorrect|error|such|step)"
    r"|no\b(?=\W{0,3}\Z)|0\b|-1\b",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?:(?:step|line)s?\b\W{0,6})?#?(\d{1,4})\b(?![.,]\d)", re.IGNORECASE)
NAMED = re.compile(r"\b(?:step|line)s?[ #*_]{0,4}(\d{1,4})\b", re.IGNORECASE)
ANOTHER = re.compile(
    r"\W{0,4}(?:,|and\s|or\s|to\s|&|/|-|through\s)\s?(?:(?:step|line)s?\s)?(\d{1,4})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Critique:
    """What a text says of a solution; None is what it does not say, or says in two ways.

    ``step`` is NO_STEP where none is said to be wrong. ``failure`` and ``why`` are what kept the
    text from being read; ``marked`` is False where the correctness stood in running text.
    """

    correct: bool | None
    step: int | None
    span: str
    failure: str | None = None
    why: str = ""
    marked: bool = True


@dataclass(frozen=True)
class Statement:
    """A place that says something, and all that it can be read as: several things contradict."""

    start: int
    end: int
    read: frozenset[int]


def read_critique(text: str) -> Critique:
    """The last statement of the correctness and of the first wrong step."""
    text = _own_turn(plain(text[-LIMIT:]))
    line = _last(text, CORRECTNESS, _verdicts) or _last(text, BARE_CORRECTNESS, _verdicts)
    correct = line or _last(text, SAYS_CORRECTNESS, _verdicts)
    step = next(filter(None, (_last(text, form, _steps) for form in (STEP, SAYS_STEP))), None)
    if step is None and correct and BARE_CORRECTNESS.match(text):
        step = _last(text, BARE_STEP, _steps)
    span = _span(text, [found for found in (correct, step) if found])

    def fails(failure: str, why: str) -> Critique:
        return Critique(None, None, span, failure, why, marked=bool(span))

    if correct is None:
        return fails("unparsable", "no answer found: nothing says whether the solution is right")
    for what, found in (("correctness", correct), ("first wrong step", step)):
        if found and len(found.read) > 1:
            return fails("ambiguous", f"the {what} is stated in two ways")
    right, number = bool(min(correct.read)), min(step.read) if step else None
    if right and number:  # wrong without a wrong step can be ruled: there is one, or it is right
        return fails("ambiguous", f"the solution is called correct, and step {number} wrong")
    return Critique(right, number, span, marked=line is not None)


def rule_critique(text: str, item: Item) -> Ruling:
    """Right if the correctness is as the reference says and, of a wrong one, the first wrong step.

    References may name several steps, where the same line stands in a solution twice.
    """
    steps = first_wrong_steps(item)
    said = read_critique(text)
    if said.correct is None:
        return Ruling(None, said.failure, said.span, said.why, said.marked)
    step = {None: "no step named", NO_STEP: "no wrong step"}.get(
        said.step, f"first wrong step {said.step}"
    )
    correctness = "correct" if said.correct else "incorrect"
    reason = "read correct" if said.correct else f"read incorrect, {step}"
    facts = {"correctness": correctness, "step": "none" if said.step == NO_STEP else said.step}
    if said.correct or not steps:
        right: bool | None = said.correct is not bool(steps)
    else:
        right = None if said.step is None else said.step in steps
    if right and steps:
        reason += "; whether the reason given holds, no rule can say"
    failure = "unparsable" if right is None else None
    return Ruling(right, failure, said.span, reason, said.marked, facts)


def first_wrong_steps(item: Item) -> frozenset[int]:
    """The steps that the references call the first wrong one; none where the solution is right."""
    found = [REFERENCE.fullmatch(reference) for reference in item.references]
    steps = {match[1] for match in found if match}
    if not all(found) or (None in steps and len(steps) > 1):
        raise BenchwarrantError(
            f"{item.task}/{item.key}: the reference {item.reference[:60]!r} is not of the form"
            " 'correct' or 'incorrect; first wrong step: 3; reason: …'; set the item's answer_type,"
            " or use a judge of another kind"
        )
    return frozenset(int(step) for step in steps if step is not None)


def _own_turn(text: str) -> str:
    """Without what follows once the model has judged: a next question that it made up."""
    ends = [end.start() for end in END_TOKEN.finditer(text) if text[: end.start()].strip()]
    judged = CORRECTNESS.search(text)
    turn = NEXT_TURN.search(text, judged.end()) if judged else None
    return text[: min([len(text), *ends[:1], *([turn.start()] if turn else [])])]


def _last(
    text: str, pattern: re.Pattern[str], read: Callable[[str], frozenset[int]]
) -> Statement | None:
    """The last place of this form that says something."""
    found = None
    for place in pattern.finditer(text):
        at = place.end()
        if place.groupdict().get("other"):  # "whether the solution is correct", "a part of it"
            continue
        ends = [at + SENTENCE, len(text)]
        line, following = text.find("\n", at), NEXT_LINE.search(text, at, at + SENTENCE)
        ends += [line] if line >= 0 else []
        ends += [following.start()] if following else []
        content = text[at : min(ends)].strip()
        if not TEMPLATE.search(content) and (said := read(content)):
            found = Statement(place.start(), min(ends), said)
    return found


def _verdicts(content: str) -> frozenset[int]:
    """1 for right, 0 for wrong: by the first clause, or by all of it where a word takes back."""
    clauses = [content[: end.start()] for end in CLAUSE_END.finditer(content)]
    found = next(filter(None, map(_said_of_it, clauses)), None) or _said_of_it(content)
    if found and TAKEN_BACK.search(content):
        found |= {int(bool(verdict[3])) for verdict in VERDICT.finditer(content) if not verdict[1]}
    return frozenset({0, 1} if 1 in found and IN_PART.search(content) else found)


def _said_of_it(clause: str) -> set[int]:
    """The verdicts on the solution: not on a step of it, and not "the correct answer is 5"."""
    found: set[int] = set()
    for verdict in VERDICT.finditer(clause):
        before = clause[: verdict.start()]
        if SAID_OF_IT.search(before) and not SAID_OF_PART.search(before):
            negated, in_part, right, _ = verdict.groups()
            found |= {0, 1} if in_part and right else {int(bool(right) is not bool(negated))}
    return found


def _steps(content: str) -> frozenset[int]:
    """The step named at once, NO_STEP for "none"; else those that the first sentence names."""
    if NONE.match(content):
        return frozenset({NO_STEP})
    if number := NUMBER.match(content):
        other = ANOTHER.match(content, number.end())
        return frozenset({int(number[1]), *([int(other[1])] if other else [])})
    end = SENTENCE_END.search(content)
    return frozenset(
        int(step) for step in NAMED.findall(content[: end.start()] if end else content)
    )


def _span(text: str, found: list[Statement]) -> str:
    """What was read, with what stands between where that is little."""
    if not found:
        return ""
    first, last = min(found, key=lambda s: s.start), max(found, key=lambda s: s.start)
    if last.start - first.end <= APART:
        return text[first.start : last.end].strip()
    return f"{text[first.start : first.end].strip()} … {text[last.start : last.end].strip()}"
