"""Whom and what the judge favours, slice by slice, corrected for how many were looked at.

In every slice: leniency, and how often the judge accepts wrong answers and rejects right ones,
against how often it does so with all others. All of them are read off the resamples that the other
figures use.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import betainc

from judges import intervals
from judges.agreement import STATISTICS, Array
from judges.clusters import one_way_stretch, stretched
from judges.divisions import Division
from judges.figures import (
    ERROR_RATES,
    EXACT,
    HANDLINGS,
    NO_DISAGREEMENT,
    agreement_figures,
    figure,
    one_minus,
)
from judges.length import length_check
from judges.tables import Audit
from samples.study import PolicyBlock

FALSE_DISCOVERY_RATE = 0.05
RATES = {"false_accept": "false accepts", "false_reject": "false rejects"}
PREFERENCE = ("self-preference", "family preference")  # in the order of traits.KIN
NOTHING = 1e-9  # of weight, which subtraction leaves


class Looked(NamedTuple):
    """Of one judge: rates by kind of slice, checks, and why length was not tested."""

    rates: dict[str, Any]
    checks: list[dict[str, Any]]
    no_length: str


def look(
    judge: str,
    divided: Mapping[str, Division],
    audit: Audit,
    policy: PolicyBlock,
    ready: Mapping[str, Mapping[str, Any]],
) -> Looked:
    """Every check of one judge; ``ready`` are figures made before, by kind and slice."""
    found = {
        kind: rates(division, audit, policy, list(ready.get(kind, {}).values()))
        for kind, division in divided.items()
    }
    made = [
        one
        for kind, division in divided.items()
        for one in checks(judge, division, found[kind], policy)
    ]
    length, why_not = length_check(judge, audit.judges[judge], audit, policy)
    return Looked(found, made + ([length] if length else []), why_not)


def rates(
    division: Division, audit: Audit, policy: PolicyBlock, ready: Sequence[Mapping[str, Any]] = ()
) -> dict[str, dict[str, Any]]:
    """Leniency, false accepts and false rejects of every slice that holds a case.

    A rate's ``n`` is the number of answers that it is a share of. ``ready`` are the slices' figures
    where they were made before.
    """
    slices = division.slices
    used = {name: STATISTICS[name] for name in ("leniency", *ERROR_RATES.values())}
    made = ready or agreement_figures(slices, audit, policy, policy.failures, used)
    of = HANDLINGS[policy.failures](slices.plain.astype(np.float64)).sum(axis=-1)
    return {
        name: {
            "n": group["n"],
            "leniency": group["leniency"],
            "false_accept": one_minus(group["specificity"], of[place, :-1].sum()),
            "false_reject": one_minus(group["sensitivity"], of[place, -1]),
        }
        for place, (name, group) in enumerate(zip(division.names, made, strict=True))
        if slices.cases[place]
    }


@dataclass(frozen=True)
class Sums:
    """Weights of cases that are wrong by people, accepted of these, right, rejected of these."""

    wrong: Array
    accepted: Array
    right: Array
    rejected: Array

    @classmethod
    def of(cls, tables: Array) -> "Sums":
        """From (..., K, K) tables; what subtraction leaves of a 0 is made 0."""
        t = np.where(tables > NOTHING, tables, 0.0)
        wrong, right = t[..., :-1, :], t[..., -1, :]
        return cls(
            wrong.sum(axis=(-2, -1)),
            wrong[..., -1].sum(axis=-1),
            right.sum(axis=-1),
            right[..., :-1].sum(axis=-1),
        )

    def measure(self, name: str) -> Array:
        """Leniency, false_accept or false_reject; NaN where there is no such case."""
        over = {
            "leniency": self.accepted - self.rejected,
            "false_accept": self.accepted,
            "false_reject": self.rejected,
        }[name]
        under = self.under(name)
        return np.asarray(over / np.where(under > 0, under, np.nan))

    def under(self, name: str) -> Array:
        """The weight of the cases that the measure is a share of."""
        both = {"leniency": (self.wrong, self.right), "false_accept": (self.wrong,)}
        return np.asarray(sum(both.get(name, (self.right,))))

    def share(self, name: str) -> Array:
        """Their share of all cases."""
        return self.under(name) / np.maximum(self.under("leniency"), NOTHING)


def checks(
    judge: str, division: Division, found: Mapping[str, Mapping[str, Any]], policy: PolicyBlock
) -> list[dict[str, Any]]:
    """What is asked of each new slice, and of a judge's kin: an effect, and a p value of none."""
    made = []
    if division.kind == "kin":
        kin = [place for place, name in enumerate(division.names) if name in found]
        compared = _compared("leniency", division, kin, found, policy)
        made += [
            {"check": PREFERENCE[place]} | one for place, one in zip(kin, compared, strict=True)
        ]
    else:
        made += [
            {"check": f"leniency by {division.kind}"} | _leniency(division, place, found, policy)
            for place in division.new
        ]
    for rate, words in RATES.items():
        made += [
            {"check": f"{words} by {division.kind}"} | one
            for one in _compared(rate, division, division.compared, found, policy)
        ]
    about = {"kind": division.kind, "judge": judge}
    return [about | one for one in made if one["effect"]["low"] is not None]


def _leniency(
    division: Division, place: int, found: Mapping[str, Mapping[str, Any]], policy: PolicyBlock
) -> dict[str, Any]:
    """The judge's share of the positive label minus people's."""
    name = division.names[place]
    samples = Sums.of(HANDLINGS[policy.failures](division.slices.samples[place]))
    effect = found[name]["leniency"]
    p = _p_value(samples.measure("leniency"), _sign_test(division, place))
    return {"slice": name, "n": found[name]["n"], "effect": effect, "p": p} | _consequence(effect)


def _compared(
    name: str,
    division: Division,
    places: Sequence[int],
    found: Mapping[str, Mapping[str, Any]],
    policy: PolicyBlock,
) -> Iterator[dict[str, Any]]:
    """A measure in some slices minus the same of all other cases, both from the same resamples."""
    which, handle = list(places), HANDLINGS[policy.failures]
    inside, inside_b = (
        handle(division.slices.point[which]),
        handle(division.slices.samples[which]),
    )
    own, own_b = Sums.of(inside), Sums.of(inside_b)
    rest = Sums.of(handle(division.whole.point) - inside).measure(name)
    rest_b = Sums.of(handle(division.whole.samples) - inside_b).measure(name)
    values, drawn = own.measure(name) - rest, own_b.measure(name) - rest_b
    low, high, undefined = intervals.percentile_interval(drawn, policy.confidence)
    wider = one_way_stretch(division.slices.clusters[policy.failures][0, which], policy.confidence)
    for i, place in enumerate(which):
        here = found[division.names[place]]
        ends = stretched("difference", values[i], (low[i], high[i]), wider[i])
        if here[name].get("note") in (EXACT, NO_DISAGREEMENT):
            ends = _newcombe(here[name], rest_b[i], rest[i], policy.confidence)
        effect = figure(values[i], *ends, float(undefined[i]))
        least = _sign_test(division, place)
        if name in RATES:
            least = _binomial(name, division, place, (own.measure(name)[i], rest[i]), policy)
        yield {
            "slice": division.names[place],
            "n": here[name].get("n", here["n"]),
            "effect": effect,
            "here": here[name]["value"],
            "elsewhere": float(rest[i]),
            "p": _p_value(drawn[i], least),
        } | _consequence(effect, name, own.share(name)[i])


def _consequence(
    effect: Mapping[str, Any], name: str = "leniency", share: float = 1.0
) -> dict[str, Any]:
    """By how much it moves the slice's share of the positive label, at least; and which way.

    The end of the interval nearest to 0, times the share of the slice's cases that it is about.
    """
    if effect["low"] is None:
        return {}
    nearest = max(effect["low"], -effect["high"], 0.0)
    kinder = (effect["value"] > 0) != (name == "false_reject")
    return {"consequence": float(nearest * share), "kinder": bool(kinder)}


def _newcombe(
    own: Mapping[str, Any], rest_b: Array, rest: float, confidence: float
) -> tuple[float, float]:
    """A difference from the intervals of both sides (Newcombe 1998, method 10's combination).

    For a share that resamples cannot move: its own interval is an exact one.
    """
    low, high, _ = intervals.percentile_interval(rest_b, confidence)
    value = own["value"] - rest
    down = np.hypot(own["value"] - own["low"], high - rest)
    up = np.hypot(own["high"] - own["value"], rest - low)
    return float(value - down), float(value + up)


def _p_value(samples: Array, least: float) -> float:
    """Two-sided bootstrap p: twice the smaller share of resamples on one side of 0.

    No smaller than ``least``, what an exact test of the questions at hand can get.
    """
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return 1.0
    one_side = min(float(np.mean(defined <= 0)), float(np.mean(defined >= 0)))
    return min(1.0, max(2 * one_side, 1 / len(defined), least))


def _sign_test(division: Division, place: int) -> float:
    """The least p of a sign test of the d questions that tell judge and people apart: 2^(1 − d)."""
    return 2.0 ** (1 - int(division.slices.apart[place]))


def _binomial(
    name: str, division: Division, place: int, shares: tuple[float, float], policy: PolicyBlock
) -> float:
    """The larger p of two binomial tests by questions: either side against the other's share."""
    handle, which = HANDLINGS[policy.failures], slice(place, place + 1)
    own = handle(division.slices.sums[:, :, which])
    sides = own, handle(division.whole.sums) - own
    questions = [int(Sums.of(s).under(name).any(axis=1).sum()) for s in sides]
    return max(
        _two_sided(share * m, m, other)
        for m, share, other in zip(questions, shares, shares[::-1], strict=True)
    )


def _two_sided(k: float, m: int, share: float) -> float:
    """Twice the smaller tail of k or more, or k or fewer, of m; k need not be whole."""
    more = float(betainc(k, m - k + 1, share)) if k > 0 else 1.0
    fewer = 1 - float(betainc(k + 1, m - k, share)) if k < m else 1.0
    return 2 * min(more, fewer)


def discoveries(made: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The checks that stand after correction for all of them, the gravest consequence first."""
    q_values = benjamini_hochberg(np.array([check["p"] for check in made]))
    corrected = [{**check, "q": float(q)} for check, q in zip(made, q_values, strict=True)]
    found = [check for check in corrected if check["q"] < FALSE_DISCOVERY_RATE]
    return sorted(found, key=lambda check: (-check["consequence"], -abs(check["effect"]["value"])))


def benjamini_hochberg(p: Array) -> Array:
    """Adjusted p values that hold the false discovery rate (Benjamini and Hochberg 1995)."""
    order = np.argsort(p)[::-1]
    places = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(np.minimum(p[order] * len(p) / places, 1.0))
    return adjusted
