"""Who gets which case next, and that an answer is written once and stays."""

import itertools
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_audit import Answered, build_study, numbered

from annotator.session import (
    STRETCH,
    Answer,
    Desk,
    Progress,
    Queue,
    Sight,
    read_queue,
    sit_down,
    submit,
    timestamp,
    undo,
)
from samples.errors import BenchwarrantError
from samples.records import AuditSet, Label
from samples.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(response: str, status: str = "labelled") -> Label:
    return Label(response, "rubric", "ann", status, "correct" if status == "labelled" else None)


def queue(
    assignments: list[tuple[str, str, int]],
    own: list[Label] | None = None,
    counts: dict[str, int] | None = None,
) -> Queue:
    return Queue(assignments, counts or {}, own or [], "ann", 7)


# Each line: (response, question, raters wanted), the own events, how many people have labelled
# what, and the responses that may come next; in these the order at random does not matter.
NEXT = {
    "nothing is assigned": ([], [], {}, set()),
    "an open case": ([("a1", "a", 1)], [], {}, {"a1"}),
    "labelled by as many as wanted": ([("a1", "a", 1)], [], {"a1": 1}, set()),
    "one of two raters is there": ([("a1", "a", 2)], [], {"a1": 1}, {"a1"}),
    "my own label is not asked for twice": ([("a1", "a", 2)], [event("a1")], {"a1": 1}, set()),
    "another question after a": (
        [("a1", "a", 1), ("a2", "a", 1), ("b1", "b", 1)],
        [event("a1")],
        {"a1": 1},
        {"b1"},
    ),
    "the same question where it is the only one": (
        [("a1", "a", 1), ("a2", "a", 1)],
        [event("a1")],
        {"a1": 1},
        {"a2"},
    ),
    # a2, a3, a4 and b1 are left: only a, b, a … keeps most of the answers to a apart
    "the question with more than half goes first": (
        [("a1", "a", 1), ("a2", "a", 1), ("a3", "a", 1), ("b1", "b", 1)],
        [],
        {},
        {"a1", "a2", "a3"},
    ),
    "skipped cases wait for the others": (
        [("a1", "a", 1), ("b1", "b", 1), ("c1", "c", 1)],
        [event("a1", "skipped"), event("b1")],
        {"b1": 1},
        {"c1"},
    ),
    "skipped cases come back": ([("a1", "a", 1)], [event("a1", "skipped")], {}, {"a1"}),
    "the longest skipped comes back first": (
        [("a1", "a", 1), ("b1", "b", 1), ("c1", "c", 1)],
        [event("b1", "skipped"), event("a1", "skipped"), event("c1")],
        {"c1": 1},
        {"b1"},
    ),
    "a skipped case that others have labelled is done": (
        [("a1", "a", 1)],
        [event("a1", "skipped")],
        {"a1": 1},
        set(),
    ),
    "a skipped case rather than the same question again": (
        [("a1", "a", 1), ("a2", "a", 1), ("b1", "b", 1)],
        [event("b1", "skipped"), event("a1")],
        {"a1": 1},
        {"b1"},
    ),
    "a case taken back is shown at once": (
        [("a1", "a", 1), ("b1", "b", 1)],
        [event("a1", "retracted")],
        {},
        {"a1"},
    ),
    "a case taken back is shown even if it has enough raters": (
        [("a1", "a", 1), ("b1", "b", 1)],
        [event("a1", "retracted")],
        {"a1": 1},
        {"a1"},
    ),
}


@pytest.mark.parametrize("name", NEXT)
def test_the_next_case(name: str) -> None:
    assignments, own, counts, expected = NEXT[name]
    sight = queue(assignments, own, counts).next()
    assert (sight.response in expected) if expected else sight is None


def test_progress_counts_what_is_left_for_this_person() -> None:
    assignments = [(response, response, 1) for response in "abcdef"]
    own = [event("a"), event("b", "skipped"), event("c", "skipped"), event("d", "retracted")]
    seen = queue(assignments, own, {"a": 1, "c": 1, "d": 1, "e": 1}).progress()
    # a is done; c and e went to others; b (skipped), d (taken back, so on show) and f are left
    assert seen == Progress(done=1, skipped=1, left=3)


def test_where_labelling_may_stop_early_all_go_along_the_audit_sets_order() -> None:
    cases = [(f"r{n}", f"q{n}", 1) for n in range(3 * STRETCH)]
    orders = [
        [response for response, _ in Queue(cases, {}, [], name, 7, in_order=True).fresh]
        for name in ("ann", "ben")
    ]
    for order in orders:
        for start in range(0, len(cases), STRETCH):
            stretch = {response for response, *_ in cases[start : start + STRETCH]}
            assert set(order[start : start + STRETCH]) == stretch
    assert orders[0] != orders[1]  # or both would label the same case at the same time


def test_the_order_is_each_persons_own_and_survives_a_reload() -> None:
    assignments = [(f"r{n}", f"q{n}", 1) for n in range(30)]

    def order(annotator: str, seed: int, given: list[tuple[str, str, int]]) -> list[str]:
        return [response for response, _ in Queue(given, {}, [], annotator, seed).fresh]

    ann = order("ann", 7, assignments)
    assert ann == order("ann", 7, list(reversed(assignments)))
    assert sorted(ann) == sorted(response for response, _, _ in assignments)
    assert (
        len({tuple(o) for o in (ann, order("bob", 7, assignments), order("ann", 8, assignments))})
        == 3
    )


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 999))
def test_answers_to_one_question_are_kept_apart_as_far_as_can_be(
    sizes: list[int], seed: int
) -> None:
    assignments = [(f"{q}.{a}", str(q), 1) for q, size in enumerate(sizes) for a in range(size)]
    items = {response: item for response, item, _ in assignments}
    own: list[Label] = []
    while sight := Queue(assignments, Counter(x.response for x in own), own, "ann", seed).next():
        own.append(event(sight.response))
    asked = [items[label.response] for label in own]
    assert len(asked) == len(assignments)
    # The m answers to the commonest question leave m − 1 gaps for the n − m others.
    together = max(0, max(sizes) - 1 - (len(asked) - max(sizes)))
    assert sum(a == b for a, b in itertools.pairwise(asked)) == together


# --- with a store ------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    build_study(tmp_path, numbered(4, raters=1))
    with Store(tmp_path / "study.db", precious=True) as opened:
        yield opened


def next_sight(store: Store, desk: Desk) -> Sight:
    sight = read_queue(store, desk).next()
    assert sight is not None
    return sight


def test_a_showing_gives_one_label(store: Store) -> None:
    desk = sit_down(store, "ann", 7)
    sight = next_sight(store, desk)
    label = submit(store, desk, sight, Answer("correct", True, " why? ", 2.5), NOON)
    assert label is not None
    assert (label.value, label.unsure, label.note, label.seconds) == ("correct", True, "why?", 2.5)
    assert label.created_at == "2026-01-01T12:00:00.000000+00:00"
    assert submit(store, desk, sight, Answer("incorrect"), NOON + timedelta(seconds=1)) is None
    assert store.labels() == [label]
    assert next_sight(store, desk).response != sight.response


def test_undo_takes_the_newest_answer_back_and_shows_it_again(store: Store) -> None:
    desk = sit_down(store, "ann", 7)
    sights = []
    for second, value in enumerate(("correct", "incorrect", None)):
        sights.append(next_sight(store, desk))
        answer = Answer(value, unsure=True, note=f"note {second}")
        assert submit(store, desk, sights[-1], answer, NOON + timedelta(seconds=second))
    for second in (2, 1, 0):
        taken = undo(store, desk, NOON + timedelta(seconds=10 - second))
        assert taken is not None and (taken.status, taken.value) == ("retracted", None)
        again = next_sight(store, desk)
        assert again == Sight(sights[second].response, taken)
        assert (again.before.note, again.before.unsure) == (f"note {second}", True)
    assert undo(store, desk, NOON + timedelta(seconds=20)) is None
    assert store.current_labels(desk.rubric.id) == []
    assert read_queue(store, desk).progress() == Progress(done=0, skipped=0, left=4)
    assert len(store.labels()) == 6  # nothing was overwritten


def test_a_case_can_be_labelled_anew_after_an_undo_even_when_the_clock_is_set_back(
    store: Store,
) -> None:
    desk = sit_down(store, "ann", 7)
    sight = next_sight(store, desk)
    submit(store, desk, sight, Answer("correct"), NOON)
    undo(store, desk, NOON - timedelta(hours=1))
    again = next_sight(store, desk)
    assert again.response == sight.response
    submit(store, desk, again, Answer("correct"), NOON)
    times = [label.created_at for label in store.labels()]
    assert times == [timestamp(NOON + timedelta(microseconds=n)) for n in range(3)]
    assert [label.value for label in store.current_labels(desk.rubric.id)] == ["correct"]


def test_a_label_that_would_not_come_into_force_is_refused(store: Store) -> None:
    desk = sit_down(store, "ann", 7)
    case = next_sight(store, desk).response
    # 12:00 in Karachi is 07:00 UTC, but as a text it sorts after it.
    store.add(
        [
            Label(
                case, desk.rubric.id, "ann", value="correct", created_at="2026-01-01T12:00:00+05:00"
            )
        ]
    )
    with pytest.raises(BenchwarrantError, match="set the computer's clock"):
        undo(store, desk, NOON - timedelta(hours=4))
    assert len(store.labels()) == 1


def test_only_labels_of_the_rubric(store: Store) -> None:
    desk = sit_down(store, "ann", 7)
    with pytest.raises(BenchwarrantError, match="use one of: incorrect, correct"):
        submit(store, desk, next_sight(store, desk), Answer("corect"), NOON)
    assert store.labels() == []


def test_a_desk_knows_its_audit_sets_order(tmp_path: Path) -> None:
    build_study(tmp_path, numbered(4))
    with Store(tmp_path / "study.db") as store:
        assert not sit_down(store, "ann", 7).in_order
        old = store.audit_set()
        assert old is not None
        cases = store.audit_cases(old.id)
        new = AuditSet(old.rubric, {"sequential": True}, old.cases)
        store.add([new, *(replace(case, audit_set=new.id) for case in cases)])
        desk = sit_down(store, "ann", 7)
        assert desk.in_order and read_queue(store, desk).in_order


def test_there_must_be_an_audit_set(tmp_path: Path) -> None:
    with (
        Store(tmp_path / "empty.db", create=True) as empty,
        pytest.raises(BenchwarrantError, match="benchwarrant sample"),
    ):
        sit_down(empty, "ann", 7)


def test_a_case_stays_open_to_whoever_is_at_it(store: Store) -> None:
    ann, bob = sit_down(store, "ann", 7), sit_down(store, "bob", 7)
    sight = next_sight(store, ann)
    submit(store, bob, Sight(sight.response), Answer("correct"), NOON)
    assert read_queue(store, ann).stands(sight)
    assert next_sight(store, ann).response != sight.response
    submit(store, ann, sight, Answer("incorrect"), NOON)
    assert not read_queue(store, ann).stands(sight)
    assert not read_queue(store, ann).stands(Sight("not in this audit set"))


def test_cases_without_a_text_are_never_shown(tmp_path: Path) -> None:
    build_study(tmp_path, [Answered("q", "r", (None, "", "some text"))])
    with Store(tmp_path / "study.db") as store:
        desk = sit_down(store, "ann", 7)
        shown = [store.blind_case(response)[1] for response, _ in read_queue(store, desk).fresh]
    assert sorted(shown) == ["", "some text"]


@pytest.mark.parametrize("seed", range(5))
def test_two_people_share_the_audit_set(tmp_path: Path, seed: int) -> None:
    """Some cases want two people and some one; both go on until nothing is left for them."""
    rng = random.Random(seed)
    build_study(
        tmp_path,
        numbered(6, answers=2, raters=1)
        + [Answered(f"both {q}", "r", ("x", "y"), raters=2) for q in range(4)],
    )
    with Store(tmp_path / "study.db", precious=True) as store:
        people = {name: sit_down(store, name, seed) for name in ("ann", "bob")}
        now = NOON
        while people:
            name = rng.choice(sorted(people))
            now += timedelta(seconds=1)
            sight = read_queue(store, people[name]).next()
            if sight is None:
                del people[name]
                continue
            value = rng.choice([None, "incorrect", "correct", "correct"])
            assert submit(store, people[name], sight, Answer(value), now)
            if rng.random() < 0.2:
                assert undo(store, people[name], now)
        desk = sit_down(store, "ann", seed)
        wanted = {response: raters for response, _, raters in store.assignments(desk.audit_set)}
        labels = store.current_labels(desk.rubric.id)
    assert Counter(label.response for label in labels) == wanted
    assert len({(label.response, label.annotator) for label in labels}) == 12 + 2 * 8


LABEL_ALL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from annotator.session import Answer, read_queue, sit_down, submit
from samples.store import Store

while True:
    with Store(Path(sys.argv[1]), precious=True) as store:
        desk = sit_down(store, "ann", 7)
        sight = read_queue(store, desk).next()
        if sight is None:
            break
        label = submit(store, desk, sight, Answer("correct", seconds=1.0), datetime.now(UTC))
    print(label.id, flush=True)
print("finished", flush=True)
"""


@pytest.mark.slow
def test_a_kill_loses_no_label_and_doubles_none(tmp_path: Path) -> None:
    """kill -9 at random moments: what was acknowledged is there, and the next run goes on."""
    build_study(tmp_path, numbered(100))
    rng = random.Random(20261123)
    command = [sys.executable, "-c", LABEL_ALL, str(tmp_path / "study.db")]
    acknowledged: list[str] = []
    kills = 0
    while "finished" not in acknowledged:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        assert child.stdout is not None
        if kills < 4:
            for _ in range(rng.randint(1, 15)):  # 100 labels outlast four such runs
                acknowledged.append(child.stdout.readline().strip())
            time.sleep(rng.uniform(0.0, 0.02))
            child.kill()
            kills += 1
        rest, _ = child.communicate(timeout=60)
        assert child.returncode in (0, -9)
        # A line that the kill cut in two was not received.
        acknowledged += [
            line.strip() for line in rest.splitlines(keepends=True) if line[-1] == "\n"
        ]
    with Store(tmp_path / "study.db") as store:
        labels = store.labels()
        assert not list(store.faults())
    assert kills == 4
    assert acknowledged.pop() == "finished"
    assert set(acknowledged) <= {label.id for label in labels}
    assert len(acknowledged) == len(set(acknowledged))
    assert len({label.response for label in labels}) == len(labels) == 100
