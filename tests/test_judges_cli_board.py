"""The commands `leaderboard` and `export cell`, as a person runs them."""

import csv
import json
from pathlib import Path

import pytest
from small_road import approve, copied, walk

import benchwarrant
from samples.cli import opened


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = walk(tmp_path_factory.mktemp("road"))
    with opened(path / "study.toml") as (study, store):
        approve(study, store, "rules")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        benchwarrant.main([*words])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_leaderboard_writes_four_files_and_compares(road: Path, tmp_path: Path, capsys) -> None:
    path = copied(road, tmp_path)
    published = tmp_path / "published.csv"
    published.write_text("model,sums\ngood,99\nelse,50\n", encoding="utf-8")
    words = ("leaderboard", "--study", str(path), "--against", str(published))
    code, out, _ = run(capsys, *words)
    assert code == 0 and "not on the board: else (sums)" in out
    folder = tmp_path / "report"
    names = {file.name for file in folder.iterdir()}
    assert {f"leaderboard.{end}" for end in ("html", "md", "csv", "json")} <= names
    value = json.loads((folder / "leaderboard.json").read_text("utf-8"))
    assert value["against"]["compared"][0]["published"] == 0.99
    with (folder / "leaderboard.csv").open(encoding="utf-8") as file:
        assert [line["model"] for line in csv.DictReader(file)] == ["good", "bad"]
    assert (folder / "leaderboard.md").read_text("utf-8").startswith("# Leaderboard: small\n")


@pytest.mark.parametrize("end", ["jsonl", "csv"])
def test_export_cell_writes_the_rows(road: Path, tmp_path: Path, capsys, end: str) -> None:
    out = tmp_path / f"cell.{end}"
    where = ("--out", str(out), "--study", str(road / "study.toml"))
    code, printed, _ = run(capsys, "export", "cell", "good", "sums", *where)
    assert code == 0 and printed.startswith("12 answers written to")
    if end == "jsonl":
        rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert rows[0]["settings"]["strategy"] == "direct"
    else:
        with out.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert json.loads(rows[0]["settings"])["strategy"] == "direct"
    assert len(rows) == 12 and {row["verdict"] for row in rows} == {"correct"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("cell", "good"), "a cell is a model and a task"),
        (("items", "good"), "export items takes no further words; found 'good'"),
        (("cell", "good", "nothing"), "no task 'nothing'"),
    ],
)
def test_wrong_use_is_one_line(road: Path, tmp_path: Path, capsys, words, says: str) -> None:
    where = ("--out", str(tmp_path / "x.csv"), "--study", str(road / "study.toml"))
    code, _, err = run(capsys, "export", *words, *where)
    assert code == 2 and says in err and err.count("\n") == 1
    assert not (tmp_path / "x.csv").exists()
