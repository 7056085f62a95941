"""Files of rows: JSONL or CSV in and out, with every complaint naming file, row and column."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError
from samples.records import canonical_json
from samples.registry import did_you_mean

COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # kind: (required, optional)
    "items": (("task", "key", "question", "reference"), ("choices", "answer_type")),
    "responses": (("task", "key", "model"), ("strategy", "draw", "text", "finish")),
    "labels": (
        ("task", "key", "model", "annotator", "value"),
        ("strategy", "draw", "status", "unsure", "note", "created_at"),
    ),
    "verdicts": (
        ("task", "key", "model", "judge"),
        ("strategy", "draw", "value", "failure", "score", "raw", "attempt"),
    ),
}


@dataclass(frozen=True)
class Row:
    """One row of a file; it knows where it stands, so that every complaint can say so."""

    file: Path
    number: int
    values: Mapping[str, Any]
    meta: Mapping[str, Any]

    def wrong(self, column: str, message: str) -> BenchwarrantError:
        return BenchwarrantError(f"{self.file}, line {self.number}, column {column!r}: {message}")

    def get(self, column: str) -> Any:
        """The value of an optional column; None where it is missing or empty."""
        value = self.values.get(column)
        return None if value is None or value == "" else value

    def text(self, column: str) -> str:
        """The text of a required column; a number or truth value is taken as it is spelled."""
        value = self.get(column)
        if value is None:
            raise self.wrong(column, "is empty; a value is expected")
        if isinstance(value, list | dict):
            raise self.wrong(column, f"is a {type(value).__name__}; a text is expected")
        return str(value)

    def optional_text(self, column: str) -> str | None:
        """The text of an optional column as it stands: an empty answer is an answer."""
        value = self.values.get(column)
        if value is not None and not isinstance(value, str):
            raise self.wrong(column, f"{value!r} is not text; put it in quotes")
        return value

    def one_of(self, column: str, known: tuple[str, ...], default: str) -> str:
        value = self.get(column)
        if value is None:
            return default
        if value not in known:
            raise self.wrong(
                column, f"{value!r} is not known; {did_you_mean(str(value), [*known])}"
            )
        return str(value)

    def number_of(self, column: str, convert: Callable[[Any], Any], expected: str) -> Any:
        value = self.get(column)
        try:
            return None if value is None else convert(value)
        except (TypeError, ValueError, OverflowError):
            raise self.wrong(column, f"{value!r} is not {expected}") from None


@dataclass(frozen=True)
class Source:
    """A file to import, and how its words are ours."""

    path: Path
    names: Mapping[str, str] = field(default_factory=dict)  # theirs → ours
    values: Mapping[str, str] = field(default_factory=dict)  # theirs → ours


def read_rows(kind: str, source: Source) -> Iterator[Row]:
    """The rows of a JSONL or CSV file with our column names; numbers are the file's lines."""
    required, optional = COLUMNS[kind]
    reader = _csv_rows if source.path.suffix.lower() == ".csv" else _json_rows
    number, unused = 0, set(source.names)
    for number, raw in reader(source.path):
        unused -= raw.keys()
        row = {source.names.get(name, name): value for name, value in raw.items()}
        missing = [name for name in required if name not in row]
        if missing:
            raise BenchwarrantError(
                f"{source.path}, line {number}: no column {missing[0]!r}; found"
                f" {', '.join(row)}; rename one with --map theirs={missing[0]}"
            )
        if len(row) < len(raw):
            raise BenchwarrantError(
                f"{source.path}, line {number}: --map gives two columns one name; found"
                f" {', '.join(raw)}"
            )
        for name, value in row.items():
            _check_storable(source.path, number, name, value)
        values = {name: row.pop(name) for name in (*required, *optional) if name in row}
        if "value" in values:
            values["value"] = source.values.get(_spelled(values["value"]), values["value"])
        yield Row(source.path, number, values, row)
    if number == 0:
        raise BenchwarrantError(f"{source.path} has no rows")
    if unused:
        raise BenchwarrantError(f"{source.path} has no column {min(unused)!r}; correct --map")


def _spelled(value: Any) -> str:
    """How a value is written in ``--values``: JSON's true is True, a missing one is empty."""
    return "" if value is None else str(value)


def _check_storable(path: Path, number: int, name: str, value: Any) -> None:
    """Python's JSON reader lets through what neither JSON nor the database can hold."""
    if value is None or isinstance(value, int) or (isinstance(value, str) and value.isascii()):
        return
    try:
        canonical_json(value).encode()
    except ValueError:
        raise BenchwarrantError(
            f"{path}, line {number}, column {name!r}: half a surrogate pair, NaN or infinity"
            " cannot be kept; replace it"
        ) from None


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(2**31 - 1)  # a response may be longer than the module's 128 KiB
    number = 1  # the header
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)  # or an open quote swallows rows in silence
            names = list(reader.fieldnames or [])
            if len(set(names)) < len(names):
                raise BenchwarrantError(f"{path}: two columns have one name; found {names}")
            for row in reader:
                number = reader.line_num  # where the row ends, for a text in quotes over lines
                if None in row or None in row.values():
                    raise BenchwarrantError(
                        f"{path}, line {number}: has not as many fields as the header; a delimiter"
                        " is missing or a text is not quoted"
                    )
                yield number, row
    except csv.Error as error:
        raise BenchwarrantError(
            f"{path}, line {number + 1}: not CSV ({error}); a text in quotes needs both of them"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BenchwarrantError(f"cannot read {path}: {error}") from None


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise BenchwarrantError(f"{path}, line {number}: expected an object, {{…}}")
                yield number, row
    except json.JSONDecodeError as error:
        raise BenchwarrantError(
            f"{path}, line {number}: not JSON ({error.msg});"
            " expected one object a line, or a file that ends in .csv"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BenchwarrantError(f"cannot read {path}: {error}") from None


def write_rows(rows: Iterator[dict[str, Any]], path: Path) -> int:
    """Write JSONL, or CSV where the file's name ends so; whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    table = list(rows)
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            if path.suffix.lower() == ".csv":
                names = list(dict.fromkeys(name for row in table for name in row))
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows({k: _cell(v) for k, v in row.items()} for row in table)
            else:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table)
        partial.replace(path)
    except OSError as error:
        raise BenchwarrantError(f"cannot write {path}: {error.strerror}") from None
    return len(table)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
