"""How often a judge misjudges, carried over from the audit to models and tasks with few labels.

Sensitivity and specificity are logistic, with random effects of model and task: those of the whole
audit, moved by what is seen of each model and task as far as the labels bear out that they differ.
What is not known of a model or task, since it has few labels or none, widens what is drawn for it,
so that a figure that rests on others' labels says so.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc, expit

from judges.chance import Array, IntArray

SPREADS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7])  # standard deviations in logits
USUAL = 0.6  # logits: spreads far above it are held to be unlikely beforehand
MUCH = 0.5  # logits: a judge does not err alike by groups that differ more
ROUNDS, SAME = 40, 1e-8  # of Newton's steps, in logits
STEEP = 4.0  # logits: the longest step


class Alike(NamedTuple):
    """Whether groups of one kind may well be alike: the p value of Cochran's Q, and how many."""

    p: float  # NaN where fewer than two groups are labelled
    groups: int


class Rows(NamedTuple):
    """Answers that people labelled alike, one row each."""

    agreed: IntArray  # 1 where the judge says so too
    model: IntArray
    task: IntArray
    question: IntArray
    weight: Array  # one over the chance of being drawn


@dataclass(frozen=True)
class Side:
    """Sensitivity (or specificity) drawn from what the labels leave open, by cell."""

    draws: Array  # (B, models, tasks)
    overall: Array  # (B,): of a model and a task in the middle
    n: int  # answers labelled right (wrong)
    models: Alike
    tasks: Alike
    spreads: tuple[float, float]  # of models and of tasks in logits, the middle of what may be
    much: tuple[float, float]  # how probable it is that models, and tasks, differ by more than MUCH

    @cached_property
    def value(self) -> Array:
        """(models, tasks)."""
        return np.asarray(self.draws.mean(axis=0))


def side(rows: Rows, shape: tuple[int, int], draws: int, rng: np.random.Generator) -> Side:
    """Fit one side and draw from it.

    Weights only tell apart the answers of one model: among models every label counts alike. The
    likelihood counts as many labels as a sample without questions and weights would need (Kish
    1965).
    """
    weight = rows.weight / _mean_by(rows.model, rows.weight, shape[0])[rows.model]
    z = rows.agreed.astype(np.float64)
    mean = (weight @ z + 1) / (weight.sum() + 2)
    weight = weight / max(1.0, _design_effect(weight, z - mean, rows.question, mean * (1 - mean)))
    cell, many = rows.model * shape[1] + rows.task, shape[0] * shape[1]
    n, k = (_sums(cell, w, many).reshape(shape) for w in (weight, weight * z))
    alike = [_alike(n.sum(axis=1 - axis), k.sum(axis=1 - axis), mean) for axis in (0, 1)]
    grid = _grid([one.groups > 1 for one in alike])
    modes, curvatures, chances = _fitted(n, k, grid)
    made, which = _drawn(modes, curvatures, chances, draws, rng)
    effects = made * _scale(grid[which], shape)
    spreads = grid[which]
    middle, much = np.median(spreads, axis=0), (spreads > MUCH).mean(axis=0)
    return Side(
        expit(_logits(effects, shape[0])), expit(effects[:, 0]), len(z), alike[0], alike[1],
        (float(middle[0]), float(middle[1])), (float(much[0]), float(much[1])),
    )  # fmt: skip


def _sums(group: IntArray, values: Array, many: int) -> Array:
    return np.bincount(group, values, many).astype(np.float64)


def _mean_by(group: IntArray, values: Array, many: int) -> Array:
    return np.bincount(group, values, many) / np.maximum(np.bincount(group, minlength=many), 1)


def _design_effect(w: Array, away: Array, question: IntArray, noise: float) -> float:
    """By how much questions and weights raise the variance of the weighted mean (Kish 1965)."""
    if not len(w):
        return 1.0
    return float((np.bincount(question, w * away) ** 2).sum() / (w.sum() * noise))


def _alike(n: Array, k: Array, mean: float) -> Alike:
    """Cochran's (1954) Q: the groups' shares k / n against one share for all, a χ² if so."""
    n, k = n[n > 0], k[n > 0]
    if len(n) < 2:
        return Alike(np.nan, len(n))
    q = float((n * (k / n - k.sum() / n.sum()) ** 2).sum() / (mean * (1 - mean)))
    return Alike(float(chdtrc(len(n) - 1, q)), len(n))


def _grid(vary: list[bool]) -> Array:
    """All pairs of spreads, (pairs, 2); 0 only where there are no groups to tell."""
    kinds = [SPREADS if one else SPREADS[:1] for one in vary]
    return np.stack(np.meshgrid(*kinds, indexing="ij"), axis=-1).reshape(-1, 2)


def _fitted(n: Array, k: Array, grid: Array) -> tuple[Array, Array, Array]:
    """Of each pair of spreads: the most probable effects, their curvature, the pair's probability.

    Effects are in units of their spread, (pairs, 1 + models + tasks). Probabilities are Laplace's
    approximation (Rue, Martino and Chopin 2009). One answer more agrees and one more does not, as
    Lang and Reiczigel (2014) add.
    """
    m, t = n.shape
    scale = _scale(grid, (m, t))
    prior = np.concatenate([[0.0], np.ones(m + t)])
    at = np.zeros_like(scale)
    at[:, 0] = np.log((k.sum() + 1) / (n.sum() - k.sum() + 1))
    for _ in range(ROUNDS):
        slope, bend = _slopes(n, k, at * scale)
        curvature = bend * scale[:, :, None] * scale[:, None, :] + np.diag(prior)
        step = np.linalg.solve(curvature, (slope * scale - prior * at)[..., None])[..., 0]
        step *= np.minimum(1.0, STEEP / np.maximum(np.abs(step).max(axis=1), SAME))[:, None]
        at = at + step
        if np.abs(step).max() < SAME:
            break
    height = _log_likelihood(n, k, at * scale) - (prior * at**2).sum(axis=1) / 2
    height -= np.linalg.slogdet(curvature)[1] / 2 - np.log(_beforehand(grid))
    chances = np.exp(height - height.max())
    return at, curvature, chances / chances.sum()


def _scale(spreads: Array, shape: tuple[int, int]) -> Array:
    """What one unit of each effect is in logits: (pairs, 1 + models + tasks)."""
    return np.concatenate([np.ones((len(spreads), 1)), np.repeat(spreads, shape, axis=1)], axis=1)


def _beforehand(grid: Array) -> Array:
    """How likely each pair of spreads is without labels: half-normal (Gelman 2006), (pairs,)."""
    each = np.gradient(SPREADS) * np.exp(-((SPREADS / USUAL) ** 2) / 2)
    each[[0, -1]] /= 2
    return np.asarray(each[np.searchsorted(SPREADS, grid)].prod(axis=1))


def _slopes(n: Array, k: Array, effects: Array) -> tuple[Array, Array]:
    """First derivatives of the log-likelihood (pairs, P), and minus the second (pairs, P, P)."""
    m, t = n.shape
    p = expit(_logits(effects, m))
    whole = expit(effects[:, 0])
    away, bend = k - n * p, n * p * (1 - p)
    first = away.sum(axis=(1, 2)) + 1 - 2 * whole
    slope = np.concatenate([first[:, None], away.sum(axis=2), away.sum(axis=1)], axis=1)
    out = np.zeros((len(p), 1 + m + t, 1 + m + t))
    i, j = np.arange(1, 1 + m), np.arange(1 + m, 1 + m + t)
    out[:, 0, 0] = bend.sum(axis=(1, 2)) + 2 * whole * (1 - whole)
    out[:, 0, i] = out[:, i, 0] = out[:, i, i] = bend.sum(axis=2)
    out[:, 0, j] = out[:, j, 0] = out[:, j, j] = bend.sum(axis=1)
    out[:, 1 : 1 + m, 1 + m :] = bend
    out[:, 1 + m :, 1 : 1 + m] = bend.transpose(0, 2, 1)
    return slope, out


def _logits(effects: Array, m: int) -> Array:
    return np.asarray(
        effects[:, :1, None] + effects[:, 1 : 1 + m, None] + effects[:, None, 1 + m :]
    )


def _log_likelihood(n: Array, k: Array, effects: Array) -> Array:
    x, whole = _logits(effects, len(n)), effects[:, 0]
    cells = (k * x - n * np.logaddexp(0, x)).sum(axis=(1, 2))
    return np.asarray(cells + whole - 2 * np.logaddexp(0, whole))


def _drawn(
    modes: Array, curvatures: Array, chances: Array, draws: int, rng: np.random.Generator
) -> tuple[Array, IntArray]:
    """Effects in units of their spread (B, P), and the pair of spreads of each draw (B,)."""
    which = rng.choice(len(chances), draws, p=chances)
    out = rng.normal(size=(draws, modes.shape[1]))
    for pair in np.unique(which):
        rows = which == pair
        factor = np.linalg.cholesky(curvatures[pair])
        out[rows] = modes[pair] + np.linalg.solve(factor.T, out[rows].T).T
    return out, which


def rogan_gladen(rate: Array, sensitivity: Array, specificity: Array) -> Array:
    """(rate + specificity − 1) / (sensitivity + specificity − 1): Rogan and Gladen (1978).

    NaN where the judge is no better than chance.
    """
    youden = sensitivity + specificity - 1
    return np.asarray((rate + specificity - 1) / np.where(youden > 0, youden, np.nan))
