"""Run the study's models on its tasks: what is missing, asked and saved."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from inference.engine import ENGINES, Completion, Engine, EngineSpec, Sampling, open_engine
from inference.prompting import prompting_text, render
from samples.errors import BenchwarrantError
from samples.fill import fill
from samples.records import Event, Item, Response, Spec, as_row
from samples.registry import check_known
from samples.store import Store
from samples.study import ModelBlock, Study, TaskBlock
from samples.tasks import TaskData, TaskOptions, load_task


@dataclass(frozen=True)
class Job:
    """One model under one strategy on one task, and what it has not answered yet.

    A spec holds everything that shapes the text, so that changing the sampling or an exemplar
    makes new responses, never mixed with the old ones.
    """

    block: ModelBlock
    spec: Spec
    strategy: str
    task: str
    items: tuple[Item, ...]
    exemplars: tuple[Item, ...]
    missing: tuple[tuple[Item, int], ...]  # (item, draw)

    @property
    def wanted(self) -> int:
        return len(self.items) * draws(self.block)


def draws(block: ModelBlock) -> int:
    """Greedy decoding gives one answer, however often it is asked."""
    return block.draws if block.sampling.temperature > 0 else 1


def sampling(block: ModelBlock, draw: int = 0) -> Sampling:
    """The sampling of one draw: each has a seed of its own."""
    values = block.sampling.model_dump()
    return Sampling(**values | {"stop": tuple(values["stop"]), "seed": values["seed"] + draw})


def engine_spec(block: ModelBlock) -> EngineSpec:
    return EngineSpec(
        block.engine or "hf", block.model, block.revision, block.dtype, dict(block.options)
    )


def task_data(study: Study, block: TaskBlock, limit: int | None = None) -> TaskData:
    """A task's items and exemplars; a lower ``limit`` takes some of what a higher one takes."""
    options = TaskOptions(
        name=block.name,
        path=study.at(block.path) if block.path else None,
        limit=min(filter(None, (block.limit, limit)), default=None),
        exemplars=study.at(block.exemplars) if block.exemplars else None,
        seed=study.seed,
        options=block.options,
    )
    return load_task(options, block.kind or block.name)


def model_spec(block: ModelBlock, strategy: str, task: str, data: TaskData) -> Spec:
    """A model's identity on a task: engine, sampling, and how the task is put to it."""
    body: dict[str, Any] = {
        "engine": as_row(engine_spec(block)),
        "sampling": as_row(sampling(block)),
        "strategy": strategy,
        "task": task,
        "prompting": prompting_text(strategy, data.items, data.exemplars),
    }
    return Spec("model", block.name, body)


def plan(study: Study, store: Store | None, limit: int | None = None) -> list[Job]:
    """Every model × strategy × task of the study, with what is still missing.

    With ``limit``, at most so many items of each task: a pilot to draw the audit set from.
    """
    if not study.model or not study.task:
        raise BenchwarrantError(
            "the study has no [[model]] or no [[task]] block, so there is nothing to collect;"
            " answers made elsewhere come in by `benchwarrant import responses FILE`"
        )
    for model in study.model:
        check_known("engine", model.engine or "hf", ENGINES)
    whole = {task.name: task_data(study, task) for task in study.task}
    asked = {
        task.name: (task_data(study, task, limit) if limit else whole[task.name]).items
        for task in study.task
    }
    if store:
        _check_unchanged(store, [item for data in whole.values() for item in data.items])
    jobs = []
    for model in study.model:
        for strategy, (task, data) in product(model.strategies, whole.items()):
            render(data.items[0], strategy, data.exemplars)  # refuses before anything is asked
            spec = model_spec(model, strategy, task, data)
            have = store.collected(spec.id) if store else set()
            missing = tuple(
                (item, draw)
                for draw in range(draws(model))
                for item in asked[task]
                if (item.id, draw) not in have
            )
            jobs.append(Job(model, spec, strategy, task, asked[task], data.exemplars, missing))
    return jobs


def _check_unchanged(store: Store, items: Sequence[Item]) -> None:
    """A question that was asked once keeps its wording: its answers belong to it."""
    asked = {(item.task, item.key): item.id for item in store.items()}
    for item in items:
        if asked.get((item.task, item.key), item.id) != item.id:
            raise BenchwarrantError(
                f"task {item.task!r}, key {item.key!r}: the question or its reference is not the"
                " one that was asked before; give the changed task another name, or start a new"
                " study"
            )


def specs_in_force(study: Study, store: Store) -> dict[str, Spec]:
    """The model specs that count today: the study file's, and those of imported answers."""
    named = {spec.id: spec for spec in store.specs("model") if spec.body.get("imported")}
    if study.model and study.task:
        named |= {job.spec.id: job.spec for job in plan(study, None)}
    return named


def run(
    study: Study,
    store: Store,
    jobs: Sequence[Job],
    tick: Callable[[Response], None],
    now: Callable[[], str],
) -> dict[str, str]:
    """Answer what is missing, model by model; returns why models failed to load, by name.

    A model that cannot be loaded does not stop the others.
    """
    failed: dict[str, str] = {}
    for block in study.model:
        todo = [job for job in jobs if job.block.name == block.name and job.missing]
        if not todo:
            continue
        try:
            engine = open_engine(engine_spec(block), {**block.run, "base_dir": str(study.at("."))})
        except BenchwarrantError as error:
            failed[block.name] = str(error)
            continue
        try:
            items = {item.id: item for job in todo for item in job.items}
            store.add([*items.values(), *(job.spec for job in todo)])
            fill(_answers(engine, block, todo, now), store.add, tick, clock=time.monotonic)
        finally:  # what a server says of itself is known only after it has answered
            facts = engine.facts() | {"parent": block.parent, "compression": block.compression}
            store.add([Event("model ran", block.name, facts, now())])
            engine.close()
    return failed


def _answers(
    engine: Engine, block: ModelBlock, jobs: Sequence[Job], now: Callable[[], str]
) -> Iterator[Response]:
    """Everything of one draw in one call, whatever the task: large batches are what is fast."""
    for draw in range(draws(block)):
        asked = [(job, item) for job in jobs for item, of_draw in job.missing if of_draw == draw]
        chats = [render(item, job.strategy, job.exemplars) for job, item in asked]
        for done in engine.generate(chats, sampling(block, draw)):
            yield _response(*asked[done.index], draw, done, now())


def _response(job: Job, item: Item, draw: int, done: Completion, now: str) -> Response:
    return Response(
        item=item.id,
        model=job.block.name,
        spec=job.spec.id,
        strategy=job.strategy,
        draw=draw,
        text=done.text,
        finish=done.finish,
        prompt=done.prompt,
        prompt_tokens=done.prompt_tokens,
        completion_tokens=done.completion_tokens,
        seconds=None if done.seconds is None else float(done.seconds),
        meta={"error": done.error} if done.error else {},
        created_at=now,
    )
