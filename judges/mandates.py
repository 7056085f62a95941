"""Which judge grades which task, and under which warrant; refused with all that is missing."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from judges.benchmark import choose, tasks_in_force, uncovered
from judges.kinship import check_kin
from judges.tables import study_judges
from samples.errors import BenchwarrantError, Refused
from samples.records import Spec, Warrant
from samples.registry import did_you_mean
from samples.store import Store
from samples.study import Study


class Mandate(NamedTuple):
    """A judge, its warrant, and the tasks that it grades."""

    judge: str
    granted: Warrant
    tasks: tuple[str, ...]


def by_judge(granted: Mapping[str, Warrant]) -> list[Mandate]:
    """The judges that grade, in the order of their tasks."""
    warrants = {one.judge: one for one in granted.values()}
    return [
        Mandate(judge, one, tuple(task for task, own in granted.items() if own.judge == judge))
        for judge, one in warrants.items()
    ]


def judge_of(
    study: Study,
    store: Store,
    now: str | None,
    only: str | None = None,
    specs: Iterable[Spec] | None = None,
) -> Mapping[str, Warrant]:
    """Task → the warrant that it is graded under, by the study file's [benchmark] judges.

    Where that names nobody, and where ``only`` names a judge, one judge grades every task. Each
    warrant must be valid and cover its tasks; with ``specs``, also those models' answers.
    Raises Refused, which names everything that is missing.
    """
    tasks = tasks_in_force(study, store)
    if only is not None or not study.benchmark.judges:
        wanted: dict[str, str | None] = dict.fromkeys(tasks, only)
    else:
        wanted = named(study, tasks, list(study_judges(study, store)))
    granted: dict[str | None, Warrant] = {}
    missing: list[str] = []
    for judge in dict.fromkeys(wanted.values()) or [only]:  # a warrant even where there is no task
        own = [task for task in tasks if wanted[task] == judge]
        try:
            granted[judge] = choose(study, store, judge, now)
        except Refused as reason:
            missing.append(str(reason))
        else:
            missing += _outside(study, store, granted[judge], own, specs)
    if missing:
        raise Refused(_together(missing))
    return {task: granted[wanted[task]] for task in tasks}


def named(study: Study, tasks: list[str], judges: list[str]) -> dict[str, str | None]:
    """Task → judge by [benchmark] judges: every task has one, and every line has a use."""
    lines = study.benchmark.judges
    for line, judge in lines.items():
        if judge not in judges:
            hint = did_you_mean(judge, judges)
            raise BenchwarrantError(f"[benchmark] judges: {line!r}: no judge {judge!r}; {hint}")
        if not any(study.benchmark.fits(line, task) for task in tasks):
            hint = did_you_mean(line, tasks)
            raise BenchwarrantError(f"[benchmark] judges: no task {line!r}; {hint}")
    found = {task: study.benchmark.judge_for(task) for task in tasks}
    if without := [task for task, judge in found.items() if judge is None]:
        raise BenchwarrantError(
            f"[benchmark] judges: nobody grades {', '.join(without)}; name a judge for each, or one"
            ' for all others: "*" = "JUDGE"'
        )
    return found


def _outside(
    study: Study, store: Store, granted: Warrant, tasks: list[str], specs: Iterable[Spec] | None
) -> list[str]:
    """What a warrant lacks for these tasks."""
    if specs is None:
        return uncovered(store, granted, [], set(tasks))
    lacks = []
    try:
        check_kin(study, store, study_judges(study, store)[granted.judge])
    except BenchwarrantError as reason:
        lacks.append(str(reason))
    own = [spec for spec in specs if tasks_of(store, spec) & set(tasks)]
    return lacks + uncovered(store, granted, own, set(tasks))


def tasks_of(store: Store, spec: Spec) -> set[str]:
    """The tasks that a model spec is asked: its own, or those of its imported answers."""
    return {spec.body["task"]} if "task" in spec.body else store.tasks_of(spec.id)


def _together(missing: list[str]) -> str:
    if len(missing) == 1:
        return missing[0]
    numbered = [f"({number}) {one}" for number, one in enumerate(missing, start=1)]
    return f"nothing may be graded: {len(missing)} things are missing: {'; '.join(numbered)}"
