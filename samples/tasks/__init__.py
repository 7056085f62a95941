"""Tasks: how the items and the worked examples of a [[task]] block are chosen.

``known.py`` lists the tasks, ``kinds.py`` their kinds; one file per kind makes the items.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from samples.errors import BenchwarrantError
from samples.records import Item
from samples.registry import find
from samples.tasks.kinds import KINDS, known_task
from samples.tasks.known import TASKS
from samples.tasks.task import (
    EXEMPLARS,
    GENERATED,
    WRITTEN,
    Task,
    TaskData,
    TaskOptions,
    shuffled,
)

__all__ = [
    "EXEMPLARS",
    "GENERATED",
    "KINDS",
    "TASKS",
    "WRITTEN",
    "Task",
    "TaskData",
    "TaskOptions",
    "load_task",
    "shuffled",
    "train_items",
]


def load_task(options: TaskOptions, task: str) -> TaskData:
    """The items to ask and the exemplars to show for one [[task]] block.

    ``task`` is a name in TASKS or in KINDS. ``limit`` takes a seeded sample and keeps the file's
    order; a higher limit keeps what a lower one took. Exemplars come from the exemplars file, else
    with the task, else from the train split where the hub has one, else from the items that are
    not asked; eight at most.
    """
    whole = _load(options, task)
    order = shuffled(range(len(whole.items)), Random(options.seed))
    asked = order if options.limit is None else order[: options.limit]
    items = tuple(whole.items[i] for i in sorted(asked))
    if whole.exemplars:
        return TaskData(items, whole.exemplars[:EXEMPLARS])
    if options.exemplars is not None:
        found = train_items(options, task)
        _check_not_asked(found, items, options)
        return TaskData(items, _some(found, options.seed))
    if options.shots and (train := train_items(options, task)):
        return TaskData(items, _some(_not_asked(train, whole.items), options.seed))
    rest = order[len(asked) :][-EXEMPLARS:]  # from the far end: a higher limit keeps them
    return TaskData(items, tuple(whole.items[i] for i in sorted(rest)))


def train_items(options: TaskOptions, task: str) -> tuple[Item, ...]:
    """The exemplars file, or the train split on the hub; none where a task has neither."""
    own = {name: value for name, value in options.options.items() if name != "answer_key"}
    if options.exemplars is not None:
        block = replace(options, path=options.exemplars, options=own, hub={})
        return _load(block, task).items
    split = None if options.path else known_task(options, task).train
    if split in (None, options.hub.get("split")):  # what is asked is not shown
        return ()
    return _load(replace(options, hub={**options.hub, "split": str(split)}, shots=True), task).items


def _load(options: TaskOptions, task: str) -> TaskData:
    known = known_task(options, task)
    data: TaskData = find("task", task, {task: known.load})(options, task)
    return data


def _check_not_asked(
    found: tuple[Item, ...], items: tuple[Item, ...], options: TaskOptions
) -> None:
    asked = {(item.question, item.choices): item.key for item in items}
    for exemplar in found:
        key = asked.get((exemplar.question, exemplar.choices))
        if key is not None:
            raise BenchwarrantError(
                f"{options.exemplars}: exemplar {exemplar.key!r} is item {key!r} of task "
                f"{options.name!r}, which is asked; take it out of the exemplars"
            )


def _not_asked(found: Iterable[Item], items: Iterable[Item]) -> tuple[Item, ...]:
    asked = {(item.question, item.choices) for item in items}
    return tuple(item for item in found if (item.question, item.choices) not in asked)


def _some(found: Sequence[Item], seed: int) -> tuple[Item, ...]:
    order = shuffled(range(len(found)), Random(seed))
    return tuple(found[i] for i in sorted(order[:EXEMPLARS]))
