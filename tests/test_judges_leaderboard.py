"""The board by hand: rates with their intervals, what is missing, and its two files."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from small_board import GRANTED, board, entry
from small_road import NOW

from judges import intervals
from judges.board_page import as_text
from judges.leaderboard import RESAMPLES, resample, to_csv


def row(value: dict[str, Any], model: str) -> dict[str, Any]:
    return next(row for row in value["rows"] if row["model"] == model)


def test_rates_by_hand_and_a_failure_counts_as_wrong() -> None:
    value = board(entry("a", sums="1110-", words="10"), entry("b", sums="10000", words="11"))
    a, b = row(value, "a"), row(value, "b")
    assert (a["tasks"]["sums"]["value"], a["tasks"]["words"]["value"]) == (0.6, 0.5)
    assert a["aggregate"]["value"] == pytest.approx((0.6 + 0.5) / 2)  # tasks count the same
    assert b["aggregate"]["value"] == pytest.approx((0.2 + 1.0) / 2)
    assert [one["model"] for one in value["rows"]] == ["b", "a"]
    sums = a["tasks"]["sums"]
    assert (sums["n"], sums["questions"], sums["judge_failed"]) == (5, 5, 1)
    assert value["tasks"] == ["sums", "words"]


def test_counts_of_what_was_not_graded_stand_in_the_cells() -> None:
    value = board(entry("a", sums="10tuuuuuuu"))
    cell = row(value, "a")["tasks"]["sums"]
    assert (cell["no_text"], cell["ungraded"], cell["judge_failed"]) == (1, 7, 0)


def test_draws_of_a_question_are_drawn_together() -> None:
    """Ten questions with four like answers each are no forty questions."""
    text = "1111" * 6 + "0000" * 4
    by_draw = row(board(entry("a", draws=4, sums=text)), "a")["tasks"]["sums"]
    alone = row(board(entry("a", sums=text)), "a")["tasks"]["sums"]
    assert by_draw["value"] == alone["value"] == 0.6
    assert (by_draw["n"], by_draw["questions"]) == (40, 10)
    widths = [one["high"] - one["low"] for one in (by_draw, alone)]
    assert widths[0] > 1.5 * widths[1]


def test_the_interval_is_an_explicit_loop_over_the_same_questions() -> None:
    grades = "1101001110"
    cell = row(board(entry("a", sums=grades), seed=3), "a")["tasks"]["sums"]
    times = intervals.multinomial_weights(np.random.default_rng(3), RESAMPLES, 10)
    rates = [sum(t * int(g) for t, g in zip(drawn, grades, strict=True)) / 10 for drawn in times]
    assert (cell["low"], cell["high"]) == pytest.approx(tuple(np.quantile(rates, [0.025, 0.975])))


@pytest.mark.parametrize(
    ("grades", "low", "high"),
    [
        # none of m questions differs: as much as 1 − 0.025^(1/m) cannot be ruled out
        ("1" * 20, 0.025 ** (1 / 20), 1.0),
        ("0" * 20, 0.0, 1 - 0.025 ** (1 / 20)),
        ("1", 0.025, 1.0),
    ],
)
def test_answers_that_are_all_alike_are_no_certainty(grades: str, low: float, high: float) -> None:
    found = row(board(entry("a", sums=grades)), "a")
    for figure in (found["tasks"]["sums"], found["aggregate"]):
        assert (figure["low"], figure["high"]) == pytest.approx((low, high))


def test_a_missing_task_is_shown_as_missing_and_leaves_the_aggregate_open() -> None:
    value = board(
        entry("a", sums="1111", words="11"), entry("b", sums="1111"), entry("c", words="0")
    )
    b = row(value, "b")
    assert b["tasks"]["words"] is None and b["tasks"]["sums"]["value"] == 1.0
    assert (b["aggregate"]["value"], b["rank"]) == (None, None)
    assert b["aggregate"]["reason"] == "not every task has graded answers"
    assert row(value, "a")["rank"] == {"best": 1, "worst": 1}  # the only one to be ranked


def test_what_is_missing_stands_below_what_is_nought() -> None:
    value = board(
        entry("c", sums="11"), entry("a", sums="0000", words="00"), entry("b", words="11")
    )
    assert value["rows"][0]["model"] == "a"


def test_a_task_without_a_single_grade_is_missing_and_counted() -> None:
    a = entry("a", sums="1100", words="u" * 9)
    value = board(a, entry("b", sums="1000", words="u" * 9))
    cell = row(value, "a")["tasks"]["words"]
    assert (cell["value"], cell["n"], cell["ungraded"]) == (None, 0, 9)
    assert row(value, "a")["aggregate"]["value"] is None
    as_text(value)


def test_the_board_says_whose_grades_and_how_wrong_they_are() -> None:
    value = board(entry("a", sums="10"), entry("b", sums="01"))
    assert (value["judge"], value["labels"]) == ("rules", "human")
    assert value["warrant"] == {"id": GRANTED.id, "signed_by": "eve", "at": NOW}
    assert value["judge_error"]["n"] == 40
    assert row(value, "a")["judge_leniency"]["value"] == 0.02
    assert row(value, "b")["judge_leniency"] is None  # not audited under that name


# --- the files ---------------------------------------------------------------------------------


def everything() -> dict[str, Any]:
    return board(
        entry("a", sums="1110", words="10", facts={"parameters": 135}),
        entry("b", sums="1000", words="11", parent="a", compression="int8"),
        entry('c, the "third"', sums="10-1"),
    )


def test_csv_is_bound_by_name_and_its_aggregate_can_be_computed_again() -> None:
    value = everything()
    lines = list(csv.DictReader(io.StringIO(to_csv(value))))
    assert [line["model"] for line in lines] == [one["model"] for one in value["rows"]]
    for line, one in zip(lines, value["rows"], strict=True):
        assert (line["strategy"], line["compression"]) == ("direct", one["compression"] or "")
        for name in ("aggregate", "sums", "words"):
            figure = one["aggregate"] if name == "aggregate" else one["tasks"][name]
            for end, key in (("", "value"), ("_low", "low"), ("_high", "high")):
                text = "" if figure is None or figure[key] is None else str(figure[key])
                assert line[name + end] == text
        tasks = [line["sums"], line["words"]]
        if "" in tasks:
            assert line["aggregate"] == line["rank_best"] == ""
        else:
            assert float(line["aggregate"]) == pytest.approx(sum(map(float, tasks)) / 2)
            assert int(line["rank_best"]) == one["rank"]["best"]


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def test_json_holds_the_board_and_no_nan() -> None:
    value = everything()
    assert json.loads(as_text(value)) == value
    assert not any(isinstance(leaf, float) and not math.isfinite(leaf) for leaf in leaves(value))
    assert value["format"] == "benchwarrant-leaderboard/1"
    assert row(value, "a")["facts"] == {"parameters": 135}


def test_the_same_seed_makes_the_same_board() -> None:
    some = entry("a", sums="1101001"), entry("b", sums="0100101")
    one, two, other = (resample(some, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.samples, two.samples)
    assert not np.array_equal(one.samples, other.samples)
    assert board(*some, seed=1) == board(*some, seed=1)
