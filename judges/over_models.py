"""Cohen's κ averaged over models: what one badly judged model among many does to it is seen.

Pooled κ weighs every answer alike, and is high where models differ much and the judge sees that;
the mean over models asks how well the judge tells one model's right answers from its wrong ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import STATISTICS, Array, IntArray
from judges.chance import BoolArray
from judges.clusters import (
    Parts,
    few,
    linear_part,
    one_way_stretch,
    stretched,
    two_way_stretch,
)
from judges.figures import (
    HANDLINGS,
    NO_DISAGREEMENT,
    Figure,
    Resamples,
    Slices,
    figure,
    handled,
    undefined_figure,
)
from samples.study import PolicyBlock


def mean_over_models(
    by_model: Mapping[str, Mapping[str, Any]],
    samples: Array,
    slices: Slices,
    policy: PolicyBlock,
    draws: Resamples,
    name: str = "cohen_kappa",
) -> Figure:
    """The plain mean of the models' figures, with its interval and the models that have none.

    ``by_model`` are the figures of each model, ``samples`` (models, B) their resamples and
    ``slices`` their tables. Where the scope is new models, the mean is over the models drawn.
    """
    figures = [one[name] for one in by_model.values()]
    defined = np.array([one["value"] is not None for one in figures])
    without = {
        model: one[name]["reason"] for model, one in by_model.items() if one[name]["value"] is None
    }
    told = {"models": int(defined.sum()), "left_out": without}
    if not defined.any():
        return undefined_figure("undefined: it is undefined for every model") | told
    values = np.array([one["value"] for one in figures if one["value"] is not None])
    value = float(values.mean())
    low, high, undefined = intervals.percentile_interval(
        _means(samples, defined, draws), policy.confidence
    )
    if low == high and all(one["low"] is not None for one in figures if one["value"] is not None):
        ends = [
            float(np.mean([one[end] for one, d in zip(figures, defined, strict=True) if d]))
            for end in ("low", "high")
        ]
        return figure(value, *ends) | {"note": NO_DISAGREEMENT} | told
    factor, clusters = _stretch(name, values, defined, slices, policy, draws)
    low_high = stretched(name, value, (float(low), float(high)), factor)
    return figure(value, *low_high, float(undefined)) | few(clusters) | told


def _stretch(
    name: str,
    values: Array,
    defined: BoolArray,
    slices: Slices,
    policy: PolicyBlock,
    draws: Resamples,
) -> tuple[float, IntArray]:
    """By what the interval is stretched, as a judge's own is, and the clusters it rests on."""
    tables = HANDLINGS[policy.failures](slices.sums)
    clusters = np.array([tables.any(axis=(1, 2, 3, 4)).sum(), defined.sum()])
    if draws.picked is None:
        return float(one_way_stretch(clusters[:1], policy.confidence)[0]), clusters[:1]
    moved = linear_part(handled(STATISTICS[name], policy.failures), slices.sums)
    parts = _parts(values, moved[:, 0, defined])
    return float(two_way_stretch(parts, clusters[:, None], policy.confidence)[0]), clusters


def _parts(values: Array, moved: Array) -> Parts:
    """Of the mean of the models' figures, from what each question adds to each (questions, M)."""
    many, moved = len(values), moved / len(values)
    by_model = (values - values.mean()) / many
    return Parts(*(np.array([(part**2).sum()]) for part in (moved.sum(axis=1), by_model, moved)))


def _means(samples: Array, defined: BoolArray, draws: Resamples) -> Array:
    if draws.picked is None:
        return np.asarray(samples[defined].mean(axis=0))
    drawn = np.take_along_axis(samples.T, draws.picked, axis=1)
    counts = defined[draws.picked]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(counts, drawn, 0.0).sum(axis=1) / counts.sum(axis=1))
