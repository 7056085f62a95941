"""κ averaged over models: by hand, and where a model has none."""

import numpy as np
import pytest
from scipy import stats
from small_road import audit_of, policy

from judges.agreement import STATISTICS, failures_left_out
from judges.clusters import FEW_MODELS
from judges.evidence import weigh
from judges.figures import NO_DISAGREEMENT, Resamples, draw_resamples
from judges.over_models import _means

PEOPLE = "1100" * 10 + "1111111110" * 4
JUDGE = "1100" * 10 + "1111111101" * 4
MODELS = "a" * 40 + "b" * 40


def test_pooled_and_mean_differ_where_one_model_is_misjudged() -> None:
    audit = audit_of(PEOPLE, {"j": JUDGE}, model=MODELS, question=[*range(40)] * 2)
    about = weigh(audit, policy(resamples=400), 1).judges["j"]
    mean = about["mean_over_models"]["cohen_kappa"]
    # a: 1; b: 36 and 36 of 40 positive, 32 agree: (0.8 − 0.82) / (1 − 0.82)
    b = (0.8 - 0.82) / 0.18
    assert mean["value"] == pytest.approx((1 + b) / 2)
    assert about["case"]["failures_left_out"]["cohen_kappa"]["value"] > mean["value"] + 0.2
    assert mean["low"] <= mean["value"] <= mean["high"]
    assert (mean["models"], mean["left_out"]) == (2, {})


def test_a_model_without_a_kappa_is_named_and_left_out() -> None:
    people = "1100" * 5 + "1111" * 5
    audit = audit_of(people, {"j": "1101" * 5 + "1111" * 5}, model="a" * 20 + "b" * 20)
    for scope in ("these models", "new models"):
        about = weigh(audit, policy(resamples=200, scope=scope), 1).judges["j"]
        mean = about["mean_over_models"]["cohen_kappa"]
        assert mean["models"] == 1 and "every label is 'correct'" in mean["left_out"]["b"]
        assert mean["value"] == pytest.approx(0.5)


def test_no_model_has_one() -> None:
    audit = audit_of("1111", {"j": "1111"})
    mean = weigh(audit, policy(resamples=200), 1).judges["j"]["mean_over_models"]["cohen_kappa"]
    assert mean["value"] is None and mean["reason"] == "undefined: it is undefined for every model"


def test_without_any_disagreement_it_has_a_width() -> None:
    audit = audit_of("1100" * 10, {"j": "1100" * 10}, model="ab" * 20)
    mean = weigh(audit, policy(resamples=200), 1).judges["j"]["mean_over_models"]["cohen_kappa"]
    assert (mean["value"], mean["high"], mean["note"]) == (1, 1, NO_DISAGREEMENT)
    assert mean["low"] < 0.9


def test_new_models_are_means_over_the_models_drawn() -> None:
    samples = np.array([[1.0, 0.8], [0.0, 0.2], [0.5, 0.4]])
    picked = np.array([[0, 0, 1], [2, 2, 2]])
    draws = Resamples(np.ones((2, 4), dtype=np.float32), picked, np.ones((2, 2)))
    assert _means(samples, np.array([True] * 3), draws) == pytest.approx([2 / 3, 0.4])
    # without the third model: the mean of what is left, and none where nothing is
    found = _means(samples, np.array([True, True, False]), draws)
    assert found == pytest.approx([2 / 3, np.nan], nan_ok=True)


def test_few_models_drawn_make_it_wider_as_a_judge_s_own_figures() -> None:
    """Cluster variances by hand: of questions, of three models, of single answers."""
    rng = np.random.default_rng(4)
    people = rng.integers(0, 2, 180)
    judge = np.where(rng.random(180) < 0.85, people, 1 - people)
    texts = ["".join(map(str, side)) for side in (people, judge)]
    question = np.arange(180) // 3
    audit = audit_of(texts[0], {"j": texts[1]}, question=question, model="abc" * 60)
    asked = policy(resamples=200, scope="new models")
    mean = weigh(audit, asked, 1).judges["j"]["mean_over_models"]["cohen_kappa"]

    def kappas(weight: np.ndarray) -> np.ndarray:
        tables = np.zeros((3, 2, 2))
        np.add.at(tables, (audit.model, people, judge), weight)
        return STATISTICS["cohen_kappa"](tables)

    values = kappas(np.ones(180))
    moved = (np.array([kappas(1 + 1e-6 * row) for row in np.eye(180)]) - values) / 1e-6
    moved = moved.sum(axis=1) / 3  # an answer moves its own model's κ only
    by_question = (np.bincount(question, moved) ** 2).sum() * 60 / 59
    by_model = (((values - values.mean()) / 3) ** 2).sum() * 3 / 2
    single = (moved**2).sum()
    variance = max(by_question + by_model - single, by_question, by_model)
    shown = by_question * 59 / 60 + by_model * 2 / 3 + single
    wider = np.sqrt(variance / shown) * stats.t.ppf(0.975, 2) / stats.norm.ppf(0.975)
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    drawn = []
    for weight, picked in zip(draws.questions, draws.picked, strict=True):
        drawn.append(kappas(weight[question].astype(float))[picked].mean())
    ends = values.mean() + wider * (np.quantile(drawn, [0.025, 0.975]) - values.mean())
    assert (mean["low"], mean["high"]) == pytest.approx((ends[0], min(ends[1], 1)), abs=1e-5)
    assert mean["note"] == FEW_MODELS


def test_the_resamples_are_those_of_each_model() -> None:
    audit = audit_of(PEOPLE, {"j": JUDGE}, model=MODELS, question=[*range(40)] * 2)
    asked = policy(resamples=200)
    mean = weigh(audit, asked, 1).judges["j"]["mean_over_models"]["cohen_kappa"]
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    values = []
    for drawn in draws.questions:
        kappas = []
        for model in range(2):
            table = np.zeros((2, 3))
            of = audit.model == model
            cells = audit.reference.values[of], audit.judges["j"].verdicts[of]
            np.add.at(table, cells, drawn[audit.question[of]])
            kappas.append(float(STATISTICS["cohen_kappa"](failures_left_out(table))))
        values.append(np.mean(kappas))
    ends = np.quantile([v for v in values if not np.isnan(v)], [0.025, 0.975])
    wider = np.sqrt(40 / 39) * stats.t.ppf(0.975, 39) / stats.norm.ppf(0.975)  # 40 questions
    ends = mean["value"] + wider * (ends - mean["value"])
    assert (mean["low"], mean["high"]) == pytest.approx(tuple(ends), abs=1e-9)
