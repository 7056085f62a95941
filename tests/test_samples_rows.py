"""Files of rows: what comes out is what stands in them, and a complaint says where."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.errors import BenchwarrantError
from samples.rows import Source, read_rows, write_rows

HEADER = "task,key,model,annotator,value"


@pytest.fixture
def rows_of(tmp_path):
    """The rows of a labels file with this content."""

    def read(content, suffix=".csv", **words):
        path = tmp_path / f"labels{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_rows("labels", Source(path, **words)))

    return read


@pytest.fixture
def complaint(rows_of, tmp_path):
    def message(*arguments, **words):
        with pytest.raises(BenchwarrantError) as error:
            rows_of(*arguments, **words)
        text = str(error.value)
        assert "\n" not in text
        return text.replace(f"{tmp_path}/", "")

    return message


def test_rows_know_their_number_and_keep_other_columns_apart(rows_of):
    first, second = rows_of(f"{HEADER},age\nt,k,m,ada,yes,40\nt,k,m,bob,no,50\n")
    assert (first.number, second.number) == (2, 3)  # the header is line 1
    assert list(first.values.values()) == ["t", "k", "m", "ada", "yes"]
    assert ",".join(first.values) == HEADER
    assert dict(second.meta) == {"age": "50"}


def test_json_lines_count_as_lines_so_that_an_editor_finds_them(rows_of):
    row = json.dumps(dict.fromkeys(HEADER.split(","), "x"))
    assert [one.number for one in rows_of(f"{row}\n\n{row}\n", ".jsonl")] == [1, 3]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + f"{HEADER}\nt,k,m,ada,yes\n".encode(),  # as spreadsheets save it
        f"{HEADER}\r\nt,k,m,ada,yes\r\n",
        f"{HEADER}\n\nt,k,m,ada,yes\n\n",
    ],
)
def test_what_spreadsheets_write_is_read(rows_of, content):
    (row,) = rows_of(content)
    assert (row.text("task"), row.text("value")) == ("t", "yes")


def test_a_byte_order_mark_before_json_is_read_over(rows_of):
    row = json.dumps(dict.fromkeys(HEADER.split(","), "ü"), ensure_ascii=False)
    assert rows_of(b"\xef\xbb\xbf" + row.encode(), ".JSONL")[0].text("task") == "ü"


def test_a_text_of_200_kb_with_line_breaks_and_quotes_comes_through(rows_of):
    long = 'She said "4",\nthen left.\r\n' * 8000
    assert len(long) > 200_000
    quoted = long.replace('"', '""')
    (row,) = rows_of(f'{HEADER},note\nt,k,m,ada,yes,"{quoted}"\n')
    assert row.values["note"] == long


def test_names_and_values_are_translated(rows_of):
    content = "task,qid,model,who,verdict\nt,7,m,ada,True\nt,8,m,ada,\nt,9,m,ada,maybe\n"
    names = {"qid": "key", "who": "annotator", "verdict": "value"}
    values = {"True": "correct", "": "incorrect"}
    rows = rows_of(content, names=names, values=values)
    assert [row.text("key") for row in rows] == ["7", "8", "9"]
    assert [row.values["value"] for row in rows] == ["correct", "incorrect", "maybe"]


def test_json_values_are_spelled_as_python_spells_them(rows_of):
    row = dict.fromkeys(HEADER.split(","), "x")
    content = "\n".join(json.dumps(row | {"value": value}) for value in (True, 1, 0.5, None))
    words = {"True": "yes", "1": "one", "0.5": "half", "": "none"}
    found = [row.values["value"] for row in rows_of(content, ".jsonl", values=words)]
    assert found == ["yes", "one", "half", "none"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "labels.csv has no rows"),
        (HEADER, "labels.csv has no rows"),
        (
            "task;key;model;annotator;value\nt;k;m;ada;yes\n",
            "labels.csv, line 2: no column 'task'; found task;key;model;annotator;value; rename one"
            " with --map theirs=task",
        ),
        (
            f"{HEADER}\nt,k,m,ada,yes\nt,k,m,bob no\n",
            "labels.csv, line 3: has not as many fields as the header; a delimiter is missing or a"
            " text is not quoted",
        ),
        (
            f"{HEADER}\nt,k,m,ada,yes, certainly\n",
            "labels.csv, line 2: has not as many fields as the header; a delimiter is missing or a"
            " text is not quoted",
        ),
        (
            f'{HEADER}\nt,k,m,ada,yes\nt,k,m,bob,"no\nt,k,m,eve,no\n',
            "labels.csv, line 3: not CSV (unexpected end of data); a text in quotes needs both of"
            " them",
        ),
        (
            f'{HEADER}\nt,k,m,"ada,yes\nt,k,m,"bob",no\n',
            "labels.csv, line 2: not CSV (',' expected after '\"'); a text in quotes needs both of"
            " them",
        ),
        (
            f"{HEADER},value\nt,k,m,ada,yes,no\n",
            "labels.csv: two columns have one name; found ['task', 'key', 'model', 'annotator',"
            " 'value', 'value']",
        ),
        (
            HEADER.encode() + b"\nt,k,m,Bj\xf6rn,yes\n",
            "cannot read labels.csv: 'utf-8' codec can't decode byte 0xf6 in position 39: invalid"
            " start byte",
        ),
    ],
)
def test_a_csv_file_that_cannot_be_right(complaint, content, expected):
    assert complaint(content) == expected


X = json.dumps(dict.fromkeys(HEADER.split(","), "x"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\n \n", "labels.jsonl has no rows"),
        (
            f'{X}\n{{"task": 1,\n',
            "labels.jsonl, line 2: not JSON (Expecting property name enclosed in double quotes);"
            " expected one object a line, or a file that ends in .csv",
        ),
        (f'{X}\n["t", "k"]\n', "labels.jsonl, line 2: expected an object, {…}"),
        (
            '{"task": "t", "id": 1}',
            "labels.jsonl, line 1: no column 'key'; found task, id; rename one with --map"
            " theirs=key",
        ),
        *(
            (
                f'{X}\n{X[:-1]}, "{column}": {value}}}',
                f"labels.jsonl, line 2, column '{column}': half a surrogate pair, NaN or infinity"
                " cannot be kept; replace it",
            )
            for column, value in [
                ("note", '"\\ud83d"'),
                ("age", "NaN"),
                ("age", "[1, -Infinity]"),
                ("age", '{"deep": ["\\udc00"]}'),
                ("age", "1e999"),
            ]
        ),
    ],
)
def test_a_json_file_that_cannot_be_right(complaint, content, expected):
    assert complaint(content, ".jsonl") == expected


def test_a_whole_surrogate_pair_is_a_letter(rows_of):
    (row,) = rows_of(X[:-1] + ', "note": "\\ud83d\\ude00"}', ".jsonl")
    assert row.values["note"] == "😀"


def test_a_map_that_fits_nothing_is_refused(complaint):
    content = f"{HEADER},note\nt,k,m,ada,yes,x\n"
    assert complaint(content, names={"remark": "note"}) == (
        "labels.csv has no column 'remark'; correct --map"
    )
    assert complaint(content, names={"note": "value"}) == (
        f"labels.csv, line 2: --map gives two columns one name; found"
        f" {HEADER.replace(',', ', ')}, note"
    )


def test_a_file_that_is_not_there(tmp_path: Path):
    for name in ("no.csv", "no.jsonl"):
        with pytest.raises(BenchwarrantError, match=rf"cannot read .*{name}: .*No such file"):
            list(read_rows("labels", Source(tmp_path / name)))


# --- out ---------------------------------------------------------------------------------------

cell = st.text(max_size=30)


@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=4))
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_every_text_comes_back_as_it_was_written(tmp_path_factory, suffix, texts):
    path = tmp_path_factory.getbasetemp() / f"texts{suffix}"
    required = dict.fromkeys(HEADER.split(","), "x")
    written = [required | {"note": note, "other": other} for note, other in texts]
    assert write_rows(iter(written), path) == len(written)
    read = [{**row.values, **row.meta} for row in read_rows("labels", Source(path))]
    assert read == written


def test_rows_with_different_columns_share_one_header(tmp_path):
    path = tmp_path / "x.csv"
    assert write_rows(iter([{"a": 1}, {"b": ["x", "ü"], "a": None}]), path) == 2
    assert path.read_text() == 'a,b\n1,\n,"[""x"", ""ü""]"\n'


def test_a_failure_while_writing_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "x.jsonl"
    write_rows(iter([{"a": 1}]), path)
    with pytest.raises(TypeError):
        write_rows(iter([{"a": 2}, {"a": object()}]), path)
    assert path.read_text() == '{"a": 1}\n'


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    path = tmp_path / "gone" / "x.jsonl"
    with pytest.raises(BenchwarrantError) as error:
        write_rows(iter([{"a": 1}]), path)
    assert str(error.value) == f"cannot write {path}: No such file or directory"
