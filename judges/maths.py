"""Compare LaTeX answers with Math-Verify, in a process of its own with a time limit.

Math-Verify guards itself with SIGALRM, which works in a process's main thread only, and a short
answer can keep SymPy busy for ever; so the process is thrown away when it takes too long.
"""

import re
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from judges.answers import Ruling, clean, normalise, prepare, unreadable
from samples.records import Item

SOFT_SECONDS = 3  # for each of the three steps, inside the worker
HARD_SECONDS = 15.0  # for everything, seen from outside
LONGEST = 1000  # characters of an answer
WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,}")
FORMULA = re.compile(r"[\\^π√]")
MARKED = re.compile(r"(?<!\\)\$|\\boxed|\\\(|\\\[")  # an escaped dollar is money
NOTHING = "no answer found: no expression"

Pair = tuple[str, str]
Answer = tuple[bool | None, str]
Compare = Callable[[str, str], Answer]


class MathWorker:
    """One worker process, started when first needed and started anew after a hang or a crash."""

    def __init__(self, seconds: float = HARD_SECONDS) -> None:
        self._seconds = seconds
        self._process: BaseProcess | None = None
        self._line: Connection[Pair, Answer] | None = None

    def compare(self, reference: str, answer: str) -> Answer:
        """Whether the answer equals the reference, or None and why it can't be said."""
        if len(answer) > LONGEST:
            return None, f"longer than {LONGEST} characters"
        line = self._line or self._start()
        try:
            line.send((reference, answer))
            if line.poll(self._seconds):
                return line.recv()
            why = f"not compared within {self._seconds:g} seconds"
        except (EOFError, OSError):
            why = "the comparison crashed"
        self.close()
        return None, why

    def close(self) -> None:
        if self._process is not None and self._line is not None:
            self._line.close()
            self._process.kill()
            self._process.join()
            self._process = self._line = None

    def _start(self) -> "Connection[Pair, Answer]":
        context = get_context("spawn")  # a forked copy of threads and of CUDA would not work
        self._line, end = context.Pipe()
        self._process = context.Process(target=serve, args=(end,), daemon=True)
        self._process.start()
        end.close()
        return self._line


def rule_math(compare: Compare, text: str, item: Item) -> Ruling:
    """The expression that is announced last, else the last paragraph, against the references."""
    given = prepare(text, item)
    places = [(mark.text, mark.where) for mark in reversed(given.marks)]
    paragraphs = [part.strip() for part in given.text.split("\n\n") if normalise(part)]
    if not places and not paragraphs:
        return unreadable(NOTHING, marked=False)
    marked = bool(places)
    for span, where in places or [(paragraphs[-1][-LONGEST:], "in the last paragraph")]:
        answer = f"\\boxed{{{span}}}" if "boxed" in where else _as_formula(span)
        right, why = _compare_all(compare, item.references, span, answer)
        if why != NOTHING:
            break
    if right is None:
        return unreadable(f"{why} {where}", span, marked)
    reason = f"{'equal' if right else 'not equal'} {where}{given.note}"
    return Ruling(right, None, span, reason, marked)


def serve(line: "Connection[Answer, Pair]") -> None:
    """The worker: compare what comes down the line until it is closed."""
    while True:
        try:
            line.send(equal(*line.recv()))
        except (EOFError, OSError):
            return


def equal(reference: str, answer: str) -> Answer:
    """Runs in the worker: parse both, compare; the reference comes first (it isn't symmetric)."""
    from math_verify import parse, verify
    from math_verify.errors import TimeoutException

    try:
        wanted = parse(_as_latex(reference), parsing_timeout=SOFT_SECONDS)
        given = parse(answer, parsing_timeout=SOFT_SECONDS)
        if not wanted:
            return None, "the reference can't be read as mathematics"
        if not given:
            return None, NOTHING
        right = verify(wanted, given, timeout_seconds=SOFT_SECONDS, raise_on_error=True)
    except TimeoutException:
        return None, f"not compared within {SOFT_SECONDS} seconds"
    except Exception as error:  # SymPy raises nearly everything on odd input
        return None, f"can't be compared ({type(error).__name__})"
    return bool(right), ""


def _compare_all(compare: Compare, references: tuple[str, ...], span: str, answer: str) -> Answer:
    """Right if equal to one reference; wrong only if compared with every one of them."""
    problem = ""
    for reference in references:
        right, why = (True, "") if _same_words(reference, span) else compare(reference, answer)
        if right:
            return True, ""
        problem = problem or why
    return (None, problem) if problem else (False, "")


def _same_words(reference: str, answer: str) -> bool:
    a, b = clean(reference).strip(" $."), clean(answer).strip(" $.")
    return a.replace(" ", "").isalpha() and normalise(a) == normalise(b)


def _as_formula(answer: str) -> str:
    """A bare formula as LaTeX; prose stays as it is."""
    marked = any(mark in answer for mark in ("$", "\\(", "\\["))
    if marked or WORD.search(answer) or not FORMULA.search(answer):
        return answer
    return "$" + answer.replace("π", "{\\pi}") + "$"


def _as_latex(reference: str) -> str:
    return reference if MARKED.search(reference) else f"${reference}$"
