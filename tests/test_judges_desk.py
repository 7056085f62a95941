"""A judge follows the answers as they are saved: each once, in heaps that suit it."""

import threading
from pathlib import Path

import pytest
from small_road import NOW, approve, collect_all, copied, edit, nothing, walk

from inference import collect
from inference.ledger import Purse
from judges import desk as room
from judges import full_run, grade
from judges.batch_journal import BATCHED
from judges.desk import Desk, Halt, Halted, Office
from judges.mandates import judge_of
from samples.cli import opened
from samples.store import Store
from samples.study import Study


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All is graded, and the study now wants 20 questions instead of 12."""
    path = walk(tmp_path_factory.mktemp("road")) / "study.toml"
    with opened(path) as (study, store):
        approve(study, store, "rules")
    edit(path, "limit = 12", "limit = 20")
    return path.parent


@pytest.fixture
def path(road: Path, tmp_path: Path) -> Path:
    return copied(road, tmp_path)


def the_desk(study: Study, store: Store) -> Desk:
    specs = collect.specs_in_force(study, store)
    granted = judge_of(study, store, NOW, "rules", specs.values())
    [desk] = full_run.plan(study, store, [], specs, granted).desks
    return desk


def office(study: Study) -> Office:
    return Office(study, nothing, lambda: NOW, Purse(), pause=0.0)


def test_what_comes_while_it_looks_is_graded_and_then_it_goes(path: Path) -> None:
    with opened(path) as (study, store):
        desk, here = the_desk(study, store), office(study)

        def at_work() -> None:
            with Store(store.path) as own:
                desk.grade(here, own)

        thread = threading.Thread(target=at_work)
        thread.start()
        collect_all(study, store)
        here.collected.set()
        thread.join(20)
        assert not thread.is_alive() and here.halt.reason is None
        assert desk.given == 16 and store.count_ungraded(desk.asked) == 0


def test_at_once_is_what_there_is(path: Path) -> None:
    with opened(path) as (study, store):
        collect_all(study, store)
        desk, here = the_desk(study, store), office(study)
        desk.grade(here, store, at_once=True)
        assert desk.given == 16
        desk.grade(here, store, at_once=True)
        assert desk.given == 16


def test_heaps_are_small_where_cases_are_held_and_each_case_comes_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path) as (study, store):
        collect_all(study, store)
        monkeypatch.setattr(grade, "CHUNK", 5)
        heaps: list[int] = []
        put = grade.put
        monkeypatch.setattr(grade, "put", lambda d, *more: (heaps.append(d.wanted), put(d, *more)))
        the_desk(study, store).grade(office(study), store, at_once=True)
        assert heaps == [5, 5, 5, 1]


def test_batches_wait_until_they_are_worth_it(path: Path) -> None:
    edit(
        path,
        "[policy]",
        '[[judge]]\nname = "by-batch"\nkind = "llm"\nengine = "openai"\nmodel = "m"\n'
        'prompt = "prompt.txt"\nbatch = true\n[policy]',
    )
    with opened(path) as (study, store):
        desk = the_desk(study, store)
        assert desk._heap(study) == (grade.CHUNK, 1)
        desk.block = study.judge[-1]
        assert desk._heap(study) == (BATCHED, BATCHED)
        assert not desk.takes_turns(study)


@pytest.mark.parametrize("engine", ["hf", "served"])
def test_who_computes_here_takes_turns_also_on_a_panel(path: Path, engine: str) -> None:
    edit(path, 'engine = "replay"\nmodel = "verdicts.jsonl"', f'engine = "{engine}"\nmodel = "m"')
    edit(
        path,
        "[policy]",
        '[[judge]]\nname = "both"\nkind = "panel"\nmembers = ["rules", "reader"]\n'
        'how = "cascade"\n[policy]',
    )
    with opened(path) as (study, store):
        desk = the_desk(study, store)
        turns = {}
        for block in study.judge:
            desk.block = block
            turns[block.name] = desk.takes_turns(study)
        assert turns == {"rules": False, "reader": True, "yes": False, "both": True}


def test_a_halt_keeps_its_first_reason() -> None:
    halt = Halt()
    halt.check()
    halt(ValueError("first"))
    halt(ValueError("second"))
    assert str(halt.reason) == "first"
    with pytest.raises(Halted):
        halt.check()


def test_a_halted_judge_leaves_at_once(path: Path) -> None:
    with opened(path) as (study, store):
        collect_all(study, store)
        desk, here = the_desk(study, store), office(study)
        here.halt()
        desk.grade(here, store)
        assert desk.given == 0 and desk.stopped is None
    assert room.TRIES > 1
