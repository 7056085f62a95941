"""Draw the audit set: a stratified random sample with every case's chance of being drawn."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from samples import numbered
from samples.errors import BenchwarrantError
from samples.records import AuditCase, AuditSet, Rubric, Spec
from samples.store import Store, cases_hash
from samples.study import AuditBlock


@dataclass(frozen=True)
class Frame:
    """What can be drawn: responses with the stratum that each belongs to.

    A response stands by its number in the store, of which a million take little room, or its id.
    """

    responses: tuple[Any, ...]
    strata: tuple[str, ...]

    def members(self) -> dict[str, list[Any]]:
        members: dict[str, list[Any]] = {}
        for response, stratum in zip(self.responses, self.strata, strict=True):
            members.setdefault(stratum, []).append(response)
        return dict(sorted(members.items()))


@dataclass(frozen=True)
class Drawn:
    """One case of the sample; ``probability`` is its inclusion probability n_h / N_h."""

    response: str
    stratum: str
    probability: float
    raters: int


@dataclass(frozen=True)
class Overlap:
    """Which share of the cases gets several raters, so that people can be held against people."""

    share: float
    raters: int


def allocate(sizes: Mapping[str, int], n: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Share ``n`` cases out over strata in proportion to weights, none above its size.

    What a used-up stratum cannot take goes to the others by their weights; fractions go to the
    largest remainders (Hamilton's method). While there are enough cases every stratum gets one,
    since a stratum without cases has no estimate.
    """
    got: dict[str, int] = {}
    while True:
        open_ = {h: weights[h] for h in sizes if h not in got}
        left, total = n - sum(got.values()), sum(open_.values())
        wish = {h: left * weight / total for h, weight in open_.items()}
        full = [h for h in open_ if wish[h] >= sizes[h]]
        if not full:
            break
        got |= {h: sizes[h] for h in full}
    order = sorted(wish, key=lambda h: (math.floor(wish[h]) - wish[h], h))
    extra = left - sum(math.floor(share) for share in wish.values())
    got |= {h: math.floor(wish[h]) + (h in order[:extra]) for h in wish}
    for empty in [h for h in sizes if got[h] == 0 and n >= len(sizes)]:
        richest = max(got, key=lambda h: (got[h], h))
        got[richest] -= 1
        got[empty] = 1
    return {h: got[h] for h in sizes}


def stratum_weights(
    sizes: Mapping[str, int], allocation: str, positive: Mapping[str, float]
) -> dict[str, float]:
    """Proportional N_h; equal 1; Neyman N_h · √(p_h (1 − p_h)) (Neyman 1934).

    ``positive`` is the share of positive verdicts per stratum in the judges' runs so far, which
    stands in for the unknown share of positive labels.
    """
    if allocation == "equal":
        return dict.fromkeys(sizes, 1.0)
    if allocation == "proportional":
        return {h: float(size) for h, size in sizes.items()}
    missing = [h for h in sizes if h not in positive]
    if missing:
        raise BenchwarrantError(
            f"allocation 'neyman' needs verdicts in every stratum (imported, or of an earlier audit"
            f" set), {missing[0]!r} has none; use 'equal'"
        )
    # A stratum where a judge saw only one value may still vary: keep a floor.
    spread = {h: max(math.sqrt(positive[h] * (1 - positive[h])), 0.05) for h in sizes}
    return {h: size * spread[h] for h, size in sizes.items()}


def draw(
    frame: Frame, n: int, weights: Mapping[str, float], overlap: Overlap, rng: random.Random
) -> list[Drawn]:
    """A stratified simple random sample without replacement, in random order."""
    members = frame.members()
    sizes = {h: len(found) for h, found in members.items()}
    if n > len(frame.responses):
        raise BenchwarrantError(
            f"the audit set shall have {n} cases but only {len(frame.responses)} answers can be"
            " drawn; lower audit.size or collect more"
        )
    if n < len(sizes):
        raise BenchwarrantError(
            f"the audit set shall have {n} cases but there are {len(sizes)} strata, and one without"
            " a case tells nothing; raise audit.size or name fewer audit.strata"
        )
    shares = allocate(sizes, n, weights)
    drawn: list[Drawn] = []
    for stratum, responses in members.items():
        chosen = rng.sample(responses, shares[stratum])
        several = share_of(len(chosen), overlap.share, rng)
        for position, response in enumerate(chosen):
            raters = overlap.raters if position < several else 1
            drawn.append(Drawn(response, stratum, len(chosen) / len(responses), raters))
    rng.shuffle(drawn)
    return drawn


def share_of(cases: int, share: float, rng: random.Random) -> int:
    """So many of these cases; up or down at random, which keeps the share in small strata too."""
    value = cases * share
    return math.floor(value) + (rng.random() < value - math.floor(value))


def drawable(store: Store, specs: set[str], strata: Sequence[str]) -> tuple[Frame, int]:
    """The answers of these model specs that a person can be shown, and how many cannot.

    An answer without text (too long for the model, refused by its server, or imported for
    scoring only) is left out of the frame and counted. The answers stand by their numbers, oldest
    first.
    """
    left_out = set(numbered.textless_numbers(store))
    task_of = {one.number: one.task for one in numbered.asked(store)}
    responses: list[int] = []
    strata_of: list[str] = []
    textless = 0
    for spec in store.specs("model"):
        if spec.id not in specs:
            continue
        for task, numbers in _by_task(store, spec, task_of).items():
            cell = {"task": task, "model": spec.name, "strategy": spec.body["strategy"]}
            stratum = " · ".join(cell[name] for name in strata) or "all"
            kept = sorted(number for number in numbers if number not in left_out)
            textless += len(numbers) - len(kept)
            responses += kept
            strata_of += [stratum] * len(kept)
    order = sorted(range(len(responses)), key=responses.__getitem__)
    return Frame(tuple(responses[n] for n in order), tuple(strata_of[n] for n in order)), textless


def _by_task(store: Store, spec: Spec, task_of: Mapping[int, str]) -> dict[str, Sequence[int]]:
    """The numbers of a spec's answers; only imported ones do not say which task they are of."""
    if "task" in spec.body:
        return {spec.body["task"]: numbered.answer_numbers(store, spec.id)}
    tasks: dict[str, list[int]] = {}
    flat = numbered.answers(store, spec.id)
    for item, number in zip(flat[::3], flat[2::3], strict=True):
        tasks.setdefault(task_of[item], []).append(number)
    return dict(tasks)


def named(store: Store, frame: Frame) -> Frame:
    """The same answers by their ids."""
    return replace(frame, responses=tuple(numbered.response_ids(store, frame.responses)))


def draw_audit(
    frame: Frame, block: AuditBlock, seed: int, positive: Mapping[str, float]
) -> list[Drawn]:
    """Draw what the study's [audit] block asks for."""
    if not frame.responses:
        raise BenchwarrantError(
            "there is no answer with text to draw from; run `benchwarrant collect` or import"
            " responses (cases without text: `benchwarrant sample --labelled`)"
        )
    sizes = {h: len(members) for h, members in frame.members().items()}
    weights = stratum_weights(sizes, block.allocation, positive)
    overlap = Overlap(block.overlap, block.raters_per_case)
    return draw(frame, block.size, weights, overlap, random.Random(f"audit {seed}"))


def all_labelled(store: Store, rubric: Rubric) -> list[Drawn]:
    """Every case that somebody has labelled, as an audit set that nobody drew."""
    responses = store.labelled(rubric.id)
    if not responses:
        raise BenchwarrantError(
            "nothing is labelled under this rubric yet; run `benchwarrant import labels FILE`"
        )
    return [Drawn(response, "labelled", 1.0, 1) for response in responses]


def freeze(
    store: Store, rubric: Rubric, drawn: Sequence[Drawn], design: Mapping[str, Any], now: str
) -> AuditSet:
    """Write the sample; from here on it never changes."""
    cases = [
        AuditCase("", case.response, position, case.stratum, case.probability, case.raters)
        for position, case in enumerate(drawn)
    ]
    audit_set = AuditSet(rubric.id, dict(design), cases_hash(cases), now)
    store.add(
        [rubric, audit_set, *(replace(case, audit_set=audit_set.id) for case in cases)],
    )
    return audit_set
