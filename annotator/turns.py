"""Which case a person sees next: pure, from what the database says about them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from samples.annotation import DOUBTS, AnnotationBlock
from samples.blind import CASE, CONTROL, REPEAT, Assignment, Others, Own
from samples.records import Rubric, content_hash

STRETCH = 20  # cases of the audit set's order within which each person has an order of their own
APART = 20  # answers between a case and its repetition: what was said is forgotten by then
NOBODY = Others(0, 0)


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
    annotation: AnnotationBlock = field(default_factory=AnnotationBlock)


@dataclass(frozen=True)
class Sight:
    """One showing of a case; ``before`` is the person's newest event on it at that time.

    An answer counts only while ``before`` still is the newest, so one showing gives one label.
    """

    response: str  # or a control's id
    before: str | None = None  # the id of that event
    purpose: str = CASE


@dataclass(frozen=True)
class Progress:
    """``left`` is what can still be labelled by this person, skipped cases included."""

    done: int
    skipped: int
    left: int


@dataclass(frozen=True)
class Queue:
    """What one person has done and may still do, from values alone."""

    desk: Desk
    cases: tuple[Assignment, ...]
    others: Mapping[str, Others] = field(default_factory=dict)
    own: Sequence[Own] = ()  # oldest first
    held: Sequence[str] = ()  # cases kept for this person, the first given out first
    controls: Sequence[str] = ()

    @property
    def taken_back(self) -> Own | None:
        """The newest event where it is an undo: its case is shown again, whatever else waits."""
        return self.own[-1] if self.own and self.own[-1].status == "retracted" else None

    def undoable(self, among: Collection[str] | None = None) -> Own | None:
        """The newest answer that still stands; a skip is an answer too.

        ``among`` narrows it down to answers to these cases.
        """
        for seen in reversed(self.own):
            wanted = among is None or (seen.purpose == CASE and seen.response in among)
            if wanted and seen.status != "retracted":
                return seen
        return None

    def next(self, ahead: Sequence[Sight] = ()) -> Sight | None:
        """The case to show: one taken back, one kept for them, a fresh one, one that was skipped.

        Among fresh ones come repetitions and controls, by their shares.
        """
        on_table = {(sight.purpose, sight.response) for sight in ahead}
        back = self.taken_back
        if back and back[:2] not in on_table:
            return self._sight(*back[:2])
        last = self._item(ahead[-1].purpose, ahead[-1].response) if ahead else self._last_item
        fresh = [r for r in self.fresh if (CASE, r) not in on_table]
        skipped = [key for key in self.skipped if key not in on_table]
        if not fresh and not skipped:
            return None
        kept = next((r for r in self.held if r in fresh), None)
        if kept is not None:
            return self._sight(CASE, kept)
        if fresh and (check := self._check(len(self._newest) + len(ahead), on_table, last)):
            return self._sight(*check)
        keys = [(CASE, r) for r in fresh]
        chosen = self._apart(keys, last) or self._apart(skipped, last) or (keys + skipped)[0]
        return self._sight(*chosen)

    def stands(self, sight: Sight) -> bool:
        """Whether that showing may still be answered, even where others have done so by now."""
        known = sight.response in self._items or sight.response in self.controls
        newest = self._newest.get((sight.purpose, sight.response))
        return known and (newest.event if newest else None) == sight.before

    def progress(self) -> Progress:
        done = sum(seen.status in ("labelled", "unjudgeable") for seen in self.own)
        return Progress(done, len(self.skipped), len(self.fresh) + len(self.skipped))

    @cached_property
    def fresh(self) -> list[str]:
        """Cases not yet answered that still want a rater, and want this one, in their own order."""
        order = person_order(self.cases, self.desk.annotator, self.desk.seed, self.desk.in_order)
        back = self.taken_back.response if self.taken_back else None
        settled = ("labelled", "unjudgeable", "skipped")
        return [
            response
            for response in order
            if self._status.get(response) not in settled
            and (response == back or self._wanted(response))
        ]

    @cached_property
    def skipped(self) -> list[tuple[str, str]]:
        """(purpose, response) put off and still wanted, the longest put off first."""
        return [
            seen[:2]
            for seen in self.own
            if seen.status == "skipped" and (seen.purpose != CASE or self._wanted(seen.response))
        ]

    def _wanted(self, response: str) -> bool:
        other = self.others.get(response, NOBODY)
        held = 0 if response in self.held else other.held
        free = other.labelled + held < self._raters[response]
        return free and other.unjudgeable < DOUBTS

    def _check(
        self, turn: int, on_table: set[tuple[str, str]], last: str | None
    ) -> tuple[str, str] | None:
        """The repetition or control whose turn it is; each comes once."""
        asked, desk = self.desk.annotation, self.desk
        chance = unit([desk.seed, desk.annotator, "turn", turn])
        if chance >= asked.controls + asked.repeats:
            return None
        if chance < asked.controls:
            found = [(CONTROL, control) for control in self.controls]
        else:
            long_ago = self._answered[: max(0, turn - APART)]
            found = [(REPEAT, seen.response) for seen in long_ago if seen.purpose == CASE]
        found = [
            key
            for key in found
            if key not in self._newest and key not in on_table and self._item(*key) != last
        ]
        return min(found, key=lambda key: unit([desk.seed, desk.annotator, *key]), default=None)

    def _apart(self, keys: Sequence[tuple[str, str]], last: str | None) -> tuple[str, str] | None:
        """The first to another question than the last one, if there is any.

        A question with more than half of the cases goes first: put off, its answers would end up
        side by side.
        """
        items = [self._item(*key) for key in keys]
        for item, number in Counter(items).most_common(1):
            if 2 * number > len(keys) and item != last:
                return keys[items.index(item)]
        return next((k for k, item in zip(keys, items, strict=True) if item != last), None)

    def _sight(self, purpose: str, response: str) -> Sight:
        newest = self._newest.get((purpose, response))
        return Sight(response, newest.event if newest else None, purpose)

    def _item(self, purpose: str, response: str) -> str:
        return response if purpose == CONTROL else self._items[response]

    @property
    def _last_item(self) -> str | None:
        return self._item(*self.own[-1][:2]) if self.own else None

    @cached_property
    def _items(self) -> dict[str, str]:
        return {case.response: case.item for case in self.cases}

    @cached_property
    def _raters(self) -> dict[str, int]:
        return {case.response: case.raters for case in self.cases}

    @cached_property
    def _newest(self) -> dict[tuple[str, str], Own]:
        return {seen[:2]: seen for seen in self.own}

    @cached_property
    def _status(self) -> dict[str, str]:
        return {x.response: x.status for x in self.own if x.purpose == CASE}

    @cached_property
    def _answered(self) -> list[Own]:
        return [seen for seen in self.own if seen.status == "labelled"]


@lru_cache(maxsize=64)
def person_order(
    cases: tuple[Assignment, ...], annotator: str, seed: int, in_order: bool
) -> list[str]:
    """The cases at random, the same for one person at every call, and each stratum spread evenly.

    So whoever stops early has labelled about the same share of every stratum. Where labelling may
    stop early for all, what counts is what comes first in the audit set: then it is only within
    the next few cases that people go different ways, so as not to meet at one.
    """
    chance = {case.response: unit([seed, annotator, case.response]) for case in cases}
    if in_order:
        places = {case.response: place for place, case in enumerate(cases)}
        return sorted(places, key=lambda r: (places[r] // STRETCH, chance[r]))
    strata: dict[int, list[str]] = {}
    for case in cases:
        strata.setdefault(case.stratum, []).append(case.response)
    place = {
        response: (n + chance[response]) / len(members)
        for members in strata.values()
        for n, response in enumerate(sorted(members, key=chance.__getitem__))
    }
    return sorted(place, key=lambda response: (place[response], chance[response]))


def unit(value: list[object]) -> float:
    """A number in [0, 1) that looks random and follows from the value."""
    return int(content_hash(value)[3:16], 16) / 16**13
