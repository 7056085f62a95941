"""Run the study's models on its tasks: what is missing, asked and saved."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from inference.asking import Chats, Job, Missing
from inference.engine import ENGINES, Completion, Engine, EngineSpec, Sampling, open_engine
from inference.prompting import prompting_text, render, shows_examples
from samples.errors import BenchwarrantError
from samples.fill import fill
from samples.records import Event, Item, Response, Spec, as_row
from samples.registry import check_known
from samples.store import Store
from samples.study import ModelBlock, Study, TaskBlock
from samples.tasks import TaskData, TaskOptions, load_task

DISTINCT = 1000  # errors that are told apart; a server's may all differ


@dataclass
class Outcomes:
    """What became of the answers so far, for the summary."""

    finishes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, response: Response) -> None:
        self.finishes[response.finish] += 1
        error = str(response.meta.get("error", ""))[:300]
        if error and (error in self.errors or len(self.errors) < DISTINCT):
            self.errors[error] += 1

    def lines(self) -> list[str]:
        """How many of each kind, and the error that was met most often."""
        if not self.finishes:
            return []
        kinds = ", ".join(f"{n} {kind}" for kind, n in self.finishes.most_common())
        common = [f"{n} × {' '.join(error.split())}" for error, n in self.errors.most_common(1)]
        return [f"finished: {kinds}", *(f"most common error: {line}" for line in common)]


@dataclass
class Turn:
    """One model at work: how much it wrote in which time, and what stopped it early, if anything.

    The clock runs from the first question to the last answer, saving included.
    """

    answers: int = 0
    tokens: int = 0
    uncounted: int = 0  # texts whose tokens the engine does not tell
    seconds: float = 0.0
    stopped: str | None = None

    def watch(self, made: Iterator[Completion], clock: Callable[[], float]) -> Iterator[Completion]:
        before, start = self.seconds, clock()
        for done in made:
            self.answers += 1
            self.tokens += done.completion_tokens or 0
            self.uncounted += done.text is not None and done.completion_tokens is None
            self.seconds = before + clock() - start
            yield done

    def facts(self) -> dict[str, Any]:
        made: dict[str, Any] = {"answers": self.answers, "generating_seconds": self.seconds}
        if self.tokens and not self.uncounted and self.seconds:
            made["completion_tokens"] = self.tokens
            made["tokens_per_second"] = self.tokens / self.seconds
        return made


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


def task_data(
    study: Study, block: TaskBlock, limit: int | None = None, shots: bool = False
) -> TaskData:
    """A task's items and exemplars; a lower ``limit`` takes some of what a higher one takes.

    Where exemplars are shown (``shots``) a task from the hub fetches its train split for them.
    """
    limit = min(filter(None, (block.limit, limit)), default=None)
    options = replace(task_options(study, block), limit=limit, shots=shots)
    return load_task(options, block.kind or block.name)


def task_options(study: Study, block: TaskBlock) -> TaskOptions:
    """A [[task]] block with its paths seen from the study's folder."""
    return TaskOptions(
        name=block.name,
        path=study.at(block.path) if block.path else None,
        exemplars=study.at(block.exemplars) if block.exemplars else None,
        seed=study.seed,
        options=block.options,
        columns=block.columns,
        hub=block.hub.model_dump(exclude_none=True),
    )


def model_spec(block: ModelBlock, strategy: str, task: str, prompting: Mapping[str, Any]) -> Spec:
    """A model's identity on a task: engine, sampling, and how the task is put to it."""
    body: dict[str, Any] = {
        "engine": as_row(engine_spec(block)),
        "sampling": as_row(sampling(block)),
        "strategy": strategy,
        "task": task,
        "prompting": prompting,
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
    whole, shots = _tasks(study)
    prompting = _prompting(study, whole)
    asked = {
        task.name: (task_data(study, task, limit, shots) if limit else whole[task.name]).items
        for task in study.task
    }
    if store:
        _check_unchanged(store, [item for data in whole.values() for item in data.items])
    jobs = []
    for model in study.model:
        for strategy, (task, data) in product(model.strategies, whole.items()):
            render(data.items[0], strategy, data.exemplars)  # refuses before anything is asked
            spec = model_spec(model, strategy, task, prompting[strategy, task])
            have = store.collected(spec.id) if store else ()
            missing = Missing.of(asked[task], draws(model), have)
            wanted = len(asked[task]) * draws(model)
            what = (asked[task], data.exemplars, missing, wanted)
            jobs.append(Job(model, spec, strategy, task, *what))
    return jobs


def _tasks(study: Study) -> tuple[dict[str, TaskData], bool]:
    """The data of every task, and whether some strategy shows exemplars; engines are known."""
    for model in study.model:
        check_known("engine", model.engine or "hf", ENGINES)
    shots = any(shows_examples(name) for model in study.model for name in model.strategies)
    return {task.name: task_data(study, task, shots=shots) for task in study.task}, shots


def _prompting(
    study: Study, tasks: Mapping[str, TaskData]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """How each strategy puts each task, whichever model is asked."""
    names = dict.fromkeys(name for model in study.model for name in model.strategies)
    return {
        (name, task): prompting_text(name, data.items, data.exemplars)
        for name in names
        for task, data in tasks.items()
    }


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


def specs_in_force(
    study: Study, store: Store, jobs: Sequence[Job] | None = None
) -> dict[str, Spec]:
    """The model specs that count today: the study file's, and those of imported answers.

    Whoever has planned already hands in the ``jobs``: planning reads every task.
    """
    named = {spec.id: spec for spec in store.specs("model") if spec.body.get("imported")}
    if jobs is not None:
        return named | {job.spec.id: job.spec for job in jobs}
    if study.model and study.task:
        tasks, _ = _tasks(study)
        prompting = _prompting(study, tasks)
        for model in study.model:
            for strategy, task in product(model.strategies, tasks):
                spec = model_spec(model, strategy, task, prompting[strategy, task])
                named[spec.id] = spec
    return named


def run(
    study: Study,
    store: Store,
    jobs: Sequence[Job],
    tick: Callable[[Response], None],
    now: Callable[[], str],
    cluster: str | None = None,
) -> dict[str, str]:
    """Answer what is missing, model by model; returns why models failed, by name.

    A model that cannot be loaded, or stops in the middle, does not stop the others. ``cluster`` is
    "auto" or the address of the Ray cluster that the engines run on.
    """
    failed: dict[str, str] = {}
    for block in study.model:
        todo = [job for job in jobs if job.block.name == block.name and job.missing]
        if not todo:
            continue
        try:
            engine = open_model(study, block, cluster)
        except BenchwarrantError as error:
            failed[block.name] = str(error)
            continue
        turn = Turn()
        with closing(engine):
            items = {item.id: item for job in todo for item in job.items}
            # At the start too: a kill leaves no answer without a record of what gave it.
            loaded = _event("model loaded", block, engine.facts(), now())
            store.add([*items.values(), *(job.spec for job in todo), loaded])
            try:
                made = _answers(engine, todo, turn, now)
                fill(made, store.add, tick, clock=time.monotonic)
            finally:  # what a server says of itself is known only after it has answered
                store.add([_event("model ran", block, engine.facts() | turn.facts(), now())])
        if turn.stopped:
            failed[block.name] = turn.stopped
    return failed


def open_model(study: Study, block: ModelBlock, cluster: str | None) -> Engine:
    """The engine of a [[model]] block, on this machine or on a cluster."""
    settings = {**block.run, "base_dir": str(study.at("."))}
    if cluster is None:
        settings.pop("cluster", None)  # how many workers there would be
        return open_engine(engine_spec(block), settings)
    from inference.cluster import open_cluster

    return open_cluster(engine_spec(block), settings, cluster)


def _event(kind: str, block: ModelBlock, facts: dict[str, Any], now: str) -> Event:
    origin = {"parent": block.parent, "compression": block.compression}
    return Event(kind, block.name, facts | origin, now)


def _answers(
    engine: Engine, jobs: Sequence[Job], turn: Turn, now: Callable[[], str]
) -> Iterator[Response]:
    """Everything of one draw in one call, whatever the task: large batches are what is fast."""
    block = jobs[0].block
    for draw in range(draws(block)):
        asked = [(job, item) for job in jobs for item in job.missing.of_draw(draw)]
        if not asked:
            continue
        try:
            made = engine.generate(Chats(asked), sampling(block, draw))
            for done in turn.watch(made, time.monotonic):
                yield _response(*asked[done.index], draw, done, now())
        except BenchwarrantError as error:  # the engine's own: the store's go past a generator
            turn.stopped = str(error)
            return


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
