"""Plots: well-formed, escaped, described in words, and drawn where the numbers say."""

import re
from xml.etree import ElementTree

import pytest

from judges.plots import Axis, Pair, Row, dumbbells, forest

HOSTILE = "</svg><script>alert('1')</script>\"&"
SURE = {"value": 0.5, "low": 0.25, "high": 0.75}
UNDEFINED = {"value": None, "low": None, "high": None, "reason": "undefined: every label is 'no'"}
NO_INTERVAL = {"value": 0.5, "low": None, "high": None, "reason": "no interval: too few"}


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter("text")]


def test_a_place_is_the_same_share_of_the_axis_between_its_edges() -> None:
    axis = Axis(0.0, 1.0)
    # 2% are left free on both sides, so that 96% carry the axis: 2 + 0.25 · 96 = 26.
    assert [axis.x(v) for v in (0.0, 0.25, 1.0)] == ["2.00%", "26.00%", "98.00%"]
    assert axis.x(-3.0) == "2.00%"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.5, 1.0, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-1.0, 1.0, [-1.0, -0.5, 0.0, 0.5, 1.0]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, ticks: list[float]) -> None:
    assert Axis(low, high).ticks() == pytest.approx(ticks)


def test_a_forest_draws_the_interval_and_says_it() -> None:
    svg = ElementTree.fromstring(forest("p", "κ", [Row("GPT-4", SURE)]))
    bar = next(node for node in svg.iter("line") if node.get("class") == "bar")
    assert (bar.get("x1"), bar.get("x2")) == ("26.00%", "74.00%")
    assert svg.findtext("title") == "κ"
    assert svg.findtext("desc") == "GPT-4 0.50 [0.25, 0.75]"
    assert svg.get("role") == "img" and svg.get("aria-labelledby") == "p-t p-d"


def test_the_axis_reaches_below_zero_where_an_interval_does() -> None:
    low = forest("p", "κ", [Row("a", SURE | {"low": -0.13})])
    assert "−0.2" in texts(low) and "−0.2" not in texts(forest("p", "κ", [Row("a", SURE)]))


def test_pooled_and_slice_differ_by_shape() -> None:
    pooled, slice_ = (forest("p", "κ", [Row("a", SURE, pooled)]) for pooled in (True, False))
    assert 'class="diamond"' in pooled and 'class="dot"' not in pooled
    assert 'class="dot"' in slice_ and 'class="diamond"' not in slice_


def test_what_is_undefined_is_said_and_not_drawn() -> None:
    svg = forest("p", "κ", [Row("a", UNDEFINED), Row("b", NO_INTERVAL)])
    assert 'class="bar"' not in svg and "diamond" not in svg
    assert "undefined: every label is 'no'" in texts(svg)
    assert "0.50, no interval" in texts(svg)


def test_limits_and_the_band_lie_on_the_axis() -> None:
    svg = ElementTree.fromstring(forest("p", "κ", [Row("a", SURE)], [0.25], (0.25, 0.5)))
    limit = next(node for node in svg.iter("line") if node.get("class") == "limit")
    band = next(svg.iter("rect"))
    assert limit.get("x1") == limit.get("x2") == "26.00%"
    assert (band.get("x"), band.get("width")) == ("26.0%", "24.00%")


def test_dumbbells_stand_in_the_order_of_the_reference_with_both_places() -> None:
    pairs = [Pair("low", 0.2, 0.9), Pair("top", 0.8, 0.7), Pair("tied", 0.8, 0.7)]
    found = [text for text in texts(dumbbells("p", "shares", pairs)) if "·" in text]
    assert found == ["1 → 2 · tied", "1 → 2 · top", "3 → 1 · low"]


def test_dumbbells_without_a_share_say_so() -> None:
    svg = dumbbells("p", "shares", [Pair("a", None, None), Pair("b", 0.5, None)])
    assert "– → – · a" in texts(svg) and "none → none" in texts(svg) and "0.50 → none" in texts(svg)
    assert 'class="gap"' not in svg


def test_a_plot_of_nothing_is_still_a_plot() -> None:
    for svg in (forest("p", "κ", []), dumbbells("p", "shares", [])):
        ElementTree.fromstring(svg)


def test_a_long_name_is_shortened_for_the_eye_and_kept_whole_in_the_title() -> None:
    name = "Qwen2.5-0.5B-Instruct-GPTQ-Int4-very-long"
    node = ElementTree.fromstring(forest("p", "κ", [Row(name, SURE)])).find("text[@class='name']")
    assert node is not None and node.findtext("title") == name
    assert (node.find("title").tail or "").endswith("…")  # type: ignore[union-attr]


def test_hostile_names_stay_text() -> None:
    for svg in (
        forest("p", HOSTILE, [Row(HOSTILE, SURE), Row(HOSTILE, UNDEFINED | {"reason": HOSTILE})]),
        dumbbells("p", HOSTILE, [Pair(HOSTILE, 0.1, 0.2)]),
    ):
        root = ElementTree.fromstring(svg)
        assert root.findtext("title") == HOSTILE
        assert not list(root.iter("script"))
        assert len(re.findall("<script", svg)) == 0
