"""Plots as inline SVG: readable on a phone, on paper, without colour and without a script.

Places across are percentages and places down are pixels, so that the text keeps its size while the
plot takes the width there is. The page's style sheet gives the colours.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from judges.phrasing import interval, number

ROW, TOP, BOTTOM = 36, 8, 24  # pixels: height of a row, room above and below the rows
EDGE = 2.0  # per cent left free on both sides
LONGEST = 28  # characters of a name beside its figure on a phone


@dataclass(frozen=True)
class Row:
    """One interval of a forest plot; the pooled figure is a diamond, a slice's is a dot."""

    name: str
    figure: Mapping[str, Any]
    pooled: bool = False


@dataclass(frozen=True)
class Pair:
    """One model's share by the reference and by the judge, None where there is none."""

    name: str
    reference: float | None
    judge: float | None


@dataclass(frozen=True)
class Axis:
    """The values from one edge of a plot to the other."""

    low: float
    high: float

    def x(self, value: float) -> str:
        """A value's place across the plot; what lies outside stands at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return f"{EDGE + share * (100 - 2 * EDGE):.2f}%"

    def ticks(self) -> list[float]:
        """Round values, seven at most."""
        step = next(s for s in (0.1, 0.2, 0.5, 1.0) if (self.high - self.low) / s <= 6.01 or s == 1)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [place * step for place in range(first, last + 1)]


def forest(
    name: str,
    title: str,
    rows: Sequence[Row],
    limits: Sequence[float] = (),
    band: tuple[float, float] | None = None,
) -> Markup:
    """An interval a row on a common axis.

    ``name`` makes the plot's ids unique on its page. ``limits`` are dashed lines, ``band`` a strip
    behind the rows.
    """
    ends = [row.figure[end] for row in rows for end in ("value", "low", "high")]
    axis = _axis([end for end in (*ends, *limits, *(band or ())) if end is not None], (0.0, 1.0))
    strip = [_strip(axis, band, len(rows))] if band else []
    lines = [_line(axis.x(at), len(rows), "limit") for at in limits]
    drawn = [part for place, row in enumerate(rows) for part in _interval(axis, row, place)]
    says = "; ".join(f"{row.name} {interval(row.figure)}" for row in rows)
    return _svg(name, (title, says), len(rows), [*strip, *_grid(axis, len(rows)), *lines, *drawn])


def dumbbells(name: str, title: str, pairs: Sequence[Pair]) -> Markup:
    """A model a row, in the order of the reference: a dot for its share, a diamond for the judge's.

    The numbers before a name are its places, by the reference and by the judge.
    """
    ordered = sorted(pairs, key=lambda pair: (-_or_lowest(pair.reference), pair.name))
    shares = [share for p in pairs for share in (p.reference, p.judge) if share is not None]
    axis = _axis(shares, (min(shares, default=0.0), max(shares, default=1.0)))
    places = [
        {pair.name: place for pair, place in zip(ordered, _places(column), strict=True)}
        for column in ([p.reference for p in ordered], [p.judge for p in ordered])
    ]
    drawn = [
        part
        for row, pair in enumerate(ordered)
        for part in _dumbbell(axis, pair, row, f"{places[0][pair.name]} → {places[1][pair.name]}")
    ]
    says = "; ".join(f"{pair.name} {_from_to(pair)}" for pair in ordered)
    return _svg(name, (title, says), len(pairs), [*_grid(axis, len(pairs)), *drawn])


def _axis(values: Sequence[float], least: tuple[float, float]) -> Axis:
    """From the lowest to the highest value in tenths, and at least so far."""
    low, high = min([*values, least[0]]), max([*values, least[1]])
    low, high = math.floor(low * 10 + 1e-9) / 10, math.ceil(high * 10 - 1e-9) / 10
    return Axis(low, high if high > low else low + 0.1)


def _interval(axis: Axis, row: Row, place: int) -> Iterator[Markup]:
    figure, y = row.figure, TOP + place * ROW + 24
    if figure["low"] is None or figure["high"] is None:
        yield from _heading(row.name, place, "")
        value = figure["value"]
        words = interval(figure) if value is None else f"{number(value)}, no interval"
        yield _text("0", y + 5, "start", words, "undefined")
        return
    yield from _heading(row.name, place, interval(figure))
    low, high = axis.x(figure["low"]), axis.x(figure["high"])
    yield Markup('<line class="bar" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(low, high, y, y)
    yield _mark(axis.x(figure["value"]), y, row.pooled)


def _dumbbell(axis: Axis, pair: Pair, row: int, places: str) -> Iterator[Markup]:
    y = TOP + row * ROW + 24
    yield from _heading(f"{places} · {pair.name}", row, _from_to(pair))
    if pair.reference is not None and pair.judge is not None:
        ends = axis.x(pair.reference), axis.x(pair.judge)
        yield Markup('<line class="gap" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(*ends, y, y)
    if pair.judge is not None:
        yield _mark(axis.x(pair.judge), y, diamond=True)
    if pair.reference is not None:
        yield _mark(axis.x(pair.reference), y, diamond=False)


def _heading(name: str, row: int, figure: str) -> Iterator[Markup]:
    """A row's name on the left and its figure on the right, above what is drawn."""
    y = TOP + row * ROW + 13
    short = name if len(name) <= LONGEST or not figure else name[: LONGEST - 1] + "…"
    yield _text("0", y, "start", short, "name", name)
    yield _text("100%", y, "end", figure, "figure")


def _text(x: str, y: int, anchor: str, text: str, kind: str, full: str = "") -> Markup:
    title = Markup("<title>{}</title>").format(full) if full and full != text else ""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}{}</text>').format(
        kind, x, y, anchor, title, text
    )


def _mark(x: str, y: int, diamond: bool) -> Markup:
    if not diamond:
        return Markup('<circle class="dot" cx="{}" cy="{}" r="4"/>').format(x, y)
    # A path cannot stand at a percentage, a nested drawing can.
    return Markup(
        '<svg x="{}" y="{}" overflow="visible"><path class="diamond" d="M0-6 6 0 0 6-6 0Z"/></svg>'
    ).format(x, y)


def _grid(axis: Axis, rows: int) -> Iterator[Markup]:
    for tick in axis.ticks():
        x, last = axis.x(tick), rows * ROW + TOP
        yield _line(x, rows, "grid")
        yield _text(x, last + 16, "middle", number(tick, 1), "tick")


def _line(x: str, rows: int, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
        kind, x, x, TOP, TOP + rows * ROW
    )


def _strip(axis: Axis, band: tuple[float, float], rows: int) -> Markup:
    low, high = (float(axis.x(end).rstrip("%")) for end in band)
    return Markup('<rect class="band" x="{}%" width="{:.2f}%" y="{}" height="{}"/>').format(
        low, high - low, TOP, rows * ROW
    )


def _svg(name: str, words: tuple[str, str], rows: int, parts: Sequence[Markup]) -> Markup:
    height = TOP + rows * ROW + BOTTOM
    head = Markup(
        '<svg class="plot" role="img" width="100%" height="{h}" aria-labelledby="{n}-t {n}-d">'
        '<title id="{n}-t">{title}</title><desc id="{n}-d">{desc}</desc>'
    ).format(h=height, n=name, title=words[0], desc=words[1])
    return head + Markup("").join(parts) + Markup("</svg>")


def _places(shares: Sequence[float | None]) -> list[str]:
    """Each share's place from the top, ties on the higher one; a dash where there is no share."""
    known = [share for share in shares if share is not None]
    return ["–" if s is None else str(1 + sum(k > s + 1e-12 for k in known)) for s in shares]


def _or_lowest(share: float | None) -> float:
    return -1.0 if share is None else share


def _from_to(pair: Pair) -> str:
    ends = ("none" if s is None else number(s) for s in (pair.reference, pair.judge))
    return " → ".join(ends)
