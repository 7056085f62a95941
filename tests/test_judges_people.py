"""People as judges of each other, and when the doubly labelled cases speak for the whole set."""

from dataclasses import replace

import numpy as np
import pytest
from small_road import audit_of, policy

from judges.agreement import STATISTICS
from judges.evidence import weigh
from judges.figures import draw_resamples
from judges.intraclass import intraclass, mean_squares
from judges.people import ABOUT_PEOPLE, ALL_AGREE, NOBODY_ELSE, TOO_FEW_OTHERS, one_by_one
from judges.tables import Audit


def people(audit: Audit, **more: object) -> dict[str, dict[str, object]]:
    asked = policy(**({"resamples": 300} | more))
    return one_by_one(audit, asked, draw_resamples(audit, asked, np.random.default_rng(1)))


def test_two_people_are_each_other_s_reference() -> None:
    found = people(audit_of(["110010--", "11010011"], {"j": "11001011"}))
    assert set(found) == {"rater 0", "rater 1"}
    for one in found.values():
        assert one["n"] == 6 and one["accuracy"]["value"] == pytest.approx(4 / 6)
    # three of six each, two in common: (4/6 − 1/2) / (1 − 1/2)
    assert found["rater 0"]["cohen_kappa"]["value"] == pytest.approx(1 / 3)


def test_three_people_are_held_against_what_the_other_two_agree_on() -> None:
    raters = ["111000", "110100", "110001"]
    found = people(audit_of(raters, {"j": "110000"}))
    # the first's others agree on all but the fourth and the sixth case, and differ on the third
    assert found["rater 0"]["n"] == 4
    assert found["rater 0"]["accuracy"]["value"] == pytest.approx(3 / 4)


def test_a_person_and_a_judge_who_say_the_same_get_the_same_figures() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 2, 90)
    noisy = np.where(rng.random(90) < 0.8, truth, 1 - truth)
    texts = ["".join(map(str, values)) for values in (truth, noisy)]
    audit = audit_of(texts, {"j": texts[1]}, question=list(np.arange(90) // 3), model="abc" * 30)
    asked = policy(resamples=300, scope="new models")
    evidence = weigh(audit, asked, 1)
    judge, person = evidence.judges["j"]["case"]["failures_left_out"], evidence.people["rater 1"]
    assert person == {name: judge[name] for name in ("n", *ABOUT_PEOPLE)}


def test_nobody_else_or_too_few_of_them() -> None:
    alone = people(audit_of(["11--", "--10"], {"j": "1110"}))
    assert all(one["n"] == 0 and one["mcc"]["reason"] == NOBODY_ELSE for one in alone.values())
    assert people(audit_of("1100", {"j": "1100"})) == {}
    audit = audit_of(["1100", "1010", "1110"], {"j": "1100"})
    audit = replace(audit, reference=replace(audit.reference, rule="dawid-skene"))
    assert people(audit)["rater 0"]["accuracy"]["reason"] == TOO_FEW_OTHERS


def test_figures_of_people_are_those_of_judges() -> None:
    assert set(ABOUT_PEOPLE) <= STATISTICS.keys()


def test_the_ceiling_weighs_cases_by_their_chance_of_being_drawn() -> None:
    raters = ["1100", "1000"]
    plain = weigh(audit_of(raters, {"j": "1100"}), policy(), 1).ceiling["accuracy"]
    heavy = audit_of(raters, {"j": "1100"}, weight=[1, 5, 1, 1])
    assert plain["value"] == pytest.approx(3 / 4)
    assert weigh(heavy, policy(), 1).ceiling["accuracy"]["value"] == pytest.approx(3 / 8)


def test_the_ceiling_is_wider_where_models_are_resampled_too() -> None:
    """People differ on all answers of one model of three."""
    raters = ["100" * 40, "101" * 40]
    audit = audit_of(
        raters, {"j": "100" * 40}, question=list(np.arange(120) // 3), model="abc" * 40
    )
    found = [
        weigh(audit, policy(resamples=500, scope=scope), 1).ceiling["accuracy"]
        for scope in ("these models", "new models")
    ]
    assert found[0]["high"] - found[0]["low"] < 1e-9 < 0.5 < found[1]["high"] - found[1]["low"]


def test_the_ceiling_is_stretched_as_a_judge_s_figures_are() -> None:
    """People's agreement is a judge's accuracy where it says what the second of them says."""
    rng = np.random.default_rng(7)
    first = rng.integers(0, 2, 120)
    second = np.where(rng.random(120) < 0.8, first, 1 - first)
    texts = ["".join(map(str, side)) for side in (first, second)]
    more = {"question": list(np.arange(120) // 3), "model": "abc" * 40}
    for scope in ("these models", "new models"):
        audit = audit_of(texts, {"j": texts[1]}, **more)
        found = weigh(audit, policy(resamples=300, scope=scope), 1)
        for name in ("accuracy", "cohen_kappa"):
            people = found.ceiling[name]
            judge = found.judges["j"]["case"]["failures_left_out"][name]
            for end in ("value", "low", "high"):
                assert people[end] == pytest.approx(judge[end], abs=1e-5)
            assert people["note"] == judge["note"]


def test_a_standard_error_stands_beside_the_interval() -> None:
    rng = np.random.default_rng(6)
    texts = ["".join(map(str, rng.integers(0, 2, 300))) for _ in range(2)]
    found = weigh(audit_of(texts, {"j": texts[0]}), policy(resamples=1000), 1).ceiling
    for one in found.values():
        width = (one["high"] - one["low"]) / (2 * 1.96)
        assert one["standard_error"] == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize(
    ("raters", "wanted", "allocation", "speaks"),
    [
        (["1100", "11--"], [2, 2, 1, 1], "equal", True),
        (["1100", "11--"], None, "equal", True),  # an audit set without a plan of raters
        (["1100", "11--"], [2, 1, 1, 1], "equal", False),  # somebody added a label
        (["1100", "11--", "1---"], [2, 2, 1, 1], "equal", False),  # or a third where they differ
        (["1100", "11--"], [1, 1, 1, 1], "labelled", False),
        (["1100", "1101"], [1, 1, 1, 1], "labelled", True),  # they are the whole set
        (["1100", "1101", "---1"], [1, 1, 1, 1], "labelled", False),
    ],
)
def test_whether_the_overlap_speaks_for_the_set(
    raters: list[str], wanted: list[int] | None, allocation: str, speaks: bool
) -> None:
    audit = audit_of(raters, {"j": "1100"}, allocation=allocation)
    audit = replace(audit, wanted=None if wanted is None else np.array(wanted))
    assert audit.overlap_at_random is speaks
    said = [one["check"] for one in weigh(audit, policy(resamples=200), 1).could_not_check]
    assert ("agreement between people on the whole set" in said) is not speaks


@pytest.mark.parametrize("scope", ["these models", "new models"])
def test_on_ordered_labels_people_have_an_intraclass_correlation(scope: str) -> None:
    rng = np.random.default_rng(8)
    truth = rng.integers(0, 3, 120)
    other = np.clip(truth + rng.integers(-1, 2, 120), 0, 2)
    texts = ["".join(map(str, values)) for values in (truth, other)]
    more = {"labels": ("bad", "fair", "good"), "model": "abc" * 40}
    audit = audit_of(texts, {"j": texts[0]}, question=list(np.arange(120) // 3), **more)
    found = weigh(audit, policy(resamples=300, scope=scope), 1).ceiling["intraclass"]
    assert found["value"] == pytest.approx(
        float(intraclass(mean_squares(np.stack([truth, other], axis=1)), 2))
    )
    assert found["low"] < found["value"] < found["high"] and found["n"] == 120
    same = weigh(audit_of([texts[0]] * 2, {"j": texts[0]}, **more), policy(), 1).ceiling
    assert (same["intraclass"]["value"], same["intraclass"]["reason"]) == (1, ALL_AGREE)
    flat = weigh(audit_of(["1" * 120] * 2, {"j": texts[0]}, **more), policy(), 1).ceiling
    assert flat["intraclass"]["value"] is None
    assert "intraclass" not in weigh(audit_of(["10", "01"], {"j": "10"}), policy(), 1).ceiling
