"""Judges against each other on the same cases: is one of two closer to people than the other?

How often each is right, by the exact McNemar test (1947), which takes cases as independent; κ and ρ
by a paired bootstrap, which draws both judges' cases together and question by question. Every pair
of judges is tested, so p values of a figure are corrected by Holm (1979) over all pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import STATISTICS, Array, IntArray
from judges.chance import BoolArray
from judges.clusters import few, linear_part, one_way_stretch, two_way_stretch, variances
from judges.drift import Change
from judges.figures import (
    HANDLINGS,
    ONE_QUESTION,
    Figure,
    Resamples,
    Slices,
    count,
    figure,
    handled,
    undefined_figure,
)
from judges.phrasing import NAMES, Voice, interval
from judges.ranking import ranking_samples
from judges.tables import Audit
from samples.study import PolicyBlock

OF_CASES = ("accuracy", "cohen_kappa", "spearman")
RANKING = "ranking_spearman"
TESTED = (*OF_CASES, RANKING)
SIGNIFICANT = 0.05
NOT_BOTH = "undefined: the figure of one of the two is undefined"


@dataclass(frozen=True)
class Sampled:
    """Each compared figure of one judge: its value, and its resamples (B,)."""

    value: Mapping[str, float]
    samples: Mapping[str, Array]
    clusters: IntArray  # (ways, 1): questions, and models where they are resampled
    linear: Mapping[str, Array]  # then also what each question and model adds to it (Q, M, 1)


def sampled(pooled: Slices, handling: str, ranking: Mapping[str, tuple[float, Array]]) -> Sampled:
    """What of one judge is compared, read off tables that were made for its own figures."""
    point, samples = HANDLINGS[handling](pooled.point[0]), HANDLINGS[handling](pooled.samples[0])
    value = {name: float(STATISTICS[name](point)) for name in OF_CASES}
    drawn = {name: STATISTICS[name](samples) for name in OF_CASES}
    if "spearman" in ranking:
        value[RANKING], drawn[RANKING] = ranking["spearman"]
    clusters = pooled.clusters[handling]
    linear = {
        name: linear_part(handled(STATISTICS[name], handling), pooled.sums)
        for name in (OF_CASES if len(clusters) > 1 else ())
    }
    return Sampled(value, drawn, clusters, linear)


def comparisons(
    audit: Audit, policy: PolicyBlock, draws: Resamples, known: Mapping[str, Sampled]
) -> list[dict[str, Any]]:
    """Every pair of judges, in the audit's order; ``known`` are the judges' figures on all cases.

    Where failures are left out, a pair is compared on the cases that both decided.
    """
    lone = len(np.unique(audit.question[audit.reference.values >= 0])) < 2
    again = _Shared(audit, policy, draws, dict(known))
    made = []
    for one, other in combinations(audit.judges, 2):
        a, b, both = again.on_the_same_cases(one, other)
        differ = audit.judges[one].verdicts != audit.judges[other].verdicts
        apart = None if lone else len(np.unique(audit.question[both & differ]))
        made.append(
            {"judges": [one, other]}
            | _counts(audit, policy, one, other, both)
            | {name: _difference(name, a, b, policy, apart) for name in TESTED}
        )
    for pair in made:
        pair["accuracy"]["p"] = pair.pop("mcnemar_p")
    for name in TESTED:
        adjusted = holm(np.array([pair[name]["p"] for pair in made], dtype=np.float64))
        for pair, p in zip(made, adjusted, strict=True):
            pair[name]["p_holm"] = float(p)
    return made


class _Shared:
    """Judges' figures on the cases that a pair shares, each computed once."""

    def __init__(
        self, audit: Audit, policy: PolicyBlock, draws: Resamples, known: dict[str, Sampled]
    ) -> None:
        self.audit, self.policy, self.draws, self.known = audit, policy, draws, known
        self.made: dict[tuple[str, bytes], Sampled] = {}
        self.k = len(audit.rubric.labels)

    def on_the_same_cases(self, one: str, other: str) -> tuple[Sampled, Sampled, BoolArray]:
        """Both judges' figures, and which cases (True) they are of."""
        decided = [self.audit.judges[name].verdicts < self.k for name in (one, other)]
        settled = self.audit.reference.values >= 0
        if self.policy.failures == "count_as_wrong":
            return self.known[one], self.known[other], settled
        both = decided[0] & decided[1]
        a, b = (
            self.known[name] if not (settled & mine & ~both).any() else self._only(name, both)
            for name, mine in zip((one, other), decided, strict=True)
        )
        return a, b, settled & both

    def _only(self, name: str, cases: BoolArray) -> Sampled:
        key = name, np.packbits(cases).tobytes()
        if key not in self.made:
            audit, handling = self.audit, self.policy.failures
            values = np.where(cases, audit.reference.values, -1)
            part = replace(audit, reference=replace(audit.reference, values=values))
            verdicts = audit.judges[name].verdicts
            by_model = count(part, verdicts, audit.model, self.draws, models_vary=False)
            everything = np.zeros(len(verdicts), dtype=np.int64)
            pooled = count(part, verdicts, everything, self.draws, by_model=by_model)
            ranking = ranking_samples(by_model, self.draws, handling)
            self.made[key] = sampled(pooled, handling, ranking)
        return self.made[key]


def _counts(
    audit: Audit, policy: PolicyBlock, one: str, other: str, both: BoolArray
) -> dict[str, Any]:
    """Plain numbers of cases by who is right, and the exact McNemar test of them."""
    people = audit.reference.values[both]
    a, b = (audit.judges[name].verdicts[both] == people for name in (one, other))
    change = Change(len(people), int((a & ~b).sum()), int((b & ~a).sum()))
    return {
        "n": change.n,
        "both_right": int((a & b).sum()),
        "only_first_right": change.lost,
        "only_second_right": change.won,
        "both_wrong": int((~a & ~b).sum()),
        "mcnemar_p": change.p,
    }


def _difference(
    name: str, a: Sampled, b: Sampled, policy: PolicyBlock, apart: int | None
) -> Figure:
    """The first judge's figure minus the second's, with its interval and two-sided bootstrap p.

    ``apart`` is on how many questions they differ, None where there is only one question.
    """
    values = a.value.get(name, np.nan), b.value.get(name, np.nan)
    if np.isnan(values).any():
        return undefined_figure(NOT_BOTH) | {"p": np.nan}
    value = values[0] - values[1]
    if apart is None:
        return figure(value, np.nan, np.nan) | {"reason": ONE_QUESTION, "p": np.nan}
    samples = a.samples[name] - b.samples[name]
    samples = value + _stretch(name, a, b, policy.confidence) * (samples - value)
    found = intervals.percentile_interval(samples, policy.confidence)
    low, high, undefined = (float(end) for end in found)
    made = figure(value, min(low, value), max(high, value), undefined)
    made |= few(a.clusters[:, 0]) if name != RANKING and low < high else {}
    return made | {"p": np.nan if np.isnan(low) else paired_p(samples, apart)}


def _stretch(name: str, a: Sampled, b: Sampled, confidence: float) -> float:
    """By what the difference's resamples are stretched, as a judge's own interval is."""
    if name == RANKING:
        return 1.0
    if not a.linear:
        return float(one_way_stretch(a.clusters[0], confidence)[0])
    parts = variances(a.linear[name] - b.linear[name])
    return float(two_way_stretch(parts, a.clusters, confidence)[0])


def paired_p(differences: Array, apart: int) -> float:
    """Twice the smaller share of resamples on one side of 0 (Efron and Tibshirani 1993, ch. 15).

    No p is claimed below 2 / (B + 1), nor below what a sign test of the ``apart`` questions on
    which the two judges differ can reach, 2^(1 − d).
    """
    defined = differences[~np.isnan(differences)]
    one_side = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, max(2 * (one_side + 1) / (len(defined) + 1), 2.0 ** (1 - apart)))


def holm(p: Array) -> Array:
    """Adjusted p values that hold the chance of any false finding (Holm 1979); NaN is no test."""
    adjusted = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def closer(pair: Mapping[str, Any], name: str = "cohen_kappa") -> str | None:
    """Which of two judges is shown to be closer to people by this figure; None if neither."""
    p = pair[name]["p_holm"]
    if p is None or not p < SIGNIFICANT:
        return None
    return str(pair["judges"][0 if pair[name]["value"] > 0 else 1])


def comparison_says(pair: Mapping[str, Any], voice: Voice) -> str:
    """What the test of κ comes to, in one sentence, and who was right alone how often."""
    one, other = pair["judges"]
    better = closer(pair)
    kappa = pair["cohen_kappa"]
    shown = f"{NAMES['cohen_kappa']} {interval(kappa, 3, signed=True)}"
    if better is None:
        found = f"{one} and {other} are not shown to differ in how close they are to {voice.who}"
    else:
        found = f"{better} is closer to {voice.who} than {other if better == one else one}"
    p = kappa["p_holm"]
    tail = "" if np.isnan(p) else f", p = {p:.2g} after Holm"
    return (
        f"{found}: difference in {shown}{tail}. Of {pair['n']:,} cases {one} alone is right on"
        f" {pair['only_first_right']:,}, {other} alone on {pair['only_second_right']:,}."
    )


def standing(judge: str, pairs: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Who a judge is closer to people than, whom it is not told apart from, who is closer."""
    found: dict[str, list[str]] = {"above": [], "level": [], "below": []}
    for pair in pairs:
        if judge in pair["judges"]:
            other = next(name for name in pair["judges"] if name != judge)
            better = closer(pair)
            place = "level" if better is None else "above" if better == judge else "below"
            found[place].append(other)
    return found
