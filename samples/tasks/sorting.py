"""Lists of distinct whole numbers to be sorted: any number of them, the same for the same seed."""

from math import perm
from random import Random

from samples.errors import BenchwarrantError
from samples.records import Item
from samples.tasks.known import TASKS
from samples.tasks.task import EXEMPLARS, TaskData, TaskOptions, shuffled

POSITIVE = range(1, 101)
MIXED = range(-100, 101)
SHAPES: dict[str, tuple[int, range]] = {  # how many numbers, drawn from where
    "sort3": (3, range(1, 21)),
    "sort8-positive": (8, POSITIVE),
    "sort8-mixed": (8, MIXED),
    "sort16-positive": (16, POSITIVE),
    "sort16-mixed": (16, MIXED),
    "sort32-positive": (32, POSITIVE),
    "sort32-mixed": (32, MIXED),
}


def load(options: TaskOptions, task: str) -> TaskData:
    """Eight lists as exemplars, then ``size`` lists: a larger size begins with the same lists."""
    length, pool = SHAPES[task]
    size = options.options.get("size", TASKS[task].size)
    most = perm(len(pool), length) // 2
    if not isinstance(size, int) or not 1 <= size <= most:
        raise BenchwarrantError(f"task {options.name!r}: size = {size!r}; give 1 to {most}")
    # The exemplars are the first ones; only they are worked out.
    lists = _different_lists(size + EXEMPLARS, length, pool, Random(f"{task}/{options.seed}"))
    items = [_item(options.name, n, numbers) for n, numbers in enumerate(lists, 1 - EXEMPLARS)]
    return TaskData(tuple(items[EXEMPLARS:]), tuple(items[:EXEMPLARS]))


def _different_lists(count: int, length: int, pool: range, rng: Random) -> list[tuple[int, ...]]:
    """Lists that differ, none of them in order: there an echo of the question would be right."""
    found: dict[tuple[int, ...], None] = {}  # a dict keeps the order
    while len(found) < count:
        numbers = shuffled(pool, rng)[:length]
        if numbers != sorted(numbers):
            found[tuple(numbers)] = None
    return list(found)


def _item(task: str, number: int, numbers: tuple[int, ...]) -> Item:
    meta = {"kind": f"sort {len(numbers)}"}
    if number < 1:
        first, *others = sorted(numbers)
        meta["rationale"] = f"The smallest is {first}, then {', then '.join(map(str, others))}."
    return Item(
        task=task,
        key=str(number) if number > 0 else f"exemplar-{1 - number}",
        question=f"Put these numbers in order, smallest first: {list(numbers)}",
        references=(str(sorted(numbers)),),
        answer_type="sequence",
        meta=meta,
    )
