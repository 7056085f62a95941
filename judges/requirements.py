"""What a policy may ask beside agreement: coverage, enough labels, and people as the measure."""

from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import STATISTICS, Array
from judges.clusters import few
from judges.figures import EXACT, HANDLINGS, Figure, Resamples, Slices, figure, undefined_figure
from judges.people import PEOPLE, own_agreement
from judges.tables import Audit
from samples.study import PolicyBlock

COVERAGE = "coverage"
ENOUGH = ("cases", "raters", "doubly_labelled")
NO_CASES = "undefined: no cases"


def coverage(slices: Slices, policy: PolicyBlock) -> list[Figure]:
    """The share of each group's cases that the judge decided, 1 − its failures, and how many.

    Where no resample moves it the interval is Clopper and Pearson's, by questions.
    """
    shares, drawn = _decided(slices.point), _decided(slices.samples)
    low, high, undefined = intervals.percentile_interval(drawn, policy.confidence)
    made: list[Figure] = []
    for g, share in enumerate(shares):
        n = int(slices.cases[g])
        if np.isnan(share):
            made.append(undefined_figure(NO_CASES) | {"n": n})
        elif low[g] < high[g]:
            made.append(figure(share, low[g], high[g], float(undefined[g])) | {"n": n})
        else:
            m = np.asarray(int(slices.clusters["count_as_wrong"][0, g]))
            ends = intervals.clopper_pearson(share * m, m, policy.confidence)
            made.append(figure(share, *map(float, ends)) | {"note": EXACT, "n": n})
    return made


def _decided(tables: Array) -> Array:
    total = tables.sum(axis=(-2, -1))
    return np.asarray(1 - tables[..., -1].sum(axis=-1) / np.where(total > 0, total, np.nan))


def enough(audit: Audit) -> dict[str, Figure]:
    """Plain counts: settled cases, people who labelled, and cases that two of them did."""
    reference = audit.reference
    several = (reference.ratings >= 0).sum(axis=1) > 1
    counts = (int((reference.values >= 0).sum()), len(reference.raters), int(several.sum()))
    return {name: figure(n, n, n) for name, n in zip(ENOUGH, counts, strict=True)}


def against_people(
    pooled: Slices, audit: Audit, policy: PolicyBlock, draws: Resamples
) -> dict[str, Any]:
    """The judge's agreement with people minus people's own, for the rules that ask for it.

    Both sides are resampled together, by question. The judge is held against the settled labels of
    all cases, people against each other where several labelled a case.
    """
    wanted = {rule.statistic for rule in policy.rule if rule.against == "people"}
    handle = HANDLINGS[policy.failures]
    made: dict[str, Any] = {}
    for name in sorted(wanted & PEOPLE.keys()):
        own, statistic = own_agreement(audit, name, policy, draws), STATISTICS[name]
        value = float(statistic(handle(pooled.point[0]))) - own.value
        if np.isnan(value):
            why = own.reason or "undefined: the judge's own figure is"
            made[name] = undefined_figure(why) | {"n": own.n}
        elif own.reason:
            made[name] = figure(value, np.nan, np.nan) | {"reason": own.reason, "n": own.n}
        else:
            apart = statistic(handle(pooled.samples[0])) - own.samples
            low, high, undefined = intervals.percentile_interval(apart, policy.confidence)
            near, far = (value + own.factor * (float(end) - value) for end in (low, high))
            made[name] = figure(value, near, far, float(undefined)) | few(own.clusters)
            made[name] |= {"n": own.n}
    return made
