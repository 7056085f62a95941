"""Rows of a dataset's file, each knowing where it stands, so that every error can say it."""

import csv
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError
from samples.records import Item
from samples.tasks import Task, TaskData, TaskOptions


@dataclass(frozen=True)
class Row:
    """One row: its 1-based number, where it stands in words, and its columns."""

    number: int
    where: str
    columns: Mapping[str, Any]

    def error(self, problem: str) -> BenchwarrantError:
        return BenchwarrantError(f"{self.where}: {problem}")

    def value(self, column: str) -> Any:
        """What stands in the column; a missing column is an error that lists those found."""
        if column not in self.columns:
            found = ", ".join(map(str, self.columns)) or "none"
            raise self.error(f"no column {column!r}; found: {found}")
        return self.columns[column]

    def text(self, column: str) -> str:
        """The column as text that is not empty."""
        return as_text(self, column, self.value(column))

    def key(self) -> str:
        """The dataset's own id, or else the row's number."""
        return self.text("id") if "id" in self.columns else str(self.number)


def as_text(row: Row, name: str, value: Any) -> str:
    """A text or whole number as stripped text; anything else, or nothing, is an error."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise row.error(f"{name!r} is {type(value).__name__}, expected text")
    text = str(value).strip()
    if not text:
        raise row.error(f"{name!r} is empty")
    return text


def items_from(rows: list[Row], make: Callable[[Row], Item]) -> TaskData:
    """An item from every row; a key that comes twice is an error."""
    seen: dict[str, str] = {}
    items: list[Item] = []
    for row in rows:
        item = make(row)
        if item.key in seen:
            raise row.error(f"the key {item.key!r} stands at {seen[item.key]} too; keep one")
        seen[item.key] = row.where
        items.append(item)
    return TaskData(tuple(items))


def read_rows(path: Path) -> list[Row]:
    """All rows of a .jsonl, .json, .csv or .parquet file."""
    if path.suffix not in READERS:
        raise BenchwarrantError(f"{path}: cannot read {path.suffix!r}; known: {', '.join(READERS)}")
    if not path.is_file():
        raise BenchwarrantError(f"{path}: no such file; correct path = in the [[task]] block")
    try:
        rows = list(READERS[path.suffix](path))
    except UnicodeDecodeError:
        raise BenchwarrantError(f"{path}: not UTF-8; save it as UTF-8") from None
    if not rows:
        raise BenchwarrantError(f"{path}: no rows; expected one per item")
    return rows


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as lines:
        filled = ((n, line) for n, line in enumerate(lines, 1) if line.strip())
        for number, (n, line) in enumerate(filled, 1):
            where = f"{path}, line {n}"
            try:
                columns = json.loads(line)
            except json.JSONDecodeError as error:
                raise BenchwarrantError(f"{where}: not JSON ({error.msg})") from None
            yield _row(number, where, columns)


def _json(path: Path) -> Iterator[Row]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise BenchwarrantError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None
    if not isinstance(found, list):
        raise BenchwarrantError(f"{path}: expected a list of objects; for one a line use .jsonl")
    for number, columns in enumerate(found, 1):
        yield _row(number, f"{path}, row {number}", columns)


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        for number, columns in enumerate(reader, 1):
            where = f"{path}, line {reader.line_num}"
            if None in columns or None in columns.values():
                expected = len(reader.fieldnames or ())
                raise BenchwarrantError(f"{where}: expected {expected} fields, as in the header")
            yield Row(number, where, columns)


def _parquet(path: Path) -> Iterator[Row]:
    from pyarrow import ArrowInvalid  # type: ignore[import-untyped]
    from pyarrow.parquet import read_table  # type: ignore[import-untyped]

    try:
        rows = read_table(path).to_pylist()
    except ArrowInvalid:
        raise BenchwarrantError(f"{path}: not a parquet file; fetch it again") from None
    for number, columns in enumerate(rows, 1):
        yield Row(number, f"{path}, row {number}", columns)


def _row(number: int, where: str, columns: Any) -> Row:
    if not isinstance(columns, dict):
        raise BenchwarrantError(f"{where}: expected an object, found {type(columns).__name__}")
    return Row(number, where, columns)


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
}


def hub_file(options: TaskOptions, task: Task, file: str) -> Path:
    """Download a split of a task's dataset from the Hugging Face hub, or find it in its cache.

    ``file`` is its name in the dataset, with a place for the split.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # ours is the one line to read
    dataset, filename = task.source, file.format(split=options.split or task.split)
    key = "exemplars" if options.split else "path"
    try:
        return Path(hf_hub_download(dataset, filename, repo_type="dataset"))
    except (HfHubHTTPError, EntryNotFoundError, OSError) as error:
        raise BenchwarrantError(
            f"task {options.name!r}: no file from the Hugging Face hub ({type(error).__name__});"
            f" fetch {filename!r} of the dataset {dataset!r} and set {key} = to it in the [[task]]"
            " block"
        ) from error
