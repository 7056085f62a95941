"""Commands that ask the judges: about the audit set, about probes, and again."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samples.cli import (
    DEFAULT,
    AsJson,
    StudyPath,
    now,
    opened,
    progress,
    say,
    show_json,
    show_table,
)
from samples.errors import BenchwarrantError

if TYPE_CHECKING:
    from inference.ledger import Purse
    from judges.grade import Docket
    from samples.records import Verdict
    from samples.store import Store
    from samples.study import Study

Only = Annotated[
    list[str] | None, typer.Option("--judge", help="Only this judge; may be repeated.")
]
MaxUsd = Annotated[
    float | None,
    typer.Option(
        "--max-usd", help="Stop before this command has cost more; the next one goes on.", min=0
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would take, and send nothing.")
]


def judge(
    study: StudyPath = DEFAULT,
    only: Only = None,
    dry_run: DryRun = False,
    max_usd: MaxUsd = None,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Ask again where a judge failed and may not now; its warrant goes stale.",
        ),
    ] = False,
    failure: Annotated[
        list[str] | None,
        typer.Option(help="Of --retry-failed: only this kind of failure; may be repeated."),
    ] = None,
    recheck: Annotated[
        bool,
        typer.Option(
            "--recheck", help="Ask an approved judge again: has it changed? Exit 1 if it has."
        ),
    ] = False,
    cases: Annotated[int, typer.Option(help="Of --recheck: how many.", min=100)] = 100,
    everything: Annotated[
        bool,
        typer.Option("--all", help='Every answer, before `sample` draws by allocation = "active".'),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run every judge on the audit set; the same command again goes on where it stopped.

    Example: benchwarrant judge --judge gpt-4o --max-usd 5
    """
    from judges import grade, retry
    from judges.costs import purse

    if failure and not retry_failed:
        raise BenchwarrantError("--failure goes with --retry-failed")
    if recheck and (retry_failed or dry_run or everything or max_usd is not None):
        raise BenchwarrantError(
            "--recheck goes with none of --retry-failed, --dry-run, --all and --max-usd; ask for"
            " one of them"
        )
    if recheck:
        _recheck(study, only or [], cases, as_json)
        return
    with opened(study) as (opened_study, store):
        responses = grade.to_be_judged(opened_study, store, everything)
        if retry_failed:
            again = retry.retries(opened_study, store, responses, only or [], failure or [])
            todo = [one.docket for one in again]
        else:
            todo = grade.dockets(opened_study, store, responses, only or [])
            grade.check_texts(store, todo)
        if dry_run:
            _show_forecast(opened_study, store, todo, as_json)
            return
        wallet = purse(opened_study, [docket.block for docket in todo], max_usd)
        if retry_failed:
            with progress("ask again", sum(len(docket.missing) for docket in todo)) as tick:
                made = retry.run(opened_study, store, again, tick, now, wallet)
            lines = [retry.line(name, one) for name, one in made.items()]
        else:
            made, lines = _judge_all(opened_study, store, todo, responses, wallet)
    if as_json:
        show_json(made)
        return
    for line in lines:
        say(line)
    say_spent(wallet)


def _show_forecast(study: "Study", store: "Store", todo: "list[Docket]", as_json: bool) -> None:
    from judges import forecast

    found = forecast.forecast(study, store, todo)
    if as_json:
        show_json(forecast.as_values(found))
        return
    show_table(*forecast.table(found))
    say(forecast.total(found))


def say_spent(purse: "Purse") -> None:
    """What the command has cost, if anything."""
    from inference.ledger import dollars

    if purse.spent:
        say(f"cost: {dollars(purse.spent)}")


def spent_so_far(purse: "Purse") -> str:
    """For the progress bar; nothing where nothing was spent."""
    from inference.ledger import dollars

    return f"{dollars(purse.spent)} spent" if purse.spent else ""


def _judge_all(
    study: "Study",
    store: "Store",
    todo: "list[Docket]",
    responses: list[str],
    purse: "Purse",
) -> tuple[dict[str, Any], list[str]]:
    """What each judge said, as values and as lines."""
    from judges import grade
    from judges.makeup import panel_facts, panel_says

    outcomes: Counter[tuple[str, str]] = Counter()
    with progress("judge", sum(len(docket.missing) for docket in todo)) as tick:

        def count(verdict: "Verdict") -> None:
            outcomes[verdict.judge, verdict.failure or verdict.value or ""] += 1
            tick(verdict)

        grade.run(study, store, todo, count, now, purse)
    made: dict[str, Any] = {}
    lines = []
    for docket in todo:
        name = docket.spec.name
        said = {what: n for (who, what), n in sorted(outcomes.items()) if who == name}
        words = ", ".join(f"{n} {what}" for what, n in said.items()) or "nothing missing"
        made[name] = {"verdicts": said, "panel": None}
        if docket.block.members:
            facts = panel_facts(store, docket.spec, study.rater_question.id, responses)
            made[name]["panel"] = facts
            words += f" ({panel_says(facts)})"
        lines.append(f"{name}: {words}")
    return made, lines


def _recheck(study: Path, names: list[str], cases: int, as_json: bool) -> None:
    from judges import benchmark, drift
    from judges import recheck as room
    from judges.tables import load_audit

    found = []
    with opened(study) as (opened_study, store):
        wanted: list[str | None] = [*names] if names else [None]
        for name in wanted:
            granted = benchmark.choose(opened_study, store, name, None)
            audit = load_audit(opened_study, store)
            again = room.choose(opened_study, audit, granted, cases)
            with progress("recheck", len(again.responses)) as tick:
                event = room.run(opened_study, store, again, tick, now)
            found.append(drift.recheck_figures(event, audit, opened_study))
    if as_json:
        show_json(found)
    else:
        for one in found:
            say(one["says"])
    if not all(one["passed"] for one in found):
        raise typer.Exit(1)


def probe(
    study: StudyPath = DEFAULT,
    only: Only = None,
    max_usd: MaxUsd = None,
    per_attack: Annotated[int, typer.Option(help="Items for each attack.", min=1)] = 20,
    limit: Annotated[
        int | None, typer.Option(help="At most so many probes per judge this time.", min=1)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put answers before the judges that none may accept, or none may reject: how many get past?

    The same command again asks only what is missing.

    Example: benchwarrant probe --per-attack 80
    """
    from judges import probing
    from judges.costs import purse
    from judges.probe_rates import notes, probed, table

    with opened(study) as (opened_study, store):
        texts = probing.audit_plan(opened_study, store, per_attack).texts
        todo = probing.unasked(opened_study, store, texts, only or [])
        todo = [replace(one, missing=one.missing[:limit]) for one in todo]
        wallet = purse(opened_study, [one.block for one in todo], max_usd)
        with progress("probe", sum(len(one.missing) for one in todo)) as tick:
            probing.run(opened_study, store, todo, tick, now, wallet)
        value = probed(opened_study, store)
    if as_json:
        show_json(value)
        return
    show_table(*table(value))
    for line in notes(value):
        say(line)
    say_spent(wallet)
