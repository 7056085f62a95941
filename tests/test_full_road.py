"""The whole road on real answers, a small one: what the board compares comes out of them."""

from pathlib import Path

import pytest
from full_road import TASKS, board_of, figures, walk, write_study


@pytest.mark.slow
def test_the_board_s_parts_come_out_of_real_answers(tmp_path: Path) -> None:
    """The embedded model in two precisions, asked in two ways, and all that the board says."""
    study = write_study(tmp_path, items=8, draws=2, audit=64, kappa=0.2)
    walk(study)
    board = board_of(study)
    assert set(board["tasks"]) == set(TASKS) and len(board["rows"]) == 3
    cells = [cell for row in board["rows"] for cell in row["tasks"].values()]
    assert {(cell["n"], cell["questions"], cell["ungraded"]) for cell in cells} == {(16, 8, 0)}
    assert 0 < sum(cell["right"] for cell in cells) < 3 * 4 * 16  # a real model is neither
    assert {row["groups"][0] for row in board["rows"]} <= set("abc")
    assert [(row["model"], row["strategy"]) for row in board["compression"]] == [
        ("smollm2-135m-int8", "direct")
    ]
    for row in board["compression"]:
        assert set(row["tasks"]) == set(TASKS) and all(row["tasks"].values())
        assert -1 <= row["change"]["low"] <= row["change"]["value"] <= row["change"]["high"] <= 1
    assert [row["second"] for row in board["strategies"]] == ["few-shot"]
    assert board["labels"] == "reference" and board["judges"][0]["errors_by_label"]["labels"] == 64
    for row in board["rows"]:
        for figure in (row["aggregate"], *row["tasks"].values()):
            corrected = figure["corrected"]
            assert corrected["reason"] if corrected["value"] is None else corrected["method"]
    assert len(figures(board)) == 3 + 1 + 1
