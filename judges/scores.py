"""How well a judge's scores rank answers, and whether they mean what they say.

A score in [0, 1] is the judge's probability of the positive label. Three figures, for judges that
give scores: the area under the ROC curve (AUROC: Bamber 1975), the calibration error in ten bins
(debiased as in Kumar, Liang and Ma 2019, arXiv 1909.10155) and the Brier score (Brier 1950).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from judges import intervals
from judges.agreement import Array, IntArray
from judges.chance import DUST, ratio
from judges.clusters import few, one_way_stretch, stretched
from judges.figures import (
    NO_DISAGREEMENT,
    Figure,
    Resamples,
    alone,
    figure,
    undefined_figure,
)
from judges.intervals import Weights
from judges.tables import Audit, JudgeRun
from samples.records import content_hash
from samples.study import PolicyBlock

GRADED = ("auroc", "calibration_error", "brier")
NO_SCORES = "undefined: the judge gives no scores"
BINS, QUESTIONS = 10, 10  # bins at most, and questions that each shall hold
CELLS = 2_000_000  # weights of cases held in memory at a time


@dataclass(frozen=True)
class Scored:
    """The cases with a settled label and a score."""

    positive: Array  # 1 where people give the positive label, else 0
    score: Array
    weight: Array
    question: IntArray
    model: IntArray


def asks_for_scores(policy: PolicyBlock) -> bool:
    """Whether a decision rests on scores; where not, it does not depend on them."""
    return any(rule.level == "case" and rule.statistic in GRADED for rule in policy.rule)


def digest(run: JudgeRun) -> str:
    """Names a judge's scores, case by case."""
    scores = [] if run.scores is None else run.scores.tolist()
    return content_hash([None if score != score else score for score in scores])


def score_figures(
    run: JudgeRun, audit: Audit, policy: PolicyBlock, draws: Resamples
) -> dict[str, dict[str, Any]]:
    """The three figures by handling of failures, {} for a judge without scores.

    A failure that counts as wrong has the worst score: 0 where people say positive, else 1.
    """
    if run.scores is None:
        return {}
    made = {}
    for handling in ("left_out", "count_as_wrong"):
        cases = _scored(run, audit, handling)
        made[f"failures_{handling}"] = {"n": len(cases.score)} | _figures(cases, policy, draws)
    return made


def _scored(run: JudgeRun, audit: Audit, handling: str) -> Scored:
    k, people = len(audit.rubric.labels), audit.reference.values
    assert run.scores is not None
    score = np.where(run.verdicts < k, run.scores, np.nan)
    positive = (people == k - 1).astype(np.float64)
    if handling == "count_as_wrong":
        score = np.where(np.isnan(score), 1 - positive, score)
    rows = np.flatnonzero((people >= 0) & ~np.isnan(score))
    return Scored(
        positive[rows], score[rows], audit.weight[rows], audit.question[rows], audit.model[rows]
    )


def _figures(cases: Scored, policy: PolicyBlock, draws: Resamples) -> dict[str, Figure]:
    if not len(cases.score):
        return dict.fromkeys(GRADED, undefined_figure("undefined: the judge scored no case"))
    once = np.ones((1, draws.questions.shape[1]), dtype=np.float32)
    models = None if draws.picked is None else draws.model_weights()
    one = None if models is None else np.ones((1, models.shape[1]), dtype=np.float32)
    ways = (cases.question, cases.model)[: 1 if models is None else 2]
    clusters = np.array([len(np.unique(way)) for way in ways])
    [wider] = one_way_stretch(clusters[:1], policy.confidence)
    made = {}
    for name, statistic in (("auroc", auroc), ("calibration_error", calibration), ("brier", brier)):
        value = float(statistic(cases, once, one)[0])
        if np.isnan(value):
            made[name] = undefined_figure(_why_undefined(name, cases))
        elif why := alone(clusters):
            made[name] = figure(value, np.nan, np.nan) | {"reason": why}
        else:
            samples = statistic(cases, draws.questions, models)
            low, high, undefined = intervals.percentile_interval(samples, policy.confidence)
            ends = stretched(name, value, (float(low), float(high)), wider)
            made[name] = figure(value, *ends, float(undefined)) | few(clusters)
            if low == high:
                made[name] |= _unseen(name, value, cases, policy.confidence)
    return made


def _why_undefined(name: str, cases: Scored) -> str:
    if name == "auroc":
        always = "always" if cases.positive.all() else "never"
        return f"undefined: people {always} give the positive label"
    return "undefined: the scores of some bin are all of one question"


def auroc(cases: Scored, questions: Weights, models: Weights | None) -> Array:
    """The chance that a positive answer outscores another, a tie counting half: (B,).

    A sum over pairs, read off the running total of the others' weights in order of score.
    """
    positive, others = np.flatnonzero(cases.positive), np.flatnonzero(cases.positive == 0)
    others = others[np.argsort(cases.score[others], kind="stable")]
    ordered, wanted = cases.score[others], cases.score[positive]
    below, up_to = (np.searchsorted(ordered, wanted, side) for side in ("left", "right"))
    out = np.empty(len(questions))
    step = max(1, CELLS // len(cases.score))
    for start in range(0, len(out), step):
        rows = slice(start, start + step)
        hits = _case_weights(cases, positive, questions[rows], models, rows)
        running = np.zeros((len(hits), len(others) + 1))
        np.cumsum(
            _case_weights(cases, others, questions[rows], models, rows), axis=1, out=running[:, 1:]
        )
        lower = (running[:, below] + running[:, up_to]) / 2
        pairs = hits.sum(axis=1) * running[:, -1]
        out[rows] = ratio(np.einsum("bc,bc->b", hits, lower), pairs)
    return out


def _case_weights(
    cases: Scored, which: IntArray, questions: Weights, models: Weights | None, rows: slice
) -> Array:
    """How much each case counts in each resample: (B, cases)."""
    weights = questions[:, cases.question[which]] * cases.weight[which]
    if models is not None:
        weights *= models[rows][:, cases.model[which]]
    return np.asarray(weights, dtype=np.float64)


def brier(cases: Scored, questions: Weights, models: Weights | None) -> Array:
    """Mean squared distance of the score from 1 where people say positive, from 0 elsewhere."""
    parts = np.stack([(cases.score - cases.positive) ** 2, np.ones_like(cases.score)], axis=1)
    sums = _cell_sums(cases, parts, questions, models)
    if models is None:
        total = intervals.resampled(questions, sums[:, 0])
    else:
        total = intervals.pigeonhole(questions, models, sums)
    return ratio(total[:, 0], total[:, 1])


def calibration(cases: Scored, questions: Weights, models: Weights | None) -> Array:
    """√ of the mean squared gap, over bins, between scores and the share of positive labels: (B,).

    A bin's squared mean gap holds the square of its noise too. Only products of two questions'
    gaps are free of it, so pairs within a question, drawn twice or not, are left out; what comes
    out below 0 is 0. Gaps that cancel within a bin do not show.
    """
    bins = score_bins(cases.score, cases.question)
    inside = (bins[:, None] == np.arange(bins.max() + 1)).astype(np.float64)
    gaps = (cases.score - cases.positive)[:, None] * inside
    sums = _cell_sums(cases, np.concatenate([gaps, inside], axis=1), questions, models)
    out = np.empty(len(questions))
    step = max(1, CELLS // (sums[:, 0].size if models is not None else questions.shape[1]))
    for start in range(0, len(out), step):
        rows = slice(start, start + step)
        w = questions[rows].astype(np.float64)
        if models is None:
            out[rows] = _debiased(w @ sums[:, 0], w**2 @ sums[:, 0] ** 2)
            continue
        of_question = np.tensordot(models[rows].astype(np.float64), sums, axes=(1, 1))
        total = (w[:, None] @ of_question)[:, 0]
        out[rows] = _debiased(total, ((w**2)[:, None] @ of_question**2)[:, 0])
    return out


def _debiased(total: Array, alike: Array) -> Array:
    """From the bins' sums of gaps, then of weights (B, 2 · bins), and those of single questions."""
    bins = total.shape[1] // 2
    gaps, pairs = np.split(total**2 - alike, [bins], axis=1)
    weight = total[:, bins:]
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.where(weight > 0, gaps / pairs, 0.0)
    gap = np.where((weight > 0) & (pairs <= DUST * weight**2), np.nan, gap)
    return np.sqrt(np.maximum(ratio((weight * gap).sum(axis=1), weight.sum(axis=1)), 0.0))


def score_bins(score: Array, question: IntArray) -> IntArray:
    """Each score's bin: ten with as many cases each, fewer where questions are few; ties stay.

    What holds fewer than ten questions joins its neighbour.
    """
    bins = max(1, min(BINS, len(np.unique(question)) // QUESTIONS))
    edges = np.unique(np.quantile(score, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, score, side="right")
    joined, new = np.zeros(len(edges) + 1, dtype=np.int64), 0
    for old in range(len(joined)):
        joined[old] = new
        new += len(np.unique(question[(joined[place] == new) & (place <= old)])) >= QUESTIONS
    joined = np.minimum(joined, max(new - 1, 0))
    return np.asarray(joined[place])


def _cell_sums(cases: Scored, parts: Array, questions: Weights, models: Weights | None) -> Array:
    """Weighted sums of ``parts`` (cases, …) by question and model: (Q, M, …), M = 1 if fixed."""
    many = 1 if models is None else models.shape[1]
    model = np.zeros_like(cases.model) if models is None else cases.model
    sums = np.zeros((questions.shape[1], many, *parts.shape[1:]))
    weight = cases.weight.reshape(-1, *[1] * (parts.ndim - 1))
    np.add.at(sums, (cases.question, model), parts * weight)
    return sums


def _unseen(name: str, value: float, cases: Scored, confidence: float) -> Figure:
    """The far end where no resample changes the figure because nothing went wrong (or all did).

    AUROC: of m pairs without a question in common none is the wrong way round, so their share of
    wrong ones is below Clopper and Pearson's limit. Errors are at most 1 and were 0 on m questions,
    so their mean is below it too.
    """
    asked = [np.unique(cases.question[cases.positive == side]) for side in (0, 1)]
    questions = len(np.unique(np.concatenate(asked)))
    pairs = min(*map(len, asked), questions // 2)
    even = cases.weight.mean() / cases.weight.max()  # as in figures.Slices.evenness
    m = np.asarray(even * (pairs if name == "auroc" else questions))
    limit = float(intervals.clopper_pearson(np.zeros(()), m, confidence)[1])
    if name == "auroc" and value in (0, 1):
        return {"low": value * (1 - limit), "high": value + (1 - value) * limit} | {
            "note": NO_DISAGREEMENT
        }
    if name != "auroc" and value == 0 and not np.any(cases.score != cases.positive):
        high = limit if name == "brier" else limit**0.5
        return {"low": 0.0, "high": high, "note": NO_DISAGREEMENT}
    return {}
