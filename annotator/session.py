"""What is written when a person answers a case, and what is kept for them. Nothing of the browser.

Nothing is remembered but rows in the database, so that a reload, a second tab or a killed server
goes on where the person was.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from annotator.turns import Desk, Queue, Sight
from samples import blind
from samples.annotation import AnnotationBlock
from samples.blind import CASE, CONTROL, Assignment
from samples.errors import BenchwarrantError
from samples.records import CheckLabel, Event, Item, Label, Lease, as_row
from samples.store import Store


@dataclass(frozen=True)
class Answer:
    """What a person says to a case. ``value`` is None where they skip it or cannot judge it.

    ``meta`` holds what was asked beside the label: confidence, reason, first wrong step.
    """

    value: str | None
    status: str = "labelled"  # or "skipped", "unjudgeable"
    unsure: bool = False
    note: str = ""
    seconds: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


def sit_down(
    store: Store, annotator: str, seed: int, annotation: AnnotationBlock | None = None
) -> Desk:
    """The desk of a person at the audit set in force, which brings its own rubric."""
    audit_set = store.audit_set()
    if audit_set is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    rubric = next(rubric for rubric in store.rubrics() if rubric.id == audit_set.rubric)
    in_order = audit_set.design.get("sequential") is True
    block = annotation or AnnotationBlock()
    return Desk(annotator, audit_set.id, rubric, seed, in_order, block)


def in_force(store: Store, desk: Desk) -> bool:
    """Whether nobody has changed the guidance or the plan since this person sat down."""
    audit_set = store.audit_set()
    return audit_set is not None and audit_set.id == desk.audit_set


def read_queue(store: Store, desk: Desk, now: datetime) -> Queue:
    """What the store knows that this person may know. Cases without a text are left out."""
    key = (desk.audit_set, desk.rubric.id, desk.annotator, timestamp(now))
    cases = _cases(store.path, desk.audit_set)
    in_set = {case.response for case in cases}
    own = blind.own(store, desk.rubric.id, desk.annotator)
    return Queue(
        desk,
        cases,
        blind.others(store, *key),
        [seen for seen in own if seen.purpose != CASE or seen.response in in_set],
        blind.held(store, *key),
        blind.controls(store, desk.rubric.id) if desk.annotation.controls else [],
    )


@lru_cache(maxsize=8)
def _cases(database: Path, audit_set: str) -> tuple[Assignment, ...]:
    """An audit set never changes, so one reading is enough."""
    with Store(database) as store:
        return tuple(blind.assignments(store, audit_set))


def take(store: Store, desk: Desk, now: datetime, ahead: Sequence[Sight] = ()) -> Sight | None:
    """The next case for this person, kept for them, so that nobody else is given it meanwhile.

    ``ahead`` are sights that they have but have not answered yet.
    """
    while True:
        queue = read_queue(store, desk, now)
        sight = queue.next(ahead)
        if sight is None or sight.purpose != CASE or sight.response in queue.held:
            return sight
        if sight.before is not None and queue.taken_back is not None:
            return sight  # theirs, even where others have done it by now
        key = (desk.rubric.id, desk.annotator, sight.response)
        with store.transaction():  # somebody may have taken it this moment
            if blind.free(store, desk.audit_set, key, timestamp(now)) > 0:
                store.add([_lease(desk, sight.response, now)])
                return sight


def shown(store: Store, sight: Sight) -> tuple[Item, str]:
    """What a sight shows: the question with its references, and the answer's text."""
    if sight.purpose == CONTROL:
        return blind.control_case(store, sight.response)
    return blind.case(store, sight.response)


def leave(store: Store, desk: Desk, now: datetime) -> None:
    """Give back what is kept for a person who goes home."""
    key = (desk.audit_set, desk.rubric.id, desk.annotator, timestamp(now))
    over = [_lease(desk, response, now, timedelta()) for response in blind.held(store, *key)]
    store.add(over)


def submit(store: Store, desk: Desk, sight: Sight, answer: Answer, now: datetime) -> Label | None:
    """Write an answer, on disk when this returns. None where this showing has been answered."""
    if (answer.value is not None) != (answer.status == "labelled"):
        raise ValueError(f"value {answer.value!r} does not go with status {answer.status!r}")
    if answer.value is not None and answer.value not in desk.rubric.labels:
        known = ", ".join(desk.rubric.labels)
        raise BenchwarrantError(f"{answer.value!r} is no label of this rubric; use one of: {known}")
    event = Label(
        sight.response,
        desk.rubric.id,
        desk.annotator,
        status=answer.status,
        value=answer.value,
        unsure=answer.unsure,
        note=answer.note.strip(),
        seconds=answer.seconds,
        meta=dict(answer.meta),
    )
    if sight.purpose != CASE:
        event = CheckLabel(**as_row(event), purpose=sight.purpose)
    with store.transaction():
        return _append(store, sight.before, event, now)


def undo(
    store: Store, desk: Desk, now: datetime, among: Collection[str] | None = None
) -> Label | None:
    """Take the newest answer back; its note and doubt stay for the next try. None if there is none.

    A skip is an answer, so that a slip of the key is undone like any other. ``among`` are the
    cases that it may be of; all where it is None.
    """
    last = read_queue(store, desk, now).undoable(among)
    if last is None:
        return None
    newest = blind.own_event(store, last.purpose, last.event)
    event = replace(newest, status="retracted", value=None, seconds=None, meta={})
    with store.transaction():
        written = _append(store, last.event, event, now)
        if written is not None and not isinstance(written, CheckLabel):
            at = datetime.fromisoformat(written.created_at or "") + timedelta(microseconds=1)
            store.add([_lease(desk, written.response, at)])
    return written


def flag(store: Store, desk: Desk, sight: Sight, now: datetime) -> bool:
    """Flag a case for the lead, or take the flag back; returns whether it is flagged now."""
    on = sight.response not in blind.own_flags(store, desk.annotator)
    body = {"annotator": desk.annotator, "audit_set": desk.audit_set, "on": on}
    store.add([Event("flag", sight.response, body, timestamp(now))])
    return on


def _lease(desk: Desk, response: str, now: datetime, time: timedelta | None = None) -> Lease:
    for_ = timedelta(minutes=desk.annotation.lease_minutes) if time is None else time
    until = timestamp(now + for_)
    return Lease(desk.audit_set, response, desk.annotator, until, timestamp(now))


def before(store: Store, sight: Sight) -> Label | None:
    """What the person said to this case before, with their note."""
    return None if sight.before is None else blind.own_event(store, sight.purpose, sight.before)


def _append(store: Store, last: str | None, event: Label, now: datetime) -> Label | None:
    """Write the event if ``last`` still is the newest one; the caller holds the transaction.

    Nothing is written under a rubric that is no longer asked about.
    """
    audit_set = store.audit_set()
    if audit_set is None or audit_set.rubric != event.rubric:
        return None
    key = (event.rubric, event.annotator, event.response)
    purpose = event.purpose if isinstance(event, CheckLabel) else CASE
    if blind.newest(store, purpose, key) != last:
        return None
    earlier = None if last is None else blind.own_event(store, purpose, last)
    event = replace(event, created_at=_time(now, earlier))
    store.add([event])
    if blind.newest(store, purpose, key) != event.id:
        raise BenchwarrantError(
            "an earlier label of this case carries a later time; set the computer's clock"
        )
    return event


def _time(now: datetime, before: Label | None) -> str:
    """UTC with microseconds; later than the event before it, even if the clock was set back."""
    text = timestamp(now)
    if before is None or before.created_at is None or before.created_at < text:
        return text
    return timestamp(datetime.fromisoformat(before.created_at) + timedelta(microseconds=1))


def timestamp(now: datetime) -> str:
    """A moment as it is written everywhere: ISO 8601, UTC, always with microseconds."""
    return now.astimezone(UTC).isoformat(timespec="microseconds")
