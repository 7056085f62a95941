"""Whom the judge favours: leniency by model and by task, corrected for how many were looked at."""

from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import STATISTICS, Array
from judges.figures import HANDLINGS, Slices, figure
from samples.study import PolicyBlock

FALSE_DISCOVERY_RATE = 0.05


def leniency(
    judge: str, kind: str, names: tuple[str, ...], slices: Slices, policy: PolicyBlock
) -> list[dict[str, Any]]:
    """The judge's share of the positive label minus people's in each slice, with a p value.

    Two-sided bootstrap p: twice the smaller share of resamples on one side of zero. Where few
    questions tell the two apart it is no smaller than a sign test of them can get, 2^(1 − d).
    """
    handle = HANDLINGS[policy.failures]
    points, samples = (STATISTICS["leniency"](handle(t)) for t in (slices.point, slices.samples))
    low, high, undefined = intervals.percentile_interval(samples, policy.confidence)
    return [
        {
            "check": f"leniency by {kind}",
            "judge": judge,
            "slice": name,
            "n": int(slices.cases[s]),
            "effect": figure(points[s], low[s], high[s], float(undefined[s])),
            "p": _p_value(samples[s], int(slices.apart[s])),
        }
        for s, name in enumerate(names)
        if not np.isnan(points[s])
    ]


def _p_value(samples: Array, apart: int) -> float:
    defined = samples[~np.isnan(samples)]
    one_side = min(float(np.mean(defined <= 0)), float(np.mean(defined >= 0)))
    return min(1.0, max(2 * one_side, 1 / len(defined), 2.0 ** (1 - apart)))


def discoveries(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The checks that stand after correction, the largest effect first."""
    q_values = benjamini_hochberg(np.array([check["p"] for check in checks]))
    made = [check | {"q": float(q)} for check, q in zip(checks, q_values, strict=True)]
    found = [check for check in made if check["q"] < FALSE_DISCOVERY_RATE]
    return sorted(found, key=lambda check: -abs(check["effect"]["value"]))


def benjamini_hochberg(p: Array) -> Array:
    """Adjusted p values that hold the false discovery rate (Benjamini and Hochberg 1995)."""
    order = np.argsort(p)[::-1]
    places = np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(np.minimum(p[order] * len(p) / places, 1.0))
    return adjusted
