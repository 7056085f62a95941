"""The answers behind one figure of the leaderboard: what was asked, answered and ruled, and how."""

from collections.abc import Iterator
from typing import Any

from inference import collect
from samples import numbered
from samples.errors import BenchwarrantError
from samples.records import Item, Response, Spec, Verdict, Warrant
from samples.registry import did_you_mean
from samples.store import Store
from samples.study import Study


def cell_specs(
    study: Study, store: Store, model: str, task: str, strategy: str | None
) -> list[Spec]:
    """The specs of this model's answers to this task, under one strategy."""
    specs = [s for s in collect.specs_in_force(study, store).values()]
    own = [spec for spec in specs if spec.name == model]
    if not own:
        names = list(dict.fromkeys(spec.name for spec in specs))
        raise BenchwarrantError(f"no model {model!r} in this study; {did_you_mean(model, names)}")
    tasks = list(dict.fromkeys(one.task for one in numbered.asked(store)))
    if task not in tasks:
        raise BenchwarrantError(f"no task {task!r} in this study; {did_you_mean(task, tasks)}")
    of_task = [spec for spec in own if spec.body.get("task", task) == task]
    known = list(dict.fromkeys(spec.body["strategy"] for spec in of_task))
    if strategy is None and len(known) > 1:
        raise BenchwarrantError(
            f"{model!r} was asked in several ways ({', '.join(known)}); name one with --strategy"
        )
    if strategy is not None and strategy not in known:
        raise BenchwarrantError(
            f"{model!r} has no answers of strategy {strategy!r}; {did_you_mean(strategy, known)}"
        )
    return [spec for spec in of_task if strategy in (None, spec.body["strategy"])]


def cell_rows(
    study: Study, store: Store, granted: Warrant, task: str, specs: list[Spec]
) -> Iterator[dict[str, Any]]:
    """A row per answer, in the order of the questions; ``settings`` is what it was made with."""
    rubric = study.rater_question
    for spec in specs:
        for item, response, verdict in store.cell(spec.id, task, granted.spec, rubric.id):
            yield _row(item, response, verdict, spec, rubric.positive) | {"judge": granted.judge}


def _row(
    item: Item, response: Response, verdict: Verdict | None, spec: Spec, positive: str
) -> dict[str, Any]:
    textless = response.finish in ("too_long", "error")
    value = verdict.value if verdict else None
    graded = verdict is not None or textless
    return {
        "case": response.id,
        "task": item.task,
        "key": item.key,
        "question": item.question,
        "reference": list(item.references),
        "choices": dict(item.choices) or None,
        "model": response.model,
        "strategy": response.strategy,
        "draw": response.draw,
        "text": response.text,
        "finish": response.finish,
        "right": value == positive if graded else None,
        "verdict": value,
        "failure": verdict.failure if verdict else None,
        "raw": verdict.raw if verdict else None,
        "reason": verdict.reason if verdict else None,
        "attempt": verdict.attempt if verdict else None,
        "settings": dict(spec.body),
    }
