"""Parquet: what is written is read, what other programs write too, and the rest is refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.errors import BenchwarrantError
from samples.parquet import parquet_rows, write_parquet
from samples.rows import Source, read_rows, write_rows

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
value = plain | st.lists(plain, max_size=3) | st.dictionaries(st.text(), plain, max_size=3)


@given(st.lists(st.fixed_dictionaries({"a": value, "b": st.text(), "c": st.integers()})))
def test_every_value_comes_back_as_it_was(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "x.parquet"
    assert write_parquet(rows, path) == len(rows)
    found = [row for _, row in parquet_rows(path)]
    assert [repr(row["a"]) for row in found] == [repr(row["a"]) for row in rows]  # True is not 1
    assert found == rows


def test_a_column_of_one_type_has_that_type_for_other_programs(tmp_path):
    path = tmp_path / "x.parquet"
    rows = [{"draw": 0, "note": "é", "unsure": True, "seconds": 0.5, "any": 1}, {"any": ["x"]}]
    assert write_rows(iter(rows), path) == 2
    types = dict(zip(pq.read_schema(path).names, map(str, pq.read_schema(path).types), strict=True))
    assert types == {
        "draw": "int64", "note": "string", "unsure": "bool", "seconds": "double", "any": "string",
    }  # fmt: skip


def test_labels_that_another_program_wrote(tmp_path):
    path = tmp_path / "labels.PARQUET"
    when = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    row = dict.fromkeys(("task", "key", "model", "annotator", "value"), "x") | {"created_at": when}
    pq.write_table(pa.Table.from_pylist([row]), path)
    (read,) = read_rows("labels", Source(path))
    assert read.values["created_at"] == "2026-01-31T09:30:00+00:00"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 50 + b"PAR1", b'{"a": 1}\n'])
def test_what_is_no_parquet_is_one_line(tmp_path, content):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(BenchwarrantError, match=r"cannot read .* after row 0: .*; expected a Parq"):
        list(read_rows("labels", Source(path)))


def test_what_cannot_be_a_text_or_number_is_one_line(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_pylist([{"a": "1"}, {"a": "2"}]), path)
    assert [number for number, _ in parquet_rows(path)] == [1, 2]
    pq.write_table(pa.Table.from_pylist([{"a": Decimal("1.5")}]), path)
    with pytest.raises(BenchwarrantError, match="a Decimal is neither text nor number"):
        list(parquet_rows(path))
