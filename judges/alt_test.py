"""The alternative annotator test: would the judge do in place of one of the people?

Calderon, Reichart and Dror (ACL 2025, arXiv 2501.10970), section 3. Each person is left out in
turn: on a case, the judge does at least as well as that person where it is as close to the others'
labels. Per person a one-sided paired t test asks whether the person's share of such cases, less ε,
is below the judge's; the p values are corrected by Benjamini and Yekutieli (2001). ω is the share
of people whom the judge beats by that test, and it passes at ω ≥ 0.5; ρ is the judge's share of
such cases, averaged over people.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from judges import intervals
from judges.chance import Array, BoolArray, IntArray
from judges.clusters import few, one_way_stretch, stretched
from judges.figures import Figure, Resamples, alone, figure, undefined_figure
from judges.tables import Audit, JudgeRun
from samples.study import PolicyBlock

EPSILONS = (0.1, 0.15, 0.2)  # what the paper grants a judge for being cheaper than people
RATE = 0.05  # false discoveries among the people whom the judge is said to beat
PEOPLE, CASES = 3, 30  # people, and cases of each, without which nothing is tested
FEW_PEOPLE = (
    f"undefined: the test needs {PEOPLE} raters with {CASES} cases each that another rater labelled"
)
PARTS = 4  # cases, judge as good, person as good, squared difference


class AltTest(NamedTuple):
    """By person the test's p and the judge's advantage; ω and ρ over the people tested."""

    omega: Array  # (...)
    rho: Array
    p: Array  # (..., people)
    advantage: Array


def wins(ratings: IntArray, verdict: IntArray, values: Array, scoring: str) -> tuple[Array, Array]:
    """Where the judge is as close to the others as each person, and the person as the judge.

    ``ratings`` (cases, people) and ``verdict`` (cases,) are codes of ``values``, −1 for none; a
    verdict of len(values) is a failure, farther off than anybody. ``scoring``: "accuracy" (the
    share of the others with the same label) or "neg_rmse". Both (cases, people), NaN where the
    person gave no label, nobody else did, or there is no verdict.
    """
    given = ratings >= 0
    others = given.sum(axis=1)[:, None] - given
    if scoring == "accuracy":
        votes = (ratings[:, :, None] == np.arange(len(values))).sum(axis=1)
        votes = np.pad(votes, ((0, 0), (0, 1)))  # nobody shares a failure
        rows = np.arange(len(ratings))[:, None]
        person = votes[rows, ratings] - 1
        judge = votes[rows, verdict[:, None]] - (ratings == verdict[:, None])
        gap = (judge - person).astype(np.float64)
    else:
        label = np.where(given, np.append(values, 0.0)[ratings], 0.0)
        said = np.append(values, np.inf)[verdict][:, None]
        with np.errstate(invalid="ignore"):
            person_off = _squared(label, label, given, others)
            gap = np.asarray(person_off - _squared(said, label, given, others))
    counted = given & (others > 0) & (verdict >= 0)[:, None]
    nearly = 1e-9 * (1 + np.abs(np.where(np.isfinite(gap), gap, 0.0)))
    return (
        np.where(counted, gap >= -nearly, np.nan),
        np.where(counted, gap <= nearly, np.nan),
    )


def _squared(said: Array, label: Array, given: BoolArray, others: IntArray) -> Array:
    """Mean squared distance of what was said from the other people's labels: (cases, people)."""
    total = label.sum(axis=1, keepdims=True) - label
    squares = (label**2).sum(axis=1, keepdims=True) - np.where(given, label**2, 0.0)
    return np.asarray(said**2 + (squares - 2 * said * total) / np.maximum(others, 1))


def win_sums(judge: Array, person: Array, cluster: IntArray, n_clusters: int) -> Array:
    """What the test is computed from, by cluster of cases: (clusters, 4, people)."""
    there = ~np.isnan(judge)
    one, other = (np.where(there, side, 0.0) for side in (judge, person))
    parts = np.stack([there.astype(np.float64), one, other, (one - other) ** 2], axis=1)
    sums = np.zeros((n_clusters, *parts.shape[1:]))
    np.add.at(sums, cluster, parts)
    return sums


def alt_test(sums: Array, epsilon: float, rate: float = RATE) -> AltTest:
    """The test from summed parts (..., 4, people); a person without two cases gets no p."""
    n, judge = sums[..., 0, :], sums[..., 1, :]
    mean, error = _mean_and_error(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(n > 1, stdtr(n - 1, (mean - epsilon) / error), np.nan)
        advantage = judge / n
    found = (benjamini_yekutieli(p) <= rate).sum(axis=-1)
    tested = (~np.isnan(p)).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return AltTest(found / tested, np.nansum(advantage, axis=-1) / tested, p, advantage)


def _mean_and_error(sums: Array) -> tuple[Array, Array]:
    """By how much more often each person does as well than the judge, and its standard error."""
    n, judge, person, squared = np.moveaxis(np.asarray(sums, dtype=np.float64), -2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (person - judge) / n
        variance = (squared - n * mean**2) / (n - 1)
        return mean, np.sqrt(np.maximum(variance, 0.0) / n)


def omegas(samples: Array, cases: Array, epsilon: float, rate: float = RATE) -> Array:
    """ω of every resample (B, 4, people): t against the quantiles that the correction asks for.

    ``cases`` are each person's, for the degrees of freedom: a quantile for each of the m steps, so
    that no p value of any resample has to be computed.
    """
    mean, error = _mean_and_error(samples)
    people = mean.shape[1]
    steps = np.arange(1, people + 1)
    asked = stdtrit(cases - 1, (rate * steps / (people * (1 / steps).sum()))[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (mean - epsilon) / error
    beaten = np.stack([(t <= quantile).sum(axis=1) for quantile in asked], axis=1)
    return np.asarray(np.where(beaten >= steps, steps, 0).max(axis=1) / people)


def benjamini_yekutieli(p: Array) -> Array:
    """Adjusted p values (..., m) that hold the false discovery rate under any dependence (2001).

    NaN stays NaN, and counts for no test.
    """
    order = np.argsort(p, axis=-1)  # NaN comes last
    ordered = np.take_along_axis(p, order, axis=-1)
    tests = (~np.isnan(p)).sum(axis=-1, keepdims=True)
    places = np.arange(1, p.shape[-1] + 1)
    harmonic = np.append(0.0, np.cumsum(1 / places))[tests]
    scaled = ordered * tests * harmonic / places
    backwards = np.flip(np.where(np.isnan(scaled), np.inf, scaled), axis=-1)
    lowest = np.flip(np.minimum.accumulate(backwards, axis=-1), axis=-1)
    out = np.empty_like(scaled)
    np.put_along_axis(out, order, np.where(np.isnan(ordered), np.nan, np.minimum(lowest, 1)), -1)
    return np.asarray(out)


def alt_test_figures(
    run: JudgeRun, audit: Audit, policy: PolicyBlock, draws: Resamples
) -> dict[str, Any]:
    """ω at each ε and ρ, with bootstrap intervals by question, and each person's share and p.

    Failures are as the policy handles them. The test itself takes cases as independent, as the
    paper does; the intervals do not.
    """
    k = len(audit.rubric.labels)
    verdict = run.verdicts
    if policy.failures == "left_out":
        verdict = np.where(verdict < k, verdict, -1)
    judge, person = wins(audit.reference.ratings, verdict, np.arange(k, dtype=float), "accuracy")
    enough = (~np.isnan(judge)).sum(axis=0) >= CASES
    names = [name for name, there in zip(audit.reference.raters, enough, strict=True) if there]
    if len(names) < PEOPLE:
        gone = undefined_figure(FEW_PEOPLE) | {"n": 0}
        return {"omega": {f"{epsilon:g}": gone for epsilon in EPSILONS}, "rho": gone, "raters": {}}
    judge, person = judge[:, enough], person[:, enough]
    sums = win_sums(judge, person, audit.question, draws.questions.shape[1])
    shape = (-1, PARTS, len(names))
    samples = intervals.resampled(draws.questions, sums).reshape(shape)
    asked = np.array([len(np.unique(audit.question[~np.isnan(judge).all(axis=1)]))])
    [wider] = one_way_stretch(asked, policy.confidence)

    def held(name: str, value: Array, resampled: Array) -> Figure:
        if why := alone(asked):
            made = figure(float(value), np.nan, np.nan) | {"reason": why}
        else:
            low, high, undefined = intervals.percentile_interval(resampled, policy.confidence)
            ends = stretched(name, float(value), (float(low), float(high)), wider)
            made = figure(float(value), *ends, float(undefined)) | few(asked)
        return made | {"n": len(names)}

    total = sums.sum(axis=0)
    points = {epsilon: alt_test(total, epsilon) for epsilon in EPSILONS}
    strict = points[EPSILONS[0]]
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = (samples[:, 1] / samples[:, 0]).mean(axis=1)
    return {
        "omega": {
            f"{e:g}": held("omega", points[e].omega, omegas(samples, total[0], e)) for e in EPSILONS
        },
        "rho": held("rho", strict.rho, rho),
        "raters": {
            name: {
                "n": int(total[0, place]),
                "advantage": float(strict.advantage[place]),
                "p": {f"{e:g}": float(points[e].p[place]) for e in EPSILONS},
            }
            for place, name in enumerate(names)
        },
    }
