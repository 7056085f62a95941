"""A judge's reply in free text to one of the labels it was offered, or to none.

The last verdict binds, and only one that was offered counts: a hedged, negated or unknown verdict
is no verdict, and nothing earlier in the reply takes its place.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

LIMIT = 20_000  # characters; the verdict stands at the end
NAME = r"(?:verdict|judge?ment|grade|label|decision|rating)"

MARKER = re.compile(
    rf"""
      "(?:\w{{1,20}}_)?{NAME}"\s{{0,9}}:\s{{0,9}}(?:"(?P<json>[^"\n]{{0,200}})"|(?P<bare>[\w.-]{{1,40}}))
    | <{NAME}>(?P<tag>[^<>]{{0,200}})</{NAME}>
    | \\boxed\s?\{{(?P<box>(?:[^{{}}]|\{{[^{{}}]{{0,100}}\}}){{0,200}})\}}
    | \[\[(?P<brackets>[^\[\],\n]{{1,60}})\]\]
    | (?<![\w-]){NAME}[*_"'`\]]{{0,4}}(?:\s?[:=]|[ ][-–—][ ])[*_]{{0,3}}\s{{0,20}}(?P<line>[^\n]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)
TEXT_COMMAND = re.compile(r"\\text(?:bf|it|rm)?\{([^{}]*)\}")
BULLET = re.compile(r"\s*(?:[-*•>]\s+|#{1,6}\s+)")
LEFT_EDGE = " \t\r\n*_`\"'“”‘’[](){}<>#$:"
RIGHT_EDGE = LEFT_EDGE + ".!,;"
AFTER_LABEL = re.compile(r"[*_`\"'”’\])}]*\s*[.,:;!–—(-]")
HEDGES = re.compile(
    r"\W*(?:but|however|except|although|though|not|partially|partly|if|only\s+if|unless|yet)\b",
    re.IGNORECASE,
)
TAKES_BACK = re.compile(
    r"\W*(?:but|however|wait|actually|correction|on\s+second\s+thought|hmm)\b", re.IGNORECASE
)
FINDING = re.compile(
    r"\b(?:is|was)\s?(?P<not>not\s|n't\s)?(?:(?:also|still|entirely|fully|completely)\s)?"
    r"(?:(?P<good>correct|right|acceptable)|(?P<bad>incorrect|wrong|inaccurate|unacceptable))\b",
    re.IGNORECASE,
)


class Reading(NamedTuple):
    """The verdict that was read, if any, and what it was read from or why there is none."""

    value: str | None
    reason: str


def read_verdict(text: str, labels: Sequence[str]) -> Reading:
    """Read the offered label that binds; labels are ordered and the last is the positive one."""
    reply = _said_aloud(text[-LIMIT:])
    if not reply:
        return Reading(None, "nothing was said")
    markers = [found for found in MARKER.finditer(reply) if _is_verdict(found, labels)]
    if markers:
        last = markers[-1]
        return _read(_content(last), reply[last.end() :], labels, "the last verdict")
    lines = [line for line in reply.split("\n") if line.strip()]
    opening = _read(lines[0], "\n".join(lines[1:]), labels, "the first line")
    alone = [label for line in lines if (label := _as_label(line, labels))]
    values = {*alone, *([opening.value] if opening.value else [])}
    if len(values) > 1:
        return Reading(None, f"contradicting verdicts: {', '.join(sorted(values))}")
    if alone and _as_label(lines[-1], labels):
        return Reading(alone[-1], f"the last line: {_short(lines[-1])}")
    if opening.value or len(lines) == 1:
        return opening
    return Reading(None, f"no offered verdict; the reply ends with {_short(lines[-1][-60:])}")


def _said_aloud(text: str) -> str:
    """The reply without the thoughts of a reasoning model."""
    reply = re.split(r"</think(?:ing)?>", text, flags=re.IGNORECASE)[-1]
    return re.split(r"<think(?:ing)?>", reply, maxsplit=1, flags=re.IGNORECASE)[0].strip()


def _content(marker: re.Match[str]) -> str:
    return next((part for part in marker.groups() if part is not None), "")


def _is_verdict(marker: re.Match[str], labels: Sequence[str]) -> bool:
    """A box or brackets with another number in it is part of the reasons, not a verdict."""
    if marker["box"] is None and marker["brackets"] is None:
        return True
    content = _content(marker)
    return _as_label(content, labels) is not None or not re.search(r"[0-9]", content)


def _read(said: str, rest: str, labels: Sequence[str], where: str) -> Reading:
    """The label a text consists of or begins with, unless what follows takes it back."""
    where = f"{where}: {_short(said)}"
    label, after = _as_label(said, labels), ""
    if label is None:
        label, after = _leading_label(said, labels)
    if label is None:
        return Reading(None, f"not an offered verdict in {where}")
    if HEDGES.match(after) or TAKES_BACK.match(after) or TAKES_BACK.match(rest):
        return Reading(None, f"hedged or taken back, {where}")
    if _names_another(after, label, labels):
        return Reading(None, f"several verdicts in {where}")
    if len(labels) == 2 and _finds_otherwise(after, positive=label == labels[-1]):
        return Reading(None, f"contradicts itself in {where}")
    return Reading(label, where)


def _as_label(text: str, labels: Sequence[str]) -> str | None:
    """The label that a text is, decoration aside."""
    text = _without_bullet(TEXT_COMMAND.sub(r"\1", text))
    for tried in (text.strip(), text.lstrip(LEFT_EDGE).rstrip(RIGHT_EDGE)):
        said = " ".join(tried.split()).casefold()
        for label in labels:
            if said == " ".join(label.split()).casefold():
                return label
    return None


def _leading_label(text: str, labels: Sequence[str]) -> tuple[str | None, str]:
    """The label that a text begins with, set off by a mark, and what follows it.

    A single letter or digit does not count: "1. First, ..." is a list, not the verdict "1".
    """
    body = _without_bullet(text).lstrip(LEFT_EDGE)
    for label in sorted(labels, key=len, reverse=True):
        after = body[len(label) :]
        if body[: len(label)].casefold() == label.casefold() and AFTER_LABEL.match(after):
            return (label, after) if len(label) > 1 else (None, "")
    return None, ""


def _without_bullet(text: str) -> str:
    bullet = BULLET.match(text)
    return text[bullet.end() :] if bullet else text


def _names_another(after: str, label: str, labels: Sequence[str]) -> bool:
    """Whether another label is listed on the same line, as in "correct, incorrect"."""
    others = "|".join(re.escape(other) for other in labels if other != label)
    listed = rf"(?:[,/|;(]|\bor\b|\band\b)\W{{0,4}}(?:{others})\s?(?:\Z|[.,;:!)/>\]}}])"
    line = after.split("\n")[0]
    return bool(others) and re.search(listed, line, re.IGNORECASE) is not None


def _finds_otherwise(after: str, positive: bool) -> bool:
    """Whether the sentence goes on to find the opposite, as in "Yes, it is not correct"."""
    sentence = re.split(r"[.!?](?:\s|\Z)|\n", after.lstrip(RIGHT_EDGE), maxsplit=1)[0]
    finding = FINDING.search(sentence)
    if finding is None:
        return False
    found_good = (finding["good"] is not None) != (finding["not"] is not None)
    return found_good != positive


def _short(text: str) -> str:
    return repr(" ".join(text.split())[:60])
