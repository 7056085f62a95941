"""The MR-Score by hand, its published weights, its intervals, and where it is undefined."""

from typing import Any

import numpy as np
import pytest
from small_road import policy

from judges.figures import EXACT, NO_DISAGREEMENT, ONE_QUESTION
from judges.intervals import clopper_pearson, multinomial_weights
from judges.mr_score import UNRULED, WEIGHTS, WIDENED, Critiques, mr_score

PARTS = tuple(WEIGHTS)
# A critique is a letter: of a wrong solution G (step and reason right), B (step right, reason
# wrong), S (step right, nobody ruled), w (called wrong, another step), r (called right), n (not
# read); of a right one R, W and N.
LETTERS = {
    "G": (0, 0, 1, 1),
    "B": (0, 0, 1, 0),
    "S": (0, 0, 1, UNRULED),
    "w": (0, 0, 0, 0),
    "r": (0, 1, 0, UNRULED),
    "n": (0, 2, 0, UNRULED),
    "R": (1, 1, 0, 1),
    "W": (1, 0, 0, 0),
    "N": (1, 2, 0, UNRULED),
}


def critiques(text: str, question: list[int] | None = None) -> Critiques:
    codes = np.array([LETTERS[letter] for letter in text]).T
    return Critiques(np.arange(len(text)) if question is None else np.array(question), *codes)


def scored(text: str, question: list[int] | None = None, **more: Any) -> dict[str, Any]:
    (made,) = mr_score([critiques(text, question)], policy(**more), np.random.default_rng(0))
    return made


def test_by_hand() -> None:
    # Wrong solutions: 4 called wrong, r and n count as called right; right ones: 3 and, with N, 1.
    # MCC = (4 · 3 − 2 · 1) / √(6 · 4 · 5 · 5); the step is named in 3 of 6, the reason holds in 2.
    made = scored("GGBwrn" + "RRRN")
    mcc = 10 / 600**0.5
    values = {name: figure["value"] for name, figure in made.items()}
    assert values == pytest.approx(
        {"mcc": mcc, "step_accuracy": 1 / 2, "reason_accuracy": 1 / 3}
        | {"mr_score": 0.2 * mcc + 0.3 / 2 + 0.5 / 3}
    )
    assert {name: figure["n"] for name, figure in made.items()} == {
        "mcc": 10,
        "step_accuracy": 6,
        "reason_accuracy": 6,
        "mr_score": 10,
    }


@pytest.mark.parametrize(
    ("mcc", "step", "reason", "score"),
    [(63.3, 48.8, 46.3, 50.5), (30.0, 25.2, 19.9, 23.5), (51.3, 38.9, 32.7, 38.3)],
)  # GPT-4-Turbo, Claude3-Sonnet and Llama3-70B without examples, in MR-GSM8K's own table
def test_the_weights_are_the_published_ones(
    mcc: float, step: float, reason: float, score: float
) -> None:
    weighted = sum(w * part for w, part in zip(WEIGHTS.values(), (mcc, step, reason), strict=True))
    assert weighted == pytest.approx(score, abs=0.1)


def test_a_negative_mcc_counts_as_none() -> None:
    made = scored("GGBrrr" + "WWWR")
    assert made["mcc"]["value"] < 0
    assert made["mr_score"]["value"] == pytest.approx(0.3 / 2 + 0.5 / 3)


def test_reasons_ruled_on_speak_for_those_that_were_not() -> None:
    made = scored("GBSSww" + "RRRW")
    assert made["reason_accuracy"]["value"] == pytest.approx(4 / 6 * 1 / 2)


def test_questions_are_resampled_not_critiques() -> None:
    text = ("GBwr" * 3 + "RRW") * 4
    question = [place // 2 for place in range(len(text))]
    made = scored(text, question)
    weights = multinomial_weights(np.random.default_rng(0), 400, max(question) + 1)
    model = critiques(text, question)
    counted = weights[:, model.question].astype(np.float64)  # how often each critique comes up
    shares = (counted @ model.step) / (counted @ (model.right == 0))
    low, high = np.quantile(shares, [0.025, 0.975])
    found = made["step_accuracy"]
    assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))
    assert all(made[name]["low"] < made[name]["value"] < made[name]["high"] for name in made)


def test_models_of_one_task_see_the_same_resamples() -> None:
    text = "GBwrRW" * 5
    pair = mr_score([critiques(text)] * 2, policy(), np.random.default_rng(3))
    assert pair[0] == pair[1]


@pytest.mark.parametrize(
    ("text", "undefined", "says"),
    [
        ("RRWN", {"mcc", "step_accuracy", "reason_accuracy", "mr_score"}, "no solution is wrong"),
        ("GBwr", {"mcc", "mr_score"}, "no solution is right"),
        ("rrrR", {"mcc", "mr_score"}, "all solutions are called the same"),
        ("SSwrRRW", {"reason_accuracy", "mr_score"}, "the reason of any of 2 critiques with"),
        ("SwwrRRW", {"reason_accuracy", "mr_score"}, "the reason of any of 1 critique with"),
    ],
)
def test_what_is_undefined_says_why(text: str, undefined: set[str], says: str) -> None:
    made = scored(text)
    assert {name for name, figure in made.items() if figure["value"] is None} == undefined
    for name in undefined:
        assert made[name]["reason"].startswith("undefined: ") and says in made[name]["reason"]


def test_one_question_has_no_interval() -> None:
    made = scored("GBwrRW", [0] * 6)
    assert all(figure["low"] is None for figure in made.values())
    assert {figure["reason"] for figure in made.values()} == {ONE_QUESTION}


def test_without_a_mistake_the_ends_are_those_that_so_few_questions_cannot_rule_out() -> None:
    made = scored("G" * 10 + "R" * 10)
    assert all(figure["value"] == 1 and figure["high"] == 1 for figure in made.values())
    least = 0.025 ** (1 / 10)  # Clopper–Pearson for 10 of 10
    assert made["step_accuracy"]["low"] == pytest.approx(least)
    assert made["reason_accuracy"]["low"] == pytest.approx(least**2)
    assert made["mr_score"]["low"] == pytest.approx(
        0.2 * made["mcc"]["low"] + 0.3 * least + 0.5 * least**2
    )
    notes = [made[name]["note"] for name in (*PARTS, "mr_score")]
    assert notes == [NO_DISAGREEMENT, EXACT, EXACT, WIDENED]


def test_few_rulings_that_all_agree_are_no_certainty() -> None:
    made = scored("G" * 3 + "S" * 17 + "w" * 20 + "R" * 9 + "W")
    high = float(clopper_pearson(np.array(3), np.array(3), 0.95)[0])
    found, step = made["reason_accuracy"], made["step_accuracy"]
    assert found["value"] == 0.5
    assert found["low"] == pytest.approx(step["low"] * high) and found["high"] == step["high"]
    assert made["mr_score"]["note"] == WIDENED


def test_where_no_step_is_right_no_ruling_is_needed() -> None:
    made = scored("ww" * 10 + "rR" * 10)
    assert made["reason_accuracy"]["value"] == 0
    assert 0 < made["reason_accuracy"]["high"] == made["step_accuracy"]["high"]
    assert made["mr_score"]["value"] == pytest.approx(0.2 * made["mcc"]["value"])


def test_more_resamples_than_are_held_at_a_time() -> None:
    made = scored("GBwrRW" * 5, resamples=2500)
    assert made["mr_score"]["low"] < made["mr_score"]["value"]
