"""What a panel's verdicts are made of, counted from the rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_road import STUDY, judge_all, walk

from judges.makeup import makeup, panel_facts, panel_says
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
    found = makeup(audit, store)
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
