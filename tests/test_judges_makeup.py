"""What verdicts are made of, counted from the rows: a panel's voices, a judge's changes of mind."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest import approx
from small_road import STUDY, audit_of, judge_all, policy, walk

from judges.makeup import (
    flip_rate,
    flipped,
    makeup,
    makeup_says,
    panel_facts,
    panel_says,
)
from judges.tables import load_audit, study_judges
from samples.cli import opened
from samples.store import Store
from samples.study import Study

CASCADE = """[[judge]]
name = "cascade"
kind = "panel"
members = ["hard", "reader"]
how = "cascade"
[[judge]]
name = "vote"
kind = "panel"
members = ["rules", "reader", "yes"]
how = "majority"
[[judge]]
name = "hard"
kind = "number"
[policy]
"""


@pytest.fixture
def road(tmp_path: Path) -> Iterator[tuple[Study, Store]]:
    """The second model names no number: there the reader has to decide."""
    files = {"study.toml": STUDY.replace("[policy]\n", CASCADE), "bad.jsonl": [{"text": "Hm."}]}
    walk(tmp_path, **files)
    with opened(tmp_path / "study.toml") as pair:
        yield pair


def test_a_cascade_says_who_decided_and_what_was_spared(road) -> None:
    study, store = road
    audit = load_audit(study, store)
    found = makeup(audit, store, study.policy, study.seed)
    assert found.keys() == {"cascade", "vote"}
    facts = found["cascade"]["panel"]
    decided = facts["decided_by"]
    assert (facts["how"], facts["members"], facts["n"]) == ("cascade", ["hard", "reader"], 24)
    assert decided["hard"] + decided["reader"] + facts["undecided"] == 24
    assert facts["calls"] == {"hard": 24, "reader": 24 - decided["hard"]}
    assert facts["calls_saved"] == decided["hard"]
    assert "tokens_saved" not in facts  # the replay engine counts none
    assert found["vote"]["panel"]["calls"] == {"rules": 24, "reader": 24, "yes": 24}


def test_only_the_cases_that_are_asked_about_count(road) -> None:
    study, store = road
    spec = study_judges(study, store)["cascade"]
    some = list(load_audit(study, store).responses[:5])
    facts = panel_facts(store, spec, study.rater_question.id, [*some, "b2:of another study"])
    assert facts["n"] == 5
    judge_all(study, store)
    assert panel_facts(store, spec, study.rater_question.id, some) == facts


REPEATED = """[[judge]]
name = "again"
kind = "llm"
engine = "replay"
model = "seeds.jsonl"
prompt = "prompt.txt"
repeats = 3
[policy]
"""


def test_the_flip_rate_counts_what_was_not_said_every_time(tmp_path: Path) -> None:
    """The third time an answer of 99 is called right."""
    seeds = [
        {"match": "answer is 99", "seed": 2, "text": "Verdict: correct"},
        {"match": "answer is 99", "text": "Verdict: incorrect"},
        {"text": "Verdict: correct"},
    ]
    files = {"study.toml": STUDY.replace("[policy]\n", REPEATED), "seeds.jsonl": seeds}
    with opened(walk(tmp_path, **files) / "study.toml") as (study, store):
        audit = load_audit(study, store)
        about = makeup(audit, store, study.policy, study.seed)
        assert about.keys() == {"again"}
        assert about["again"]["repeats"]["n"] == 3
        rate = about["again"]["repeats"]["flip_rate"]
        # Each of 12 questions has one answer that flips and one that does not.
        assert (rate["value"], rate["low"], rate["high"], rate["n"]) == (0.5, 0.5, 0.5, 24)
        again = makeup(audit, store, study.policy, study.seed)
        assert again == about


@pytest.mark.parametrize(
    ("values", "flips"),
    [("", None), ("yyy", 0), ("yyn", 1), ("y-y", 1), ("--", 0)],
)
def test_what_a_flip_is(values: str, flips: int | None) -> None:
    repeats = [{"failure": "unparsable"} if v == "-" else {"value": v} for v in values]
    found = flipped(repeats)
    assert math.isnan(found) if flips is None else found == flips


def test_the_flip_rate_is_of_questions_and_weighted() -> None:
    """Questions 0 0 1 1 2 3: cases 0 and 1 flip, the last was not asked about."""
    audit = audit_of("111111", {}, question=[0, 0, 1, 1, 2, 3], weight=[2, 2, 1, 1, 2, 9])
    rng = np.random.default_rng(0)
    flips = np.array([1, 1, 0, 0, 0, math.nan])
    rate = flip_rate(flips, audit, policy(resamples=4000), rng)
    assert (rate["value"], rate["n"]) == (0.5, 5)  # (2 + 2) of 8
    assert (rate["low"], rate["high"]) == (0.0, 1.0)  # all of one question, or none of it


@pytest.mark.parametrize(("flip", "low", "high"), [(0, 0, 0.7076), (1, 0.2924, 1)])
def test_where_all_cases_are_alike_the_questions_bound_the_rate(flip, low, high) -> None:
    """Three questions: 1 − 0.025^(1/3) = 0.7076."""
    audit = audit_of("111111", {}, question=[0, 0, 1, 1, 2, 2])
    rate = flip_rate(np.full(6, float(flip)), audit, policy(), np.random.default_rng(0))
    assert (rate["value"], rate["low"], rate["high"]) == approx((flip, low, high), abs=1e-4)


def test_where_nothing_was_asked_there_is_no_rate() -> None:
    audit = audit_of("11", {})
    rate = flip_rate(np.full(2, math.nan), audit, policy(), np.random.default_rng(0))
    assert (rate["value"], rate["n"]) == (None, 0)
    said = makeup_says({"repeats": {"n": 5, "flip_rate": rate}})
    assert said.endswith("flip rate undefined: no case was asked about, n = 0.")
    assert makeup_says({}) == ""


def test_it_is_said_in_words() -> None:
    facts = {
        "how": "cascade",
        "members": ["rules", "gpt-4o"],
        "n": 1000,
        "decided_by": {"rules": 812, "gpt-4o": 185},
        "undecided": 3,
        "calls_saved": 812,
    }
    said = "cascade: rules decided 812, gpt-4o 185, nobody 3; 812 of 2,000 calls saved"
    assert panel_says(facts) == said
    assert panel_says(facts | {"tokens_saved": 40600}) == f"{said}, about 40,600 tokens"
    assert panel_says({"how": "majority", "members": ["a", "b"]}) == "majority of a, b"
