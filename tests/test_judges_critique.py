"""What is read from a critique of a solution, and how it is ruled: lines, prose, contradictions."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judges.critique import NO_STEP, read_critique, rule_critique
from judges.judge import open_judge
from samples.errors import BenchwarrantError
from samples.records import Case, Item, Response, Rubric, Spec

RUBRIC = Rubric("final-answer", "Is the critique right?", ("incorrect", "correct"))
RIGHT = Item("mr", "r", "1 + 1?\n\nSolution to check:\nStep 1: 2", ("correct",), "critique")
WRONG = Item(
    "mr", "w", "1 + 1?", ("incorrect; first wrong step: 3; reason: it is 2",), "critique"
)  # fmt: skip
THREE = "Solution correctness: {}\nFirst wrong step: {}\nReason: {}"


@pytest.mark.parametrize(
    ("text", "correct", "step"),
    [
        (THREE.format("correct", "none", "none"), True, NO_STEP),
        (THREE.format("incorrect", "3", "5 + 5 is 10, not 11."), False, 3),
        # the words of MR-Ben and of MR-GSM8K
        (
            "Solution Analysis: Step 1 is correct. Step 2 is incorrect.\n"
            "Solution Correctness: incorrect\nFirst Error Step: Step 2\nError Reason: Step 1 …",
            False,
            2,
        ),
        (
            "Step-by-step Evaluation: fine.\nFinal Judgement: wrong\nFirst Error Step: 4\n"
            "Error Analysis: the sum is wrong.",
            False,
            4,
        ),
        ("Final Judgment: **correct**\nFirst Error Step: N/A\nError Analysis: N/A", True, NO_STEP),
        # marking-up, blanks, and everything on one line
        ("**Solution Correctness:** Incorrect\n**First Error Step:** Step 3", False, 3),
        ("**Solution correctness**: *incorrect*\n\n**First wrong step**: **2**", False, 2),
        ("### Solution Correctness\nincorrect\n### First Error Step\nStep 5", False, 5),
        ("- Solution correctness: `correct`\n- First wrong step: `None`", True, NO_STEP),
        ("solution_correctness: incorrect, first_error_step: 7", False, 7),
        ('{"solution_correctness": "incorrect", "first_error_step": 2}', False, 2),
        ("Solution correctness: incorrect First wrong step: 3 Reason: 2 + 2", False, 3),
        ("Solution correctness: \\boxed{incorrect}\nFirst wrong step: $2$", False, 2),
        ("Solution correctness (correct or incorrect): correct", True, None),
        ("Solution correctness:\nincorrect\nFirst wrong step:\n4", False, 4),
        ("Correctness: incorrect\nFirst incorrect step: line 2", False, 2),
        ("incorrect\n3\nThe sum is 10.", False, 3),
        ("**Correct**\nnone\nnone", True, NO_STEP),
        ("Incorrect.", False, None),
        # negations and clauses
        ("Solution correctness: not correct\nFirst wrong step: 1", False, 1),
        ("Solution correctness: The solution isn't entirely correct.", False, None),
        ("Solution correctness: the solution is not wrong", True, None),
        ("Solution correctness: Incorrect. The correct answer is 5.", False, None),
        ("Solution correctness: incorrect, the correct sum is 5", False, None),
        ("Solution correctness: incorrect, but the correct answer is 5", False, None),
        ("Solution correctness: incorrect at step 3", False, None),
        ("Solution correctness: The step-by-step solution is correct.", True, None),
        ("Solution correctness: incorrect because 5 is the right sum", False, None),
        ("First wrong step: Step 3. The student adds 2 and 4 in step 2.", None, None),
        (THREE.format("incorrect", "the error is made in Step 3.", "…"), False, 3),
        (THREE.format("incorrect", "3: they add 4, 5", "…"), False, 3),
        (THREE.format("incorrect", "not applicable", "…"), False, NO_STEP),
        (THREE.format("correct", "0", "…"), True, NO_STEP),
        (THREE.format("correct", "-1", "…"), True, NO_STEP),
        (THREE.format("incorrect", "", "step 2 is wrong"), False, None),
        (THREE.format("incorrect", "somewhere", "step 2 is wrong"), False, None),
        # the last statement binds, and what follows it is another's
        (THREE.format("correct", "none", "") + "\n" + THREE.format("incorrect", "2", ""), False, 2),
        (
            THREE.format("incorrect", "2", "so")
            + "\n\nQuestion: 5 + 5?\n"
            + THREE.format("correct", "none", ""),
            False,
            2,
        ),
        (
            "Solution correctness: correct or incorrect\nFirst wrong step: its number, or none\n\n"
            + THREE.format("incorrect", "2", "so"),
            False,
            2,
        ),
        (
            THREE.format("incorrect", "2", "so")
            + "\n\nSolution correctness: correct or incorrect\nFirst wrong step: number or none",
            False,
            2,
        ),
        # running text
        ("So the student's solution is incorrect. The first error is in Step 2.", False, 2),
        ("So the solution is completely correct.", True, None),
        ("The solution is not right: the first mistake occurs in step 4", False, 4),
    ],
)  # fmt: skip
def test_what_is_read(text: str, correct: bool | None, step: int | None) -> None:
    said = read_critique(text)
    assert (said.correct, said.step if correct is not None else None) == (correct, step), said


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "unparsable"),
        ("Step 1: 5 + 5 = 10", "unparsable"),
        ("First wrong step: 3", "unparsable"),
        ("Solution correctness: correct or incorrect", "unparsable"),
        ("Solution Correctness: [Input 'correct'/'incorrect' here]", "unparsable"),
        ("Let us see whether the solution is correct.", "unparsable"),
        ("If the solution is incorrect, name the step.", "unparsable"),
        ("The final answer of the solution is correct.", "unparsable"),
        ("The answer is incorrect.", "unparsable"),  # a right answer may be wrongly reasoned
        ("I will check the solution correctness. Step 1 is correct.", "unparsable"),
        ("Solution correctness: Step 1 is correct. Step 2 is incorrect.", "unparsable"),
        ("Solution correctness: the final answer is correct", "unparsable"),
        ("Solution correctness: it does not reach the correct answer", "unparsable"),
        ("Solution correctness: see the right column", "unparsable"),
        ("Solution correctness: partially correct", "ambiguous"),
        ("Solution correctness: correct up to step 3", "ambiguous"),
        ("Solution correctness: correct, but step 3 is wrong", "ambiguous"),
        (THREE.format("correct", "3", "so"), "ambiguous"),
        (THREE.format("incorrect", "2 and 3", "so"), "ambiguous"),
        (THREE.format("incorrect", "Steps 2-4", "so"), "ambiguous"),
        (THREE.format("incorrect", "either step 2 or step 3", "so"), "ambiguous"),
    ],
)
def test_nothing_is_guessed(text: str, failure: str) -> None:
    said = read_critique(text)
    assert (said.correct, said.step, said.failure) == (None, None, failure), said
    assert said.why


@pytest.mark.parametrize(
    ("item", "text", "value", "facts"),
    [
        (RIGHT, THREE.format("correct", "none", "none"), True, ("correct", "none")),
        (RIGHT, "Solution correctness: correct", True, ("correct", None)),
        (RIGHT, THREE.format("incorrect", "3", "so"), False, ("incorrect", 3)),
        (RIGHT, "Solution correctness: incorrect", False, ("incorrect", None)),
        (WRONG, THREE.format("incorrect", "3", "so"), True, ("incorrect", 3)),
        (WRONG, THREE.format("incorrect", "2", "so"), False, ("incorrect", 2)),
        (WRONG, THREE.format("incorrect", "none", "so"), False, ("incorrect", "none")),
        (WRONG, THREE.format("correct", "none", "none"), False, ("correct", "none")),
        (WRONG, "Solution correctness: incorrect", None, ("incorrect", None)),
    ],
)
def test_right_is_the_correctness_and_of_a_wrong_solution_the_step(
    item: Item, text: str, value: bool | None, facts: tuple[str, object]
) -> None:
    ruling = rule_critique(text, item)
    assert ruling.value is value and (ruling.failure == "unparsable") is (value is None)
    assert (ruling.facts["correctness"], ruling.facts["step"]) == facts
    assert ("no rule can say" in ruling.reason) is (item is WRONG and value is True)


def test_references_may_name_two_reasons_and_two_steps() -> None:
    reasons = tuple(
        f"incorrect; first wrong step: {n}; reason: {r}" for n in (2, 5) for r in ("a", "b\nc")
    )
    item = Item("mr", "k", "?", reasons, "critique")
    for step, right in ((2, True), (5, True), (3, False)):
        assert rule_critique(THREE.format("incorrect", step, ""), item).value is right


@pytest.mark.parametrize(
    "references",
    [("wrong",), ("incorrect",), ("incorrect; first wrong step: 2",), ("12",), ("Correct",),
     ("correct", "incorrect; first wrong step: 2; reason: x"), ("correct", "so")],
)  # fmt: skip
def test_a_reference_of_another_form_is_refused(references: tuple[str, ...]) -> None:
    with pytest.raises(BenchwarrantError, match="mr/k: the reference"):
        rule_critique("Solution correctness: correct", Item("mr", "k", "?", references, "critique"))


@pytest.mark.parametrize(
    ("text", "finish", "value", "failure"),
    [
        ("<think>correct</think>" + THREE.format("incorrect", "3", "so"), "stop", "correct", None),
        (THREE.format("incorrect", "3", "the sum is"), "length", "correct", None),
        ("Solution correctness: incorrect\nFirst wrong step: 3", "length", None, "truncated"),
        ("Solution correctness: incorrect", "length", None, "truncated"),
        ("I cannot help with that.", "stop", None, "refusal"),
        ("....", "stop", None, "degenerate"),
        (None, "too_long", None, "too_long"),
    ],
)  # fmt: skip
def test_auto_picks_it_by_the_answer_type(
    text: str | None, finish: str, value: str | None, failure: str | None
) -> None:
    response = Response(WRONG.id, "m", "b2:spec", "direct", 0, text, finish)
    for kind in ("auto", "critique"):
        judge = open_judge(Spec("judge", "rules", {"kind": kind}), {})
        (made,) = judge.judge([Case(WRONG, response, RUBRIC)])
        assert (made.value, made.failure) == (value, failure), made
        assert made.value is None or made.meta == {"correctness": "incorrect", "step": 3}


PIECES = st.sampled_from(
    [
        *("Solution correctness", "First wrong step", "First Error Step", "Reason", "Reason:"),
        *("Final Judgement", ":", "\n", " ", "**", "is ", "correct", "incorrect", "wrong", "not "),
        *("Step ", "2", "3", "0", "none", "N/A", "or ", "and ", ", ", "but ", "/", ".", "(", "["),
        *("the solution is ", "the first error is in ", "partially ", "up to ", "Question:", "-"),
        *("<|im_end|>", "\\boxed{", "}", "\ud800", "\u0130", "\x00", "\t", "{", '"', "whether "),
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
@example("Solution correctness: n't correct")
def test_no_text_makes_it_raise_or_guess(text: str) -> None:
    said = read_critique(text)
    assert (said.correct is None) == (said.failure is not None)
    if said.correct is None:
        assert said.failure in ("ambiguous", "unparsable") and said.step is None and said.why
        return
    words = said.span.lower()
    assert any(
        word in words for word in ("correct", "right", "wrong", "true", "valid", "flawed", "false")
    )
    if said.step:
        assert str(said.step) in said.span and not said.correct
    for item in (RIGHT, WRONG):
        ruling = rule_critique(text, item)
        assert ruling.value is not True or ruling.facts["correctness"] == (
            "correct" if item is RIGHT else "incorrect"
        )


MONOTONOUS = [
    "Solution correctness: ",
    "First wrong step ",
    "the solution is ",
    "* ",
    "if ",
    "n't ",
]
MONOTONOUS += ["Correctness:\n", "whether the ", "(", "<|im_end|>", "first error is in "]


@pytest.mark.parametrize("piece", MONOTONOUS)
def test_a_long_monotonous_text_takes_no_second(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    start = time.perf_counter()
    read_critique(text)
    assert time.perf_counter() - start < 1
