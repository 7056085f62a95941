"""Engines on a real Ray cluster of two nodes on this machine: workers and nodes die on the way."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from small_road import NOW, edit, nothing, write_files
from werkzeug import Request, Response

ray = pytest.importorskip("ray", reason="Ray is not installed")
# ruff: noqa: E402  (the rest needs it)

from inference import collect
from inference.cluster import PATIENCE, TRIES, ClusterEngine, Work, open_cluster
from inference.engine import Chat, Completion, EngineSpec, Message, Sampling
from samples.cli import opened
from samples.errors import BenchwarrantError

TWO = {"workers": 2}
ANSWERS = EngineSpec("replay", "answers.jsonl")


# --- what is left to do, without a cluster -----------------------------------------------------


@given(
    total=st.integers(0, 2000),
    at_most=st.integers(1, 600),
    workers=st.integers(1, 9),
    losses=st.sets(st.integers(0, 40)),
)
def test_every_chat_is_handed_out_until_it_is_answered(total, at_most, workers, losses) -> None:
    work, answered, turn = Work(total), [], 0
    while work.left():
        block = work.next_block(at_most, workers)
        assert 0 < len(block.chats) <= at_most
        block.answered |= set(block.chats[:: 2 if turn in losses else 1])
        answered += block.answered
        work.give_back(block)
        turn += 1
    assert sorted(answered) == list(range(total)) and not work.incomplete


def test_little_work_is_shared_too() -> None:
    work = Work(12)
    blocks = [work.next_block(512, 2) for _ in range(2)]
    assert [len(block.chats) for block in blocks] == [6, 6] and not work.left()


def test_one_chat_that_kills_its_worker_takes_no_other_with_it() -> None:
    work, deaths, answered = Work(500), 0, []
    while work.left():
        block = work.next_block(512, 1)
        if 77 in block.chats:
            deaths += 1  # before anything was answered
            work.give_back(block)
        else:
            answered += block.chats
    assert sorted(answered) == [n for n in range(500) if n != 77]
    assert work.incomplete and deaths == 8 + TRIES  # 250 first: halved 8 times down to one


# --- a cluster of two nodes --------------------------------------------------------------------


class Nodes:
    """Two raylets on loopback; the second can be killed, and is there again for the next test."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "include_dashboard": False}  # room for one worker on each node
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = self._cluster.address
        self._second = self._cluster.add_node(num_cpus=1)

    def kill_second(self) -> None:
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = None

    def mend(self) -> None:
        if self._second is None:
            self._second = self._cluster.add_node(num_cpus=1)

    def shutdown(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def started() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        nodes = Nodes()
        yield nodes
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture
def nodes(started: Nodes) -> Nodes:
    started.mend()
    return started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"seed": 7, "text": "seven"}, {"text": "four"}]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def engine(nodes: Nodes, folder: Path) -> Iterator[ClusterEngine]:
    """Two workers that take 20 ms per answer."""
    run = {"base_dir": str(folder), "delay": 0.02, "cluster": TWO}
    made = open_cluster(ANSWERS, run, nodes.address)
    yield made
    made.close()
    assert not ray.is_initialized()


def chats(number: int) -> list[Chat]:
    return [(Message("user", f"question {n}."),) for n in range(number)]


def check_all(got: Sequence[Completion], number: int) -> None:
    """Each once, and each the answer to its own question."""
    assert sorted(done.index for done in got) == list(range(number))
    assert all(f'"question {done.index}."' in (done.prompt or "") for done in got)


def actors() -> list[dict[str, Any]]:
    from ray._private.state import actors

    job = ray.get_runtime_context().get_job_id()
    known = [actor for actor in actors().values() if actor["JobID"] == job]
    return [actor for actor in known if actor["State"] == "ALIVE"]


def kill(actor: dict[str, Any]) -> None:
    with suppress(ProcessLookupError):
        os.kill(actor["Pid"], signal.SIGKILL)


@pytest.mark.slow
def test_answers_of_two_nodes_come_as_they_are_ready(engine: ClusterEngine) -> None:
    start = time.monotonic()
    answers = engine.generate(chats(300), Sampling())
    got = [next(answers)]
    first = time.monotonic() - start
    got += answers
    check_all(got, 300)
    assert first < 2 and time.monotonic() - start >= 3  # 300 × 20 ms / 2
    assert {done.text for done in got} == {"four"}
    assert len({actor["Address"]["NodeID"] for actor in actors()}) == 2
    facts = engine.facts()
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["nodes"], facts["workers"], facts["workers_lost"]) == (2, 2, 0)
    assert facts["ray"] == ray.__version__ and facts["rows"] == 2


@pytest.mark.slow
def test_a_second_call_after_one_that_was_left(engine: ClusterEngine) -> None:
    left = engine.generate(chats(300), Sampling())
    next(left)
    del left
    assert list(engine.generate([], Sampling())) == []
    got = list(engine.generate(chats(40), Sampling(seed=7)))
    check_all(got, 40)
    assert {done.text for done in got} == {"seven"}  # the seed reaches the engine
    kept = engine.generate(chats(3000), Sampling())
    next(kept)
    start = time.monotonic()
    engine.close()  # does not wait for the 30 seconds of work that nobody reads
    assert time.monotonic() - start < 10


@pytest.mark.slow
def test_workers_run_the_code_that_runs_here(engine: ClusterEngine) -> None:
    def shipped() -> list[str]:
        folders = [Path(entry) for entry in sys.path if "py_modules_files" in entry]
        return [str(path.relative_to(f)) for f in folders for path in f.rglob("*.py")]

    here = ray.get(ray.remote(shipped).options(num_cpus=0).remote())
    assert {"inference/engine.py", "samples/tasks/sorting.py"} <= set(here)


@pytest.mark.slow
def test_a_worker_that_dies_loses_and_doubles_nothing(engine: ClusterEngine) -> None:
    got = []
    for done in engine.generate(chats(300), Sampling()):
        got.append(done)
        if len(got) in (60, 120):
            kill(actors()[0])
    check_all(got, 300)
    assert engine.facts()["workers_lost"] == 2


@pytest.mark.slow
def test_a_node_that_dies_loses_and_doubles_nothing(engine: ClusterEngine, nodes: Nodes) -> None:
    got = []
    for done in engine.generate(chats(300), Sampling()):
        got.append(done)
        if len(got) == 60:
            nodes.kill_second()
    check_all(got, 300)
    assert engine.facts()["workers_lost"] >= 1
    check_all(list(engine.generate(chats(40), Sampling())), 40)


@pytest.mark.slow
def test_an_engine_that_cannot_be_loaded_is_one_line(nodes: Nodes, folder: Path) -> None:
    with pytest.raises(BenchwarrantError) as caught:
        open_cluster(EngineSpec("replay", "none.jsonl"), {"base_dir": folder}, nodes.address)
    path = folder / "none.jsonl"
    assert str(caught.value) == f"replay: cannot read {path}: No such file or directory"
    assert not ray.is_initialized()


@pytest.mark.slow
def test_a_replacement_that_cannot_be_loaded_ends_the_work(nodes: Nodes, folder: Path) -> None:
    run = {"base_dir": folder, "delay": 0.02, "cluster": {"workers": 1}}
    engine = open_cluster(ANSWERS, run, nodes.address)
    got = []
    with pytest.raises(BenchwarrantError, match=r"cannot read .*answers\.jsonl"):
        for done in engine.generate(chats(100), Sampling()):
            got.append(done)
            if len(got) == 5:
                (folder / "answers.jsonl").unlink()
                kill(actors()[0])
    engine.close()
    assert 5 <= len(got) < 100


@pytest.mark.slow
def test_what_an_engine_cannot_answer_is_told_after_the_rest(
    nodes: Nodes, httpserver: HTTPServer
) -> None:
    asked: list[str] = []

    def complete(request: Request) -> Response:
        question = request.get_json()["messages"][-1]["content"]
        asked.append(question)
        if question == "question 7.":
            return Response("no", 500)
        choice = {"message": {"role": "assistant", "content": question}, "finish_reason": "stop"}
        body = json.dumps({"model": "tiny", "choices": [choice]})
        return Response(body, content_type="application/json")

    httpserver.expect_request("/v1/chat/completions", "POST").respond_with_handler(complete)
    run = {"base_url": httpserver.url_for("/v1"), "max_retries": 0, "cluster": TWO}
    engine = open_cluster(EngineSpec("openai", "tiny"), run, nodes.address)
    got = []
    with pytest.raises(BenchwarrantError) as caught:
        for done in engine.generate(chats(60), Sampling()):
            got.append(done)
    engine.close()
    assert {done.index: done.text for done in got} == {
        n: f"question {n}." for n in range(60) if n != 7
    }
    assert asked.count("question 7.") == TRIES and len(asked) == 59 + TRIES
    assert "500" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_workers_that_die_one_after_the_other_end_the_work(nodes: Nodes, folder: Path) -> None:
    run = {"base_dir": folder, "delay": 0.3, "cluster": {"workers": 1, "block": 4}}
    engine = open_cluster(ANSWERS, run, nodes.address)
    over = Event()

    def kill_all() -> None:
        while not over.wait(0.1):
            for actor in actors():
                kill(actor)

    killer, got = Thread(target=kill_all), []
    with pytest.raises(BenchwarrantError, match="run the same command again") as caught:
        for done in engine.generate(chats(60), Sampling()):
            got.append(done.index)
            if len(got) == 2:
                killer.start()
    over.set()
    killer.join()
    engine.close()
    assert "\n" not in str(caught.value)
    assert len(set(got)) == len(got) >= 2 and engine.facts()["workers_lost"] >= PATIENCE


@pytest.mark.slow
def test_a_cluster_collects_into_the_study(nodes: Nodes, tmp_path: Path) -> None:
    """Worker killed on the way; the only writer is this process, and nothing is asked twice."""
    path = write_files(tmp_path)
    edit(path, '"good.jsonl"', '"good.jsonl"\nrun = { delay = 0.3, cluster = { workers = 1 } }')
    killed = []

    def kill_once(response: object) -> None:
        if not killed:
            killed.append(actors()[0])
            kill(killed[0])

    with opened(path, create=True) as (study, store):
        jobs = collect.plan(study, store)
        assert collect.run(study, store, jobs, kill_once, lambda: NOW, nodes.address) == {}
        answers = [(r.model, r.item, r.draw) for r in store.responses()]
        assert len(answers) == len(set(answers)) == 24
        events = {event.subject: event.body for event in store.events("model ran")}
        assert events["good"]["workers_lost"] == 1 and events["bad"]["workers_lost"] == 0
        jobs = collect.plan(study, store)
        assert collect.run(study, store, jobs, nothing, lambda: NOW, nodes.address) == {}
        assert store.counts()["responses"] == 24


# --- a cluster of our own ----------------------------------------------------------------------

OWN = """
import sys
from contextlib import closing
from inference.cluster import open_cluster
from inference.engine import EngineSpec, Message, Sampling

run = {"base_dir": sys.argv[1], "delay": float(sys.argv[2]), "cluster": {"workers": 2}}
engine = open_cluster(EngineSpec("replay", "answers.jsonl"), run, "auto")
chats = [(Message("user", "?"),)] * 100
with closing(engine):
    for number, done in enumerate(engine.generate(chats, Sampling()), 1):
        if number in (1, 100):
            print(number, done.text, flush=True)
"""


def processes(mark: str) -> set[str]:
    """The command lines of everything that was started with this mark in its environment."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.add((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize(
    ("delay", "ends"), [(0.0, None), (0.2, signal.SIGINT), (0.2, signal.SIGKILL)]
)
def test_a_cluster_of_our_own_ends_with_us(folder: Path, delay: float, ends: int | None) -> None:
    mark = f"BENCHWARRANT_TEST_MARK={folder}"
    home = {"HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | home
    with subprocess.Popen(
        [sys.executable, "-c", OWN, str(folder), str(delay)],
        env=environment | dict([mark.split("=")]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdout and driver.stderr
        assert driver.stdout.readline() == "1 four\n"
        assert any("raylet" in line for line in processes(mark))
        if ends:
            driver.send_signal(ends)
        rest, errors = driver.communicate(timeout=30)
    assert (driver.returncode != 0, rest) == ((True, "") if ends else (False, "100 four\n"))
    assert ("KeyboardInterrupt" in errors) if ends == signal.SIGINT else not errors
    assert not (folder / ".ray").exists()  # no password on disk
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (left := working(mark)):
        time.sleep(0.2)
    assert not left


def working(mark: str) -> set[str]:
    """Ray's two little agents take up to a minute to see that everybody else is gone."""
    return {
        line for line in processes(mark) if not re.search(r"ray::\w+Agent|_agent|agent.py", line)
    }
