"""What is measured of a ranking of models by their shares of the positive label."""

import numpy as np

from judges import intervals
from judges.agreement import Array, IntArray

RANKING = ("spearman", "kendall", "mean_absolute_error", "worst_absolute_error")


def positive_shares(tables: Array) -> tuple[Array, Array]:
    """People's share of the positive label and the judge's, of (..., K, K) tables."""
    total = tables.sum(axis=(-2, -1))
    total = np.where(total > 0, total, np.nan)
    return tables[..., -1, :].sum(axis=-1) / total, tables[..., :, -1].sum(axis=-1) / total


def measure(name: str, people: Array, judge: Array) -> Array:
    """One of RANKING, of the models' shares (..., M) by people and by the judge."""
    if name == "mean_absolute_error":
        return np.asarray(np.abs(judge - people).mean(axis=-1))
    if name == "worst_absolute_error":
        return np.asarray(np.abs(judge - people).max(axis=-1))
    return intervals.rank_correlation(people, judge, name)


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


def unseen(name: str, people: Array, questions: IntArray, confidence: float) -> dict[str, float]:
    """The far end of a figure where no question of any model shows a disagreement.

    Each model's share may still be off by the upper Clopper–Pearson limit of its questions. Errors
    are the largest or the mean of these. The correlation is the lowest over two kinds of moves: any
    two models towards each other and past, or all of them towards the middle and past it.
    """
    none = np.zeros(len(questions))
    off = intervals.clopper_pearson(none, questions.astype(np.float64), confidence)[1]
    if name.endswith("error"):
        return {"high": float(off.max() if name.startswith("worst") else off.mean())}
    above, below = np.nonzero(people[:, None] > people)
    pairs = np.zeros((len(above), len(people)))
    pairs[np.arange(len(above)), above] = -off[above]
    pairs[np.arange(len(below)), below] = off[below]
    middle = np.linspace(0, 1, 21)[:, None] * off * np.sign(np.median(people) - people)
    moved = people + np.concatenate([pairs, middle])
    low = float(np.nanmin(measure(name, np.broadcast_to(people, moved.shape), moved)))
    return {"low": low, "high": 1.0}
