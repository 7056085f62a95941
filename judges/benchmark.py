"""The full run: collect and grade everything, by an approved judge and under its warrant only."""

from inference import collect
from judges import grade, warrant
from judges.gate import APPROVED
from judges.kinship import check_kin
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
            f"several judges are approved ({', '.join(approved)}); name one with --judge"
        )
    return warrant.in_force(study, store, approved[0], now)


def check_scope(study: Study, store: Store, granted: Warrant) -> None:
    """Refuse before anything is asked what the warrant does not cover."""
    check_kin(study, store, study_judges(study, store)[granted.judge])
    specs = collect.specs_in_force(study, store)
    tasks = {block.name for block in study.task}
    tasks |= {task for _, task, _, _, spec, _ in store.frame() if spec in specs}
    check_covered(store, granted, list(specs.values()), tasks)


def check_covered(store: Store, granted: Warrant, specs: list[Spec], tasks: set[str]) -> None:
    """A warrant covers the tasks and strategies of its audit, and the models as they were audited.

    Where its scope is new models it covers those as well.
    """
    scope = granted.body["scope"]
    asked = {"tasks": tasks, "strategies": {spec.body["strategy"] for spec in specs}}
    if scope["kind"] != "new models":
        asked["models"] = {spec.name for spec in specs}
    for kind, names in asked.items():
        outside = sorted(names - set(scope[kind]))
        if outside:
            raise Refused(
                f"the warrant of judge {granted.judge!r} does not cover the {kind}"
                f" {', '.join(outside)}: no audited case is of it; add cases (`benchwarrant sample"
                " --new`, label, approve) or take it out of the study"
            )
    if scope["kind"] == "new models":
        return
    audited = store.audited(granted.audit_set)
    known = {_identity(spec) for spec in store.specs("model") if spec.id in audited}
    if changed := sorted({spec.name for spec in specs if _identity(spec) not in known}):
        raise Refused(
            f"the warrant of judge {granted.judge!r} covers {', '.join(changed)} as it was audited,"
            " but its engine or sampling is another one now; undo the change, or audit its new"
            " answers (`benchwarrant sample --new`, label, approve)"
        )


def _identity(spec: Spec) -> str:
    """A model whatever it is asked: its name, engine and sampling."""
    return content_hash([spec.name, spec.body.get("engine"), spec.body.get("sampling")])


def gradable(study: Study, store: Store) -> list[str]:
    """Every answer in force that a judge can read; one without text counts as wrong unjudged."""
    specs = collect.specs_in_force(study, store)
    return [
        response
        for response, _, _, _, spec, has_text in store.frame()
        if spec in specs and has_text
    ]


def docket(study: Study, store: Store, granted: Warrant) -> list[grade.Docket]:
    """What the approved judge has still to grade; imported verdicts are as complete as they are."""
    if granted.judge not in {block.name for block in study.judge}:
        return []
    return grade.dockets(study, store, gradable(study, store), [granted.judge])
