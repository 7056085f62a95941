"""Put a part of the audit set before an approved judge again, and keep what it says as an event.

The new verdicts are no verdicts of the study: they would change the evidence that the warrant rests
on. They are kept together when the last one is there; a recheck that is broken off leaves nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from judges.costs import Books
from judges.drift import UNREACHED
from judges.grade import open_block
from judges.tables import RECHECK, Audit
from samples.errors import BenchwarrantError
from samples.records import Event, Verdict, Warrant
from samples.store import Store
from samples.study import JudgeBlock, Study

CASES = 100  # see a judge that turns one in ten, all one way, in 88% of rechecks
REACHED = 0.9  # of the cases must be answered, or the day is not the judge's


@dataclass(frozen=True)
class Recheck:
    """Which judge is asked again, under which warrant, and about which cases."""

    block: JudgeBlock
    warrant: Warrant
    number: int  # 1 is the judge's first recheck
    responses: tuple[str, ...]


def choose(study: Study, audit: Audit, warrant: Warrant, cases: int = CASES) -> Recheck:
    """A new part of the audit set each time, by the seed: answers to different questions first.

    The tests take cases as independent, and answers to one question are not. Cases that the judge
    never saw, because it could not be reached, have no verdict that could change.
    """
    block = next((block for block in study.judge if block.name == warrant.judge), None)
    if block is None:
        raise BenchwarrantError(
            f"the verdicts of judge {warrant.judge!r} were imported, so it cannot be asked again"
            " here; take max_age_days out of the policy, or give it a [[judge]] block"
        )
    number = 1 + sum(event.body["spec"] == warrant.spec for event in audit.rechecks)
    kinds = audit.judges[warrant.judge].kinds
    places = [place for place, kind in enumerate(kinds) if kind not in (UNREACHED, "missing")]
    Random(f"recheck/{study.seed}/{warrant.spec}/{number}").shuffle(places)
    seen: Counter[int] = Counter()
    turn = {}
    for place in places:
        turn[place] = seen[audit.question[place]]
        seen[audit.question[place]] += 1
    places.sort(key=turn.__getitem__)
    chosen = tuple(audit.responses[place] for place in places[:cases])
    return Recheck(block, warrant, number, chosen)


def run(
    study: Study,
    store: Store,
    recheck: Recheck,
    tick: Callable[[Verdict], None],
    now: Callable[[], str],
) -> Event:
    """Ask the judge and keep both its verdicts on every case."""
    rubric = study.rater_question
    spec = next(spec for spec in store.specs("judge") if spec.id == recheck.warrant.spec)
    made: dict[str, Verdict] = {}
    cases = list(store.cases(recheck.responses, rubric))
    books = Books("recheck", now)
    with open_block(study, store, recheck.block, spec, {}, books) as judge:
        for verdict in judge.judge(cases):
            if verdict.spec == spec.id:  # not what a panel's members say
                made[verdict.response] = verdict
                tick(verdict)
    lost = [v for v in made.values() if v.failure == UNREACHED]
    if len(made) - len(lost) < REACHED * len(cases):
        why = f" ({lost[0].reason})" if lost else ""
        raise BenchwarrantError(
            f"judge {spec.name!r} gave no reply to {len(cases) - len(made) + len(lost)} of"
            f" {len(cases)} cases{why}, so nothing was kept; see that it can be reached and run"
            " the same command again"
        )
    event = Event(RECHECK, spec.name, _body(recheck, made, store.judged(spec.id, rubric.id)), now())
    store.add([event])
    return event


def _body(
    recheck: Recheck,
    made: Mapping[str, Verdict],
    before: Mapping[str, tuple[str | None, str | None]],
) -> dict[str, Any]:
    """[value, failure] of both runs, case by case, and the new reply where they differ."""
    cases: dict[str, dict[str, Any]] = {}
    for response, verdict in sorted(made.items()):
        old, new = list(before[response]), [verdict.value, verdict.failure]
        raw = {} if old == new else {"raw": verdict.raw}
        cases[response] = {"old": old, "new": new} | raw
    warrant = recheck.warrant
    bound = {"spec": warrant.spec, "warrant": warrant.id, "audit_set": warrant.audit_set}
    return bound | {"number": recheck.number, "cases": cases}
