"""Commands that weigh, decide and grade."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from judges.cli_asking import MaxUsd, say_spent, spent_so_far
from samples.cli import (
    DEFAULT,
    AsJson,
    StudyPath,
    now,
    opened,
    progresses,
    say,
    show_json,
    show_table,
    write_text,
)

if TYPE_CHECKING:
    from samples.records import Warrant

JudgeName = Annotated[str, typer.Argument(help="The judge's name.")]


def plan(
    study: StudyPath = DEFAULT,
    cases: Annotated[
        list[int] | None,
        typer.Option(help="How many cases; may be repeated. Left out: around audit.size.", min=1),
    ] = None,
    power: Annotated[
        float, typer.Option(help="How sure the decision shall be.", min=0.5, max=0.99)
    ] = 0.8,
    as_json: AsJson = False,
) -> None:
    """How many cases and raters the policy needs, by simulated audits on the real gate.

    Example: benchwarrant plan --cases 300 --cases 1000
    """
    one_thread()
    from judges import planning as room

    with opened(study, create=True) as (opened_study, store):
        value = room.simulate(room.plan_of(opened_study, store, cases or []), opened_study.seed)
    if as_json:
        show_json(value | {"enough": room.enough(value, power)})
        return
    show_table(*room.table(value))
    for line in room.notes(value, power):
        say(line)


def report(
    study: StudyPath = DEFAULT,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pages; report/ beside the study.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Agreement, ceiling, bias and ranking of every judge: HTML, Markdown and JSON.

    Example: benchwarrant report
    """
    one_thread()
    from judges import report as room
    from judges.costs import costs
    from judges.evidence import weigh
    from judges.findings import with_flips
    from judges.makeup import makeup
    from judges.probe_rates import probed
    from judges.repeatability import repeatability
    from judges.solutions import solutions_judged
    from judges.tables import load_audit
    from judges.traits import with_traits
    from judges.unchecked import unrepeated

    with opened(study) as (opened_study, store):
        audit = with_traits(load_audit(opened_study, store), opened_study, store)
        evidence = weigh(audit, opened_study.policy, opened_study.seed)
        value = room.report_value(opened_study, audit, evidence, store.warrants(), now())
        made_of = makeup(audit, store, opened_study.policy, opened_study.seed)
        for name, facts in made_of.items():
            value["judges"][name] |= facts
        with_flips(value, made_of, unrepeated(audit))
        for name, about in value["judges"].items():
            case, spec = about["case"]["failures_count_as_wrong"], audit.judges[name].spec
            about["cost"] = costs(store, spec, audit.rubric.id, case)
        value["repeatability"] = repeatability(opened_study, store)
        value["critiques"] = solutions_judged(opened_study, store, audit)
        value["probes"] = probed(opened_study, store)
        worth_reading = room.disagreements(audit, store)
    if as_json:
        show_json(value)
        return
    folder = out or opened_study.at("report")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "report.html", room.report_html(value, worth_reading))
    write_text(folder / "report.md", room.report_markdown(value))
    write_text(folder / "report.json", room.as_text(value))
    say(room.summary(value))
    say(f"report: {folder / 'report.html'}")


def approve(
    name: JudgeName,
    study: StudyPath = DEFAULT,
    signed_by: Annotated[str | None, typer.Option(help="Who answers for it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide about a judge: approved (exit 0), rejected (1) or inconclusive (3), and why.

    Example: benchwarrant approve rules --signed-by "Ada Lovelace"
    """
    one_thread()
    from judges.further import further_labels, further_says
    from judges.gate import EXIT_CODES, check_policy
    from judges.sequential import standing
    from judges.tables import load_audit
    from judges.warrant import issue, ready, weigh_one

    with opened(study) as (opened_study, store):
        check_policy(opened_study.policy)
        audit = load_audit(opened_study, store)
        ready(audit, name)
        evidence = weigh_one(audit, opened_study, name)
        warrant = issue(audit, evidence, opened_study, name, (signed_by, now()))
        store.add([warrant])
    more = further_labels(evidence.judges[name], opened_study.policy, audit)
    if as_json:
        show_json(_warrant_value(warrant) | {"further": more})
    else:
        _show_decision(warrant)
        for line in filter(None, [further_says(more), standing(audit)]):
            say(f"  {line}")
    raise typer.Exit(EXIT_CODES[warrant.decision])


def one_thread() -> None:
    """Before numpy loads: of many small products the threads only wait for each other."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _warrant_value(warrant: "Warrant") -> dict[str, Any]:
    return {"id": warrant.id, "judge": warrant.judge, "decision": warrant.decision} | {
        **warrant.body,
        "signed_by": warrant.signed_by,
        "created_at": warrant.created_at,
    }


def _show_decision(warrant: "Warrant") -> None:
    from judges.kinship import kin_says

    say(f"{warrant.judge}: {warrant.decision}")
    if warrant.body["reference"]["labels"] != "human":
        say("  rests on reference labels made by program, not on people's")
    if said := kin_says(warrant.body.get("kin", {})):
        say(f"  {said}")
    for rule in warrant.body["rules"]:
        limit = rule["rule"].partition(": ")[2]
        say(f"  {rule['outcome']:8} {rule['says']} (required: {limit})")


def benchmark(
    study: StudyPath = DEFAULT,
    only: Annotated[
        str | None, typer.Option("--judge", help="One approved judge for everything.")
    ] = None,
    max_usd: MaxUsd = None,
    cluster: Annotated[
        str | None, typer.Option(help="Run the models on a Ray cluster: auto, or its address.")
    ] = None,
) -> None:
    """Collect and grade everything, only under valid warrants; goes on where it stopped.

    Example: benchwarrant benchmark
    """
    from inference import collect
    from judges import full_run as room
    from judges.costs import purse
    from judges.desk import Office
    from judges.makeup import panel_facts, panel_says
    from judges.mandates import judge_of

    with opened(study) as (opened_study, store):
        both = opened_study.model and opened_study.task
        jobs = collect.plan(opened_study, store) if both else []
        specs = collect.specs_in_force(opened_study, store, jobs)
        granted = judge_of(opened_study, store, now(), only, specs.values())
        for line in room.says(granted):
            say(line)
        plan = room.plan(opened_study, store, jobs, specs, granted)
        wallet = purse(opened_study, [desk.block for desk in plan.desks], max_usd)
        totals = {"collect": plan.to_collect, "grade": plan.to_grade}
        try:
            with progresses(totals, partial(spent_so_far, wallet)) as ticks:
                office = Office(opened_study, ticks["grade"], now, wallet)
                outcome = room.run(plan, office, store, ticks["collect"], cluster)
        finally:
            say_spent(wallet)
        for name, reason in outcome.failed.items():
            say(f"model {name} could not be run: {reason}")
        for desk in plan.desks:
            if desk.block.members:
                facts = panel_facts(store, desk.spec, desk.asked.rubric)
                say(f"{desk.spec.name}: {panel_says(facts)}")
    if trouble := room.troubles(outcome):
        raise trouble
    say("done; `benchwarrant leaderboard` shows it")


def verify(study: StudyPath = DEFAULT) -> None:
    """Derive every hash and every warrant again from the rows.

    Example: benchwarrant verify
    """
    from judges.crosscheck import alphas
    from judges.drift import outdated
    from judges.tables import load_audit
    from judges.warrant import check

    broken = 0
    with opened(study) as (opened_study, store):
        rows = sum(store.counts().values())
        for fault in store.faults():
            say(fault)
            broken += 1
        say(f"{rows} rows read, {broken} do not match their id")
        warrants = {warrant.judge: warrant for warrant in store.warrants()}
        if warrants and not broken:
            audit = load_audit(opened_study, store)
            for name, warrant in warrants.items():
                differs = check(warrant, audit, opened_study)
                if not differs and (reason := outdated(warrant, audit, opened_study, now())):
                    differs = f"stale: {reason}"
                broken += differs.startswith("broken")
                say(f"warrant of {name} ({warrant.decision}): {differs or 'follows from the rows'}")
            ours, theirs = alphas(audit.reference.ratings, len(audit.rubric.labels))
            if ours == ours or theirs == theirs:  # either is defined
                same = abs(ours - theirs) < 1e-9
                broken += not same
                say(
                    f"agreement of the raters: α {ours:.4f}, by the krippendorff package"
                    f" {theirs:.4f}{'' if same else ': they differ'}"
                )
    if broken:
        raise typer.Exit(1)


def demo(
    folder: Annotated[Path, typer.Argument(help="Where the demo's study shall lie.")] = Path(
        "benchwarrant-demo"
    ),
) -> None:
    """The whole road on embedded tasks and an embedded model: no key, no GPU, no hub.

    Example: benchwarrant demo
    """
    from judges.demo import run

    run(folder)
