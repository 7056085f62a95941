"""Rule a choice among offered options right or wrong."""

import re
from functools import lru_cache
from typing import NamedTuple

from judges.answers import BRIEF, Ruling, ambiguous, prepare, unreadable
from judges.offer import Offer, Options, list_of, offer_of
from judges.plain import blank_code, clean, last_sentence, normalise
from samples.errors import BenchwarrantError
from samples.records import Item

LETTERS: Options = tuple((letter, "") for letter in "ABCDEFGHIJ")  # where no options are known
FAR = 120  # characters between two labels that are named together
HEDGES = re.compile(
    r"(?:(?:most|probably|likely|either|both|clearly|definitely|option|choice|answer|letter|the|"
    r"that|is|it|it's|simply|to\sbe)\b|[\s\"'*_:$]|\\boxed\{)*",
    re.IGNORECASE,
)
GOES_ON = re.compile(
    r"\s*(?:because|since|as|is|which|and|or|due|for|would|will|has|with)\b", re.IGNORECASE
)
REJECTED = re.compile(
    r"\W{0,3}(?:[\w'-]{1,30}\s){0,3}?"
    r"(?:(?:is|are|was|were|would\sbe)\s(?:(?:probably|likely|clearly|definitely)\s)?"
    r"(?:not|incorrect|wrong)|isn't|aren't|cannot|can't|incorrect|wrong)\b",
    re.IGNORECASE,
)
TURNED_DOWN = re.compile(
    r"\b(?:not|cannot|can't|isn't|than|through|to|eliminate|exclude|rule\sout)(?:\sbe)?\s\W?\Z",
    re.IGNORECASE,
)
ANSWER_IS = re.compile(r"\AA(?:nswer|ns)?\s?:\s{0,4}(?=[(\[])")  # not option A: a label follows
NONE_CHOSEN = re.compile(
    r"\bnone\sof\s(?:the\s(?:above|given|options|choices|answers)|these|them|those)\b"
    r"|\bno\s(?:single\s|one\s)?(?:correct|right|suitable|valid|clear)\s(?:answer|choice|option)\b",
    re.IGNORECASE,
)
NEGATED = re.compile(r"\b(?:not|cannot|isnt|cant)\b")
NOT_OFFERED = re.compile(r"\W{0,6}(?:option\s)?[A-Z0-9]{1,3}\W{0,6}")


class Mention(NamedTuple):
    """A label that stands in a text for an option."""

    label: str
    start: int
    end: int


def rule_choice(text: str, item: Item) -> Ruling:
    """The option that is chosen last, by its label, by its text, or by both where they agree."""
    offer = offer_of(item.choices or LETTERS)
    wanted = _wanted(item, offer)
    given = prepare(text, item)
    for mark in reversed(given.marks):
        chosen = read_choice(mark.text, offer)
        if chosen:
            return _rule(chosen, wanted, mark.text, mark.where + given.note)
        if offer.find.joined.fullmatch(mark.text):
            return ambiguous(f"several options {mark.where}", mark.text)
        if NOT_OFFERED.fullmatch(mark.text):
            return unreadable(f"an option that was not offered {mark.where}", mark.text)
    reply = _blank_echo(blank_code(given.text), offer)
    none_offered = any(NONE_CHOSEN.search(option) for _, option in offer.options)
    if not none_offered and NONE_CHOSEN.search(last_sentence(reply)):
        return unreadable("no answer found: none of the options is chosen", marked=False)
    whole = reply.strip()
    if len(whole) <= BRIEF and "\n" not in whole and (chosen := read_choice(whole, offer)):
        marked = _picks(whole, offer, opens=True) is not None
        return _rule(chosen, wanted, whole, "in the short reply", marked)
    lines = [line.strip() for line in reply.split("\n") if line.strip()]
    heads = [_head(line, offer)[0] for line in lines]
    named = [label for label in heads if label]
    if len(named) > 2 and len(set(named)) == len(named) and heads[-1]:
        return unreadable("no answer found: the options are gone through one by one", marked=False)
    alone = len(set(named)) < 2  # else the first line may be the first of a list
    picks = [(line, _picks(line, offer, opens=alone and n == 0)) for n, line in enumerate(lines)]
    picked = [(line, label) for line, label in picks if label]
    if picked and (len({label for _, label in picked}) == 1 or picks[-1][1]):
        line, label = picked[-1]
        return _rule({label}, wanted, line, "in a line of its own")
    return _rule_mention(reply, offer, wanted)


def read_choice(content: str, offer: Offer) -> set[str]:
    """The labels that a short text chooses: none, one, or several that contradict each other."""
    body = ANSWER_IS.sub("", clean(content).strip())
    bare, words = body.strip(" ()[]{}.:\"'*$").casefold(), normalise(body)
    named = {label for label in offer.texts if label.casefold() == bare}
    if named:  # even where "C" is the text of option A: a label is what was asked for
        return named
    whole = {label for label, text in offer.texts.items() if words and text == words}
    if whole:
        exact = {label for label, text in offer.options if text == body.strip(" .")}
        head, _ = _head(body, offer)  # of two options with one text the one that is named
        return whole & exact or whole & {head} or whole  # exact: "Rr", where "RR" is one too
    hedges = HEDGES.match(body)
    begins = hedges.end() if hedges else 0
    if run := offer.find.run.match(body, begins):
        chosen, rest = offer.labels(run[0]), body[run.end() :]
        chosen |= _joined(body, run.end(), chosen, offer)
        if len(chosen) > 1:
            return chosen
        if not _is_article(run[0], rest, offer):
            return set() if REJECTED.match(rest) else chosen | _other_text(rest, chosen, offer)
    return {found.label for found in _mentions(body, offer)} or _named(body[begins:], offer)


def _rule(
    chosen: set[str], wanted: frozenset[str], span: str, where: str, marked: bool = True
) -> Ruling:
    names = ", ".join(sorted(chosen))
    if len(chosen) > 1 and not chosen <= wanted:  # options with the same text are as right
        return ambiguous(f"several options {where}: {names}", span, marked)
    return Ruling(chosen <= wanted, None, span, f"read {names} {where}", marked)


def _wanted(item: Item, offer: Offer) -> frozenset[str]:
    try:
        return _right(offer.options, item.references)
    except LookupError as error:
        raise BenchwarrantError(
            f"{item.task}/{item.key}: the reference {error.args[0]!r} is not among the options "
            f"{', '.join(offer.texts)}; correct the item"
        ) from None


@lru_cache(maxsize=16_384)
def _right(options: Options, references: tuple[str, ...]) -> frozenset[str]:
    """The labels of the references, which are labels themselves or texts of options."""
    texts = offer_of(options).texts
    names = {text: label for label, text in texts.items() if text}
    names |= {label.casefold(): label for label in texts}
    wanted = set()
    for reference in references:
        label = names.get(reference.strip().casefold()) or names.get(normalise(reference))
        if label is None:
            raise LookupError(reference)
        wanted.add(label)
    return frozenset(wanted)


def _joined(body: str, end: int, chosen: set[str], offer: Offer) -> set[str]:
    """Further labels in one breath with the first, as in "(A) bank or (D) mall"."""
    found: set[str] = set()
    own = offer.texts[min(chosen)] if len(chosen) == 1 else ""
    for mention in _mentions(body, offer):
        if mention.start >= end:
            if not _in_one_breath(body[end : mention.start], own):
                break
            found.add(mention.label)
            end, own = mention.end, offer.texts[mention.label]
    return found


def _begins(words: str, start: str) -> bool:
    return bool(start) and f"{words} ".startswith(f"{start} ")


def _is_article(run: str, rest: str, offer: Offer) -> bool:
    """Whether a bare "A" is the word, as in "A beehive is where bees live"."""
    if run not in ("A", "I") or not re.match(r"\s+\w", rest) or GOES_ON.match(rest):
        return False
    return not _begins(normalise(rest), offer.texts[run])


def _other_text(rest: str, chosen: set[str], offer: Offer) -> set[str]:
    """Another option's text right after the label: then label and text contradict."""
    following = normalise(rest)
    named = [(len(t), label) for label, t in offer.texts.items() if _begins(following, t)]
    longest = max((length for length, _ in named), default=0)
    best = {label for length, label in named if length == longest}
    return set() if best & chosen else best


def _mentions(text: str, offer: Offer) -> list[Mention]:
    """The labels that can't be anything else, without those that are turned down."""
    mentions = []
    for found in offer.find.strict.finditer(text):
        before = text[max(0, found.start() - 20) : found.start()]
        if not REJECTED.match(text, found.end()) and not TURNED_DOWN.search(before):
            mentions += [Mention(label, *found.span()) for label in offer.labels(found[0])]
    return mentions


def _named(text: str, offer: Offer) -> set[str]:
    """The options whose text stands in a sentence; the one it begins with, if any."""
    words = normalise(text)
    found = {label: t for label, t in offer.texts.items() if t and f" {t} " in f" {words} "}
    longer = list(found.values())
    found = {
        a: t for a, t in found.items() if not any(t != u and f" {t} " in f" {u} " for u in longer)
    }
    for label, own in found.items():
        rest = words[len(own) :].strip().removeprefix("or ").removeprefix("and ")
        joined = any(_begins(rest, other) for other in found.values())
        if _begins(words, own) and not joined and not REJECTED.match(rest):
            return {label}
    return set() if NEGATED.search(words) else set(found)


def _head(line: str, offer: Offer) -> tuple[str, str]:
    """The one label that a line begins with, set off from what follows it, and that."""
    run = offer.find.run.match(line, len(line) - len(line.lstrip("*#->_ ")))
    if run:
        chosen, rest = offer.labels(run[0]), line[run.end() :]
        delimited = not run[0][-1].isalnum() or re.match(r"[).:,*]|\Z", rest)
        if len(chosen) == 1 and delimited:
            return next(iter(chosen)), rest
    return "", line


def _picks(line: str, offer: Offer, opens: bool = False) -> str | None:
    """The label of a line that gives one option and nothing else; an opening line may go on."""
    label, rest = _head(line, offer)
    if label:
        following, own = normalise(rest), offer.texts[label]
        if following in ("", own) or (opens and _begins(following, own)):
            return label
    words = normalise(line)
    named = [label for label, text in offer.texts.items() if words and text == words]
    return named[0] if len(named) == 1 else None


def _blank_echo(text: str, offer: Offer) -> str:
    """Blank out the list of options where the reply repeats it, in a row or line by line."""
    small = text.casefold()
    if all(said.casefold() in small for _, said in offer.options) and any(offer.texts.values()):
        text = list_of(offer.options).sub(lambda found: " " * len(found[0]), text)
    lines = text.split("\n")
    picks = [_picks(line.strip(), offer) for line in lines]
    for n, label in enumerate(picks):
        near = {other for other in picks[max(0, n - 1) : n + 2] if other}
        if label and len(near) > 1:
            lines[n] = " " * len(lines[n])
    return "\n".join(lines)


def _rule_mention(reply: str, offer: Offer, wanted: frozenset[str]) -> Ruling:
    """The label named last in running text, with those that are named in one breath with it."""
    mentions = _mentions(reply, offer)
    if mentions:
        together = [mentions[-1]]
        for mention in reversed(mentions[:-1]):
            between = reply[mention.end : together[-1].start]
            if len(between) > FAR or not _in_one_breath(between, offer.texts[mention.label]):
                break
            together.append(mention)
        span = reply[together[-1].start : mentions[-1].end]
        named = {mention.label for mention in together}
        return _rule(named, wanted, span, "named last in the text", marked=False)
    ending = last_sentence(reply)
    loose = {
        found[0]
        for found in offer.find.loose.finditer(ending)
        if not TURNED_DOWN.search(ending[: found.start()])
        and (found[0] not in ("A", "I") or not ending[found.end() :].strip(" .!*"))
    }
    chosen = loose or _named(ending, offer)
    if not chosen:
        return unreadable("no answer found: no option is chosen", marked=False)
    return _rule(chosen, wanted, ending, "in the last sentence", marked=False)


def _in_one_breath(between: str, own: str) -> bool:
    """Whether two labels stand side by side, but for the first one's text and an "or"."""
    words = normalise(between)
    rest = words[len(own) :] if _begins(words, own) else words
    return set(rest.split()) <= {"and", "or", "option", "choice"}
