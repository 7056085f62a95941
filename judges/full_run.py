"""The full run: models answer and approved judges grade side by side, while the warrants stand.

One thread runs the models, each judge has one, and one looks again and again whether every warrant
is still in force. A judge that computes on this machine takes turns with the models instead: two
that compute at once slow each other down.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event as Signal
from threading import Thread

from inference import collect
from inference.asking import Job
from judges import warrant
from judges.desk import Desk, Halted, Office
from judges.judge import judge_spec
from judges.mandates import tasks_of
from judges.panel import members_of
from samples.errors import BenchwarrantError, Refused
from samples.records import Response, Spec, Warrant
from samples.store import Store, Ungraded
from samples.study import Study

CHECKED = 5.0  # seconds between two looks whether the warrants still stand


@dataclass(frozen=True)
class Plan:
    """What a full run has to do: answers to collect, and judges with what they grade."""

    jobs: Sequence[Job]
    desks: Sequence[Desk]
    granted: Mapping[str, Warrant]  # by task
    to_collect: int
    to_grade: int  # answers to come included


@dataclass
class Outcome:
    """Why models did not run, and judges stopped, by name."""

    failed: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, BenchwarrantError] = field(default_factory=dict)


def plan(
    study: Study,
    store: Store,
    jobs: Sequence[Job],
    specs: Mapping[str, Spec],
    granted: Mapping[str, Warrant],
) -> Plan:
    """Who grades what. A judge whose verdicts were imported has graded all that it will."""
    blocks = {block.name: block for block in study.judge}
    rubric, desks, to_grade = study.rater_question, [], 0
    tasks = {spec.id: tasks_of(store, spec) for spec in specs.values()}
    for judge in dict.fromkeys(one.judge for one in granted.values()):
        if judge not in blocks:
            continue
        own = tuple(task for task, one in granted.items() if one.judge == judge)
        asked = tuple(spec for spec, named in tasks.items() if named & set(own))
        spec = judge_spec(study, blocks[judge])
        desk = Desk(blocks[judge], spec, Ungraded(spec.id, rubric.id, asked, own), rubric)
        desks.append(desk)
        to_grade += store.count_ungraded(desk.asked)
        to_grade += sum(len(job.missing) for job in jobs if job.task in own)
    return Plan(jobs, desks, granted, sum(len(job.missing) for job in jobs), to_grade)


def says(granted: Mapping[str, Warrant]) -> list[str]:
    """Who grades under which warrant; and which tasks, where there are several judges."""
    found: dict[str, list[str]] = {}
    by = {one.judge: one for one in granted.values()}
    for task, one in granted.items():
        found.setdefault(one.judge, []).append(task)
    return [
        f"grading {', '.join(tasks)} by {judge} under warrant {by[judge].id}"
        if len(found) > 1
        else f"grading by {judge} under warrant {by[judge].id}"
        for judge, tasks in found.items()
    ]


def run(
    plan: Plan,
    office: Office,
    store: Store,
    tick: Callable[[Response], None],
    cluster: str | None = None,
    checked: float = CHECKED,
) -> Outcome:
    """Collect and grade what is missing; ``tick`` is called per answer, the office's per verdict.

    A model that fails does not stop the others, nor a judge that stops the models. Raises Refused
    when a warrant is no longer in force; everything finished until then is kept.
    """
    for desk in plan.desks:
        store.add([desk.rubric, *members_of(desk.spec), desk.spec])
    turns = [desk for desk in plan.desks if desk.takes_turns(office.study)]
    beside = [desk for desk in plan.desks if desk not in turns]
    over = Signal()
    threads = [_thread(office, store, desk.grade) for desk in beside]
    watch = _thread(office, store, lambda office, own: _watch(plan, office, own, over, checked))
    outcome = Outcome()
    try:
        outcome.failed = _collect(plan, office, store, turns, tick, cluster)
        office.collected.set()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except Halted:
        pass
    except BaseException:
        office.halt()
        raise
    finally:
        over.set()
        office.collected.set()
        for thread in (*threads, watch):
            thread.join()
    if office.halt.reason is not None:
        raise office.halt.reason
    outcome.stopped = {one.spec.name: one.stopped for one in plan.desks if one.stopped}
    return outcome


def _collect(
    plan: Plan,
    office: Office,
    store: Store,
    turns: Sequence[Desk],
    tick: Callable[[Response], None],
    cluster: str | None,
) -> dict[str, str]:
    """Run the models one after the other; after each one the judges that take turns."""
    graded = {job.spec.id for job in plan.jobs for d in plan.desks if job.spec.id in d.asked.specs}

    def count(response: Response) -> None:
        tick(response)
        if response.text is None and response.spec in graded:
            office.tick(response)  # there is nothing to grade
        office.halt.check()

    def take_turns() -> None:
        for desk in turns:
            if desk.stopped is None:
                desk.grade(office, store, at_once=True)
            office.halt.check()

    failed: dict[str, str] = {}
    take_turns()
    for block in office.study.model:
        jobs = [job for job in plan.jobs if job.block.name == block.name and job.missing]
        if jobs:
            failed |= collect.run(office.study, store, jobs, count, office.now, cluster)
            take_turns()
    return failed


def _thread(office: Office, store: Store, work: Callable[[Office, Store], None]) -> Thread:
    """Work beside the models, with a connection of its own; a bug in it ends the run."""

    def begin() -> None:
        try:
            with closing(Store(store.path)) as own:
                work(office, own)
        except BaseException as error:
            office.halt(error)

    thread = Thread(target=begin, daemon=True)  # a second Ctrl-C waits for nobody
    thread.start()
    return thread


def _watch(plan: Plan, office: Office, store: Store, over: Signal, checked: float) -> None:
    """Halt everything when a warrant is no longer in force: too old, decided anew, or stale."""
    judges = dict.fromkeys(one.judge for one in plan.granted.values())
    while not over.wait(checked):
        for judge in judges:
            try:
                warrant.in_force(office.study, store, judge, office.now())
            except BenchwarrantError as reason:
                office.halt(
                    Refused(f"stopped: {reason}; what was collected and graded so far is kept")
                )
                return


def troubles(outcome: Outcome) -> BenchwarrantError | None:
    """What a command ends with where not everything could be done; None where it could."""
    if outcome.stopped:
        kinds = {type(error) for error in outcome.stopped.values()}
        said = "; ".join(f"judge {name} stopped: {e}" for name, e in outcome.stopped.items())
        if outcome.failed:
            said += f"; and {len(outcome.failed)} of the models could not be run"
        return (Refused if kinds == {Refused} else BenchwarrantError)(said)
    if outcome.failed:
        return BenchwarrantError(
            f"{len(outcome.failed)} of the models could not be run, as said above; mend that and"
            " run the same command again"
        )
    return None
