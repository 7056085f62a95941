"""What adjudicators and leads are told: finished cases only, and nobody's work counted twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_audit import build_study, numbered

from samples import oversight
from samples.oversight import Stratum
from samples.records import Account, AuditSet, CheckLabel, Control, Event, Label
from samples.store import Store

AT = "2026-01-01T12:00:{:02}.000000+00:00"


class Room:
    """Three cases that want two people each, and who says what, second by second."""

    def __init__(self, store: Store, audit_set: AuditSet):
        self.store, self.rubric, self.set = store, audit_set.rubric, audit_set.id
        self.cases = [case.response for case in store.audit_cases(audit_set.id)]
        self.second = 0

    def at(self) -> str:
        self.second += 1
        return AT.format(self.second)

    def say(self, case: int, name: str, value: str | None, status: str = "labelled") -> Label:
        label = Label(
            self.cases[case],
            self.rubric,
            name,
            status,
            value,
            note=f"{name}'s note",
            created_at=self.at(),
        )
        self.store.add([label])
        return label

    def finished(self) -> list[tuple[int, str, str | None]]:
        found = oversight.finished(self.store, self.set, self.rubric)
        return [(self.cases.index(one.response), one.annotator, one.value) for one in found]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    build_study(tmp_path, numbered(3, raters=2))
    with Store(tmp_path / "study.db") as store:
        audit_set = store.audit_set()
        assert audit_set is not None
        store.add([Account("eve", "adjudicator"), Account("parser", kind="reference")])
        yield Room(store, audit_set)


def test_nothing_of_an_unfinished_case_is_told(room: Room) -> None:
    room.say(0, "ann", "correct")
    room.say(0, "parser", "incorrect")  # made by program
    room.say(0, "eve", "incorrect")  # an adjudicator
    room.say(0, "cid", None, "skipped")
    room.say(1, "ann", "correct")
    room.say(1, "ben", "incorrect")
    room.say(1, "ben", None, "retracted")
    assert room.finished() == []
    room.say(1, "ben", None, "unjudgeable")
    room.say(0, "ben", "incorrect")
    assert room.finished() == [
        (0, "ann", "correct"),
        (0, "ben", "incorrect"),
        (1, "ann", "correct"),
        (1, "ben", None),
    ]


def test_rulings_and_history(room: Room) -> None:
    room.say(0, "ann", "correct")
    room.say(0, "eve", "incorrect")
    room.say(0, "eve", "correct")
    room.say(1, "eve", "correct")
    room.say(1, "eve", None, "retracted")
    assert oversight.rulings(room.store, room.rubric) == {room.cases[0]: "correct"}
    told = oversight.history(room.store, room.rubric, room.cases[0])
    assert [row[:3] for row in told] == [
        ("ann", "labelled", "correct"),
        ("eve", "labelled", "incorrect"),
        ("eve", "labelled", "correct"),
    ]


def test_what_is_still_asked_for(room: Room) -> None:
    """Case 0 is full, with one label too many; 1 cannot be judged by two; 2 wants one more."""
    for name in ("ann", "ben", "cid"):
        room.say(0, name, "correct")
    room.say(1, "ann", None, "unjudgeable")
    room.say(1, "ben", None, "unjudgeable")
    room.say(2, "ann", "correct")
    [stratum] = oversight.strata(room.store, room.set, room.rubric)
    assert stratum == Stratum(1, "quiz", cases=3, wanted=6, labels=4, rest=1)
    room.say(2, "eve", "correct")  # a ruling ends it
    [stratum] = oversight.strata(room.store, room.set, room.rubric)
    assert (stratum.labels, stratum.rest) == (4, 0)
    work = oversight.work(room.store, room.set, room.rubric)
    assert [(one.annotator, one.status) for one in work][-1] == ("ann", "labelled")
    assert {one.annotator for one in work} == {"ann", "ben", "cid"}
    assert oversight.labels_under(room.store, room.rubric) == 5


def test_agreement_is_of_cases_with_two_people(room: Room) -> None:
    room.say(0, "ann", "correct")
    room.say(0, "ben", "incorrect")
    room.say(0, "eve", "correct")
    room.say(1, "ann", "correct")
    room.say(1, "parser", "correct")
    told = oversight.agreed_on(room.store, room.set, room.rubric)
    assert [(row[0], *row[2:]) for row in told] == [
        (room.cases[0], "ann", "correct"),
        (room.cases[0], "ben", "incorrect"),
    ]


def test_checks_stand_beside_what_is_known_the_newest_by_time(room: Room) -> None:
    control = Control(room.rubric, "2 + 2?", ("4",), "It is 5.", "incorrect")
    room.say(0, "ann", "correct")
    late, early = AT.format(59), AT.format(30)
    room.store.add(
        [
            control,
            CheckLabel(room.cases[0], room.rubric, "ann", value="incorrect", created_at=late),
            CheckLabel(room.cases[0], room.rubric, "ann", value="correct", created_at=early),
            CheckLabel(
                control.id,
                room.rubric,
                "ann",
                value="incorrect",
                purpose="control",
                created_at=late,
            ),
            CheckLabel(control.id, room.rubric, "ben", "skipped", purpose="control"),
        ]
    )
    assert oversight.checked(room.store, room.rubric) == [
        ("ann", "repeat", "incorrect", "correct"),
        ("ann", "control", "incorrect", "incorrect"),
    ]


def test_flags_that_are_up_with_their_notes(room: Room) -> None:
    control = Control(room.rubric, "2 + 2?", ("4",), "It is 5.", "incorrect")
    room.say(0, "ann", "correct")
    room.say(0, "ben", "correct")

    def flag(subject: str, name: str, second: int, on: bool) -> Event:
        body = {"annotator": name, "audit_set": "an earlier one", "on": on}
        return Event("flag", subject, body, AT.format(second))

    down_later = [flag(room.cases[1], "ann", 5, on=False), flag(room.cases[1], "ann", 4, on=True)]
    room.store.add([control, flag(room.cases[0], "ann", 9, on=True), *down_later])
    room.store.add([flag(control.id, "ben", 3, on=True), flag("elsewhere", "ben", 3, on=True)])
    assert oversight.flags(room.store, room.set, room.rubric) == [
        (control.id, True, "ben", ""),
        (room.cases[0], False, "ann", "ann's note"),
    ]
