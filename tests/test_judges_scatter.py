"""The scatter plot: marks where they belong, and names that do no harm."""

import re
from xml.etree import ElementTree

from judges.scatter import HEIGHT, LEFT, RIGHT, TOP, WIDTH, Point, scatter


def point(name: str, size: float, value: float, kind: str = "none") -> Point:
    return Point(name, size, value, value - 0.1, value + 0.1, kind, f"{name}: {value}")


def test_marks_stand_where_their_figures_are() -> None:
    points = [point("a", 100, 0.2), point("b", 1000, 0.5, "quantised"), point("c", 10000, 0.8)]
    svg = str(scatter("p", "Accuracy", "MB", points))
    places = [tuple(map(float, m)) for m in re.findall(r"translate\((\S+) (\S+)\)", svg)]
    xs, ys = zip(*places, strict=True)
    assert xs[1] - xs[0] == xs[2] - xs[1] or abs(xs[1] - (xs[0] + xs[2]) / 2) < 0.2  # log scale
    assert ys[0] > ys[1] > ys[2] and all(TOP <= y <= HEIGHT for y in ys)
    assert all(LEFT < x < WIDTH - RIGHT for x in xs)
    assert svg.count('class="bar thin"') == 3 and 'class="mark quantised"' in svg
    ElementTree.fromstring(svg)


def test_hostile_names_are_text() -> None:
    bad = '</title><script>alert(1)</script>"'
    svg = str(scatter("p", bad, bad, [point(bad, 1, 0.5)]))
    assert "<script" not in svg
    ElementTree.fromstring(svg)


def test_no_interval_no_bar_and_nothing_without_a_point() -> None:
    alone = Point("a", 5, 0.5, None, None, "new kind", "a")
    svg = str(scatter("p", "t", "MB", [alone]))
    assert "bar thin" not in svg and 'class="mark none"' in svg
    assert scatter("p", "t", "MB", []) == ""


def test_sizes_that_are_all_alike_stand_between_two_figures() -> None:
    svg = str(scatter("p", "t", "MB", [point("a", 134.5, 0.5), point("b", 134.5, 0.2)]))
    ticks = re.findall(r'text-anchor="middle">([^<]+)<', svg)
    assert ticks == ["100", "200", "MB"]
