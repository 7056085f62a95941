"""Warrants: a decision bound to what it rests on, and whether that still stands."""

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from judges.drift import outdated
from judges.evidence import Evidence, weigh
from judges.gate import APPROVED, check_policy, decide
from judges.kinship import kin
from judges.probe_rates import digest
from judges.scores import asks_for_scores
from judges.scores import digest as scores_digest
from judges.sequential import is_sequential
from judges.tables import Audit, load_audit, study_judges
from samples.errors import BenchwarrantError, Refused
from samples.records import Spec, Warrant, content_hash
from samples.registry import did_you_mean
from samples.store import Store
from samples.study import Study

FORMAT = "benchwarrant-warrant/1"
WHAT_TO_DO = (
    "run `benchwarrant judge --recheck`; if it fails the judge is another one now: give its"
    " [[judge]] block a new name, judge and approve it"
)
NOT_DERIVED = ("study", "versions")  # a study may be renamed, and checked by a later version


def versions() -> dict[str, str]:
    """What computed the figures."""
    return {
        "benchwarrant": version("benchwarrant"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
    }


def bindings(audit: Audit, judge: str, study: Study) -> dict[str, Any]:
    """What a warrant is bound to; when one of these changes, it no longer applies."""
    run = audit.judges[judge]
    asked = {"probes": digest(run.probes)} if study.policy.asks_for_probes else {}
    if asks_for_scores(study.policy):
        asked["scores"] = scores_digest(run)
    return {
        "judge": run.spec.id,
        "rubric": audit.rubric.id,
        "audit set": audit.audit_set.id,
        "labels": audit.labels_digest,
        "verdicts": run.digest,
        "policy": study.policy.deciding,
        "seed": study.seed,
    } | asked


def ready(audit: Audit, judge: str) -> None:
    """A decision needs a label and a verdict on every case; a sequential one, verdicts only."""
    if judge not in audit.judges:
        known = did_you_mean(judge, list(audit.judges))
        raise BenchwarrantError(
            f"judge {judge!r} has no verdicts on the audit set; {known}; run `benchwarrant judge`"
        )
    unlabelled = len(audit.reference.unlabelled)
    if unlabelled and not is_sequential(audit):
        raise BenchwarrantError(
            f"{unlabelled} of {len(audit.responses)} cases have no label yet; finish labelling"
            " (`benchwarrant annotate`) before a judge is decided on"
        )
    run = audit.judges[judge]
    if run.missing and run.spec.body["kind"] != "imported":
        raise BenchwarrantError(
            f"judge {judge!r} has no verdict on {run.missing} of {len(audit.responses)} cases; run"
            " `benchwarrant judge`"
        )


def weigh_one(audit: Audit, study: Study, judge: str) -> Evidence:
    """The evidence about one judge: a decision about it rests on nobody else's verdicts."""
    return weigh(audit.only(judge), study.policy, study.seed)


def issue(
    audit: Audit, evidence: Evidence, study: Study, judge: str, signed: tuple[str | None, str]
) -> Warrant:
    """Decide about one judge; ``signed`` is who by, and when."""
    check_policy(study.policy)
    ready(audit, judge)
    decision, findings = decide(evidence.judges[judge], study.policy)
    signed_by, now = signed
    body = {
        "format": FORMAT,
        "study": study.name,
        "bound_to": bindings(audit, judge, study),
        "evidence": evidence.id,
        "rules": [asdict(finding) for finding in findings],
        "reference": evidence.reference,
        "measured_error": measured_error(evidence.judges[judge], study),
        "scope": {
            "kind": study.policy.scope,
            "models": list(audit.models),
            "tasks": list(audit.tasks),
            "strategies": list(audit.strategies),
        },
        "versions": versions(),
    }
    spec = audit.judges[judge].spec
    if related := kin(spec, study, audit.models):
        body["kin"] = related
    return Warrant(judge, spec.id, audit.audit_set.id, decision, body, signed_by, now)


def measured_error(about: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """What a leaderboard must say of its judge: agreement, and leniency model by model."""
    pooled = about["case"][f"failures_{study.policy.failures}"]
    names = ("n", "accuracy", "cohen_kappa", "sensitivity", "specificity", "leniency")
    return {
        "pooled": {name: pooled[name] for name in names},
        "leniency_by_model": {
            model: figures["leniency"] | {"n": figures["n"]}
            for model, figures in about["by"]["model"].items()
        },
    }


def in_force(study: Study, store: Store, judge: str, now: str | None) -> Warrant:
    """The valid approval of a judge; without one it is refused, saying what is missing.

    Where ``now`` is None neither its age nor a failed recheck counts: it is about to be rechecked.
    """
    specs = study_judges(study, store)
    if judge not in specs:
        known = did_you_mean(judge, list(specs))
        raise BenchwarrantError(f"no judge {judge!r} in this study; {known}")
    decided = [warrant for warrant in store.warrants() if warrant.judge == judge]
    if not decided:
        raise Refused(f"judge {judge!r} has no warrant; run `benchwarrant approve {judge}`")
    warrant = decided[-1]
    if warrant.spec != specs[judge].id:
        old = next(spec for spec in store.specs("judge") if spec.id == warrant.spec)
        raise Refused(
            f"the warrant of judge {judge!r} is stale: its {_changed(old, specs[judge])} changed"
            " since; run `benchwarrant judge` and `benchwarrant approve` again, or undo the change"
        )
    try:
        audit = load_audit(study, store)
    except BenchwarrantError as error:  # the rubric is another one now
        raise Refused(f"the warrant of judge {judge!r} is stale: {error}") from None
    if changed := stale(warrant, audit, study):
        raise Refused(
            f"the warrant of judge {judge!r} is stale: the {changed} changed since; run"
            f" `benchwarrant approve {judge}` again"
        )
    if warrant.decision != APPROVED:
        reasons = "; ".join(r["says"] for r in warrant.body["rules"] if r["outcome"] != "met")
        raise Refused(f"judge {judge!r} is {warrant.decision}, not approved: {reasons}")
    if now is not None and (reason := outdated(warrant, audit, study, now)):
        raise Refused(f"the warrant of judge {judge!r} is stale: {reason}; {WHAT_TO_DO}")
    return warrant


def changes(warrant: Warrant, audit: Audit, study: Study) -> list[str]:
    """What is no longer what the warrant was bound to; empty while it applies."""
    if warrant.judge not in audit.judges:
        return ["verdicts" if warrant.audit_set == audit.audit_set.id else "audit set"]
    now = bindings(audit, warrant.judge, study)
    bound = warrant.body["bound_to"]
    return [name for name in now if now[name] != bound.get(name)]


def stale(warrant: Warrant, audit: Audit, study: Study) -> str:
    """The first thing that changed; empty where nothing did."""
    return next(iter(changes(warrant, audit, study)), "")


def approved_judges(study: Study, store: Store, now: str | None) -> list[str]:
    """The judges with a valid warrant, in the order of the study file."""
    found = []
    for judge in study_judges(study, store):
        try:
            in_force(study, store, judge, now)
        except Refused:
            continue
        found.append(judge)
    return found


def _changed(old: Spec, new: Spec) -> str:
    """Which parts of a judge's definition differ."""
    parts = {**old.body, **new.body}
    names = [k for k in parts if content_hash(old.body.get(k)) != content_hash(new.body.get(k))]
    return " and ".join(names) or "definition"


def check(warrant: Warrant, audit: Audit, study: Study) -> str:
    """Compute a warrant again from the rows: what is stale or broken, or nothing."""
    if changed := stale(warrant, audit, study):
        return f"stale: the {changed} changed since"
    evidence = weigh_one(audit, study, warrant.judge)
    again = issue(audit, evidence, study, warrant.judge, (warrant.signed_by, warrant.created_at))
    if again.decision != warrant.decision:
        return f"broken: the rows say {again.decision}, the warrant says {warrant.decision}"
    for old, new in zip(warrant.body["rules"], again.body["rules"], strict=False):
        if not _close(old["observed"], new["observed"]):
            return f"broken: {old['rule']} was {old['observed']}, the rows say {new['observed']}"
    differs = [part for part in again.body if part not in NOT_DERIVED]
    differs = [part for part in differs if not _close(warrant.body.get(part), again.body[part])]
    return f"broken: the rows say otherwise about {', '.join(differs)}" if differs else ""


def _close(old: Any, new: Any) -> bool:
    """Equal but for the last digits, which another machine's arithmetic may round otherwise."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        same = (_close(old[key], new[key]) for key in new if key in old and key != "says")
        return old.keys() == new.keys() and all(same)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_close, old, new))
    if isinstance(old, float) and isinstance(new, float):
        return abs(old - new) < 1e-6
    return bool(old == new)
