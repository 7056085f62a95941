"""Commands that run models and freeze the audit set of their answers."""

from collections import Counter
from typing import Annotated

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


def collect(
    study: StudyPath = DEFAULT,
    limit: Annotated[
        int | None, typer.Option(help="At most so many items per task: a pilot.", min=1)
    ] = None,
) -> None:
    """Run the models on the tasks; the same command again goes on where it stopped.

    Example: benchwarrant collect --limit 60
    """
    from inference import collect as room
    from samples.records import Response

    outcomes: Counter[str] = Counter()
    with opened(study, create=True) as (opened_study, store):
        jobs = room.plan(opened_study, store, limit)
        missing = sum(len(job.missing) for job in jobs)
        say(f"{sum(job.wanted for job in jobs)} answers wanted, {missing} missing")
        for job in jobs:
            if job.block.draws > 1 and room.draws(job.block) == 1:
                say(f"{job.block.name}: greedy decoding gives one answer, so draws = 1")
        with progress("collect", missing) as tick:

            def count(response: Response) -> None:
                outcomes[response.finish] += 1
                tick(response)

            failed = room.run(opened_study, store, jobs, count, now)
    if outcomes:
        say("finished: " + ", ".join(f"{n} {kind}" for kind, n in outcomes.most_common()))
    for name, reason in failed.items():
        say(f"model {name} could not be run: {reason}")
    if failed:
        raise BenchwarrantError(
            f"{len(failed)} of the models could not be run, as said above; mend that and run the"
            " same command again"
        )


def sample(
    study: StudyPath = DEFAULT,
    labelled: Annotated[
        bool, typer.Option("--labelled", help="Freeze every labelled case instead of drawing.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Draw again; old warrants go stale.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw the audit set and freeze it.

    Example: benchwarrant sample
    """
    from inference.collect import specs_in_force
    from samples import audit

    with opened(study) as (opened_study, store):
        rubric, block = opened_study.rater_question, opened_study.audit
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
            positive = store.positive_shares(rubric, block.strata)
            drawn = audit.draw_audit(frame, block, opened_study.seed, positive)
            design = block.model_dump(mode="json") | {"seed": opened_study.seed}
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
