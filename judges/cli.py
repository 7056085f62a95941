"""Commands that judge, weigh, decide and grade."""

import os
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
    write_text,
)
from samples.errors import BenchwarrantError

if TYPE_CHECKING:
    from samples.records import Verdict, Warrant
    from samples.store import Store
    from samples.study import Study

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
    # Many small products: the threads of one would only wait for each other. Before numpy loads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from judges import planning as room

    with opened(study, create=True) as (opened_study, store):
        value = room.simulate(room.plan_of(opened_study, store, cases or []), opened_study.seed)
    if as_json:
        show_json(value | {"enough": room.enough(value, power)})
        return
    show_table(*room.table(value))
    for line in room.notes(value, power):
        say(line)


def judge(
    study: StudyPath = DEFAULT,
    only: Annotated[
        list[str] | None, typer.Option("--judge", help="Only this judge; may be repeated.")
    ] = None,
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

    Example: benchwarrant judge --judge rules
    """
    from judges import grade
    from judges.makeup import panel_facts, panel_says

    if failure and not retry_failed:
        raise BenchwarrantError("--failure goes with --retry-failed")
    if recheck and retry_failed:
        raise BenchwarrantError("--recheck and --retry-failed are two things; ask for one of them")
    if recheck:
        _recheck(study, only or [], cases, as_json)
        return
    with opened(study) as (opened_study, store):
        responses = grade.to_be_judged(opened_study, store, everything)
        if retry_failed:
            _retry(opened_study, store, (responses, only or [], failure or []), as_json)
            return
        todo = grade.dockets(opened_study, store, responses, only or [])
        grade.check_texts(store, todo, opened_study.rater_question)
        outcomes: Counter[tuple[str, str]] = Counter()
        with progress("judge", sum(len(docket.missing) for docket in todo)) as tick:

            def count(verdict: "Verdict") -> None:
                outcomes[verdict.judge, verdict.failure or verdict.value or ""] += 1
                tick(verdict)

            grade.run(opened_study, store, todo, count, now)
        rubric = opened_study.rater_question.id
        panels = {
            docket.spec.name: panel_facts(store, docket.spec, rubric, responses)
            for docket in todo
            if docket.block.members
        }
    said: dict[str, dict[str, int]] = {docket.spec.name: {} for docket in todo}
    for (name, what), number in sorted(outcomes.items()):
        said[name][what] = number
    if as_json:
        show_json({name: {"verdicts": n, "panel": panels.get(name)} for name, n in said.items()})
        return
    for name, found in said.items():
        words = ", ".join(f"{n} {what}" for what, n in found.items()) or "nothing missing"
        say(f"{name}: {words}" + (f" ({panel_says(panels[name])})" if name in panels else ""))


def _retry(
    study: "Study", store: "Store", asked: tuple[list[str], list[str], list[str]], as_json: bool
) -> None:
    from judges import retry

    found = retry.retries(study, store, *asked)
    with progress("ask again", sum(len(one.docket.missing) for one in found)) as tick:
        made = retry.run(study, store, found, tick, now)
    if as_json:
        show_json(made)
        return
    for name, one in made.items():
        say(retry.line(name, one))


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
    only: Annotated[
        list[str] | None, typer.Option("--judge", help="Only this judge; may be repeated.")
    ] = None,
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
    from judges.probe_rates import notes, probed, table

    with opened(study) as (opened_study, store):
        texts = probing.audit_plan(opened_study, store, per_attack).texts
        todo = probing.unasked(opened_study, store, texts, only or [])
        todo = [replace(one, missing=one.missing[:limit]) for one in todo]
        with progress("probe", sum(len(one.missing) for one in todo)) as tick:
            probing.run(opened_study, store, todo, tick, now)
        value = probed(opened_study, store)
    if as_json:
        show_json(value)
        return
    show_table(*table(value))
    for line in notes(value):
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
    from judges import report as room
    from judges.evidence import weigh
    from judges.formats import with_formats
    from judges.makeup import makeup
    from judges.probe_rates import probed
    from judges.repeatability import repeatability
    from judges.solutions import solutions_judged
    from judges.tables import load_audit

    with opened(study) as (opened_study, store):
        audit = with_formats(load_audit(opened_study, store), store)
        evidence = weigh(audit, opened_study.policy, opened_study.seed)
        value = room.report_value(opened_study, audit, evidence, store.warrants(), now())
        made_of = makeup(audit, store, opened_study.policy, opened_study.seed)
        for name, facts in made_of.items():
            value["judges"][name] |= facts
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
        str | None, typer.Option("--judge", help="The approved judge, where there are several.")
    ] = None,
) -> None:
    """Collect and grade everything, only under a valid warrant; goes on where it stopped.

    Example: benchwarrant benchmark
    """
    from inference import collect
    from judges import benchmark as room
    from judges import grade
    from judges.makeup import panel_facts, panel_says

    with opened(study) as (opened_study, store):
        granted = room.choose(opened_study, store, only, now())
        room.check_scope(opened_study, store, granted)
        say(f"grading by {granted.judge} under warrant {granted.id}")
        missing = 0
        if opened_study.model and opened_study.task:
            jobs = collect.plan(opened_study, store)
            missing = sum(len(job.missing) for job in jobs)
            with progress("collect", missing) as tick:
                failed = collect.run(opened_study, store, jobs, tick, now)
            for name, reason in failed.items():
                say(f"model {name} could not be run: {reason}")
        todo = room.docket(opened_study, store, granted)
        with progress("grade", sum(len(docket.missing) for docket in todo)) as tick:
            grade.run(opened_study, store, todo, tick, now)
        rubric, graded = opened_study.rater_question.id, room.gradable(opened_study, store)
        for docket in todo:
            if docket.block.members:
                facts = panel_facts(store, docket.spec, rubric, graded)
                say(f"{docket.spec.name}: {panel_says(facts)}")
    say("done; `benchwarrant leaderboard` shows it")


def leaderboard(
    study: StudyPath = DEFAULT,
    only: Annotated[
        str | None, typer.Option("--judge", help="The approved judge, where there are several.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pages; report/ beside the study.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The models by the approved judge, with its measured error: HTML, CSV and JSON.

    Example: benchwarrant leaderboard
    """
    import numpy as np

    from judges import benchmark as room
    from judges import board_page
    from judges import leaderboard as board

    with opened(study) as (opened_study, store):
        granted = room.choose(opened_study, store, only, now())
        entries = room.entries(opened_study, store, granted)
    resampled = board.resample(entries, np.random.default_rng(opened_study.seed))
    value = board.leaderboard(
        resampled, granted, opened_study.name, opened_study.policy.confidence, now()
    )
    if as_json:
        show_json(value)
        return
    folder = out or opened_study.at("report")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "leaderboard.html", board_page.html(value))
    write_text(folder / "leaderboard.csv", board.to_csv(value))
    write_text(folder / "leaderboard.json", board_page.as_text(value))
    show_table(*board_page.table(value))
    for line in board_page.notes(value):
        say(line)
    say(f"leaderboard: {folder / 'leaderboard.html'}")


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
