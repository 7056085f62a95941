"""Judges without a model: the final answer is read from the text and compared with the reference.

A rule is a pure function from a text and an item to a ruling; adding a kind is one function and
one line in ``RULES`` (and in ``judge.JUDGES``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from judges.answers import NOT_ANSWERED, Ruling, blank_prompt, require_texts
from judges.choices import rule_choice
from judges.critique import rule_critique
from judges.maths import MathWorker, rule_math
from judges.outcomes import name_outcome
from judges.plain import plain
from judges.quantities import rule_number
from judges.sequences import rule_sequence
from judges.wording import rule_contains, rule_text, rule_yes_no
from samples.errors import BenchwarrantError
from samples.records import Case, Item, Response, Rubric, Spec, Verdict
from samples.registry import find
from samples.spoken import spoken

Rule = Callable[[str, Item], Ruling]

RULES: dict[str, Rule] = {
    "exact": rule_text,
    "text": rule_text,
    "contains": rule_contains,
    "number": rule_number,
    "choice": rule_choice,
    "sequence": rule_sequence,
    "yesno": rule_yes_no,
    "critique": rule_critique,
}
CAN_BE_CUT = (
    "number",
    "sequence",
    "math",
    "critique",
)  # half of such an answer looks like an answer


class RuleJudge:
    """Rules each response right or wrong, or says why its answer can't be read."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._worker = MathWorker(spec.body.get("options"))
        self._rules: dict[str, Rule] = {**RULES, "math": partial(rule_math, self._worker.compare)}

    def judge(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        require_texts(self.spec.name, cases)
        for case in cases:
            labels = two_labels(self.spec.name, case.rubric)
            ruling = self._ruling(case.item, case.response)
            value = None if ruling.value is None else labels[ruling.value]
            if value is None:  # no answer is found: a failure, unless the judge is told otherwise
                value = self.spec.body.get("no_answer")
            yield Verdict(
                response=case.response.id,
                rubric=case.rubric.id,
                judge=self.spec.name,
                spec=self.spec.id,
                value=value,
                failure=ruling.failure if value is None else None,
                raw=ruling.span,
                reason=ruling.reason,
                meta=dict(ruling.facts),
            )

    def close(self) -> None:
        self._worker.close()

    def _ruling(self, item: Item, response: Response) -> Ruling:
        if response.text is None or response.finish in NOT_ANSWERED:
            return Ruling(None, NOT_ANSWERED[response.finish], "", "the model gave no answer")
        kind = self.spec.body["kind"]
        kind = item.answer_type if kind == "auto" else kind
        rule: Rule = find("answer type", kind, self._rules)
        text = spoken(response.text, response.prompt)
        if response.text.strip() and not text.strip():
            failure = "truncated" if response.finish == "length" else "unparsable"
            return Ruling(None, failure, "", "the model said nothing beyond its thoughts")
        if response.prompt:
            text = blank_prompt(text, response.prompt)
        ruling = name_outcome(rule(text, item), text)
        return when_cut(ruling, text, kind) if response.finish == "length" else ruling


def rule_judge(spec: Spec, run: Mapping[str, Any]) -> RuleJudge:
    """The judge of a rule's kind; "auto" takes the rule that fits the item's answer type."""
    return RuleJudge(spec)


class ConstantJudge:
    """Gives every response the same verdict: what a judge must at least beat."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def judge(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        value = self.spec.body["value"]
        for case in cases:
            if value not in case.rubric.labels:
                raise BenchwarrantError(
                    f"judge {self.spec.name!r}: value {value!r} is not a label of rubric "
                    f"{case.rubric.name!r}; use one of {', '.join(case.rubric.labels)}"
                )
            yield Verdict(
                response=case.response.id,
                rubric=case.rubric.id,
                judge=self.spec.name,
                spec=self.spec.id,
                value=value,
                reason="always the same",
            )

    def close(self) -> None:
        """Nothing is held open."""


def constant_judge(spec: Spec, run: Mapping[str, Any]) -> ConstantJudge:
    """The judge that always gives ``value``."""
    if not isinstance(spec.body.get("value"), str):
        raise BenchwarrantError(f"judge {spec.name!r}: a constant judge needs a value; set value")
    return ConstantJudge(spec)


def two_labels(judge: str, rubric: Rubric) -> tuple[str, str]:
    """The labels for wrong and right."""
    if len(rubric.labels) != 2:
        raise BenchwarrantError(
            f"judge {judge!r}: rules say right or wrong, but rubric {rubric.name!r} has "
            f"{len(rubric.labels)} labels; use a rubric with two, or an llm judge"
        )
    return rubric.labels[0], rubric.labels[1]


def when_cut(ruling: Ruling, text: str, kind: str) -> Ruling:
    """A text that was cut off counts only if it announced its answer, and went on after it."""
    at_end = kind in CAN_BE_CUT and ruling.span and plain(text).endswith(ruling.span)
    if ruling.value is not None and ruling.marked and not at_end:
        return ruling
    if ruling.failure == "degenerate" and ruling.span:  # a loop is always cut off
        return ruling
    return Ruling(None, "truncated", ruling.span, f"the text was cut off; {ruling.reason}")
