"""Commands of the ground floor, and what every command shares: the study, progress, output."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samples.errors import BenchwarrantError

if TYPE_CHECKING:
    from samples.store import Store
    from samples.study import Study

StudyPath = Annotated[Path, typer.Option("--study", help="The study file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
DEFAULT = Path("study.toml")


def now() -> str:
    """The time, in UTC to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@contextmanager
def opened(path: Path, create: bool = False) -> "Iterator[tuple[Study, Store]]":
    """The study and its database; ``create`` makes the database where there is none."""
    from samples.store import Store
    from samples.study import load_study

    study = load_study(path)
    with Store(study.at(study.database), create=create) as store:
        yield study, store


def say(text: str = "") -> None:
    """A line for the user."""
    print(text, flush=True)


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table: drawn on a terminal, plain lines in columns elsewhere."""
    if not sys.stdout.isatty():
        cells = [["" if cell is None else str(cell) for cell in row] for row in (columns, *rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for line in cells:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            print("  ".join(padded).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console().print(table)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[object], None]]:
    """Call what it yields once per finished row: a bar with rate and ETA, or plain lines."""
    with progresses({what: total}) as ticks:
        yield ticks[what]


@contextmanager
def progresses(
    totals: Mapping[str, int], note: Callable[[], str] = lambda: ""
) -> Iterator[Mapping[str, Callable[[object], None]]]:
    """A line of progress for each kind of work that goes on side by side; ``note`` is added.

    Where the work is interrupted it says that what is finished is kept.
    """
    lines = [_Line(what, total) for what, total in totals.items()]
    bar = _bar(lines, note) if sys.stderr.isatty() and any(totals.values()) else None
    last = time.monotonic()

    def tick(line: _Line, _: object) -> None:
        nonlocal last
        line.done += 1
        if bar is not None:
            bar.advance(bar.task_ids[lines.index(line)])
        elif time.monotonic() - last > 10:
            last = time.monotonic()
            said = "; ".join(filter(None, [*(one.says() for one in lines if one.total), note()]))
            print(said, file=sys.stderr, flush=True)

    try:
        with bar or nullcontext():
            yield {line.what: partial(tick, line) for line in lines}
    except KeyboardInterrupt as stop:
        done = " and ".join(f"{one.done} of {one.total}" for one in lines)
        print(
            f"\ninterrupted after {done}; what is finished is kept, and the same command"
            f" goes on from there{''.join(f'; {said}' for said in stop.args)}",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    for line in lines:
        if line.done:
            print(line.says().rsplit(",", 1)[0], file=sys.stderr, flush=True)


class _Line:
    """How far one kind of work has come."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done, self._start = what, total, 0, time.monotonic()

    def says(self) -> str:
        seconds = max(time.monotonic() - self._start, 1e-9)
        left = (self.total - self.done) * seconds / self.done if self.done else 0.0
        rate = self.done / seconds
        return f"{self.what}: {self.done} of {self.total}, {rate:.1f}/s, {left:.0f} s left"


def _bar(lines: Sequence[_Line], note: Callable[[], str]) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    class Note(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(note() if task.id == len(lines) - 1 else "")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate())
    bar = Progress(*columns, TimeRemainingColumn(), Note(), console=Console(stderr=True))
    for line in lines:
        bar.add_task(line.what, total=line.total)
    return bar


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


# --- commands ------------------------------------------------------------------------------


def init(
    folder: Annotated[Path, typer.Argument(help="Where the study shall lie.")] = Path(),
    bare: Annotated[
        bool, typer.Option("--bare", help="Rubric and policy only, for imported rows.")
    ] = False,
) -> None:
    """Write a commented study.toml.

    Example: benchwarrant init my-study
    """
    templates = Path(__file__).with_name("templates")
    study = folder / "study.toml"
    if study.exists():
        raise BenchwarrantError(f"{study} is there already; choose another folder or edit it")
    folder.mkdir(parents=True, exist_ok=True)
    policy = (templates / "policy.toml").read_text(encoding="utf-8")
    body = (templates / ("bare.toml" if bare else "study.toml")).read_text(encoding="utf-8")
    write_text(study, body + policy)
    if not bare and not (folder / "guidance.md").exists():
        write_text(folder / "guidance.md", (templates / "guidance.md").read_text("utf-8"))
    say(f"wrote {study}; edit it, then run `benchwarrant {'import' if bare else 'collect'}`")


def import_(
    kind: Annotated[
        str,
        typer.Argument(
            help="items, responses, labels, verdicts or controls; lm-eval, inspect, label-studio"
            " or argilla; or study"
        ),
    ],
    file: Annotated[
        Path,
        typer.Argument(help="A JSONL, CSV or Parquet file, another tool's, or a study's folder."),
    ],
    study: StudyPath = DEFAULT,
    names: Annotated[
        list[str] | None, typer.Option("--map", help="Rename a column: theirs=ours.")
    ] = None,
    values: Annotated[
        str, typer.Option("--values", help="Rename values: True=correct,False=incorrect")
    ] = "",
    fixed: Annotated[
        list[str] | None, typer.Option("--set", help="A column that the file lacks: ours=value.")
    ] = None,
    model: Annotated[str, typer.Option("--model", help="The model: short for --set model=.")] = "",
    judges: Annotated[
        list[str] | None,
        typer.Option("--judge", help="Of a log: a metric or scorer to take as judge; none: none."),
    ] = None,
    made_by: Annotated[
        str, typer.Option("--made-by", help="Who made the labels: human, or program.")
    ] = "human",
) -> None:
    """Take in rows made elsewhere; nothing is written unless every row is right.

    Example: benchwarrant import labels people.csv --map rater=annotator --values yes=correct
    """
    from samples.archive import import_study
    from samples.foreign import Foreign, import_any, pairs
    from samples.rows import Source

    if kind == "study":
        for line in import_study(file, study):
            say(line)
        return
    columns = [*(fixed or []), *([f"model={model}"] if model else [])]
    source = Source(
        file,
        pairs(names or [], "--map"),
        pairs(filter(None, values.split(",")), "--values"),
        pairs(columns, "--set"),
    )
    asked = Foreign(source, judges or [], made_by)
    with opened(study, create=True) as (opened_study, store):
        for line in import_any(kind, asked, store, opened_study.rater_question):
            say(line)


def status(study: StudyPath = DEFAULT, as_json: AsJson = False) -> None:
    """What the study holds so far.

    Example: benchwarrant status
    """
    with opened(study) as (opened_study, store):
        counts = store.counts()
        audit_set = store.audit_set()
        cases = store.audit_cases(audit_set.id) if audit_set else []
        labelled = set(store.labelled(audit_set.rubric)) if audit_set else set()
        done = sum(case.response in labelled for case in cases)
        decisions = {warrant.judge: warrant.decision for warrant in store.warrants()}
    if as_json:
        show_json(
            {"study": opened_study.name, "rows": counts, "decisions": decisions}
            | {"audit_set": {"cases": len(cases), "labelled": done}}
        )
        return
    say(f"study {opened_study.name}")
    show_table(["rows", "number"], counts.items())
    say(f"audit set: {len(cases)} cases, {done} labelled" if cases else "audit set: not drawn yet")
    for judge, decision in decisions.items():
        say(f"judge {judge}: {decision} (`benchwarrant verify` checks that it still stands)")


def tasks(as_json: AsJson = False) -> None:
    """The tasks that a [[task]] block can name.

    Example: benchwarrant tasks
    """
    from dataclasses import asdict

    from samples.tasks import TASKS

    if as_json:
        show_json({name: asdict(task) for name, task in TASKS.items()})
        return
    show_table(
        ["name", "title", "answer", "split", "items", "licence", "source"],
        [
            (name, t.title, t.answer_type, t.split, t.size, t.licence, t.source)
            for name, t in TASKS.items()
        ],
    )
