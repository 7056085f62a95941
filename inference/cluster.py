"""Any engine on a Ray cluster: each worker opens it once and works through blocks of chats.

Answers stream back one by one to this process, which is the only one that writes. Built on Ray's
actors and not on Ray Data, which hands answers on only when their block is full or done; and Ray's
own retry, which it relies on, replays a lost stream by position: engines answer in any order, so
that some answers came twice and others never. Here a lost block is asked again for what is missing.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

from inference.engine import Chat, Completion, EngineSpec, Sampling, checked, open_engine
from samples.errors import BenchwarrantError

try:
    import ray
    from ray.exceptions import RayError, RayTaskError

    from inference.nodes import Settings, connect, in_words, shares
except ModuleNotFoundError:
    raise BenchwarrantError(
        "a cluster needs Ray: pip install 'benchwarrant[cluster]', here and on every node"
    ) from None

log = logging.getLogger(__name__)

TRIES = 3  # of a chat that is left over from its block, on a fresh worker each
PATIENCE = 5  # so many losses in a row, without an answer between them, may be bad luck
SMALLEST = 16  # chats in a block towards the end
GRACE = 30  # seconds that engines get for closing


class Runner:
    """Lives in a process of the cluster and owns an engine there."""

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        self._spec, self._run = spec, run

    def open(self) -> dict[str, Any]:
        self._engine = open_engine(self._spec, self._run)
        return self._engine.facts()

    def answer(
        self, chats: Sequence[Chat], sampling: Sampling
    ) -> Iterator[Completion | dict[str, Any]]:
        """Each answer as soon as it is there; in the end what the engine knows of itself."""
        yield from self._engine.generate(chats, sampling)
        yield self._engine.facts()

    def close(self) -> None:
        self._engine.close()


@dataclass
class Block:
    """Numbers of chats that go to one worker together."""

    chats: list[int]
    tries: int = 1
    answered: set[int] = field(default_factory=set)

    def open(self) -> list[int]:
        return [number for number in self.chats if number not in self.answered]


@dataclass
class Work:
    """What a call has still to ask for: blocks that came back, and chats not yet begun."""

    total: int
    begun: int = 0
    returned: deque[Block] = field(default_factory=deque)
    over: bool = False  # nothing more is handed out
    incomplete: bool = False  # chats were given up

    def left(self) -> bool:
        return not self.over and bool(self.returned or self.begun < self.total)

    def next_block(self, at_most: int, workers: int) -> Block:
        """Large blocks at first and small ones at the end, where nobody shall wait for the last."""
        if self.begun == self.total:
            return self.returned.popleft()
        least = min(SMALLEST, ceil(self.total / workers))
        share = ceil((self.total - self.begun) / (2 * workers))
        end = min(self.total, self.begun + min(at_most, max(least, share)))
        block, self.begun = Block(list(range(self.begun, end))), end
        return block

    def give_back(self, block: Block) -> None:
        """What a lost block left open, in halves: so a chat that kills its worker is found."""
        chats = block.open()
        if len(chats) > 1:
            self.returned += [Block(chats[::2]), Block(chats[1::2])]
        elif chats and block.tries < TRIES:
            self.returned.append(Block(chats, tries=block.tries + 1))
        elif chats:
            self.incomplete = True


@dataclass(eq=False)
class Worker:
    """An actor and what is awaited from it: its engine, or the answers of a block."""

    actor: Any
    stream: Any
    ready: bool = False
    block: Block | None = None


def open_cluster(spec: EngineSpec, run: Mapping[str, Any], address: str) -> "ClusterEngine":
    """The engine of the spec on the cluster at ``address`` (host:port), or on "auto".

    "auto" is the cluster that RAY_ADDRESS names, or one on this machine for as long as it is used.
    Returns when the first worker has loaded the engine; the others join as they are ready.
    """
    run = dict(run)
    settings = checked(Settings, run.pop("cluster", None) or {}, "run.cluster")
    if "base_dir" in run:  # a worker has another working directory
        run["base_dir"] = str(Path(run["base_dir"]).resolve())
    ours = connect(address)
    try:
        engine = ClusterEngine(spec, run, settings)
    except BaseException:
        if ours:
            ray.shutdown()
        raise
    engine.ours = ours
    return engine


class ClusterEngine:
    """Hands blocks of chats to workers, and their answers on; replaces a worker that is lost."""

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any], settings: Settings) -> None:
        self.spec = spec
        self.ours = False  # whether the connection ends with this engine
        self._settings = settings
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self._wanted, resources = shares(settings, spec.engine, nodes)
        actor = ray.remote(Runner).options(scheduling_strategy="SPREAD", **resources)
        self._hire: Callable[[], Any] = lambda: actor.remote(spec, run)
        self._workers: list[Worker] = []
        self._unfit = 0  # workers that could not load the engine
        self._lost = 0
        self._in_a_row = 0  # losses without an answer between them
        self._last: Exception | None = None
        self._facts: dict[str, Any] = {}
        self._nodes = len(nodes)
        try:
            self._open_first()
        except BaseException:
            self.close()
            raise

    def _open_first(self) -> None:
        nothing = Work(0)
        while not any(worker.ready for worker in self._workers):
            self._fill_up()
            self._turn(nothing)
            if self._unfit or nothing.over:
                raise self._trouble()

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        """One completion per chat, in the order of arrival.

        A chat that nobody can answer does not hold up the others and is reported at the end; when
        no worker gets anything done any more, what is under way is still handed on.
        """
        work = Work(len(chats))
        self._in_a_row = 0
        try:
            while work.left() or any(worker.block for worker in self._workers):
                if work.left():
                    self._fill_up()
                self._hand_out(work, chats, sampling)
                done = self._turn(work)
                if done:
                    yield done
        finally:  # the reader left, or Ctrl-C: nobody waits for what is under way
            for worker in [worker for worker in self._workers if worker.block]:
                self._dismiss(worker)
        if work.over or work.incomplete:
            raise self._trouble()

    def facts(self) -> dict[str, Any]:
        """The cluster, and one worker's engine by its latest account."""
        about = {"ray": ray.__version__, "nodes": self._nodes, "workers": self._wanted}
        return self._facts | about | {"workers_lost": self._lost}

    def close(self) -> None:
        """Close the engines, and end what was started for them."""
        if ray.is_initialized():
            idle = [worker for worker in self._workers if worker.ready and not worker.block]
            closing = [worker.actor.close.remote() for worker in idle]
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=GRACE)
            for worker in list(self._workers):
                self._dismiss(worker)
            if self.ours:
                ray.shutdown()
        self._workers.clear()
        self.ours = False

    def _fill_up(self) -> None:
        while len(self._workers) + self._unfit < self._wanted:
            actor = self._hire()
            self._workers.append(Worker(actor, actor.open.remote()))

    def _dismiss(self, worker: Worker) -> None:
        self._workers.remove(worker)
        ray.kill(worker.actor)

    def _hand_out(self, work: Work, chats: Sequence[Chat], sampling: Sampling) -> None:
        for worker in self._workers:
            if work.left() and worker.ready and not worker.block:
                block = work.next_block(self._settings.block, self._wanted)
                asked = [chats[number] for number in block.chats]
                answer = worker.actor.answer.options(num_returns="streaming")
                worker.block, worker.stream = block, answer.remote(asked, sampling)

    def _turn(self, work: Work) -> Completion | None:
        """Wait until something arrives from a worker, and take it."""
        streams = {worker.stream: worker for worker in self._workers if worker.stream is not None}
        busy = any(worker.block for worker in self._workers)
        patience = None if busy else self._settings.patience
        arrived, _ = ray.wait(list(streams), timeout=patience) if streams else ([], [])
        if not arrived:
            self._last = BenchwarrantError(
                f"cluster: no worker was ready within {self._settings.patience:g} s; look at"
                " `ray status`, ask for less in run.cluster, or set its patience higher"
            )
            work.over = True
            return None
        worker = streams[arrived[0]]
        self._workers.remove(worker)  # to the end of the line, so that all are heard
        self._workers.append(worker)
        return self._take(worker, work)

    def _take(self, worker: Worker, work: Work) -> Completion | None:
        block = worker.block
        try:
            result = ray.get(next(worker.stream) if block else worker.stream)
        except StopIteration:
            worker.block = worker.stream = None
            if block and block.open():
                self._last = BenchwarrantError("the engine left chats without an answer")
                work.give_back(block)
        except RayError as error:
            self._lose(worker, error, work)
        else:
            if isinstance(result, Completion) and block:
                number = block.chats[result.index]
                if number not in block.answered:
                    block.answered.add(number)
                    self._in_a_row = 0
                    return replace(result, index=number)
            else:
                self._facts = result
                if not block:
                    worker.ready, worker.stream = True, None
        return None

    def _lose(self, worker: Worker, error: Exception, work: Work) -> None:
        """The end of a worker: its process or node died, or its engine failed."""
        log.warning("cluster: a worker was lost: %s", in_words(error))
        self._last = error
        self._lost += 1
        self._in_a_row += 1
        self._dismiss(worker)
        if worker.block:
            work.give_back(worker.block)
        if not worker.ready and isinstance(error, RayTaskError):
            self._unfit += 1  # it would not load the second time either
        if self._unfit >= self._wanted or self._in_a_row >= max(PATIENCE, self._wanted + 1):
            work.over = True

    def _trouble(self) -> Exception:
        """What stopped the work; a bug in an engine shows the traceback of its worker."""
        cause = getattr(self._last, "cause", None)
        if self._last and cause and not isinstance(cause, BenchwarrantError):
            return self._last
        return BenchwarrantError(in_words(self._last))
