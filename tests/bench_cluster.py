"""What a Ray cluster on this machine costs per response: ``python tests/bench_cluster.py``."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from inference.engine import Chat, Engine, EngineSpec, Message, Sampling, open_engine

RESPONSES, WORKERS, PAIRS = 5_000, 2, 5


@dataclass(frozen=True)
class Overhead:
    """Milliseconds per response, medians of paired runs; ``start`` is paid once, in seconds."""

    cluster: float
    alone: float
    start: float

    @property
    def added(self) -> float:
        return self.cluster - self.alone


def overhead() -> Overhead:
    """5,000 responses of the replay engine through two workers of a cluster, and without one."""
    from inference.cluster import open_cluster

    chats = [(Message("user", f"question {number} " + "x" * 500),) for number in range(RESPONSES)]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "answers.jsonl").write_text('{"text": "The answer is 42."}\n')
        spec, run = EngineSpec("replay", "answers.jsonl"), {"base_dir": folder}
        began = time.perf_counter()
        opened = open_cluster(spec, {**run, "cluster": {"workers": WORKERS}}, "auto")
        start = time.perf_counter() - began
        with closing(opened) as cluster, closing(open_engine(spec, run)) as alone:
            _each(cluster, chats)  # the second worker may still be on its way
            pairs = [(_each(cluster, chats), _each(alone, chats)) for _ in range(PAIRS)]
    of_cluster, of_alone = zip(*pairs, strict=True)
    return Overhead(median(of_cluster), median(of_alone), start)


def _each(engine: Engine, chats: Sequence[Chat]) -> float:
    """Milliseconds per response."""
    began = time.perf_counter()
    got = {done.index for done in engine.generate(chats, Sampling())}
    assert len(got) == len(chats)
    return (time.perf_counter() - began) * 1000 / len(chats)


if __name__ == "__main__":
    found = overhead()
    print(
        f"{RESPONSES:,} responses, replay engine, {WORKERS} workers: {found.cluster:.3f} ms each,"
        f" without Ray {found.alone:.3f} ms: {found.added:.3f} ms overhead per response,"
        f" {found.start:.1f} s to start"
    )
