"""Commands that run models and freeze the audit set of their answers."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from inference.asking import Job
    from samples.records import Response
    from samples.store import Store
    from samples.study import Study


def collect(
    study: StudyPath = DEFAULT,
    limit: Annotated[
        int | None, typer.Option(help="At most so many items per task: a pilot.", min=1)
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Run on a Ray cluster: auto, or its address.")
    ] = None,
    repeatability: Annotated[
        int | None,
        typer.Option(help="Ask so many answers of each model again: how many change?", min=1),
    ] = None,
) -> None:
    """Run the models on the tasks; the same command again goes on where it stopped.

    Example: benchwarrant collect --limit 60
    """
    from inference import collect as room

    with opened(study, create=True) as (opened_study, store):
        jobs = room.plan(opened_study, store, limit)
        missing = sum(len(job.missing) for job in jobs)
        say(f"{sum(job.wanted for job in jobs)} answers wanted, {missing} missing")
        for job in jobs:
            if job.block.draws > 1 and room.draws(job.block) == 1:
                say(f"{job.block.name}: greedy decoding gives one answer, so draws = 1")
        outcomes = room.Outcomes()
        with progress("collect", missing) as tick:

            def count(response: "Response") -> None:
                outcomes.add(response)
                tick(response)

            failed = room.run(opened_study, store, jobs, count, now, cluster)
        for line in outcomes.lines():
            say(line)
        if repeatability:
            failed |= _ask_again(opened_study, store, jobs, repeatability, cluster)
    for name, reason in failed.items():
        say(f"model {name} could not be run: {reason}")
    if failed:
        raise BenchwarrantError(
            f"{len(failed)} of the models could not be run, as said above; mend that and run the"
            " same command again"
        )


def _ask_again(
    study: "Study", store: "Store", jobs: "Sequence[Job]", number: int, cluster: str | None
) -> dict[str, str]:
    from inference import repeatability as room

    chosen = room.choose(study, store, jobs, number)
    with progress("ask again", sum(len(again.answers) for again in chosen)) as tick:
        events, failed = room.run(study, store, chosen, tick, now, cluster)
    for event in events:
        say(room.line(event))
    return failed


def sample(
    study: StudyPath = DEFAULT,
    labelled: Annotated[
        bool, typer.Option("--labelled", help="Freeze every labelled case instead of drawing.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Draw again; old warrants go stale.")] = False,
    replan: Annotated[
        bool, typer.Option("--replan", help="Same cases, raters as [audit] says today.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the audit set and freeze it.

    Example: benchwarrant sample
    """
    from inference.collect import specs_in_force
    from samples import audit, draws, revision

    with opened(study) as (opened_study, store):
        rubric, block = opened_study.rater_question, opened_study.audit
        if replan:
            if new or labelled:
                raise BenchwarrantError("--replan keeps the cases: leave --new and --labelled out")
            audit_set = revision.replan(opened_study, store, now())
            cases = store.audit_cases(audit_set.id)
            labels = sum(case.raters for case in cases)
            if as_json:
                show_json({"audit_set": audit_set.id, "cases": len(cases), "labels": labels})
                return
            say(f"audit set {audit_set.id}: the same {len(cases)} cases, now {labels} labels")
            return
        if (frozen := store.audit_set()) and not new:
            size = len(store.audit_cases(frozen.id))
            say(f"the audit set is frozen already: {size} cases; --new draws another")
            return
        if labelled:
            drawn, textless = audit.all_labelled(store, rubric), 0
            design: dict[str, object] = {"allocation": "labelled"}
        else:
            specs = set(specs_in_force(opened_study, store))
            frame, textless = audit.drawable(store, specs, block.strata)
            drawn = draws.draw_by_design(store, frame, block, rubric, opened_study.seed)
            design = draws.design(block) | {"seed": opened_study.seed}
            design |= {"pool": len(frame.responses), "textless": textless}
        audit_set = audit.freeze(store, rubric, drawn, design, now())
    strata = Counter(case.stratum for case in drawn)
    if as_json:
        show_json({"audit_set": audit_set.id, "cases": len(drawn), "strata": strata})
        return
    say(f"audit set {audit_set.id}: {len(drawn)} cases")
    if textless:
        say(f"{textless} answers have no text (too long, refused, or scores only): not drawn")
    show_table(["stratum", "cases"], sorted(strata.items()))


def models(
    text: Annotated[str, typer.Argument(help="Part of a name, a variant or a hub id.")] = "",
    family: Annotated[str | None, typer.Option(help="Such as qwen2.5.")] = None,
    size: Annotated[str | None, typer.Option(help="Such as 0.5B.")] = None,
    compression: Annotated[str | None, typer.Option(help="none, quantised or pruned")] = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="What was measured of the study's models instead.")
    ] = False,
    study: StudyPath = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """The models that `from` in a [[model]] block can name, or what was measured of those that ran.

    Example: benchwarrant models --family qwen2.5 --compression quantised
    """
    from dataclasses import asdict

    from inference import catalog

    if measured:
        if text or family or size or compression:
            raise BenchwarrantError("--measured lists every run of the study: leave the rest out")
        _runs(study, as_json)
        return
    found = catalog.entries(family, size, compression, text)
    if as_json:
        show_json([asdict(entry) for entry in found])
        return
    show_table(catalog.COLUMNS, map(catalog.row, found))
    say(f"{len(found)} of the catalogue's {len(catalog.entries())} models")
    for entry in found:
        if entry.note:
            say(f"{entry.slug}: {entry.note}")


def _runs(study: Path, as_json: bool) -> None:
    """What was measured of the study's models."""
    from dataclasses import asdict

    from inference import catalog

    with opened(study) as (_, store):
        runs = catalog.measured(store.events("model ran"), store.specs("model"))
    if as_json:
        show_json([asdict(run) for run in runs])
    elif runs:
        show_table(catalog.RUN_COLUMNS, map(catalog.run_row, runs))
    else:
        say("no model of this study has run yet; `benchwarrant collect` runs them")


def compress(
    model: Annotated[str, typer.Argument(help="As in a [[model]] block.")],
    out: Annotated[Path, typer.Argument(help="The new folder.")],
    method: Annotated[str, typer.Option(help="int8, prune-0.3, gptq-8 or gptq-4")],
    calibration: Annotated[
        Path | None, typer.Option(help="Texts for gptq, instead of the study's train splits.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Of the model on the hub.")] = None,
    dtype: Annotated[str, typer.Option(help="Of what is not compressed.")] = "auto",
    study: StudyPath = DEFAULT,
) -> None:
    """Write a compressed copy of a model as a folder, and the [[model]] block that runs it.

    Example: benchwarrant compress HuggingFaceTB/SmolLM2-135M-Instruct smollm2-int8 --method int8
    """
    from inference import calibration as texts
    from inference import variants
    from inference.engine import EngineSpec

    source = partial(texts.chosen, calibration, study)
    made = variants.write(EngineSpec("hf", model, revision, dtype), out, method, source)
    say(
        f"{made.method}: {made.matrices} matrices, {made.share_touched:.1%} of the parameters;"
        f" {made.bytes_before:,} bytes of weights became {made.bytes_after:,}"
    )
    say("\n" + variants.block(made, out))
