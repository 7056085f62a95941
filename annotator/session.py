"""Which case a person sees next, and what is written when they answer it. Nothing of the browser.

Nothing is remembered but the label events in the database, so that a reload, a second tab or a
killed server goes on where the person was.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from samples.errors import BenchwarrantError
from samples.records import Label, Rubric, content_hash
from samples.store import Store

STRETCH = 20  # cases of the audit set's order within which each person has an order of their own


@dataclass(frozen=True)
class Desk:
    """One person at the audit set in force; ``seed`` is the study's.

    ``in_order`` where the audit set is labelled in its own random order, the same for all.
    """

    annotator: str
    audit_set: str
    rubric: Rubric
    seed: int
    in_order: bool = False


@dataclass(frozen=True)
class Sight:
    """One showing of a case; ``before`` is the person's newest event on it at that time.

    An answer counts only while ``before`` still is the newest, so one showing gives one label.
    """

    response: str
    before: Label | None = None


@dataclass(frozen=True)
class Answer:
    """What a person says to a case. ``value`` is None where they skip it."""

    value: str | None
    unsure: bool = False
    note: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Progress:
    """``left`` is what can still be labelled by this person, skipped cases included."""

    done: int
    skipped: int
    left: int


@dataclass(frozen=True)
class Queue:
    """What one person has done and may still do, from values alone."""

    assignments: Sequence[tuple[str, str, int]]  # (response, item, raters wanted)
    counts: Mapping[str, int]  # how many people have labelled each case
    own: Sequence[Label]  # the person's newest event on every assigned case, oldest first
    annotator: str
    seed: int
    in_order: bool = False

    @cached_property
    def _status(self) -> dict[str, str]:
        return {label.response: label.status for label in self.own}

    @property
    def taken_back(self) -> Label | None:
        """The newest event where it is an undo: its case is shown again, whatever else waits."""
        return self.own[-1] if self.own and self.own[-1].status == "retracted" else None

    @property
    def undoable(self) -> Label | None:
        """The newest answer that still stands; a skip is an answer too."""
        return next((x for x in reversed(self.own) if x.status != "retracted"), None)

    @cached_property
    def fresh(self) -> list[tuple[str, str]]:
        """(response, item) not yet answered, in an order that only this person has.

        Where labelling may stop early, what counts is what comes first in the audit set: then it is
        only within the next few cases that people go different ways, so as not to meet at one.
        """
        places = {case[0]: place for place, case in enumerate(self.assignments)}
        waiting = [case for case in self._waiting if self._status.get(case[0]) != "skipped"]

        def turn(case: tuple[str, str]) -> tuple[int, str]:
            stretch = places[case[0]] // STRETCH if self.in_order else 0
            return stretch, content_hash([self.seed, self.annotator, case[0]])

        return sorted(waiting, key=turn)

    @cached_property
    def skipped(self) -> list[tuple[str, str]]:
        """(response, item) put off and still wanted, the longest put off first."""
        turn = {label.response: position for position, label in enumerate(self.own)}
        waiting = [case for case in self._waiting if self._status.get(case[0]) == "skipped"]
        return sorted(waiting, key=lambda case: turn[case[0]])

    @cached_property
    def _waiting(self) -> list[tuple[str, str]]:
        """The cases that still want a rater, and want this one."""
        again = self.taken_back.response if self.taken_back else None
        return [
            (response, item)
            for response, item, raters in self.assignments
            if self._status.get(response) != "labelled"
            and (self.counts.get(response, 0) < raters or response == again)
        ]

    def next(self) -> Sight | None:
        """The case to show: one taken back, else a fresh one, else one that was skipped."""
        if self.taken_back:
            return Sight(self.taken_back.response, self.taken_back)
        last = self._items[self.own[-1].response] if self.own else None
        waiting = self.fresh + self.skipped
        if not waiting:
            return None
        chosen = _apart(self.fresh, last) or _apart(self.skipped, last) or waiting[0][0]
        return Sight(chosen, next((x for x in self.own if x.response == chosen), None))

    def stands(self, sight: Sight) -> bool:
        """Whether that showing may still be answered, even where others have done so by now."""
        newest = next((x for x in self.own if x.response == sight.response), None)
        return newest == sight.before and sight.response in self._items

    @cached_property
    def _items(self) -> dict[str, str]:
        return {response: item for response, item, _ in self.assignments}

    def progress(self) -> Progress:
        done = sum(status == "labelled" for status in self._status.values())
        return Progress(done, len(self.skipped), len(self._waiting))


def _apart(cases: Sequence[tuple[str, str]], last: str | None) -> str | None:
    """The first response to another question than the last one, if there is any.

    A question with more than half of the cases goes first: put off, its answers would end up
    side by side.
    """
    for item, number in Counter(item for _, item in cases).most_common(1):
        if 2 * number > len(cases) and item != last:
            return next(response for response, other in cases if other == item)
    return next((response for response, item in cases if item != last), None)


def sit_down(store: Store, annotator: str, seed: int) -> Desk:
    """The desk of a person at the audit set in force, which brings its own rubric."""
    audit_set = store.audit_set()
    if audit_set is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    rubric = next(rubric for rubric in store.rubrics() if rubric.id == audit_set.rubric)
    in_order = audit_set.design.get("sequential") is True
    return Desk(annotator, audit_set.id, rubric, seed, in_order)


def read_queue(store: Store, desk: Desk) -> Queue:
    """What the store knows that this person may know. Cases without a text are left out."""
    readable = store.readable(desk.audit_set)
    assignments = [case for case in store.assignments(desk.audit_set) if case[0] in readable]
    own = [
        label
        for label in store.own_labels(desk.rubric.id, desk.annotator)
        if label.response in readable
    ]
    counts = store.label_counts(desk.rubric.id)
    return Queue(assignments, counts, own, desk.annotator, desk.seed, desk.in_order)


def submit(store: Store, desk: Desk, sight: Sight, answer: Answer, now: datetime) -> Label | None:
    """Write an answer, on disk when this returns. None where this showing has been answered."""
    if answer.value is not None and answer.value not in desk.rubric.labels:
        known = ", ".join(desk.rubric.labels)
        raise BenchwarrantError(f"{answer.value!r} is no label of this rubric; use one of: {known}")
    event = Label(
        sight.response,
        desk.rubric.id,
        desk.annotator,
        status="skipped" if answer.value is None else "labelled",
        value=answer.value,
        unsure=answer.unsure,
        note=answer.note.strip(),
        seconds=answer.seconds,
    )
    return _append(store, sight.before, event, now)


def undo(store: Store, desk: Desk, now: datetime) -> Label | None:
    """Take the newest answer back; its note and doubt stay for the next try. None if there is none.

    A skip is an answer, so that a slip of the key is undone like any other.
    """
    newest = read_queue(store, desk).undoable
    if newest is None:
        return None
    event = replace(newest, status="retracted", value=None, seconds=None, meta={})
    return _append(store, newest, event, now)


def _append(store: Store, before: Label | None, event: Label, now: datetime) -> Label | None:
    """Write the event in a transaction of its own if ``before`` still is the newest one."""
    key = (event.rubric, event.annotator, event.response)
    with store.transaction():
        if store.own_label(*key) != before:
            return None
        event = replace(event, created_at=_time(now, before))
        store.add([event])
        if store.own_label(*key) != event:
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
