"""Cohen's κ averaged over models: what one badly judged model among many does to it is seen.

Pooled κ weighs every answer alike, and is high where models differ much and the judge sees that;
the mean over models asks how well the judge tells one model's right answers from its wrong ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import Array
from judges.figures import NO_DISAGREEMENT, Figure, Resamples, figure, undefined_figure
from samples.study import PolicyBlock


def mean_over_models(
    by_model: Mapping[str, Mapping[str, Any]],
    samples: Array,
    policy: PolicyBlock,
    draws: Resamples,
    name: str = "cohen_kappa",
) -> Figure:
    """The plain mean of the models' figures, with its interval and the models that have none.

    ``by_model`` are the figures of each model and ``samples`` (models, B) their resamples. Where
    the scope is new models, the mean is over the models drawn.
    """
    figures = [one[name] for one in by_model.values()]
    defined = np.array([one["value"] is not None for one in figures])
    without = {
        model: one[name]["reason"] for model, one in by_model.items() if one[name]["value"] is None
    }
    told = {"models": int(defined.sum()), "left_out": without}
    if not defined.any():
        return undefined_figure("undefined: it is undefined for every model") | told
    value = float(np.mean([one["value"] for one in figures if one["value"] is not None]))
    low, high, undefined = intervals.percentile_interval(
        _means(samples, defined, draws), policy.confidence
    )
    if low == high and all(one["low"] is not None for one in figures if one["value"] is not None):
        ends = [
            float(np.mean([one[end] for one, d in zip(figures, defined, strict=True) if d]))
            for end in ("low", "high")
        ]
        return figure(value, *ends) | {"note": NO_DISAGREEMENT} | told
    return figure(value, float(low), float(high), float(undefined)) | told


def _means(samples: Array, defined: Array, draws: Resamples) -> Array:
    if draws.picked is None:
        return np.asarray(samples[defined].mean(axis=0))
    drawn = np.take_along_axis(samples.T, draws.picked, axis=1)
    counts = defined[draws.picked]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(counts, drawn, 0.0).sum(axis=1) / counts.sum(axis=1))
