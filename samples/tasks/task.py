"""What a task is, as data: where its rows lie, which columns mean what, and what one block asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from samples.records import Item

T = TypeVar("T")
Columns = Mapping[str, str | list[str]]  # what is needed, and the column or columns that hold it

GENERATED = "generated"
WRITTEN = "written for this project"
EXEMPLARS = 8  # the most that any strategy asks for


@dataclass(frozen=True)
class Kind:
    """A common shape of tasks: a [[task]] block of this kind needs no code."""

    item: str  # "module:function", called with (Row, Shape, the task's name, its key)
    answer_type: str
    needed: tuple[str, ...]  # parts of an item that every row has
    columns: Columns  # what the columns of its parts are usually called
    further: tuple[str, ...] = ("meta",)  # parts that are there only where a column is named
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # () takes any text
    repeats: bool = False  # a key may come again; it is numbered

    @property
    def parts(self) -> list[str]:
        return list(dict.fromkeys((*self.needed, *self.columns, *self.further)))


@dataclass(frozen=True)
class Task:
    """What is known about a task, as data."""

    title: str
    answer_type: str
    split: str
    size: int | None
    licence: str
    source: str  # a dataset's id on the Hugging Face hub, GENERATED or WRITTEN
    load: str = "samples.tasks.table:load"  # "module:function", called with (TaskOptions, name)
    options: tuple[str, ...] = ()  # what else its [[task]] block may set
    kind: str = ""  # one of KINDS, where the task is a table
    file: str = ""  # of the dataset, with a place for the {split}
    revision: str | None = None
    train: str | None = None  # the split that worked examples are taken from
    shapes: tuple[Columns, ...] = ({},)  # the columns of the forms it is published in
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def made_up(self) -> bool:
        """Whether it needs no file."""
        return self.source in (GENERATED, WRITTEN)


@dataclass(frozen=True)
class TaskOptions:
    """One [[task]] block of a study, with its paths resolved."""

    name: str
    path: Path | None = None
    limit: int | None = None
    exemplars: Path | None = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: Columns = field(default_factory=dict)
    hub: Mapping[str, str] = field(default_factory=dict)  # dataset, file, split, revision
    shots: bool = False  # exemplars will be shown: worth fetching the train split


@dataclass(frozen=True)
class TaskData:
    """The items to ask, and the worked examples to show; none is both."""

    items: tuple[Item, ...]
    exemplars: tuple[Item, ...] = ()


def shuffled(values: Iterable[T], rng: Random) -> list[T]:
    """A seeded order: of ``random`` only ``random()`` is promised to stay as it is."""
    return sorted(values, key=lambda _: rng.random())
