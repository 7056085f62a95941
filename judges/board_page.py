"""The leaderboard for people: an HTML page, a table for the terminal, and plain words."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from judges.board_words import both, corrected_by, corrections_say, points, reasons, shown
from judges.kinship import kin_says
from judges.phrasing import interval
from judges.report import environment
from judges.scatter import SHAPES, Point, scatter

SIZE = re.compile(r"(\d+(?:\.\d+)?)([BM])")
SAID = 20  # variants that the notes list; the table has them all

COUNTED = {
    "judge_failed": "answers on which the judge failed; they count as wrong",
    "no_text": "answers without text (too long for the model, or refused); they count as wrong",
    "ungraded": "answers not graded yet; they are not on the board",
}
MADE_BY_PROGRAM = {
    "reference": "The judge was checked against reference labels made by program, not against"
    " people's labels.",
    "mixed": "The judge was checked partly against reference labels made by program, not against"
    " people's labels alone.",
}


def as_text(value: Mapping[str, Any]) -> str:
    """The JSON file's text."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def rank(row: Mapping[str, Any]) -> str:
    """ "1", or "1–3" where the answers cannot tell the models apart."""
    held = row["rank"]
    if held is None:
        return "—"
    return str(held["best"]) if held["best"] == held["worst"] else f"{held['best']}–{held['worst']}"


def name(row: Mapping[str, Any]) -> str:
    return f"{row['model']} · {row['strategy']}" if row["strategy"] else str(row["model"])


def table(value: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows for the terminal."""
    more = ["corrected"] if value["corrected"] else []
    columns = ["rank", "group", "model", "all tasks", *more, *value["tasks"]]
    rows = [
        [rank(row), row["groups"] or "—", name(row), shown(row["aggregate"])]
        + [shown(row["aggregate"]["corrected"]) for _ in more]
        + [shown(row["tasks"][task]) for task in value["tasks"]]
        for row in value["rows"]
    ]
    return columns, rows


def notes(value: Mapping[str, Any]) -> list[str]:
    """What a reader must know beside the figures."""
    several = len(value["judges"]) > 1
    lines = [_graded_by(one, several) for one in value["judges"]]
    if value["labels"] != "human":
        lines.append(MADE_BY_PROGRAM[value["labels"]])
    for one in value["judges"]:
        kin = {row["model"]: row["by_judge"][one["judge"]]["kin"] for row in value["rows"]}
        who = f"Judge {one['judge']}" if several else "This judge"
        if said := kin_says({model: how for model, how in kin.items() if how}, who):
            lines.append(said)
    lines += [*_counted(value), *corrections_say(value)]
    strategies = len({row["strategy"] for row in value["rows"]}) > 1
    for row in value["compression"][:SAID]:
        variant = name(row) if strategies else row["model"]
        lines.append(
            f"{variant} against {row['parent']}: {points(row['change'])} points,"
            f" {row['right_to_wrong']} right → wrong, {row['wrong_to_right']} wrong → right."
        )
    return lines


def _graded_by(one: Mapping[str, Any], several: bool) -> str:
    error = one["error"]
    kappa, tasks = error["cohen_kappa"], f"{', '.join(one['tasks'])}: graded"
    line = (
        f"{tasks if several else 'Graded'} by {one['judge']}, whose measured error is in the audit"
        f" of n = {error['n']}"
    )
    if kappa["value"] is not None:
        line += f": Cohen's κ {kappa['value']:.2f}"
        if kappa["low"] is not None:
            line += f" [{kappa['low']:.2f}, {kappa['high']:.2f}]"
    return f"{line}, leniency {points(error['leniency'])} points."


def _counted(value: Mapping[str, Any]) -> list[str]:
    """Answers that are no plain grade, each kind with how many there are."""
    cells = [cell for row in value["rows"] for cell in row["tasks"].values() if cell]
    totals = {key: sum(cell[key] for cell in cells) for key in COUNTED}
    return [f"{total} {COUNTED[key]}." for key, total in totals.items() if total]


def html(value: Mapping[str, Any]) -> str:
    """One self-contained page: its script is its own, and no other may run."""
    pages = files("judges").joinpath("pages")
    css, script = (pages.joinpath(name).read_text("utf-8") for name in ("page.css", "board.js"))
    return (
        environment()
        .get_template("leaderboard.html.j2")
        .render(
            _words(value),
            css=Markup(css),
            script=Markup(script),
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
            filters=_filters(value["rows"]),
            plots=plots(value["rows"]),
            shapes=", ".join(SHAPES.values()),
        )
    )


def markdown(value: Mapping[str, Any]) -> str:
    """The same figures as tables."""
    return environment().get_template("leaderboard.md.j2").render(_words(value))


def _words(value: Mapping[str, Any]) -> dict[str, Any]:
    """What both templates speak with."""
    return {
        "board": value,
        "notes": notes(value),
        "smallest": smallest(value["ranking"]["smallest_difference"]),
        "shown": shown,
        "both": both,
        "corrected_by": corrected_by,
        "reasons": reasons(value),
        "points": points,
        "rank": rank,
        "name": name,
        "interval": interval,
        "in_view": in_view,
    }


def smallest(found: Mapping[str, Any] | None) -> str:
    """What difference these answers could show, in words."""
    if found is None:
        return ""
    one, any_ = found["one_pair"], found["all_pairs"]
    return (
        f"A difference of {100 * one['median']:.1f} points between two models is found with a power"
        f" of {found['power']:.0%} ({100 * one['least']:.1f} to {100 * one['most']:.1f}, by pair);"
        f" after the correction over {found['pairs']:,} pairs it takes"
        f" {100 * any_['median']:.1f}."
    )


def in_view(row: Mapping[str, Any], column: str) -> str:
    """A cell of a paper's view: scores in percent, sizes in gigabytes, an empty one for None."""
    value = row[column]
    if not isinstance(value, float):
        return "" if value is None else str(value)
    return f"{value:.2f}" if column.endswith("_gb") else f"{100 * value:.2f}"


def _filters(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, list[str]]]:
    kinds = (("family", "family"), ("size", "size"), ("kind", "compression"))
    return [(key, label, sorted({row[key] for row in rows})) for key, label in kinds]


def plots(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """Accuracy over all tasks against memory and against parameters, where these are known."""
    kinds = {_fact(row, "memory", "peak_of") for row in rows if _fact(row, "memory", "peak")}
    part = "peak" if len(kinds) == 1 else "weights"  # peaks of two kinds cannot be compared
    axes = {
        f"memory, {part}, MB": [(_fact(row, "memory", part) or 0) / 1e6 for row in rows],
        "parameters, millions": [parameters(row) / 1e6 for row in rows],
    }
    made: list[tuple[str, Markup]] = []
    for across, sizes in axes.items():
        found = [
            _point(row, size, across)
            for row, size in zip(rows, sizes, strict=True)
            if size > 0 and row["aggregate"]["value"] is not None
        ]
        if found:
            title = f"Accuracy over all tasks against {across}"
            plot = scatter(f"plot-{len(made)}", title, across, found)
            made.append((f"{title}: {len(found)} of {len(rows)} lines of the board.", plot))
    return made


def _point(row: Mapping[str, Any], size: float, across: str) -> Point:
    total = row["aggregate"]
    says = f"{name(row)}: {shown(total)}, {across} {size:,.0f}"
    return Point(name(row), size, total["value"], total["low"], total["high"], row["kind"], says)


def _fact(row: Mapping[str, Any], part: str, key: str) -> Any:
    return (row["facts"].get(part) or {}).get(key)


def parameters(row: Mapping[str, Any]) -> float:
    """Measured, or as the model's size says; 0 where neither is known.

    Of a quantised model several weights may be packed into one number: its size tells more.
    """
    found = SIZE.fullmatch(row["size"])
    named = float(found[1]) * {"B": 1e9, "M": 1e6}[found[2]] if found else 0.0
    measured = float(row["facts"].get("parameters") or 0)
    return (named or measured) if row["kind"] == "quantised" else (measured or named)
