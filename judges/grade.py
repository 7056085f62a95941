"""Put cases before judges: what is missing, judged and saved."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from inference.collect import specs_in_force
from inference.ledger import Purse
from judges.answers import require_all
from judges.batch_journal import BATCHED
from judges.costs import PROVIDERS, Books
from judges.judge import Judge, judge_spec, open_judge
from judges.kinship import check_kin
from judges.panel import members_of
from samples.errors import BenchwarrantError
from samples.fill import fill
from samples.on_demand import OnDemand
from samples.records import Case, ProbeVerdict, Rubric, Spec, Verdict
from samples.registry import did_you_mean
from samples.store import Store
from samples.study import JudgeBlock, Study

CHUNK = 5000  # cases in memory at a time, where a judge wants to see them all
RULES_SAVED = 0.5  # seconds: what costs nothing is saved in larger heaps

Row = TypeVar("Row", Verdict, ProbeVerdict)


@dataclass(frozen=True)
class Docket:
    """One judge and the cases that it has not judged."""

    block: JudgeBlock
    spec: Spec
    missing: tuple[str, ...]  # responses
    wanted: int
    attempts: Mapping[str, int] = field(default_factory=dict)  # by response; 0 where it has none


def to_be_judged(study: Study, store: Store, everything: bool) -> list[str]:
    """The audit set's answers; or every answer of the study's models that can be read."""
    if everything:
        specs = specs_in_force(study, store)
        return [row[0] for row in store.frame() if row[4] in specs and row[5]]
    audit_set = store.audit_set()
    if audit_set is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    return [case.response for case in store.audit_cases(audit_set.id)]


def named_blocks(study: Study, names: Sequence[str], without: str) -> dict[str, JudgeBlock]:
    """The study's judges by name; ``without`` is what to do where there is none."""
    blocks = {block.name: block for block in study.judge}
    for name in names:
        if name not in blocks:
            raise BenchwarrantError(
                f"no [[judge]] {name!r} in the study; {did_you_mean(name, list(blocks))}"
            )
    if not blocks:
        raise BenchwarrantError(f"the study has no [[judge]] block; {without}")
    return blocks


def dockets(
    study: Study, store: Store, responses: Sequence[str], names: Sequence[str] = ()
) -> list[Docket]:
    """What each judge of the study (or each that is named) still has to judge."""
    blocks = named_blocks(
        study,
        names,
        "verdicts made elsewhere come in by `benchwarrant import verdicts FILE`",
    )
    rubric = study.rater_question
    made = []
    # A panel comes last, so that it finds what its members have said as judges of their own.
    for name in sorted(dict.fromkeys(names or blocks), key=lambda n: blocks[n].kind == "panel"):
        spec = judge_spec(study, blocks[name])
        check_kin(study, store, spec)
        have = store.judged(spec.id, rubric.id)
        missing = tuple(response for response in responses if response not in have)
        made.append(Docket(blocks[name], spec, missing, len(responses)))
    return made


def check_texts(store: Store, todo: Sequence[Docket]) -> None:
    """A judge can read no answer that has no text: refuse before anything is asked."""
    for docket in todo:
        require_all(docket.spec.name, store.textless(docket.missing), len(docket.missing))


def run(
    study: Study,
    store: Store,
    todo: Sequence[Docket],
    tick: Callable[[Verdict], None],
    now: Callable[[], str],
    purse: Purse | None = None,
) -> None:
    """Judge what is missing, judge by judge; what a panel asks its members is saved as theirs.

    What requests cost is saved with the verdicts; ``purse`` says how much they may.
    """
    rubric, books = study.rater_question, Books("verdict", now, purse or Purse())
    store.add([rubric])
    for docket in (part for whole in todo for part in _by_attempt(whole)):
        if not docket.missing:
            continue
        store.add([*members_of(docket.spec), docket.spec])
        known = {m.name: store.judged(m.id, rubric.id) for m in members_of(docket.spec)}
        own = partial(tick_own, docket.spec.id, tick)
        books = replace(books, attempt=max(docket.attempts.values(), default=0))
        with open_block(study, store, docket.block, docket.spec, known, books) as judge:
            put(docket, judge, (study, store, rubric), own, books)


def put(
    docket: Docket,
    judge: Judge,
    where: tuple[Study, Store, Rubric],
    tick: Callable[[Verdict], None],
    books: Books,
) -> None:
    """Put the missing cases of a docket before its judge, and save what it says."""
    study, store, rubric = where
    for cases in _parts(study, store, docket, rubric):
        made = _stamped(judge.judge(cases), docket.attempts, books.now)
        save(made, store, tick, docket.block, books)


def _by_attempt(docket: Docket) -> list[Docket]:
    """A reply that an earlier attempt's batch holds must not be taken for that of the next one."""
    if not docket.block.batch:
        return [docket]
    asked: dict[int, list[str]] = {}
    for response in docket.missing:
        asked.setdefault(docket.attempts.get(response, 0), []).append(response)
    return [
        replace(docket, missing=tuple(responses), attempts=dict.fromkeys(responses, attempt))
        for attempt, responses in asked.items()
    ]


def chunk(study: Study, block: JudgeBlock) -> int:
    """How many cases are in memory at a time: for batches, as many as may be."""
    seats = [block, *(other for other in study.judge if other.name in block.members)]
    return BATCHED if any(seat.batch for seat in seats) else CHUNK


def _parts(study: Study, store: Store, docket: Docket, rubric: Rubric) -> Iterator[Sequence[Case]]:
    """The cases as the judge gets them: all, each read in its turn, where it sends requests.

    A slow request then holds up none but itself. Only the thread of the store may read it, so
    panels and batches, which have threads of their own, get lists.
    """
    asked = docket.missing
    if docket.block.engine in (*PROVIDERS, "served") and not docket.block.batch:
        yield OnDemand(lambda place: next(store.cases([asked[place]], rubric)), range(len(asked)))
        return
    step = chunk(study, docket.block)
    for start in range(0, len(asked), step):
        yield list(store.cases(asked[start : start + step], rubric))


@contextmanager
def open_block(
    study: Study,
    store: Store,
    block: JudgeBlock,
    spec: Spec,
    known: Mapping[str, Any],
    books: Books,
) -> Iterator[Judge]:
    """The judge of a block, closed at the end; ``known`` is what a panel's members have said.

    Batches that were collected are settled where the caller has come to its end without an
    accident, and so has saved them.
    """
    run = _run_settings(study, store, spec, (block, known, books))
    with ExitStack() as stack:
        for one in (run, *run.get("members", {}).values()):
            if "journal" in one:
                stack.enter_context(one["journal"])
        stack.callback(lambda: store.add(books.purse.drain()))  # also of what was broken off
        yield stack.enter_context(closing(open_judge(spec, run)))


def save(
    made: Iterator[Row],
    store: Store,
    tick: Callable[[Row], None],
    block: JudgeBlock,
    books: Books,
) -> None:
    """Save what a judge says as it says it, with what it has cost.

    What was paid for is saved at once: a kill costs no more than the requests under way.
    """
    is_lost_unsaved = (block.engine or block.members) and not block.batch
    every = 0.0 if is_lost_unsaved else RULES_SAVED

    def add(rows: Sequence[Row]) -> int:
        return store.add([*books.purse.drain(), *rows])

    fill(made, add, tick, clock=time.monotonic, every=every)


def tick_own(spec: str, tick: Callable[[Row], None], row: Row) -> None:
    """Count what is the judge's own: what a panel asks its members is saved as theirs."""
    if row.spec == spec:
        tick(row)


def _run_settings(
    study: Study,
    store: Store,
    spec: Spec,
    asked: tuple[JudgeBlock, Mapping[str, Any], Books],
) -> dict[str, Any]:
    """What does not change a verdict; to a panel also what its members have said already."""
    block, known, books = asked
    blocks = {block.name: block for block in study.judge}

    def settings(block: JudgeBlock, spec: Spec) -> dict[str, Any]:
        found = {
            "base_dir": str(study.at(".")),
            "ledger": books.ledger(study, block, spec),
            "journal": books.journal(store, block, spec),
            "stop": books.stop if block.engine in PROVIDERS else None,
        }
        return {**block.run, **{name: one for name, one in found.items() if one is not None}}

    members = members_of(spec)
    if not members:
        return settings(block, spec)
    seats = {member.name: settings(blocks[member.name], member) for member in members}
    return {**block.run, "members": seats, "known": known}


def _stamped(
    verdicts: Iterator[Verdict], attempts: Mapping[str, int], now: Callable[[], str]
) -> Iterator[Verdict]:
    for verdict in verdicts:
        attempt = attempts.get(verdict.response, verdict.attempt)
        yield replace(verdict, attempt=attempt, created_at=now())
