"""Change how the audit set in force is labelled, without drawing it anew or losing a label."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from samples import oversight
from samples.audit import Drawn, Overlap, freeze, share_of
from samples.errors import BenchwarrantError
from samples.records import AuditCase, AuditSet, Rubric
from samples.rows import write_whole
from samples.store import Store
from samples.study import Study


def revise_guidance(study: Study, store: Store, text: str, now: str) -> Rubric:
    """Write new guidance: a new rubric for the same cases. Old labels stay with the old rubric.

    The audit set keeps its cases, strata and chances, so everybody labels the same cases anew under
    the new words. The file that the study names and the database change together: what a crash
    leaves half done, ``mend`` undoes.
    """
    path = _guidance(study)
    try:
        with store.transaction():
            _mend(study, store, path)
            frozen, cases = _in_force(store)
            old = study.rater_question
            if frozen.rubric != old.id:
                raise BenchwarrantError(
                    "the study's rubric is not the one that the audit set is labelled under; see"
                    " `benchwarrant annotate`"
                )
            rubric = replace(old, guidance=text.replace("\r\n", "\n").replace("\r", "\n"))
            if rubric == old:
                raise BenchwarrantError("the guidance is the same as before; change it, then save")
            write_whole(_kept(path), old.guidance)
            _freeze_again(store, rubric, frozen, cases, {"revises": frozen.rubric}, now)
            write_whole(path, rubric.guidance)
    finally:
        mend(study, store)
    return rubric


def mend(study: Study, store: Store) -> None:
    """Where a change of the guidance was cut off, put the old file back.

    The old text lies beside the file until the database has taken the change in.
    """
    if study.rubric.guidance is not None:
        with store.transaction():
            _mend(study, store, _guidance(study))


def _mend(study: Study, store: Store, path: Path) -> None:
    kept, frozen = _kept(path), store.audit_set()
    if not kept.exists():
        return
    old = replace(study.rater_question, guidance=kept.read_text(encoding="utf-8"))
    if frozen is not None and frozen.rubric == old.id:
        kept.replace(path)
    else:
        kept.unlink()


def _guidance(study: Study) -> Path:
    if study.rubric.guidance is None:
        raise BenchwarrantError(
            'the study names no guidance file; write guidance = "guidance.md" under [rubric] first'
        )
    return study.at(study.rubric.guidance)


def _kept(path: Path) -> Path:
    return path.with_name(path.name + ".before")


def replan(study: Study, store: Store, now: str) -> AuditSet:
    """Give the same cases the raters that the study's [audit] block asks for today.

    Cases that several people have labelled already are the first to want several, so no label is
    in vain, then those that wanted several before; the others are chosen at random within each
    stratum.
    """
    frozen, cases = _in_force(store)
    rubric = next(one for one in store.rubrics() if one.id == frozen.rubric)
    overlap = Overlap(study.audit.overlap, study.audit.raters_per_case)
    people = Counter(
        one.response
        for one in oversight.work(store, frozen.id, rubric.id)
        if one.status == "labelled"
    )
    rng = random.Random(f"replan {study.seed}")
    wanted = raters_again(cases, people, overlap, rng)
    if all(case.raters == wanted[case.response] for case in cases):
        raise BenchwarrantError(
            "the plan is the same as before; change raters_per_case or overlap under [audit] first"
        )
    cases = [replace(case, raters=wanted[case.response]) for case in cases]
    return _freeze_again(store, rubric, frozen, cases, {"replans": frozen.id}, now)


def raters_again(
    cases: Sequence[AuditCase], people: Mapping[str, int], overlap: Overlap, rng: random.Random
) -> dict[str, int]:
    """Response -> raters wanted; ``people`` have labelled each so far."""
    members: dict[str, list[AuditCase]] = {}
    for case in cases:
        members.setdefault(case.stratum, []).append(case)
    wanted = {}
    for _, found in sorted(members.items()):
        rng.shuffle(found)
        found.sort(key=lambda case: (-max(1, people.get(case.response, 0)), case.raters == 1))
        several = sum(case.raters > 1 for case in found)
        if abs(several - len(found) * overlap.share) >= 1:  # no plan that chance has rounded so
            several = share_of(len(found), overlap.share, rng)
        for place, case in enumerate(found):
            wanted[case.response] = overlap.raters if place < several else 1
    return wanted


def _in_force(store: Store) -> tuple[AuditSet, list[AuditCase]]:
    frozen = store.audit_set()
    if frozen is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    return frozen, store.audit_cases(frozen.id)


def _freeze_again(
    store: Store,
    rubric: Rubric,
    frozen: AuditSet,
    cases: Sequence[AuditCase],
    more: Mapping[str, Any],
    now: str,
) -> AuditSet:
    drawn = [Drawn(case.response, case.stratum, case.probability, case.raters) for case in cases]
    design = {k: v for k, v in frozen.design.items() if k not in ("revises", "replans")}
    return freeze(store, rubric, drawn, {**design, **more}, now)
