"""How many cases and raters does the gate need? Simulated on the gate, before anybody labels.

Three judges are put to it: one that deserves approval, one just at the policy's bound, and one that
does not deserve it; and those of which labels are at hand already.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from judges.agreement import STATISTICS, failures_count_as_wrong, judge_cells
from judges.figures import draw_resamples
from judges.gate import (
    APPROVED,
    INCONCLUSIVE,
    REJECTED,
    Finding,
    check_policy,
    decide,
    rule_in_words,
)
from judges.simulation import (
    Quality,
    World,
    audit_of,
    draw_answers,
    figures_asked,
    labels_decide,
    ratings,
    trouble,
    true_figures,
    verdicts,
)
from judges.tables import Audit, load_audit
from samples.errors import BenchwarrantError
from samples.store import Store
from samples.study import PolicyBlock, Study

OUTCOMES = (APPROVED, REJECTED, INCONCLUSIVE)
RESAMPLES = 250  # fewer than evidence has: a plan needs its interval's ends to a point or so
SIMULATIONS = 60  # of each number of cases, where three judges are put to the gate
RATERS = (1, 2, 3)
ENOUGH = 30  # labelled cases, before a judge's quality is taken from them
DESERVES, AT_BOUND, DOES_NOT = "deserves approval", "at the bound", "does not deserve it"


@dataclass(frozen=True)
class Plan:
    """What is simulated. ``world`` is assumed where the study does not tell yet."""

    policy: PolicyBlock
    world: World
    judges: Mapping[str, Quality]
    cases: Sequence[int]
    raters: Sequence[int] = RATERS
    simulations: int = SIMULATIONS


def plan_of(study: Study, store: Store, cases: Sequence[int] = ()) -> Plan:
    """What the study file and the rows at hand say; the rest is assumed, and is stated."""
    check_policy(study.policy)
    policy = labels_decide(study.policy)
    if not policy.rule:
        raise BenchwarrantError(
            "every rule of the policy is about probes or scores: no label decides it"
        )
    if len(study.rubric.labels) != 2:
        raise BenchwarrantError(
            f"plans are simulated for rubrics with two labels, and this one has"
            f" {len(study.rubric.labels)}; draw a pilot and read its report instead"
        )
    policy = policy.model_copy(update={"resamples": min(RESAMPLES, policy.resamples)})
    audit = _audit_at_hand(study, store)
    world = _world(study, store, audit)
    limit = world.questions * len(world.models)
    sizes = cases or [study.audit.size * part // 4 for part in (1, 2, 4, 8)]
    sizes = sorted({min(max(size, len(world.models)), limit) for size in sizes})
    judges = typical(world, policy) | (_measured(audit) if audit else {})
    times = SIMULATIONS * 3 // len(judges)
    return Plan(policy, world, judges, sizes, simulations=times)


def typical(world: World, policy: PolicyBlock) -> dict[str, Quality]:
    """The judge at the policy's bound, one with half of its errors, and one with twice as many.

    Each errs on right answers as often as on wrong ones; the bound is found on endless answers.
    """

    def decided(rate: float) -> tuple[str, list[Finding]]:
        return decide(true_figures(world, Quality(rate, rate), policy), policy)

    best, findings = decided(0.0)
    if best != APPROVED:
        said = "; ".join(finding.says for finding in findings if finding.outcome != "met")
        raise BenchwarrantError(
            f"with {len(world.models)} models not even a judge without error could meet the policy:"
            f" {said}; add models, or mend its [[policy.rule]]"
        )
    low, high = 0.0, 0.5
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if decided(middle)[0] == APPROVED else (low, middle)
    rates = {DESERVES: low / 2, AT_BOUND: low, DOES_NOT: min(2 * low, 0.5)}
    return {name: Quality(rate, rate) for name, rate in rates.items()}


def simulate(plan: Plan, seed: int) -> dict[str, Any]:
    """Draw, label and decide, many times over: how often each judge gets which decision.

    All judges and numbers of raters meet the same answers, so that differences between them are
    not the draw's.
    """
    made: dict[tuple[int, int, str], Counter[str]] = {}
    for cases in plan.cases:
        for turn in range(plan.simulations):
            rng = np.random.default_rng([seed, cases, turn])
            for raters, judge, decision in _one(plan, cases, rng):
                made.setdefault((cases, raters, judge), Counter())[decision] += 1
    rows = [_row(plan, *key, counts) for key, counts in made.items()]
    return {
        "rules": [rule_in_words(rule) for rule in plan.policy.rule],
        "assumed": asdict(plan.world),
        "judges": {name: asdict(quality) for name, quality in plan.judges.items()},
        "simulations": plan.simulations,
        "resamples": plan.policy.resamples,
        "rows": rows,
    }


def _one(plan: Plan, cases: int, rng: np.random.Generator) -> Iterator[tuple[int, str, str]]:
    """The decisions on one draw of answers, by number of raters and judge."""
    answers = draw_answers(plan.world, cases, rng)
    labels = ratings(plan.world, answers, max(plan.raters), rng)
    hard, draws = trouble(plan.world, answers, rng), None
    for name, quality in plan.judges.items():
        said = verdicts(answers, quality, hard)
        for raters in plan.raters:
            audit = audit_of(plan.world, answers, labels[:, :raters], said)
            draws = draws or draw_resamples(audit, plan.policy, rng)
            yield raters, name, decide(figures_asked(audit, plan.policy, draws), plan.policy)[0]


def _row(plan: Plan, cases: int, raters: int, judge: str, counts: Counter[str]) -> dict[str, Any]:
    n = plan.simulations
    shares = {name: counts[name] / n for name in OUTCOMES}
    errors = {name: math.sqrt(share * (1 - share) / n) for name, share in shares.items()}
    labels = cases * raters
    return (
        {"cases": cases, "raters": raters, "labels": labels, "judge": judge}
        | shares
        | {"standard_error": errors}
    )


# What the study and its rows tell


def _audit_at_hand(study: Study, store: Store) -> Audit | None:
    """The audit set in force, if any of it is labelled."""
    audit_set = store.audit_set()
    if audit_set is None or audit_set.rubric != study.rater_question.id:
        return None
    audit = load_audit(study, store)
    return audit if (audit.reference.values >= 0).sum() >= ENOUGH else None


def _world(study: Study, store: Store, audit: Audit | None) -> World:
    frame = [row for row in store.frame() if row[5]]
    shares = store.positive_shares(study.rater_question, ["model"])
    models = max(len({row[2] for row in frame}), len(study.model)) or 5
    known = tuple(min(max(share, 0.02), 0.98) for share in shares.values())
    limits = [task.limit for task in study.task if task.limit]
    questions = len({item for item, *_ in store.traits([row[0] for row in frame])})
    world = World(
        models=known if len(known) == models else tuple(np.linspace(0.3, 0.8, models).tolist()),
        questions=questions or sum(limits) or 2 * study.audit.size,
        tasks=len({row[1] for row in frame}) or len(study.task) or 1,
    )
    slips = None if audit is None else _slips(audit)
    return world if slips is None else replace(world, slips=slips)


def _slips(audit: Audit) -> float | None:
    """How often one person errs, from how often two differ: d = 2 s (1 − s), if they err alike."""
    if audit.reference.ratings.shape[1] < 2:
        return None
    second, first = np.sort(audit.reference.ratings, axis=1)[:, -2:].T
    both = second >= 0
    if both.sum() < ENOUGH:
        return None
    differ = min(float((first != second)[both].mean()), 0.5)
    return (1 - math.sqrt(1 - 2 * differ)) / 2


def _measured(audit: Audit) -> dict[str, Quality]:
    """The judges of whom labels are at hand, as good as those labels show them, at most three."""
    rows, found = np.flatnonzero(audit.reference.values >= 0), {}
    for name, run in list(audit.judges.items())[:3]:
        said = np.minimum(run.verdicts[rows], 2)
        cells = judge_cells(audit.reference.values[rows], said, 2)
        counts = np.bincount(cells, audit.weight[rows], minlength=6).reshape(2, 3)
        table = failures_count_as_wrong(counts.astype(np.float64))
        rates = [1 - float(STATISTICS[s](table)) for s in ("specificity", "sensitivity")]
        if not np.isnan(rates).any():
            found[f"{name}, as measured"] = Quality(*rates)
    return found


# In words


def table(value: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """A row per number of cases and raters, a column per judge: approved / rejected / neither."""
    judges = list(value["judges"])
    cells: dict[tuple[int, int], dict[str, str]] = {}
    for row in value["rows"]:
        shown = " / ".join(f"{100 * row[name]:.0f}" for name in OUTCOMES)
        cells.setdefault((row["cases"], row["raters"]), {})[row["judge"]] = shown
    rows = [
        [f"{cases:,}", str(raters), f"{cases * raters:,}", *(found[name] for name in judges)]
        for (cases, raters), found in cells.items()
    ]
    return ["cases", "raters", "labels", *judges], rows


def notes(value: Mapping[str, Any], power: float) -> list[str]:
    """What was assumed, how sure the shares are, and what is enough for a decision."""
    world, worst = value["assumed"], 50 / math.sqrt(value["simulations"])
    models = ", ".join(f"{share:.2f}" for share in world["models"])
    errors = "; ".join(
        f"{name}: accepts {100 * q['false_accept']:.1f}% of wrong answers, rejects"
        f" {100 * q['false_reject']:.1f}% of right ones"
        for name, q in value["judges"].items()
    )
    return [
        "Each cell: % approved / rejected / inconclusive by the policy's rules"
        f" ({'; '.join(value['rules'])}).",
        f"{value['simulations']} simulated audits a row: a share's Monte Carlo standard error is"
        f" {worst:.0f} points at most; intervals from {value['resamples']:,} resamples.",
        f"Judges: {errors}.",
        f"Assumed: {world['questions']:,} questions; models right {models}; one label in"
        f" {1 / world['slips']:,.0f} a slip; correlation of answers to a question"
        f" {world['alike']:g}, of a judge's errors {world['troubled']:g}."
        if world["slips"]
        else f"Assumed: {world['questions']:,} questions; models right {models}; labels without"
        " a slip.",
        enough(value, power),
    ]


def enough(value: Mapping[str, Any], power: float) -> str:
    """The fewest labels with which a deserving judge is approved, and a bad one is rejected."""
    found = []
    for judge, outcome in ((DESERVES, APPROVED), (DOES_NOT, REJECTED)):
        rows = [r for r in value["rows"] if r["judge"] == judge and r[outcome] >= power]
        best = min(rows, key=lambda row: (row["labels"], row["cases"]), default=None)
        which = f"a judge that {judge}"
        if best is None:
            most = max(row["cases"] for row in value["rows"])
            found.append(f"no plan up to {most:,} cases gets {which} {outcome}")
        else:
            each = "1 label" if best["raters"] == 1 else f"{best['raters']} labels"
            found.append(f"{best['cases']:,} cases with {each} each get {which} {outcome}")
    return f"With power {power:.0%}: {'; '.join(found)}."
