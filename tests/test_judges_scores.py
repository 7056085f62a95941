"""Figures of judges' scores: scikit-learn, loops, known miscalibration, and what is undefined."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics
from small_road import audit_of, policy

from judges.clusters import FEW_QUESTIONS
from judges.evidence import weigh
from judges.figures import NO_DISAGREEMENT, ONE_QUESTION, draw_resamples
from judges.intervals import multinomial_weights
from judges.scores import (
    GRADED,
    Scored,
    asks_for_scores,
    auroc,
    brier,
    calibration,
    digest,
    score_bins,
    score_figures,
)
from judges.tables import Audit


def scored(seed: int, questions: int = 30, models: int = 4, shift: float = 0.0) -> Scored:
    """Scores on a grid of twentieths, right on average but for ``shift``."""
    rng = np.random.default_rng(seed)
    cases = questions * models
    score = rng.integers(1, 20, cases) / 20
    positive = (rng.random(cases) < np.clip(score + shift, 0, 1)).astype(float)
    weight = rng.choice([0.5, 1.0, 2.0], cases)
    question, model = np.arange(cases) // models, np.arange(cases) % models
    return Scored(positive, score, weight, question, model)


def once(cases: Scored) -> np.ndarray:
    return np.ones((1, int(cases.question.max()) + 1), dtype=np.float32)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_scikit_learn_agrees(seed: int, questions: int) -> None:
    cases = scored(seed, questions, 2)
    weights = {"sample_weight": cases.weight}
    two_sided = len(set(cases.positive)) == 2
    ours = float(auroc(cases, once(cases), None)[0])
    theirs = metrics.roc_auc_score(cases.positive, cases.score, **weights) if two_sided else np.nan
    assert ours == pytest.approx(theirs, abs=1e-10, nan_ok=True)
    theirs = metrics.brier_score_loss(cases.positive, cases.score, pos_label=1, **weights)
    assert float(brier(cases, once(cases), None)[0]) == pytest.approx(theirs, abs=1e-10)


@pytest.mark.parametrize("two_way", [False, True])
def test_resamples_are_an_explicit_loop(two_way: bool) -> None:
    cases = scored(1)
    rng = np.random.default_rng(2)
    questions = multinomial_weights(rng, 6, 30)
    models = multinomial_weights(rng, 6, 4) if two_way else None
    found = auroc(cases, questions, models), brier(cases, questions, models)
    gaps = calibration(cases, questions, models)
    bins = score_bins(cases.score, cases.question)
    for b, drawn in enumerate(questions):
        weight = drawn[cases.question] * cases.weight
        weight = weight * models[b][cases.model] if models is not None else weight
        options = {"sample_weight": weight}
        area = metrics.roc_auc_score(cases.positive, cases.score, **options)
        assert found[0][b] == pytest.approx(area)
        assert found[1][b] == pytest.approx(
            np.average((cases.score - cases.positive) ** 2, weights=weight)
        )
        total = 0.0
        for place in range(bins.max() + 1):
            inside = np.flatnonzero(bins == place)
            of = weight[inside]
            gap = of * (cases.score - cases.positive)[inside]
            apart = cases.question[inside][:, None] != cases.question[inside]
            squared = (np.outer(gap, gap) * apart).sum() / (np.outer(of, of) * apart).sum()
            total += of.sum() / weight.sum() * squared
        assert gaps[b] == pytest.approx(np.sqrt(max(total, 0)))


@pytest.mark.parametrize("shift", [0.05, 0.1, -0.2])
def test_a_known_miscalibration_is_found_without_bias(shift: float) -> None:
    """Scores from 0.25 to 0.75, all off by the same: on average over sets the square is that's."""
    squares = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        score = 0.25 + 0.5 * rng.random(600)
        positive = (rng.random(600) < score + shift).astype(float)
        cases = Scored(positive, score, np.ones(600), np.arange(600) // 3, np.zeros(600, int))
        squares.append(float(calibration(cases, once(cases), None)[0]) ** 2)
    assert np.sqrt(np.mean(squares)) == pytest.approx(abs(shift), abs=0.01)


def test_ties_stay_in_one_bin_and_few_questions_make_few_bins() -> None:
    score = np.repeat([0.1, 0.5, 0.9], 40)
    found = score_bins(score, np.arange(120))
    assert found.max() == 2 and [len(set(found[score == v])) for v in (0.1, 0.5, 0.9)] == [1, 1, 1]
    assert score_bins(np.arange(19) / 19, np.arange(19)).max() == 0
    assert score_bins(np.arange(300) / 300, np.arange(300)).max() == 9
    assert score_bins(np.arange(300) / 300, np.arange(300) // 10).max() == 2  # thirty questions


@given(st.integers(0, 2**32 - 1))
def test_every_bin_holds_ten_questions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cases = int(rng.integers(10, 200))
    question, score = rng.integers(0, rng.integers(10, 60), cases), rng.integers(0, 12, cases) / 11
    found = score_bins(score, question)
    held = [len(set(question[found == place])) for place in range(found.max() + 1)]
    assert min(held) >= min(10, len(set(question)))


PEOPLE = "1100110010" * 3


def with_scores(scores: list[float], verdicts: str = PEOPLE, **more: Any) -> Audit:
    audit = audit_of(more.pop("people", PEOPLE), {"j": verdicts}, **more)
    run = replace(audit.judges["j"], scores=np.array(scores))
    return replace(audit, judges={"j": run})


def figures(audit: Audit, **more: Any) -> dict[str, Any]:
    asked = policy(resamples=300, **more)
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    return score_figures(audit.judges["j"], audit, asked, draws)


def test_a_failure_is_left_out_or_has_the_worst_score() -> None:
    scores = [0.9 if label == "1" else 0.2 for label in PEOPLE]
    audit = with_scores(scores, verdicts="-" + PEOPLE[1:])  # a positive case
    found = figures(audit)
    left, wrong = found["failures_left_out"], found["failures_count_as_wrong"]
    assert (left["n"], wrong["n"]) == (29, 30)
    assert left["auroc"]["value"] == 1
    # 15 positive cases and 15 others: the failed one scores 0, below all others
    assert wrong["auroc"]["value"] == pytest.approx(14 / 15)
    squares = 14 * 0.1**2 + 15 * 0.2**2
    assert left["brier"]["value"] == pytest.approx(squares / 29)
    assert wrong["brier"]["value"] == pytest.approx((squares + 1) / 30)
    for one in wrong.values():
        assert isinstance(one, int) or one["low"] <= one["value"] <= one["high"]


def test_without_a_mistake_the_interval_is_what_questions_cannot_rule_out() -> None:
    found = figures(with_scores([float(label) for label in PEOPLE]))["failures_left_out"]
    for name in GRADED:
        assert found[name]["note"] == NO_DISAGREEMENT
    # 15 pairs of questions without one in common: 0.025^(1/15)
    assert found["auroc"]["low"] == pytest.approx(0.025 ** (1 / 15))
    assert (found["auroc"]["high"], found["brier"]["low"]) == (1, 0)
    assert found["brier"]["high"] == pytest.approx(1 - 0.025 ** (1 / 30))


@pytest.mark.parametrize("scope", ["these models", "new models"])
def test_undefined_figures_say_why(scope: str) -> None:
    half = [0.5] * 30
    same = figures(with_scores(half, people="1" * 30), scope=scope)["failures_left_out"]
    assert same["auroc"]["value"] is None
    assert same["auroc"]["reason"] == "undefined: people always give the positive label"
    one = figures(with_scores(half, question=[0] * 30), scope=scope)["failures_left_out"]
    assert one["brier"]["reason"] == ONE_QUESTION and one["brier"]["value"] == 0.25
    assert "one question" in one["calibration_error"]["reason"]
    none = figures(with_scores([np.nan] * 30), scope=scope)["failures_left_out"]
    assert none["n"] == 0 and none["brier"]["reason"] == "undefined: the judge scored no case"


def test_a_judge_without_scores_has_none_of_them() -> None:
    audit = audit_of(PEOPLE, {"j": PEOPLE})
    assert figures(audit) == {}
    assert weigh(audit, policy(resamples=200), 1).judges["j"]["graded"] == {}


def test_evidence_rests_on_scores_only_where_a_rule_asks_for_them() -> None:
    rule = {"statistic": "auroc", "at_least": 0.8}
    assert asks_for_scores(policy(rule)) and not asks_for_scores(policy())
    one, other = with_scores([0.5] * 30), with_scores([0.6] * 30)
    assert digest(one.judges["j"]) != digest(other.judges["j"])
    asked = policy(rule, resamples=200)
    assert weigh(one, asked, 1).id != weigh(other, asked, 1).id
    plain = policy(resamples=200)
    assert weigh(one, plain, 1).id == weigh(other, plain, 1).id


def test_few_questions_widen_the_interval_of_scores() -> None:
    rng = np.random.default_rng(3)
    people = rng.integers(0, 2, 24)
    score = np.clip(people * 0.4 + 0.6 * rng.random(24), 0, 1)
    audit = audit_of("".join(map(str, people)), {"j": "1" * 24})
    audit = replace(audit, judges={"j": replace(audit.judges["j"], scores=score)})
    asked = policy(resamples=400)
    found = weigh(audit, asked, 1).judges["j"]["graded"]["failures_left_out"]["brier"]
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    off = (score - people) ** 2
    ends = np.quantile([(w * off).sum() / w.sum() for w in draws.questions], [0.025, 0.975])
    wider = np.sqrt(24 / 23) * stats.t.ppf(0.975, 23) / stats.norm.ppf(0.975)
    expected = off.mean() + wider * (ends - off.mean())
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected))
    assert found["note"] == FEW_QUESTIONS
