"""One judge's figures with their intervals: by group of cases, and about the ranking of models.

A bootstrap of questions is a matrix product of resampling weights with per-question count tables;
every statistic, slice and ranking figure is read off its result.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from judges import agreement, intervals
from judges.agreement import Array, IntArray
from judges.intervals import Weights
from judges.tables import Audit
from samples.study import PolicyBlock

Figure = dict[str, Any]  # {"value", "low", "high"}; {"value": None, …, "reason": "…"} if undefined
HANDLINGS: dict[str, Callable[[Array], Array]] = {
    "left_out": agreement.failures_left_out,
    "count_as_wrong": agreement.failures_count_as_wrong,
}
NO_DISAGREEMENT = "no disagreement was seen: the interval holds what that cannot rule out"
EXACT = "no resample changes this share: the interval is exact (Clopper–Pearson), by questions"
ONE_QUESTION = "no interval: all answers are to one question"
ONE_MODEL = "no interval: all answers are of one model, which tells nothing about new ones"
TIED = "undefined: people or the judge tie all models, or the judge decided none of one"
RANKING = ("spearman", "kendall", "mean_absolute_error", "worst_absolute_error")


def figure(value: float, low: float, high: float, undefined: float = 0.0) -> Figure:
    """A value with its interval; where too many resamples are undefined there is no interval."""
    if np.isnan(low) or np.isnan(high):
        reason = f"no interval: the figure is undefined in {undefined:.0%} of the resamples"
        return {"value": float(value), "low": None, "high": None, "reason": reason}
    return {"value": float(value), "low": float(low), "high": float(high)}


def undefined_figure(reason: str) -> Figure:
    """A figure that cannot be computed, and why."""
    return {"value": None, "low": None, "high": None, "reason": reason}


@dataclass(frozen=True)
class Resamples:
    """The bootstrap, drawn once for all judges and people: how often each question comes up.

    Where the policy's scope is new models, models are drawn as well (two-way cluster bootstrap,
    Owen 2007), independently of the questions.
    """

    questions: Weights  # (B, questions)
    picked: IntArray | None  # (B, models): places in the list of models, drawn with replacement

    def model_weights(self) -> Weights:
        """How often each model comes up in each resample: (B, models)."""
        picked = np.zeros((0, 0), dtype=np.int64) if self.picked is None else self.picked
        places = np.arange(picked.shape[1])
        return np.asarray((picked[:, :, None] == places).sum(axis=1), dtype=np.float32)


def draw_resamples(audit: Audit, policy: PolicyBlock, rng: np.random.Generator) -> Resamples:
    """Draw the resampling weights of the policy's scope."""
    clusters = int(audit.question.max()) + 1
    questions = intervals.multinomial_weights(rng, policy.resamples, clusters)
    many = len(audit.models)
    drawn = policy.scope == "new models"
    return Resamples(questions, rng.integers(0, many, (policy.resamples, many)) if drawn else None)


@dataclass(frozen=True)
class Slices:
    """A judge's count tables for each group of cases, the point and the resamples."""

    point: Array  # (groups, K, K+1), weighted
    samples: Array  # (groups, B, K, K+1), weighted
    cases: IntArray  # (groups,): plain numbers, for n
    failed: IntArray  # (groups,)
    clusters: dict[str, IntArray]  # by handling of failures: (1, groups) questions that have a
    # verdict that counts, and in a second row models, where models are resampled
    apart: IntArray  # (groups,): questions on which the judge differs from people
    evenness: Array  # (groups,): mean weight of a case over the largest, 1 where all are alike


def count(
    audit: Audit,
    verdicts: IntArray,
    groups: IntArray,
    draws: Resamples,
    models_vary: bool = True,
    by_model: Slices | None = None,
) -> Slices:
    """Count the verdicts against the settled labels by group.

    ``models_vary`` lets models be resampled where the scope asks for it; a slice of one model has
    its model fixed. ``by_model``, where it is at hand, spares a single group its own resampling.
    """
    rows = np.flatnonzero(audit.reference.values >= 0)
    k, many = len(audit.rubric.labels), int(groups.max()) + 1
    group, question, model = groups[rows], audit.question[rows], audit.model[rows]
    cells = agreement.judge_cells(audit.reference.values[rows], verdicts[rows], k)
    two_way = models_vary and draws.picked is not None
    layers = len(audit.models) if two_way else 1
    layer = model if two_way else np.zeros_like(model)
    sums = intervals.cluster_sums(
        question,
        (layer * many + group) * (k * (k + 1)) + cells,
        audit.weight[rows],
        draws.questions.shape[1],
        layers * many * k * (k + 1),
    ).reshape(-1, layers, many, k, k + 1)
    if by_model is not None and many == 1:
        samples = _pooled(by_model, draws)
    elif two_way:
        samples = intervals.pigeonhole(draws.questions, draws.model_weights(), sums)
    else:
        samples = intervals.resampled(draws.questions, sums[:, 0])
    ways = np.stack([question, model] if two_way else [question])
    decided = verdicts[rows] < k
    return Slices(
        point=sums.sum(axis=(0, 1)),
        samples=np.moveaxis(samples, 0, 1),
        cases=np.bincount(group, minlength=many),
        failed=np.bincount(group[cells % (k + 1) == k], minlength=many),
        clusters={
            "left_out": _clusters(group[decided], ways[:, decided], many),
            "count_as_wrong": _clusters(group, ways, many),
        },
        apart=sums[..., ~np.eye(k, k + 1, dtype=bool)].any(axis=(1, 3)).sum(axis=0),
        evenness=_evenness(audit.weight[rows], group, many),
    )


def _evenness(weight: Array, group: IntArray, many: int) -> Array:
    """By how much unequal weights shrink a count of questions that says what was not seen.

    What was not seen may be where each case stands for most others, and few were drawn.
    """
    heaviest = np.zeros(many)
    np.maximum.at(heaviest, group, weight)
    cases = np.maximum(np.bincount(group, minlength=many), 1)
    mean = np.bincount(group, weights=weight, minlength=many) / cases
    alike = np.isclose(mean, heaviest, rtol=1e-9)  # also where there is no case
    return np.where(alike, 1.0, mean / np.where(heaviest > 0, heaviest, 1.0))


def _clusters(group: IntArray, ways: IntArray, many: int) -> IntArray:
    """How many different questions, and models, each group has: (ways, groups)."""
    pairs = [np.unique(np.stack([group, way]), axis=1)[0] for way in ways]
    return np.stack([np.bincount(found, minlength=many) for found in pairs])


def _pooled(by_model: Slices, draws: Resamples) -> Array:
    """All models' resamples added up, (B, 1, K, K+1); models are drawn too if the scope asks."""
    drawn = draws.model_weights() if draws.picked is not None else None
    total = np.zeros(by_model.samples.shape[1:])
    for model, samples in enumerate(by_model.samples):
        total += samples if drawn is None else samples * drawn[:, model, None, None]
    return total[:, None]


def agreement_figures(
    slices: Slices,
    audit: Audit,
    policy: PolicyBlock,
    handling: str,
    statistics: Mapping[str, agreement.Statistic] = agreement.STATISTICS,
) -> list[dict[str, Any]]:
    """Every statistic of every group with its interval, and the group's number of cases."""
    handle, labels = HANDLINGS[handling], audit.rubric.labels
    points, samples = handle(slices.point), handle(slices.samples)
    left = slices.cases - (slices.failed if handling == "left_out" else 0)
    made: list[dict[str, Any]] = [{"n": int(n)} for n in left]
    agreeing = ~np.any(points * (1 - np.eye(len(labels))), axis=(1, 2))  # nothing off the diagonal
    clusters = slices.clusters[handling]
    questions = clusters.min(axis=0) * slices.evenness
    twins = _twins(len(labels))
    for name, statistic in statistics.items():
        if name in twins:
            for group in made:
                group[name] = group[twins[name]]
            continue
        values = statistic(points)
        low, high, undefined = intervals.percentile_interval(statistic(samples), policy.confidence)
        for g, group in enumerate(made):
            if np.isnan(values[g]):
                reason = agreement.undefined_reason(name, points[g], labels)
                group[name] = undefined_figure(reason)
            elif alone := _alone(clusters[:, g]):
                group[name] = figure(values[g], np.nan, np.nan) | {"reason": alone}
            elif agreeing[g]:
                ends = intervals.no_disagreement_interval(
                    statistic, points[g], questions[g], policy.confidence
                )
                group[name] = figure(values[g], *ends) | {"note": NO_DISAGREEMENT}
            elif low[g] == high[g] and (share := _share_of(name, points[g])):
                group[name] = _exact(values[g], share, questions[g], policy.confidence)
            else:
                group[name] = figure(values[g], low[g], high[g], float(undefined[g]))
    return made


def _share_of(name: str, table: Array) -> float:
    """The weight of the cases that a share is taken over; 0 for what is no plain share."""
    over = {
        "accuracy": table,
        "sensitivity": table[-1],
        "specificity": table[:-1],
        "positive_predictive_value": table[:, -1],
        "negative_predictive_value": table[:, :-1],
    }
    return float(over[name].sum()) if name in over else 0.0


def _exact(value: float, cases: float, questions: float, confidence: float) -> Figure:
    """A share that no resample can move, such as 1 of 12 without a miss: Clopper and Pearson.

    Counts questions where cases are more: answers to one question may all go the same way.
    """
    m = np.asarray(min(cases, questions))
    low, high = intervals.clopper_pearson(value * m, m, confidence)
    return figure(value, float(low), float(high)) | {"note": EXACT}


def _alone(clusters: IntArray) -> str:
    """Why these clusters tell nothing about others; empty where they do."""
    reasons = zip((ONE_QUESTION, ONE_MODEL), clusters, strict=False)
    return next((reason for reason, number in reasons if number < 2), "")


def _twins(k: int) -> dict[str, str]:
    """Statistics that are the same number as an earlier one: on two labels many are."""
    groups = agreement.SAME_ON_TWO_LABELS if k == 2 else ()
    return {name: first for first, *rest in groups for name in rest}


def ranking_figures(
    slices: Slices, draws: Resamples, policy: PolicyBlock, handling: str
) -> dict[str, Any]:
    """Does grading with this judge order the models as people's labels do?

    ``slices`` are by model. Shares of the positive label: people's and the judge's, per model.
    """
    handle = HANDLINGS[handling]
    used = np.flatnonzero(slices.cases > 0)
    made: dict[str, Any] = {"models": len(used)}
    if len(used) < 2:
        return made | dict.fromkeys(RANKING, undefined_figure("undefined: fewer than two models"))
    people, judge = _positive_shares(handle(slices.point))
    people_b, judge_b = (side.T for side in _positive_shares(handle(slices.samples)))  # (B, models)
    if draws.picked is not None:
        people_b = np.take_along_axis(people_b, draws.picked, axis=1)
        judge_b = np.take_along_axis(judge_b, draws.picked, axis=1)
    else:
        people_b, judge_b = people_b[:, used], judge_b[:, used]
    for name in RANKING:
        value = float(_ranking(name, people[used], judge[used]))
        if np.isnan(value):
            made[name] = undefined_figure(TIED)
        elif draws.questions.shape[1] < 2:
            made[name] = figure(value, np.nan, np.nan) | {"reason": ONE_QUESTION}
        else:
            samples = _ranking(name, people_b, judge_b)
            found = intervals.percentile_interval(samples, policy.confidence)
            made[name] = figure(value, *(float(end) for end in found))
            if not slices.apart[used].any():
                questions = (slices.clusters[handling][0] * slices.evenness)[used]
                made[name] |= _unseen(name, people[used], questions, policy.confidence)
    return made


def _unseen(name: str, people: Array, questions: Array, confidence: float) -> Figure:
    """The far end of a figure where no question of any model shows a disagreement.

    Each model's share may still be off by the upper Clopper–Pearson limit of its questions. Errors
    are the largest or the mean of these. The correlation is the lowest over two kinds of moves: any
    two models towards each other and past, or all of them towards the middle and past it.
    """
    none = np.zeros(len(questions))
    off = intervals.clopper_pearson(none, questions, confidence)[1]
    if name.endswith("error"):
        high = off.max() if name.startswith("worst") else off.mean()
        return {"high": float(high), "note": NO_DISAGREEMENT}
    above, below = np.nonzero(people[:, None] > people)
    pairs = np.zeros((len(above), len(people)))
    pairs[np.arange(len(above)), above] = -off[above]
    pairs[np.arange(len(below)), below] = off[below]
    middle = np.linspace(0, 1, 21)[:, None] * off * np.sign(np.median(people) - people)
    moved = people + np.concatenate([pairs, middle])
    low = float(np.nanmin(_ranking(name, np.broadcast_to(people, moved.shape), moved)))
    return {"low": low, "high": 1.0, "note": NO_DISAGREEMENT}


def _positive_shares(tables: Array) -> tuple[Array, Array]:
    total = tables.sum(axis=(-2, -1))
    total = np.where(total > 0, total, np.nan)
    return tables[..., -1, :].sum(axis=-1) / total, tables[..., :, -1].sum(axis=-1) / total


def _ranking(name: str, people: Array, judge: Array) -> Array:
    if name == "mean_absolute_error":
        return np.asarray(np.abs(judge - people).mean(axis=-1))
    if name == "worst_absolute_error":
        return np.asarray(np.abs(judge - people).max(axis=-1))
    return intervals.rank_correlation(people, judge, name)


def shares_by_model(slices: Slices, audit: Audit, handling: str) -> dict[str, dict[str, float]]:
    """Each model's share of the positive label by people and by the judge, for the plot."""
    people, judge = _positive_shares(HANDLINGS[handling](slices.point))
    return {
        model: {"people": float(people[m]), "judge": float(judge[m])}
        for m, model in enumerate(audit.models)
        if slices.cases[m] > 0
    }
