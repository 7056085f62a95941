"""A solution in numbered steps, for raters who name the first wrong one."""

import re
from collections.abc import Sequence
from itertools import pairwise

from annotator.passages import blocks
from judges.plain import SENTENCE_END

MOST_STEPS = 24
STEP = re.compile(
    r"^[ \t]*(?:[#>*_]{1,6}[ \t]*)?(?:step[ \t]*(?P<word>\d{1,3})\b|(?P<number>\d{1,3})[.)](?=\s))",
    re.MULTILINE | re.IGNORECASE,
)


def steps(text: str) -> list[str]:
    """The steps that the text numbers itself, else its paragraphs, lines or sentences; 24 at most.

    Joined they are the text, to the last character. What leads up to the first step belongs to it,
    and what is too much to the last. An empty text has none.
    """
    if not text.strip():
        return []
    for places in (_numbered(text), _paragraphs(text), _lines(text), _sentences(text)):
        cuts = _cuts(text, places)
        if len(cuts) > 2:
            kept = [*cuts[:MOST_STEPS], len(text)] if len(cuts) > MOST_STEPS + 1 else cuts
            return [text[a:b] for a, b in pairwise(kept)]
    return [text]


def _cuts(text: str, places: Sequence[int]) -> list[int]:
    """Where steps begin and the last one ends; none is blank."""
    cuts = [0]
    for place in places:
        if text[cuts[-1] : place].strip():
            cuts.append(place)
    if len(cuts) > 1 and not text[cuts[-1] :].strip():
        cuts.pop()
    return [*cuts, len(text)]


def _numbered(text: str) -> list[int]:
    """Where the steps that count up from the first number begin; none where there are not two."""
    for kind in ("word", "number"):
        found = [(int(step[kind]), step.start()) for step in STEP.finditer(text) if step[kind]]
        if not found or found[0][0] > 1:
            continue
        places, last = [found[0][1]], found[0][0]
        for number, place in found[1:]:
            if last < number <= last + 2:
                places.append(place)
                last = number
        if len(places) > 1:
            return places[1:]
    return []


def _paragraphs(text: str) -> list[int]:
    return [start for start, _ in blocks(text)][1:]


def _lines(text: str) -> list[int]:
    return [found.end() for found in re.finditer("\n", text)] if len(blocks(text)) == 1 else []


def _sentences(text: str) -> list[int]:
    return [found.end() for found in SENTENCE_END.finditer(text)]
