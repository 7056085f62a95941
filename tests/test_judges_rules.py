"""The rule judge as a judge: labels, failures, errors; no text makes it raise, hang or guess."""

import re
import time
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judges.judge import open_judge
from judges.maths import MathWorker, rule_math
from judges.numerals import numerals
from judges.outcomes import name_outcome
from judges.plain import clean
from judges.rules import RULES, when_cut
from samples.errors import BenchwarrantError
from samples.records import FAILURES, Case, Item, Response, Rubric, Spec

RUBRIC = Rubric("final-answer", "Is the final answer correct?", ("incorrect", "correct"))
NUMBER = Item("t", "n", "How many apples does Anna have?", ("12",), "number")
CHOICE = Item("t", "c", "Which?", ("B",), "choice", (("A", "a bank"), ("B", "the (mall")))
ITEMS = {
    "number": NUMBER,
    "choice": CHOICE,
    "sequence": Item("t", "s", "Sort these numbers: [5, 3, 1]", ("[1, 3, 5]",), "sequence"),
    "text": Item("t", "x", "What is the capital of France?", ("Paris",), "text"),
    "exact": Item("t", "x", "What is the first letter?", ("a",), "text"),
    "yesno": Item("t", "y", "Is it so?", ("yes",), "yesno"),
    "critique": Item(
        "t", "q", "Check it.", ("incorrect; first wrong step: 2; reason: 3, not 4",), "critique"
    ),
    "contains": Item("t", "x", "What is the capital of France?", ("Paris",), "text"),
}


@pytest.fixture(scope="module")
def math_worker():
    worker = MathWorker()
    yield worker
    worker.close()


def case(item, text, finish="stop", rubric=RUBRIC):
    return Case(item, Response(item.id, "m", "b2:spec", "cot", 0, text, finish), rubric)


def verdict(kind, *args, **body):
    judge = open_judge(Spec("judge", "rules", {"kind": kind, **body}), {})
    try:
        (verdict,) = judge.judge([case(*args)])
    finally:
        judge.close()
    return verdict


def test_right_and_wrong_are_the_labels_of_the_rubric():
    right = verdict("auto", NUMBER, "The answer is 12.")
    assert (right.value, right.failure, right.raw) == ("correct", None, "12")
    assert right.reason == "read 12 after 'answer is'"
    assert verdict("auto", NUMBER, "The answer is 13.").value == "incorrect"
    other = Rubric("r", "Acceptable?", ("no", "yes"))
    assert verdict("auto", NUMBER, "12", "stop", other).value == "yes"


def test_a_verdict_names_what_it_is_about():
    made = verdict("auto", NUMBER, "12")
    about = case(NUMBER, "12")
    assert (made.response, made.rubric) == (about.response.id, about.rubric.id)
    assert made.judge == "rules"
    assert made.spec == Spec("judge", "rules", {"kind": "auto"}).id


@pytest.mark.parametrize(("kind", "item"), ITEMS.items())
def test_auto_takes_the_rule_of_the_answer_type(kind, item):
    reply = f"The answer is {item.reference}."
    if kind == "critique":
        reply = "Solution correctness: incorrect\nFirst wrong step: 2\nReason: it is 3."
    assert verdict("auto", item, reply).value == "correct"


@pytest.mark.parametrize(
    ("item", "text", "finish", "value", "failure"),
    [
        (NUMBER, "", "stop", None, "degenerate"),
        (NUMBER, "", "length", None, "truncated"),
        (NUMBER, "3 + 4 = 7, and then", "length", None, "truncated"),
        (NUMBER, "The answer is 12", "length", None, "truncated"),  # of 125?
        (NUMBER, "The answer is 12. Let me explain: fir", "length", "correct", None),
        (NUMBER, "\\boxed{12} is", "length", "correct", None),
        (ITEMS["sequence"], "\\boxed{1, 3, 5", "length", None, "truncated"),
        (ITEMS["sequence"], "\\boxed{1, 3, 5", "stop", "correct", None),
        (CHOICE, "B", "length", "correct", None),
        (CHOICE, "It could be (B) or", "length", None, "truncated"),
        (NUMBER, None, "too_long", None, "too_long"),
        (NUMBER, None, "error", None, "api_error"),
    ],
)
def test_a_text_that_was_cut_off(item, text, finish, value, failure):
    made = verdict("auto", item, text, finish)
    assert (made.value, made.failure) == (value, failure), made


@pytest.mark.parametrize(
    ("text", "finish", "value", "failure"),
    [
        ("<think>7? No: 12.</think>\nThe answer is 12.", "stop", "correct", None),
        ("<think>It is 12.</think>\nThe answer is 7.", "stop", "incorrect", None),
        ("It is 12.</think>\nThe answer is 7.", "stop", "incorrect", None),
        ("<think>The answer is 12. Wait, ", "length", None, "truncated"),
        ("<think>The answer is 12.", "stop", None, "unparsable"),
        ("<think>The answer is 12.</think>", "stop", None, "unparsable"),
        ("<think>12</think>The answer is 12. I", "length", "correct", None),
        ("<think>12</think>The answer is 12", "length", None, "truncated"),
    ],
)
def test_nothing_is_read_from_thoughts(text, finish, value, failure):
    made = verdict("auto", NUMBER, text, finish)
    assert (made.value, made.failure) == (value, failure), made


def test_math_runs_in_its_own_process_and_is_closed():
    item = Item("t", "m", "?", (r"\frac{1}{2}",), "math")
    assert verdict("auto", item, r"\boxed{0.5}").value == "correct"
    assert verdict("math", item, r"\boxed{0.6}").value == "incorrect"


def test_missing_texts_are_refused_before_anything_is_judged():
    judge = open_judge(Spec("judge", "rules", {"kind": "auto"}), {})
    cases = [case(NUMBER, "12"), case(NUMBER, None)]
    with pytest.raises(BenchwarrantError, match="'rules': 1 of 2 responses have no text"):
        next(judge.judge(cases))


def test_a_rubric_with_three_labels_is_refused():
    rubric = Rubric("grades", "How good?", ("bad", "fair", "good"))
    with pytest.raises(BenchwarrantError, match="rubric 'grades' has 3 labels"):
        verdict("auto", NUMBER, "12", "stop", rubric)


def test_an_unknown_answer_type_is_refused():
    with pytest.raises(BenchwarrantError, match="unknown answer type 'colour'"):
        verdict("auto", Item("t", "k", "?", ("12",), "colour"), "12")


def test_the_constant_judge():
    assert verdict("constant", NUMBER, None, value="correct").value == "correct"
    with pytest.raises(BenchwarrantError, match="'good' is not a label of rubric 'final-answer'"):
        verdict("constant", NUMBER, "12", value="good")
    with pytest.raises(BenchwarrantError, match="needs a value"):
        open_judge(Spec("judge", "all", {"kind": "constant"}), {})


PIECES = st.sampled_from(
    [
        *("\\boxed{", "}", "[", "]", "(", ")", "The answer is ", "Answer: ", "A: ", "#### "),
        *("5", " 12", "1,000", "3/4", "\\frac{1}{2}", "\\frac", "\u2212", "-", "%", "^", "e5"),
        *(" ", "\n", "\t", "...", "```", "```python\n", "def f(x):\n", "x = [5, 3, 1]\n", "Q: "),
        *("(A)", "B", "C)", "option ", "not ", "is ", "yes", "no", "or ", "and ", ", ", "a "),
        *("<|im_end|>", "\\text{", "\\", "$", "**", "_", "\ud800", "\u0301", "\u0663", "\u0130"),
        *(
            "Solution correctness: ",
            "First wrong step: ",
            "Step ",
            "correct",
            "in",
            "none",
            "Reason:",
        ),
        *("solution is ", "first error is in ", "partially ", "but ", "/", "[", "Correctness"),
        *("sorted list ", ":", "=", "1:2", " 000", "Paris", "the (mall", "\x00", "\u00df"),
    ]
)
MATHS = st.sampled_from(
    [
        *("\\boxed{", "}", "$", "The answer is ", "\\frac{1}{2}", "0.5", "9^", "{9", "x", "=", "("),
        *(")", "\\sqrt{", "\\int_0^1 ", "\\sum_{n=1}^{9^9} ", "!", "\\begin{pmatrix}", "&", " "),
        *("\\log ", "\\infty", "1,000", "\\cup ", "[0, 1)", "\\%", "\n\n", "**", "\\pi", "x^{x^x}"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join))


SHOWN = {  # what must stand in the place that was read, for the answer to be right
    "number": lambda span: any(n.value == 12 for n in numerals(clean(span))),
    "choice": lambda span: "b" in span.lower() or "the mall" in span.lower().replace("(", ""),
    "sequence": lambda span: re.search("1.*3.*5", span, re.DOTALL),
    "text": lambda span: "paris" in span.lower(),
    "exact": lambda span: "a" in normalize("NFKD", span).casefold(),
    "contains": lambda span: "paris" in span.lower(),
    "yesno": lambda span: re.search("yes|true", span, re.IGNORECASE),
}


@settings(deadline=1000, max_examples=300)
@given(TEXTS)
def test_no_text_makes_a_rule_raise_hang_or_guess(text):
    for kind, rule in RULES.items():
        ruling = name_outcome(rule(text, ITEMS[kind]), text)
        assert (ruling.value is None) != (ruling.failure is None)
        assert ruling.reason
        assert ruling.failure is None or ruling.failure in FAILURES
        assert ruling.value is None or ruling.span
        assert not ruling.value or SHOWN[kind](ruling.span), (kind, ruling)
        assert when_cut(ruling, text, kind).failure in (None, "truncated", "degenerate")


@pytest.mark.slow
@settings(max_examples=60)
@given(st.lists(MATHS, max_size=25).map("".join))
def test_no_text_makes_the_math_rule_raise_or_hang(math_worker, text):
    item = Item("t", "m", "?", (r"\frac{1}{2}",), "math")
    math_worker.compare("1", "2")  # a process that was thrown away has come up again
    start = time.perf_counter()
    ruling = name_outcome(rule_math(math_worker.compare, text, item), text)
    assert time.perf_counter() - start < 1.5  # a busy machine gets half a second more
    assert (ruling.value is None) != (ruling.failure is None)
    assert ruling.reason


@pytest.mark.parametrize("piece", ["\\boxed{", "The answer is ", " 5", "C)", "\n", "((", "1, "])
def test_a_long_monotonous_text_takes_no_second(piece):
    text = piece * (100_000 // len(piece))
    for kind, rule in RULES.items():
        start = time.perf_counter()
        rule(text, ITEMS[kind])
        assert time.perf_counter() - start < 1, kind


def test_no_answer_is_a_failure_unless_the_judge_is_told_otherwise():
    plain = verdict("auto", NUMBER, "Apples.")
    told = verdict("auto", NUMBER, "Apples.", no_answer="incorrect")
    assert (plain.value, plain.failure) == (None, "unparsable")
    assert (told.value, told.failure) == ("incorrect", None)
    assert told.reason == plain.reason  # why it says so is kept
