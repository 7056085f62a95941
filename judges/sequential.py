"""Labelling that may stop as soon as the decision is certain, without one error more.

Where the audit set was drawn question by question (``sequential = true``), its questions are
labelled in their random order, and until all are, every figure has a bound that holds however
often one looks (judges.betting), or none. Half of the policy's error is for those looks; the other
half is for the last one, when every case has its labels and the intervals are the usual ones. So a
judge that breaks a rule is approved, early or late, no more often than the policy allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from judges.agreement import STATISTICS, Array, IntArray
from judges.betting import Corrected, Share, figures
from judges.figures import HANDLINGS, Figure, figure
from judges.intervals import cluster_sums
from judges.tables import Audit
from samples.study import PolicyBlock

FIRST_LOOKS = 0.5  # of the error: the part of the looks before the last label
# What a leaderboard says of its judge (warrant.measured_error), beside what the rules ask for.
MEASURED = ("accuracy", "cohen_kappa", "sensitivity", "specificity", "leniency")
ONE_LOOK = (  # of a judge; there are no bounds for them
    *("mean_over_models", "graded", "alt_test", "rates"),
    *("coverage", "against_people"),
)
HOLDS = "holds however often one looks"
WAITS = "no interval before every case is labelled: this figure has no bound that holds at any look"
WAITS_FOR_MODELS = (
    "no interval before every case is labelled: no bound of this kind is for new models"
)


def is_sequential(audit: Audit) -> bool:
    """Whether the audit set was drawn question by question."""
    return audit.audit_set.design.get("sequential") is True


def error_shared(audit: Audit, policy: PolicyBlock) -> PolicyBlock:
    """The policy with the confidence of each of the two kinds of looks; unchanged elsewhere."""
    if not is_sequential(audit):
        return policy
    left = (1 - policy.confidence) * FIRST_LOOKS
    return policy.model_copy(update={"confidence": 1 - left})


def followed(audit: Audit) -> IntArray:
    """The cases that count so far: whole questions, in their order, up to the first unfinished one.

    A later one may be finished already; whether it is may depend on its answer, so it has to wait.
    Where people are evenly split and an adjudicator is at work, a case waits for them.
    """
    given = (audit.reference.ratings >= 0).sum(axis=1)
    done = given >= (1 if audit.wanted is None else audit.wanted)
    if audit.reference.adjudicated:
        done &= audit.reference.values >= 0
    if done.all():
        return np.arange(len(done))
    first = int(done.argmin())
    rows = np.arange(first)
    return np.asarray(rows[audit.question[rows] != audit.question[first]])


def is_open(audit: Audit) -> bool:
    """Whether labels of a sequential audit set are still to come."""
    return is_sequential(audit) and len(followed(audit)) < len(audit.responses)


@dataclass(frozen=True)
class Seen:
    """The questions seen so far of one group of cases, and what one of them weighs at most."""

    tables: Array  # (T, K, K + 1)
    heaviest: float

    def bounds(self, about: Share | Corrected, handling: str, tail: float) -> tuple[float, float]:
        tables = HANDLINGS[handling](self.tables)
        weighs = tables.sum(axis=(1, 2)) > 0
        return about.bets(tables[weighs], self.heaviest).interval(tail)

    def value(self, name: str, handling: str) -> float:
        return float(STATISTICS[name](HANDLINGS[handling](self.tables.sum(axis=0))))


def see(audit: Audit, verdicts: IntArray, group: IntArray, rows: IntArray) -> list[Seen]:
    """What ``rows`` say of each group of cases, question by question.

    A question's cases are averaged, each with its weight: every question then weighs alike,
    however many of its answers were drawn, if as many could be.
    """
    k, many = len(audit.rubric.labels), int(group.max()) + 1
    _, first, question, size = np.unique(
        audit.question, return_index=True, return_inverse=True, return_counts=True
    )
    turn = np.argsort(np.argsort(first))[question]  # questions as they come in the audit set
    share, turns = audit.weight / size[question], len(size)
    weighs = cluster_sums(turn, group, share, turns, many).max(axis=0)
    rows = rows[audit.reference.values[rows] >= 0]
    cells = audit.reference.values[rows] * (k + 1) + verdicts[rows]
    places = group[rows] * (k * (k + 1)) + cells
    sums = cluster_sums(turn[rows], places, share[rows], turns, many * k * (k + 1))
    tables = sums.reshape(turns, many, k, k + 1)
    return [Seen(tables[tables[:, g].any(axis=(1, 2)), g], float(weighs[g])) for g in range(many)]


def anytime(
    about: Mapping[str, Any], audit: Audit, verdicts: IntArray, policy: PolicyBlock
) -> dict[str, Any]:
    """A judge's figures with bounds that hold at any look, where it has them, and else with none.

    ``policy`` has its error shared already (`error_shared`). Bounds are made of the statistics that
    its rules name and of those that a leaderboard shows; of a ranking, of the largest error of a
    model's share. Each is wrong, at any time whatever, with probability (1 − confidence) / 2 at
    most on either side.
    """
    rows, named = followed(audit), {rule.statistic for rule in policy.rule}
    waits = WAITS if policy.scope == "these models" else WAITS_FOR_MODELS
    known = figures(len(audit.rubric.labels)) if policy.scope == "these models" else {}
    names = [name for name in known if name in named | set(MEASURED)]
    made = dict(about)
    pooled = see(audit, verdicts, np.zeros_like(audit.model), rows)[0]
    made["case"] = {
        way: _with(
            old, _figures(pooled, known, names, way.removeprefix("failures_"), policy), waits
        )
        for way, old in about["case"].items()
    }
    made |= {name: _with(about[name], {}, waits) for name in ONE_LOOK if name in about}
    made["by"] = {kind: _with(found, {}, waits) for kind, found in about["by"].items()}
    sliced = [name for name in names if name == "leniency" or _asked_by_slice(name, policy)]
    for kind, group, slices in (
        ("model", audit.model, audit.models),
        ("task", audit.task, audit.tasks),
    ):
        for name, seen in zip(slices, see(audit, verdicts, group, rows), strict=True):
            found = _figures(seen, known, sliced, policy.failures, policy)
            made["by"][kind][name] = _with(about["by"][kind][name], found, waits)
    worst = _worst([made["by"]["model"][m]["leniency"] for m in audit.models])
    made["ranking"] = _with(about["ranking"], worst if known else {}, waits)
    return made


def _asked_by_slice(name: str, policy: PolicyBlock) -> bool:
    return any(rule.statistic == name and rule.per for rule in policy.rule)


def _figures(
    seen: Seen,
    known: Mapping[str, Share | Corrected],
    names: list[str],
    handling: str,
    policy: PolicyBlock,
) -> dict[str, Figure]:
    tail, made = (1 - policy.confidence) / 2, {}
    for name in names:
        value = seen.value(name, handling)
        if np.isnan(value):
            continue
        ends = seen.bounds(known[name], handling, tail)
        made[name] = figure(value, *ends) | {"note": HOLDS, "questions": len(seen.tables)}
    return made


def _worst(leniency: list[Figure]) -> dict[str, Figure]:
    """The largest error of a model's share of positives, which is the largest leniency.

    It is above no bound that all of them keep to; that it is large is certain of none of them, so
    it starts at 0: a rule on it is met early, or waits.
    """
    if any(one["high"] is None for one in leniency):
        return {}
    value = max(abs(one["value"]) for one in leniency)
    high = max(max(-one["low"], one["high"]) for one in leniency)
    return {"worst_absolute_error": figure(value, 0.0, high) | {"note": HOLDS}}


def _with(figures_: Mapping[str, Any], found: Mapping[str, Figure], waits: str) -> dict[str, Any]:
    """The figures that were found in the place of the others, which lose their intervals."""
    made: dict[str, Any] = {}
    for name, old in figures_.items():
        if name in found:
            made[name] = found[name]
        elif not isinstance(old, Mapping) or "low" not in old:
            made[name] = _with(old, {}, waits) if isinstance(old, Mapping) else old
        elif old["value"] is None:
            made[name] = old
        else:
            kept = {key: part for key, part in old.items() if key != "note"}
            made[name] = kept | {"low": None, "high": None, "reason": waits}
    return made


def waiting(audit: Audit) -> list[dict[str, str]]:
    """What cannot be checked while labels are still to come."""
    if not is_open(audit):
        return []
    why = "their tests hold for one look, so they wait for the last label"
    return [
        {"check": "the whole audit set", "why": standing(audit)},
        {"check": "whom judges favour, and judges against each other", "why": why},
    ]


def standing(audit: Audit) -> str:
    """How far labelling of a sequential audit set has come; empty where nothing is to come."""
    if not is_open(audit):
        return ""
    rows = followed(audit)
    return (
        f"{len(rows)} of {len(audit.responses)} cases count so far, whole questions in their random"
        " order; their intervals hold however often one looks, so labelling may stop when the"
        " decision is there; figures without such a bound wait for the last label"
    )
