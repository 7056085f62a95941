"""What a policy may ask beside agreement: coverage, enough labels, people as the measure."""

import numpy as np
import pytest
from pytest import approx
from small_road import audit_of, policy

from judges.agreement import STATISTICS
from judges.evidence import weigh
from judges.figures import count, draw_resamples
from judges.further import further_labels
from judges.gate import APPROVED, INCONCLUSIVE, REJECTED, check_policy, decide
from judges.phrasing import rule_says
from judges.requirements import coverage
from judges.tables import Audit
from samples.errors import BenchwarrantError
from samples.study import PolicyBlock


def weighed(audit: Audit, asked: PolicyBlock) -> dict:
    return weigh(audit, asked, 0).judges["judge"]


def decided(audit: Audit, asked: PolicyBlock) -> tuple[str, str]:
    check_policy(asked)
    decision, [finding] = decide(weighed(audit, asked), asked)
    return decision, finding.says


# 40 cases: one in ten answers is not decided.
PEOPLE = "1100110011" * 4
JUDGE = "110011001-" * 4
SPLIT = audit_of(PEOPLE, {"judge": JUDGE}, model="ab" * 20)


def test_coverage_is_the_share_that_was_decided() -> None:
    about = weighed(SPLIT, policy({"statistic": "coverage", "at_least": 0.5}))
    found = about["coverage"]["all"][""]
    assert (found["value"], found["n"]) == (approx(0.9), 40)
    assert found["low"] < 0.9 < found["high"] < 1
    assert {name: one["value"] for name, one in about["coverage"]["model"].items()} == {
        "a": 1.0,
        "b": approx(0.8),
    }
    # None of a's 20 questions failed: 0.025^(1/20) at the lower end.
    assert about["coverage"]["model"]["a"]["low"] == approx(0.025 ** (1 / 20))


@pytest.mark.parametrize(
    ("limit", "decision"), [(0.5, APPROVED), (0.9, INCONCLUSIVE), (0.99, REJECTED)]
)
def test_coverage_gates(limit: float, decision: str) -> None:
    asked = policy({"statistic": "coverage", "at_least": limit})
    assert decided(SPLIT, asked)[0] == decision


def test_coverage_gates_each_model() -> None:
    asked = policy({"statistic": "coverage", "per": "model", "at_least": 0.95})
    decision, says = decided(SPLIT, asked)
    assert decision == INCONCLUSIVE
    assert "(worst: b)" in says


def test_a_group_without_cases_has_no_coverage() -> None:
    audit = audit_of("10-", {"judge": "101"}, model="aab")
    asked = policy()
    draws = draw_resamples(audit, asked, np.random.default_rng(0))
    by_model = count(audit, audit.judges["judge"].verdicts, audit.model, draws)
    a, *rest = coverage(by_model, asked)
    assert a["value"] == 1.0
    assert all(one["value"] is None and "no cases" in one["reason"] for one in rest)


@pytest.mark.parametrize(
    ("statistic", "number"), [("cases", 40), ("raters", 2), ("doubly_labelled", 20)]
)
def test_enough_labels_are_counted_and_too_few_reject_nobody(statistic: str, number: int) -> None:
    second = PEOPLE[:20] + "-" * 20
    audit = audit_of([PEOPLE, second], {"judge": PEOPLE})
    enough = policy({"level": "audit", "statistic": statistic, "at_least": number})
    assert decided(audit, enough) == (APPROVED, f"{statistic} {number}: met")
    too_few = policy({"level": "audit", "statistic": statistic, "at_least": number + 5})
    assert decided(audit, too_few) == (INCONCLUSIVE, f"{statistic} {number}: short by 5")


def test_how_many_more_cases_a_count_lacks() -> None:
    audit = audit_of(PEOPLE, {"judge": PEOPLE})
    for statistic, limit, more in (("cases", 60, 20), ("raters", 2, None)):
        asked = policy({"level": "audit", "statistic": statistic, "at_least": limit})
        found = further_labels(weighed(audit, asked), asked, audit)
        assert found["cases"] == more
    assert found["reason"] == "the policy asks for more people who label"


def test_people_are_the_measure_of_a_judge() -> None:
    """Two people differ on one case in ten; the judge is as the first of them, who settles."""
    second = "".join("10"[int(c)] if i % 10 == 0 else c for i, c in enumerate(PEOPLE))
    audit = audit_of([PEOPLE, second], {"judge": PEOPLE})
    rule = {"statistic": "cohen_kappa", "against": "people", "at_least": -0.05}
    asked = policy(rule)
    found = weighed(audit, asked)["against_people"]["cohen_kappa"]
    table = np.array([[16.0, 0.0], [4.0, 20.0]])  # people: 4 of the 24 right ones are called wrong
    own = float(STATISTICS["cohen_kappa"](table))
    assert (found["value"], found["n"]) == (approx(1 - own), 40)
    assert 0 < found["low"] < found["value"] < found["high"]
    decision, says = decided(audit, asked)
    assert decision == APPROVED and says.startswith("cohen_kappa minus people's own ")
    worse = audit_of([PEOPLE, second], {"judge": "10" * 20})
    assert decided(worse, asked)[0] == REJECTED


def test_without_two_people_there_is_no_such_measure() -> None:
    asked = policy({"statistic": "cohen_kappa", "against": "people", "at_least": -0.05})
    decision, says = decided(SPLIT, asked)
    assert decision == INCONCLUSIVE
    assert "no case has two people's labels" in says


def test_people_who_always_agree_are_no_measure_with_an_interval() -> None:
    audit = audit_of([PEOPLE, PEOPLE], {"judge": JUDGE})
    asked = policy({"statistic": "cohen_kappa", "against": "people", "at_least": -0.9})
    decision, says = decided(audit, asked)
    assert decision == INCONCLUSIVE and "people agree on every case" in says


def test_such_rules_are_said_in_words() -> None:
    rule = {"statistic": "cohen_kappa", "level": "case", "bound": "low", "at_least": -0.05}
    seen = {"value": 0.01, "low": -0.02, "high": 0.04}
    said = rule_says({**rule, "against": "people", "slice": "", "observed": seen})
    assert said == (
        "Cohen's κ minus people's own +0.010 [−0.020, +0.040] (required: lower end ≥ -0.05)"
    )
    rule = {"statistic": "cases", "level": "audit", "bound": "low", "at_least": 500}
    seen = {"value": 1240.0, "low": 1240.0, "high": 1240.0}
    said = rule_says({**rule, "slice": "", "observed": seen})
    assert said == "cases with a settled label 1,240 (required: ≥ 500)"


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"statistic": "spearman", "against": "people", "at_least": 0}, "is not known"),
        ({"statistic": "cohen_kappa", "level": "audit", "at_least": 1}, "is not known"),
    ],
)
def test_only_what_exists_can_be_asked(rule: dict, says: str) -> None:
    with pytest.raises(BenchwarrantError, match=says):
        check_policy(policy(rule))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"statistic": "cases", "level": "audit", "at_most": 5}, "a count with at_least"),
        (
            {"statistic": "mcc", "against": "people", "per": "model", "at_least": 0},
            "against goes with",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        policy(rule)


def test_older_policies_stay_the_policies_that_they_were() -> None:
    asked = policy({"statistic": "cohen_kappa", "at_least": 0.8})
    assert "against" not in asked.deciding["rule"][0]
    asked = policy({"statistic": "cohen_kappa", "against": "people", "at_least": 0.8})
    assert asked.deciding["rule"][0]["against"] == "people"
