"""Whom a judge favours: the direction, the p value, and the correction for how many were asked."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control
from small_road import audit_of, policy

from judges.bias import benjamini_hochberg, discoveries, leniency
from judges.evidence import weigh
from judges.figures import count, draw_resamples

RIGHT, WRONG = "1100" * 15, "1111" * 15  # of 60 answers people call half right
CASES = len(RIGHT)


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)))
def test_benjamini_hochberg_is_scipy_s(p: np.ndarray) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), atol=1e-15)


def test_no_checks_no_discoveries() -> None:
    assert discoveries([]) == []


def models(**verdicts: str) -> list[dict[str, Any]]:
    """The checks of a judge that gives each model these verdicts; people say 1100 1100 …"""
    many = len(verdicts)
    audit = audit_of(
        RIGHT * many,
        {"j": "".join(verdicts.values())},
        question=list(range(CASES)) * many,
        model="".join(name * CASES for name in verdicts),
    )
    asked = policy()
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    slices = count(audit, audit.judges["j"].verdicts, audit.model, draws, models_vary=False)
    return leniency("j", "model", audit.models, slices, asked)


def test_leniency_by_hand() -> None:
    """a is judged as people do, of b's wrong answers 5 pass, of c's right ones 6 do not."""
    b = RIGHT.replace("00", "10", 5)
    c = RIGHT.replace("11", "10", 6)
    a, b, c = models(a=RIGHT, b=b, c=c)
    assert [one["effect"]["value"] for one in (a, b, c)] == pytest.approx([0, 5 / 60, -6 / 60])
    assert (a["slice"], a["n"], a["check"]) == ("a", 60, "leniency by model")
    assert a["p"] == 1.0
    assert b["effect"]["low"] < 5 / 60 < b["effect"]["high"]


def test_the_p_value_is_never_below_what_the_resamples_can_show() -> None:
    always = models(a=WRONG)[0]
    assert always["effect"]["value"] == 0.5
    assert always["p"] == 1 / 400


@pytest.mark.parametrize(
    ("lenient", "strict", "by"),
    [
        (8, 0, "sign test"),
        (3, 0, "sign test"),
        (1, 0, "sign test"),
        (9, 3, "resamples"),
        (3, 9, "resamples"),
    ],
)
def test_the_p_value_by_an_explicit_loop(lenient: int, strict: int, by: str) -> None:
    """Twice the resamples on the other side of zero, or all heads (or tails) of as many coins."""
    negative = "1" * lenient + "0" * (30 - lenient)
    positive = "0" * strict + "1" * (10 - strict)
    audit = audit_of("0" * 30 + "1" * 10, {"j": negative + positive})
    asked = policy(resamples=1000)
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    slices = count(audit, audit.judges["j"].verdicts, audit.model, draws)
    found = leniency("j", "model", audit.models, slices, asked)[0]
    tilt = np.array([1] * lenient + [0] * (30 - lenient) + [-1] * strict + [0] * (10 - strict))
    others = sum(times @ tilt * np.sign(tilt.sum()) <= 0 for times in draws.questions) / 1000
    expected = {"resamples": 2 * others, "sign test": 2 / 2 ** (lenient + strict)}
    assert found["p"] == pytest.approx(expected[by])
    assert expected[by] == max(expected.values())


@pytest.mark.parametrize(("verdicts", "sign"), [(WRONG, 1), ("0000" * 15, -1)])
def test_the_direction(verdicts: str, sign: int) -> None:
    found = discoveries(models(a=RIGHT, b=verdicts))
    assert [(one["slice"], np.sign(one["effect"]["value"])) for one in found] == [("b", sign)]
    assert found[0]["q"] == pytest.approx(2 * found[0]["p"])  # the smaller of two


def test_the_largest_effect_comes_first_and_chance_is_left_out() -> None:
    some = RIGHT.replace("00", "10", 10)
    few = RIGHT.replace("00", "10", 1).replace("11", "10", 1)
    found = discoveries(models(a=some, b=WRONG, c="0000" * 15, d=few))
    assert [one["slice"] for one in found] == ["b", "c", "a"]
    assert all(one["q"] >= one["p"] for one in found)


def test_a_failure_counts_as_the_policy_says() -> None:
    audit = audit_of(RIGHT, {"j": RIGHT.replace("0", "-")})  # fails on all that is wrong
    effects = {}
    for handling in ("left_out", "count_as_wrong"):
        asked = policy(failures=handling)
        draws = draw_resamples(audit, asked, np.random.default_rng(1))
        slices = count(audit, audit.judges["j"].verdicts, audit.model, draws)
        effects[handling] = leniency("j", "model", audit.models, slices, asked)[0]["effect"]
    assert effects["left_out"]["value"] == 0.0
    assert effects["count_as_wrong"]["value"] == 0.5


def test_a_slice_that_the_judge_never_decided_is_no_finding() -> None:
    audit = audit_of(RIGHT * 2, {"j": RIGHT + "-" * 60}, model="a" * 60 + "b" * 60)
    asked = policy(failures="left_out")
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    slices = count(audit, audit.judges["j"].verdicts, audit.model, draws)
    assert [one["slice"] for one in leniency("j", "model", audit.models, slices, asked)] == ["a"]


def test_one_question_is_no_finding() -> None:
    """Every resample of one question is that question: it can show nothing about others."""
    audit = audit_of(
        RIGHT + "0000",
        {"j": RIGHT + "1111"},
        question=[*range(60), 60, 60, 60, 60],
        model="a" * 60 + "b" * 4,
        task="s" * 60 + "t" * 4,
    )
    assert weigh(audit, policy(), 1).findings == []


def test_two_of_two_questions_are_no_finding() -> None:
    """A fair coin gives two alike in one of two throws."""
    audit = audit_of(RIGHT + "00", {"j": RIGHT + "11"}, model="a" * 60 + "b" * 2)
    assert weigh(audit, policy(), 1).findings == []
