"""Who gets which case next, and that an answer is written once and stays."""

import itertools
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_audit import Answered, build_study, numbered

from annotator.session import (
    Answer,
    before,
    flag,
    leave,
    read_queue,
    shown,
    sit_down,
    submit,
    take,
    timestamp,
    undo,
)
from annotator.turns import Desk, Progress, Sight
from samples import blind
from samples.annotation import AnnotationBlock
from samples.blind import CONTROL, REPEAT
from samples.errors import BenchwarrantError
from samples.records import AuditSet, CheckLabel, Control, Label
from samples.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


# --- with a store ------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    build_study(tmp_path, numbered(4, raters=1))
    with Store(tmp_path / "study.db", precious=True) as opened:
        yield opened


def next_sight(store: Store, desk: Desk) -> Sight:
    sight = read_queue(store, desk, NOON).next()
    assert sight is not None
    return sight


def test_a_showing_gives_one_label(store: Store) -> None:
    desk = sit_down(store, "ann", 7)
    sight = next_sight(store, desk)
    label = submit(
        store, desk, sight, Answer("correct", unsure=True, note=" why? ", seconds=2.5), NOON
    )
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
        status = "skipped" if value is None else "labelled"
        answer = Answer(value, status, unsure=True, note=f"note {second}")
        assert submit(store, desk, sights[-1], answer, NOON + timedelta(seconds=second))
    for second in (2, 1, 0):
        taken = undo(store, desk, NOON + timedelta(seconds=10 - second))
        assert taken is not None and (taken.status, taken.value) == ("retracted", None)
        again = next_sight(store, desk)
        assert again == Sight(sights[second].response, taken.id)
        said = before(store, again)
        assert said is not None and (said.note, said.unsure) == (f"note {second}", True)
    assert undo(store, desk, NOON + timedelta(seconds=20)) is None
    assert store.current_labels(desk.rubric.id) == []
    assert read_queue(store, desk, NOON).progress() == Progress(done=0, skipped=0, left=4)
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
        assert desk.in_order


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
    assert read_queue(store, ann, NOON).stands(sight)
    assert next_sight(store, ann).response != sight.response
    submit(store, ann, sight, Answer("incorrect"), NOON)
    assert not read_queue(store, ann, NOON).stands(sight)
    assert not read_queue(store, ann, NOON).stands(Sight("not in this audit set"))


def test_cases_without_a_text_are_never_shown(tmp_path: Path) -> None:
    build_study(tmp_path, [Answered("q", "r", (None, "", "some text"))])
    with Store(tmp_path / "study.db") as store:
        desk = sit_down(store, "ann", 7)
        shown = [blind.case(store, response)[1] for response in read_queue(store, desk, NOON).fresh]
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
            sight = read_queue(store, people[name], now).next()
            if sight is None:
                del people[name]
                continue
            value = rng.choice([None, "incorrect", "correct", "correct"])
            status = "skipped" if value is None else "labelled"
            assert submit(store, people[name], sight, Answer(value, status), now)
            if rng.random() < 0.2:
                assert undo(store, people[name], now)
        desk = sit_down(store, "ann", seed)
        wanted = {case.response: case.raters for case in blind.assignments(store, desk.audit_set)}
        labels = store.current_labels(desk.rubric.id)
    assert Counter(label.response for label in labels) == wanted
    assert len({(label.response, label.annotator) for label in labels}) == 12 + 2 * 8


LABEL_ALL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from annotator.session import Answer, sit_down, submit, take
from samples.store import Store

while True:
    with Store(Path(sys.argv[1]), precious=True) as store:
        desk = sit_down(store, "ann", 7)
        sight = take(store, desk, datetime.now(UTC))
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


# --- cases kept for a person, checks, flags ------------------------------------------------------


def test_several_people_at_the_same_moment_get_different_cases(tmp_path: Path) -> None:
    build_study(tmp_path, numbered(40, raters=1))
    start = threading.Barrier(8)

    def person(number: int) -> list[str]:
        with Store(tmp_path / "study.db") as store:
            desk = sit_down(store, f"person {number}", 7)
            start.wait()
            sights: list[Sight] = []
            while len(sights) < 5 and (sight := take(store, desk, NOON, sights)):
                sights.append(sight)
        return [sight.response for sight in sights]

    with ThreadPoolExecutor(8) as pool:
        given = list(itertools.chain.from_iterable(pool.map(person, range(8))))
    assert len(given) == len(set(given)) == 40


def test_what_is_kept_for_somebody_who_left_goes_to_others_after_a_while(store: Store) -> None:
    ann, ben = sit_down(store, "ann", 7), sit_down(store, "ben", 7)
    sights: list[Sight] = []
    while sight := take(store, ann, NOON, sights):
        sights.append(sight)
    assert len(sights) == 4
    assert take(store, ben, NOON + timedelta(minutes=29)) is None
    later = NOON + timedelta(minutes=31)
    assert take(store, ben, later) is not None
    # who comes back late still saves what is on their screen
    assert submit(store, ann, sights[0], Answer("correct"), later)


def test_going_home_gives_cases_back_and_a_label_needs_no_lease(store: Store) -> None:
    ann, ben = sit_down(store, "ann", 7), sit_down(store, "ben", 7)
    sight = take(store, ann, NOON)
    assert sight is not None and sight == take(store, ann, NOON)  # after a reload
    leave(store, ann, NOON + timedelta(minutes=1))
    later = NOON + timedelta(minutes=2)
    assert sight.response in read_queue(store, ben, later).fresh
    assert not blind.held(store, ann.audit_set, ann.rubric.id, "ann", timestamp(later))


def test_a_case_taken_back_is_not_given_to_others(store: Store) -> None:
    ann, ben = sit_down(store, "ann", 7), sit_down(store, "ben", 7)
    sight = take(store, ann, NOON)
    assert sight is not None
    submit(store, ann, sight, Answer("correct"), NOON + timedelta(seconds=5))
    undo(store, ann, NOON + timedelta(seconds=6))
    assert sight.response not in read_queue(store, ben, NOON + timedelta(seconds=7)).fresh


def test_what_cannot_be_judged_is_finished_for_this_person_and_goes_to_another(
    store: Store,
) -> None:
    ann, ben = sit_down(store, "ann", 7), sit_down(store, "ben", 7)
    sight = next_sight(store, ann)
    answer = Answer(None, "unjudgeable", meta={"reason": "cut off"})
    label = submit(store, ann, sight, answer, NOON)
    assert label is not None and label.meta == {"reason": "cut off"}
    assert sight.response not in read_queue(store, ann, NOON).fresh
    assert sight.response in read_queue(store, ben, NOON).fresh
    assert read_queue(store, ann, NOON).progress() == Progress(done=1, skipped=0, left=3)
    assert store.current_labels(ann.rubric.id) == []


def test_a_repetition_measures_the_person_and_changes_no_label(store: Store) -> None:
    desk = sit_down(store, "ann", 7)
    sight = next_sight(store, desk)
    first = submit(store, desk, sight, Answer("correct"), NOON)
    again = Sight(sight.response, purpose=REPEAT)
    check = submit(store, desk, again, Answer("incorrect"), NOON + timedelta(seconds=1))
    assert isinstance(check, CheckLabel) and check.purpose == REPEAT
    assert store.current_labels(desk.rubric.id) == [first]
    taken = undo(store, desk, NOON + timedelta(seconds=2))
    assert isinstance(taken, CheckLabel) and taken.status == "retracted"
    assert next_sight(store, desk) == Sight(sight.response, taken.id, REPEAT)


def test_a_control_looks_like_any_case_and_its_answer_stays_inside(store: Store) -> None:
    desk = sit_down(store, "ann", 7, AnnotationBlock(controls=0.5))
    control = Control(desk.rubric.id, "2 + 2?", ("4",), "It is 5.", "incorrect")
    store.add([control])
    assert read_queue(store, desk, NOON).controls == [control.id]
    sight = Sight(control.id, purpose=CONTROL)
    item, text = shown(store, sight)
    assert (item.question, item.references, text) == ("2 + 2?", ("4",), "It is 5.")
    assert submit(store, desk, sight, Answer("correct"), NOON)
    assert blind.own(store, desk.rubric.id, "ann")[0][:3] == (CONTROL, control.id, "labelled")


def test_a_flag_is_put_up_and_taken_down(store: Store) -> None:
    desk = sit_down(store, "ann", 7)
    sight = next_sight(store, desk)
    assert flag(store, desk, sight, NOON)
    assert blind.own_flags(store, "ann") == {sight.response}
    assert blind.own_flags(store, "ben") == set()
    assert not flag(store, desk, sight, NOON + timedelta(seconds=1))
    assert blind.own_flags(store, "ann") == set()
