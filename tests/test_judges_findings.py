"""Findings as sentences: each with its figure, its interval and its n."""

from typing import Any

import pytest

from judges.findings import SLICES, finding_says, flip_findings, which_answers, with_flips
from judges.phrasing import VOICES
from judges.traits import ANSWERS

EFFECT = {"value": 0.347, "low": 0.265, "high": 0.432}
BASE = {"judge": "GPT-4", "slice": "tiny", "n": 174, "effect": EFFECT}


def says(**more: Any) -> str:
    return finding_says(BASE | more, VOICES["human"], "correct")


def test_leniency() -> None:
    assert says(kind="model", check="leniency by model") == (
        "Of 100 answers by tiny, GPT-4 calls 34.7 more “correct” than people do: leniency"
        " +0.347 [+0.265, +0.432], n = 174"
    )


def test_false_accepts_and_rejects() -> None:
    found = says(kind="family", check="false accepts by family", here=0.466)
    assert found == (
        "GPT-4 accepts 46.6 of 100 answers by models of the family tiny that people do not call"
        " “correct”, 34.7 more than of all other such answers: the rates differ by"
        " +0.347 [+0.265, +0.432], n = 174"
    )
    fewer = {"value": -0.02, "low": -0.03, "high": -0.01}
    found = says(kind="task", check="false rejects by task", here=0.01, effect=fewer)
    assert found.startswith("GPT-4 rejects 1.0 of 100 answers to tiny that people call “correct”")
    assert "2.0 fewer than" in found


def test_preference_length_and_flips() -> None:
    found = says(kind="kin", check="self-preference", slice="itself")
    assert "GPT-4 is kinder to answers of its own than to all others, by 34.7 of 100" in found
    ratio = {"value": 1.31, "low": 1.12, "high": 1.53}
    found = says(kind="length", check="length of the answer", effect=ratio, n=3600)
    assert "are 1.31 times those of the other: odds ratio 1.31 [1.12, 1.53], n = 3,600" in found
    assert says(kind="flips", check="run-to-run flips").startswith("Asked again, GPT-4 changes")


def test_in_the_voice_of_labels_made_by_program() -> None:
    found = finding_says(
        BASE | {"kind": "model", "check": "leniency by model"}, VOICES["reference"], "x"
    )
    assert "than the reference labels do" in found


@pytest.mark.parametrize("kind", SLICES)
def test_every_kind_of_slice_has_words(kind: str) -> None:
    assert which_answers(kind, "z").startswith("answers ") and "z" in which_answers(kind, "z")
    odd = which_answers("degenerate answers", ANSWERS)
    assert odd == "answers that are neither degenerate nor a refusal"


def test_one_flip_is_a_finding_and_none_is_not() -> None:
    rate = {"value": 0.02, "low": 0.01, "high": 0.03, "n": 500}
    made_of = {"often": {"repeats": {"n": 3, "flip_rate": rate}}, "panel": {"panel": {}}}
    made_of["never"] = {"repeats": {"n": 3, "flip_rate": rate | {"value": 0.0, "low": 0.0}}}
    (found,) = flip_findings(made_of)
    assert (found["judge"], found["q"], found["n"], found["consequence"]) == (
        "often",
        0.0,
        500,
        0.01,
    )
    value = {
        "reference": {"labels": "human"},
        "rubric": {"positive": "correct"},
        "findings": [{"consequence": 0.2}, {"consequence": 0.001}],
        "could_not_check": [],
    }
    with_flips(value, made_of, [{"check": "c", "why": "w"}])
    assert [one["consequence"] for one in value["findings"]] == [0.2, 0.01, 0.001]
    assert "flip rate 0.020 [0.010, 0.030], n = 500" in value["findings"][1]["says"]
    assert value["could_not_check"] == [{"check": "c", "why": "w"}]
