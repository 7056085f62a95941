"""Name what is wrong with a response that gives no answer: pruned models produce all of these.

A text that announces an answer is never looked at here: what follows an answer may well loop.
"""

import re

from judges.answers import Ruling
from judges.plain import blank_code, last_sentence, plain

TAIL = 600  # characters in which a loop must show itself
ROUNDS = 4
LOOP = 24  # characters that the rounds take up, at least
OPENING = 200
BRIEF = 300  # a text so short that its opening speaks for all of it

REFUSAL = re.compile(
    r"\bI\s+(?:cannot|can't|can\s+not|could\s+not|couldn't|won't|will\s+not"
    r"|am\s+(?:unable|not\s+able)\s+to)\s+(?:\w+\s+){0,2}?"
    r"(?:answer|help|assist|provide|solve|give|fulfill?|comply|complete|generate|do\s+(?:this|that))\b"
    r"|\bI'm\s+(?:unable|not\s+able)\s+to\b"
    r"|\b(?:I|we)\s+(?:do\s+not|don't)\s+know(?=\s*(?:[.,;!?]|the\s+answer|\Z))"
    r"|\bas\s+an?\s+(?:AI|(?:large\s+)?language\s+model)\b|\bno\s+idea\b",
    re.IGNORECASE,
)


def name_outcome(ruling: Ruling, text: str) -> Ruling:
    """The ruling as it is, or what the text is where nothing in it announces an answer."""
    if ruling.marked and ruling.value is not None:
        return ruling
    if ruling.failure not in (None, "unparsable") or (ruling.marked and ruling.span):
        return ruling
    found = _wrong_with(plain(text), ruling)
    return ruling if found is None else Ruling(None, *found, marked=False)


def _wrong_with(text: str, ruling: Ruling) -> tuple[str, str, str] | None:
    """(failure, span, reason) of a text that is no answer; None where it may be one."""
    said = text.strip()
    if not any(char.isalnum() for char in said):
        what = "nothing but punctuation" if said else "nothing"
        return "degenerate", said[:60], f"the model said {what}"
    if unit := loop(said):
        return "degenerate", unit[:60], f"the text repeats itself to its end: {unit[:60]!r}"
    refusal = _refusal(said, ruling.value is None)
    if refusal:
        return "refusal", refusal, f"the model declines to answer: {refusal!r}"
    if ruling.value is None and not any(char.isalnum() for char in blank_code(said)):
        return "degenerate", said[:60], "program code instead of an answer"
    return None


def loop(text: str) -> str:
    """The shortest piece that a text repeats to its very end, four times or more; else nothing."""
    tail = text[-TAIL:]
    ending = tail[-LOOP // 2 :]  # stands one round earlier too
    place = len(tail) - len(ending)
    while (place := tail.rfind(ending, 0, place + len(ending) - 1)) >= 0:
        length = len(tail) - len(ending) - place
        span = length * max(ROUNDS, -(-LOOP // length))
        if span > len(tail):
            break
        if tail[-span:-length] == tail[length - span :]:
            unit = tail[-length:]
            return unit.strip() if any(char.isalnum() for char in unit) else ""
    return ""


def _refusal(text: str, nothing_read: bool) -> str:
    """The words that decline, where they are what the text comes down to."""
    if nothing_read:
        found = REFUSAL.search(text)
    else:  # a number further on was taken for the answer: only if the text begins or ends so
        opening = text[:OPENING] if len(text) <= BRIEF else ""
        found = REFUSAL.search(opening) or REFUSAL.search(last_sentence(text))
    return " ".join(found[0].split()) if found else ""
