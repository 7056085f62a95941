"""Strategies of one model side by side, by hand."""

import pytest
from small_board import board, entry

from judges.comparisons import holm


def test_every_two_strategies_of_a_model_on_the_questions_both_have() -> None:
    value = board(
        entry("a", sums="1" * 20 + "0" * 20, words="10"),
        entry("a", sums="1" * 32 + "0" * 8, strategy="cot"),
        entry("b", sums="10" * 20),
        entry("b", sums="01" * 20, strategy="cot"),
    )
    first, second = value["strategies"]
    assert (first["model"], first["first"], first["second"]) == ("a", "direct", "cot")
    assert first["difference"]["value"] == pytest.approx(0.3)  # the second minus the first
    assert (first["tasks_in_common"], first["questions"]) == (1, 40)
    assert first["tasks"]["words"] is None
    assert first["tasks"]["sums"]["difference"] == first["difference"]
    assert second["difference"]["value"] == 0
    tested = [one for one in value["strategies"] if one["p_holm"] is not None]
    assert [one["model"] for one in tested if one["p_holm"] < 0.05] == ["a"]


def test_the_correction_is_over_all_of_them() -> None:
    texts = ("1" * 10 + "0" * 10, "1" * 15 + "0" * 5, "1" * 17 + "0" * 3)
    names = ("direct", "cot", "5-shot")
    some = [entry("a", sums=t, strategy=s) for t, s in zip(texts, names, strict=True)]
    rows = board(*some)["strategies"]
    assert len(rows) == 3
    import numpy as np

    expected = holm(np.array([row["p"] for row in rows]))
    assert [row["p_holm"] for row in rows] == pytest.approx(expected.tolist())


def test_a_single_strategy_has_nothing_beside_it() -> None:
    assert board(entry("a", sums="10"), entry("b", sums="10"))["strategies"] == []


def test_no_common_question_is_undefined() -> None:
    value = board(entry("a", sums="10"), entry("a", sums="uu", strategy="cot"))
    [row] = value["strategies"]
    assert (row["tasks_in_common"], row["difference"]["value"], row["p_holm"]) == (0, None, None)
