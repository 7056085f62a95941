"""Read the rows of a dataset's file, and fetch it from the Hugging Face hub where need be."""

import csv
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError
from samples.tasks.rows import Row
from samples.tasks.task import Task, TaskOptions


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
        if error.msg == "Extra data":  # one object a line, as .json files of the hub may be
            yield from _jsonl(path)
            return
        raise BenchwarrantError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None
    rows = _listed(found) if isinstance(found, Mapping) else found
    if not isinstance(rows, list):
        raise BenchwarrantError(
            f"{path}: expected a list of objects, or an object with one such list"
        )
    for number, columns in enumerate(rows, 1):
        yield _row(number, f"{path}, row {number}", columns)


def _listed(found: Mapping[str, Any]) -> Any:
    """The only list of objects (BIG-bench), or all of them if they name their keys (MR-Ben)."""
    lists = {
        key: held
        for key, held in found.items()
        if isinstance(held, list) and held and all(isinstance(one, Mapping) for one in held)
    }
    named = all(key in one.values() for key, held in lists.items() for one in held)
    if not lists or (len(lists) > 1 and not named):
        return None
    return [one for held in lists.values() for one in held]


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(2**31 - 1)  # a solution may be longer than the module's 128 KiB
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


def hub_file(options: TaskOptions, known: Task) -> Path:
    """Download a split of a task's dataset from the Hugging Face hub, or find it in its cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # ours is the one line to read
    dataset, revision = known.source, known.revision
    filename = known.file.replace("{split}", known.split)
    try:
        return Path(hf_hub_download(dataset, filename, repo_type="dataset", revision=revision))
    except (HfHubHTTPError, EntryNotFoundError, HFValidationError, OSError) as error:
        shown = options.shots and known.split == known.train
        at = f" at revision {revision!r}" if revision else ""
        raise BenchwarrantError(
            f"task {options.name!r}: no file from the Hugging Face hub ({type(error).__name__});"
            f" fetch {filename!r} of the dataset {dataset!r}{at} and set"
            f" {'exemplars' if shown else 'path'} = to it in the [[task]] block"
        ) from error
