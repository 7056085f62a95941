"""Rule an answer in words, or a yes or no, right or wrong against the references."""

import re

from judges.answers import BRIEF, Ruling, ambiguous, prepare, unreadable
from judges.plain import clean, last_sentence, normalise
from samples.errors import BenchwarrantError
from samples.records import Item

TAKEN_BACK = re.compile(r"\b(?:no|not|wait|actually|but|however|or|sorry|instead)\b")
TRAILER = re.compile(r"\s(?:because|since|as|which|who|where)\s|\s?\(|;|\s-\s", re.IGNORECASE)
SENTENCES = re.compile(r"(?<=[^A-Z.][.!?])\s+")
FILLERS = """
    is are was were be it its this that so therefore thus hence then answer called named i think of
    what which who
"""
YES_NO = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
OFFERED = re.compile(r"\b(?:yes\s?(?:or|/)\s?no|true\s?(?:or|/)\s?false)\b", re.IGNORECASE)
OPEN = re.compile(  # what is said instead of yes or no
    r"\W{0,4}(?:it\s|currently\s|still\s|ultimately\s|probably\s)?(?:depend|vari|unknown|unclear|uncertain|moot|neither|possibl|maybe|perhaps"
    r"|(?:is\s)?not\s(?:known|clear|certain|sure|definit|guarantee|as\ssimple|possible\sto)"
    r"|based\son|it(?:\sis|'s)\s(?:possibl|unclear|hard|difficult|impossible|up\sto))",
    re.IGNORECASE,
)
SAID = re.compile(r"\b(yes|true|false|no(?!\s+\w))\b", re.IGNORECASE)
SAID_FIRST = re.compile(
    r"\W{0,6}(?:(?:so|therefore|thus|hence|then)\b\W{0,3})?"
    r"(yes|no|true|false)\b(?!\s?/)(?!\s(?!because|it|he|she|they|this|that|there|the|you|we|i\b)\w)",
    re.IGNORECASE,
)


def rule_text(text: str, item: Item) -> Ruling:
    """The answer in words that is announced last, or a short reply, or the last line."""
    given = prepare(text, item)
    wanted = [normalise(reference) for reference in item.references]
    for mark in reversed(given.marks):
        if normalise(mark.text):
            return _compare([clean(mark.text)], item, wanted, mark.where + given.note)
    reply = given.text.strip()
    if not normalise(reply):
        return unreadable("no answer found: no words in the text", marked=False)
    if len(reply) <= BRIEF and "\n" not in reply:
        return _compare(SENTENCES.split(reply), item, wanted, "in the short reply")
    line = next(line for line in reversed(reply.split("\n")) if normalise(line)).strip()
    return _compare([last_sentence(line)], item, wanted, "in the last line", marked=False)


def rule_contains(text: str, item: Item) -> Ruling:
    """Whether a reference stands anywhere in the text, whatever is said about it: a crude judge."""
    said = normalise(text)
    for reference in item.references:
        wanted = normalise(reference)
        if wanted and f" {wanted} " in f" {said} ":
            return Ruling(True, None, reference, f"{wanted[:60]!r} stands in the text")
    if not said:
        return unreadable("no answer found: no words in the text", marked=False)
    return Ruling(False, None, text.strip()[:60], "no reference stands in the text")


def rule_yes_no(text: str, item: Item) -> Ruling:
    """The yes or no that is announced last, or that the reply begins or ends with."""
    wanted = {YES_NO.get(normalise(reference), "") for reference in item.references}
    if not wanted <= {"yes", "no"}:
        raise BenchwarrantError(
            f"{item.task}/{item.key}: the reference {item.reference!r} is not yes or no; "
            "set the item's answer_type, or use a judge of another kind"
        )
    given = prepare(OFFERED.sub(lambda found: " " * len(found[0]), text), item)
    for mark in reversed(given.marks):
        if OPEN.match(mark.text):
            return unreadable(f"no answer found: neither yes nor no {mark.where}", mark.text)
        first = SAID_FIRST.match(clean(mark.text))
        said = [first[1]] if first else SAID.findall(mark.text)
        if said:
            return _rule_said(said, wanted, mark.text, mark.where + given.note)
    reply = given.text.strip()
    ending = last_sentence(reply)
    ends = [found for found in (SAID_FIRST.match(reply), SAID_FIRST.match(ending)) if found]
    if ends:
        span = " … ".join(dict.fromkeys(found[0].strip() for found in ends))
        said = [found[1] for found in ends]
        return _rule_said(said, wanted, span, "at the start or the end")
    said = SAID.findall(ending)
    if said:
        return _rule_said(said, wanted, ending, "in the last sentence", marked=False)
    begins = [found for line in reply.split("\n") if (found := SAID_FIRST.match(line))]
    if not begins:
        return unreadable("no answer found: neither yes nor no", marked=False)
    said = [found[1] for found in begins]
    return _rule_said(said, wanted, begins[-1][0].strip(), "at the start of a line", marked=False)


def _rule_said(
    words: list[str], wanted: set[str], span: str, where: str, marked: bool = True
) -> Ruling:
    said = {YES_NO[word.lower()] for word in words}
    if len(said) > 1:
        return ambiguous(f"both yes and no {where}", span, marked)
    return Ruling(said <= wanted, None, span, f"read {' '.join(said)} {where}", marked)


def _compare(
    sentences: list[str], item: Item, wanted: list[str], where: str, marked: bool = True
) -> Ruling:
    """Right if a reference is what is said; a failure if it is only mentioned."""
    span = " ".join(sentences)
    said = normalise(span)
    first, last = sentences[0], sentences[-1]
    taken_back = TAKEN_BACK.search(normalise(" ".join(sentences[1:])))
    tried = [span, last] if taken_back else [span, last, first]
    if any(_says(sentence, item.question, one) for sentence in tried for one in wanted):
        return Ruling(True, None, span, f"read {said[:60]!r} {where}", marked)
    mentioned = [one for one in wanted if f" {one} " in f" {said} "]
    if not mentioned or any(f" not {one} " in f" {said} " for one in mentioned):
        return Ruling(False, None, span, f"read {said[:60]!r} {where}", marked)
    return unreadable(f"{mentioned[0]!r} stands {where} among other words", span, marked)


def _says(sentence: str, question: str, wanted: str) -> bool:
    """Whether a sentence says this and nothing else but words of the question."""
    if wanted in (normalise(sentence), normalise(TRAILER.split(sentence)[0])):
        return True
    words, asked = wanted.split(), set(normalise(question).split())
    known = asked | set(FILLERS.split()) - set(words)
    new = [word for word in normalise(sentence).split() if word not in known]
    return new == words and not asked & set(words)
