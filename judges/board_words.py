"""The leaderboard's figures in print, and what is said of those corrected for the judge's error."""

from collections.abc import Iterator, Mapping
from typing import Any

REASONS = 20  # that pages list; leaderboard.json has them all
LABELS = {"human": "labels", "reference": "reference labels", "mixed": "labels"}
BY = {"ppi++": "by its own labels", "rogan-gladen": "by the judge's errors in the audit"}


def shown(figure: Mapping[str, Any] | None) -> str:
    """ "62.5% [55.0, 70.1]", or what is missing."""
    if figure is None or figure["value"] is None:
        return "—"
    if figure["low"] is None:
        return f"{100 * figure['value']:.1f}%"
    return f"{100 * figure['value']:.1f}% [{100 * figure['low']:.1f}, {100 * figure['high']:.1f}]"


def points(figure: Mapping[str, Any] | None) -> str:
    """A difference of rates in percentage points: "−12.5 [−18.0, −7.1]"."""
    if figure is None or figure["value"] is None:
        return "—"
    text = f"{100 * figure['value']:+.1f}"
    if figure["low"] is not None:
        text += f" [{100 * figure['low']:+.1f}, {100 * figure['high']:+.1f}]"
    return text.replace("-", "−")


def both(figure: Mapping[str, Any] | None) -> str:
    """The raw figure, and the corrected one beside it where there is one."""
    corrected = (figure or {}).get("corrected")
    if not corrected:
        return shown(figure)
    if corrected["value"] is None:
        return f"{shown(figure)} (not corrected)"
    return f"{shown(figure)} (corrected {shown(corrected)})"


def corrected_by(corrected: Mapping[str, Any], labels: str) -> str:
    """What a corrected figure rests on: "by its own labels, n = 67"."""
    method = corrected["method"]
    if method in BY:
        own = f", n = {corrected['labels']}" if method == "ppi++" else ""
        return BY[method].replace("labels", LABELS[labels]) + own
    return "each task by its own judge"


def corrections_say(value: Mapping[str, Any]) -> list[str]:
    """How the rates were corrected, how many were not, and by which errors of the judge."""
    if not value["corrected"]:
        return []
    cells = [figure["corrected"] for _, figure in _figures(value)]
    known = sum(one["value"] is not None for one in cells)
    lines = [
        f"{known} of {len(cells)} rates are corrected for the judge's error, by"
        f" {value['corrected']}."
    ]
    for one in value["judges"]:
        found = one["errors_by_label"]
        if found:
            sides = ", ".join(
                f"{side} {shown(found[side])} (n = {found[side]['n']})"
                for side in ("sensitivity", "specificity")
            )
            lines.append(
                f"Judge {one['judge']} on {found['labels']} {LABELS[one['labels']]} of graded"
                f" answers: {sides}."
            )
    return lines


def reasons(value: Mapping[str, Any]) -> list[str]:
    """Why rates are not corrected, each reason with where it holds."""
    found: dict[str, list[str]] = {}
    for place, figure in _figures(value):
        if figure["corrected"]["value"] is None:
            found.setdefault(figure["corrected"]["reason"], []).append(place)
    lines = [f"{', '.join(places)}: {reason}." for reason, places in found.items()]
    more = len(lines) - REASONS
    return lines if more <= 0 else [*lines[:REASONS], f"{more} more are in leaderboard.json."]


def _figures(value: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every rate that was to be corrected, with its place in words."""
    for row in value["rows"]:
        line = " · ".join(filter(None, (row["model"], row["strategy"])))
        for task, figure in {"all tasks": row["aggregate"], **row["tasks"]}.items():
            if figure and figure["corrected"]:
                yield f"{line} ({task})", figure
