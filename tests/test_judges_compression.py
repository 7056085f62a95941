"""Variants against their parents by hand: flips, intervals, what is saved, and no answer at all."""

import json

import pytest
from scipy.stats import binomtest
from small_board import board, entry

from judges.board_page import as_text


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


def facts(disk: int | None, peak: int | None, of: str = "device") -> dict:
    memory = {"weights": disk, "kv": None, "peak": peak, "peak_of": of}
    return {"weights_bytes": disk, "memory": memory}


def test_memory_and_disk_saved_where_both_were_measured() -> None:
    big = entry("big", sums="10", facts=facts(4_000_000, 9_000_000))
    small = entry("small", sums="10", parent="big", facts=facts(1_000_000, 3_000_000))
    [made] = board(big, small)["compression"]
    assert made["saved"]["disk"] == {"variant_mb": 1.0, "parent_mb": 4.0, "saved": 0.75}
    assert made["saved"]["memory_peak"]["saved"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "other", [None, facts(None, None), facts(1_000_000, 3_000_000, of="process")]
)
def test_a_size_that_was_not_measured_alike_is_not_compared(other) -> None:
    big = entry("big", sums="10", facts=facts(4_000_000, 9_000_000))
    [made] = board(big, entry("small", sums="10", parent="big", facts=other))["compression"]
    assert made["saved"]["memory_peak"] is None


def test_answers_that_are_none_are_counted() -> None:
    big = entry("big", sums="1100C10-", words="1")
    small = entry("small", sums="1dd0cctu", words="d", parent="big", kind="pruned")
    [made] = board(big, small)["compression"]
    assert made["no_answer"]["parent"] == {"n": 9, "cut_off": 1 / 9, "degenerate": 0.0}
    assert made["no_answer"]["variant"] == {"n": 8, "cut_off": 2 / 8, "degenerate": 3 / 8}
    assert made["kind"] == "pruned"
    [other] = board(big, small, names_degenerate=False)["compression"]
    assert other["no_answer"]["variant"]["degenerate"] is None


def test_draws_of_a_question_are_no_answers_of_their_own() -> None:
    """Four flips on one question: McNemar calls them four, the test by question one."""
    big = entry("big", sums="1111" * 3 + "0000", draws=4)
    small = entry("small", sums="1111" * 2 + "0000" * 2, draws=4, parent="big")
    task = board(big, small)["compression"][0]["tasks"]["sums"]
    assert (task["n"], task["questions"], task["right_to_wrong"]) == (16, 4, 4)
    assert task["mcnemar_p"] == pytest.approx(2 / 2**4)
    assert task["p_by_question"] == 1.0  # one question that differs shows nothing


def test_the_share_kept_has_an_interval() -> None:
    big = entry("big", sums="1" * 40 + "0" * 10)
    small = entry("small", sums="1" * 30 + "0" * 20, parent="big")
    kept = board(big, small)["compression"][0]["share_kept_interval"]
    assert kept["value"] == pytest.approx(0.75) and 0.5 < kept["low"] < 0.75 < kept["high"] < 1
