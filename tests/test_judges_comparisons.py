"""Judges against each other: counts by hand, loops, Holm, and which cases a pair is compared on."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small_road import audit_of, policy

from judges.agreement import STATISTICS, failures_count_as_wrong
from judges.clusters import FEW_MODELS
from judges.comparisons import (
    NOT_BOTH,
    TESTED,
    closer,
    comparison_says,
    holm,
    paired_p,
    standing,
)
from judges.evidence import weigh
from judges.figures import draw_resamples
from judges.phrasing import VOICES
from judges.tables import Audit


def noisy(seed: int, shares: dict[str, float], cases: int = 240) -> Audit:
    """Judges who are right so often, on three models' answers to a third as many questions."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, cases)

    def says(share: float) -> str:
        return "".join(map(str, np.where(rng.random(cases) < share, truth, 1 - truth)))

    judges = {name: says(share) for name, share in shares.items()}
    people = "".join(map(str, truth))
    question = list(np.arange(cases) // 3)
    return audit_of(people, judges, question=question, model="abc" * (cases // 3))


def pairs(audit: Audit, **more: Any) -> list[dict[str, Any]]:
    return weigh(audit, policy(**({"resamples": 400} | more)), 1).comparisons


def test_who_is_right_alone_by_hand() -> None:
    # people 110010, a 110100 (wrong on the fourth and fifth), b 010010 (wrong on the first)
    [pair] = pairs(audit_of("110010", {"a": "110100", "b": "010010"}))
    counts = ("n", "both_right", "only_first_right", "only_second_right", "both_wrong")
    assert [pair[name] for name in counts] == [6, 3, 1, 2, 0]
    assert pair["accuracy"]["p"] == stats.binomtest(1, 3).pvalue == 1
    assert pair["accuracy"]["value"] == pytest.approx(-1 / 6)


def test_every_pair_is_there_once() -> None:
    audit = noisy(1, {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6})
    assert [tuple(pair["judges"]) for pair in pairs(audit)] == list(combinations("abcd", 2))
    assert pairs(audit.only("a")) == []


def kappa_apart(audit: Audit, weight: np.ndarray) -> float:
    kappas = []
    for name in "ab":
        table = np.zeros((2, 3))
        np.add.at(table, (audit.reference.values, audit.judges[name].verdicts), weight)
        kappas.append(float(STATISTICS["cohen_kappa"](failures_count_as_wrong(table))))
    return kappas[0] - kappas[1]


def by_hand(audit: Audit, value: float) -> float:
    """80 questions and 3 models: the two-way variance over the resamples', and t for normal."""
    cases, step = len(audit.responses), 1e-6
    moved = np.array([kappa_apart(audit, 1 + step * row) - value for row in np.eye(cases)]) / step
    parts = [
        sum(moved[cluster == one].sum() ** 2 for one in np.unique(cluster))
        for cluster in (audit.question, audit.model, np.arange(cases))
    ]
    by = parts[0] * 80 / 79, parts[1] * 3 / 2
    variance = max(by[0] + by[1] - parts[2], *by)
    return float(np.sqrt(variance / sum(parts)) * stats.t.ppf(0.975, 2) / stats.norm.ppf(0.975))


@pytest.mark.parametrize("scope", ["these models", "new models"])
def test_the_bootstrap_is_paired(scope: str) -> None:
    audit = noisy(2, {"a": 0.9, "b": 0.85})
    asked = policy(resamples=300, scope=scope)
    [pair] = weigh(audit, asked, 1).comparisons
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    of_models = None if draws.picked is None else draws.model_weights()
    apart = []
    for b, drawn in enumerate(draws.questions):
        weight = drawn[audit.question].astype(float)
        weight *= 1.0 if of_models is None else of_models[b][audit.model]
        apart.append(kappa_apart(audit, weight))
    kappa = pair["cohen_kappa"]
    if of_models is not None:  # three models are few: as a judge's own interval is stretched
        apart = kappa["value"] + by_hand(audit, kappa["value"]) * (np.array(apart) - kappa["value"])
    ends = np.quantile(apart, [0.025, 0.975])
    assert (kappa["low"], kappa["high"]) == pytest.approx(tuple(ends), abs=1e-5)
    assert kappa.get("note") == (None if of_models is None else FEW_MODELS)
    one_side = min(np.sum(np.array(apart) <= 0), np.sum(np.array(apart) >= 0))
    assert kappa["p"] == pytest.approx(2 * (one_side + 1) / 301)


def test_better_judges_are_found_and_equal_ones_are_not_told_apart() -> None:
    audit = noisy(3, {"good": 0.97, "same": 0.97, "poor": 0.7}, 600)
    made = pairs(audit)
    by_pair = {tuple(pair["judges"]): pair for pair in made}
    assert closer(by_pair["good", "poor"]) == "good"
    assert closer(by_pair["same", "poor"]) == "same"
    assert closer(by_pair["good", "same"]) is None
    assert standing("good", made) == {"above": ["poor"], "level": ["same"], "below": []}
    assert standing("poor", made) == {"above": [], "level": [], "below": ["good", "same"]}
    says = comparison_says(by_pair["good", "poor"], VOICES["human"])
    assert says.startswith("good is closer to people than poor: difference in Cohen's κ +0.")
    says = comparison_says(by_pair["good", "same"], VOICES["human"])
    assert says.startswith("good and same are not shown to differ")


def test_a_pair_is_compared_on_the_cases_that_both_decided() -> None:
    people = "1100" * 5
    a, b = "--00" + "1100" * 4, "1100" * 4 + "110-"
    audit = audit_of(people, {"a": a, "b": b})
    [left] = pairs(audit, failures="left_out")
    [wrong] = pairs(audit, failures="count_as_wrong")
    assert (left["n"], left["both_right"]) == (17, 17)
    assert (wrong["n"], wrong["only_first_right"], wrong["only_second_right"]) == (20, 1, 2)
    assert left["cohen_kappa"]["value"] == 0


def test_left_out_pairs_are_what_an_audit_of_those_cases_gives() -> None:
    audit = noisy(4, {"a": 0.9, "b": 0.8, "c": 0.85})
    verdicts = audit.judges["b"].verdicts.copy()
    verdicts[::7] = 2
    run = replace(audit.judges["b"], verdicts=verdicts)
    audit = replace(audit, judges=audit.judges | {"b": run})
    made = {tuple(pair["judges"]): pair for pair in pairs(audit, failures="left_out")}
    kept = verdicts < 2
    for one, other in (("a", "b"), ("b", "c")):
        right = [
            audit.judges[n].verdicts[kept] == audit.reference.values[kept] for n in (one, other)
        ]
        pair = made[one, other]
        assert pair["n"] == kept.sum()
        expected = right[0].mean() - right[1].mean()
        assert pair["accuracy"]["value"] == pytest.approx(expected)
    assert made["a", "c"]["n"] == len(verdicts)


def test_an_undefined_figure_is_compared_with_nothing() -> None:
    audit = audit_of("1100" * 3, {"a": "1111" * 3, "b": "1100" * 3})
    [pair] = pairs(audit)
    assert pair["spearman"]["reason"] == NOT_BOTH
    assert np.isnan(pair["spearman"]["p"]) and np.isnan(pair["spearman"]["p_holm"])
    assert pair["ranking_spearman"]["value"] is None  # one model
    [one] = pairs(audit_of("1100", {"a": "1110", "b": "1100"}, question=[0] * 4))
    assert one["cohen_kappa"]["low"] is None and closer(one) is None


def test_few_questions_cannot_make_a_small_p() -> None:
    """Two judges apart on three questions: no resample turns that round, a sign test gets 1/4."""
    people = "10" * 40
    [pair] = pairs(audit_of(people, {"a": people, "b": "010" + people[3:]}))
    assert pair["cohen_kappa"]["p"] == 0.25
    assert paired_p(np.full(99, 0.1), 40) == 0.02
    assert paired_p(np.array([0.1, -0.1, np.nan]), 40) == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_by_its_definition(p: list[float]) -> None:
    found = holm(np.array(p))
    order = np.argsort(p, kind="stable")
    largest = 0.0
    for place, which in enumerate(order):
        largest = max(largest, min(1.0, p[which] * (len(p) - place)))
        assert found[which] == pytest.approx(largest)


def test_holm_counts_only_what_was_tested() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])


def test_p_values_are_corrected_over_all_pairs() -> None:
    made = pairs(noisy(5, {"a": 0.95, "b": 0.9, "c": 0.8}))
    for name in TESTED:
        p = np.array([pair[name]["p"] for pair in made])
        np.testing.assert_allclose([pair[name]["p_holm"] for pair in made], holm(p))
