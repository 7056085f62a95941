"""Does an approved judge still judge as it did? Two runs over the same cases, and a warrant's age.

The test: a recheck fails where the exact McNemar test finds a change at half of 1 − confidence
(Bonferroni: there are two of them) in how often the judge gives the positive label, or in how often
it is right by the labels. Flips that cancel out are shown, as agreement and κ, but do not fail it:
noise that does harm makes right verdicts wrong, and the second test sees that. A judge that got
better fails too: it is not the one that was approved.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from scipy.special import bdtr

from judges.agreement import STATISTICS, IntArray
from judges.figures import agreement_figures, count, draw_resamples
from judges.gate import APPROVED
from judges.phrasing import interval
from judges.tables import Audit
from samples.records import Event, Warrant
from samples.study import Study

UNREACHED = "api_error"  # an accident of the day, no verdict that could have changed
DAY = 86_400


@dataclass(frozen=True)
class Change:
    """What went one way and what went the other, of ``n`` cases seen twice."""

    n: int
    lost: int
    won: int

    @property
    def p(self) -> float:
        """Exact McNemar test, two-sided (McNemar 1947): lost ~ Binomial(lost + won, 1/2).

        Where nothing changed it is 1: nothing speaks for a change.
        """
        changed = self.lost + self.won
        return min(1.0, 2 * float(bdtr(min(self.lost, self.won), changed, 0.5)))


@dataclass(frozen=True)
class Drift:
    """A recheck in numbers of cases, and whether it fails."""

    changed: int  # another label, or a failure on one side only
    positive: Change  # verdicts with the positive label
    right: Change  # verdicts that are the label people settled on
    limit: float  # of either p

    @property
    def failed(self) -> bool:
        return min(self.positive.p, self.right.p) < self.limit


def rechecks_of(warrant: Warrant, audit: Audit) -> list[Event]:
    """The rechecks of this judge on this audit set, oldest first.

    Not only those under this warrant: approving again on the same verdicts answers no recheck.
    """
    bound = (warrant.spec, warrant.audit_set)
    return [e for e in audit.rechecks if (e.body["spec"], e.body["audit_set"]) == bound]


def weigh_recheck(event: Event, audit: Audit, study: Study) -> Drift:
    """Test the change between the verdicts of a recheck and those that the judge gave before."""
    old, new = _runs(event, audit)
    people, positive = audit.reference.values, len(audit.rubric.labels) - 1
    both = old >= 0
    settled = both & (people >= 0)
    return Drift(
        changed=int((old != new)[both].sum()),
        positive=_change((old == positive)[both], (new == positive)[both]),
        right=_change((old == people)[settled], (new == people)[settled]),
        limit=(1 - study.policy.confidence) / 2,
    )


def _runs(event: Event, audit: Audit) -> tuple[IntArray, IntArray]:
    """Label codes of both runs in the audit's order: K is a failure, −1 a case not compared."""
    codes = {label: code for code, label in enumerate(audit.rubric.labels)}
    failed = len(codes)
    sides = []
    for run in ("old", "new"):
        found = {response: pair[run] for response, pair in event.body["cases"].items()}
        sides.append(
            [codes.get(found[r][0], failed) if r in found else -1 for r in audit.responses]
        )
    reached = [
        r in event.body["cases"] and event.body["cases"][r]["new"][1] != UNREACHED
        for r in audit.responses
    ]
    old, new = (np.where(reached, side, -1) for side in sides)
    return old, new


def _change(before: Any, after: Any) -> Change:
    return Change(len(before), int((before & ~after).sum()), int((~before & after).sum()))


def outdated(warrant: Warrant, audit: Audit, study: Study, now: str) -> str:
    """Why an approval may no longer be used though nothing that it rests on changed; or nothing.

    The newest recheck decides; one that passes makes the approval as good as new.
    """
    if warrant.decision != APPROVED:
        return ""
    since, newest = warrant.created_at, next(iter(rechecks_of(warrant, audit)[::-1]), None)
    if newest is not None:
        drift = weigh_recheck(newest, audit, study)
        if drift.failed:
            p = min(drift.positive.p, drift.right.p)
            return f"the recheck of {newest.created_at[:10]} failed (p = {p:.2g})"
        since = max(since, newest.created_at)
    allowed = study.policy.max_age_days
    age = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds() / DAY
    if allowed is None or age <= allowed:
        return ""
    return f"it is {age:.1f} days old and the policy allows {allowed}"


def recheck_figures(event: Event, audit: Audit, study: Study) -> dict[str, Any]:
    """Everything that a recheck came to, as JSON-like values."""
    drift = weigh_recheck(event, audit, study)
    asked = len(event.body["cases"])
    made = {
        "judge": event.subject,
        "number": event.body["number"],
        "created_at": event.created_at,
        "warrant": event.body["warrant"],
        "asked": asked,
        "unreached": asked - drift.positive.n,
        "n": drift.positive.n,
        "changed": drift.changed,
        "positive": _figures(drift.positive),
        "right": _figures(drift.right),
        **_between_runs(event, audit, study),
        "limit": drift.limit,
        "passed": not drift.failed,
    }
    return made | {"says": recheck_says(made)}


def _figures(change: Change) -> dict[str, Any]:
    return {"n": change.n, "lost": change.lost, "won": change.won, "mcnemar_p": change.p}


def _between_runs(event: Event, audit: Audit, study: Study) -> dict[str, Any]:
    """Agreement and κ of the two runs, a failure being a label of its own."""
    old, new = _runs(event, audit)
    twice = replace(
        audit,
        rubric=replace(audit.rubric, labels=(*audit.rubric.labels, "failed")),
        reference=replace(audit.reference, values=old),
        weight=np.ones(len(old)),
    )
    draws = draw_resamples(audit, study.policy, np.random.default_rng(study.seed))
    counted = count(twice, new, np.zeros(len(old), dtype=np.int64), draws, models_vary=False)
    wanted = {name: STATISTICS[name] for name in ("accuracy", "cohen_kappa")}
    [found] = agreement_figures(counted, twice, study.policy, "left_out", wanted)
    return {"agreement": found["accuracy"], "cohen_kappa": found["cohen_kappa"]}


def recheck_says(made: Mapping[str, Any]) -> str:
    """One sentence: what changed, what the tests find, and whether that fails the judge."""
    positive, right = made["positive"], made["right"]
    unreached = f" ({made['unreached']} more could not be reached)" if made["unreached"] else ""
    return (
        f"Recheck {made['number']} of {made['judge']} on {made['created_at'][:10]}"
        f" {'passed' if made['passed'] else 'failed'}: {made['changed']} of {made['n']} verdicts"
        f" changed{unreached}; positive verdicts {_ways(positive)}, right ones {_ways(right)}; a p"
        f" below {made['limit']:.3g} fails. The two runs agree in"
        f" {interval(made['agreement'], 3)}, κ {interval(made['cohen_kappa'], 3)}."
    )


def _ways(change: Mapping[str, Any]) -> str:
    return f"{change['lost']} lost and {change['won']} won (p = {change['mcnemar_p']:.2g})"
