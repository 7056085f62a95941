"""A judge's reply as a JSON object by a schema: read strictly, and never out of running text."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from judges.parsing import Reading
from samples.errors import BenchwarrantError
from samples.records import Verdict

KEYS = ("reason", "verdict")  # the reason first: what is written later follows from it
PROSE = 5  # so many first replies in running text, and the server does not know the schema


def verdict_schema(labels: Sequence[str]) -> dict[str, Any]:
    """What is asked for. Nothing is optional, and nothing that a provider would not enforce."""
    properties = {
        "reason": {"type": "string"},
        "verdict": {"type": "string", "enum": list(labels)},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(KEYS),
        "additionalProperties": False,
    }


def read_json(text: str, labels: Sequence[str]) -> Reading:
    """The verdict of a reply that is the object asked for and nothing else."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return Reading(None, "not the JSON asked for")
    if not isinstance(found, dict) or set(found) != set(KEYS):
        return Reading(None, f"not an object with {' and '.join(KEYS)} alone")
    if not isinstance(found["reason"], str):
        return Reading(None, "the reason is no text")
    if not isinstance(found["verdict"], str) or found["verdict"] not in labels:
        return Reading(None, f"the verdict {str(found['verdict'])[:60]!r} was not offered")
    return Reading(found["verdict"], "the verdict of the JSON asked for")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that stands there twice says two things."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


class Listener:
    """Stops a judge whose server was sent the schema and answers in running text all the same.

    Some servers take ``response_format`` and ignore it without a word. The first such replies are
    held back until one in JSON comes: where none does, they are an accident and no verdicts.
    """

    def __init__(self, judge: str) -> None:
        self._judge = judge
        self._heeded = False

    def heard(self, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
        held: list[Verdict] = []
        for verdict in verdicts:
            if not self._heeded and _is_prose(verdict):
                held.append(verdict)
                if len(held) == PROSE:
                    raise BenchwarrantError(
                        f"judge {self._judge!r}: the first {PROSE} replies are not the JSON that"
                        " was asked for: the server seems to ignore response_format; set"
                        ' answer = "text"'
                    )
                continue
            self._heeded = self._heeded or _is_object(verdict)
            if self._heeded:
                yield from held
                held = []
            yield verdict
        yield from held


def _is_prose(verdict: Verdict) -> bool:
    said = (verdict.raw or "").strip()
    return verdict.failure in ("unparsable", "truncated") and said != "" and said[0] != "{"


def _is_object(verdict: Verdict) -> bool:
    said = verdict.failure in (None, "unparsable", "truncated")
    return said and (verdict.raw or "").lstrip().startswith("{")
