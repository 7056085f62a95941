"""Compare LaTeX answers with Math-Verify, in a process of its own with a time limit.

A short answer can keep SymPy busy for ever, and Math-Verify's own guard is SIGALRM, which works in
a process's main thread only; so it is off, and a process that takes too long is thrown away.
"""

import logging
import re
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from judges.answers import Ruling, prepare, unreadable
from judges.numerals import Numeral, numerals, same_number, spelled_out
from judges.plain import clean, normalise
from samples.records import Item

SECONDS = 0.9  # for one comparison; what takes longer ends with its process
START_SECONDS = 60.0  # for a process to import SymPy
READY = "ready"
LONGEST = 1000  # characters of an answer
WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{3,}")
NAMED_GROUP = re.compile(r"\\(?:begin|end|text\w{0,6}|mathrm|mbox|operatorname)\s?\{[^{}]*\}")
FORMULA = re.compile(r"[\\^π√]")
MARKED = re.compile(r"(?<!\\)\$|\\boxed|\\\(|\\\[")  # an escaped dollar is money
NOTHING = "no answer found: no expression"

SETTINGS: dict[str, tuple[str, type]] = {  # a judge's options: (Math-Verify's own name, kind)
    "precision": ("float_rounding", int),  # decimal places to which numbers are compared; 6
    "strict": ("strict", bool),  # whether the names of variables matter; true
    "relations": ("allow_set_relation_comp", bool),  # whether "2 < x < 3" is a set; false
}

Pair = tuple[str, str, dict[str, Any]]
Answer = tuple[bool | None, str]
Compare = Callable[[str, str], Answer]


class MathWorker:
    """One worker process, started when first needed and started anew after a hang or a crash."""

    def __init__(self, settings: Mapping[str, Any] | None = None, seconds: float = SECONDS) -> None:
        self._settings = {SETTINGS[name][0]: value for name, value in (settings or {}).items()}
        self._seconds = seconds
        self._process: BaseProcess | None = None
        self._line: Connection[Pair, Answer] | None = None
        self._up = False

    def compare(self, reference: str, answer: str) -> Answer:
        """Whether the answer equals the reference, or None and why it can't be said."""
        if len(answer) > LONGEST:
            return None, f"longer than {LONGEST} characters"
        try:
            line = self._ready()
            line.send((reference, answer, self._settings))
            if line.poll(self._seconds):
                return line.recv()
            why = f"not compared within {self._seconds:g} seconds"
        except (EOFError, OSError):
            why = "the comparison crashed"
        self.close()
        self._start()  # it gets ready while the next answers are read
        return None, why

    def close(self) -> None:
        if self._process is not None and self._line is not None:
            self._line.close()
            self._process.kill()
            self._process.join()
            self._process = self._line = None

    def _ready(self) -> "Connection[Pair, Answer]":
        """The line to a process that has come up."""
        if self._line is None:
            self._start()
        assert self._line is not None
        if not self._up:
            if not self._line.poll(START_SECONDS):
                raise EOFError
            self._line.recv()
            self._up = True
        return self._line

    def _start(self) -> None:
        context = get_context("spawn")  # a forked copy of threads and of CUDA would not work
        line, end = context.Pipe()
        process = context.Process(target=serve, args=(end,), daemon=True)
        process.start()
        end.close()
        self._line, self._process, self._up = line, process, False


def rule_math(compare: Compare, text: str, item: Item) -> Ruling:
    """The expression that is announced last, else the last paragraph, against the references."""
    given = prepare(text, item)
    places = [(mark.text, mark.where) for mark in reversed(given.marks)]
    paragraphs = [part.strip() for part in given.text.split("\n\n") if normalise(part)]
    if not places and not paragraphs:
        return unreadable(NOTHING, marked=False)
    marked = bool(places)
    for span, where in places or [(paragraphs[-1][-LONGEST:], "in the last paragraph")]:
        right, why = _compare_all(compare, item.references, span, "boxed" in where)
        if why != NOTHING:
            break
    if right is None:
        return unreadable(f"{why} {where}", span, marked)
    reason = f"{'equal' if right else 'not equal'} {where}{given.note}"
    return Ruling(right, None, span, reason, marked)


def serve(line: "Connection[Answer, Pair]") -> None:
    """The worker: compare what comes down the line until it is closed."""
    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that its guard is off
    equal("1", "$1$", {})  # the slow part of coming up: SymPy is imported
    line.send((None, READY))
    while True:
        try:
            line.send(equal(*line.recv()))
        except (EOFError, OSError):
            return


def equal(reference: str, answer: str, settings: dict[str, Any]) -> Answer:
    """Runs in the worker: parse both, compare; the reference comes first (it isn't symmetric)."""
    from math_verify import parse, verify

    try:
        wanted = parse(_as_latex(reference), parsing_timeout=None)
        given = parse(answer, parsing_timeout=None)
        if not wanted:
            return None, "the reference can't be read as mathematics"
        if not given:
            return None, NOTHING
        right = verify(wanted, given, timeout_seconds=None, raise_on_error=True, **settings)
    except Exception as error:  # SymPy raises nearly everything on odd input
        return None, f"can't be compared ({type(error).__name__})"
    return bool(right), ""


def _compare_all(compare: Compare, references: tuple[str, ...], span: str, boxed: bool) -> Answer:
    """Right if equal to one reference; wrong only if compared with every one of them."""
    problem = ""
    for reference in references:
        if _same_words(reference, span) or _same_number(reference, span):
            return True, ""
        answers = [f"\\boxed{{{span}}}"] if boxed else _readings(span)
        found = [compare(reference, answer) for answer in answers[:1]]
        if not found[0][0] and answers[1:]:
            found.append(compare(reference, answers[1]))
        if any(right for right, _ in found):
            return True, ""
        problem = problem or min((why for _, why in found), key=bool)
    return (None, problem) if problem else (False, "")


def _same_words(reference: str, answer: str) -> bool:
    a, b = clean(reference).strip(" $."), clean(answer).strip(" $.")
    return a.replace(" ", "").isalpha() and normalise(a) == normalise(b)


def _same_number(reference: str, answer: str) -> bool:
    """Whether both are a number and nothing else, and equal; "1,22" may be 1.22 or two numbers."""
    wanted, given = _number(reference), _number(answer)
    return wanted is not None and given is not None and same_number(given, wanted)


def _number(text: str) -> Numeral | None:
    body = clean(text).strip(" $.")
    if (value := spelled_out(body)) is not None:
        return Numeral(value, False, 0, len(body))
    found = numerals(body)
    alone = len(found) == 1 and (found[0].start, found[0].end) == (0, len(body))
    return found[0] if alone else None


def _readings(answer: str) -> list[str]:
    """A bare formula as LaTeX, and unless it must be LaTeX as it stands too: "6 - 5i", "1 000"."""
    marked = any(mark in answer for mark in ("$", "\\(", "\\["))
    if marked or WORD.search(NAMED_GROUP.sub("", answer)):
        return [answer]
    formula = "$" + answer.replace("π", "{\\pi}") + "$"
    return [formula] if FORMULA.search(answer) else [answer, formula]


def _as_latex(reference: str) -> str:
    return reference if MARKED.search(reference) else f"${reference}$"
