"""One judge's figures with their intervals, by group of cases.

A bootstrap of questions is a matrix product of resampling weights with per-question count tables;
every statistic and slice is read off its result, and so is the ranking (judges.ranking).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from judges import agreement, intervals
from judges.agreement import Array, IntArray
from judges.clusters import few, stretched, stretches
from judges.intervals import Weights
from judges.tables import Audit
from samples.study import PolicyBlock

Figure = dict[str, Any]  # {"value", "low", "high"}; {"value": None, …, "reason": "…"} if undefined
HANDLINGS: dict[str, Callable[[Array], Array]] = {
    "left_out": agreement.failures_left_out,
    "count_as_wrong": agreement.failures_count_as_wrong,
}
ERROR_RATES = {"false_accept": "specificity", "false_reject": "sensitivity"}  # 1 − each
NO_DISAGREEMENT = "no disagreement was seen: the interval holds what that cannot rule out"
EXACT = "no resample changes this share: the interval is exact (Clopper–Pearson), by questions"
ONE_QUESTION = "no interval: all answers are to one question"
ONE_MODEL = "no interval: all answers are of one model, which tells nothing about new ones"


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
    spreads: Array  # (2, B): χ² with models − 1 degrees of freedom, for `without_noise`

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
    picked = rng.integers(0, many, (policy.resamples, many)) if drawn else None
    seen = len(np.unique(audit.model[audit.reference.values >= 0]))
    return Resamples(questions, picked, rng.chisquare(max(seen - 1, 1), (2, policy.resamples)))


@dataclass(frozen=True)
class Slices:
    """A judge's count tables for each group of cases, the point and the resamples."""

    point: Array  # (groups, K, K+1), weighted
    samples: Array  # (groups, B, K, K+1), weighted
    plain: IntArray  # (groups, K, K+1), not weighted: for n
    clusters: dict[str, IntArray]  # by handling of failures: (1, groups) questions that have a
    # verdict that counts, and in a second row models, where models are resampled
    heaviest: Array  # (groups,): the largest weight of a case
    sums: Array  # (questions, models or 1, groups, K, K+1), weighted: what was resampled

    @property
    def cases(self) -> IntArray:
        """How many cases each group has: (groups,)."""
        return np.asarray(self.plain.sum(axis=(1, 2)))

    @property
    def failed(self) -> IntArray:
        """How many of them the judge failed on."""
        return np.asarray(self.plain[..., -1].sum(axis=1))

    @property
    def apart(self) -> IntArray:
        """On how many questions the judge differs from people."""
        k = self.plain.shape[1]
        off = self.sums[..., ~np.eye(k, k + 1, dtype=bool)]
        return np.asarray(off.any(axis=(1, 3)).sum(axis=0))

    @property
    def evenness(self) -> Array:
        """By how much unequal weights shrink a count of questions that says what was not seen.

        What was not seen may be where each case stands for most others, and few were drawn: the
        mean weight over the largest, 1 where all are alike.
        """
        mean = self.point.sum(axis=(1, 2)) / np.maximum(self.cases, 1)
        alike = np.isclose(mean, self.heaviest, rtol=1e-9)  # also where there is no case
        return np.where(alike, 1.0, mean / np.where(self.heaviest > 0, self.heaviest, 1.0))


def count(
    audit: Audit,
    verdicts: IntArray,
    groups: IntArray,
    draws: Resamples,
    models_vary: bool = True,
    by_model: Slices | None = None,
) -> Slices:
    """Count the verdicts against the settled labels by group.

    ``groups`` are (cases,), or (kinds, cases) where a case is in a group of several kinds; −1 is in
    none. One matrix product resamples them all.
    ``models_vary`` lets models be resampled where the scope asks for it; a slice of one model has
    its model fixed. ``by_model``, where it is at hand, spares a single group its own resampling.
    """
    k, many = len(audit.rubric.labels), int(groups.max()) + 1
    kind, rows = np.nonzero((np.atleast_2d(groups) >= 0) & (audit.reference.values >= 0))
    group, question = np.atleast_2d(groups)[kind, rows], audit.question[rows]
    model = audit.model[rows]
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
    plain = np.bincount(group * k * (k + 1) + cells, minlength=many * k * (k + 1))
    heaviest = np.zeros(many)
    np.maximum.at(heaviest, group, audit.weight[rows])
    # In memory labels come first: statistics then run along the many resamples, not few labels.
    in_front = np.ascontiguousarray(samples.transpose(2, 3, 1, 0))
    return Slices(
        point=sums.sum(axis=(0, 1)),
        samples=in_front.transpose(2, 3, 0, 1),
        plain=plain.reshape(many, k, k + 1),
        clusters={
            "left_out": _clusters(group[decided], ways[:, decided], many),
            "count_as_wrong": _clusters(group, ways, many),
        },
        heaviest=heaviest,
        sums=sums,
    )


def _clusters(group: IntArray, ways: IntArray, many: int) -> IntArray:
    """How many different questions, and models, each group has: (ways, groups)."""
    size = int(ways.max(initial=0)) + 1
    pairs = [np.unique(group * size + way) // size for way in ways]
    return np.stack([np.bincount(found, minlength=many) for found in pairs])


def _pooled(by_model: Slices, draws: Resamples) -> Array:
    """All models' resamples added up, (B, 1, K, K+1); models are drawn too if the scope asks."""
    drawn = draws.model_weights() if draws.picked is not None else None
    total = np.zeros_like(by_model.samples[0])
    for model, samples in enumerate(by_model.samples):
        total += samples if drawn is None else samples * drawn[:, model, None, None]
    return np.asarray(total[:, None])


def agreement_figures(
    slices: Slices,
    audit: Audit,
    policy: PolicyBlock,
    handling: str,
    statistics: Mapping[str, agreement.Statistic] = agreement.STATISTICS,
    keep: dict[str, Array] | None = None,
) -> list[dict[str, Any]]:
    """Every statistic of every group with its interval, and the group's number of cases.

    ``keep`` takes the resamples (groups, B) of the statistics that it names.
    """
    handle, labels = HANDLINGS[handling], audit.rubric.labels
    points, samples = handle(slices.point), agreement.shares(handle(slices.samples))
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
        resampled = statistic(samples)
        if keep is not None and name in keep:
            keep[name] = resampled
        low, high, undefined = intervals.percentile_interval(resampled, policy.confidence)
        factors = stretches(handled(statistic, handling), slices.sums, clusters, policy.confidence)
        for g, group in enumerate(made):
            if np.isnan(values[g]):
                reason = agreement.undefined_reason(name, points[g], labels)
                group[name] = undefined_figure(reason)
            elif why := alone(clusters[:, g]):
                group[name] = figure(values[g], np.nan, np.nan) | {"reason": why}
            elif agreeing[g]:
                ends = intervals.no_disagreement_interval(
                    statistic, points[g], questions[g], policy.confidence
                )
                group[name] = figure(values[g], *ends) | {"note": NO_DISAGREEMENT}
            elif low[g] == high[g] and (share := _share_of(name, points[g])):
                group[name] = _exact(values[g], share, questions[g], policy.confidence)
            else:
                ends = stretched(name, values[g], (low[g], high[g]), factors[g])
                group[name] = figure(values[g], *ends, float(undefined[g]))
                group[name] |= few(clusters[:, g]) if low[g] < high[g] else {}
    return made


def handled(statistic: agreement.Statistic, handling: str) -> Callable[[Array], Array]:
    """The statistic of tables that still count failures apart."""
    return lambda tables: statistic(HANDLINGS[handling](tables))


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


def one_minus(figure: Figure, n: float) -> Figure:
    """The share of the others: its interval is the share's, turned round."""
    turned = {"value": "value", "low": "high", "high": "low"}
    ends = {to: None if figure[of] is None else 1 - figure[of] for to, of in turned.items()}
    return figure | ends | {"n": int(n)}


def alone(clusters: IntArray) -> str:
    """Why these clusters tell nothing about others; empty where they do."""
    reasons = zip((ONE_QUESTION, ONE_MODEL), clusters, strict=False)
    return next((reason for reason, number in reasons if number < 2), "")


def _twins(k: int) -> dict[str, str]:
    """Statistics that are the same number as an earlier one: on two labels many are."""
    groups = agreement.SAME_ON_TWO_LABELS if k == 2 else ()
    return {name: first for first, *rest in groups for name in rest}
