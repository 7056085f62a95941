"""Commands about the full benchmark's figures: the leaderboard, and the rows behind them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judges.cli import one_thread
from samples.cli import (
    DEFAULT,
    AsJson,
    StudyPath,
    now,
    opened,
    say,
    show_json,
    show_table,
    write_text,
)
from samples.errors import BenchwarrantError

if TYPE_CHECKING:
    from samples.store import Store
    from samples.study import Study


def leaderboard(
    study: StudyPath = DEFAULT,
    only: Annotated[
        str | None, typer.Option("--judge", help="The approved judge that grades all tasks.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pages; report/ beside the study.")
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option("--against", help="A CSV of published figures to set beside the measured."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The models by approved judges, corrected for their error: HTML, Markdown, CSV and JSON.

    Example: benchwarrant leaderboard --against published.csv
    """
    one_thread()
    from judges import against, board_page
    from judges import leaderboard as board
    from judges.board_value import board_value
    from judges.mandates import judge_of

    with opened(study) as (opened_study, store):
        granted = judge_of(opened_study, store, now(), only)
        value = board_value(opened_study, store, granted, now())
    if published is not None:
        value["against"] = against.against(value, published)
    if as_json:
        show_json(value)
        return
    folder = out or opened_study.at("report")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "leaderboard.html", board_page.html(value))
    write_text(folder / "leaderboard.md", board_page.markdown(value))
    write_text(folder / "leaderboard.csv", board.to_csv(value))
    write_text(folder / "leaderboard.json", board_page.as_text(value))
    show_table(*board_page.table(value))
    for line in board_page.notes(value):
        say(line)
    if published is not None:
        show_table(against.COLUMNS, against.table(value["against"]))
        for line in against.says(value["against"]):
            say(line)
    say(f"leaderboard: {folder / 'leaderboard.html'}")


def export(
    kind: Annotated[
        str,
        typer.Argument(
            help="items, responses, labels, verdicts or controls; checks: labels that measure the"
            " people; cases: the audit set with settled labels and verdicts; cell MODEL TASK: the"
            " answers behind a figure of the leaderboard; label-studio or argilla: tasks for them;"
            " or study"
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="A .jsonl, .csv or .parquet file; .json; or a folder.")
    ],
    cell: Annotated[
        list[str] | None, typer.Argument(help="Of a cell: the model and the task.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="Of a cell, where the model was asked in several ways.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--judge", help="Of a cell: the approved judge, of several.")
    ] = None,
    study: StudyPath = DEFAULT,
) -> None:
    """Write the study's rows of a kind to a file; cases are what the report is computed from.

    Example: benchwarrant export labels --out labels.csv
    """
    from judges.case_rows import case_rows
    from judges.tables import load_audit
    from samples.export import export_any
    from samples.rows import write_rows

    with opened(study) as (opened_study, store):
        if kind == "cell":
            rows = _cell(opened_study, store, cell or [], strategy, only)
        elif cell:
            raise BenchwarrantError(f"export {kind} takes no further words; found {cell[0]!r}")
        elif kind == "cases":
            rows = case_rows(load_audit(opened_study, store), store)
        else:
            for line in export_any(kind, store, (study, opened_study), out):
                say(line)
            return
        what = "answers" if kind == "cell" else "cases"
        say(f"{write_rows(rows, out)} {what} written to {out}")


def _cell(
    study: "Study", store: "Store", names: list[str], strategy: str | None, judge: str | None
) -> Iterator[dict[str, Any]]:
    from judges.cell_rows import cell_rows, cell_specs
    from judges.mandates import judge_of

    if len(names) != 2:
        raise BenchwarrantError("a cell is a model and a task: export cell MODEL TASK --out FILE")
    model, task = names
    specs = cell_specs(study, store, model, task, strategy)
    return cell_rows(study, store, judge_of(study, store, now(), judge)[task], task, specs)
