"""Everything that the gate and the report read, as one value."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from judges import bias, intervals, raters, sequential
from judges.agreement import Array, IntArray
from judges.figures import (
    ONE_QUESTION,
    Figure,
    Resamples,
    agreement_figures,
    count,
    draw_resamples,
    figure,
    ranking_figures,
    shares_by_model,
    undefined_figure,
)
from judges.formats import NO_TEXT, by_format
from judges.probe_rates import digest, rule_figures
from judges.tables import Audit, JudgeRun
from samples.errors import BenchwarrantError
from samples.records import content_hash
from samples.study import PolicyBlock

ALL_AGREE = "no interval: people agree on every case, so resamples cannot show what is uncertain"


@dataclass(frozen=True)
class Evidence:
    """Figures by judge, the people's side of them, and what they were computed from."""

    inputs: dict[str, Any]
    reference: dict[str, Any]
    ceiling: dict[str, Any]
    judges: dict[str, dict[str, Any]]
    findings: list[dict[str, Any]]
    could_not_check: list[dict[str, str]]

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
    judges, checks = {}, []
    for name, run in audit.judges.items():
        judges[name], found = _about(name, run, audit, policy, draws)
        if sequential.is_open(audit):
            judges[name] = sequential.anytime(judges[name], audit, run.verdicts, policy)
        checks += found
    asked = {name: digest(run.probes) for name, run in audit.judges.items()}
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
        | ({"probes": asked} if policy.asks_for_probes else {}),
        reference=reference_facts(audit),
        ceiling=ceiling(audit, policy, draws),
        judges=judges,
        findings=bias.discoveries(checks),
        could_not_check=_could_not_check(audit),
    )


def _about(
    name: str, run: JudgeRun, audit: Audit, policy: PolicyBlock, draws: Resamples
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    everything = np.zeros(len(audit.responses), dtype=np.int64)
    by_model = count(audit, run.verdicts, audit.model, draws, models_vary=False)
    pooled = count(audit, run.verdicts, everything, draws, by_model=by_model)
    by_task = count(audit, run.verdicts, audit.task, draws, by_model=by_model)
    slices = {"model": (audit.models, by_model), "task": (audit.tasks, by_task)}
    about = {
        "spec": run.spec.id,
        "failures": dict(run.failures),
        "missing": run.missing,
        "confusion": pooled.point[0].tolist(),
        "case": {
            f"failures_{handling}": agreement_figures(pooled, audit, policy, handling)[0]
            for handling in ("left_out", "count_as_wrong")
        },
        "by": {
            kind: dict(
                zip(names, agreement_figures(tables, audit, policy, policy.failures), strict=True)
            )
            for kind, (names, tables) in slices.items()
        },
        "ranking": ranking_figures(by_model, draws, policy, policy.failures),
        "shares": shares_by_model(by_model, audit, policy.failures),
        "probes": rule_figures(run, audit.rubric.positive, policy.confidence),
    }
    if formats := by_format(run, audit, policy, draws):
        about["by"]["format"] = formats
    checks = [
        check
        for kind, (names, tables) in slices.items()
        if len(names) > 1
        for check in bias.leniency(name, kind, names, tables, policy)
    ]
    return about, checks


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
    }


def ceiling(audit: Audit, policy: PolicyBlock, draws: Resamples) -> dict[str, Any]:
    """How well people agree with each other: what a judge's agreement is to be read against.

    Cohen's κ is of the two people who share most cases; α, AC1 and plain agreement are of all.
    """
    ratings = audit.reference.ratings
    several = np.flatnonzero((ratings >= 0).sum(axis=1) > 1)
    names = ("cohen_kappa", "krippendorff_alpha", "gwet_ac1", "accuracy")
    if not len(several):
        reason = "undefined: no case has two people's labels"
        return dict.fromkeys(names, undefined_figure(reason) | {"n": 0})
    pair = _closest_pair(ratings)
    both = np.flatnonzero((ratings[:, list(pair)] >= 0).all(axis=1))
    made = {"cohen_kappa": _people(audit, both, pair, "conger_kappa", policy, draws)}
    everyone = tuple(range(ratings.shape[1]))
    for name, statistic in zip(
        names[1:], ("krippendorff_alpha", "gwet_ac", "percent_agreement"), strict=True
    ):
        made[name] = _people(audit, several, everyone, statistic, policy, draws)
    return made


def _closest_pair(ratings: IntArray) -> tuple[int, int]:
    """The two raters with the most cases in common."""
    given = (ratings >= 0).astype(np.int64)
    common = np.triu(given.T @ given, k=1)
    first, second = np.unravel_index(int(common.argmax()), common.shape)
    return int(first), int(second)


def _people(
    audit: Audit,
    cases: IntArray,
    who: tuple[int, ...],
    statistic: str,
    policy: PolicyBlock,
    draws: Resamples,
) -> Figure:
    ratings = audit.reference.ratings[cases][:, list(who)]
    weight = audit.weight[cases]
    tables = raters.rater_tables(ratings, len(audit.rubric.labels)).scaled(weight / weight.mean())
    by_question = tables.by_cluster(audit.question[cases], draws.questions.shape[1])
    compute = raters.RATER_STATISTICS[statistic]
    value = float(compute(tables.sum()))
    if np.isnan(value):
        reason = raters.rater_undefined_reason(statistic, tables.sum(), audit.rubric.labels)
        return undefined_figure(reason) | {"n": len(cases)}
    if len(np.unique(audit.question[cases])) < 2:
        return figure(value, np.nan, np.nan) | {"reason": ONE_QUESTION, "n": len(cases)}
    if raters.percent_agreement(tables.sum()) == 1:  # so do all resamples: they are no interval
        return figure(value, np.nan, np.nan) | {"reason": ALL_AGREE, "n": len(cases)}
    samples: Array = compute(by_question.sum(draws.questions.astype(np.float64)))
    low, high, undefined = intervals.percentile_interval(samples, policy.confidence)
    return figure(value, float(low), float(high), float(undefined)) | {"n": len(cases)}


def _could_not_check(audit: Audit) -> list[dict[str, str]]:
    could_not = []
    if sequential.is_open(audit):
        could_not.append({"check": "the whole audit set", "why": sequential.standing(audit)})
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
    elif not audit.at_random:
        why = (
            f"the {doubly} cases with two people's labels were not drawn at random by this study,"
            " so their agreement need not be the whole set's"
        )
        could_not.append({"check": "agreement between people on the whole set", "why": why})
    return could_not
