"""Made-up audits: what is simulated is what was asked for."""

import numpy as np
import pytest
from small_road import policy

from judges.figures import draw_resamples
from judges.simulation import (
    Quality,
    World,
    audit_of,
    draw_answers,
    figures_asked,
    labels_decide,
    ratings,
    trouble,
    true_figures,
    verdicts,
)

WORLD = World((0.3, 0.6, 0.8), questions=2000, tasks=2, slips=0.1)
QUALITY = Quality(false_accept=0.1, false_reject=0.05)
POLICY = policy(
    {"statistic": "cohen_kappa", "at_least": 0.8},
    {"statistic": "spearman", "at_least": 0.5},
    {"statistic": "leniency", "per": "model", "within": 0.1},
    {"statistic": "accuracy", "per": "task", "at_least": 0.8},
    {"statistic": "worst_absolute_error", "level": "ranking", "at_most": 0.1},
)


def simulated(cases: int, seed: int = 1):
    rng = np.random.default_rng(seed)
    answers = draw_answers(WORLD, cases, rng)
    said = verdicts(answers, QUALITY, trouble(WORLD, answers, rng))
    return answers, said, ratings(WORLD, answers, 3, rng)


def test_answers_and_verdicts_have_the_rates_that_were_asked_for() -> None:
    answers, said, labels = simulated(6000)
    assert len(np.unique(np.stack([answers.question, answers.model]), axis=1)[0]) == 6000
    for model, share in enumerate(WORLD.models):
        assert answers.right[answers.model == model].mean() == pytest.approx(share, abs=0.04)
    right = answers.right == 1
    assert (said[right] == 0).mean() == pytest.approx(0.05, abs=0.012)
    assert (said[~right] == 1).mean() == pytest.approx(0.1, abs=0.02)
    assert (labels != answers.right[:, None]).mean() == pytest.approx(0.1, abs=0.01)
    # models agree on a question more often than chance has it: they are right together
    grid = answers.right[np.lexsort((answers.model, answers.question))].reshape(-1, 3)
    assert np.corrcoef(grid[:, 1], grid[:, 2])[0, 1] > 0.1


def test_majority_settles_and_a_tie_does_not() -> None:
    answers, said, labels = simulated(600)
    audit = audit_of(WORLD, answers, labels[:, :2], said)
    apart = labels[:, 0] != labels[:, 1]
    assert np.array_equal(audit.reference.values == -1, apart)
    three = audit_of(WORLD, answers, labels, said).reference.values
    assert (three == answers.right).mean() > (labels[:, 0] == answers.right).mean()


def test_true_figures_are_what_large_audits_come_to() -> None:
    world = World(WORLD.models, 40_000, tasks=2, slips=0.0)
    rng = np.random.default_rng(3)
    answers = draw_answers(world, 60_000, rng)
    said = verdicts(answers, QUALITY, trouble(world, answers, rng))
    audit = audit_of(world, answers, answers.right[:, None], said)
    few = POLICY.model_copy(update={"resamples": 20})
    found = figures_asked(audit, few, draw_resamples(audit, few, rng))
    true = true_figures(world, QUALITY, POLICY)
    for name in ("cohen_kappa", "spearman"):
        figure = true["case"]["failures_count_as_wrong"][name]
        assert figure["low"] == pytest.approx(figure["high"], abs=1e-4)
        large = found["case"]["failures_count_as_wrong"][name]["value"]
        assert large == pytest.approx(figure["value"], abs=0.01)
    for kind, name in (("model", "leniency"), ("task", "accuracy")):
        for place, figures in true["by"][kind].items():
            large = found["by"][kind][place][name]["value"]
            assert large == pytest.approx(figures[name]["value"], abs=0.015)
    worst = true["ranking"]["worst_absolute_error"]["value"]
    # model 1: 70% wrong of which 10% are accepted, 30% right of which 5% are rejected
    assert worst == pytest.approx(0.7 * 0.1 - 0.3 * 0.05)
    assert found["ranking"]["worst_absolute_error"]["value"] == pytest.approx(worst, abs=0.01)


def test_only_rules_about_agreement_and_the_ranking_are_simulated() -> None:
    probes = {"statistic": "probe_false_accept", "level": "probe", "at_most": 0.05}
    scores = {"statistic": "auroc", "at_least": 0.9}
    more = (
        {"statistic": "coverage", "at_least": 0.9},
        {"statistic": "cases", "level": "audit", "at_least": 100},
        {"statistic": "cohen_kappa", "against": "people", "at_least": 0},
    )
    kept = labels_decide(policy({"statistic": "accuracy", "at_least": 0.9}, probes, scores, *more))
    assert [rule.statistic for rule in kept.rule] == ["accuracy"]
