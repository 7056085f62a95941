"""One judge's figures by hand: points, both ways to count failures, intervals, slices, ranking."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from small_road import audit_of, policy

from judges import intervals
from judges.agreement import STATISTICS, judge_cells
from judges.clusters import FEW_MODELS, FEW_QUESTIONS
from judges.evidence import weigh
from judges.figures import (
    EXACT,
    NO_DISAGREEMENT,
    ONE_QUESTION,
    agreement_figures,
    count,
    draw_resamples,
)
from judges.ranking import RANKING, _unseen, ranking_figures, shares_by_model
from judges.tables import Audit
from samples.study import PolicyBlock

SEED = 5


def overall(audit: Audit, asked: PolicyBlock, handling: str, judge: str = "j") -> dict[str, Any]:
    """The judge's figures on all cases."""
    about = weigh(audit, asked, SEED).judges[judge]
    found: dict[str, Any] = about["case"][f"failures_{handling}"]
    return found


def by_model(audit: Audit, asked: PolicyBlock, handling: str = "left_out") -> dict[str, Any]:
    draws = draw_resamples(audit, asked, np.random.default_rng(SEED))
    slices = count(audit, audit.judges["j"].verdicts, audit.model, draws, models_vary=False)
    return dict(zip(audit.models, agreement_figures(slices, audit, asked, handling), strict=True))


def ranking(audit: Audit, asked: PolicyBlock, handling: str = "left_out") -> dict[str, Any]:
    draws = draw_resamples(audit, asked, np.random.default_rng(SEED))
    slices = count(audit, audit.judges["j"].verdicts, audit.model, draws, models_vary=False)
    return ranking_figures(slices, draws, asked, handling)


# --- points and failures -----------------------------------------------------------------------

#                 people say yes     people say no
#   judge: 4 yes, 1 no, 1 failed     1 yes, 2 no, 1 failed
TEN = audit_of("1111110000", {"j": "11110-100-"})


@pytest.mark.parametrize(
    ("handling", "n", "expected"),
    [
        (
            "left_out",
            8,
            {
                "accuracy": 6 / 8,
                # chance: 5/8 · 5/8 + 3/8 · 3/8 = 34/64; κ = (48 − 34) / (64 − 34)
                "cohen_kappa": 14 / 30,
                "mcc": (4 * 2 - 1 * 1) / np.sqrt(5 * 5 * 3 * 3),
                "sensitivity": 4 / 5,
                "specificity": 2 / 3,
                "leniency": 0.0,
            },
        ),
        (
            "count_as_wrong",  # the failed yes becomes a no, the failed no a yes
            10,
            {
                "accuracy": 6 / 10,
                # people 6 and 4, the judge 6 and 4: chance 36/100 + 16/100
                "cohen_kappa": (60 - 52) / (100 - 52),
                "mcc": (4 * 2 - 2 * 2) / np.sqrt(6 * 6 * 4 * 4),
                "sensitivity": 4 / 6,
                "specificity": 2 / 4,
                "leniency": 0.0,
            },
        ),
    ],
)
def test_points_by_hand(handling: str, n: int, expected: dict[str, float]) -> None:
    found = overall(TEN, policy(), handling)
    assert found["n"] == n
    values = {name: found[name]["value"] for name in expected}
    assert values == pytest.approx(expected, abs=1e-12)
    assert set(found) == {"n", *STATISTICS}


def test_unsettled_cases_count_nowhere() -> None:
    more = audit_of("11-1111-0000", {"j": "11011011100-"})
    assert overall(more, policy(), "count_as_wrong")["n"] == 10
    same = audit_of("1111110000", {"j": "111101100-"})
    for name in STATISTICS:
        one, two = (overall(a, policy(), "count_as_wrong")[name]["value"] for a in (more, same))
        assert one == two, name


def test_inclusion_weights_change_the_figure_by_hand() -> None:
    """Cases drawn with chance 1/3 stand for three: 3 + 3 + 1 right of 3 + 3 + 1 + 1."""
    cases = {"people": "1100", "judges": {"j": "1101"}}
    assert overall(audit_of(**cases), policy(), "left_out")["accuracy"]["value"] == 3 / 4
    weighted = audit_of(**cases, weight=[3, 3, 1, 1])
    found = overall(weighted, policy(), "left_out")
    assert found["accuracy"]["value"] == pytest.approx(7 / 8)
    assert found["specificity"]["value"] == pytest.approx(1 / 2)
    assert found["n"] == 4  # n stays a plain number of cases


@pytest.mark.parametrize(
    ("people", "judge", "name", "reason"),
    [
        ("1111", "1111", "cohen_kappa", "every label is 'correct'"),
        ("1111", "1101", "specificity", "correct"),
        ("0000", "0100", "sensitivity", "people never say 'correct'"),
        ("1100", "1111", "mcc", "the judge always says 'correct'"),
        ("1100", "----", "accuracy", "no cases"),
    ],
)
def test_undefined_figures_say_why(people: str, judge: str, name: str, reason: str) -> None:
    found = overall(audit_of(people, {"j": judge}), policy(), "left_out")[name]
    assert (found["value"], found["low"], found["high"]) == (None, None, None)
    assert found["reason"].startswith("undefined") and reason in found["reason"]


def test_statistics_that_are_one_number_on_two_labels_are_one_figure() -> None:
    found = overall(TEN, policy(), "left_out")
    assert found["mcc"] == found["spearman"] == found["pearson"] == found["kendall"]
    three = audit_of("001122001122", {"j": "001122010212"}, labels=("a", "b", "c"))
    graded = overall(three, policy(), "left_out")
    assert graded["mcc"]["value"] != pytest.approx(graded["spearman"]["value"], abs=1e-6)


# --- intervals ---------------------------------------------------------------------------------


def test_the_bootstrap_of_kappa_is_an_explicit_loop_over_the_same_questions() -> None:
    rng = np.random.default_rng(1)
    people, judge = (rng.integers(0, 2, 60) for _ in range(2))
    judge = np.where(rng.random(60) < 0.7, people, judge)
    question, weight = rng.integers(0, 15, 60), rng.choice([0.5, 1.0, 2.5], 60)
    question = np.unique(question, return_inverse=True)[1]
    texts = ["".join(map(str, labels)) for labels in (people, judge)]
    audit = audit_of(texts[0], {"j": texts[1]}, question=question, weight=weight)
    asked = policy(resamples=300, confidence=0.9)
    found = overall(audit, asked, "left_out")["cohen_kappa"]
    times = intervals.multinomial_weights(np.random.default_rng(SEED), 300, question.max() + 1)
    kappas = []
    for drawn in times:
        table = np.zeros((2, 2))
        for case in range(60):
            table[people[case], judge[case]] += drawn[question[case]] * weight[case]
        share = table / table.sum()
        chance = share.sum(0) @ share.sum(1)
        kappas.append((np.trace(share) - chance) / (1 - chance))
    ends = np.quantile(kappas, [0.05, 0.95])
    # few questions: √(m/(m − 1)) and t with m − 1 degrees of freedom for the normal quantile
    m = question.max() + 1
    wider = np.sqrt(m / (m - 1)) * stats.t.ppf(0.95, m - 1) / stats.norm.ppf(0.95)
    expected = found["value"] + wider * (ends - found["value"])
    assert (found["low"], found["high"]) == pytest.approx(expected, abs=1e-9)
    assert found["note"] == FEW_QUESTIONS and wider > 1.1


def test_answers_to_one_question_are_no_independent_evidence() -> None:
    """The same 80 cases as 80 questions, and as 8 questions whose answers all go the same way."""
    people, judge = "1" * 40 + "0" * 40, "1" * 30 + "0" * 40 + "1" * 10
    wide = audit_of(people, {"j": judge}, question=np.repeat(np.arange(8), 10))
    narrow = audit_of(people, {"j": judge})
    figure = [overall(a, policy(), "left_out")["accuracy"] for a in (wide, narrow)]
    assert figure[0]["value"] == figure[1]["value"] == 0.75
    widths = [one["high"] - one["low"] for one in figure]
    assert widths[0] > 2 * widths[1]


def test_a_slice_of_one_question_has_no_interval_and_says_so() -> None:
    audit = audit_of(
        "1010" * 3, {"j": "1011" * 3}, question=[0, 1, 2, 3] * 2 + [4] * 4, model="a" * 8 + "b" * 4
    )
    found = by_model(audit, policy())
    assert found["b"]["n"] == 4 and found["b"]["accuracy"]["value"] == 0.75
    for name in ("accuracy", "cohen_kappa", "leniency"):
        one = found["b"][name]
        assert (one["low"], one["high"], one["reason"]) == (None, None, ONE_QUESTION), name
    assert found["a"]["accuracy"]["low"] is not None


def test_a_figure_that_most_resamples_leave_undefined_has_no_interval() -> None:
    """One case in 20 is negative: (19/20)^20 = 36% of the resamples have no specificity."""
    found = overall(audit_of("1" * 19 + "0", {"j": "01" + "1" * 17 + "0"}), policy(), "left_out")
    one = found["specificity"]
    assert (one["value"], one["low"], one["high"]) == (1.0, None, None)
    share = float(one["reason"].split("undefined in ")[1].split("%")[0]) / 100
    assert share == pytest.approx(0.36, abs=0.08)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        # 20 questions without a disagreement: 1 − 0.025^(1/20) = 16.84% cannot be ruled out.
        ("accuracy", 0.025 ** (1 / 20), 1.0),
        ("brennan_prediger", 2 * 0.025 ** (1 / 20) - 1, 1.0),
        ("leniency", -(1 - 0.025 ** (1 / 20)), 1 - 0.025 ** (1 / 20)),
    ],
)
def test_no_disagreement_is_not_certainty(name: str, low: float, high: float) -> None:
    audit = audit_of("10" * 10, {"j": "10" * 10})
    found = overall(audit, policy(), "left_out")[name]
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-12)
    assert found["note"] == NO_DISAGREEMENT


def test_no_disagreement_on_weighted_cases_of_many_labels_is_not_certainty() -> None:
    """Whether anything lies off the diagonal must not hang on how the diagonal is added up."""
    labels = ("a", "b", "c", "d")
    for weights in ([3.3, 0.2, 0.7, 1 / 7], [1 / 7, 0.3, 1.1, 0.1], [1.1, 0.7, 3.3, 0.7]):
        audit = audit_of("0123" * 3, {"j": "0123" * 3}, labels=labels, weight=weights * 3)
        found = overall(audit, policy(), "left_out")["cohen_kappa"]
        assert found["low"] < 0.9 and found["note"] == NO_DISAGREEMENT, weights


@pytest.mark.parametrize(
    ("name", "people", "judge", "ends"),
    [
        # 12 of 12 negatives rejected, while 5 of 20 positives are missed
        ("specificity", "1" * 20 + "0" * 12, "0" * 5 + "1" * 15 + "0" * 12, (0.025 ** (1 / 12), 1)),
        ("sensitivity", "0" * 20 + "1" * 12, "1" * 5 + "0" * 27, (0, 1 - 0.025 ** (1 / 12))),
        # what it calls positive, 15 cases, always is
        (
            "positive_predictive_value",
            "1" * 20 + "0" * 12,
            "0" * 5 + "1" * 15 + "0" * 12,
            (0.025 ** (1 / 15), 1),
        ),
    ],
)
def test_a_share_without_a_miss_has_an_exact_interval(name, people, judge, ends) -> None:
    found = overall(audit_of(people, {"j": judge}), policy(), "left_out")[name]
    assert (found["low"], found["high"]) == pytest.approx(ends)
    assert found["note"] == EXACT
    by_four = audit_of(people, {"j": judge}, question=np.arange(32) % 4)
    wider = overall(by_four, policy(), "left_out")[name]
    m = 0.025 ** (1 / 4)  # answers to one question may all go the same way
    assert (wider["low"], wider["high"]) == pytest.approx((m, 1) if ends[1] == 1 else (0, 1 - m))


def test_what_the_judge_left_out_rules_nothing_out() -> None:
    """It decided 4 of 40 questions: 1 − 0.025^(1/4) = 60% disagreement cannot be ruled out."""
    audit = audit_of("10" * 20, {"j": "1010" + "-" * 36})
    found = overall(audit, policy(), "left_out")
    assert (found["n"], found["accuracy"]["value"]) == (4, 1.0)
    assert found["accuracy"]["low"] == pytest.approx(0.025 ** (1 / 4))
    one = audit_of("10" * 20, {"j": "10" + "-" * 38}, question=[0, 0, *range(1, 39)])
    assert overall(one, policy(), "left_out")["accuracy"]["reason"] == ONE_QUESTION


# --- the scope: these models, or models not yet seen -------------------------------------------


def uneven(models: int = 6, questions: int = 30) -> Audit:
    """Half of the models are judged well, half badly: what models differ in, questions do not."""
    rng = np.random.default_rng(2)
    people = rng.integers(0, 2, (models, questions))
    wrong = rng.random((models, questions)) < np.where(np.arange(models) % 2, 0.4, 0.02)[:, None]
    judge = np.where(wrong, 1 - people, people)
    return audit_of(
        "".join(map(str, people.ravel())),
        {"j": "".join(map(str, judge.ravel()))},
        question=np.tile(np.arange(questions), models),
        model="".join(letter * questions for letter in "abcdefgh"[:models]),
    )


@pytest.mark.parametrize("name", ["accuracy", "cohen_kappa", "mcc"])
def test_new_models_are_less_certain_where_models_differ(name: str) -> None:
    audit, width = uneven(), {}
    for scope in ("these models", "new models"):
        found = overall(audit, policy(scope=scope, resamples=1000), "left_out")[name]
        width[scope] = found["high"] - found["low"]
    assert width["new models"] > 1.5 * width["these models"]


def test_the_two_way_bootstrap_is_an_explicit_loop() -> None:
    audit, asked = uneven(3, 8), policy(scope="new models", resamples=200)
    found = overall(audit, asked, "left_out")["accuracy"]
    draws = draw_resamples(audit, asked, np.random.default_rng(SEED))
    right = audit.reference.values == audit.judges["j"].verdicts
    shares = []
    for questions, picked in zip(draws.questions, draws.picked, strict=True):
        weight = questions[audit.question] * np.bincount(picked, minlength=3)[audit.model]
        shares.append((weight * right).sum() / weight.sum())
    value, moved = right.mean(), right - right.mean()
    parts = [
        sum(moved[cluster == one].sum() ** 2 for one in np.unique(cluster))
        for cluster in (audit.question, audit.model, np.arange(24))
    ]
    by = parts[0] * 8 / 7, parts[1] * 3 / 2
    variance = max(by[0] + by[1] - parts[2], *by)
    factor = np.sqrt(variance / sum(parts)) * stats.t.ppf(0.975, 2) / stats.norm.ppf(0.975)
    ends = value + factor * (np.quantile(shares, [0.025, 0.975]) - value)
    assert (found["low"], found["high"]) == pytest.approx((ends[0], min(1, ends[1])), abs=1e-6)
    assert found["note"] == FEW_MODELS


def test_a_slice_of_one_model_has_its_model_fixed() -> None:
    audit = uneven()
    fixed, drawn = (by_model(audit, policy(scope=s)) for s in ("these models", "new models"))
    assert fixed == drawn


def test_one_model_tells_nothing_about_new_models() -> None:
    audit = audit_of("1100" * 5, {"j": "1101" * 5})
    found = overall(audit, policy(scope="new models"), "left_out")["accuracy"]
    assert (found["value"], found["low"]) == (0.75, None)
    assert "one model" in found["reason"]
    assert overall(audit, policy(), "left_out")["accuracy"]["low"] is not None


def test_three_models_without_disagreement_leave_much_open_about_new_ones() -> None:
    """1 − 0.025^(1/3) = 71% of new models' answers cannot be ruled out, whatever the questions."""
    people = "10" * 15
    audit = audit_of(
        people, {"j": people}, question=list(range(10)) * 3, model="a" * 10 + "b" * 10 + "c" * 10
    )
    found = overall(audit, policy(scope="new models"), "left_out")["accuracy"]
    assert found["low"] == pytest.approx(0.025 ** (1 / 3))
    these = overall(audit, policy(), "left_out")["accuracy"]
    assert these["low"] == pytest.approx(0.025 ** (1 / 10))


# --- the ranking of models ---------------------------------------------------------------------


def shares(people: list[int], judge: list[int], n: int = 10) -> Audit:
    """Models a, b, c … with so many of n answers that people, and the judge, call right."""
    texts = [
        "".join("1" * right + "0" * (n - right) for right in counts) for counts in (people, judge)
    ]
    return audit_of(
        texts[0],
        {"j": texts[1]},
        question=list(range(n)) * len(people),
        model="".join(letter * n for letter in "abcdefgh"[: len(people)]),
    )


@pytest.mark.parametrize(
    ("people", "judge", "expected"),
    [
        # no exchange: errors 0.1, 0, 0.1, 0
        ([2, 4, 6, 8], [1, 4, 7, 8], (1.0, 1.0, 0.05, 0.1)),
        # b and c change places: ρ = 1 − 6·2/(4·15), τ = (5 − 1)/6; errors 0, 0.3, 0.3, 0
        ([2, 4, 7, 8], [2, 7, 4, 8], (0.8, 2 / 3, 0.15, 0.3)),
        # all turned round; errors 0.6, 0, 0.6
        ([2, 5, 8], [8, 5, 2], (-1.0, -1.0, 0.4, 0.6)),
        # b and c tie for the judge: ranks 1, 2.5, 2.5 on 1, 2, 3 → ρ = τ-b's cousin √3/2;
        # τ-b = 2/√(3·2); errors 0, 0.1, 0.1
        ([2, 4, 6], [2, 5, 5], (np.sqrt(3) / 2, 2 / np.sqrt(6), 0.2 / 3, 0.1)),
    ],
)
def test_the_ranking_by_hand(
    people: list[int], judge: list[int], expected: tuple[float, ...]
) -> None:
    found = ranking(shares(people, judge), policy())
    assert found["models"] == len(people)
    values = tuple(found[name]["value"] for name in RANKING[:4])
    assert values == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("people", "judge", "correlation"),
    [([5, 5, 5], [1, 5, 9], "tie all models"), ([1, 5, 9], [5, 5, 5], "tie all models")],
)
def test_a_constant_ranking_has_no_correlation_but_errors(
    people: list[int], judge: list[int], correlation: str
) -> None:
    found = ranking(shares(people, judge), policy())
    for name in ("spearman", "kendall"):
        assert found[name]["value"] is None and correlation in found[name]["reason"]
    assert found["worst_absolute_error"]["value"] == pytest.approx(0.4)


def test_one_model_cannot_be_ranked() -> None:
    found = ranking(shares([5], [6]), policy())
    assert found["models"] == 1
    for name in RANKING:
        assert found[name]["value"] is None and "fewer than two models" in found[name]["reason"]


def test_a_model_that_the_judge_never_decided_cannot_be_passed_over() -> None:
    people, judge = "1100" * 3, "1100" + "1000" + "----"
    audit = audit_of(people, {"j": judge}, question=list(range(4)) * 3, model="aaaabbbbcccc")
    left_out = ranking(audit, policy(), "left_out")
    assert left_out["models"] == 3
    for name in RANKING:
        assert left_out[name]["value"] is None and "decided none" in left_out[name]["reason"]
    wrong = ranking(audit, policy(), "count_as_wrong")
    assert wrong["models"] == 3
    # c's two right answers become wrong and its two wrong ones right: its share stays 0.5
    assert wrong["worst_absolute_error"]["value"] == pytest.approx(0.25)


def test_the_ranking_s_interval_is_an_explicit_loop() -> None:
    audit, asked = uneven(3, 20), policy(resamples=200)  # of 3 models no noise is taken out
    found = ranking(audit, asked)
    draws = draw_resamples(audit, asked, np.random.default_rng(SEED))
    errors = []
    for drawn in draws.questions:
        weight = drawn[audit.question]
        off = []
        for model in range(3):
            of = audit.model == model
            both = [
                (weight * of * v).sum() / (weight * of).sum()
                for v in (audit.reference.values, audit.judges["j"].verdicts)
            ]
            off.append(abs(both[0] - both[1]))
        errors.append(max(off))
    ends = np.quantile(errors, [0.025, 0.975])
    one = found["worst_absolute_error"]
    assert (one["low"], one["high"]) == pytest.approx(ends, abs=1e-9)


def test_no_disagreement_does_not_bound_a_model_s_error_by_nought() -> None:
    """Model a has 10 questions, b has 5: 1 − 0.025^(1/5) = 52% of b's answers may be misjudged."""
    people = "1100110010" + "11010"
    audit = audit_of(
        people, {"j": people}, question=[*range(10), *range(5)], model="a" * 10 + "b" * 5
    )
    found = ranking(audit, policy())
    unseen = 1 - 0.025 ** (1 / 10), 1 - 0.025 ** (1 / 5)
    worst, mean = found["worst_absolute_error"], found["mean_absolute_error"]
    assert (worst["low"], worst["high"]) == pytest.approx((0, unseen[1]))
    assert (mean["low"], mean["high"]) == pytest.approx((0, sum(unseen) / 2))
    assert worst["note"] == mean["note"] == NO_DISAGREEMENT


def test_a_ranking_on_one_question_has_no_interval() -> None:
    audit = audit_of("110", {"j": "110"}, question=[0, 0, 0], model="abc")
    found = ranking(audit, policy())
    for name in RANKING:
        assert (found[name]["low"], found[name]["reason"]) == (None, ONE_QUESTION), name


def test_two_questions_are_enough_for_an_interval_of_the_ranking() -> None:
    """Each question, drawn twice, shows a model that is wholly misjudged; both show half."""
    audit = audit_of("1100", {"j": "1010"}, question=[0, 0, 1, 1], model="abab")
    found = ranking(audit, policy())["worst_absolute_error"]
    assert (found["value"], found["low"], found["high"]) == (0.5, 0.5, 1.0)


def test_new_models_widen_the_ranking_s_errors() -> None:
    audit = uneven()
    wide, narrow = (
        ranking(audit, policy(scope=scope, resamples=1000))["mean_absolute_error"]
        for scope in ("new models", "these models")
    )
    assert wide["high"] - wide["low"] > narrow["high"] - narrow["low"]


def test_shares_are_peoples_and_the_judge_s_by_model() -> None:
    audit = shares([2, 4], [3, 4])
    draws = draw_resamples(audit, policy(), np.random.default_rng(SEED))
    slices = count(audit, audit.judges["j"].verdicts, audit.model, draws)
    assert shares_by_model(slices, audit, "left_out") == {
        "a": {"people": 0.2, "judge": 0.3},
        "b": {"people": 0.4, "judge": 0.4},
    }


def test_a_model_without_a_settled_label_has_no_share_and_is_not_ranked() -> None:
    audit = audit_of("100--", {"j": "10011"}, model="abbcc")
    draws = draw_resamples(audit, policy(), np.random.default_rng(SEED))
    slices = count(audit, audit.judges["j"].verdicts, audit.model, draws)
    assert set(shares_by_model(slices, audit, "left_out")) == {"a", "b"}
    assert ranking(audit, policy())["models"] == 2


def test_slices_add_up_to_the_whole() -> None:
    audit = uneven()
    draws = draw_resamples(audit, policy(), np.random.default_rng(SEED))
    verdicts = audit.judges["j"].verdicts
    whole = count(audit, verdicts, np.zeros_like(audit.model), draws)
    parts = count(audit, verdicts, audit.model, draws)
    np.testing.assert_allclose(parts.point.sum(axis=0), whole.point[0])
    np.testing.assert_allclose(parts.samples.sum(axis=0), whole.samples[0])
    assert parts.cases.sum() == whole.cases[0] == len(verdicts)
    cells = judge_cells(audit.reference.values, verdicts, 2)
    assert whole.point[0].ravel().tolist() == np.bincount(cells, minlength=6).tolist()


def test_an_order_without_a_seen_disagreement_is_not_certain() -> None:
    """Three models with 8, 4 and 0 of 8 right: 1 − 0.025^(1/8) = .369 is not ruled out each way.

    8/8 − .369 = .631 and 4/8 + .369 = .869 change places, so ρ of (3, 2, 1) and (2, 3, 1) is .5;
    with 200 questions each, .018 moves nothing past anything.
    """
    for questions, low in ((8, 0.5), (200, 1.0)):
        people = np.array([1.0, 0.5, 0.0])
        found = _unseen("spearman", people, np.full(3, questions), 0.95)
        assert found["low"] == pytest.approx(low) and found["high"] == 1.0


def test_unequal_weights_leave_more_unseen() -> None:
    """Where a case stands for many, few were looked at: they rule out less."""
    # weights 1.2 and .6, 40 and 20 of them: their mean 1 over the largest 1.2 leaves 50 questions
    weight = [1.2] * 40 + [0.6] * 20
    even = audit_of("10" * 30, {"j": "10" * 30})
    uneven = audit_of("10" * 30, {"j": "10" * 30}, weight=weight)
    low = [overall(a, policy(), "left_out")["accuracy"]["low"] for a in (even, uneven)]
    # 1 − upper Clopper–Pearson limit of 0 of m: .025^(1 / m)
    assert low == pytest.approx([0.025 ** (1 / 60), 0.025 ** (1 / 50)])
