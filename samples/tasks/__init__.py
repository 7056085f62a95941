"""Tasks: what is known about each, and how its items and exemplars are chosen.

A loader turns one task's own files, or a seed, into items. Adding a task is one loader and one
line in ``TASKS``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from samples.errors import BenchwarrantError
from samples.records import Item
from samples.registry import did_you_mean, find

T = TypeVar("T")

GENERATED = "generated"
WRITTEN = "written for this project"
EXEMPLARS = 8  # the most that any strategy asks for


@dataclass(frozen=True)
class Task:
    """What is known about a task, as data."""

    title: str
    answer_type: str
    split: str
    size: int | None
    licence: str
    source: str  # a dataset's id on the Hugging Face hub, GENERATED or WRITTEN
    load: str  # "module:function", called with (TaskOptions, name in TASKS)
    options: tuple[str, ...] = ()  # what else its [[task]] block may set


@dataclass(frozen=True)
class TaskOptions:
    """One [[task]] block of a study, with its paths resolved."""

    name: str
    path: Path | None = None
    limit: int | None = None
    exemplars: Path | None = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = None  # of the dataset on the hub; the task's own when left out
    shots: bool = False  # exemplars will be shown: worth fetching the train split


@dataclass(frozen=True)
class TaskData:
    """The items to ask, and the worked examples to show; none is both."""

    items: tuple[Item, ...]
    exemplars: tuple[Item, ...] = ()


def _sorting(length: int, sign: str, size: int = 100) -> Task:
    return Task(
        title=f"Sorting {length} {sign} numbers",
        answer_type="sequence",
        split="seeded",
        size=size,
        licence="none needed",
        source=GENERATED,
        load="samples.tasks.sorting:load",
        options=("size",),
    )


def _embedded(title: str, answer_type: str, source: str, size: int, loader: str) -> Task:
    return Task(title, answer_type, "demo", size, "Apache-2.0", source, f"samples.tasks.{loader}")


def _choice(title: str, split: str, size: int, licence: str, source: str) -> Task:
    load = "samples.tasks.multiple_choice:load"
    return Task(title, "choice", split, size, licence, source, load, ("answer_key",))


TASKS: dict[str, Task] = {
    "gsm8k": Task(
        title="GSM8K: grade-school word problems",
        answer_type="number",
        split="test",
        size=1319,
        licence="MIT",
        source="openai/gsm8k",
        load="samples.tasks.gsm8k:load",
    ),
    "arc-easy": _choice(
        "ARC-Easy: science questions", "test", 2376, "CC BY-SA 4.0", "allenai/ai2_arc"
    ),
    "arc-challenge": _choice(
        "ARC-Challenge: science questions", "test", 1172, "CC BY-SA 4.0", "allenai/ai2_arc"
    ),
    "commonsenseqa": _choice(
        "CommonsenseQA: everyday knowledge", "validation", 1221, "MIT", "tau/commonsense_qa"
    ),
    "sort8-positive": _sorting(8, "positive"),
    "sort8-mixed": _sorting(8, "mixed"),
    "sort16-positive": _sorting(16, "positive"),
    "sort16-mixed": _sorting(16, "mixed"),
    "sort32-positive": _sorting(32, "positive"),
    "sort32-mixed": _sorting(32, "mixed"),
    "sums": _embedded("One-digit sums", "number", GENERATED, 40, "embedded:sums"),
    "word-problems": _embedded(
        "One-step word problems", "number", GENERATED, 40, "embedded:word_problems"
    ),
    "words": _embedded(
        "Capitals, opposites, first letters", "text", WRITTEN, 120, "embedded:words"
    ),
    "facts": _embedded("Plain facts, four choices", "choice", WRITTEN, 40, "embedded:facts"),
    "sort3": _sorting(3, "small", size=40),
}


def load_task(options: TaskOptions, task: str) -> TaskData:
    """The items to ask and the exemplars to show for one [[task]] block.

    ``limit`` takes a seeded sample and keeps the file's order; a higher limit keeps what a lower
    one took. Exemplars come from the exemplars file, else with the task, else from the train split
    where the hub has one, else from the items that are not asked; eight at most.
    """
    load = find("task", task, {name: known.load for name, known in TASKS.items()})
    _check_options(options, task)
    whole = load(options, task)
    order = shuffled(range(len(whole.items)), Random(options.seed))
    asked = order if options.limit is None else order[: options.limit]
    items = tuple(whole.items[i] for i in sorted(asked))
    if options.exemplars is not None:
        block = replace(options, path=options.exemplars, options={})
        return TaskData(items, _from_file(load(block, task).items, items, options))
    if whole.exemplars:
        return TaskData(items, whole.exemplars[:EXEMPLARS])
    if options.shots and options.path is None and TASKS[task].source not in (GENERATED, WRITTEN):
        train = load(replace(options, split="train", options={}), task).items
        return TaskData(items, _some(_not_asked(train, whole.items), options.seed))
    rest = order[len(asked) :][-EXEMPLARS:]  # from the far end: a higher limit keeps them
    return TaskData(items, tuple(whole.items[i] for i in sorted(rest)))


def shuffled(values: Iterable[T], rng: Random) -> list[T]:
    """A seeded order: of ``random`` only ``random()`` is promised to stay as it is."""
    return sorted(values, key=lambda _: rng.random())


def _from_file(
    found: tuple[Item, ...], items: tuple[Item, ...], options: TaskOptions
) -> tuple[Item, ...]:
    asked = {(item.question, item.choices): item.key for item in items}
    for exemplar in found:
        key = asked.get((exemplar.question, exemplar.choices))
        if key is not None:
            raise BenchwarrantError(
                f"{options.exemplars}: exemplar {exemplar.key!r} is item {key!r} of task "
                f"{options.name!r}, which is asked; take it out of the exemplars"
            )
    return _some(found, options.seed)


def _not_asked(found: Iterable[Item], items: Iterable[Item]) -> tuple[Item, ...]:
    asked = {(item.question, item.choices) for item in items}
    return tuple(item for item in found if (item.question, item.choices) not in asked)


def _some(found: Sequence[Item], seed: int) -> tuple[Item, ...]:
    order = shuffled(range(len(found)), Random(seed))
    return tuple(found[i] for i in sorted(order[:EXEMPLARS]))


def _check_options(options: TaskOptions, task: str) -> None:
    known = TASKS[task]
    for name in options.options:
        if name not in known.options:
            hint = did_you_mean(name, list(known.options))
            raise BenchwarrantError(f"task {options.name!r}: unknown option {name!r}; {hint}")
    if known.source in (GENERATED, WRITTEN) and (options.path or options.exemplars):
        raise BenchwarrantError(
            f"task {options.name!r}: {task} reads no file; take path and exemplars out, or bring "
            "items of your own with `benchwarrant import items FILE`"
        )
