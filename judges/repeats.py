"""One judge asked several times about a case: the majority of what it said is its verdict."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from judges.panel import ruling
from samples.records import Verdict


def merged(singles: Sequence[Verdict]) -> Verdict:
    """The verdict of several on one case; a tie is a failure, and what each said is kept."""
    if len(singles) == 1:
        return singles[0]
    said = {str(number): (one.value, one.failure) for number, one in enumerate(singles)}
    value, failure = ruling(said, None, 0)
    shown = next((o for o in singles if (o.value, o.failure) == (value, failure)), singles[0])
    counts = Counter(one.value or one.failure for one in singles)
    return replace(
        shown,
        value=value,
        failure=failure,
        score=_mean([one.score for one in singles]),
        reason=", ".join(f"{what} {n} of {len(singles)} times" for what, n in counts.items()),
        prompt_tokens=_sum([one.prompt_tokens for one in singles]),
        completion_tokens=_sum([one.completion_tokens for one in singles]),
        seconds=_sum([one.seconds for one in singles]),
        meta={**shown.meta, "repeats": [_kept(one) for one in singles]},
    )


def _kept(one: Verdict) -> dict[str, Any]:
    said = {"failure": one.failure} if one.value is None else {"value": one.value}
    return {**said, "raw": one.raw, "reason": one.reason}


def _sum(counts: Sequence[Any]) -> Any:
    """None where one of them was not counted."""
    return None if None in counts else sum(counts)


def _mean(scores: Sequence[float | None]) -> float | None:
    given = [score for score in scores if score is not None]
    return sum(given) / len(given) if given else None
