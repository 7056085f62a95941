"""Everything that the gate and the report read, as one value."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from judges import bias, scores, sequential
from judges.agreement import Array
from judges.alt_test import alt_test_figures
from judges.comparisons import Sampled, comparisons, sampled
from judges.divisions import divisions
from judges.figures import (
    Resamples,
    agreement_figures,
    count,
    draw_resamples,
)
from judges.formats import NO_TEXT, by_format
from judges.over_models import mean_over_models
from judges.people import ceiling, one_by_one, raters_by_task
from judges.probe_rates import digest, rule_figures
from judges.ranking import ranking_figures, ranking_samples, shares_by_model
from judges.requirements import against_people, coverage, enough
from judges.tables import Audit, JudgeRun
from judges.unchecked import unlooked
from samples.errors import BenchwarrantError
from samples.records import content_hash
from samples.study import PolicyBlock


@dataclass(frozen=True)
class Evidence:
    """Figures by judge, the people's side of them, and what they were computed from."""

    inputs: dict[str, Any]
    reference: dict[str, Any]
    ceiling: dict[str, Any]
    judges: dict[str, dict[str, Any]]
    findings: list[dict[str, Any]]
    could_not_check: list[dict[str, str]]
    people: dict[str, Any] = field(default_factory=dict)  # each of them as a judge
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    raters_by_task: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Names the rows and settings that the figures follow from."""
        return content_hash(self.inputs)


def weigh(audit: Audit, policy: PolicyBlock, seed: int) -> Evidence:
    """Compute the evidence about every judge of the audit."""
    if not (audit.reference.values >= 0).any():
        raise BenchwarrantError(
            "no case of the audit set has a settled label yet; run `benchwarrant annotate`, or"
            " `benchwarrant import labels FILE`"
        )
    policy = sequential.error_shared(audit, policy)
    draws = draw_resamples(audit, policy, np.random.default_rng(seed))
    judges, looked, compared, open_ = {}, {}, {}, sequential.is_open(audit)
    for name, run in audit.judges.items():
        judges[name], looked[name], compared[name] = _about(name, run, audit, policy, draws)
        if open_:
            judges[name] = sequential.anytime(judges[name], audit, run.verdicts, policy)
    checks = [one for each in looked.values() for one in each.checks]
    asked = {name: digest(run.probes) for name, run in audit.judges.items()}
    scored = {name: scores.digest(run) for name, run in audit.judges.items()}
    return Evidence(
        inputs={
            "audit_set": audit.audit_set.id,
            "rubric": audit.rubric.id,
            "labels": audit.labels_digest,
            "verdicts": {name: run.digest for name, run in audit.judges.items()},
            "judges": {name: run.spec.id for name, run in audit.judges.items()},
            "seed": seed,
            "policy": policy.deciding,
        }
        | ({"probes": asked} if policy.asks_for_probes else {})
        | ({"scores": scored} if scores.asks_for_scores(policy) else {}),
        reference=reference_facts(audit),
        ceiling=ceiling(audit, policy, draws),
        judges=judges,
        findings=[] if open_ else bias.discoveries(checks),
        could_not_check=[
            *_could_not_check(audit),
            *unlooked(audit, {name: each.no_length for name, each in looked.items()}),
        ],
        people=one_by_one(audit, policy, draws),
        raters_by_task=raters_by_task(audit, policy, draws),
        comparisons=[] if open_ else comparisons(audit, policy, draws, compared),
    )


def _about(
    name: str, run: JudgeRun, audit: Audit, policy: PolicyBlock, draws: Resamples
) -> tuple[dict[str, Any], bias.Looked, Sampled]:
    everything = np.zeros(len(audit.responses), dtype=np.int64)
    by_model = count(audit, run.verdicts, audit.model, draws, models_vary=False)
    pooled = count(audit, run.verdicts, everything, draws, by_model=by_model)
    divided = divisions(audit, run, draws, by_model, pooled)
    by_task = divided["task"].slices
    slices = {"model": (audit.models, by_model), "task": (audit.tasks, by_task)}
    ranking = ranking_samples(by_model, draws, policy.failures)
    kept: dict[str, Array] = {"cohen_kappa": np.empty(0)}
    by = {
        kind: dict(
            zip(
                names,
                agreement_figures(
                    tables, audit, policy, policy.failures, keep=kept if kind == "model" else None
                ),
                strict=True,
            )
        )
        for kind, (names, tables) in slices.items()
    }
    about = {
        "spec": run.spec.id,
        "failures": dict(run.failures),
        "missing": run.missing,
        "confusion": pooled.point[0].tolist(),
        "case": {
            f"failures_{handling}": agreement_figures(pooled, audit, policy, handling)[0]
            for handling in ("left_out", "count_as_wrong")
        },
        "mean_over_models": {
            "cohen_kappa": mean_over_models(
                by["model"], kept["cohen_kappa"], by_model, policy, draws
            )
        },
        "graded": scores.score_figures(run, audit, policy, draws),
        "coverage": {
            "all": {"": coverage(pooled, policy)[0]},
            **{k: dict(zip(s[0], coverage(s[1], policy), strict=True)) for k, s in slices.items()},
        },
        "enough": enough(audit),
        "against_people": against_people(pooled, audit, policy, draws),
        "by": by,
        "ranking": ranking_figures(by_model, draws, policy, policy.failures, ranking),
        "alt_test": alt_test_figures(run, audit, policy, draws),
        "shares": shares_by_model(by_model, audit, policy.failures),
        "probes": rule_figures(run, audit.rubric.positive, policy.confidence),
    }
    if formats := by_format(run, audit, policy, draws):
        by["format"] = formats
    looked = bias.look(name, divided, audit, policy, by)
    return about | {"rates": looked.rates}, looked, sampled(pooled, policy.failures, ranking)


def reference_facts(audit: Audit) -> dict[str, Any]:
    """Where the reference comes from, what it left out, and how often it is positive."""
    reference = audit.reference
    settled = reference.values >= 0
    positive = reference.values[settled] == len(audit.rubric.labels) - 1
    weight = audit.weight[settled]
    return {
        "method": reference.method,
        "labels": reference.labels,
        "cases": int(settled.sum()),
        "raters": len(reference.raters),
        "adjudicated": reference.adjudicated,
        "ties": len(reference.ties),
        "unlabelled": len(reference.unlabelled),
        "unsure": reference.unsure,
        "questions": len(np.unique(audit.question[settled])),
        "prevalence": float(np.average(positive, weights=weight)) if settled.any() else None,
    } | ({} if reference.unsure_rule == "count" else {"all_unsure": len(reference.all_unsure)})


def _could_not_check(audit: Audit) -> list[dict[str, str]]:
    could_not = sequential.waiting(audit)
    if audit.formats is not None and (audit.formats == NO_TEXT).all():
        could_not.append({"check": "answer format", "why": "the responses have no text"})
    if len(audit.tasks) < 2:
        could_not.append({"check": "leniency by task", "why": "all answers are to one task"})
    if len(audit.models) < 2:
        could_not.append({"check": "leniency by model", "why": "all answers are one model's"})
    if len(audit.models) < 3:
        why = "a ranking needs at least three models"
        could_not.append({"check": "ranking", "why": why})
    doubly = int(((audit.reference.ratings >= 0).sum(axis=1) > 1).sum())
    if not doubly:
        why = "no case has two people's labels"
        could_not.append({"check": "agreement between people", "why": why})
    elif not audit.overlap_at_random:
        why = (
            f"the {doubly} cases with two people's labels were not drawn at random by this study,"
            " so their agreement need not be the whole set's"
        )
        could_not.append({"check": "agreement between people on the whole set", "why": why})
    return could_not
