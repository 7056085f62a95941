"""Tasks whose items are rows of a table: a file beside the study, or one of the hub."""

from pathlib import Path

from samples.errors import BenchwarrantError
from samples.records import Item
from samples.registry import find
from samples.tasks.files import hub_file, read_rows
from samples.tasks.kinds import KINDS, known_task
from samples.tasks.rows import Row, Shape
from samples.tasks.task import TaskData, TaskOptions


def load(options: TaskOptions, task: str) -> TaskData:
    """An item from every row, by the task's kind; each row may have another of its shapes."""
    known = known_task(options, task)
    kind = KINDS[known.kind]
    make = find("kind", known.kind, {known.kind: kind.item})
    stated = frozenset(options.columns)
    shapes = [Shape(columns, known.settings, stated) for columns in known.shapes]
    path = options.path or hub_file(options, known)
    rows = read_rows(path)
    if "answer_key" in known.settings:
        rows = _with_key(rows, path, path.parent / known.settings["answer_key"], shapes[-1])
    seen: dict[str, list[str]] = {}
    items: list[Item] = []
    for row in rows:
        shape = next((shape for shape in shapes if shape.fits(row)), shapes[0])
        for name in [name for part in kind.needed for name in shape.names(part)]:
            row.value(name)  # the first column that is missing is the one to hear of
        key = shape.key(row)
        places = seen.setdefault(key, [])
        if places and not kind.repeats:
            raise row.error(f"the key {key!r} stands at {places[0]} too; keep one")
        places.append(row.where)
        unique = f"{key}:{len(places)}" if len(places) > 1 else key
        items.append(make(row, shape, options.name, unique))
    return TaskData(tuple(items))


def _with_key(rows: list[Row], path: Path, key_file: Path, shape: Shape) -> list[Row]:
    """The rows with the columns of the official key added, row by row."""
    official = read_rows(key_file)
    if len(official) != len(rows):
        raise BenchwarrantError(
            f"{key_file}: {len(official)} keys for {len(rows)} rows; give the key to {path}"
        )
    for key in official:
        for part in ("key", "official"):
            key.text(shape.names(part)[0])
    return [
        Row(row.number, row.where, {**row.columns, **key.columns})
        for row, key in zip(rows, official, strict=True)
    ]
