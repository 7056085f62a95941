"""How many labels more: by hand."""

import math
from typing import Any

import pytest
from small_road import audit_of, policy

from judges.evidence import weigh
from judges.figures import NO_DISAGREEMENT
from judges.further import factor, further_labels, further_says
from samples.study import RuleBlock

Z, Z80 = 1.959964, 0.841621
TIMES = ((Z + Z80) / Z) ** 2  # 2.04: what power costs beyond the bare half-width


def figure(value: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high} | more


def rule(**limits: Any) -> RuleBlock:
    return RuleBlock.model_validate({"statistic": "accuracy"} | limits)


@pytest.mark.parametrize(
    ("limits", "found", "met", "times"),
    [
        # .9 is .1 above the bound, its lower half-width is .2: four times the labels, and power
        ({"at_least": 0.8}, figure(0.9, 0.7, 1.0), True, 4 * TIMES),
        ({"at_least": 0.8}, figure(0.7, 0.5, 0.9), False, 4 * TIMES),
        ({"at_most": 0.1}, figure(0.05, 0.0, 0.15), True, 4 * TIMES),
        ({"at_most": 0.1}, figure(0.15, 0.05, 0.3), False, 4 * TIMES),
        ({"within": 0.05}, figure(-0.03, -0.07, 0.0), True, 4 * TIMES),
        ({"within": 0.05}, figure(0.07, 0.03, 0.2), False, 4 * TIMES),
        ({"at_least": 0.8}, figure(0.8, 0.7, 0.9), True, math.inf),
        # without a disagreement the end comes nearer as 1 / n
        ({"at_least": 0.8}, figure(1.0, 0.6, 1.0, note=NO_DISAGREEMENT), True, 2),
    ],
)
def test_how_many_times_the_labels(
    limits: dict[str, Any], found: dict[str, Any], met: bool, times: float
) -> None:
    assert factor(rule(**limits), found, 0.95) == (met, pytest.approx(times, rel=1e-5))


def about(**figures: dict[str, Any]) -> dict[str, Any]:
    return {"case": {"failures_count_as_wrong": figures}, "by": {}, "ranking": {}}


RULES = policy(
    {"statistic": "accuracy", "at_least": 0.8}, {"statistic": "cohen_kappa", "at_least": 0.6}
)
TEN = audit_of("1100110011", {"j": "1100110010"})


def test_an_approval_waits_for_the_last_rule_and_a_rejection_for_the_first() -> None:
    slow, quick = figure(0.9, 0.7, 1.0), figure(0.8, 0.55, 0.9)  # 4 and 1.5625 times, and power
    found = further_labels(about(accuracy=slow, cohen_kappa=quick), RULES, TEN)
    assert found == {"cases": math.ceil(10 * (4 * TIMES - 1)), "towards": "approved"}
    broken = figure(0.5, 0.3, 0.65)  # (.15 / .1)² = 2.25 times
    found = further_labels(about(accuracy=slow, cohen_kappa=broken), RULES, TEN)
    assert found == {"cases": math.ceil(10 * (2.25 * TIMES - 1)), "towards": "rejected"}
    assert "about 36 further cases would probably (80%) decide it" in further_says(found)
    assert further_says(found).endswith("rejected")


def test_what_is_decided_needs_nothing() -> None:
    sure = figure(0.95, 0.9, 1.0)
    assert further_labels(about(accuracy=sure, cohen_kappa=sure), RULES, TEN) == {}
    assert further_says({}) == ""


def test_what_cannot_be_said_is_said() -> None:
    nothing = {"value": None, "low": None, "high": None, "reason": "undefined: no cases"}
    found = further_labels(about(accuracy=figure(0.9, 0.7, 1.0), cohen_kappa=nothing), RULES, TEN)
    assert found["cases"] is None
    assert "cannot be said" in further_says(found)


def test_more_labels_do_decide() -> None:
    """An audit of 60 that is open, and the same shares at the number of cases that is named."""
    people, said = "1" * 30 + "0" * 30, "1" * 28 + "00" + "0" * 27 + "111"
    asked = policy({"statistic": "cohen_kappa", "at_least": 0.7})
    small = audit_of(people, {"j": said})
    found = further_labels(weigh(small, asked, 1).judges["j"], asked, small)
    assert found["towards"] == "approved"
    times = math.ceil((60 + found["cases"]) / 60)
    large = audit_of(people * times, {"j": said * times})
    assert further_labels(weigh(large, asked, 1).judges["j"], asked, large) == {}
