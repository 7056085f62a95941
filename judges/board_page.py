"""The leaderboard for people: an HTML page, a table for the terminal, and plain words."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from judges.kinship import kin_says
from judges.report import environment

MADE_BY_PROGRAM = {
    "reference": "The judge was checked against reference labels made by program, not against"
    " people's labels.",
    "mixed": "The judge was checked partly against reference labels made by program, not against"
    " people's labels alone.",
}


def as_text(value: Mapping[str, Any]) -> str:
    """The JSON file's text."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


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
    columns = ["rank", "model", "all tasks", *value["tasks"]]
    rows = [
        [rank(row), name(row), shown(row["aggregate"])]
        + [shown(row["tasks"][task]) for task in value["tasks"]]
        for row in value["rows"]
    ]
    return columns, rows


def notes(value: Mapping[str, Any]) -> list[str]:
    """What a reader must know beside the figures."""
    error = value["judge_error"]
    kappa = error["cohen_kappa"]
    lines = [
        f"Graded by {value['judge']}, whose measured error is in the audit of n = {error['n']}"
    ]
    if kappa["value"] is not None:
        lines[0] += f": Cohen's κ {kappa['value']:.2f}"
        if kappa["low"] is not None:
            lines[0] += f" [{kappa['low']:.2f}, {kappa['high']:.2f}]"
    lines[0] += f", leniency {points(error['leniency'])} points."
    if value["labels"] != "human":
        lines.append(MADE_BY_PROGRAM[value["labels"]])
    if said := kin_says({r["model"]: r["judge_kin"] for r in value["rows"] if r["judge_kin"]}):
        lines.append(said)
    cells = [cell for row in value["rows"] for cell in row["tasks"].values() if cell]
    for key, words in (
        ("judge_failed", "answers on which the judge failed; they count as wrong"),
        (
            "no_text",
            "answers without text (too long for the model, or refused); they count as wrong",
        ),
        ("ungraded", "answers not graded yet; they are not on the board"),
    ):
        if total := sum(cell[key] for cell in cells):
            lines.append(f"{total} {words}.")
    for row in value["compression"]:
        lines.append(
            f"{row['model']} against {row['parent']}: {points(row['change'])} points,"
            f" {row['right_to_wrong']} right → wrong, {row['wrong_to_right']} wrong → right."
        )
    return lines


def html(value: Mapping[str, Any]) -> str:
    """One self-contained page."""
    template = environment().get_template("leaderboard.html.j2")
    css = files("judges").joinpath("pages/page.css").read_text(encoding="utf-8")
    return template.render(
        board=value, css=css, notes=notes(value), shown=shown, points=points, rank=rank, name=name
    )
