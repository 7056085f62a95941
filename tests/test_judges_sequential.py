"""Stopping early: what counts so far, what its bounds are, and that a study is decided on it."""

import csv
import json
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import readme
from small_road import audit_of, policy

from judges.evidence import weigh
from judges.sequential import (
    WAITS,
    WAITS_FOR_MODELS,
    anytime,
    error_shared,
    followed,
    is_open,
    is_sequential,
    standing,
)
from judges.tables import Audit
from samples.cli import opened
from samples.records import AuditSet, Label

KAPPA = {"statistic": "cohen_kappa", "at_least": 0.8}


def sequential(people: str | list[str], judge: str, **more: Any) -> Audit:
    wanted = more.pop("wanted", None)
    audit = audit_of(people, {"j": judge}, **more)
    design = {"allocation": "questions", "sequential": True}
    audit_set = AuditSet(audit.rubric.id, design, audit.audit_set.cases)
    return replace(audit, audit_set=audit_set, wanted=None if wanted is None else np.array(wanted))


# --- what counts so far ------------------------------------------------------------------------


def test_whole_questions_count_up_to_the_first_that_is_unfinished() -> None:
    # questions 3 3 0 0 2 2: the second case of 0 has no label, so 2 has to wait for it
    audit = sequential("110-01", "110101", question=[3, 3, 0, 0, 2, 2])
    assert followed(audit).tolist() == [0, 1]
    assert is_open(audit)
    assert standing(audit).startswith("2 of 6 cases count so far")
    done = sequential("110001", "110101", question=[3, 3, 0, 0, 2, 2])
    assert followed(done).tolist() == list(range(6))
    assert not is_open(done) and standing(done) == ""


def test_a_case_waits_for_all_of_its_raters_and_for_an_adjudicator() -> None:
    two = ["1101", "11-1"]
    assert followed(sequential(two, "1101", wanted=[2, 2, 1, 2])).tolist() == [0, 1, 2, 3]
    assert followed(sequential(two, "1101", wanted=[2, 2, 2, 2])).tolist() == [0, 1]
    audit = sequential("1101", "1101")
    tied = replace(audit.reference, values=np.array([1, -1, 0, 1]))
    assert len(followed(replace(audit, reference=tied))) == 4  # a tie settles nothing, and is done
    working = replace(tied, adjudicated=1)
    assert followed(replace(audit, reference=working)).tolist() == [0]


def test_the_error_is_shared_by_both_kinds_of_looks() -> None:
    audit, asked = sequential("1101", "1101"), policy(KAPPA)
    assert error_shared(audit, asked).confidence == pytest.approx(0.975)
    usual = audit_of("1101", {"j": "1101"})
    assert not is_sequential(usual)
    assert error_shared(usual, asked) == asked


# --- the bounds --------------------------------------------------------------------------------


def letters(values: Sequence[int] | np.ndarray) -> str:
    return "".join(map(str, values))


def made_up(n: int, labelled: int, errors: float, seed: int = 1) -> Audit:
    rng = np.random.default_rng(seed)
    people = rng.integers(0, 2, n)
    judge = np.where(rng.random(n) < errors, 1 - people, people)
    model = letters(rng.choice(list("abc"), n))
    return sequential(
        letters(people[:labelled]) + "-" * (n - labelled), letters(judge), model=model
    )


def test_figures_have_bounds_or_wait() -> None:
    asked = policy(
        KAPPA,
        {"statistic": "mcc", "at_least": 0.5},
        {"statistic": "worst_absolute_error", "level": "ranking", "at_most": 0.2},
        {"statistic": "spearman", "level": "ranking", "at_least": 0.5},
    )
    audit = made_up(600, 400, 0.02)
    about = weigh(audit, asked, 1).judges["j"]
    case = about["case"]["failures_count_as_wrong"]
    for name in ("cohen_kappa", "accuracy", "sensitivity", "specificity", "leniency"):
        assert case[name]["low"] < case[name]["value"] < case[name]["high"]
        assert "however often" in case[name]["note"]
    assert case["mcc"]["low"] is None and case["mcc"]["reason"] == WAITS
    assert about["ranking"]["spearman"]["reason"] == WAITS
    worst = about["ranking"]["worst_absolute_error"]
    by_model = [about["by"]["model"][m]["leniency"] for m in "abc"]
    assert worst["high"] == max(max(-x["low"], x["high"]) for x in by_model)
    assert about["by"]["model"]["a"]["accuracy"]["reason"] == WAITS


def test_what_has_no_bound_and_every_test_waits_for_the_last_label() -> None:
    audit = made_up(600, 400, 0.02)
    audit = replace(audit, judges=audit.judges | {"other": audit.judges["j"]})
    found = weigh(audit, policy(KAPPA), 1)
    about = found.judges["j"]
    assert about["mean_over_models"]["cohen_kappa"]["reason"] == WAITS
    assert about["rates"]["model"]["a"]["false_accept"]["reason"] == WAITS
    assert about["coverage"]["all"][""]["reason"] == WAITS  # so no rule about it is met early
    assert (found.findings, found.comparisons) == ([], [])
    waiting = [one["check"] for one in found.could_not_check]
    assert "whom judges favour, and judges against each other" in waiting
    done = weigh(replace(audit, reference=made_up(600, 600, 0.02).reference), policy(KAPPA), 1)
    assert done.judges["j"]["mean_over_models"]["cohen_kappa"]["low"] is not None
    assert len(done.comparisons) == 1


def test_bounds_are_of_what_counts_only() -> None:
    asked = policy(KAPPA)
    audit = made_up(600, 300, 0.02)
    gap = audit.reference.ratings.copy()
    gap[100] = -1  # the 101st case is skipped: later ones wait
    values = np.where(gap[:, 0] < 0, -1, audit.reference.values)
    skipped = replace(audit, reference=replace(audit.reference, ratings=gap, values=values))
    shorter = made_up(600, 100, 0.02)
    found, expected = (
        weigh(a, asked, 1).judges["j"]["case"]["failures_count_as_wrong"]["cohen_kappa"]
        for a in (skipped, shorter)
    )
    assert (found["low"], found["high"]) == (expected["low"], expected["high"])


def test_new_models_have_no_bound() -> None:
    asked = policy(KAPPA, scope="new models")
    about = weigh(made_up(300, 200, 0.0), asked, 1).judges["j"]
    assert about["case"]["failures_count_as_wrong"]["cohen_kappa"]["reason"] == WAITS_FOR_MODELS


def test_all_labelled_the_usual_interval_is_wider_by_its_share_of_the_error() -> None:
    audit, asked = made_up(400, 400, 0.05), policy(KAPPA)
    usual = replace(audit, audit_set=AuditSet(audit.rubric.id, {"allocation": "equal"}, "b2:00"))
    ends = [
        weigh(a, asked, 1).judges["j"]["case"]["failures_count_as_wrong"]["cohen_kappa"]
        for a in (audit, usual)
    ]
    assert ends[0]["low"] < ends[1]["low"] < ends[1]["high"] < ends[0]["high"]
    assert "note" not in ends[0]


@pytest.mark.slow
def test_looking_after_every_label_approves_a_judge_at_the_bound_seldom() -> None:
    """κ is .8 by errors of 10% at even labels; 30 audits, looked at every 50 labels."""
    asked, approved = policy(KAPPA, resamples=200), 0
    shared = asked.model_copy(update={"confidence": 0.975})
    for seed in range(30):
        full = made_up(400, 400, 0.1, seed)
        met = False
        for n in range(50, 400, 50):
            ratings = full.reference.ratings.copy()
            ratings[n:] = -1
            seen = replace(full, reference=replace(full.reference, ratings=ratings))
            blank = {"low": 0.0, "high": 1.0, "value": 0.5}
            about = {
                "case": {"failures_count_as_wrong": {"cohen_kappa": blank}},
                "by": {
                    kind: {s: {"leniency": blank} for s in names}
                    for kind, names in (("model", "abc"), ("task", "t"))
                },
                "ranking": {},
            }
            found = anytime(about, seen, full.judges["j"].verdicts, shared)
            met |= found["case"]["failures_count_as_wrong"]["cohen_kappa"]["low"] >= 0.8
        approved += met
    # 1.25% are allowed: of 30, more than 3 have a chance below 1 in 1,000
    assert approved <= 3


# --- on a study --------------------------------------------------------------------------------

STUDY = """
name = "early"
[audit]
size = 400
sequential = true
raters_per_case = 1
overlap = 0.0
[policy]
resamples = 200
[[policy.rule]]
statistic = "cohen_kappa"
at_least = 0.8
"""


def write(folder: Path) -> None:
    rng = np.random.default_rng(2)
    keys, models = [str(n) for n in range(400)], ("one", "two")
    right = {(k, m): bool(rng.integers(2)) for k in keys for m in models}
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    tables: dict[str, tuple[list[str], list[tuple[str, ...]]]] = {
        "items": (
            ["task", "key", "question", "reference"],
            [("quiz", k, f"question {k}", "yes") for k in keys],
        ),
        "responses": (
            ["task", "key", "model", "text"],
            [("quiz", k, m, "yes" if yes else "no") for (k, m), yes in right.items()],
        ),
        "verdicts": (
            ["task", "key", "model", "judge", "value"],
            [
                ("quiz", k, m, judge, "correct" if yes != (rng.random() < errs) else "incorrect")
                for judge, errs in (("fine", 0.01), ("poor", 0.3))
                for (k, m), yes in right.items()
            ],
        ),
    }
    for kind, (columns, rows) in tables.items():
        with (folder / f"{kind}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([tuple(columns), *rows])


def label(study: Path, first: int, last: int) -> None:
    with opened(study) as (opened_study, store):
        audit_set, rubric = store.audit_set(), opened_study.rater_question
        assert audit_set is not None
        responses = [c.response for c in store.audit_cases(audit_set.id)][first:last]
        store.add(
            Label(c.response.id, rubric.id, "ann", value=rubric.labels[c.response.text == "yes"])
            for c in store.cases(responses, rubric)
        )


def test_a_study_is_decided_before_everything_is_labelled(tmp_path: Path) -> None:
    write(tmp_path)
    with chdir(tmp_path):
        for kind in ("items", "responses", "verdicts"):
            readme.run("import", kind, f"{kind}.csv")
        readme.run("sample")
        label(Path("study.toml"), 0, 60)
        early = readme.run("approve", "fine")
        assert "inconclusive" in early and "further cases would probably" in early
        assert "60 of 400 cases count so far" in early
        assert readme.run("approve", "poor").startswith("poor: rejected")
        label(Path("study.toml"), 60, 260)
        value = json.loads(readme.run("approve", "fine", "--json"))
        assert value["decision"] == "approved"
        assert value["reference"]["unlabelled"] == 140
        assert "however often" in value["rules"][0]["observed"]["note"]
        error = value["measured_error"]
        assert error["pooled"]["accuracy"]["low"] is not None
        assert error["leniency_by_model"]["one"]["low"] is not None
        assert "warrant of fine (approved): follows from the rows" in readme.run("verify")
        shown = json.loads(readme.run("report", "--json"))
        assert shown["policy"]["confidence"] == pytest.approx(0.975)
        assert "the whole audit set" in {x["check"] for x in shown["could_not_check"]}
        readme.run("report")  # the pages can be written
        label(Path("study.toml"), 260, 400)
        whole = readme.run("approve", "fine")
        assert whole.startswith("fine: approved") and "count so far" not in whole
