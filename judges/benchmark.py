"""The full run: collect and grade everything, by an approved judge and under its warrant only."""

from judges import warrant
from judges.gate import APPROVED
from judges.tables import study_judges
from samples.errors import BenchwarrantError, Refused
from samples.records import Spec, Warrant, content_hash
from samples.store import Store
from samples.study import Study


def choose(study: Study, store: Store, judge: str | None, now: str | None) -> Warrant:
    """The warrant to grade under: the named judge's, or the only valid one."""
    if judge is not None:
        return warrant.in_force(study, store, judge, now)
    approved = warrant.approved_judges(study, store, now)
    if not approved:
        here = study_judges(study, store)
        decided = [w.judge for w in store.warrants() if w.decision == APPROVED and w.judge in here]
        if decided:  # it was approved once: say what made it stale
            return warrant.in_force(study, store, decided[-1], now)
        raise Refused(
            "no judge has a valid warrant, so nothing may be graded; run `benchwarrant approve"
            " JUDGE`"
        )
    if len(approved) > 1:
        raise BenchwarrantError(
            f"several judges are approved ({', '.join(approved)}); name one with --judge, or say in"
            " [benchmark] judges who grades which task"
        )
    return warrant.in_force(study, store, approved[0], now)


def tasks_in_force(study: Study, store: Store) -> list[str]:
    """The study file's tasks, then those of imported answers."""
    imported = [spec.id for spec in store.specs("model") if spec.body.get("imported")]
    more = set().union(*map(store.tasks_of, imported))
    return list(dict.fromkeys([*(block.name for block in study.task), *sorted(more)]))


def check_covered(store: Store, granted: Warrant, specs: list[Spec], tasks: set[str]) -> None:
    """Refuse what a warrant does not cover."""
    if missing := uncovered(store, granted, specs, tasks):
        raise Refused("; ".join(missing))


def uncovered(store: Store, granted: Warrant, specs: list[Spec], tasks: set[str]) -> list[str]:
    """What a warrant does not cover, in words; empty where it covers everything.

    It covers the tasks and strategies of its audit, and the models as they were audited; where its
    scope is new models it covers those as well.
    """
    scope, who = granted.body["scope"], f"the warrant of judge {granted.judge!r}"
    asked = {"tasks": tasks, "strategies": {spec.body["strategy"] for spec in specs}}
    if scope["kind"] != "new models":
        asked["models"] = {spec.name for spec in specs}
    outside = {kind: sorted(names - set(scope[kind])) for kind, names in asked.items()}
    found = [f"the {kind} {', '.join(names)}" for kind, names in outside.items() if names]
    said = []
    if found:
        said.append(
            f"{who} does not cover {' and '.join(found)}: no audited case is of it; add cases"
            " (`benchwarrant sample --new`, label, approve) or take it out of the study"
        )
    if scope["kind"] == "new models":
        return said
    audited = store.specs_of(granted.audit_set)
    known = {_identity(spec) for spec in store.specs("model") if spec.id in audited}
    changed = {spec.name for spec in specs if _identity(spec) not in known}
    if changed := changed - set(outside["models"]):
        said.append(
            f"{who} covers {', '.join(sorted(changed))} as it was audited, but its engine or"
            " sampling is another one now; undo the change, or audit its new answers"
            " (`benchwarrant sample --new`, label, approve)"
        )
    return said


def _identity(spec: Spec) -> str:
    """A model whatever it is asked: its name, engine and sampling."""
    return content_hash([spec.name, spec.body.get("engine"), spec.body.get("sampling")])
