"""Change how the audit set in force is labelled, without drawing it anew or losing a label."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from samples.audit import Drawn, Overlap, freeze, share_of
from samples.errors import BenchwarrantError
from samples.records import AuditCase, AuditSet, Rubric
from samples.store import Store
from samples.study import Study


def revise_guidance(study: Study, store: Store, text: str, now: str) -> Rubric:
    """Write new guidance: a new rubric for the same cases. Old labels stay with the old rubric.

    The file that the study names is written whole; the audit set keeps its cases, strata and
    chances, so everybody labels the same cases anew under the new words.
    """
    if study.rubric.guidance is None:
        raise BenchwarrantError(
            'the study names no guidance file; write guidance = "guidance.md" under [rubric] first'
        )
    frozen, cases = _in_force(store)
    old = study.rater_question
    if frozen.rubric != old.id:
        raise BenchwarrantError(
            "the study's rubric is not the one that the audit set is labelled under; see"
            " `benchwarrant annotate`"
        )
    rubric = replace(old, guidance=text)
    if rubric == old:
        raise BenchwarrantError("the guidance is the same as before; change it, then save")
    path = study.at(study.rubric.guidance)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    with store.transaction():
        _freeze_again(store, rubric, frozen, cases, {"revises": frozen.rubric}, now)
        partial.replace(path)
    return rubric


def replan(study: Study, store: Store, now: str) -> AuditSet:
    """Give the same cases the raters that the study's [audit] block asks for today.

    Cases that several people have labelled already are the first to want several, so no label is
    in vain; which others do is chosen at random within each stratum.
    """
    frozen, cases = _in_force(store)
    rubric = next(one for one in store.rubrics() if one.id == frozen.rubric)
    overlap = Overlap(study.audit.overlap, study.audit.raters_per_case)
    labels = store.current_labels(rubric.id)
    people = {case.response: 0 for case in cases}
    for label in labels:
        if label.response in people:
            people[label.response] += 1
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
        found.sort(key=lambda case: -people[case.response])
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
    return freeze(store, rubric, drawn, {**frozen.design, **more}, now)
