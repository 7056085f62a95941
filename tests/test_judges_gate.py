"""Rules against figures: what is met, what is broken, what is open, and what that adds up to."""

from typing import Any

import pytest
from small_road import policy

from judges.figures import ONE_QUESTION, Figure, figure, undefined_figure
from judges.gate import EXIT_CODES, apply, check_policy, decide, hold, rule_in_words
from samples.errors import BenchwarrantError
from samples.study import RuleBlock

UNDEFINED = undefined_figure("undefined: every label is 'correct'")
NO_INTERVAL = figure(0.9, float("nan"), float("nan")) | {"reason": ONE_QUESTION}


def rule(statistic: str = "cohen_kappa", **more: Any) -> RuleBlock:
    return RuleBlock.model_validate({"statistic": statistic} | more)


def interval(low: float, high: float) -> Figure:
    return figure((low + high) / 2, low, high)


AT_LEAST = {"low": {"at_least": 0.8}, "high": {"at_least": 0.8, "bound": "high"}}
AT_MOST = {"high": {"at_most": 0.1, "bound": "high"}, "low": {"at_most": 0.1, "bound": "low"}}
WITHIN = {"within": 0.05, "bound": "both"}


@pytest.mark.parametrize(
    ("limit", "ends", "outcome", "margin"),
    [
        # at least 0.8, by the lower end
        (AT_LEAST["low"], (0.85, 0.95), "met", 0.05),
        (AT_LEAST["low"], (0.8, 0.9), "met", 0.0),  # the limit itself is enough
        (AT_LEAST["low"], (0.79, 0.9), "open", -0.01),
        (AT_LEAST["low"], (0.7, 0.8), "open", -0.1),  # could still be 0.8
        (AT_LEAST["low"], (0.6, 0.79), "not met", -0.2),
        # at least 0.8, by the upper end: only what is certainly below is refused
        (AT_LEAST["high"], (0.6, 0.85), "met", 0.05),
        (AT_LEAST["high"], (0.6, 0.79), "not met", -0.01),
        # at most 0.1, by the upper end
        (AT_MOST["high"], (0.02, 0.08), "met", 0.02),
        (AT_MOST["high"], (0.02, 0.1), "met", 0.0),
        (AT_MOST["high"], (0.05, 0.12), "open", -0.02),
        (AT_MOST["high"], (0.11, 0.12), "not met", -0.02),
        # at most 0.1, by the lower end
        (AT_MOST["low"], (0.05, 0.5), "met", 0.05),
        (AT_MOST["low"], (0.11, 0.5), "not met", -0.01),
        # within ±0.05, by both ends
        (WITHIN, (-0.04, 0.02), "met", 0.01),
        (WITHIN, (-0.05, 0.05), "met", 0.0),
        (WITHIN, (-0.04, 0.06), "open", -0.01),
        (WITHIN, (-0.09, 0.04), "open", -0.04),
        (WITHIN, (-0.2, 0.2), "open", -0.15),
        (WITHIN, (0.05, 0.2), "open", -0.15),
        (WITHIN, (-0.2, -0.05), "open", -0.15),
        (WITHIN, (0.06, 0.2), "not met", -0.15),  # certainly too lenient
        (WITHIN, (-0.2, -0.06), "not met", -0.15),  # certainly too strict
    ],
)
def test_a_rule_on_an_interval(
    limit: dict[str, Any], ends: tuple[float, float], outcome: str, margin: float
) -> None:
    found = hold(rule(**limit), interval(*ends))
    assert found == (outcome, pytest.approx(margin, abs=1e-12))


@pytest.mark.parametrize("found", [UNDEFINED, NO_INTERVAL], ids=["undefined", "no interval"])
@pytest.mark.parametrize("limit", [*AT_LEAST.values(), *AT_MOST.values(), WITHIN], ids=str)
def test_what_has_no_interval_meets_nothing_and_breaks_nothing(limit, found: Figure) -> None:
    assert hold(rule(**limit), found) == ("open", float("-inf"))
    finding = apply(rule(**limit), about(cohen_kappa=found), policy())
    assert finding.outcome == "open" and found["reason"] in finding.says


# --- which figure a rule reads -----------------------------------------------------------------


def about(
    models: dict[str, Figure] | None = None, ranking: Figure | None = None, **case: Figure
) -> dict[str, Any]:
    """Evidence about a judge; each handling of failures has its figures."""
    return {
        "case": {"failures_count_as_wrong": case, "failures_left_out": dict.fromkeys(case, BAD)},
        "by": {
            "model": {
                name: {"n": 0 if found["value"] is None else 10, "cohen_kappa": found}
                for name, found in (models or {}).items()
            },
            "task": {"sums": {"n": 10, "cohen_kappa": BAD}},
        },
        "ranking": {"models": 3, "spearman": ranking or GOOD},
    }


GOOD, BAD, WIDE = interval(0.85, 0.95), interval(0.1, 0.3), interval(0.5, 0.95)


def test_the_policy_says_how_failures_count() -> None:
    found = about(cohen_kappa=GOOD)
    assert apply(rule(at_least=0.8), found, policy()).outcome == "met"
    assert apply(rule(at_least=0.8), found, policy(failures="left_out")).outcome == "not met"


def test_case_and_ranking_are_two_axes() -> None:
    ranked = rule("spearman", level="ranking", at_least=0.9)
    found = about(ranking=BAD, spearman=GOOD)
    assert apply(ranked, found, policy()).outcome == "not met"
    assert apply(rule("spearman", at_least=0.8), found, policy()).outcome == "met"


@pytest.mark.parametrize(
    ("models", "worst", "outcome"),
    [
        ({"a": GOOD, "b": interval(0.81, 0.9), "c": GOOD}, "b", "met"),
        ({"a": GOOD, "b": WIDE, "c": interval(0.7, 0.9)}, "b", "open"),
        ({"a": BAD, "b": UNDEFINED, "c": GOOD}, "a", "not met"),  # certain comes before unknown
        ({"a": BAD, "b": interval(-0.2, 0.2), "c": GOOD}, "b", "not met"),
        ({"a": GOOD, "b": UNDEFINED}, "b", "open"),  # also where it has no case at all
        ({"a": UNDEFINED, "b": UNDEFINED}, "a", "open"),
    ],
)
def test_the_worst_slice_stands_for_all(models, worst: str, outcome: str) -> None:
    finding = apply(rule(at_least=0.8, per="model"), about(models), policy())
    assert (finding.slice, finding.outcome) == (worst, outcome)
    assert finding.observed == models[worst]
    assert f"(worst: {worst})" in finding.says


def test_a_rule_per_task_reads_the_tasks() -> None:
    finding = apply(rule(at_least=0.8, per="task"), about({"a": GOOD}), policy())
    assert (finding.slice, finding.observed) == ("sums", BAD)


# --- the decision ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "decision"),
    [
        ((GOOD, GOOD), "approved"),
        ((GOOD, WIDE), "inconclusive"),
        ((WIDE, GOOD), "inconclusive"),
        ((GOOD, UNDEFINED), "inconclusive"),
        ((GOOD, BAD), "rejected"),
        ((WIDE, BAD), "rejected"),  # one certain break is enough
        ((BAD, UNDEFINED), "rejected"),
    ],
)
def test_the_decision(figures: tuple[Figure, Figure], decision: str) -> None:
    rules = ({"statistic": "accuracy", "at_least": 0.8}, {"statistic": "mcc", "at_least": 0.8})
    found = about(accuracy=figures[0], mcc=figures[1])
    made, findings = decide(found, policy(*rules))
    assert made == decision
    assert [finding.observed for finding in findings] == list(figures)
    assert EXIT_CODES[made] == {"approved": 0, "rejected": 1, "inconclusive": 3}[decision]


def test_a_policy_without_rules_approves_nothing() -> None:
    assert decide(about(), policy())[0] == "inconclusive"
    with pytest.raises(BenchwarrantError, match=r"no \[\[policy.rule\]\]"):
        check_policy(policy())


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"statistic": "cohen_kapa", "at_least": 0.8}, "did you mean 'cohen_kappa'"),
        ({"statistic": "accuracy", "level": "ranking", "at_least": 0.8}, "level 'ranking'"),
        ({"statistic": "worst_absolute_error", "at_most": 0.1}, "level 'case'"),
    ],
)
def test_an_unknown_statistic_is_one_line(broken: dict[str, Any], says: str) -> None:
    with pytest.raises(BenchwarrantError, match="is not known at level") as caught:
        check_policy(policy(broken))
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_rule_may_be_about_scores() -> None:
    ruled = rule("auroc", at_least=0.8)
    found = about() | {"graded": {"failures_count_as_wrong": {"auroc": GOOD}}}
    assert apply(ruled, found, policy()).outcome == "met"
    none = apply(ruled, about() | {"graded": {}}, policy())
    assert none.outcome == "open" and "the judge gives no scores" in none.says
    check_policy(policy({"statistic": "brier", "at_most": 0.1}))
    with pytest.raises(BenchwarrantError, match="over all cases; leave per out"):
        check_policy(policy({"statistic": "brier", "per": "model", "at_most": 0.1}))


def test_every_statistic_of_a_level_may_be_named() -> None:
    from judges.agreement import STATISTICS
    from judges.ranking import RANKING

    check_policy(policy(*({"statistic": name, "at_least": 0} for name in STATISTICS)))
    ranked = ({"statistic": name, "level": "ranking", "at_least": 0} for name in RANKING)
    check_policy(policy(*ranked))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (rule(at_least=0.8), "cohen_kappa: lower end ≥ 0.8"),
        (
            rule("spearman", level="ranking", at_most=0.125, bound="high"),
            "spearman of the ranking: upper end ≤ 0.125",
        ),
        (
            rule("leniency", per="model", within=0.05, bound="both"),
            "each model's leniency: interval within ±0.05",
        ),
    ],
)
def test_rules_in_words(asked: RuleBlock, words: str) -> None:
    assert rule_in_words(asked) == words


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (GOOD, "cohen_kappa 0.900 [0.850, 0.950]: met"),
        (BAD, "cohen_kappa 0.200 [0.100, 0.300]: not met"),
        (WIDE, "cohen_kappa 0.725 [0.500, 0.950]: not shown, short by 0.300"),
        (UNDEFINED, "cohen_kappa: undefined: every label is 'correct'"),
    ],
)
def test_findings_in_words(found: Figure, says: str) -> None:
    assert apply(rule(at_least=0.8), about(cohen_kappa=found), policy()).says.startswith(says)
