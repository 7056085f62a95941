"""Rules on real answers, beside what the parsers that came with the data read in them.

Every difference that is named here was read: the comment says who is right.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import real_answers
from real_answers import Answer

from judges.judge import open_judge
from samples.records import Case, Response, Rubric, Spec, Verdict

RUBRIC = Rubric("final-answer", "Is the final answer correct?", ("incorrect", "correct"))


def auto(answers: Sequence[Answer], **options: Any) -> list[Verdict]:
    judge = open_judge(Spec("judge", "rules", {"kind": "auto", "options": options}), {})
    try:
        return list(
            judge.judge(
                [
                    Case(a.item, Response(a.item.id, "m", "b2:spec", "cot", n, a.text), RUBRIC)
                    for n, a in enumerate(answers)
                ]
            )
        )
    finally:
        judge.close()


def keys(answers: Sequence[Answer], verdicts: Sequence[Verdict], theirs: bool) -> set[str]:
    """The items that theirs calls right (wrong) and ours does not."""
    return {
        answer.item.key
        for answer, verdict in zip(answers, verdicts, strict=True)
        if answer.theirs is theirs and (verdict.value == "correct") is not theirs
    }


BEHAVIOURS = [  # the data, the item, what is read, and why it is worth a row
    ("rho", "76", "correct", "a unit: 5 bags"),
    ("rho", "88", "correct", "a thousands comma"),
    ("rho", "140", "correct", "percent where a number is wanted"),
    ("rho", "814", "degenerate", "a loop"),
    ("gsm8k", "95", "correct", "a currency and a thousands comma, in the reference too"),
    ("gsm8k", "138", "correct", "one answer in two forms"),
    ("gsm8k", "196", "correct", "number words"),
    ("gsm8k", "336", "correct", "a sum that is worked out"),
    ("gsm8k", "699", "correct", "cents: 14.00 is 14"),
    ("gsm8k", "971", "refusal", "We don't know"),
    ("gsm8k", "973", "unparsable", "4 hours and 30 minutes are not 4"),
    ("gsm8k", "982", "correct", "a negative number"),
    ("commonsenseqa", "36", "ambiguous", "A, B, C, D, or E"),
    ("commonsenseqa", "191", "correct", "the text of an option in quotation marks"),
    ("commonsenseqa", "949", "correct", "the text of an option"),
    ("commonsenseqa", "1100", "ambiguous", "two letters in one word"),
    ("aqua", "34", "incorrect", "the text goes on after its answer"),
]


@pytest.mark.parametrize(("data", "key", "outcome", "why"), BEHAVIOURS)
def test_what_is_asked_of_rules_on_real_text(shared_data, data, key, outcome, why):
    if data == "rho":
        answers = real_answers.rho(shared_data("outputs_gsm8k_rho_1b"))
    else:
        answers = real_answers.zero_shot(shared_data("outputs_zero_shot_cot_logs"), data)
    (verdict,) = auto([next(answer for answer in answers if answer.item.key == key)])
    assert (verdict.value or verdict.failure) == outcome, (why, verdict)


@pytest.mark.slow
def test_gsm8k_answers_of_two_gpt3_models(shared_data):
    """The label compares the strings after "A:"; four answers end in endless digits."""
    answers = list(real_answers.gpt3(shared_data("outputs_gsm8k_gpt3_6b_175b")))
    verdicts = auto(answers)
    assert len(answers) == 5276
    assert keys(answers, verdicts, True) == keys(answers, verdicts, False) == set()
    assert sum(verdict.failure is not None for verdict in verdicts) <= 4


def test_gsm8k_answers_of_a_small_base_model(shared_data):
    answers = list(real_answers.rho(shared_data("outputs_gsm8k_rho_1b")))
    verdicts = auto(answers)
    assert round(100 * sum(answer.theirs for answer in answers) / len(answers), 1) == 36.2
    # Ours is right: "80 + 150 = 230 miles", "5 bags" and "30 - 16 = 14" say what is asked for.
    assert keys(answers, verdicts, False) == {"16", "76", "908"}
    # Ours is right: 0.02 is not 2, 2500 not 25, 3 not 300; 111 loops and never concludes.
    assert keys(answers, verdicts, True) == {"111", "328", "413", "951"}


@pytest.mark.parametrize(
    ("task", "published", "ours"), [("gsm8k", 40.71, 43.67), ("aqua", 33.46, 33.07)]
)
def test_answers_without_worked_examples(shared_data, task, published, ours):
    answers = list(real_answers.zero_shot(shared_data("outputs_zero_shot_cot_logs"), task))
    check_zero_shot(answers, published, ours, by_chance=1)


@pytest.mark.slow
def test_choices_without_worked_examples(shared_data):
    """68 times theirs takes the first letter of "A, B, or C", which is the right one by chance;
    once that of "CE".
    """
    folder = shared_data("outputs_zero_shot_cot_logs")
    answers = list(real_answers.zero_shot(folder, "commonsenseqa"))
    check_zero_shot(answers, 64.62, 59.21, by_chance=69)


def check_zero_shot(answers: list[Answer], published: float, ours: float, by_chance: int) -> None:
    """Ours never calls wrong what theirs calls right: it sees several answers there."""
    verdicts = auto(answers)
    assert round(100 * sum(a.theirs for a in answers) / len(answers), 2) == published
    right = sum(verdict.value == "correct" for verdict in verdicts)
    assert round(100 * right / len(answers), 2) == ours
    lost = keys(answers, verdicts, True)
    assert len(lost) == by_chance
    failures = {v.failure for a, v in zip(answers, verdicts, strict=True) if a.item.key in lost}
    assert failures <= {"ambiguous", "unparsable"}


@pytest.mark.slow
def test_the_pairs_of_math_verify(shared_data):
    """Its maintainers do not read display mathematics that goes over lines; ours does: 31, 32."""
    answers = list(real_answers.math_pairs(shared_data("parser_vectors_math_verify")))
    differ: set[str] = set()
    for settings in {tuple(real_answers.settings(answer).items()) for answer in answers}:
        chosen = [a for a in answers if tuple(real_answers.settings(a).items()) == settings]
        verdicts = auto(chosen, **dict(settings))
        differ |= keys(chosen, verdicts, True) | keys(chosen, verdicts, False)
    assert len(answers) == 254
    assert differ == {"31", "32"}


@pytest.mark.slow
@pytest.mark.parametrize("task", real_answers.TASKS)
def test_every_reference_is_right_in_every_form(shared_data, task):
    """No item has a reference that its own rule cannot read."""
    file, _ = real_answers.TASKS[task]
    root = shared_data(file.partition("/")[0]).parent
    answers = list(real_answers.own_answers(real_answers.items(task, root)))
    verdicts = auto(answers)
    wrong = [
        (answer.item.key, answer.text, verdict.reason)
        for answer, verdict in zip(answers, verdicts, strict=True)
        if verdict.value != "correct"
    ]
    assert len(answers) >= 229
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("task", ["gsm8k", "commonsenseqa", "strategyqa"])
def test_the_reference_of_another_question_is_wrong(shared_data, task):
    file, _ = real_answers.TASKS[task]
    asked = real_answers.items(task, shared_data(file.partition("/")[0]).parent)
    others = [
        Answer(item, answer.text, False)
        for item, other in pairwise(asked)
        if not set(item.references) & set(other.references)
        for answer in real_answers.own_answers([replace(other, choices=())])
    ]
    verdicts = auto(others)
    assert len(others) > 100
    assert {verdict.value for verdict in verdicts} == {"incorrect"}
