"""Plans: the gate on made-up audits, from what the study file and the rows tell."""

import json
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest
import readme
from small_road import audit_of, label_all, policy, walk, write_files

from judges import planning
from judges.planning import (
    AT_BOUND,
    DESERVES,
    DOES_NOT,
    Plan,
    enough,
    notes,
    plan_of,
    simulate,
    table,
    typical,
)
from judges.simulation import Quality, World
from samples.cli import opened
from samples.errors import BenchwarrantError

WORLD = World((0.3, 0.5, 0.7), 400, slips=0.0)
KAPPA = policy({"statistic": "cohen_kappa", "at_least": 0.8}, resamples=200)


def test_the_bound_is_where_the_policy_says() -> None:
    judges = typical(WORLD, KAPPA)
    # labels are even, so κ = 1 − 2 · rate, and .8 is at a rate of .1
    rates = {name: quality.false_accept for name, quality in judges.items()}
    assert rates == pytest.approx({DESERVES: 0.05, AT_BOUND: 0.1, DOES_NOT: 0.2}, abs=1e-4)
    lenient = policy({"statistic": "leniency", "per": "model", "within": 0.02})
    # of the first model 70% are wrong and 30% right: .7 r − .3 r = .02 at r = .05
    assert typical(WORLD, lenient)[AT_BOUND].false_accept == pytest.approx(0.05, abs=1e-4)


def test_a_policy_that_nobody_can_meet_is_refused() -> None:
    ranking = policy({"statistic": "spearman", "level": "ranking", "at_least": 0.9})
    with pytest.raises(BenchwarrantError, match="with 1 models not even a judge without error"):
        typical(World((0.5,), 100), ranking)


def test_good_judges_pass_and_bad_ones_do_not() -> None:
    judges = {"fine": Quality(0.01, 0.01), "bad": Quality(0.3, 0.3)}
    plan = Plan(KAPPA, WORLD, judges, [60, 400], raters=(1, 3), simulations=12)
    value = simulate(plan, 1)
    found = {(r["cases"], r["raters"], r["judge"]): r for r in value["rows"]}
    assert len(found) == 8
    assert found[400, 1, "fine"]["approved"] > 0.9 > 0.5 > found[400, 1, "bad"]["approved"]
    assert found[400, 3, "bad"]["rejected"] == 1.0
    assert found[400, 3, "fine"]["labels"] == 1200
    row = found[60, 1, "fine"]
    assert sum(row[name] for name in planning.OUTCOMES) == pytest.approx(1.0)
    share = row["approved"]
    assert row["standard_error"]["approved"] == pytest.approx((share * (1 - share) / 12) ** 0.5)
    assert simulate(plan, 1) == value


def test_more_raters_make_up_for_slips() -> None:
    """A good judge looks bad against labels of which one in ten is wrong; three people help."""
    careless = replace(WORLD, slips=0.1)
    judges = {"fine": Quality(0.01, 0.01)}
    rows = simulate(Plan(KAPPA, careless, judges, [400], raters=(1, 3), simulations=12), 1)["rows"]
    assert [row["approved"] for row in rows] == [
        pytest.approx(0.0, abs=0.1),
        pytest.approx(1, abs=0.2),
    ]


def test_the_fewest_labels_are_named() -> None:
    def row(cases: int, raters: int, judge: str, approved: float, rejected: float):
        return {
            "cases": cases, "raters": raters, "labels": cases * raters, "judge": judge,
            "approved": approved, "rejected": rejected, "inconclusive": 1 - approved - rejected,
        }  # fmt: skip

    rows = [
        row(100, 1, DESERVES, 0.5, 0.0),
        row(100, 3, DESERVES, 0.9, 0.0),
        row(200, 1, DESERVES, 0.85, 0.0),
        row(200, 1, DOES_NOT, 0.0, 0.7),
    ]
    said = enough({"rows": rows}, 0.8)
    assert "200 cases with 1 label each get a judge that deserves approval approved" in said
    assert "no plan up to 200 cases gets a judge that does not deserve it rejected" in said


def test_slips_follow_from_two_peoples_labels() -> None:
    # 50 cases, of which two people differ on 9: 2 s (1 − s) = .18 at s = .1
    audit = audit_of(["1" * 50, "0" * 9 + "1" * 41], {"j": "1" * 50})
    assert planning._slips(audit) == pytest.approx(0.1)
    assert planning._slips(audit_of(["1" * 50], {"j": "1" * 50})) is None


# --- on a study ---------------------------------------------------------------------------------


def test_what_a_study_file_alone_tells(tmp_path: Path) -> None:
    path = write_files(tmp_path)
    with opened(path, create=True) as (study, store):
        plan = plan_of(study, store)
        assert (plan.world.questions, len(plan.world.models)) == (12, 2)
        assert max(plan.cases) == 24  # there are no more answers to be had
        assert set(plan.judges) == {DESERVES, AT_BOUND, DOES_NOT}


def test_what_labels_and_verdicts_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "ENOUGH", 10)
    with opened(walk(tmp_path) / "study.toml") as (study, store):
        label_all(study, store)
        plan = plan_of(study, store, [20])
        # rules and reader read all 24 right; "yes" accepts every wrong answer
        assert plan.judges["rules, as measured"] == Quality(0.0, 0.0)
        assert plan.judges["yes, as measured"] == Quality(1.0, 0.0)
        assert plan.simulations == planning.SIMULATIONS * 3 // 6
        # the share of "correct" of all judges: ⅓ for the bad model, 1 for the good one
        assert plan.world.models == pytest.approx((1 / 3, 0.98))


def test_what_cannot_be_planned_is_said(tmp_path: Path) -> None:
    path = write_files(tmp_path)
    text = path.read_text("utf-8")
    three = text.replace("[rubric]", '[rubric]\nlabels = ["no", "half", "yes"]', 1)
    three = three.replace('value = "correct"', 'value = "yes"')
    for content, words in (
        (text.split("[[policy.rule]]")[0], "no [[policy.rule]]"),
        (three, "two labels, and this one has 3"),
    ):
        path.write_text(content, encoding="utf-8")
        with (
            opened(path, create=True) as (study, store),
            pytest.raises(BenchwarrantError) as caught,
        ):
            plan_of(study, store)
        assert words in str(caught.value)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SIMULATIONS", 2)
    write_files(tmp_path)
    with chdir(tmp_path):
        shown = readme.run("plan", "--cases", "12", "--cases", "24")
        assert shown.splitlines()[0].split() == ["cases", "raters", "labels", *DESERVES.split(),
                                                 *AT_BOUND.split(), *DOES_NOT.split()]  # fmt: skip
        assert "With power 80%:" in shown and "2 simulated audits a row" in shown
        value = json.loads(readme.run("plan", "--cases", "12", "--json"))
    assert {row["cases"] for row in value["rows"]} == {12}
    assert value["enough"].startswith("With power 80%")
    assert table(value)[0][:3] == ["cases", "raters", "labels"]
    assert any("Monte Carlo standard error" in note for note in notes(value, 0.8))
