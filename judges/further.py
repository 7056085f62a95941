"""How many labels more would probably settle an open decision."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from judges.figures import NO_DISAGREEMENT, Figure
from judges.gate import INCONCLUSIVE, decide
from judges.sequential import error_shared, followed, is_open
from judges.tables import Audit
from samples.study import PolicyBlock, RuleBlock

POWER = 0.8  # what "probably" means


def factor(rule: RuleBlock, found: Figure, confidence: float) -> tuple[bool, float]:
    """Whether the rule would come to be met or broken, and with how many times the labels.

    If the figure stays where it is, its interval shrinks with the square root of the number of
    labels (in proportion to it where no disagreement was seen), and has to leave the bound by
    z(power) standard errors more than its own half-width for the decision to have that power. The
    factor is infinite where the figure lies at the bound, or has no interval.
    """
    value, low, high = found["value"], found["low"], found["high"]
    if rule.level == "audit":  # a plain count, which grows with the labels
        return True, (rule.at_least or 0.0) / value if value else math.inf
    if low is None or high is None:
        return False, math.inf
    lower, upper = value - low, high - value  # half-widths
    if rule.within is not None:
        met, gap = abs(value) <= rule.within, abs(rule.within - abs(value))
        width = max(lower, upper) if met else (lower if value > 0 else upper)
    elif rule.at_least is not None:
        met, gap = value >= rule.at_least, abs(value - rule.at_least)
        width = lower if met else upper
    else:
        met, gap = value <= (rule.at_most or 0.0), abs(value - (rule.at_most or 0.0))
        width = upper if met else lower
    if found.get("note") == NO_DISAGREEMENT:
        return met, width / gap if gap else math.inf
    z = float(ndtri((1 + confidence) / 2))
    return met, (width / gap * (z + float(ndtri(POWER))) / z) ** 2 if gap else math.inf


def further_labels(about: Mapping[str, Any], policy: PolicyBlock, audit: Audit) -> dict[str, Any]:
    """How many cases more would probably decide, and how; nothing where it is decided.

    A rejection needs one rule that is broken, an approval all of them met.
    """
    policy = error_shared(audit, policy)
    rows = followed(audit) if is_open(audit) else np.arange(len(audit.responses))
    cases = int((audit.reference.values[rows] >= 0).sum())
    decision, findings = decide(about, policy)
    if decision != INCONCLUSIVE or not findings:
        return {}
    open_ = [
        (*factor(rule, finding.observed, policy.confidence), rule.level)
        for rule, finding in zip(policy.rule, findings, strict=True)
        if finding.outcome == "open"
    ]
    if any(f.outcome == "open" and f.rule.startswith("raters:") for f in findings):
        return {"cases": None, "reason": "the policy asks for more people who label"}
    if any(level == "probe" for *_, level in open_):
        return {"cases": None, "reason": "a rule about probes is open, which labels do not decide"}
    broken = [times for met, times, _ in open_ if not met and math.isfinite(times)]
    times = min(broken) if broken else max(times for _, times, _ in open_)
    if not math.isfinite(times):
        return {"cases": None, "reason": "a figure without an interval, or at its very bound"}
    more = max(1, math.ceil(cases * (times - 1)))
    return {"cases": more, "towards": "rejected" if broken else "approved"}


def further_says(found: Mapping[str, Any]) -> str:
    """ "about 350 further cases would probably decide: approved"; nothing where it is decided."""
    if not found:
        return ""
    if found["cases"] is None:
        return f"how many labels would decide cannot be said: {found['reason']}"
    rounded = _two_digits(found["cases"])
    what = "case" if rounded == 1 else "cases"
    return (
        f"about {rounded:,} further {what} would probably ({POWER:.0%}) decide it, if the figures"
        f" stay as they are: {found['towards']}"
    )


def _two_digits(number: int) -> int:
    """Rounded up to two digits: more than they know is not said."""
    step = int(10 ** max(0, len(str(number)) - 2))
    return -(-number // step) * step
