"""`make bench-corrected`: how often the corrected leaderboard's intervals hold the true rates.

Draws benchmarks from a world whose true rates are known: models, tasks and questions differ in how
good and how hard they are, and a judge is misled more by some questions, tasks and models than by
others. Of each, an audit set of some 1,000 answers is drawn and labelled. The code that the
leaderboard runs corrects all rates; each method is also shown where it would not be chosen, beside
labels alone and the judge's raw rates.
"""

import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import scipy
from scipy.special import ndtr, ndtri

from judges.carried import carry_over
from judges.corrected import ENOUGH, PPI, ROGAN_GLADEN, corrected, own_labels
from judges.counted import Calibration, Graded, raw_rates

LABELS, CONFIDENCE = 1000, 0.95
LEAST = 500  # intervals in a line: fewer cells have so many labels only by chance
GOAL = (93.0, 97.0)
# In units of a probit: how models, tasks, questions and their pairs differ in being right, and a
# judge in being misled by questions. The judge accepts and rejects wrongly some 10% and 6%.
GOOD, GOOD_MODELS, EASY_TASKS, HARD_QUESTIONS, PAIRS = 0.2, 0.6, 0.4, 0.8, 0.5
ACCEPTS, REJECTS, MISLED_QUESTIONS = -1.4, -1.7, 0.5
ALIKE, LITTLE, LOT = 0.0, 0.15, 0.5  # how models and tasks differ in misleading the judge


class Setting(NamedTuple):
    models: int
    tasks: int
    questions: int  # of each task
    differ: float
    studies: int
    audited: int  # models with labels
    draws: int = 3
    by_task: bool = False  # as many labels in each task of a model

    @property
    def title(self) -> str:
        how = {ALIKE: "alike", LITTLE: "differ a little", LOT: "differ a lot"}[self.differ]
        per = LABELS // self.audited
        labels = f"{per // self.tasks} labels a cell" if self.by_task else f"{per} labels a model"
        if self.audited < self.models:
            labels += f", {self.models - self.audited} models without"
        return f"{self.models} models × {self.tasks} tasks, errors {how}, {labels}"


class Study(NamedTuple):
    truth: np.ndarray  # (models, tasks)
    graded: Graded
    calibration: Calibration


SETTINGS = (
    *(Setting(12, 4, 200, differ, 160, 12) for differ in (ALIKE, LITTLE, LOT)),
    *(Setting(12, 4, 200, differ, 120, 8) for differ in (LITTLE, LOT)),
    *(Setting(5, 4, 200, differ, 240, 5, by_task=True) for differ in (LITTLE, LOT)),
    *(Setting(30, 6, 100, differ, 100, 30) for differ in (LITTLE, LOT)),
    *(Setting(72, 17, 60, differ, 40, 72) for differ in (LITTLE, LOT)),
)


def main() -> None:
    start = time.perf_counter()
    print("corrected rates: takes about two minutes; each line is of all studies of a setting")
    parts = [(setting, part) for setting in SETTINGS for part in range(2)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = pool.map(simulated, *zip(*parts, strict=True))
        for setting, halves in zip(SETTINGS, zip(found, found, strict=False), strict=True):
            _report(setting, {name: [*halves[0][name], *halves[1][name]] for name in halves[0]})
    print(
        f"{time.perf_counter() - start:.0f} s, {os.cpu_count()} cores, {platform.machine()}, Python"
        f" {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    )


# The world


def study(rng: np.random.Generator, setting: Setting) -> Study:
    """One benchmark and its audit; answers to one question are alike, more so by one model."""
    m, t, q, d = setting.models, setting.tasks, setting.questions, setting.draws
    shape = (m, t, q, d)
    good = GOOD + rng.normal(0, GOOD_MODELS, (m, 1)) + rng.normal(0, EASY_TASKS, (1, t))
    hard = rng.normal(0, HARD_QUESTIONS, (1, t, q)) + rng.normal(0, PAIRS, (m, t, q))
    right = rng.normal(size=shape) < (good[..., None] + hard)[..., None]
    sides = []
    for middle in (ACCEPTS, REJECTS):
        cells = rng.normal(0, setting.differ, (m, 1)) + rng.normal(0, setting.differ, (1, t))
        misled = middle + cells[..., None] + rng.normal(0, MISLED_QUESTIONS, (1, t, q))
        sides.append(rng.normal(size=shape) < misled[..., None])
    judged = np.where(right, ~sides[1], sides[0])
    truth = ndtr(good / np.sqrt(1 + HARD_QUESTIONS**2 + PAIRS**2))
    model, task, question = (x.reshape(-1) for x in np.indices((m, t, q)))
    counts = judged.sum(axis=3).reshape(-1), np.full(m * t * q, d)
    graded = Graded(model, task, task * q + question, *counts)
    return Study(truth, graded, _audit(rng, setting, right, judged))


def _audit(
    rng: np.random.Generator, setting: Setting, right: np.ndarray, judged: np.ndarray
) -> Calibration:
    _, t, q, d = right.shape
    strata = t if setting.by_task else 1
    per, size = LABELS // setting.audited // strata, t * q * d // strata
    drawn = np.concatenate(
        [
            stratum * size + rng.choice(size, per, replace=False)
            for stratum in range(setting.audited * strata)
        ]
    )
    model, task, question, _ = np.unravel_index(drawn, right.shape)
    verdict, label = (x.reshape(-1)[drawn].astype(np.int64) for x in (judged, right))
    probability = np.full(len(drawn), per / size)
    return Calibration(model, task, task * q + question, verdict, label, probability)


# What is counted


def simulated(setting: Setting, part: int) -> dict[str, list]:
    """By figure, (covered, width) or an error, of every rate of every study."""
    rng = np.random.default_rng([part, *map(ord, setting.title)])
    out: dict[str, list] = {}
    for _ in range(setting.studies // 2):
        one = study(rng, setting)
        for name, values in _figures(one, rng).items():
            out.setdefault(name, []).append(values)
    return out


def _figures(one: Study, rng: np.random.Generator) -> dict[str, np.ndarray]:
    board = corrected(one.graded, one.calibration, rng, CONFIDENCE)
    raw = raw_rates(one.graded, CONFIDENCE)
    shape = one.truth.shape
    own = one.calibration.counts(shape)
    z = ndtri((1 + CONFIDENCE) / 2)
    ppi, alone = (own_labels(raw, one.calibration, CONFIDENCE, tuned) for tuned in (None, 0.0))
    carried = carry_over(raw, one.calibration, rng, CONFIDENCE)
    means = one.truth.mean(axis=1)
    chosen = np.array([(a.low, a.high) for a in board.aggregates]).T
    cells = np.array([[(c.low, c.high) for c in row] for row in board.cells])
    found = {"mean, as chosen": _held(*chosen, means)}
    found["mean, raw"] = _normal(
        raw.rate.mean(axis=1), raw.variance.mean(axis=1) / shape[1], z, means
    )
    has = own.sum(axis=1) > 0
    for name, (of_cells, of_means) in (("PPI++", ppi), ("labels alone", alone)):
        found[f"mean, {name}"] = _held(of_means.low, of_means.high, means)[:, has]
        enough = of_cells.labels >= ENOUGH
        found[f"cell, {name}"] = _held(of_cells.low, of_cells.high, one.truth.ravel())[:, enough]
    rg = _held(*carried.means[1:], means)
    found["mean, Rogan–Gladen"] = rg[:, has]
    found["mean, Rogan–Gladen, model without labels"] = rg[:, ~has]
    found["cell, Rogan–Gladen"] = _held(*carried.cells[1:], one.truth)
    found["cell, as chosen"] = _held(cells[..., 0], cells[..., 1], one.truth)
    found["cell, raw"] = _normal(raw.rate, raw.variance, z, one.truth)
    found["methods"] = _methods(board)
    found["errors"] = _errors(board, raw.rate.mean(axis=1), means)
    return found


def _held(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(2, rates): 1 where the interval holds the truth, and its width; NaN without one."""
    held = np.where(np.isnan(low), np.nan, (low <= truth) & (truth <= high))
    return np.stack([held.ravel(), (high - low).ravel()])


def _normal(value: np.ndarray, variance: np.ndarray, z: float, truth: np.ndarray) -> np.ndarray:
    half = z * np.sqrt(variance)
    return _held(value - half, value + half, truth)


def _methods(board) -> np.ndarray:
    """Shares of cells by PPI++ and by Rogan–Gladen, then of means."""
    cells = [c.method for row in board.cells for c in row]
    means = [a.method for a in board.aggregates]
    return np.array(
        [[of.count(name) / len(of)] for of in (cells, means) for name in (PPI, ROGAN_GLADEN)]
    )


def _errors(board, raw: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(4, 1): mean absolute error raw and corrected, and the share of pairs in the wrong order."""
    value = np.array([a.value for a in board.aggregates])
    given = ~np.isnan(value)
    value, raw, truth = value[given], raw[given], truth[given]
    if len(value) < 2:
        return np.full((4, 1), np.nan)
    i, j = np.triu_indices(len(value), 1)
    wrong = [((of[i] - of[j]) * (truth[i] - truth[j]) < 0).mean() for of in (raw, value)]
    return np.array(
        [[np.abs(raw - truth).mean()], [np.abs(value - truth).mean()], *([w] for w in wrong)]
    )


def _report(setting: Setting, found: dict[str, list]) -> None:
    joined = {name: np.concatenate(values, axis=1) for name, values in found.items()}
    for kind in ("mean", "cell"):
        naive = joined[f"{kind}, raw"]
        alone = joined[f"{kind}, labels alone"][1]
        for name in joined:
            if not name.startswith(kind) or name.endswith("raw"):
                continue
            held, width = joined[name]
            if (~np.isnan(held)).sum() < LEAST:
                continue
            given = ~np.isnan(held)
            covered = 100 * held[given].mean()
            verdict = "ok" if GOAL[0] <= covered <= GOAL[1] else "missed"
            verdict += ", wider than need be" if covered > GOAL[1] else ""
            beside = f"raw {100 * naive[0].mean():.1f}"
            wide = f"width {100 * width[given].mean():.1f} points"
            if len(alone) and "alone" not in name:
                wide += f", {np.nanmean(width) / np.nanmean(alone):.2f} of labels alone"
            if not given.all():
                wide += f", none for {100 * (1 - given.mean()):.0f}%"
            print(
                f"{setting.title}; {name}: % covered {covered:.1f}, {beside}, {wide}, goal"
                f" {GOAL[0]:g}–{GOAL[1]:g}, {verdict}",
                flush=True,
            )
    errors = joined["errors"]
    if np.isnan(errors[0]).all():
        print(f"{setting.title}; no mean is corrected: the labels do not support it", flush=True)
        return
    raw, ours, wrong, ours_wrong = errors[:, ~np.isnan(errors[0])].mean(axis=1)
    ppi, rg, mean_ppi, mean_rg = 100 * joined["methods"].mean(axis=1)
    print(
        f"{setting.title}; means off by {100 * raw:.2f} points raw, {100 * ours:.2f} corrected;"
        f" pairs of models in the wrong order {100 * wrong:.1f}% raw, {100 * ours_wrong:.1f}%"
        f" corrected; PPI++ for {mean_ppi:.0f}% of means and {ppi:.0f}% of cells, Rogan–Gladen for"
        f" {mean_rg:.0f}% and {rg:.0f}%",
        flush=True,
    )


if __name__ == "__main__":
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"  # for the two processes that are started: one core each
    sys.exit(main())
