"""κ averaged over models: by hand, and where a model has none."""

import numpy as np
import pytest
from small_road import audit_of, policy

from judges.agreement import STATISTICS, failures_left_out
from judges.evidence import weigh
from judges.figures import NO_DISAGREEMENT, Resamples, draw_resamples
from judges.over_models import mean_over_models

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
    figures = {
        m: {"cohen_kappa": {"value": v, "low": v, "high": v}}
        for m, v in zip("abc", [1, 0, 0.5], strict=True)
    }
    samples = np.array([[1.0, 0.8], [0.0, 0.2], [0.5, 0.4]])
    picked = np.array([[0, 0, 1], [2, 2, 2]])
    draws = Resamples(np.ones((2, 4), dtype=np.float32), picked, np.ones((2, 2)))
    found = mean_over_models(figures, samples, policy(confidence=0.9), draws)
    ends = np.quantile([2 / 3, 0.4], [0.05, 0.95])
    assert (found["low"], found["high"]) == pytest.approx(tuple(ends))


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
    assert (mean["low"], mean["high"]) == pytest.approx(tuple(ends), abs=1e-9)
