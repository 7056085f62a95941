"""Accuracy against size as inline SVG: a mark per model with its interval, sizes on a log scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 48, 16, 12, 40
MARKS = {  # by kind of compression: told apart without colour
    "none": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
    "quantised": "M0-5.5 5.5 0 0 5.5-5.5 0Z",
    "pruned": "M-4-4h8v8h-8Z",
    "distilled": "M0-5.5 5 4H-5Z",
}
SHAPES = {
    "none": "circle: not compressed",
    "quantised": "diamond: quantised",
    "pruned": "square: pruned",
    "distilled": "triangle: distilled",
}


@dataclass(frozen=True)
class Point:
    """One model: its size above 0, its share of right answers with the interval, and its kind."""

    name: str
    size: float
    value: float
    low: float | None
    high: float | None
    kind: str
    says: str  # what its title tells


def scatter(name: str, title: str, across: str, points: Sequence[Point]) -> Markup:
    """The plot; empty where there is no point. ``across`` names the axis with its unit."""
    if not points:
        return Markup("")
    sizes = [point.size for point in points]
    rounds = _round_sizes(min(sizes) / 1.1, max(sizes) * 1.1)
    low, high = rounds[0], rounds[-1]
    parts = [*_grid(rounds, across)]
    for point in points:
        x, y = _x(point.size, low, high), _y(point.value)
        if point.low is not None and point.high is not None:
            parts.append(
                Markup('<line class="bar thin" x1="{x}" x2="{x}" y1="{a}" y2="{b}"/>').format(
                    x=x, a=_y(point.low), b=_y(point.high)
                )
            )
        kind = point.kind if point.kind in MARKS else "none"
        parts.append(
            Markup(
                '<path class="mark {}" transform="translate({} {})" d="{}"><title>{}</title></path>'
            ).format(kind, x, y, MARKS[kind], point.says)
        )
    head = Markup(
        '<svg class="plot scatter" role="img" viewBox="0 0 {} {}" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{}</title><desc id="{n}-d">{}</desc>'
    ).format(WIDTH, HEIGHT, title, "; ".join(point.says for point in points), n=name)
    return head + Markup("").join(parts) + Markup("</svg>")


def _x(size: float, low: float, high: float) -> str:
    share = math.log(size / low) / math.log(high / low)
    return f"{LEFT + share * (WIDTH - LEFT - RIGHT):.1f}"


def _y(value: float) -> str:
    return f"{TOP + (1 - value) * (HEIGHT - TOP - BOTTOM):.1f}"


def _grid(rounds: Sequence[float], across: str) -> list[Markup]:
    parts = []
    for tick in range(0, 101, 20):
        y = _y(tick / 100)
        parts.append(_line(str(LEFT), str(WIDTH - RIGHT), y, y))
        parts.append(_text(str(LEFT - 6), str(float(y) + 4), "end", f"{tick}%"))
    for size in rounds:
        x = _x(size, rounds[0], rounds[-1])
        parts.append(_line(x, x, str(TOP), str(HEIGHT - BOTTOM)))
        parts.append(_text(x, str(HEIGHT - BOTTOM + 16), "middle", f"{size:,g}"))
    parts.append(_text(str((LEFT + WIDTH) / 2), str(HEIGHT - 4), "middle", across))
    return parts


def _round_sizes(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten, from the last one below ``low`` to the first above ``high``.

    So that sizes which are all alike stand between two figures too.
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    rounds = [float(f"{n}e{p}") for p in powers for n in (1, 2, 5)]
    below, above = max(r for r in rounds if r <= low), min(r for r in rounds if r >= high)
    return [r for r in rounds if below <= r <= above]


def _line(x1: str, x2: str, y1: str, y2: str) -> Markup:
    return Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(x1, x2, y1, y2)


def _text(x: str, y: str, anchor: str, text: str) -> Markup:
    return Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )
