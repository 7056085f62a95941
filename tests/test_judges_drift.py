"""Two runs of a judge on the same cases: what changed, whether it fails, how old is too old."""

from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import binom
from small_road import NOW, audit_of, policy

from judges.drift import (
    Change,
    outdated,
    recheck_figures,
    rechecks_of,
    weigh_recheck,
)
from judges.tables import Audit
from samples.records import Event, Warrant
from samples.study import PolicyBlock, Study

OUTCOMES = {"0": ("incorrect", None), "1": ("correct", None), "-": (None, "unparsable")}
OUTCOMES |= {"x": (None, "api_error")}


def recheck(audit: Audit, old: str, new: str, **more: Any) -> Event:
    """The event of a recheck, from a letter per case; a blank is a case that was not drawn."""
    cases = {
        response: {"old": list(OUTCOMES[a]), "new": list(OUTCOMES[b])}
        for response, a, b in zip(audit.responses, old, new, strict=True)
        if a != " "
    }
    body = {"spec": "b2:judge", "warrant": "b2:w", "audit_set": audit.audit_set.id, "number": 1}
    at = more.pop("at", NOW)
    return Event("recheck", "j", body | {"cases": cases} | more, at)


def study_of(**settings: Any) -> Study:
    return Study(name="s", policy=policy(**settings))


def granted(audit: Audit, at: str = NOW, decision: str = "approved") -> Warrant:
    return Warrant("j", "b2:judge", audit.audit_set.id, decision, {}, None, at)


# --- the test ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        (0, 0, 1.0),  # nothing speaks for a change
        (1, 0, 1.0),  # 2 · 1/2
        (6, 0, 0.03125),  # 2 / 2⁶
        (7, 0, 0.015625),  # 2 / 2⁷: the fewest that fail at 0.025
        (9, 1, 0.021484375),  # 2 · (1 + 10) / 2¹⁰
        (2, 8, 0.109375),  # 2 · (1 + 10 + 45) / 2¹⁰
        (5, 5, 1.0),
    ],
)
def test_mcnemar_by_hand(lost: int, won: int, p: float) -> None:
    change = Change(100, lost, won)
    assert change.p == pytest.approx(p)
    assert Change(100, won, lost).p == change.p
    if lost + won:
        assert change.p == pytest.approx(
            min(1.0, 2 * binom.cdf(min(lost, won), lost + won, 0.5)), abs=1e-12
        )


def test_a_hundred_cases_see_a_fall_of_ten_points_as_the_code_says() -> None:
    fewest = next(n for n in range(100) if Change(100, n, 0).p < 0.025)
    assert binom.sf(fewest - 1, 100, 0.1) == pytest.approx(0.88, abs=0.005)


def test_both_tests_by_hand() -> None:
    """Of ten cases eight were drawn: one flips up, four flip down, one fails now."""
    people = "1111000010"
    audit = audit_of(people, {"j": people})
    drift = weigh_recheck(recheck(audit, "11110010  ", "0000-110  "), audit, study_of())
    # positive: cases 0–3 lost, case 5 won; cases 4 (0 → failure) and 6, 7 keep the side
    assert (drift.positive.n, drift.positive.lost, drift.positive.won) == (8, 4, 1)
    # right: cases 0–3 lost, 4 lost to a failure, 5 lost; 6 is wrong twice, 7 right twice
    assert (drift.right.n, drift.right.lost, drift.right.won) == (8, 6, 0)
    assert (drift.changed, drift.limit) == (6, pytest.approx(0.025))
    assert (drift.right.p, drift.failed) == (0.03125, False)


def test_either_test_fails_a_judge_and_a_better_one_too() -> None:
    people = "1" * 7 + "0" * 7
    audit = audit_of(people, {"j": people})
    # all seven right ones turn wrong; then the other way round
    for old, new in ((people, "0" * 14), ("0" * 14, people)):
        drift = weigh_recheck(recheck(audit, old, new), audit, study_of())
        assert drift.failed
        assert drift.positive.p == drift.right.p == 0.015625
    # seven positives lost, but nobody can say which were right
    nobody = audit_of("-" * 13 + "0", {"j": people})
    drift = weigh_recheck(recheck(nobody, people, "0" * 14), nobody, study_of())
    assert (drift.right.n, drift.right.p, drift.failed) == (1, 1.0, True)
    # as many positives as before, all of them wrong
    drift = weigh_recheck(recheck(audit, people, "0" * 7 + "1" * 7), audit, study_of())
    assert (drift.positive.p, drift.right.lost, drift.failed) == (1.0, 14, True)


def test_the_policy_s_confidence_sets_the_limit() -> None:
    people = "1" * 7
    audit = audit_of(people, {"j": people})
    event = recheck(audit, people, "0" * 7)
    assert weigh_recheck(event, audit, study_of()).failed
    assert not weigh_recheck(event, audit, study_of(confidence=0.99)).failed


def test_what_could_not_be_reached_is_counted_and_speaks_for_nothing() -> None:
    people = "1" * 10
    audit = audit_of(people, {"j": people})
    figures = recheck_figures(recheck(audit, people, "x" * 8 + "1-"), audit, study_of())
    assert (figures["asked"], figures["unreached"], figures["n"], figures["changed"]) == (
        *(10, 8, 2),
        1,
    )
    assert figures["passed"]
    assert "1 of 2 verdicts changed (8 more could not be reached)" in figures["says"]


def test_agreement_and_kappa_of_the_runs_by_hand() -> None:
    """Ten cases: 4 twice correct, 4 twice incorrect, one each way. κ = (0.8 − 0.5) / 0.5."""
    people = "1" * 5 + "0" * 5
    audit = audit_of(people, {"j": people})
    figures = recheck_figures(recheck(audit, people, "1111000001"), audit, study_of())
    assert figures["agreement"]["value"] == pytest.approx(0.8)
    kappa = figures["cohen_kappa"]
    assert kappa["value"] == pytest.approx(0.6)
    assert kappa["low"] < 0.6 < kappa["high"]
    same = recheck_figures(recheck(audit, people, people), audit, study_of())
    assert (same["agreement"]["value"], same["agreement"]["low"] < 1) == (1.0, True)


def test_undefined_is_said_in_words() -> None:
    audit = audit_of("1111", {"j": "1111"})
    figures = recheck_figures(recheck(audit, "1111", "1111"), audit, study_of())
    assert figures["cohen_kappa"]["value"] is None
    assert figures["cohen_kappa"]["reason"] == "undefined: every label is 'correct'"


def test_of_three_labels_the_last_is_positive() -> None:
    audit = audit_of("012", {"j": "012"}, labels=("bad", "fair", "good"))
    body = recheck(audit, "000", "000").body
    pairs = {"case 0": ("bad", "fair"), "case 1": ("fair", "bad"), "case 2": ("good", "fair")}
    cases = {r: {"old": [a, None], "new": [b, None]} for r, (a, b) in pairs.items()}
    drift = weigh_recheck(Event("recheck", "j", body | {"cases": cases}, NOW), audit, study_of())
    assert (drift.changed, drift.positive.lost, drift.positive.won) == (3, 1, 0)
    assert (drift.right.lost, drift.right.won) == (3, 0)


def test_the_sentence() -> None:
    people = "1" * 7
    audit = audit_of(people, {"j": people})
    says = recheck_figures(recheck(audit, people, "0" * 7), audit, study_of())["says"]
    assert says.endswith("The two runs agree in 0.000 [0.000, 0.410] †, κ 0.000 [0.000, 0.000].")
    assert says[: says.index(" The two runs")] == (
        "Recheck 1 of j on 2026-01-31 failed: 7 of 7 verdicts changed; positive verdicts 7 lost and"
        " 0 won (p = 0.016), right ones 7 lost and 0 won (p = 0.016); a p below 0.025 fails."
    )


# --- what may no longer be used ----------------------------------------------------------------

DAY_30, DAY_31 = NOW.replace("01-31", "03-02"), NOW.replace("01-31", "03-03")  # days later
PEOPLE = "1" * 7


def audit_with(*events: tuple[str, str, dict[str, Any]]) -> Audit:
    """An audit whose judge was rechecked: (new verdicts, when, what else the event says)."""
    audit = audit_of(PEOPLE, {"j": PEOPLE})
    made = [recheck(audit, PEOPLE, new, at=at, **more) for new, at, more in events]
    return replace(audit, rechecks=tuple(made))


def test_without_a_limit_no_warrant_is_too_old() -> None:
    audit = audit_with()
    assert outdated(granted(audit), audit, study_of(), "2036-01-31T09:30:00+00:00") == ""


def test_older_than_the_policy_allows_is_stale() -> None:
    audit, study = audit_with(), study_of(max_age_days=30)
    assert outdated(granted(audit), audit, study, DAY_30) == ""
    says = "it is 31.0 days old and the policy allows 30"
    assert outdated(granted(audit), audit, study, DAY_31) == says
    assert outdated(granted(audit, decision="rejected"), audit, study, DAY_31) == ""


def test_a_recheck_that_passes_makes_it_as_good_as_new() -> None:
    study = study_of(max_age_days=30)
    audit = audit_with((PEOPLE, DAY_30, {}))
    assert outdated(granted(audit), audit, study, DAY_31) == ""
    assert "31.0 days" in outdated(granted(audit), audit, study, "2026-04-02T09:30:00+00:00")


@pytest.mark.parametrize("later", [NOW, DAY_31])
def test_a_recheck_that_fails_makes_it_stale_and_approving_again_does_not_help(later: str) -> None:
    audit = audit_with(("0" * 7, DAY_30, {}))
    says = "the recheck of 2026-03-02 failed (p = 0.016)"
    assert outdated(granted(audit, at=later), audit, study_of(), DAY_31) == says


def test_the_newest_recheck_of_this_judge_on_this_audit_set_decides() -> None:
    bad = "0" * 7
    for events, stale in (
        ([(bad, NOW, {}), (PEOPLE, NOW, {})], False),
        ([(PEOPLE, NOW, {}), (bad, NOW, {})], True),
        ([(bad, NOW, {"spec": "b2:other"})], False),
        ([(bad, NOW, {"audit_set": "b2:other"})], False),
        ([(bad, NOW, {"warrant": "b2:older"})], True),
    ):
        audit = audit_with(*events)
        assert bool(outdated(granted(audit), audit, study_of(), NOW)) == stale
        mine = [e for e in events if not e[2].keys() & {"spec", "audit_set"}]
        assert len(rechecks_of(granted(audit), audit)) == len(mine)


def test_how_labels_are_settled_is_part_of_it_where_it_is_not_the_usual_way() -> None:
    usual = PolicyBlock(reference="majority", unsure="count")
    assert usual.deciding == PolicyBlock().deciding
    assert PolicyBlock(reference="unanimous").deciding["reference"] == "unanimous"
    assert PolicyBlock(unsure="leave_out").deciding["unsure"] == "leave_out"


def test_the_age_is_no_part_of_what_a_decision_is_bound_to() -> None:
    assert PolicyBlock(max_age_days=30).deciding == PolicyBlock().deciding
    # As warrants were bound before there was an age, so that they go on standing:
    assert policy({"statistic": "mcc", "at_least": 0.5}).deciding == {
        "confidence": 0.95,
        "resamples": 400,
        "scope": "these models",
        "failures": "count_as_wrong",
        "rule": [
            {"statistic": "mcc", "level": "case", "per": None, "bound": "low"}
            | {"at_least": 0.5, "at_most": None, "within": None}
        ],
    }
