"""The board's columns as a paper orders them: which task and strategy each of its columns is."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Column(NamedTuple):
    """One score column: its name, and what of ours it is."""

    name: str
    task: str
    strategy: str


SORTING = tuple(
    Column(f"sort{length}_{sign}", f"sort{length}-{sign}", "direct")
    for length in (8, 16, 32)
    for sign in ("positive", "mixed")
)
THINKSLM = (  # arXiv 2502.11569, in the order of its leaderboard
    Column("gsm8k_direct", "gsm8k", "direct"),
    Column("gsm8k_cot", "gsm8k", "cot"),
    Column("gsm8k_5shot", "gsm8k", "5-shot"),
    Column("gsm8k_5shot_cot", "gsm8k", "5-shot-cot"),
    Column("gsm8k_8shot", "gsm8k", "8-shot"),
    Column("arc_easy", "arc-easy", "direct"),
    Column("arc_challenge", "arc-challenge", "direct"),
    Column("commonsenseqa", "commonsenseqa", "direct"),
    *SORTING,
)
SORTING_AVERAGE = "sorting_average"
ORIGIN = ("model", "params", "quantization", "gpu_memory_gb", "disk_gb")
VIEWS: Mapping[str, Sequence[Column]] = {"thinkslm": THINKSLM}


def column_of(name: str) -> Column | None:
    """The column of any view that has this name."""
    return next((c for columns in VIEWS.values() for c in columns if c.name == name), None)


def views(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Each view that has a column of the board: its columns in order, and a line per model.

    Scores are shares; one that was not measured is None, and so is an average that lacks a part.
    """
    made = {}
    for name, columns in VIEWS.items():
        lines = [_line(model, own, columns) for model, own in _by_model(rows).items()]
        if any(line[column.name] is not None for line in lines for column in columns):
            names = [*ORIGIN, *(column.name for column in columns), SORTING_AVERAGE]
            made[name] = {"columns": names, "rows": lines}
    return made


def _by_model(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    models: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        models.setdefault(row["model"], {})[row["strategy"]] = row
    return models


def _line(
    model: str, own: Mapping[str, Mapping[str, Any]], columns: Sequence[Column]
) -> dict[str, Any]:
    any_row = next(iter(own.values()))
    facts = any_row["facts"]
    peak, disk = (facts.get("memory") or {}).get("peak"), facts.get("weights_bytes")
    line = {
        "model": model,
        "params": any_row["size"] or None,
        "quantization": any_row["compression"] or "None",
        "gpu_memory_gb": peak / 1e9 if peak else None,
        "disk_gb": disk / 1e9 if disk else None,
    }
    scores = {column.name: _score(own.get(column.strategy), column.task) for column in columns}
    parts = [scores[column.name] for column in SORTING if column.name in scores]
    whole = [part for part in parts if part is not None]
    mean = sum(whole) / len(whole) if parts and len(whole) == len(parts) else None
    return line | scores | {SORTING_AVERAGE: mean}


def _score(row: Mapping[str, Any] | None, task: str) -> float | None:
    cell = row["tasks"].get(task) if row else None
    return cell["value"] if cell else None
