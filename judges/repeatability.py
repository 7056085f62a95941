"""How many answers came out different when they were asked for again: a figure per engine.

`benchwarrant collect --repeatability N` records the second texts; here they are compared and the
final answers read from both, by the rules. It is a measurement of one day on one machine: nothing
promises that a run repeats.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inference.collect import engine_spec, sampling
from inference.repeatability import KIND
from judges.figures import Figure, figure
from judges.intervals import clopper_pearson
from judges.plain import normalise
from judges.rules import rule_judge
from samples.records import Case, Event, Rubric, Spec, Verdict, as_row, canonical_json
from samples.store import Store
from samples.study import Study

RUBRIC = Rubric("final answer", "Is it right?", ("incorrect", "correct"))


@dataclass(frozen=True)
class Rerun:
    """One model's newest measurement, in numbers of answers."""

    model: str
    engine: str
    n: int
    textless: int  # got no text the second time; not among the n
    texts: int  # differ
    answers: int  # differ in the final answer as well
    at: str


def repeatability(study: Study, store: Store) -> list[dict[str, Any]]:
    """A figure per engine over its models, and per model; empty where nothing was asked again."""
    newest = {event.subject: event for event in store.events(KIND)}
    runs = [_rerun(event, store) for event in newest.values() if _in_force(event, study)]
    confidence = study.policy.confidence
    return [
        {"engine": engine, **_figures(mine, confidence), "models": _by_model(mine, confidence)}
        for engine in sorted({run.engine for run in runs if run.n})
        for mine in [[run for run in runs if run.engine == engine and run.n]]
    ]


def _in_force(event: Event, study: Study) -> bool:
    """Whether the study still has that model, with that engine and sampling."""
    measured = canonical_json([event.body["engine"], event.body["sampling"]])
    return any(
        block.name == event.subject
        and canonical_json([as_row(engine_spec(block)), as_row(sampling(block))]) == measured
        for block in study.model
    )


def _rerun(event: Event, store: Store) -> Rerun:
    body = event.body
    return Rerun(
        model=event.subject,
        engine=body["engine"]["engine"],
        n=body["n"],
        textless=body["textless"],
        texts=len(body["texts"]),
        answers=_changed_answers(body["texts"], store),
        at=event.created_at,
    )


def _changed_answers(texts: dict[str, dict[str, str]], store: Store) -> int:
    """How many of the texts that changed give another final answer than the first time."""
    before = list(store.cases(sorted(texts), RUBRIC))
    after = [_said(case, **texts[case.response.id]) for case in before]
    judge = rule_judge(Spec("judge", "rules", {"kind": "auto"}), {})
    try:
        made = list(judge.judge([*before, *after]))
    finally:
        judge.close()
    pairs = zip(made[: len(before)], made[len(before) :], strict=True)
    return sum(not _same(first, second) for first, second in pairs)


def _said(case: Case, text: str, finish: str) -> Case:
    """The case with what was said the second time."""
    return replace(case, response=replace(case.response, text=text, finish=finish))


def _same(first: Verdict, second: Verdict) -> bool:
    """Both right, both without a readable answer, or both wrong in the same way."""
    if first.value != "incorrect" or second.value != "incorrect":
        return first.value == second.value
    return normalise(first.raw or "") == normalise(second.raw or "")


def _by_model(runs: Iterable[Rerun], confidence: float) -> list[dict[str, Any]]:
    return [
        {"model": run.model, "measured_at": run.at} | _figures([run], confidence) for run in runs
    ]


def _figures(runs: Sequence[Rerun], confidence: float) -> dict[str, Any]:
    n = sum(run.n for run in runs)
    return {
        "n": n,
        "textless": sum(run.textless for run in runs),
        "texts_changed": _share(sum(run.texts for run in runs), n, confidence),
        "answers_changed": _share(sum(run.answers for run in runs), n, confidence),
    }


def _share(changed: int, n: int, confidence: float) -> Figure:
    low, high = clopper_pearson(np.array([changed]), np.array([n]), confidence)
    return figure(changed / n, low[0], high[0]) | {"changed": changed}
