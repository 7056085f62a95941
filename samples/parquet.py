"""Parquet files of rows: a column of one plain type as that type, any other as JSON texts."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from samples.errors import BenchwarrantError
from samples.rows import Raw

_PLAIN = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
_JSON = {b"benchwarrant": b"json"}  # marks a column whose texts are JSON


def parquet_rows(path: Path) -> Iterator[Raw]:
    """The rows of a Parquet file, counted from 1; a time becomes its ISO text."""
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            coded = {
                f.name for f in file.schema_arrow if (f.metadata or {}).items() >= _JSON.items()
            }
            for batch in file.iter_batches(batch_size=1000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {k: _value(v, k in coded) for k, v in row.items()}
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BenchwarrantError(
            f"cannot read {path} after row {number}: {reason}; expected a Parquet file of rows"
        ) from None


def _value(value: Any, coded: bool) -> Any:
    if coded:
        return None if value is None else json.loads(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if not isinstance(value, str | int | float | list | dict | None):
        raise TypeError(f"a {type(value).__name__} is neither text nor number")
    return value


def write_parquet(rows: Sequence[dict[str, Any]], path: Path) -> int:
    """Write rows; what they lack is null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    fields, arrays = [], []
    for name, values in columns.items():
        array, marked = _array(values)
        fields.append(pa.field(name, array.type, metadata=_JSON if marked else None))
        arrays.append(array)
    table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
    pq.write_table(table, path, compression="zstd")
    return len(rows)


def _array(values: list[Any]) -> tuple[Any, bool]:
    """A column, and whether its texts are JSON."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.array(values, pa.string()), False
    if len(kinds) == 1 and kinds <= _PLAIN.keys():
        (kind,) = kinds
        if kind is not int or all(v is None or -(2**63) <= v < 2**63 for v in values):
            return pa.array(values, _PLAIN[kind]), False
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    return pa.array(texts, pa.string()), True
