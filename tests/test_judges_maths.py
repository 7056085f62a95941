"""LaTeX answers, compared in a process of their own."""

import os
import signal

import pytest

from judges.maths import LONGEST, MathWorker, rule_math
from samples.records import Item


@pytest.fixture(scope="module")
def worker():
    worker = MathWorker()
    yield worker
    worker.close()


@pytest.mark.parametrize(
    ("text", "reference", "value"),
    [
        (r"\boxed{\frac{3}{4}}", "0.75", True),
        (r"The answer is $\frac{3}{4}$.", r"\frac{3}{4}", True),
        (r"So $x = 5$, hence $\boxed{2x + 1}$.", "1 + 2x", True),
        (r"\boxed{(3, \frac{\pi}{2})}", r"\left( 3, \frac{\pi}{2} \right)", True),
        (r"\boxed{-2} \quad \text{and} \quad \boxed{1}", "1,-2", True),
        (r"\boxed{5}. The answer is five hundred", "5", True),
        ("The answer is 9/2 * \u03c0", r"\frac{9\pi}{2}", True),
        (r"\boxed{\text{evelyn}}", r"\text{Evelyn}", True),
        (r"\boxed{32348}", r"\$32,\!348", True),  # the dollar is money, not a formula's mark
        (r"\boxed{7}", "8", False),
        (r"\boxed{7} no, \boxed{8}", "7", False),
        ("", "8", "unparsable"),
        ("I do not know", "8", "unparsable"),
    ],
)
def test_expressions(worker, text, reference, value):
    ruling = rule_math(worker.compare, text, Item("t", "k", "?", (reference,), "math"))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling


def test_a_long_answer_is_not_sent(worker):
    assert worker.compare("1", "1" * (LONGEST + 1)) == (None, f"longer than {LONGEST} characters")


@pytest.mark.slow
def test_a_hang_is_a_failure_and_the_next_answer_is_compared():
    worker = MathWorker(seconds=8)
    try:
        right, why = worker.compare("5", r"$9^{9^{9^{9^{9}}}}$")
        assert right is None
        assert "not compared within" in why
        assert worker.compare("5", "$5$") == (True, "")
    finally:
        worker.close()


def test_a_worker_that_dies_is_replaced():
    worker = MathWorker()
    try:
        assert worker.compare("5", "$5$") == (True, "")
        assert worker._process is not None
        os.kill(worker._process.pid, signal.SIGKILL)
        assert worker.compare("5", "$5$") == (None, "the comparison crashed")
        assert worker.compare("5", "$5$") == (True, "")
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("settings", "reference", "answer", "right"),
    [
        ({}, r"\frac{8}{3}", "2.67", False),
        ({"precision": 2}, r"\frac{8}{3}", "2.67", True),
        ({}, "f(x)", "f(y)", False),
        ({"strict": False}, "f(x)", "f(y)", True),
        ({"relations": True}, r"x \in [-2,7]", r"-2 \le x \le 7", True),
    ],
)
def test_how_exactly_is_a_setting(settings, reference, answer, right):
    worker = MathWorker(settings)
    try:
        assert worker.compare(reference, f"${answer}$") == (right, "")
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("reference", "answer", "value"),
    [
        ("1,22", "1.22", True),  # a decimal comma, or two numbers
        ("1,22", "\\boxed{22, 1}", True),
        ("1,22", "1.23", False),
        ("4.33", "4.3333", True),
        ("1,000", "1000", True),
        ("44", "The answer is forty-four.", True),
        ("44", "The answer is forty-five.", "unparsable"),
        ("44", "So \\boxed{44}. We may check our answer: $17 \\cdot 44 = 748$.", True),
        ("44", "So \\boxed{44}. WE CHECK OUR ANSWER: $17 \\cdot 44 = 748$.", True),
    ],
)
def test_plain_numbers_may_be_written_in_several_ways(worker, reference, answer, value):
    ruling = rule_math(worker.compare, answer, Item("t", "k", "?", (reference,), "math"))
    assert (ruling.value if ruling.failure is None else ruling.failure) == value, ruling
