"""Several judges, one verdict: who is asked, who is not, and what comes of it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from math import log
from threading import Event, active_count
from time import sleep
from typing import Any, ClassVar

import pytest

from judges.judge import JUDGES, open_judge
from judges.panel import at_once, members_of, ruling
from samples.errors import BenchwarrantError
from samples.records import Case, Item, Response, Rubric, Spec, Verdict

RUBRIC = Rubric("final-answer", "Is it correct?", ("incorrect", "correct"))
ITEM = Item("t", "k", "2 + 3?", ("5",), "number")
CASES = [Case(ITEM, Response(ITEM.id, "m", "b2:s", "cot", n, "5"), RUBRIC) for n in range(4)]
Y, N = ("correct", None), ("incorrect", None)
LOST, CUT = (None, "unparsable"), (None, "truncated")
SAYS = {"y": Y, "n": N, "-": LOST, "c": CUT}


class Scripted:
    """A member that says what its body holds, a letter per draw, and keeps who was asked."""

    asked: ClassVar[list[tuple[str, int]]] = []
    closed: ClassVar[list[str]] = []

    def __init__(self, spec: Spec, run: Mapping[str, Any]) -> None:
        self.spec, self.run = spec, run

    def judge(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        for case in reversed(cases):  # any order will do
            Scripted.asked.append((self.spec.name, case.response.draw))
            value, failure = SAYS[self.spec.body["says"][case.response.draw]]
            yield Verdict(case.response.id, RUBRIC.id, self.spec.name, self.spec.id, value, failure)

    def close(self) -> None:
        Scripted.closed.append(self.spec.name)


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JUDGES, "scripted", Scripted)
    Scripted.asked, Scripted.closed = [], []


def panel(how: str, **says: str) -> Spec:
    members = [
        {"name": name, "body": {"kind": "scripted", "says": text}} for name, text in says.items()
    ]
    return Spec("judge", "panel", {"kind": "panel", "how": how, "members": members})


def verdicts(spec: Spec, cases: Sequence[Case] = CASES, **known: Any) -> dict[int, Verdict]:
    """The panel's own verdicts by draw."""
    judge = open_judge(spec, {"known": known})
    made = list(judge.judge(cases))
    judge.close()
    draws = {case.response.id: case.response.draw for case in cases}
    own = {draws[v.response]: v for v in made if v.spec == spec.id}
    assert len(own) == len(cases)
    assert len(made) == len(cases) + len(Scripted.asked)  # and each member's, under its own spec
    return own


def test_the_majority_binds_and_a_tie_is_a_failure() -> None:
    made = verdicts(panel("majority", a="yyy-", b="ynn-", c="nn-c"))
    assert [(v.value, v.failure) for _, v in sorted(made.items())] == [
        ("correct", None),
        ("incorrect", None),
        (None, "ambiguous"),  # one against one, and one has no vote
        (None, "unparsable"),  # nobody: the first member's failure
    ]
    assert made[2].reason == "a: correct; b: incorrect; c: unparsable"
    assert made[2].meta["said"] == {
        "a": {"value": "correct"},
        "b": {"value": "incorrect"},
        "c": {"failure": "unparsable"},
    }


def test_a_cascade_asks_the_next_only_where_the_one_before_failed() -> None:
    made = verdicts(panel("cascade", rules="yn--", reader="nny-", last="nnnn"))
    assert {d: (v.value, v.meta.get("decided_by")) for d, v in made.items()} == {
        0: ("correct", "rules"),
        1: ("incorrect", "rules"),
        2: ("correct", "reader"),
        3: ("incorrect", "last"),
    }
    asked = {name: sorted(d for n, d in Scripted.asked if n == name) for name, _ in Scripted.asked}
    assert asked == {"rules": [0, 1, 2, 3], "reader": [2, 3], "last": [3]}
    assert Scripted.closed == ["rules", "reader", "last"]


def test_a_cascade_that_nobody_decides_fails_as_its_first_member_did() -> None:
    made = verdicts(panel("cascade", a="c---", b="-c--"))
    assert [made[d].failure for d in range(4)] == ["truncated", *["unparsable"] * 3]
    assert "decided_by" not in made[0].meta


def test_what_a_member_has_said_is_not_asked_again() -> None:
    ids = [case.response.id for case in CASES]
    known = {"rules": dict.fromkeys(ids, LOST), "reader": {ids[0]: N, ids[1]: LOST}}
    made = verdicts(panel("cascade", rules="yyyy", reader="yyyy"), **known)
    assert [made[d].value for d in range(4)] == ["incorrect", None, "correct", "correct"]
    assert sorted(Scripted.asked) == [("reader", 2), ("reader", 3)]
    assert Scripted.closed == ["reader"]


def test_a_verdict_comes_as_soon_as_it_is_settled() -> None:
    spec = panel("cascade", rules="yy--", reader="nnnn")
    made = [v.judge for v in open_judge(spec, {}).judge(CASES)]
    assert made == [
        *["rules"] * 2,
        *["rules", "panel"] * 2,  # before the second member has begun
        *["reader", "panel"] * 2,
    ]


def test_weights_are_log_odds() -> None:
    """One of accuracy 0.9 counts log 9, two of 0.7 log 7/3 each: 9 > 49/9, so the one is right."""
    said = {"a": Y, "b": N, "c": N}
    assert ruling(said, {"a": 0.9, "b": 0.7, "c": 0.7}, 2) == Y
    assert ruling(said, {"a": 0.8, "b": 0.7, "c": 0.7}, 2) == N  # 4 < 49/9
    assert ruling({"a": Y, "b": N}, {"a": 0.8, "b": 0.8}, 2) == (None, "ambiguous")
    assert ruling({"a": LOST, "b": N}, {"a": 0.99, "b": 0.51}, 2) == N
    # Of three labels a wrong one is one of two: log 2·0.6/0.4 = log 3 each, against log 2·0.8/0.2.
    assert log(3) + log(3) > log(8)
    assert ruling(said, {"a": 0.8, "b": 0.6, "c": 0.6}, 3) == N
    assert ruling(said, {"a": 0.8, "b": 0.6, "c": 0.6}, 2) == Y  # 9/4 < 4


def test_a_weighted_panel_votes_by_its_weights() -> None:
    spec = panel("weighted", a="yyyy", b="nnnn", c="nnnn")
    spec = Spec("judge", "panel", {**spec.body, "weights": {"a": 0.9, "b": 0.7, "c": 0.7}})
    assert {v.value for v in verdicts(spec).values()} == {"correct"}


def test_an_answer_without_text_is_refused() -> None:
    textless = Case(ITEM, Response(ITEM.id, "m", "b2:s", "cot", 9, None), RUBRIC)
    with pytest.raises(BenchwarrantError, match="'panel': 1 of 1 responses have no text"):
        list(open_judge(panel("majority", a="y", b="y"), {}).judge([textless]))


def test_a_single_judge_has_no_members() -> None:
    assert members_of(Spec("judge", "rules", {"kind": "auto"})) == []
    assert [m.name for m in members_of(panel("majority", b="y", a="n"))] == ["b", "a"]


# --- side by side ------------------------------------------------------------------------------


def stream(name: str, *waits: Event, **more: Any) -> Iterator[Verdict]:
    """A verdict, then one more after each event."""
    for number, wait in enumerate([None, *waits]):
        if wait is not None:
            assert wait.wait(5)
        yield Verdict(f"{name}{number}", RUBRIC.id, name, "b2:s", "correct")
    if more:
        raise more["accident"]


def test_no_member_waits_for_another_s_slow_case() -> None:
    slow, quick = Event(), Event()
    quick.set()
    heard = at_once([stream("a", slow), stream("b", quick, quick)])
    first = {next(heard).response for _ in range(4)}
    assert first == {"a0", "b0", "b1", "b2"}  # while a's second case is still waiting
    slow.set()
    assert [verdict.response for verdict in heard] == ["a1"]


def test_an_accident_is_raised_after_the_others_have_finished() -> None:
    go = Event()
    heard = at_once([stream("a", accident=ConnectionError("gone")), stream("b", go)])
    assert {next(heard).response, next(heard).response} == {"a0", "b0"}
    go.set()
    assert next(heard).response == "b1"
    with pytest.raises(ConnectionError, match="gone"):
        next(heard)


def test_who_stops_listening_stops_the_members() -> None:
    said: list[int] = []

    def endless() -> Iterator[Verdict]:
        for number in count():
            said.append(number)
            sleep(0.001)
            yield Verdict(str(number), RUBRIC.id, "a", "b2:s", "correct")

    heard = at_once([endless(), endless()])
    next(heard)
    heard.close()  # returns: the members have ended
    before = len(said)
    sleep(0.02)
    assert len(said) == before


def test_a_member_that_waits_for_a_batch_is_told_to_stop() -> None:
    told = Event()

    def waiting() -> Iterator[Verdict]:
        assert told.wait(5)
        yield from ()

    heard = at_once([stream("a"), waiting()], told.set)
    next(heard)
    heard.close()  # would wait for a day
    assert told.is_set()


def test_of_one_or_none_there_is_no_thread() -> None:
    before = active_count()
    heard = at_once([stream("a")])
    assert next(heard).response == "a0" and active_count() == before
    assert list(at_once([])) == []


def test_what_is_said_stands_in_the_members_order_whoever_was_quicker() -> None:
    made = verdicts(panel("majority", a="-", b="c", c="-"), CASES[:1])
    assert list(made[0].meta["said"]) == ["a", "b", "c"]
    assert made[0].failure == "unparsable"
