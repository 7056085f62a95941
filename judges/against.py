"""Published figures beside measured ones: by model and task, and whether they fit our interval.

A file has a line per figure (``model``, ``task``, ``value``, perhaps ``strategy``), or a line per
model with a column per task, or the columns of a paper that judges.views knows.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from judges.board_words import shown
from judges.views import column_of
from samples.errors import BenchwarrantError
from samples.study import catalogue

NAMES = ("model", "params", "quantization")  # columns that name a model, of the paper's table
NO_SCORE = ("", "-", "—", "n/a", "nan")


class Published(NamedTuple):
    """One figure of a file: who, at what, in which words of the file."""

    model: str
    task: str
    strategy: str | None
    value: float
    line: int


def against(value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Every published figure beside ours, and the names that were not found on either side.

    Figures are shares; a file in which one is above 1 is read as percent. ``inside`` says whether
    the published figure lies within our interval, which speaks of our questions and answers only.
    """
    figures, unread = _read(path, value["tasks"])
    scale = 100.0 if any(one.value > 1 for one in figures) else 1.0
    rows = {(row["model"], row["strategy"]): row for row in value["rows"]}
    known = {row["model"] for row in value["rows"]}
    compared, unmatched = [], []
    for one in figures:
        row = _row(one, rows)
        cell = row["tasks"].get(one.task) if row else None
        if row is None or cell is None or cell["value"] is None:
            unmatched.append({"model": one.model, "task": one.task, "strategy": one.strategy})
            continue
        compared.append(_compare(one.value / scale, row, cell, one.task))
    named = {one.model for one in figures}
    return {
        "file": path.name,
        "unit": "percent" if scale == 100 else "share",
        "compared": compared,
        "inside": sum(one["inside"] is True for one in compared),
        "unmatched": unmatched,
        "unread_columns": unread,
        "not_published": sorted(known - named),
    }


def _compare(
    published: float, row: Mapping[str, Any], cell: Mapping[str, Any], task: str
) -> dict[str, Any]:
    low, high = cell["low"], cell["high"]
    return {
        "model": row["model"],
        "strategy": row["strategy"],
        "task": task,
        "published": published,
        "measured": {name: cell[name] for name in ("value", "low", "high")},
        "difference": cell["value"] - published,
        "inside": None if low is None else low <= published <= high,
    }


def _row(
    one: Published, rows: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """Our line of a published figure; without a strategy it must be the model's only one."""
    if one.strategy is not None:
        return rows.get((one.model, one.strategy))
    own = [row for (model, _), row in rows.items() if model == one.model]
    return own[0] if len(own) == 1 else None


def _read(path: Path, tasks: Sequence[str]) -> tuple[list[Published], list[str]]:
    """The file's figures, and the columns that name nothing of ours."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchwarrantError(f"cannot read {path}: {error}") from None
    if "model" not in columns:
        raise BenchwarrantError(f"{path}: no column 'model'; found {', '.join(columns) or 'none'}")
    if {"task", "value"} <= set(columns):
        return list(_long(lines, path)), []
    places = {name: _place(name, tasks) for name in columns if name not in NAMES}
    used = {name: place for name, place in places.items() if place is not None}
    if not used:
        raise BenchwarrantError(
            f"{path}: no column names a task of the board ({', '.join(tasks)}); a file has columns"
            " model, task and value, or model and a column per task"
        )
    unread = [name for name in columns if name not in NAMES and name not in used]
    return list(_wide(lines, used, path)), unread


def _place(column: str, tasks: Sequence[str]) -> tuple[str, str | None] | None:
    """The task and strategy of a column: a paper's, or the name of a task."""
    known = column_of(column)
    if known is not None:
        return known.task, known.strategy
    task = next((task for task in tasks if task.lower() == column.strip().lower()), None)
    return None if task is None else (task, None)


def _long(lines: Sequence[Mapping[str, str]], path: Path) -> Iterator[Published]:
    for number, line in enumerate(lines, start=2):
        score = _score(line["value"], path, number, "value")
        if score is not None:
            strategy = line.get("strategy") or None
            yield Published(_model(line), line["task"], strategy, score, number)


def _wide(
    lines: Sequence[Mapping[str, str]],
    used: Mapping[str, tuple[str, str | None]],
    path: Path,
) -> Iterator[Published]:
    for number, line in enumerate(lines, start=2):
        for column, (task, strategy) in used.items():
            score = _score(line[column], path, number, column)
            if score is not None:
                yield Published(_model(line), task, strategy, score, number)


def _score(text: str | None, path: Path, number: int, column: str) -> float | None:
    if text is None or text.strip().lower() in NO_SCORE:
        return None
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise BenchwarrantError(
            f"{path}, line {number}, column {column!r}: {text!r} is not a number"
        ) from None


def _model(line: Mapping[str, str]) -> str:
    """A model's name; the paper's table names one by family, size and variant: the catalogue's."""
    name, size, variant = (line.get(column) or "" for column in NAMES)
    if not size:
        return name
    wanted = (name.removesuffix(f"-{size}"), size, variant or "None")
    for slug, entry in catalogue().items():
        if (entry["family"], entry["size"], entry["variant"]) == wanted:
            return slug
    return name


def says(found: Mapping[str, Any]) -> list[str]:
    """The comparison in words, what was not found named in full."""
    compared = found["compared"]
    lines = [
        f"{found['file']} (in {found['unit']}): {len(compared)} figures compared,"
        f" {found['inside']} of them within our interval"
    ]
    if missing := found["unmatched"]:
        names = list(dict.fromkeys(f"{one['model']} ({_at(one)})" for one in missing))
        lines.append(f"not on the board: {', '.join(names)}")
    if found["unread_columns"]:
        lines.append(
            f"columns that name no task of the board: {', '.join(found['unread_columns'])}"
        )
    if found["not_published"]:
        lines.append(f"models without a published figure: {', '.join(found['not_published'])}")
    return lines


def _at(one: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (one["task"], one["strategy"])))


COLUMNS = ("model", "task", "published", "measured", "difference", "within our interval")


def table(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row per compared figure, in percent."""
    words = {True: "yes", False: "no", None: "no interval"}
    rows: list[tuple[str, ...]] = []
    for one in found["compared"]:
        ours = one["measured"]
        rows.append(
            (
                " · ".join(filter(None, (one["model"], one["strategy"]))),
                one["task"],
                f"{100 * one['published']:.1f}",
                shown(ours).replace("%", ""),
                f"{100 * one['difference']:+.1f}".replace("-", "−"),
                words[one["inside"]],
            )
        )
    return rows
