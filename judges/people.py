"""The human ceiling: how far people agree, and how each of them would fare as a judge.

More than people manage among themselves can hardly be asked of a judge. A person is held against
the others' labels, settled by the study's own rule, with the very functions that score judges.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from judges import intervals, raters
from judges.agreement import STATISTICS, Array, IntArray
from judges.clusters import few, one_way_stretch, stretched, two_way_stretch, variances
from judges.consensus import settled
from judges.dawid_skene import identified
from judges.figures import (
    Figure,
    Resamples,
    agreement_figures,
    alone,
    count,
    figure,
    undefined_figure,
)
from judges.intraclass import intraclass, mean_squares
from judges.standard_errors import influences, standard_error
from judges.tables import Audit
from samples.study import PolicyBlock

ALL_AGREE = "no interval: people agree on every case, so resamples cannot show what is uncertain"
NOBODY_TWICE = "undefined: no case has two people's labels"
NOBODY_ELSE = "undefined: no other rater labelled a case of theirs in a way that settles it"
TOO_FEW_OTHERS = "undefined: fewer than three others share cases, so their errors are not known"
ABOUT_PEOPLE = (
    "accuracy", "cohen_kappa", "mcc", "krippendorff_alpha", "gwet_ac1", "sensitivity",
    "specificity", "leniency",
)  # fmt: skip


PEOPLE = {  # what a judge's statistic is called among raters
    "cohen_kappa": "conger_kappa",
    "krippendorff_alpha": "krippendorff_alpha",
    "gwet_ac1": "gwet_ac",
    "accuracy": "percent_agreement",
}


@dataclass(frozen=True)
class Own:
    """People's own agreement: its resamples, and why it has no interval if it has none."""

    value: float
    samples: Array  # (B,)
    reason: str
    n: int  # cases
    clusters: IntArray
    factor: float  # by which intervals are stretched where questions or models are few


def own_agreement(audit: Audit, name: str, policy: PolicyBlock, draws: Resamples) -> Own:
    """A figure of ``PEOPLE``: κ of the two who share most cases, the others of everybody."""
    ratings = audit.reference.ratings
    if not ((ratings >= 0).sum(axis=1) > 1).any():
        return Own(np.nan, np.empty(0), NOBODY_TWICE, 0, np.zeros(1, dtype=np.int64), 1.0)
    who = list(_closest_pair(ratings)) if name == "cohen_kappa" else list(range(ratings.shape[1]))
    cases = np.flatnonzero((ratings[:, who] >= 0).sum(axis=1) > 1)
    weight = audit.weight[cases] / audit.weight[cases].mean()
    tables = raters.rater_tables(ratings[cases][:, who], len(audit.rubric.labels)).times(weight)
    summed, compute = tables.sum(), raters.RATER_STATISTICS[PEOPLE[name]]
    value, clusters = float(compute(summed)), _clusters(audit, cases, draws)
    cells = _cells(tables, audit.question[cases], audit.model[cases], draws)
    reason = alone(clusters)
    if np.isnan(value):
        reason = raters.rater_undefined_reason(PEOPLE[name], summed, audit.rubric.labels)
    elif not reason and raters.percent_agreement(summed) == 1:
        reason = ALL_AGREE
    factor = 1.0 if reason else _stretch(compute, cells, clusters, draws, policy.confidence)
    samples = compute(_resampled(cells, draws))
    return Own(value, samples, reason, len(cases), clusters, factor)


def ceiling(audit: Audit, policy: PolicyBlock, draws: Resamples) -> dict[str, Any]:
    """How well people agree with each other: what a judge's agreement is to be read against.

    Cohen's κ is of the two people who share most cases; α, AC1 and plain agreement are of all.
    """
    ratings = audit.reference.ratings
    several = np.flatnonzero((ratings >= 0).sum(axis=1) > 1)
    names = ("cohen_kappa", "krippendorff_alpha", "gwet_ac1", "accuracy")
    if not len(several):
        return dict.fromkeys(names, undefined_figure(NOBODY_TWICE) | {"n": 0})
    pair = _closest_pair(ratings)
    both = np.flatnonzero((ratings[:, list(pair)] >= 0).all(axis=1))
    everyone = tuple(range(ratings.shape[1]))
    of_all = ("krippendorff_alpha", "gwet_ac", "percent_agreement")
    found = _people(audit, both, pair, ("conger_kappa",), policy, draws)
    found += _people(audit, several, everyone, of_all, policy, draws)
    made = dict(zip(names, found, strict=True))
    if len(audit.rubric.labels) > 2:  # on two labels it says what κ says
        made["intraclass"] = _intraclass(audit, both, pair, policy, draws)
    return made


def _closest_pair(ratings: IntArray) -> tuple[int, int]:
    """The two raters with the most cases in common."""
    given = (ratings >= 0).astype(np.int64)
    common = np.triu(given.T @ given, k=1)
    first, second = np.unravel_index(int(common.argmax()), common.shape)
    return int(first), int(second)


def _people(
    audit: Audit,
    cases: IntArray,
    who: tuple[int, ...],
    statistics: tuple[str, ...],
    policy: PolicyBlock,
    draws: Resamples,
) -> list[Figure]:
    """Coefficients with bootstrap intervals; the standard error by a formula beside them."""
    ratings = audit.reference.ratings[cases][:, list(who)]
    weight = audit.weight[cases] / audit.weight[cases].mean()
    tables = raters.rater_tables(ratings, len(audit.rubric.labels)).times(weight)
    summed, n = tables.sum(), {"n": len(cases)}
    asked, question = np.unique(audit.question[cases], return_inverse=True)
    by_question = tables.by_cluster(question, len(asked))
    cells = _cells(tables, audit.question[cases], audit.model[cases], draws)
    resampled = _resampled(cells, draws)
    clusters = _clusters(audit, cases, draws)
    made: list[Figure] = []
    for name in statistics:
        compute = raters.RATER_STATISTICS[name]
        value = float(compute(summed))
        if np.isnan(value):
            reason = raters.rater_undefined_reason(name, summed, audit.rubric.labels)
            made.append(undefined_figure(reason) | n)
        elif why := alone(clusters):
            made.append(figure(value, np.nan, np.nan) | {"reason": why} | n)
        elif raters.percent_agreement(summed) == 1:  # so do all resamples: they are no interval
            made.append(figure(value, np.nan, np.nan) | {"reason": ALL_AGREE} | n)
        else:
            ends = intervals.percentile_interval(compute(resampled), policy.confidence)
            factor = _stretch(compute, cells, clusters, draws, policy.confidence)
            error = standard_error(name, by_question)
            told = {} if np.isnan(error) else {"standard_error": error}
            low, high = stretched(name, value, (float(ends[0]), float(ends[1])), factor)
            made.append(figure(value, low, high, float(ends[2])) | few(clusters) | n | told)
    return made


def _intraclass(
    audit: Audit, cases: IntArray, pair: tuple[int, ...], policy: PolicyBlock, draws: Resamples
) -> Figure:
    """ICC(2, 1) of the two raters, labels read as 0, 1, 2 …: being far apart costs more."""
    x = audit.reference.ratings[cases][:, list(pair)].astype(np.float64)
    weight, n = audit.weight[cases] / audit.weight[cases].mean(), {"n": len(cases)}
    value = float(intraclass(mean_squares(x, weight), 2)) if len(cases) > 1 else np.nan
    if np.isnan(value):
        return undefined_figure("undefined: the two who share most cases use one label") | n
    clusters = _clusters(audit, cases, draws)
    if why := ALL_AGREE if (x[:, 0] == x[:, 1]).all() else alone(clusters):
        return figure(value, np.nan, np.nan) | {"reason": why} | n
    samples = []
    for start in range(0, len(draws.questions), intervals.SLAB):
        rows = slice(start, start + intervals.SLAB)
        drawn = draws.questions[rows][:, audit.question[cases]] * weight
        if draws.picked is not None:
            drawn = drawn * draws.model_weights()[rows][:, audit.model[cases]]
        with np.errstate(divide="ignore", invalid="ignore"):  # a resample may hold one case
            samples.append(intraclass(mean_squares(x, drawn), 2))
    ends = intervals.percentile_interval(np.concatenate(samples), policy.confidence)
    [factor] = one_way_stretch(clusters[:1], policy.confidence)
    low, high = stretched("intraclass", value, (float(ends[0]), float(ends[1])), factor)
    return figure(value, low, high, float(ends[2])) | few(clusters) | n


def _clusters(audit: Audit, cases: IntArray, draws: Resamples) -> IntArray:
    """How many questions, and models where they are resampled, these cases are of."""
    ways = (audit.question, audit.model)[: 1 if draws.picked is None else 2]
    return np.array([len(np.unique(way[cases])) for way in ways])


def _cells(
    tables: raters.RaterTables, question: IntArray, model: IntArray, draws: Resamples
) -> raters.RaterTables:
    """The tables by question, and model where models are resampled: (questions · models, …)."""
    if draws.picked is None:
        return tables.by_cluster(question, draws.questions.shape[1])
    many = draws.picked.shape[1]
    return tables.by_cluster(question * many + model, draws.questions.shape[1] * many)


def _resampled(cells: raters.RaterTables, draws: Resamples) -> raters.RaterTables:
    """The tables of every resample: questions drawn, and models where the scope asks for it."""
    if draws.picked is None:
        return cells.map(lambda sums: intervals.resampled(draws.questions, sums))
    of_models, questions = draws.model_weights(), draws.questions.shape[1]
    return cells.map(
        lambda sums: intervals.pigeonhole(
            draws.questions, of_models, sums.reshape(questions, -1, *sums.shape[1:])
        )
    )


def _stretch(
    compute: raters.RaterStatistic,
    cells: raters.RaterTables,
    clusters: IntArray,
    draws: Resamples,
    confidence: float,
) -> float:
    """By what the interval is stretched, as a judge's own is (judges.clusters)."""
    if draws.picked is None:
        return float(one_way_stretch(clusters, confidence)[0])
    moved = influences(compute, cells).reshape(draws.questions.shape[1], -1, 1)
    return float(two_way_stretch(variances(moved), clusters[:, None], confidence)[0])


def one_by_one(audit: Audit, policy: PolicyBlock, draws: Resamples) -> dict[str, Any]:
    """Every person against the others' settled labels, scored as a judge of the same cases is.

    Adjudicators are not among the others: they have seen the labels that they rule on.
    """
    reference = audit.reference
    if len(reference.raters) < 2:
        return {}
    wanted = {name: STATISTICS[name] for name in ABOUT_PEOPLE}
    everything = np.zeros(len(audit.responses), dtype=np.int64)
    made: dict[str, Any] = {}
    for place, name in enumerate(reference.raters):
        theirs, reason = reference.ratings[:, place], NOBODY_ELSE
        others = np.delete(reference.ratings, place, axis=1)
        if reference.rule == "dawid-skene" and not identified(others):
            values, reason = np.full(len(theirs), -1), TOO_FEW_OTHERS
        else:
            values = settled(others, len(audit.rubric.labels), reference.rule)
        values = np.where(theirs >= 0, values, -1)
        if (values < 0).all():
            made[name] = {"n": 0} | dict.fromkeys(wanted, undefined_figure(reason))
            continue
        against = replace(audit, reference=replace(reference, values=values))
        counted = count(against, np.maximum(theirs, 0), everything, draws)
        [made[name]] = agreement_figures(counted, against, policy, "left_out", wanted)
    return made


def raters_by_task(audit: Audit, policy: PolicyBlock, draws: Resamples) -> dict[str, Any]:
    """Spearman's ρ of the two people who share most cases, over all of them and task by task.

    The first is read as the reference and the second as a judge; {} where no case has two labels.
    """
    ratings = audit.reference.ratings
    if not ((ratings >= 0).sum(axis=1) > 1).any():
        return {}
    first, second = (ratings[:, place] for place in _closest_pair(ratings))
    both = (first >= 0) & (second >= 0)
    reference = replace(audit.reference, values=np.where(both, first, -1))
    against = replace(audit, reference=reference)
    wanted = {name: STATISTICS[name] for name in ("mcc", "spearman")}  # one on two labels
    everything = np.zeros(len(both), dtype=np.int64)
    made: dict[str, Any] = {}
    for groups, names in ((everything, ("",)), (audit.task, audit.tasks)):
        counted = count(against, np.maximum(second, 0), groups, draws)
        found = agreement_figures(counted, against, policy, "left_out", wanted)
        made |= {name: one["spearman"] for name, one in zip(names, found, strict=False)}
    all_ = made.pop("")
    return {"n": int(both.sum()), "all": all_, "task": made}
