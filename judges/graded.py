"""From how probable each label is to a verdict with a score in [0, 1]."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from inference.engine import spellings
from samples.errors import BenchwarrantError


@dataclass(frozen=True)
class Weighed:
    """The most probable label, or why there is none. The score is of the last label, the positive.

    ``meta`` holds the share of all probability that the labels have together, and how it is
    divided among them.
    """

    value: str | None
    failure: str | None
    reason: str
    score: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


def weigh(logprobs: Sequence[float], labels: Sequence[str], least_share: float) -> Weighed:
    """Nothing is made of labels that the model hardly thinks of, nor of a tie."""
    shares = [math.exp(logprob) for logprob in logprobs]
    share = math.fsum(shares)
    if not share >= least_share:  # nor of what is no number
        said = f"the labels have {share:.1%} of the probability: the model would say something else"
        return Weighed(None, "unparsable", said, None, {"share": share} if share >= 0 else {})
    parts = [one / share for one in shares]
    most, next_most = sorted(parts, reverse=True)[:2]
    meta = {"share": share, "labels": dict(zip(labels, parts, strict=True))}
    if most == next_most:
        return Weighed(None, "unparsable", "two labels are equally probable", None, meta)
    value = labels[parts.index(most)]
    return Weighed(value, None, f"the most probable label: {most:.1%}", parts[-1], meta)


def check_labels(judge: str, labels: Sequence[str]) -> None:
    """Refuse labels of which one begins another: the shorter's chance holds the longer's."""
    for one, other in combinations(labels, 2):
        for a in spellings(one):
            for b in spellings(other):
                if a.startswith(b) or b.startswith(a):
                    raise BenchwarrantError(
                        f'judge {judge!r}: answer = "score" cannot tell {one!r} from {other!r}: one'
                        ' begins the other; rename a label, or set answer = "json"'
                    )
