"""Does a judge call long answers correct more readily than short ones that people call the same?

Length is taken as it is, never cut into short and long: a logistic model of the judge's verdict on
people's label and the binary logarithm of the answer's characters.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from judges.agreement import Array
from judges.figures import figure
from judges.logistic import logistic
from judges.tables import Audit, JudgeRun
from judges.traits import NO_TEXTS
from samples.study import PolicyBlock

CHECK = "length of the answer"


def length_check(
    judge: str, run: JudgeRun, audit: Audit, policy: PolicyBlock
) -> tuple[dict[str, Any] | None, str]:
    """The odds ratio of a positive verdict where an answer is twice as long; or why there is none.

    Cases on which the judge failed are left out, as are labels whose answers it calls all alike,
    which say nothing of length.
    """
    characters = audit.traits.characters if audit.traits else np.full(len(audit.responses), np.nan)
    if np.isnan(characters).all():
        return None, NO_TEXTS
    y, used, telling = _telling(run, audit, characters)
    if not used.any():
        return None, "answers with the same label all have the same verdict"
    people = audit.reference.values
    size = np.log2(characters[used])
    if np.ptp(size) == 0:
        return None, "all answers are of one length"
    labels = [(people[used] == label).astype(np.float64) for label in telling]
    x = np.stack([size - size.mean(), *labels], axis=1)
    found = logistic(y[used], x, audit.question[used], audit.weight[used])
    if found.why:
        return None, found.why
    low, high = found.interval(0, policy.confidence)
    slope, sure = float(found.coefficients[0]), max(low, -high, 0.0)
    moves = np.average(found.fitted * (1 - found.fitted), weights=audit.weight[used])
    return {
        "kind": "length",
        "check": CHECK,
        "judge": judge,
        "slice": "twice as long",
        "n": int(used.sum()),
        "effect": figure(*np.exp([slope, low, high])),
        "p": found.p_value(0),
        "consequence": float(sure * moves),
        "kinder": slope > 0,
    }, ""


def _telling(
    run: JudgeRun, audit: Audit, characters: Array
) -> tuple[Array, NDArray[np.bool_], list[int]]:
    """Whether each verdict is positive, the cases that tell something, and the labels of these."""
    k, people = len(audit.rubric.labels), audit.reference.values
    y = (run.verdicts == k - 1).astype(np.float64)
    used = (people >= 0) & (run.verdicts < k) & ~np.isnan(characters)
    labels = [label for label in range(k) if len(np.unique(y[used & (people == label)])) > 1]
    return y, used & np.isin(people, labels), labels
