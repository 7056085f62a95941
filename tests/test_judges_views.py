"""A paper's columns: its order, its averages, and nothing where nothing was measured."""

import csv

import pytest
from small_board import board, cell

from judges.entries import Entry
from judges.views import SORTING, SORTING_AVERAGE, THINKSLM, column_of, views
from samples.tasks import TASKS


def value(**strategies: dict[str, str]):
    """A board of one model; by strategy, answers by task."""
    facts = {"memory": {"peak": 2_000_000_000}, "weights_bytes": 1_500_000_000}
    more = {"facts": facts, "size": "0.5B", "compression": "int8"}
    return board(
        *(
            Entry("m", name.replace("_", "-"), {t: cell(x) for t, x in own.items()}, **more)
            for name, own in strategies.items()
        )
    )


def test_columns_are_the_published_ones_in_their_order(shared_data) -> None:
    with (shared_data("published_thinkslm") / "leaderboard.csv").open(encoding="utf-8") as file:
        header = next(csv.reader(file))
    made = value(direct={"gsm8k": "10"})["views"]["thinkslm"]
    assert made["columns"] == [name for name in header if name != "overall_average"]


def test_every_column_names_a_task_that_there_is() -> None:
    assert {column.task for column in THINKSLM} <= TASKS.keys()


def test_cells_come_from_their_strategy() -> None:
    made = value(direct={"gsm8k": "1000"}, cot={"gsm8k": "1110"}, **{"5_shot": {"gsm8k": "11"}})
    [row] = made["views"]["thinkslm"]["rows"]
    found = [row[name] for name in ("gsm8k_direct", "gsm8k_cot", "gsm8k_5shot", "gsm8k_8shot")]
    assert found == [0.25, 0.75, 1.0, None]
    assert (row["model"], row["params"], row["quantization"]) == ("m", "0.5B", "int8")
    assert (row["gpu_memory_gb"], row["disk_gb"]) == (2.0, 1.5)


def test_the_average_of_sorting_needs_all_six() -> None:
    tasks = {column.task: "10" for column in SORTING} | {SORTING[0].task: "11"}
    [row] = value(direct=tasks)["views"]["thinkslm"]["rows"]
    assert row[SORTING_AVERAGE] == pytest.approx((1 + 5 * 0.5) / 6)
    tasks.pop(SORTING[3].task)
    [row] = value(direct=tasks)["views"]["thinkslm"]["rows"]
    assert row[SORTING_AVERAGE] is None


def test_a_board_without_its_tasks_has_no_such_view() -> None:
    assert views(value(direct={"sums": "10"})["rows"]) == {}
    assert column_of("gsm8k_5shot_cot") == THINKSLM[3] and column_of("sums") is None
