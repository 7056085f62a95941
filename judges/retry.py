"""Ask a judge again about the cases on which it failed: each reply is one more attempt, kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inference.ledger import Purse
from judges import grade
from judges.answers import NOT_ANSWERED
from samples.errors import BenchwarrantError
from samples.records import Verdict
from samples.registry import did_you_mean
from samples.store import Store
from samples.study import Study

RETRIED = ("api_error", "truncated", "unparsable", "refused")  # another reply may have a label


@dataclass(frozen=True)
class Retry:
    """What one judge is asked again, and how many of its failures a second try cannot mend."""

    docket: grade.Docket
    left_out: Counter[str]  # by kind of failure


def retries(
    study: Study,
    store: Store,
    responses: Sequence[str],
    names: Sequence[str] = (),
    kinds: Iterable[str] = (),
) -> list[Retry]:
    """The failures in force of the judges that ask a model: all of them, or those that are named.

    Fewest attempts first, so that a run that was killed goes on with what it had not reached.
    """
    wanted = frozenset(kinds) or frozenset(RETRIED)
    for kind in sorted(wanted - set(RETRIED)):
        hint = did_you_mean(kind, list(RETRIED))
        raise BenchwarrantError(f"a failure {kind!r} is not asked again; {hint}")
    found = grade.dockets(study, store, responses, names)
    asking = [docket for docket in found if docket.block.engine is not None]
    if not asking or (names and len(asking) < len(found)):
        others = ", ".join(d.spec.name for d in found if d.block.engine is None)
        raise BenchwarrantError(
            f"{others}: rules would say the same again, and a panel says what its members say; name"
            " a judge that asks a model (--judge)"
        )
    return [_retry(store, docket, responses, wanted, study) for docket in asking]


def _retry(
    store: Store,
    docket: grade.Docket,
    responses: Sequence[str],
    wanted: frozenset[str],
    study: Study,
) -> Retry:
    rubric = study.rater_question
    judged = store.judged(docket.spec.id, rubric.id)
    attempts = store.attempts(docket.spec.id, rubric.id)
    failed = {r: judged[r][1] for r in responses if r in judged and judged[r][1] is not None}
    # Without an answer the judge was never asked: there is nothing to ask again.
    unasked = {
        case.response.id
        for case in store.cases(list(failed), rubric)
        if case.response.text is None or case.response.finish in NOT_ANSWERED
    }
    again = [r for r, kind in failed.items() if kind in wanted and r not in unasked]
    again.sort(key=attempts.__getitem__)  # stable: in the order of the audit set otherwise
    left_out = Counter(str(kind) for r, kind in failed.items() if r not in set(again))
    following = {response: attempts[response] + 1 for response in again}
    return Retry(replace(docket, missing=tuple(again), attempts=following), left_out)


def run(
    study: Study,
    store: Store,
    found: Sequence[Retry],
    tick: Callable[[Verdict], None],
    now: Callable[[], str],
    purse: Purse | None = None,
) -> dict[str, dict[str, Any]]:
    """Ask again; what came of it by judge, in numbers."""
    made: dict[str, Counter[str | None]] = {one.docket.spec.name: Counter() for one in found}

    def count(verdict: Verdict) -> None:
        made[verdict.judge][verdict.failure] += 1
        tick(verdict)

    grade.run(study, store, [one.docket for one in found], count, now, purse)
    return {one.docket.spec.name: _figures(one, made[one.docket.spec.name]) for one in found}


def _figures(retry: Retry, failures: Counter[str | None]) -> dict[str, Any]:
    return {
        "asked": failures.total(),
        "values": failures[None],
        "failures": {kind: n for kind, n in failures.items() if kind is not None},
        "left_out": dict(retry.left_out),
    }


def line(name: str, made: Mapping[str, Any]) -> str:
    """What ``run`` says of one judge, for the terminal."""
    said = f"{name}: {made['asked']} asked again, {made['values']} now have a value"
    if still := _counted(made["failures"]):
        said += f", still failed: {still}"
    if left := _counted(made["left_out"]):
        said += f"; not asked again: {left}"
    return said


def _counted(failures: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in sorted(failures.items()))
