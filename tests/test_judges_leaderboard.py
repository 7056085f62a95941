"""The board by hand: rates, ranks that cannot be told apart, compression, and its two files."""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from small_board import GRANTED, board, entry
from small_road import NOW

from judges import intervals
from judges.board_page import as_text
from judges.leaderboard import (
    RESAMPLES,
    Entry,
    _p_value,
    holm,
    rank_groups,
    resample,
    to_csv,
)


def row(value: dict[str, Any], model: str) -> dict[str, Any]:
    return next(row for row in value["rows"] if row["model"] == model)


# --- rates -------------------------------------------------------------------------------------


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
    value = board(entry("a", sums="100", textless={"sums": 1}, ungraded={"sums": 7}))
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
    a = entry("a", sums="1100", words="", ungraded={"words": 9})
    value = board(a, entry("b", sums="1000", words="", ungraded={"words": 9}))
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


# --- ranks -------------------------------------------------------------------------------------


def ranks(*entries: Entry) -> dict[str, tuple[int, int]]:
    value = board(*entries)
    return {r["model"]: (r["rank"]["best"], r["rank"]["worst"]) for r in value["rows"]}


def test_a_clear_winner_and_two_that_cannot_be_told_apart() -> None:
    found = ranks(
        entry("a", sums="1" * 36 + "0" * 4),
        entry("b", sums="10" * 12 + "0" * 16),
        entry("c", sums="01" * 12 + "0" * 16),
    )
    assert found == {"a": (1, 1), "b": (2, 3), "c": (2, 3)}


def test_all_may_hold_every_rank_where_nothing_is_shown() -> None:
    found = ranks(entry("a", sums="1100"), entry("b", sums="1010"), entry("c", sums="0110"))
    assert set(found.values()) == {(1, 3)}


@pytest.mark.parametrize(
    ("questions", "told_apart"), [(1, False), (3, False), (5, False), (8, True)]
)
def test_few_questions_show_no_difference_however_clear(questions: int, told_apart: bool) -> None:
    """m coins fall alike with chance 2/2^m: 1, 0.25, 0.0625 and 0.008."""
    found = ranks(entry("a", sums="1" * questions), entry("b", sums="0" * questions))
    assert found == ({"a": (1, 1), "b": (2, 2)} if told_apart else {"a": (1, 2), "b": (1, 2)})


def test_paired_differences_show_more_than_two_intervals_that_overlap() -> None:
    """b is wrong wherever a is, and on ten questions more."""
    value = board(entry("a", sums="1" * 60 + "0" * 40), entry("b", sums="1" * 50 + "0" * 50))
    a, b = row(value, "a"), row(value, "b")
    assert a["aggregate"]["low"] < b["aggregate"]["high"]
    assert (a["rank"], b["rank"]) == ({"best": 1, "worst": 1}, {"best": 2, "worst": 2})


def test_answers_to_other_questions_do_not_rank() -> None:
    """Nothing is paired, and resamples without any of a model's questions are left out."""
    first = Entry("a", "direct", {"sums": {(f"x{n}", 0): True for n in range(3)}}, {}, {})
    second = Entry("b", "direct", {"sums": {(f"y{n}", 0): False for n in range(3)}}, {}, {})
    assert ranks(first, second) == {"a": (1, 2), "b": (1, 2)}


def test_the_order_of_the_entries_does_not_matter() -> None:
    some = [
        entry(name, sums=text) for name, text in zip("abc", ("1110", "0110", "0001"), strict=True)
    ]
    assert ranks(*some) == ranks(*some[::-1])


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        # Holm: 0.01·4, then 0.013·3 = 0.039 raised to what went before, 0.03·2, 0.2·1
        ([0.01, 0.2, 0.013, 0.03], [0.04, 0.2, 0.04, 0.06]),
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.04], [0.04]),
        ([], []),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
    ],
)
def test_holm_by_hand(p: list[float], adjusted: list[float]) -> None:
    np.testing.assert_allclose(holm(np.array(p)), adjusted)


@pytest.mark.parametrize(
    ("differences", "apart", "p"),
    [
        ([1] * 97 + [0] * 2 + [-1], 10, 0.06),  # no difference speaks against one too
        ([-1] * 97 + [0] * 2 + [1], 10, 0.06),
        ([1] * 97 + [0] * 2 + [-1], 4, 0.125),
        ([1] * 100, 20, 0.01),  # a hundred resamples show no less
        ([1] * 48 + [-1] * 2 + [math.nan] * 50, 10, 0.08),  # of those that are defined
        ([0] * 100, 0, 1.0),
    ],
)
def test_p_values_by_hand(differences: list[float], apart: int, p: float) -> None:
    assert _p_value(np.array(differences), apart) == pytest.approx(p)


def test_more_models_need_more_evidence() -> None:
    """p of a and b is 2/2^6 = 0.031: enough for one pair, not for three."""
    a, b = entry("a", sums="1" * 6 + "10" * 5), entry("b", sums="0" * 6 + "10" * 5)
    assert ranks(a, b) == {"a": (1, 1), "b": (2, 2)}
    c = entry("c", sums="1" * 6 + "10" * 5)
    assert ranks(a, b, c)["b"] == (1, 3)


def test_rank_groups_of_a_board_with_one_model_or_none() -> None:
    one = resample([entry("a", sums="10")], np.random.default_rng(1))
    assert rank_groups(one, 0.05) == {0: (1, 1)}
    none = resample([entry("a", sums="1"), entry("b", words="1")], np.random.default_rng(1))
    assert rank_groups(none, 0.05) == {}


# --- compression -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        # two of eleven flips or fewer on one side: 2 · (1 + 11 + 55) / 2^11
        (9, 2, 2 * 67 / 2**11),
        (2, 9, 2 * 67 / 2**11),
        (3, 3, 1.0),
        (6, 0, 2 / 2**6),
        (0, 0, 1.0),
    ],
)
def test_flips_and_mc_nemar_by_hand(lost: int, won: int, p: float) -> None:
    parent = "1" * lost + "0" * won + "1" * 10 + "0" * 10
    variant = "0" * lost + "1" * won + "1" * 10 + "0" * 10
    value = board(
        entry("big", sums=parent), entry("small", sums=variant, parent="big", compression="int4")
    )
    [made] = value["compression"]
    assert (made["model"], made["parent"], made["compression"]) == ("small", "big", "int4")
    assert (made["right_to_wrong"], made["wrong_to_right"]) == (lost, won)
    task = made["tasks"]["sums"]
    assert task["mcnemar_p"] == pytest.approx(p)
    if lost + won:
        assert p == pytest.approx(binomtest(lost, lost + won).pvalue)
    n = 20 + lost + won
    assert task["n"] == n
    assert task["change"]["value"] == made["change"]["value"] == pytest.approx((won - lost) / n)
    assert task["change"]["low"] < task["change"]["high"]
    right = [text.count("1") for text in (variant, parent)]
    assert made["share_kept"] == pytest.approx(right[0] / right[1])


def test_no_flip_at_all_is_no_certainty() -> None:
    value = board(entry("big", sums="1100" * 5), entry("small", sums="1100" * 5, parent="big"))
    change = value["compression"][0]["tasks"]["sums"]["change"]
    unseen = 1 - 0.025 ** (1 / 20)
    assert (change["low"], change["value"], change["high"]) == pytest.approx((-unseen, 0, unseen))


def test_a_failed_answer_that_was_right_before_is_a_flip() -> None:
    value = board(entry("big", sums="11-0"), entry("small", sums="1-10", parent="big"))
    [made] = value["compression"]
    assert (made["right_to_wrong"], made["wrong_to_right"]) == (1, 1)


def test_a_variant_is_compared_on_the_same_answers_only() -> None:
    parent, variant = entry("big", sums="1111"), entry("small", sums="00", parent="big")
    [made] = board(parent, variant)["compression"]
    assert (made["tasks"]["sums"]["n"], made["right_to_wrong"]) == (2, 2)


def test_a_variant_without_a_task_has_no_overall_change_and_the_file_no_nan() -> None:
    big, small = entry("big", sums="1101", words="11"), entry("small", sums="1001", parent="big")
    value = board(big, small)
    [made] = value["compression"]
    assert (made["change"]["value"], made["share_kept"]) == (None, None)
    assert made["tasks"]["words"] is None and made["right_to_wrong"] == 1
    assert json.loads(as_text(value)) == value


@pytest.mark.parametrize("parent", [None, "gone"])
def test_without_a_parent_on_the_board_nothing_is_compared(parent: str | None) -> None:
    assert board(entry("a", sums="10"), entry("b", sums="10", parent=parent))["compression"] == []


def test_a_parent_that_was_never_right_keeps_no_share() -> None:
    value = board(entry("big", sums="000"), entry("small", sums="010", parent="big"))
    assert value["compression"][0]["share_kept"] is None


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
