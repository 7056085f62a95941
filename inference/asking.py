"""What is put to a model: what is still missing, and the chats of one call.

Both are sequences that make their members when looked at, so that a hundred thousand answers to
come take a hundred thousand numbers and no texts.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from inference.engine import Chat
from inference.prompting import examples, question
from samples.records import Item, Spec
from samples.study import ModelBlock


@dataclass(frozen=True)
class Missing(Sequence[tuple[Item, int]]):
    """The (item, draw) pairs without an answer, by draw and then by item."""

    items: tuple[Item, ...]
    numbers: "array[int]"  # draw × len(items) + the item's place, rising

    @classmethod
    def of(
        cls, items: tuple[Item, ...], draws: int, have: Iterable[tuple[str, int]] = ()
    ) -> "Missing":
        """All draws of all items but those that are there, named by (item id, draw)."""
        place = {item.id: number for number, item in enumerate(items)}
        wanted = bytearray(b"\1") * (draws * len(items))
        for item, draw in have:
            if item in place and draw < draws:
                wanted[draw * len(items) + place[item]] = 0
        return cls(items, array("L", (n for n, is_wanted in enumerate(wanted) if is_wanted)))

    def of_draw(self, draw: int) -> list[Item]:
        """The items whose draw of this number is missing."""
        first = draw * len(self.items)
        low, high = (bisect_left(self.numbers, n) for n in (first, first + len(self.items)))
        return [self.items[number - first] for number in self.numbers[low:high]]

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> tuple[Item, int]: ...
    @overload
    def __getitem__(self, index: slice) -> "Missing": ...
    def __getitem__(self, index: int | slice) -> "tuple[Item, int] | Missing":
        if isinstance(index, slice):
            return Missing(self.items, self.numbers[index])
        draw, place = divmod(self.numbers[index], len(self.items))
        return self.items[place], draw


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
    missing: Missing
    wanted: int  # answers, those that are there included


class Chats(Sequence[Chat]):
    """The chats of one call, each written when it is looked at.

    A job's worked examples are written once: its chats share them.
    """

    def __init__(self, asked: Sequence[tuple[Job, Item]]) -> None:
        self.asked = asked
        self._examples: dict[str, Chat] = {}

    def __len__(self) -> int:
        return len(self.asked)

    @overload
    def __getitem__(self, index: int) -> Chat: ...
    @overload
    def __getitem__(self, index: slice) -> "Chats": ...
    def __getitem__(self, index: int | slice) -> "Chat | Chats":
        if isinstance(index, slice):
            return Chats(self.asked[index])
        job, item = self.asked[index]
        if job.spec.id not in self._examples:
            self._examples[job.spec.id] = examples(job.strategy, job.exemplars, job.task)
        return (*self._examples[job.spec.id], question(item, job.strategy))
