"""The passage of an answer that gives the final answer, what stands before it and what after.

Where the final answer is, the project's own reader says: what raters see marked is what a rule
judge reads.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from annotator.formulas import scan
from annotator.rendering import marked_markdown
from judges.answers import BOX, BRACE, LIMIT, Mark, prepare
from samples.records import Item

LONGEST_SPAN = 200  # characters of a marked answer
FIRST_LOOK = 4000  # characters shown before somebody asks for the rest
MOST_RENDERED = 20_000  # characters of Markdown that a browser lays out without a pause
BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n)+")


@dataclass(frozen=True)
class Parts:
    """A text in three: ``before + final + after`` is all of it.

    ``span`` is where the final answer stands within ``final``; ``marked`` is False where nothing
    announces one, and ``final`` is the last block of the text.
    """

    before: str
    final: str
    after: str
    marked: bool = True
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Shown:
    """What of the parts is shown at first. ``hidden``: characters left out, before and after.

    ``raw``: the whole text is too long for Markdown; on request it is shown as it is.
    """

    parts: Parts
    hidden: int
    raw: bool


def blocks(text: str) -> list[tuple[int, int]]:
    """(start, end) of the paragraphs, each with the blank lines after it; together all the text.

    Code and formulas are never parted, though blank lines may stand in them.
    """
    whole = [(piece.start, piece.end) for piece in scan(text)]
    ends: list[int] = []
    at, begin = 0, len(text) - len(text.lstrip())
    for blank in BLANK_LINES.finditer(text, begin):
        while at < len(whole) and whole[at][1] <= blank.start():
            at += 1
        if at == len(whole) or blank.start() < whole[at][0]:
            ends.append(blank.end())
    cuts = sorted({0, *ends, len(text)})
    if len(cuts) > 2 and not text[cuts[-2] :].strip():
        cuts.pop(-2)
    return list(pairwise(cuts))


def final_answer(text: str, item: Item) -> tuple[int, int] | None:
    """(start, end) of the final answer in this text; None where nothing announces one.

    It is what follows the last announcement, up to the end of its sentence or line, of its box, or
    of 200 characters.
    """
    given = prepare(text, item)
    if not given.marks:
        return None
    mark = given.marks[-1]
    end = _box_end(given.text, mark) if "boxed" in mark.where else mark.at + len(mark.text)
    start = mark.at + len(given.text[mark.at : end]) - len(given.text[mark.at : end].lstrip())
    end = min(end, start + LONGEST_SPAN, len(given.text))
    end = start + len(given.text[start:end].partition("\n")[0].rstrip())
    offset = max(0, len(text) - LIMIT)
    return (offset + start, offset + end) if end > start else None


def _box_end(text: str, mark: Mark) -> int:
    """Where the content of the last box ends that this answer is put together from."""
    end = mark.at
    for box in BOX.finditer(text, mark.start):
        depth, end = 1, len(text)
        for brace in BRACE.finditer(text, box.end()):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.start()
                break
        if end - mark.at > LONGEST_SPAN:
            break
    return end


def parts(text: str, item: Item) -> Parts:
    """The block that holds the final answer, and what is around it."""
    span = final_answer(text, item)
    found = blocks(text)
    if not found:
        return Parts("", text, "", marked=False)
    if span is None:
        start, end = found[-1]
        return Parts(text[:start], text[start:], "", marked=False)
    start, end = next(block for block in found if span[0] < block[1])
    place = (span[0] - start, min(span[1], end) - start)
    return Parts(text[:start], text[start:end], text[end:], span=place)


def final_markdown(found: Parts) -> str:
    """Markdown of the final part, the answer itself on an orange ground where it is plain prose."""
    return marked_markdown(found.final, found.span)


def shortened(found: Parts, limit: int = FIRST_LOOK) -> Shown:
    """The final part, and as much around it as ``limit`` characters hold, cut between blocks."""
    total = len(found.before) + len(found.final) + len(found.after)
    raw = total > MOST_RENDERED
    if total <= limit:
        return Shown(found, 0, raw)
    cut = _cut(found, limit)
    left = limit - len(cut.final)
    whole = cut.final == found.final
    before = _last_blocks(found.before, left) if whole else ""
    after = _first_blocks(found.after, left - len(before)) if whole else ""
    kept = len(before) + len(cut.final) + len(after)
    return Shown(replace(cut, before=before, after=after), total - kept, raw)


def _cut(found: Parts, limit: int) -> Parts:
    """The final part, itself cut where it is longer than the limit: at a line's end if it can."""
    text = found.final
    if len(text) <= limit:
        return found
    place = found.span[1] if found.span else len(text)
    end = min(len(text), max(limit, place + limit // 4))
    start = end - limit
    line = text.find("\n", start, start + limit // 4) if start else -1
    start = line + 1 if line >= 0 else start
    span = found.span and (found.span[0] - start, found.span[1] - start)
    if span and span[0] < 0:
        span = None
    return replace(found, final=text[start:end], span=span)


def _last_blocks(text: str, limit: int) -> str:
    start = len(text)
    for begin, _ in reversed(blocks(text)):
        if len(text) - begin > limit:
            break
        start = begin
    return text[start:]


def _first_blocks(text: str, limit: int) -> str:
    ends = [end for _, end in blocks(text) if end <= limit]
    return text[: ends[-1]] if ends else ""
