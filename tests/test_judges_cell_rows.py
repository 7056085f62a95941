"""The answers behind a figure: the figure can be counted again from them."""

from pathlib import Path

import pytest
from small_road import NOW, all_by, approve, copied, edit, walk

from judges import benchmark
from judges.board_value import board_value
from judges.cell_rows import cell_rows, cell_specs
from samples.cli import opened
from samples.errors import BenchwarrantError


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("road"))


def test_the_rows_of_a_cell_make_its_figure(road: Path, tmp_path: Path) -> None:
    with opened(copied(road, tmp_path)) as (study, store):
        approve(study, store, "rules")
        granted = benchmark.choose(study, store, None, NOW)
        specs = cell_specs(study, store, "good", "sums", None)
        rows = list(cell_rows(study, store, granted, "sums", specs))
        figure = board_value(study, store, all_by(study, store, granted), NOW)["rows"][0]["tasks"][
            "sums"
        ]
    assert len(rows) == figure["n"] == 12
    assert sum(row["right"] for row in rows) / 12 == figure["value"]
    first = rows[0]
    assert first["reference"][0] in first["text"] and first["verdict"] == "correct"
    assert first["settings"]["engine"]["model"] == "good.jsonl" and first["judge"] == "rules"
    assert first["reason"] and first["failure"] is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("goood", "sums", None), "no model 'goood' in this study; did you mean 'good'"),
        (("good", "sum", None), "no task 'sum' in this study; did you mean 'sums'"),
        (("good", "sums", "cot"), "no answers of strategy 'cot'"),
    ],
)
def test_a_name_that_is_not_there_is_one_line(road: Path, words, says: str) -> None:
    with opened(road / "study.toml") as (study, store):
        with pytest.raises(BenchwarrantError, match=says) as caught:
            cell_specs(study, store, *words)
        assert "\n" not in str(caught.value)


def test_of_several_strategies_one_must_be_named(road: Path, tmp_path: Path) -> None:
    path = copied(road, tmp_path)
    edit(path, 'model = "good.jsonl"', 'model = "good.jsonl"\nstrategies = ["direct", "cot"]')
    with opened(path) as (study, store):
        with pytest.raises(BenchwarrantError, match=r"\(direct, cot\); name one with --strategy"):
            cell_specs(study, store, "good", "sums", None)
        assert len(cell_specs(study, store, "good", "sums", "cot")) == 1
