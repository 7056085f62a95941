"""Collecting: what is missing is asked, with its own seed, and what was answered stays."""

import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from bench_memory import memory_of_collecting
from small_road import FILES, NOW, collect_all, copied, edit, nothing, write, write_files

from inference import collect
from inference.engine import ENGINES, Chat, Completion, Sampling
from inference.replay import ReplayEngine
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.exchange import imported_model
from samples.records import Response
from samples.store import Store
from samples.study import Study


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_files(tmp_path)


@pytest.fixture
def study_store(path: Path) -> Iterator[tuple[Study, Store]]:
    with opened(path, create=True) as pair:
        yield pair


def asked(jobs: list[collect.Job]) -> set[tuple[str, str, str, int]]:
    return {
        (job.spec.name, job.strategy, item.key, draw) for job in jobs for item, draw in job.missing
    }


# --- the plan ----------------------------------------------------------------------------------


def test_the_plan_is_every_model_strategy_task_and_draw(path: Path) -> None:
    edit(path, '"good.jsonl"', '"good.jsonl"\nstrategies = ["direct", "cot"]')
    edit(
        path,
        '[[model]]\nname = "good"',
        '[[task]]\nname = "facts"\nlimit = 5\n[[model]]\nname = "good"',
    )
    with opened(path, create=True) as (study, store):
        jobs = collect.plan(study, store)
    assert [(job.block.name, job.strategy, job.task, job.wanted) for job in jobs] == [
        ("good", "direct", "sums", 12),
        ("good", "direct", "facts", 5),
        ("good", "cot", "sums", 12),
        ("good", "cot", "facts", 5),
        ("bad", "direct", "sums", 12),
        ("bad", "direct", "facts", 5),
    ]
    assert len({job.spec.id for job in jobs}) == 6


@pytest.mark.parametrize(
    "task", ["sums", "word-problems", "words", "facts", "sort3", "sort8-mixed"]
)
def test_a_pilot_asks_some_of_what_the_benchmark_asks(path: Path, task: str) -> None:
    edit(path, 'name = "sums"\nlimit = 12', f'name = "{task}"\nlimit = 30')
    edit(path, '"good.jsonl"', '"good.jsonl"\nstrategies = ["few-shot"]')
    with opened(path, create=True) as (study, store):
        whole = asked(collect.plan(study, store))
        for limit in (1, 7, 12):
            pilot = asked(collect.plan(study, store, limit))
            assert pilot < whole and len(pilot) == 2 * limit
        assert asked(collect.plan(study, store, 99)) == whole
        specs = [{job.spec.id for job in collect.plan(study, store, n)} for n in (None, 7)]
        assert specs[0] == specs[1]  # so that the pilot's answers are the benchmark's


def test_a_plan_without_a_store_wants_everything(study_store) -> None:
    study, store = study_store
    collect_all(study, store)
    assert len(asked(collect.plan(study, None))) == 24
    assert asked(collect.plan(study, store)) == set()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: edit(path, '"replay"\nmodel = "good', '"repaly"\nmodel = "good'), "'replay'"),
        (lambda path: edit(path, 'name = "sums"', 'name = "sumz"'), "'sums'"),
        (lambda path: edit(path, '"good.jsonl"', '"good.jsonl"\nstrategies = ["coot"]'), "'cot'"),
        (lambda path: edit(path, '[[task]]\nname = "sums"\nlimit = 12', ""), "nothing to collect"),
    ],
    ids=["engine", "task", "strategy", "no task"],
)
def test_what_cannot_be_planned_is_one_line(
    path: Path, change: Callable[[Path], None], says: str
) -> None:
    change(path)
    with (
        opened(path, create=True) as (study, store),
        pytest.raises(BenchwarrantError, match=says) as caught,
    ):
        collect.plan(study, store)
    assert "\n" not in str(caught.value)


# --- sampling and draws ------------------------------------------------------------------------


def sampled(path: Path, draws: int, temperature: float) -> None:
    edit(
        path,
        'model = "good.jsonl"',
        f'model = "good.jsonl"\ndraws = {draws}\n'
        f"sampling = {{ temperature = {temperature}, seed = 40 }}",
    )


def test_greedy_decoding_is_asked_once(path: Path) -> None:
    sampled(path, 3, 0.0)
    with opened(path, create=True) as (study, store):
        assert collect.draws(study.model[0]) == 1
        collect_all(study, store)
        assert {r.draw for r in store.responses()} == {0}
        assert store.counts()["responses"] == 24


def test_each_draw_has_a_seed_of_its_own(path: Path) -> None:
    sampled(path, 3, 0.7)
    write(path.with_name("good.jsonl"), [{"seed": s, "text": f"seed {s}"} for s in (40, 41, 42)])
    with opened(path, create=True) as (study, store):
        assert [collect.sampling(study.model[0], draw).seed for draw in range(3)] == [40, 41, 42]
        collect_all(study, store)
        good = [r for r in store.responses() if r.model == "good"]
        assert len(good) == 36
        assert {(r.draw, r.text) for r in good} == {(d, f"seed {40 + d}") for d in range(3)}
        assert len({r.spec for r in good}) == 1  # draws are repeats of one model
        spec = next(spec for spec in store.specs("model") if spec.id == good[0].spec)
        assert spec.body["sampling"]["seed"] == 40
        assert {r.draw for r in store.responses() if r.model == "bad"} == {0}


def test_more_draws_ask_only_for_the_new_ones(path: Path) -> None:
    sampled(path, 2, 0.7)
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
    edit(path, "draws = 2", "draws = 3")
    with opened(path) as (study, store):
        assert {draw for *_, draw in asked(collect.plan(study, store))} == {2}


# --- what is kept ------------------------------------------------------------------------------


def test_an_answer_says_how_it_came_about(study_store) -> None:
    study, store = study_store
    collect_all(study, store)
    response = next(r for r in store.responses() if r.model == "good")
    items = {item.id: item for item in store.items()}
    assert items[response.item].question in json.loads(response.prompt)[-1]["content"]
    assert (response.strategy, response.finish, response.created_at) == ("direct", "stop", NOW)
    events = {event.subject: event.body for event in store.events("model ran")}
    assert set(events) == {"good", "bad"} and events["bad"]["rows"] == 1
    assert (events["bad"]["parent"], events["bad"]["compression"]) == (None, None)
    assert events["good"]["answers"] == 12 and events["good"]["generating_seconds"] > 0
    assert "tokens_per_second" not in events["good"]  # a file does not tell its tokens


def completions(tokens: list[int | None], finish: str = "stop") -> Iterator[Completion]:
    for index, count in enumerate(tokens):
        yield Completion(index, None if finish == "error" else "t", finish, completion_tokens=count)


def test_the_speed_is_tokens_by_the_seconds_of_answering() -> None:
    times = iter([10.0, 12.0, 15.0, 100.0, 105.0])
    turn = collect.Turn()
    for made in (completions([20, 30]), completions([50])):  # two draws, a pause between them
        list(turn.watch(made, lambda: next(times)))
    # 5 s for the first two answers and 5 s for the third
    assert turn.facts() == {
        "answers": 3,
        "generating_seconds": 10.0,
        "completion_tokens": 100,
        "tokens_per_second": 10.0,
    }


def test_no_speed_is_made_up_where_tokens_were_not_counted() -> None:
    turn = collect.Turn()
    list(turn.watch(completions([20, None]), iter(range(9)).__next__))
    assert turn.facts() == {"answers": 2, "generating_seconds": 2}
    turn = collect.Turn()  # a refusal has no tokens to count
    refused = completions([None], "error")
    list(turn.watch(itertools.chain(completions([20]), refused), iter(range(9)).__next__))
    assert turn.facts()["tokens_per_second"] == 10.0
    assert collect.Turn().facts() == {"answers": 0, "generating_seconds": 0.0}


def test_outcomes_are_counted_by_kind_with_the_most_common_error() -> None:
    outcomes = collect.Outcomes()
    assert outcomes.lines() == []
    for finish, error in [
        ("stop", None),
        ("too_long", None),
        ("error", "refused:\n  no"),
        ("error", "busy"),
        ("error", "refused:\n  no"),
    ]:
        meta = {"error": error} if error else {}
        outcomes.add(Response("i", "m", "s", "direct", 0, None, finish, meta=meta))
    assert outcomes.lines() == [
        "finished: 3 error, 1 stop, 1 too_long",
        "most common error: 2 × refused: no",
    ]


def test_errors_that_all_differ_take_no_memory_without_end() -> None:
    outcomes = collect.Outcomes()
    for n in range(3 * collect.DISTINCT):
        meta = {"error": f"{n} " + "x" * 1000}
        outcomes.add(Response("i", "m", "s", "direct", 0, None, "error", meta=meta))
    assert outcomes.finishes["error"] == 3 * collect.DISTINCT
    assert sum(map(len, outcomes.errors)) <= 300 * collect.DISTINCT


def test_answers_of_several_tasks_and_draws_belong_to_their_questions(path: Path) -> None:
    sampled(path, 2, 0.7)
    edit(
        path,
        'name = "sums"\nlimit = 12',
        'name = "sums"\nlimit = 5\n[[task]]\nname = "sort3"\nlimit = 4',
    )
    rows = [{"match": "+", "seed": s, "text": f"a sum, seed {s}"} for s in (40, 41)]
    write(path.with_name("good.jsonl"), [*rows, {"text": "a list"}])
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
        items = {item.id: item for item in store.items()}
        good = [r for r in store.responses() if r.model == "good"]
        assert len(good) == 2 * (5 + 4)
        specs = {spec.id: spec.body["task"] for spec in store.specs("model")}
        for response in good:
            item = items[response.item]
            assert item.question in json.loads(response.prompt)[-1]["content"]
            assert specs[response.spec] == item.task
            of_sums = f"a sum, seed {40 + response.draw}"
            assert response.text == (of_sums if item.task == "sums" else "a list")


def test_a_second_run_asks_nothing(study_store) -> None:
    study, store = study_store
    assert collect_all(study, store) == {}
    counts = store.counts()
    study.at("good.jsonl").unlink()
    assert collect_all(study, store) == {}  # not even a model was loaded
    assert store.counts() == counts


def test_a_pilot_then_the_rest(study_store) -> None:
    study, store = study_store
    collect_all(study, store, limit=5)
    assert store.counts()["responses"] == 10
    first = {r.id for r in store.responses()}
    collect_all(study, store)
    assert store.counts()["responses"] == 24
    assert first < {r.id for r in store.responses()}


def test_an_outcome_is_kept_with_its_reason_and_not_asked_again(path: Path) -> None:
    rows = [{"match": "+", "finish": "error", "error": "refused: no"}]
    write(path.with_name("bad.jsonl"), rows)
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
        bad = [r for r in store.responses() if r.model == "bad"]
        assert {(r.text, r.finish, r.meta["error"]) for r in bad} == {
            (None, "error", "refused: no")
        }
        assert asked(collect.plan(study, store)) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"good.jsonl"', '"good.jsonl"\nsampling = { max_tokens = 7 }'),
        ('"good.jsonl"', '"good.jsonl"\nrevision = "abc"'),
        ('"good.jsonl"', '"good.jsonl"\ndtype = "float16"'),
        ('"good.jsonl"', '"./good.jsonl"'),
    ],
)
def test_what_changes_the_text_makes_new_answers_and_keeps_the_old(
    path, old: str, new: str
) -> None:
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
        before = set(collect.specs_in_force(study, store))
    edit(path, old, new)
    with opened(path) as (study, store):
        collect_all(study, store)
        responses = list(store.responses())
        assert [sum(r.model == name for r in responses) for name in ("good", "bad")] == [24, 12]
        now = set(collect.specs_in_force(study, store))
        assert len(before & now) == 1 and len(now) == 2  # the bad model's stays in force


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"good.jsonl"', '"good.jsonl"\nrun = { delay = 0.0 }'),
        ('"good.jsonl"', '"good.jsonl"\nparent = "bad"\ncompression = "int8"'),
        ("limit = 12", 'limit = 12\nkind = "sums"'),
    ],
)
def test_what_does_not_change_the_text_asks_nothing_again(path, old: str, new: str) -> None:
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
    edit(path, old, new)
    with opened(path) as (study, store):
        assert asked(collect.plan(study, store)) == set()


def test_imported_models_are_in_force_beside_the_study_s(study_store) -> None:
    study, store = study_store
    spec = imported_model("elsewhere", "")
    store.add([spec])
    found = collect.specs_in_force(study, store)
    assert found[spec.id] == spec
    assert {one.name for one in found.values()} == {"elsewhere", "good", "bad"}


def test_a_question_that_changed_under_its_key_is_refused_before_anything_is_asked(
    path: Path,
) -> None:
    edit(path, 'name = "sums"', 'name = "facts"')  # whose choices are offered in a drawn order
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
        counts = store.counts()
    edit(path, "[rubric]", "seed = 5\n[rubric]")
    with opened(path) as (study, store):
        with pytest.raises(BenchwarrantError, match="is not the one that was asked") as caught:
            collect_all(study, store)
        assert "\n" not in str(caught.value) and store.counts() == counts


# --- when something goes wrong -----------------------------------------------------------------


def test_a_model_that_cannot_be_loaded_does_not_stop_the_others(path: Path) -> None:
    path.with_name("good.jsonl").unlink()
    with opened(path, create=True) as (study, store):
        failed = collect_all(study, store)
        assert set(failed) == {"good"} and "good.jsonl" in failed["good"]
        assert {r.model for r in store.responses()} == {"bad"}
        write(study.at("good.jsonl"), FILES["good.jsonl"])
        assert collect_all(study, store) == {}
        assert store.counts()["responses"] == 24


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(study_store) -> None:
    study, store = study_store
    told = itertools.count()

    def breaking() -> str:
        """A clock on which somebody presses Ctrl-C at the eighth look."""
        if next(told) == 7:
            raise KeyboardInterrupt
        return NOW

    seen: list[Response] = []
    with pytest.raises(KeyboardInterrupt):
        collect.run(study, store, collect.plan(study, store), seen.append, breaking)
    kept = store.counts()["responses"]
    assert kept == len(seen) and 6 <= kept <= 7  # what was finished by then is saved
    rest = collect.plan(study, store)
    assert sum(len(job.missing) for job in rest) == 24 - kept
    collect.run(study, store, rest, nothing, lambda: NOW)
    answers = [(r.model, r.item, r.draw) for r in store.responses()]
    assert len(answers) == len(set(answers)) == 24


def test_a_model_that_stops_in_the_middle_does_not_stop_the_others(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    class Dying(ReplayEngine):
        def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
            for done in super().generate(chats, sampling):
                if done.index == 5 and self.spec.model == "good.jsonl":
                    raise BenchwarrantError("the server has gone")
                yield done

        def close(self) -> None:
            closed.append(self.spec.model)

    monkeypatch.setitem(ENGINES, "replay", Dying)
    with opened(path, create=True) as (study, store):
        assert collect_all(study, store) == {"good": "the server has gone"}
        assert Counter(r.model for r in store.responses()) == {"good": 5, "bad": 12}
        assert store.events("model ran")[0].body["answers"] == 5
        assert closed == ["good.jsonl", "bad.jsonl"]
        monkeypatch.undo()
        assert collect_all(study, store) == {}
        assert store.counts()["responses"] == 24


def pages_left(store: Store, number: int) -> None:
    """From now on the database has room for so many pages."""
    used = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count = {used + number}")


def test_a_full_disk_is_one_line_and_afterwards_it_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(path, '"good.jsonl"', '"good.jsonl"\ndraws = 1000\nsampling = { temperature = 1.0 }')
    closed = []
    monkeypatch.setattr(ReplayEngine, "close", lambda engine: closed.append(engine.spec.model))
    with opened(path, create=True) as (study, store):
        pages_left(store, 900)
        with pytest.raises(BenchwarrantError, match="make room on its disk and run") as caught:
            collect_all(study, store)
        assert "\n" not in str(caught.value) and "database or disk is full" in str(caught.value)
        kept = store.counts()["responses"]
        assert 0 < kept < 12012
        assert closed == ["good.jsonl"]  # whatever happens, no server is left behind
    with opened(path) as (study, store):
        assert len(store.events("model loaded")) == 1
        assert collect_all(study, store) == {}
        assert store.counts()["responses"] == 12012
        assert list(store.faults()) == []


KILLED = """
import os, sys
from pathlib import Path
from inference import collect
from samples.cli import opened

def tick(response, seen=[]):
    seen.append(response)
    if len(seen) == 7:
        os.kill(os.getpid(), 9)

with opened(Path(sys.argv[1]), create=True) as (study, store):
    collect.run(study, store, collect.plan(study, store), tick, lambda: "2026-01-31")
"""


def test_a_kill_leaves_no_answer_without_a_record_of_its_engine(path: Path) -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=root, check=False)
    assert done.returncode == -9
    with opened(path) as (study, store):
        assert {r.model for r in store.responses()} == {"good"}
        (loaded,) = store.events("model loaded")
        assert (loaded.subject, loaded.body["file"]) == ("good", "good.jsonl")
        assert store.events("model ran") == []
        collect_all(study, store)
        assert store.counts()["responses"] == 24
        assert [e.subject for e in store.events("model ran")] == ["bad"]


@pytest.mark.slow
def test_five_times_the_answers_take_no_memory_more() -> None:
    # With a cache of pages that is full from the start: up to its own limit that may grow.
    few, many = (memory_of_collecting(n, cache=2 << 20) for n in (4_000, 20_000))
    # One kept response is more than 1 KB: 16,000 of them would be more than 16 MB.
    assert many - few < 5_000_000
    assert many < 60_000_000


def test_two_studies_with_one_seed_ask_the_same(path: Path, tmp_path: Path) -> None:
    other = copied(tmp_path, tmp_path / "other")
    with opened(path, create=True) as (a, _), opened(other, create=True) as (b, _):
        assert asked(collect.plan(a, None)) == asked(collect.plan(b, None))
    edit(other, "[rubric]", "seed = 9\n[rubric]")
    with opened(other) as (b, _), opened(path) as (a, _):
        assert asked(collect.plan(a, None)) != asked(collect.plan(b, None))
