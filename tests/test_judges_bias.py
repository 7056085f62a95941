"""Whom a judge favours: the direction, the p value, and the correction for how many were asked."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.stats import false_discovery_control
from small_road import NOW, audit_of, policy
from trivia import write_import_files

from judges.bias import Sums, benjamini_hochberg, discoveries, look
from judges.divisions import divisions
from judges.evidence import weigh
from judges.figures import count, draw_resamples
from judges.tables import Audit, load_audit
from judges.traits import KIN, Trait, Traits, with_traits
from samples.audit import all_labelled, freeze
from samples.exchange import Source, import_file
from samples.records import Account
from samples.store import Store
from samples.study import PolicyBlock, Study

RIGHT, WRONG = "1100" * 15, "1111" * 15  # of 60 answers people call half right
CASES = len(RIGHT)


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)))
def test_benjamini_hochberg_is_scipy_s(p: np.ndarray) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), atol=1e-15)


def test_no_checks_no_discoveries() -> None:
    assert discoveries([]) == []


def looked(audit: Audit, asked: PolicyBlock) -> list[dict[str, Any]]:
    """All checks of the judge j."""
    run, draws = audit.judges["j"], draw_resamples(audit, asked, np.random.default_rng(1))
    by_model = count(audit, run.verdicts, audit.model, draws, models_vary=False)
    pooled = count(audit, run.verdicts, np.zeros_like(audit.model), draws, by_model=by_model)
    return look("j", divisions(audit, run, draws, by_model, pooled), audit, asked, {}).checks


def leniency(audit: Audit, asked: PolicyBlock, of: str = "model") -> list[dict[str, Any]]:
    found = [one for one in looked(audit, asked) if one["check"] == f"leniency by {of}"]
    return sorted(found, key=lambda one: one["slice"])


def models(**verdicts: str) -> list[dict[str, Any]]:
    """The checks of a judge that gives each model these verdicts; people say 1100 1100 …"""
    many = len(verdicts)
    audit = audit_of(
        RIGHT * many,
        {"j": "".join(verdicts.values())},
        question=list(range(CASES)) * many,
        model="".join(name * CASES for name in verdicts),
    )
    return leniency(audit, policy())


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
    always = models(a=WRONG, b=RIGHT)[0]
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
    audit = audit_of(
        "0" * 30 + "1" * 10 + "1", {"j": negative + positive + "1"}, model="a" * 40 + "b"
    )
    asked = policy(resamples=1000)
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    found = leniency(audit, asked)[0]
    tilt = np.array([1] * lenient + [0] * (30 - lenient) + [-1] * strict + [0] * (10 - strict))
    others = sum(t[:40] @ tilt * np.sign(tilt.sum()) <= 0 for t in draws.questions) / 1000
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
    failing = RIGHT.replace("0", "-")  # on all that is wrong
    audit = audit_of(RIGHT * 2, {"j": failing + RIGHT}, model="a" * 60 + "b" * 60)
    effects = {}
    for handling in ("left_out", "count_as_wrong"):
        asked = policy(failures=handling)
        effects[handling] = leniency(audit, asked)[0]["effect"]
    assert effects["left_out"]["value"] == 0.0
    assert effects["count_as_wrong"]["value"] == 0.5


def test_a_slice_that_the_judge_never_decided_is_no_finding() -> None:
    audit = audit_of(RIGHT * 2, {"j": RIGHT + "-" * 60}, model="a" * 60 + "b" * 60)
    asked = policy(failures="left_out")
    assert [one["slice"] for one in leniency(audit, asked)] == ["a"]


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


# --- false accepts and rejects against all other answers ----------------------------------------

#              people: 20 right, 20 wrong
TRUE = "1" * 20 + "0" * 20


def two_models(a: str, b: str, **more: Any) -> Audit:
    return audit_of(
        TRUE * 2, {"j": a + b}, question=list(range(40)) * 2, model="a" * 40 + "b" * 40, **more
    )


def test_the_difference_of_rates_by_hand_and_by_an_explicit_loop() -> None:
    """Of a's 20 wrong answers 12 are accepted, of b's 2; of the right ones 3 and 4 are rejected."""
    a = "0" * 3 + "1" * 17 + "1" * 12 + "0" * 8
    b = "1" * 16 + "0" * 4 + "0" * 18 + "1" * 2
    audit, asked = two_models(a, b), policy(resamples=1000)
    found = {one["check"]: one for one in looked(audit, asked) if "leniency" not in one["check"]}
    accepts, rejects = found["false accepts by model"], found["false rejects by model"]
    assert accepts["effect"]["value"] == pytest.approx(12 / 20 - 2 / 20)
    assert (accepts["here"], accepts["elsewhere"], accepts["n"]) == pytest.approx((0.6, 0.1, 20))
    assert rejects["effect"]["value"] == pytest.approx(3 / 20 - 4 / 20)
    assert accepts["kinder"] and rejects["kinder"]
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    apart = []
    for times in draws.questions:
        wrong = times[20:]
        taken = [np.array([int(v) for v in text[20:]]) for text in (a, b)]
        apart.append((wrong @ taken[0] - wrong @ taken[1]) / wrong.sum())
    ends = np.quantile(apart, [0.025, 0.975])
    wider = np.sqrt(40 / 39) * stats.t.ppf(0.975, 39) / stats.norm.ppf(0.975)  # 40 questions
    expected = 0.5 + wider * (ends - 0.5)
    assert (accepts["effect"]["low"], accepts["effect"]["high"]) == pytest.approx(expected)
    # 12 of 20 where the others' share is .1, and 2 of 20 where it is .6; the larger p counts
    tails = stats.binom.sf(11, 20, 0.1), stats.binom.cdf(2, 20, 0.6)
    share = 2 * np.mean(np.array(apart) <= 0)
    assert accepts["p"] == pytest.approx(max(2 * max(tails), share, 1 / 1000))
    # at least so many of a's 40 answers are moved
    assert accepts["consequence"] == pytest.approx(accepts["effect"]["low"] * 20 / 40)


def test_of_two_halves_one_is_compared() -> None:
    """That b's rate is lower is the same finding as that a's is higher."""
    found = looked(two_models("1" * 40, TRUE), policy())
    assert [one["check"] for one in found] == [
        "leniency by model", "leniency by model", "false accepts by model", "false rejects by model"
    ]  # fmt: skip


def test_a_rate_that_no_resample_moves_has_an_exact_side() -> None:
    """All of a's wrong answers pass: its own interval is Clopper–Pearson's, not a point."""
    found = looked(two_models("1" * 40, "1" * 20 + "0" * 15 + "1" * 5), policy(resamples=1000))
    one = next(one for one in found if one["check"] == "false accepts by model")
    assert one["effect"]["value"] == pytest.approx(1 - 5 / 20)
    exact = 0.025 ** (1 / 20)  # the lower end of 20 of 20
    assert one["effect"]["low"] < 0.75 - (1 - exact)
    assert one["effect"]["high"] <= 1


def test_few_wrong_answers_that_pass_are_no_more_certain_than_a_binomial_test() -> None:
    """All resamples of a's questions are alike; four of four against .3 is p = .016."""
    people, judge = "1" * 20 + "0000" + "0" * 30, "1" * 20 + "1111" + "1" * 9 + "0" * 21
    audit = audit_of(people, {"j": judge}, model="a" * 24 + "b" * 30)
    one = next(one for one in looked(audit, policy()) if one["check"] == "false accepts by model")
    assert one["p"] == pytest.approx(2 * 0.3**4)


def test_two_wrong_answers_are_too_few_to_compare() -> None:
    """One resample in seven holds neither of their questions."""
    audit = audit_of("1" * 20 + "0" * 32, {"j": "1" * 31 + "0" * 21}, model="a" * 22 + "b" * 30)
    assert "false accepts by model" not in {one["check"] for one in looked(audit, policy())}


def with_slices(audit: Audit, kin: str = "", **kinds: str) -> Audit:
    """The audit with slices from texts with a letter per case; a dash is not known."""
    made = {}
    for kind, letters in kinds.items():
        names = tuple(sorted(set(letters) - {"-"}))
        codes = [names.index(x) if x in names else -1 for x in letters]
        made[kind] = Trait(names, np.array(codes), "" if len(names) > 1 else "all the same")
    own = np.array(["if".find(x) if x != "-" else -1 for x in kin or "-" * len(audit.responses)])
    nothing = np.full(len(audit.responses), np.nan)
    related = Trait(KIN, own, "" if kin else "it is none")
    return replace(audit, traits=Traits(made, nothing, {"j": related}))


def test_what_is_not_known_is_no_slice_but_counts_among_the_others() -> None:
    audit = with_slices(
        two_models("1" * 40, TRUE), strategy="x" * 10 + "y" * 20 + "-" * 10 + "x" * 40
    )
    found = [one for one in looked(audit, policy()) if one["kind"] == "strategy"]
    y = next(
        one for one in found if one["check"] == "false accepts by strategy" and one["slice"] == "y"
    )
    # 10 wrong answers under y, all accepted; 30 elsewhere, of which 10 are
    assert (y["here"], y["elsewhere"], y["n"]) == (1.0, pytest.approx(10 / 30), 10)


def test_slices_with_the_same_answers_are_looked_at_once() -> None:
    audit = with_slices(two_models("1" * 40, TRUE), strategy="x" * 40 + "y" * 40, family="m" * 80)
    assert {one["kind"] for one in looked(audit, policy())} == {"model"}


def test_a_judge_that_is_kinder_to_itself() -> None:
    a = "1" * 40  # what the judge itself wrote passes, all of it
    audit = with_slices(two_models(a, TRUE), kin="i" * 40 + "-" * 40)
    kin = [one for one in looked(audit, policy()) if one["kind"] == "kin"]
    assert [(one["check"], one["slice"]) for one in kin] == [("self-preference", "itself")]
    assert kin[0]["effect"]["value"] == pytest.approx(20 / 40 - 0) and kin[0]["kinder"]
    assert kin[0]["p"] <= 1 / 400 + 1e-9


def test_models_of_its_family_beside_its_own() -> None:
    audit = audit_of(TRUE * 3, {"j": TRUE + "1" * 40 + TRUE}, model="a" * 40 + "b" * 40 + "c" * 40)
    audit = with_slices(audit, kin="i" * 40 + "f" * 40 + "-" * 40)
    found = {one["check"]: one for one in looked(audit, policy()) if one["kind"] == "kin"}
    assert found["family preference"]["effect"]["value"] == pytest.approx(0.5)
    assert found["self-preference"]["effect"]["value"] == pytest.approx(-0.25)


def test_nothing_is_left_by_a_subtraction_that_leaves_dust() -> None:
    table = np.array([[[0.1 + 0.2 - 0.3, 0.0], [1.0, 3.0]]])
    assert np.isnan(Sums.of(table).measure("false_accept")[0])
    assert Sums.of(table).measure("false_reject")[0] == 0.25


def test_consequence_orders_what_was_found() -> None:
    """A certain tenth goes before a half that may be nothing, and what is nothing comes last."""

    def one(name: str, low: float, value: float) -> dict[str, Any]:
        effect = {"value": value, "low": low, "high": 2 * value - low}
        return {"slice": name, "effect": effect, "p": 1e-6, "consequence": max(low, 0.0)}

    found = discoveries([one("half", 0.01, 0.5), one("tenth", 0.08, 0.1), one("none", -0.1, 0.4)])
    assert [each["slice"] for each in found] == ["tenth", "half", "none"]


@pytest.mark.parametrize("scope", ["these models", "new models"])
def test_findings_hold_in_either_scope(scope: str) -> None:
    found = weigh(two_models("1" * 40, TRUE), policy(scope=scope), 1).findings
    assert {one["check"] for one in found} >= {"leniency by model", "false accepts by model"}


def test_where_nothing_is_amiss_hardly_anything_is_found() -> None:
    """A judge that errs alike everywhere: of 40 studies at most a few show a finding."""
    rng, shown = np.random.default_rng(4), 0
    for _ in range(40):
        people = rng.integers(0, 2, 300)
        judge = np.where(rng.random(300) < 0.1, 1 - people, people)
        text = ["".join(map(str, side)) for side in (people, judge)]
        audit = audit_of(text[0], {"j": text[1]}, question=[*range(100)] * 3, model="abc" * 100)
        made = [
            one for one in looked(audit, policy(resamples=1000)) if "leniency" not in one["check"]
        ]
        shown += bool(discoveries(made))
    assert shown <= 5


# --- real rows -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_exam_taker_whose_labels_are_broken_is_what_is_found_first(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    """Pooled κ of GPT-4 is .79; of llama2-13b-chat it is .25, and leniency there only +.04."""
    write_import_files(shared_data("human_judging_the_judges"), tmp_path)
    study = Study(name="trivia", seed=7, policy={"resamples": 1000})
    rubric = study.rater_question
    with Store(tmp_path / "study.db", create=True) as store:
        store.add([Account("final", role="adjudicator")])
        for kind in ("items", "responses", "labels", "verdicts"):
            import_file(kind, Source(tmp_path / f"{kind}.jsonl"), store, rubric)
        freeze(store, rubric, all_labelled(store, rubric), {"allocation": "labelled"}, NOW)
        audit = with_traits(load_audit(study, store), study, store)
    made = weigh(audit, study.policy, study.seed)
    kappa = made.judges["GPT-4"]["by"]["model"]["llama2-13b-chat"]["cohen_kappa"]["value"]
    assert kappa == pytest.approx(0.2495, abs=5e-5)
    of_gpt4 = [one for one in made.findings if one["judge"] == "GPT-4"]
    first = {(one["check"], one["slice"]) for one in of_gpt4[:2]}
    assert first == {(f"false {way} by model", "llama2-13b-chat") for way in ("accepts", "rejects")}
    assert all(one["q"] < 0.01 for one in of_gpt4[:2])
    top = [one for one in made.findings[:20] if one["slice"] == "llama2-13b-chat"]
    assert len(top) >= 4
    preference = [one for one in made.findings if one["check"].endswith("preference")]
    assert {one["judge"] for one in preference} <= {"Mistral-7B"}  # the only one that is graded
    why = {one["check"]: one["why"] for one in made.could_not_check}
    assert why["length of the answer"] == "the responses have no text"
