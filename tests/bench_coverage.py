"""`make bench-coverage`: how often the intervals that the gate reads hold the truth.

Draws studies from a world whose true figures are known, runs the code that the gate runs, and
counts. Models and questions differ in how good and how hard they are, and in how easily a judge is
misled, so that the answers to one question, and of one model, are dependent. 1,000 resamples stand
for the gate's 10,000: the ends move by less than a hundredth of the width.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import scipy
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from small_road import audit_of, policy

from judges.agreement import STATISTICS
from judges.clusters import linear_part, variances
from judges.figures import agreement_figures, count, draw_resamples
from judges.ranking import ranking_figures
from judges.tables import Audit

CASES, RESAMPLES, POOL = 1000, 1000, 400
STUDIES = {3: 2000, 9: 2000, 30: 1200}  # by models
RANKED = {3: 1, 9: 1, 30: 4}  # one study in so many: thirty models take long to rank
NAMES = ("cohen_kappa", "accuracy", "sensitivity", "leniency")
GOAL = (93.0, 97.0)
HANDLING = "count_as_wrong"
# In units of a probit: how models and questions differ in being right, and a judge in being misled.
GOOD, GOOD_MODELS, HARD_QUESTIONS = 0.5, 0.6, 0.8
ACCEPTS, REJECTS, MISLED_MODELS, MISLED_QUESTIONS = -1.3, -1.6, 0.3, 0.5
NOT_RANKED = {"value": None, "low": None, "high": None}
BLANK = audit_of("01", {"j": "01"})


class Setting(NamedTuple):
    scope: str
    models: int
    design: str  # "spread": each model's questions drawn from 400; "crossed": all of the same

    @property
    def title(self) -> str:
        per = CASES // self.models
        questions = f"{per} questions to each" if self.design == "crossed" else f"{POOL} questions"
        return f"{self.scope}, {self.models} models, {questions}"


class World(NamedTuple):
    """The models of one study, in probits (M,): good, and a judge's false accepts and rejects."""

    good: np.ndarray
    accepts: np.ndarray
    rejects: np.ndarray


def main() -> None:
    print("coverage: takes about four minutes, of 300 studies or more to a line", flush=True)
    start = time.perf_counter()
    settings = [
        *(
            Setting(*chosen)
            for chosen in product(("these models", "new models"), (3, 9, 30), ("spread",))
        ),
        *(Setting(scope, 30, "crossed") for scope in ("these models", "new models")),
    ]
    parts = [(setting, part) for setting in settings for part in range(2)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = pool.map(covered, *zip(*parts, strict=True))
        for setting, halves in zip(settings, zip(found, found, strict=False), strict=True):
            ours, naive = (np.concatenate(both) for both in zip(*halves, strict=True))
            for column, name in enumerate((*NAMES, "spearman")):
                of = slice(None, None, RANKED[setting.models] if name == "spearman" else 1)
                _line(setting, name, ours[of, column], naive[of, column])
    print(
        f"{time.perf_counter() - start:.0f} s, {os.cpu_count()} cores, {platform.machine()}, Python"
        f" {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    )


def _line(setting: Setting, name: str, ours: np.ndarray, naive: np.ndarray) -> None:
    what = f"{setting.title}, {'ranking ρ' if name == 'spearman' else name}: % covered"
    given = ours[~np.isnan(ours)]
    other = "answers as independent" if name != "spearman" else "Fisher's z"
    beside = (
        f"{other} {100 * np.nanmean(naive):.1f}" if (~np.isnan(naive)).any() else f"{other} none"
    )
    if len(given) < len(ours) / 2:
        print(f"{what}: no interval is given, and the figure says why, {beside}", flush=True)
        return
    covered = 100 * given.mean()
    verdict = "ok" if GOAL[0] <= covered <= GOAL[1] else "missed"
    verdict += ", wider than need be" if covered > GOAL[1] else ""
    print(f"{what}: {covered:.1f}, {beside}, goal {GOAL[0]:g}–{GOAL[1]:g}, {verdict}", flush=True)


def covered(setting: Setting, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether our intervals and naive ones hold the truth: (studies, figures), NaN without one."""
    rng = np.random.default_rng([part, *map(ord, "".join(map(str, setting)))])
    everybody = truth(world(np.random.default_rng(0), 200_000))
    asked = policy(resamples=RESAMPLES, scope=setting.scope)
    made = []
    for number in range(STUDIES[setting.models] // 2):
        models = world(rng, setting.models)
        audit = study(rng, models, setting.design)
        true = truth(models) if setting.scope == "these models" else everybody
        rank = number % RANKED[setting.models] == 0
        made.append([_held(ends, true) for ends in intervals_of(audit, asked, rng, rank)])
    ours, naive = np.moveaxis(np.array(made), 1, 0)
    return ours, naive


def world(rng: np.random.Generator, models: int) -> World:
    return World(
        *(
            rng.normal(middle, spread, models)
            for middle, spread in (
                (GOOD, GOOD_MODELS),
                (ACCEPTS, MISLED_MODELS),
                (REJECTS, MISLED_MODELS),
            )
        )
    )


def truth(models: World) -> list[float]:
    """The figures over endlessly many questions: a normal mixed with a probit is a probit."""
    right = ndtr(models.good / np.hypot(1, HARD_QUESTIONS))
    accepts, rejects = (
        ndtr(side / np.hypot(1, MISLED_QUESTIONS)) for side in (models.accepts, models.rejects)
    )
    wrong = 1 - right
    cells = [[wrong * (1 - accepts), wrong * accepts], [right * rejects, right * (1 - rejects)]]
    tables = np.array(cells).transpose(2, 0, 1)
    ranks = (rankdata(shares) for shares in (tables[:, 1].sum(axis=1), tables[:, :, 1].sum(axis=1)))
    pooled = tables.mean(axis=0)
    return [*(float(STATISTICS[name](pooled)) for name in NAMES), np.corrcoef(*ranks)[0, 1]]


def study(rng: np.random.Generator, models: World, design: str) -> Audit:
    """An audit set of 1,000 answers, as many of each model, with one judge's verdicts."""
    many = len(models.good)
    per, pool = CASES // many, CASES // many if design == "crossed" else POOL
    question = np.concatenate([rng.permutation(pool)[:per] for _ in range(many)])
    model = np.repeat(np.arange(many), per)
    hard, accepts, rejects = (
        rng.normal(0, spread, pool)
        for spread in (HARD_QUESTIONS, MISLED_QUESTIONS, MISLED_QUESTIONS)
    )
    chance = rng.normal(size=(2, len(model)))
    right = chance[0] < models.good[model] + hard[question]
    misled = (models.accepts[model] + accepts[question], models.rejects[model] + rejects[question])
    judged = np.where(right, chance[1] > misled[1], chance[1] < misled[0])
    return replace(
        BLANK,
        responses=tuple(map(str, range(len(model)))),
        question=np.unique(question, return_inverse=True)[1],
        model=model,
        models=tuple(f"m{number:02}" for number in range(many)),
        task=np.zeros_like(model),
        weight=np.ones(len(model)),
        reference=replace(BLANK.reference, values=right.astype(np.int64)),
        judges={"j": replace(BLANK.judges["j"], verdicts=judged.astype(np.int64))},
    )


def intervals_of(
    audit: Audit, asked, rng: np.random.Generator, rank: bool
) -> Iterator[list[tuple[float, float]]]:
    """Ours, by the gate's code; then the naive ones of the same figures."""
    draws, verdicts = draw_resamples(audit, asked, rng), audit.judges["j"].verdicts
    by_model = count(audit, verdicts, audit.model, draws, models_vary=False)
    pooled = count(audit, verdicts, np.zeros_like(audit.model), draws, by_model=by_model)
    used = {name: STATISTICS[name] for name in NAMES}
    found = agreement_figures(pooled, audit, asked, HANDLING, used)[0]
    ranking = NOT_RANKED
    if rank:
        ranking = ranking_figures(by_model, draws, asked, HANDLING)["spearman"]
    yield [_ends(figure) for figure in (*(found[name] for name in NAMES), ranking)]
    z = ndtri((1 + asked.confidence) / 2)
    naive = []
    for name in NAMES:
        cells = by_model.sums.transpose(0, 2, 1, 3, 4)  # one answer to each question by each model
        spread = variances(linear_part(lambda t, name=name: used[name](t[..., :-1]), cells)).both
        half = z * float(np.sqrt(spread[0]))
        naive.append((found[name]["value"] - half, found[name]["value"] + half))
    yield [*naive, _fisher(ranking["value"], len(audit.models), z)]


def _fisher(rho: float | None, models: int, z: float) -> tuple[float, float]:
    if rho is None or models <= 3:
        return np.nan, np.nan
    middle, half = np.arctanh(min(rho, 1 - 1e-12)), z / np.sqrt(models - 3)
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def _ends(figure: dict) -> tuple[float, float]:
    return (np.nan, np.nan) if figure["low"] is None else (figure["low"], figure["high"])


def _held(ends: list[tuple[float, float]], true: list[float]) -> list[float]:
    dust = 1e-9
    return [
        np.nan if np.isnan(low) else float(low - dust <= value <= high + dust)
        for (low, high), value in zip(ends, true, strict=True)
    ]


if __name__ == "__main__":
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"  # for the two processes that are started: one core each
    sys.exit(main())
