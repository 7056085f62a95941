"""The audit set divided by every trait: a judge's count tables of each slice, resampled once."""

from dataclasses import dataclass, replace

import numpy as np

from judges.agreement import Array, IntArray
from judges.figures import Resamples, Slices, count
from judges.tables import Audit, JudgeRun
from judges.traits import OF_MODELS, Trait

New = tuple[tuple[int, ...], tuple[int, ...]]  # as in Division


@dataclass(frozen=True)
class Division:
    """One way to divide the cases: its slices, and all cases, which they are compared with."""

    kind: str
    names: tuple[str, ...]
    slices: Slices
    whole: Slices  # one group
    new: tuple[int, ...]  # places of the slices that no earlier division has
    compared: tuple[int, ...]  # of these, the ones that are not all but an earlier one


def divisions(
    audit: Audit, run: JudgeRun, draws: Resamples, by_model: Slices, pooled: Slices
) -> dict[str, Division]:
    """The audit set by every trait that divides it; two matrix products serve them all.

    Slices that are made of whole models have their models fixed, as models themselves have.
    """
    new, seen = new_slices(audit)
    many = len(audit.models)
    every = np.ones((1, many), dtype=bool)
    fixed = pooled if draws.picked is None else merged(by_model, every)
    made = {"model": Division("model", audit.models, by_model, fixed, *new["model"])}
    cases = {"task": (audit.tasks, audit.task)} | {
        kind: (trait.names, trait.codes)
        for kind, trait in traits_of(audit).items()
        if kind not in OF_MODELS and not trait.why_not
    }
    ends = np.cumsum([0, *(len(names) for names, _ in cases.values())])
    codes = np.stack([codes for _, codes in cases.values()])
    stacked = np.where(codes >= 0, codes + ends[:-1, None], -1)
    found = count(audit, run.verdicts, stacked, draws, by_model=by_model)
    for place, (kind, (names, _)) in enumerate(cases.items()):
        slices = _part(found, slice(ends[place], ends[place + 1]))
        made[kind] = Division(kind, names, slices, pooled, *new[kind])
    of_models = {kind: trait for kind, trait in traits_of(audit).items() if kind in OF_MODELS}
    if audit.traits:
        of_models["kin"] = audit.traits.kin[run.spec.name]
        new["kin"] = _new(of_models["kin"].codes, audit, seen)
    for kind, trait in of_models.items():
        if not trait.why_not:
            known, members = trait.codes >= 0, np.zeros((len(trait.names), many), dtype=bool)
            members[trait.codes[known], audit.model[known]] = True
            slices = merged(by_model, members)
            made[kind] = Division(kind, trait.names, slices, fixed, *new[kind])
    return made


def traits_of(audit: Audit) -> dict[str, Trait]:
    """By what else than model and task the cases are divided; nothing where no report asked."""
    return audit.traits.slices if audit.traits else {}


def new_slices(audit: Audit) -> tuple[dict[str, New], set[bytes]]:
    """By kind, the slices that no earlier kind has, for the same answers are looked at once.

    The set holds the slices that were seen.
    """
    seen: set[bytes] = set()
    codes = {"model": audit.model, "task": audit.task}
    codes |= {k: trait.codes for k, trait in traits_of(audit).items() if not trait.why_not}
    return {kind: _new(of, audit, seen) for kind, of in codes.items()}, seen


def _new(codes: IntArray, audit: Audit, seen: set[bytes]) -> New:
    """The slices that are not empty, nor all cases, nor an earlier slice; small ones first.

    Second: those of them that are not all the others of an earlier one either.
    """
    settled = codes[audit.reference.values >= 0]
    sizes = np.bincount(settled[settled >= 0], minlength=int(codes.max(initial=-1)) + 1)
    new, compared = [], []
    for place in np.argsort(sizes, kind="stable"):
        mask = settled == place
        if mask.any() and not mask.all() and mask.tobytes() not in seen:
            new.append(int(place))
            if (~mask).tobytes() not in seen:
                compared.append(int(place))
            seen.add(mask.tobytes())
    return tuple(new), tuple(compared)


def merged(by_model: Slices, members: Array) -> Slices:
    """Groups of whole models, by ``members`` (groups, models), from the models' own resamples."""
    of, labels_first = members.astype(np.float64), by_model.samples.transpose(2, 3, 0, 1)
    sums = np.einsum("gm,qlmij->qlgij", of, by_model.sums)
    counted = {"left_out": sums[..., :-1], "count_as_wrong": sums}
    return Slices(
        point=np.tensordot(of, by_model.point, axes=1),
        heaviest=(of * by_model.heaviest).max(axis=1),
        samples=(of @ labels_first).transpose(2, 3, 0, 1),
        plain=np.tensordot(members.astype(np.int64), by_model.plain, axes=1),
        clusters={
            handling: (held.sum(axis=(1, 3, 4)) > 0).sum(axis=0)[None]
            for handling, held in counted.items()
        },
        sums=sums,
    )


def _part(slices: Slices, which: slice) -> Slices:
    """Some of the groups."""
    return replace(
        slices,
        point=slices.point[which],
        samples=slices.samples[which],
        plain=slices.plain[which],
        heaviest=slices.heaviest[which],
        clusters={handling: n[:, which] for handling, n in slices.clusters.items()},
        sums=slices.sums[:, :, which],
    )
