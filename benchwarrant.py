"""The front door: the commands in the order of the road."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

ROOMS = ("samples", "inference", "judges", "annotator")


def foreign_room() -> str:
    """Whether another package answers to one of our import names; what to do, or nothing."""
    here = Path(__file__).resolve().parent
    for room in ROOMS:
        spec = find_spec(room)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent != here / room:
            found = f"is another package's ({origin.parent})" if origin else "is missing"
            return (
                f"the import name {room!r} {found}; install Benchwarrant in an environment of its"
                " own: python -m venv .venv && .venv/bin/pip install benchwarrant"
            )
    return ""


def build() -> "typer.Typer":
    """The command line as one Typer app."""
    import typer

    from annotator import cli as annotator
    from inference import cli as inference
    from judges import cli as judges
    from judges import cli_asking as asking
    from judges import cli_board as board
    from samples import cli as samples

    app = typer.Typer(
        help="Check the judge against people before it grades the benchmark.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,
    )
    app.command()(judges.demo)
    app.command()(samples.init)
    app.command()(inference.collect)
    app.command("import")(samples.import_)
    app.command()(judges.plan)
    app.command()(inference.sample)
    app.command()(annotator.annotate)
    app.add_typer(annotator.accounts, name="accounts")
    app.command()(asking.judge)
    app.command()(asking.probe)
    app.command()(judges.report)
    app.command()(judges.approve)
    app.command()(judges.benchmark)
    app.command()(board.leaderboard)
    app.command()(samples.status)
    app.command()(board.export)
    app.command()(judges.verify)
    app.command()(inference.models)
    app.command()(inference.compress)
    app.command()(samples.tasks)
    return app


def main(words: list[str] | None = None) -> None:
    """Run the command line; a known error is one line on standard error."""
    if problem := foreign_room():
        sys.exit(f"benchwarrant: {problem}")
    from samples.errors import BenchwarrantError

    try:
        build()(words, prog_name="benchwarrant")
    except BenchwarrantError as error:
        print(f"benchwarrant: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
