"""Files of rows: JSONL, CSV or Parquet, with every complaint naming file, row and column."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError
from samples.records import canonical_json
from samples.registry import did_you_mean

_CASE = ("strategy", "draw", "case")
ASKED = ("confidence", "reason", "step")  # what the labelling page asks beside a label
COLUMNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # kind: (required, optional)
    "items": (("task", "key", "question", "reference"), ("choices", "answer_type")),
    "responses": (("task", "key", "model"), ("strategy", "draw", "text", "finish")),
    "labels": (
        ("task", "key", "model", "annotator", "value"),
        (*_CASE, "status", "unsure", "note", "created_at", "seconds", "rubric", *ASKED),
    ),
    "verdicts": (
        ("task", "key", "model", "judge"),
        (*_CASE, "value", "failure", "score", "raw", "attempt"),
    ),
    "controls": (("question", "reference", "text", "value"), ("choices", "note", "rubric")),
}
CELL = ("task", "key", "model")  # may be left out where `case` names the answer


@dataclass(frozen=True)
class Row:
    """One row of a file; it knows where it stands, so that every complaint can say so."""

    file: Path
    number: int
    values: Mapping[str, Any]
    meta: Mapping[str, Any]
    unit: str = "line"  # what is counted: the lines of a file, the samples of a log

    def wrong(self, column: str, message: str) -> BenchwarrantError:
        where = f"{self.file}, {self.unit} {self.number}, column {column!r}"
        return BenchwarrantError(f"{where}: {message}")

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

    def count(self, column: str) -> int:
        """A draw or an attempt; 0 where it is not given."""
        # By way of its text: int(1.5) would be 1, and one repeat would pass for another.
        count: int = self.number_of(column, lambda value: int(str(value)), "a whole number") or 0
        if not 0 <= count < 2**31:
            raise self.wrong(column, f"{count} is out of range; repeats count from 0")
        return count

    def check_same(self, column: str, new: Any, old: Any) -> None:
        """What is already there under the same key must be the same."""
        if old is not None and old.id != new.id:
            raise self.wrong(
                column,
                f"{self.text(column)!r} is in the study already, with other content; rows are"
                " never changed: import it under another name, or into a new study",
            )


Raw = tuple[int, dict[str, Any]]  # a row as it stands in a file, and where


@dataclass(frozen=True)
class Source:
    """A file to import, and how its words are ours."""

    path: Path
    names: Mapping[str, str] = field(default_factory=dict)  # theirs → ours
    values: Mapping[str, str] = field(default_factory=dict)  # theirs → ours
    fixed: Mapping[str, str] = field(default_factory=dict)  # columns that the file lacks
    unit: str = "line"


def read_rows(kind: str, source: Source) -> Iterator[Row]:
    """The rows of a JSONL, CSV or Parquet file with our column names."""
    raw = raw_rows(source.path)
    return checked_rows(kind, _renamed(source, raw), source)


def raw_rows(path: Path) -> Iterator[Raw]:
    """The rows of a file as they stand in it, numbered by its lines."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        from samples.parquet import parquet_rows  # pyarrow takes half a second to load

        return parquet_rows(path)
    return _csv_rows(path) if suffix == ".csv" else json_rows(path)


def _renamed(source: Source, raws: Iterator[Raw]) -> Iterator[Raw]:
    unused = set(source.names)
    for number, raw in raws:
        unused -= raw.keys()
        row = {source.names.get(name, name): value for name, value in raw.items()}
        if len(row) < len(raw):
            raise BenchwarrantError(
                f"{source.path}, line {number}: --map gives two columns one name; found"
                f" {', '.join(raw)}"
            )
        yield number, row
    if unused:
        raise BenchwarrantError(f"{source.path} has no column {min(unused)!r}; correct --map")


def checked_rows(kind: str, raws: Iterator[Raw], source: Source) -> Iterator[Row]:
    """Rows with what their kind requires, and with what the database can hold."""
    required, optional = COLUMNS[kind]
    number = 0
    for number, raw in raws:
        row = {k: v for k, v in source.fixed.items() if k in (*required, *optional)} | raw
        missing = [name for name in required if name not in row]
        if row.get("case"):
            missing = [name for name in missing if name not in CELL]
        if missing:
            raise BenchwarrantError(
                f"{source.path}, {source.unit} {number}: no column {missing[0]!r}; found"
                f" {', '.join(row)}; rename one with --map theirs={missing[0]}"
            )
        for name, value in row.items():
            _check_storable(source, number, name, value)
        values = {name: row.pop(name) for name in (*required, *optional) if name in row}
        if "value" in values:
            values["value"] = source.values.get(_spelled(values["value"]), values["value"])
        if source.path.suffix.lower() == ".parquet":  # where every row has every column
            row = {name: value for name, value in row.items() if value is not None}
        yield Row(source.path, number, values, row, source.unit)
    if number == 0:
        raise BenchwarrantError(f"{source.path} has no rows")


def _spelled(value: Any) -> str:
    """How a value is written in ``--values``: JSON's true is True, a missing one is empty."""
    return "" if value is None else str(value)


def _check_storable(source: Source, number: int, name: str, value: Any) -> None:
    """Python's JSON reader lets through what neither JSON nor the database can hold."""
    if value is None or isinstance(value, int) or (isinstance(value, str) and value.isascii()):
        return
    try:
        canonical_json(value).encode()
    except ValueError:
        raise BenchwarrantError(
            f"{source.path}, {source.unit} {number}, column {name!r}: half a surrogate pair, NaN or"
            " infinity cannot be kept; replace it"
        ) from None


def _csv_rows(path: Path) -> Iterator[Raw]:
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


def json_rows(path: Path) -> Iterator[Raw]:
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
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a deep list
        raise BenchwarrantError(f"{path}, line {number}: cannot be read: {error}") from None


def write_rows(rows: Iterator[dict[str, Any]], path: Path) -> int:
    """Write JSONL, or CSV or Parquet where the file's name ends so; whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    writer = {".csv": _write_csv, ".parquet": _write_parquet}.get(path.suffix.lower(), _write_json)
    try:
        number = writer(rows, partial)
        partial.replace(path)
    except OSError as error:
        raise BenchwarrantError(f"cannot write {path}: {error.strerror or error}") from None
    return number


def write_whole(path: Path, content: Any) -> None:
    """Write a text, or anything else as JSON; whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    text = (
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    )
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BenchwarrantError(f"cannot write {path}: {error.strerror}") from None


def _write_json(rows: Iterator[dict[str, Any]], path: Path) -> int:
    number = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            number += 1
    return number


def _write_csv(rows: Iterator[dict[str, Any]], path: Path) -> int:
    table = list(rows)
    names = list(dict.fromkeys(name for row in table for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows({k: _cell(v) for k, v in row.items()} for row in table)
    return len(table)


def _write_parquet(rows: Iterator[dict[str, Any]], path: Path) -> int:
    from samples.parquet import write_parquet

    return write_parquet(list(rows), path)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
