"""The gate: evidence and policy in, a decision about one judge out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from judges.agreement import STATISTICS
from judges.figures import Figure, undefined_figure
from judges.people import PEOPLE
from judges.probe_rates import STATISTICS as PROBE_STATISTICS
from judges.ranking import RANKING
from judges.requirements import COVERAGE, ENOUGH
from judges.scores import GRADED, NO_SCORES
from samples.errors import BenchwarrantError
from samples.registry import did_you_mean
from samples.study import PolicyBlock, RuleBlock

APPROVED, REJECTED, INCONCLUSIVE = "approved", "rejected", "inconclusive"
EXIT_CODES = {APPROVED: 0, REJECTED: 1, INCONCLUSIVE: 3}


@dataclass(frozen=True)
class Finding:
    """What one rule of the policy came to."""

    rule: str  # in words
    slice: str  # where the figure is worst; "" for the whole audit set
    observed: Figure
    outcome: str  # "met", "not met" (certainly), or "open" (the interval reaches both sides)
    says: str


def check_policy(policy: PolicyBlock) -> None:
    """Every rule names a figure that exists; a policy without a rule decides nothing."""
    if not policy.rule:
        raise BenchwarrantError(
            "the policy has no [[policy.rule]], so nothing could be approved; `benchwarrant init`"
            " shows some"
        )
    for rule in policy.rule:
        case = tuple(PEOPLE) if rule.against else (*STATISTICS, *GRADED, COVERAGE)
        levels = {"case": case, "ranking": RANKING, "probe": tuple(PROBE_STATISTICS)}
        levels["audit"] = ENOUGH
        known = list(levels[rule.level])
        if rule.statistic not in known:
            raise BenchwarrantError(
                f"[[policy.rule]] statistic {rule.statistic!r} is not known at level"
                f" {rule.level!r}; {did_you_mean(rule.statistic, known)}"
            )
        if rule.statistic in GRADED and rule.per is not None:
            raise BenchwarrantError(
                f"[[policy.rule]] {rule.statistic}: a figure of scores is over all cases; leave per"
                " out"
            )


def decide(about: Mapping[str, Any], policy: PolicyBlock) -> tuple[str, list[Finding]]:
    """Approved when every rule is met, rejected when one is certainly broken, else inconclusive."""
    findings = [apply(rule, about, policy) for rule in policy.rule]
    outcomes = {finding.outcome for finding in findings}
    if outcomes == {"met"}:
        return APPROVED, findings
    return (REJECTED if "not met" in outcomes else INCONCLUSIVE), findings


def apply(rule: RuleBlock, about: Mapping[str, Any], policy: PolicyBlock) -> Finding:
    """One rule on every figure that it speaks of; the worst of them stands for it."""
    judged = [(*hold(rule, found), place, found) for place, found in _figures(rule, about, policy)]
    order = {"not met": 0, "open": 1, "met": 2}
    if rule.level == "audit":  # too few labels are no fault of the judge
        judged = [("open" if row[0] == "not met" else row[0], *row[1:]) for row in judged]
    outcome, margin, place, found = min(judged, key=lambda row: (order[row[0]], row[1]))
    return Finding(
        rule_in_words(rule), place, found, outcome, _says(rule, place, found, outcome, margin)
    )


def _figures(
    rule: RuleBlock, about: Mapping[str, Any], policy: PolicyBlock
) -> Iterator[tuple[str, Figure]]:
    if rule.level == "ranking":
        yield "", about["ranking"][rule.statistic]
    elif rule.level == "probe":
        yield from about["probes"][rule.statistic].items()
    elif rule.level == "audit":
        yield "", about["enough"][rule.statistic]
    elif rule.against is not None:
        yield "", about["against_people"][rule.statistic]
    elif rule.statistic == COVERAGE:
        yield from about["coverage"]["all" if rule.per is None else rule.per].items()
    elif rule.statistic in GRADED:
        graded = about["graded"].get(f"failures_{policy.failures}", {})
        yield "", graded.get(rule.statistic, undefined_figure(NO_SCORES))
    elif rule.per is None:
        yield "", about["case"][f"failures_{policy.failures}"][rule.statistic]
    else:
        for name, figures in about["by"][rule.per].items():
            yield name, figures[rule.statistic]


def hold(rule: RuleBlock, found: Figure) -> tuple[str, float]:
    """Whether a figure's interval meets the rule, and by how much (negative: it falls short).

    An undefined figure, or one without an interval, meets nothing and breaks nothing.
    """
    low, high = found["low"], found["high"]
    if low is None or high is None:
        return "open", float("-inf")
    if rule.within is not None:
        margin = rule.within - max(-low, high)
        broken = low > rule.within or high < -rule.within
    elif rule.at_least is not None:
        margin = (low if rule.bound == "low" else high) - rule.at_least
        broken = high < rule.at_least
    else:
        assert rule.at_most is not None
        margin = rule.at_most - (high if rule.bound == "high" else low)
        broken = low > rule.at_most
    if margin >= 0:
        return "met", margin
    return ("not met" if broken else "open"), margin


def rule_in_words(rule: RuleBlock) -> str:
    """ "each model's leniency: interval within ±0.05"."""
    of = {"ranking": " of the ranking", "probe": " of the worst attack"}
    what = rule.statistic + of.get(rule.level, "")
    if rule.per:
        what = f"each {rule.per}'s {what}"
    if rule.against is not None:
        what = f"{what} minus people's own"
    if rule.level == "audit":
        return f"{what}: ≥ {rule.at_least:g}"
    if rule.within is not None:
        return f"{what}: interval within ±{rule.within:g}"
    side = {"low": "lower", "high": "upper"}[rule.bound]
    limit = f"≥ {rule.at_least:g}" if rule.at_least is not None else f"≤ {rule.at_most:g}"
    return f"{what}: {side} end {limit}"


def _says(rule: RuleBlock, place: str, found: Figure, outcome: str, margin: float) -> str:
    where = f" (worst: {place})" if place else ""
    where = " minus people's own" if rule.against is not None else where
    if found["low"] is None:
        return f"{rule.statistic}{where}: {found['reason']}; an undefined figure meets no rule"
    value, low, high = (f"{round(found[e], 3) + 0:.3f}" for e in ("value", "low", "high"))
    shown = f"{value} [{low}, {high}]"
    if rule.level == "audit":
        shown = f"{found['value']:,.0f}"
        lacks = f"short by {-margin:,.0f}"
        return f"{rule.statistic} {shown}: {'met' if outcome == 'met' else lacks}"
    more = "probes" if rule.level == "probe" else "labels"
    verdict = {
        "met": "met",
        "not met": "not met, the whole interval is on the wrong side",
        "open": f"not shown, short by {-margin:.3f}; more {more} narrow the interval",
    }[outcome]
    return f"{rule.statistic}{where} {shown}: {verdict}"
