"""Published figures beside measured ones: names, units, and what is not found."""

from pathlib import Path

import pytest
from small_board import board, cell, entry

from judges.against import COLUMNS, against, says, table
from judges.entries import Entry
from samples.errors import BenchwarrantError


def file(folder: Path, text: str) -> Path:
    path = folder / "published.csv"
    path.write_text(text, encoding="utf-8")
    return path


VALUE = board(entry("a", sums="1110" * 10, words="10" * 5), entry("b", sums="10" * 20))


def test_a_line_per_figure_in_percent(tmp_path: Path) -> None:
    text = "model,task,value\na,sums,70.0\na,words,99\nb,sums,\nb,words,50\nc,sums,10\n"
    found = against(VALUE, file(tmp_path, text))
    assert found["unit"] == "percent"
    first, second = found["compared"]
    assert (first["published"], first["measured"]["value"], first["inside"]) == (0.7, 0.75, True)
    assert first["difference"] == pytest.approx(0.05)
    assert (second["task"], second["inside"]) == ("words", False)
    assert [(one["model"], one["task"]) for one in found["unmatched"]] == [
        ("b", "words"),
        ("c", "sums"),
    ]
    lines = says(found)
    assert "2 figures compared, 1 of them within our interval" in lines[0]
    assert lines[1] == "not on the board: b (words), c (sums)"
    assert {len(row) for row in table(found)} == {len(COLUMNS)}
    row = table(found)[0]
    assert (row[2], row[4]) == ("70.0", "+5.0") and row[3].startswith("75.0 [")


def test_a_column_per_task_as_shares(tmp_path: Path) -> None:
    found = against(VALUE, file(tmp_path, "model,Sums,taste\na,0.75,x\n"))
    assert found["unit"] == "share" and found["compared"][0]["difference"] == 0
    assert found["unread_columns"] == ["taste"]
    assert found["not_published"] == ["b"]
    assert any("taste" in line for line in says(found))


def test_a_strategy_is_named_or_is_the_only_one(tmp_path: Path) -> None:
    value = board(entry("a", sums="10"), entry("a", sums="11", strategy="cot"))
    found = against(value, file(tmp_path, "model,task,value\na,sums,0.5\n"))
    assert found["compared"] == [] and len(found["unmatched"]) == 1
    found = against(value, file(tmp_path, "model,task,strategy,value\na,sums,cot,0.5\n"))
    assert found["compared"][0]["measured"]["value"] == 1.0


def test_the_paper_s_own_table_is_read(shared_data) -> None:
    """Its models are the catalogue's by family, size and variant; its columns are its views'."""
    tasks = {"gsm8k": cell("1100" * 30), "sums": cell("10", first=500)}
    value = board(
        Entry("llama-3.2-1b", "direct", tasks), Entry("qwen2.5-0.5b-gptq-int4", "direct", tasks)
    )
    found = against(value, shared_data("published_thinkslm") / "leaderboard.csv")
    got = {one["model"]: one for one in found["compared"]}
    assert set(got) == {"llama-3.2-1b", "qwen2.5-0.5b-gptq-int4"}
    assert got["llama-3.2-1b"]["published"] == pytest.approx(0.3639)
    assert not got["llama-3.2-1b"]["inside"] and got["llama-3.2-1b"]["difference"] > 0.1
    assert "overall_average" in found["unread_columns"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name,task,value\na,sums,1\n", "no column 'model'; found name, task, value"),
        ("model,task,value\na,sums,much\n", "line 2, column 'value': 'much' is not a number"),
        ("model,other\na,1\n", "no column names a task of the board"),
        ("", "no column 'model'; found none"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(BenchwarrantError, match=complaint) as caught:
        against(VALUE, file(tmp_path, text))
    assert "\n" not in str(caught.value)
    with pytest.raises(BenchwarrantError, match="cannot read"):
        against(VALUE, tmp_path / "nowhere.csv")
