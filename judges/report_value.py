"""What the report says, as the JSON-like value that its pages are made from."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from judges.agreement import judge_cells
from judges.checklist import checklist
from judges.comparisons import comparison_says
from judges.drift import outdated, recheck_figures
from judges.evidence import Evidence
from judges.findings import finding_says
from judges.further import further_labels, further_says
from judges.gate import check_policy, decide, hold
from judges.kinship import ITSELF, kin
from judges.phrasing import VOICES, Voice, decision_says
from judges.tables import Audit, JudgeRun
from judges.warrant import changes, ready, versions
from samples.errors import BenchwarrantError
from samples.records import Warrant
from samples.study import Study

FORMAT = "benchwarrant-report/1"
UNDECIDED = "undecided"


def report_value(
    study: Study, audit: Audit, evidence: Evidence, warrants: Sequence[Warrant], now: str
) -> dict[str, Any]:
    """Everything the report says, as JSON-like values: figures are numbers, or null and why."""
    if study.policy.rule:
        check_policy(study.policy)
    voice = VOICES[evidence.reference["labels"]]
    inputs = evidence.inputs
    made = {
        "format": FORMAT,
        "study": study.name,
        "audit_set": audit.audit_set.id,
        "evidence": evidence.id,
        "created_at": now,
        "versions": versions(),
        "rubric": {
            "id": audit.rubric.id,
            "question": audit.rubric.question,
            "labels": list(audit.rubric.labels),
            "positive": audit.rubric.positive,
        },
        "cases": _cases(audit),
        "reference": evidence.reference,
        "ceiling": evidence.ceiling,
        "raters": evidence.people,
        "raters_by_task": evidence.raters_by_task,
        "judges": {
            name: _judge(name, about, audit, study, _decision(name, audit, study, warrants, now))
            for name, about in evidence.judges.items()
        },
        "comparisons": [
            pair | {"says": comparison_says(pair, voice)} for pair in evidence.comparisons
        ],
        "findings": [
            finding | {"says": finding_says(finding, voice, audit.rubric.positive)}
            for finding in evidence.findings
            if not math.isnan(finding["effect"]["value"])
        ],
        "could_not_check": [
            *evidence.could_not_check,
            *_nothing_to_check(audit, evidence),
            *_unprobed(audit),
        ],
        "policy": study.policy.model_dump(mode="json", exclude_none=True)
        | {"confidence": inputs["policy"]["confidence"]},  # a sequential audit shares its error out
        "computed_from": {k: v for k, v in inputs.items() if k not in ("audit_set", "policy")},
    }
    plain: dict[str, Any] = _plain(made, voice)
    points = [one | {"says": voice(one["says"])} for one in checklist(plain)]
    return plain | {"checklist": points}


def _cases(audit: Audit) -> dict[str, Any]:
    """What was audited: how many cases, of which models and tasks, and how they were drawn."""
    several = (audit.reference.ratings >= 0).sum(axis=1) > 1
    return {
        "cases": len(audit.responses),
        "questions": len(np.unique(audit.question)),
        "with_two_labels": int(several.sum()),
        "models": list(audit.models),
        "tasks": list(audit.tasks),
        "strategies": list(audit.strategies),
        "drawn_at_random": audit.at_random,
        "overlap_at_random": audit.overlap_at_random,
        "weighted": bool(np.ptp(audit.weight) > 1e-9),
    }


def _judge(
    name: str, about: Mapping[str, Any], audit: Audit, study: Study, decision: dict[str, Any]
) -> dict[str, Any]:
    run = audit.judges[name]
    related = kin(run.spec, study, audit.models)
    would, findings = decide(about, study.policy)
    rules = [
        rule.model_dump(mode="json", exclude_none=True)
        | {"slice": found.slice, "observed": found.observed, "outcome": found.outcome}
        | {"short_by": max(0.0, -hold(rule, found.observed)[1])}
        for rule, found in zip(study.policy.rule, findings, strict=True)
    ]
    made = {
        "spec": about["spec"],
        "also_ranked": ITSELF in related.values(),
        "kin": related,
        "failures": about["failures"],
        "retried": run.retried,
        "rechecks": [
            recheck_figures(event, audit, study)
            for event in audit.rechecks
            if (event.body["spec"], event.body["audit_set"]) == (run.spec.id, audit.audit_set.id)
        ],
        "case": about["case"],
        "by": about["by"],
        "rates": about["rates"],
        "ranking": about["ranking"],
        "mean_over_models": about["mean_over_models"],
        "alt_test": about["alt_test"],
        "shares": {
            model: {"reference": share["people"], "judge": share["judge"]}
            for model, share in about["shares"].items()
        },
        "confusion": _confusion(run, audit),
        "coverage": about["coverage"]["all"][""],
        "today": {"decision": would if rules else UNDECIDED, "rules": [_finite(r) for r in rules]},
    } | decision
    made |= {name: about[name] for name in ("graded", "against_people") if about[name]}
    further = further_labels(about, study.policy, audit)
    said = filter(None, [decision_says(name, made), _sentence(further_says(further))])
    return made | {"further": further, "says": " ".join(said)}


def _sentence(text: str) -> str:
    return text and f"{text[0].upper()}{text[1:]}."


def _decision(
    name: str, audit: Audit, study: Study, warrants: Sequence[Warrant], now: str
) -> dict[str, Any]:
    """The newest decision if it still stands; else that, and what keeps anybody from deciding."""
    made: dict[str, Any] = {"decision": UNDECIDED}
    newest = next((w for w in reversed(warrants) if w.judge == name), None)
    if newest is not None:
        changed = changes(newest, audit, study)
        reason = "" if changed else outdated(newest, audit, study, now)
        if not changed and not reason:
            signed = {"signed_by": newest.signed_by} if newest.signed_by else {}
            warrant = {
                "id": newest.id,
                "decision": newest.decision,
                "created_at": newest.created_at,
            }
            return {"decision": newest.decision, "warrant": warrant | signed}
        when = newest.created_at[:10]
        reason = reason or f"the {' and the '.join(changed)} changed"
        made["stale"] = f"{newest.decision} on {when}, but {reason}"
    try:
        ready(audit, name)
    except BenchwarrantError as error:
        made["before_deciding"] = str(error)
    return made


def _confusion(run: JudgeRun, audit: Audit) -> dict[str, Any]:
    """Plain numbers of cases: a row per label of the reference, a column per verdict."""
    settled, labels = audit.reference.values >= 0, list(audit.rubric.labels)
    k = len(labels)
    cells = judge_cells(audit.reference.values[settled], run.verdicts[settled], k)
    counts = np.bincount(cells, minlength=k * (k + 1)).reshape(k, k + 1)
    return {"rows": labels, "columns": [*labels, "failed"], "counts": counts.tolist()}


def _nothing_to_check(audit: Audit, evidence: Evidence) -> list[dict[str, str]]:
    if not audit.judges:
        why = "no judge has given a verdict on the audit set; run `benchwarrant judge`"
    elif not evidence.judges:
        why = "no case has a settled label; run `benchwarrant annotate`"
    else:
        return []
    return [{"check": "every judge", "why": why}]


def _unprobed(audit: Audit) -> list[dict[str, str]]:
    """Whom no probe was put to; imported judges cannot be asked anything."""
    silent = [name for name, run in audit.judges.items() if not run.probes]
    cannot = [name for name in silent if audit.judges[name].spec.body["kind"] == "imported"]
    told = [name for name in silent if name not in cannot]
    could_not = []
    if told:
        check = "probes" if len(silent) == len(audit.judges) else f"probes of {', '.join(told)}"
        could_not.append({"check": check, "why": "none were run; `benchwarrant probe`"})
    if cannot:
        why = "verdicts that were imported come from a judge that cannot be asked"
        could_not.append({"check": f"probes of {', '.join(cannot)}", "why": why})
    return could_not


def _finite(rule: dict[str, Any]) -> dict[str, Any]:
    """Without a distance where there is none: the figure is undefined."""
    return {k: v for k, v in rule.items() if k != "short_by" or math.isfinite(v)}


def _plain(value: Any, voice: Voice) -> Any:
    """What JSON can hold: no NaN, a reason beside every null; and reasons in the right voice."""
    if isinstance(value, Mapping):
        made = {str(key): _plain(inner, voice) for key, inner in value.items()}
        for key in ("reason", "why", "check"):
            if isinstance(made.get(key), str):
                made[key] = voice(made[key])
        if any(inner is None for inner in made.values()):
            made.setdefault("reason", "undefined: no cases")
        return made
    if isinstance(value, list | tuple):
        return [_plain(inner, voice) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
