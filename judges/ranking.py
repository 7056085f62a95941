"""Does grading with this judge order the models as people's labels do? Figures with intervals."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import Array
from judges.figures import (
    HANDLINGS,
    NO_DISAGREEMENT,
    ONE_QUESTION,
    Figure,
    Resamples,
    Slices,
    figure,
    undefined_figure,
)
from judges.orders import RANKING_STATISTICS, WORSE_WHEN_HIGH, farthest, ranked, top_size
from judges.tables import Audit
from samples.study import PolicyBlock

RANKING = tuple(RANKING_STATISTICS)
TIED = "undefined: people or the judge tie all models, or the judge decided none of one"


def positive_shares(tables: Array) -> tuple[Array, Array]:
    """People's share of the positive label and the judge's, of (..., K, K) tables."""
    total = tables.sum(axis=(-2, -1))
    total = np.where(total > 0, total, np.nan)
    return tables[..., -1, :].sum(axis=-1) / total, tables[..., :, -1].sum(axis=-1) / total


def without_noise(points: Array, samples: Array, spreads: Array) -> Array:
    """Resampled scores of models (B, M) that lie as far apart as the true ones may.

    Measured scores lie farther apart than true ones, since each rests on few answers, and resamples
    of them farther still: taken as they are they rank models too differently. So each score keeps
    the part 1 − (M − 3)/(M − 1) · v/V of its distance from the mean, and its noise the root of that
    (empirical Bayes, Morris 1983). v is its variance over the resamples; V, the variance of the
    points, is drawn as (M − 1) s² / χ² with M − 1 degrees of freedom, ``spreads`` (B,), for s² of
    few models is not sure. Three models and fewer stay as they are.
    """
    m = len(points)
    noise, spread = samples.var(axis=0), points.var(ddof=1) if m > 1 else 0.0
    if m < 4 or not spread > 0 or np.isnan(noise).any():
        return samples
    varies = spreads / ((m - 1) * spread)  # 1 / V
    kept = np.clip(1 - (m - 3) / (m - 1) * noise * varies[:, None], 0.0, 1.0)
    centre = points.mean()
    return np.asarray(centre + kept * (points - centre) + np.sqrt(kept) * (samples - points))


def ranking_samples(
    slices: Slices, draws: Resamples, handling: str
) -> dict[str, tuple[float, Array]]:
    """Each ranking figure's value and its resamples (B,); none of fewer than two models.

    ``slices`` are by model. Shares of the positive label: people's and the judge's, per model.
    """
    handle = HANDLINGS[handling]
    used = np.flatnonzero(slices.cases > 0)
    if len(used) < 2:
        return {}
    people, judge = positive_shares(handle(slices.point))
    people_b, judge_b = (side.T for side in positive_shares(handle(slices.samples)))  # (B, models)
    kinder = without_noise((judge - people)[used], (judge_b - people_b)[:, used], draws.spreads[0])
    people_b[:, used] = without_noise(people[used], people_b[:, used], draws.spreads[1])
    judge_b[:, used] = people_b[:, used] + kinder
    if draws.picked is not None:
        people_b = np.take_along_axis(people_b, draws.picked, axis=1)
        judge_b = np.take_along_axis(judge_b, draws.picked, axis=1)
    else:
        people_b, judge_b = people_b[:, used], judge_b[:, used]
    values, samples = ranked(people[used], judge[used]), ranked(people_b, judge_b)
    return {name: (float(value), samples[name]) for name, value in values.items()}


def ranking_figures(
    slices: Slices,
    draws: Resamples,
    policy: PolicyBlock,
    handling: str,
    computed: Mapping[str, tuple[float, Array]] | None = None,
) -> dict[str, Any]:
    """Every ranking figure with its interval, which always holds the measured value.

    ``computed`` are the ranking's samples where they are at hand.
    """
    used = np.flatnonzero(slices.cases > 0)
    made: dict[str, Any] = {"models": len(used)}
    if len(used) < 2:
        return made | dict.fromkeys(RANKING, undefined_figure("undefined: fewer than two models"))
    for name, (value, samples) in (computed or ranking_samples(slices, draws, handling)).items():
        if np.isnan(value):
            made[name] = undefined_figure(TIED)
        elif draws.questions.shape[1] < 2:
            made[name] = figure(value, np.nan, np.nan) | {"reason": ONE_QUESTION}
        else:
            found = intervals.percentile_interval(samples, policy.confidence)
            low, high, undefined = (float(end) for end in found)
            made[name] = figure(value, min(low, value), max(high, value), undefined)
            if not slices.apart[used].any():
                people, _ = positive_shares(HANDLINGS[handling](slices.point))
                questions = (slices.clusters[handling][0] * slices.evenness)[used]
                made[name] |= _unseen(name, people[used], questions, policy.confidence)
    made["top_models"] |= {"of": top_size(len(used))}
    return made


def _unseen(name: str, people: Array, questions: Array, confidence: float) -> Figure:
    """The ends of a figure where no question of any model shows a disagreement.

    Each model's share may still be off by the upper Clopper–Pearson limit of its questions.
    """
    none = np.zeros(len(questions))
    off = intervals.clopper_pearson(none, questions, confidence)[1]
    far = farthest(name, people, off)
    low, high = (0.0, far) if name in WORSE_WHEN_HIGH else (far, 1.0)
    return {"low": low, "high": high, "note": NO_DISAGREEMENT}


def shares_by_model(slices: Slices, audit: Audit, handling: str) -> dict[str, dict[str, float]]:
    """Each model's share of the positive label by people and by the judge, for the plot."""
    people, judge = positive_shares(HANDLINGS[handling](slices.point))
    return {
        model: {"people": float(people[m]), "judge": float(judge[m])}
        for m, model in enumerate(audit.models)
        if slices.cases[m] > 0
    }
