"""`make bench-inference`: how fast answers are collected, beside what people use today.

Every run of a model is a process of its own under the machine's inference lock: the same texts,
greedy, the same limit of tokens; ours and the peer's take turns. Counted are the seconds from the
first prompt handed in to the last answer out, tokenisation included, loading and warm-up not.
Prints one line per figure. Asks GSM8K where its test file is, else the project's own word problems.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import peer_lm_eval
from filelock import FileLock

from inference import embedded
from inference.engine import Chat, EngineSpec, Message, Sampling, open_engine
from inference.prompting import render
from inference.rendering import templated
from samples.errors import BenchwarrantError
from samples.tasks import TaskData, TaskOptions, load_task

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("BENCHWARRANT_DATA", ROOT.parent / "shared" / "data"))
MODEL = "embedded:smollm2-135m"
TOKENS = 96  # at most, of every answer
BATCHES = (8, 16, 32)  # a peer runs at the best of these
BUSY = 0.05  # of the processor, by other programs: a figure then says so
NEAR_TIE = 1e-3  # between the logits of the two likeliest tokens
SHOTS = {"8-shot-cot": "8-shot CoT", "cot": "zero-shot CoT"}
HARNESS, GENERATE = "lm-evaluation-harness", "model.generate"
REQUESTS, DELAY, CONCURRENCY = 2_000, 0.2, 64


class NotMeasured(Exception):
    """Why a part has no figure; the other parts go on."""


@dataclass(frozen=True)
class Asked:
    """The questions: as chats for our engines, as texts for a peer, and the tokens of these."""

    what: str
    chats: Sequence[Chat]
    prompts: Sequence[str]
    tokens: Sequence[Sequence[int]]

    def first(self, n: int) -> "Asked":
        return replace(self, chats=self.chats[:n], prompts=self.prompts[:n], tokens=self.tokens[:n])


@dataclass
class Bench:
    """What is asked, how often, and what the hf engine last answered, by strategy and dtype."""

    asked: Mapping[str, Asked]
    rounds: int | None
    answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help="some of the parts, as in a,c")
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument(
        "--rounds", type=int, help="paired runs (1; 3 of zero-shot, which is short)"
    )
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        return _work(args.job)
    parts = {name: PARTS[name] for name in args.only.split(",")}
    minutes = sum(minutes for _, minutes in parts.values())
    print(f"inference: takes about {minutes} minutes with 64 items on two cores", flush=True)
    bench = Bench(_questions(args.items), args.rounds)
    for name, (part, _) in parts.items():
        try:
            part(bench)
        except (NotMeasured, BenchwarrantError, ImportError, subprocess.CalledProcessError) as why:
            print(f"{name}: not measured: {why}", flush=True)
    print(_machine())


# The questions


def _questions(items: int) -> dict[str, Asked]:
    from transformers import AutoTokenizer

    name, data = _task(items)
    tokenizer = AutoTokenizer.from_pretrained(embedded.path(_note))
    asked = {}
    for strategy, wording in SHOTS.items():
        chats = [render(item, strategy, data.exemplars) for item in data.items]
        prompts = [templated(tokenizer, chat, {}) for chat in chats]
        tokens = tokenizer(prompts, add_special_tokens=False)["input_ids"]
        what = f"{wording} {name}, {len(chats)} items"
        asked[strategy] = Asked(what, chats, prompts, tokens)
    return asked


def _task(items: int) -> tuple[str, TaskData]:
    path = DATA / "task_gsm8k" / "test.jsonl"
    if path.exists():
        return "GSM8K", load_task(TaskOptions("gsm8k", path=path, limit=items), "gsm8k")
    _note(f"{path} is not here (BENCHWARRANT_DATA names its folder): asking word problems instead")
    problems = load_task(TaskOptions("word-problems", limit=items), "word-problems")
    sums = load_task(TaskOptions("sums"), "sums")  # for there are two worked word problems only
    return "word problems", replace(problems, exemplars=problems.exemplars + sums.exemplars)


# Parts a to d: against a peer that runs the same model on the same processor


@dataclass(frozen=True)
class Race:
    strategy: str
    dtype: str
    peer: str
    goal: float
    rounds: int = 1

    def __call__(self, bench: Bench) -> None:
        asked = bench.asked[self.strategy]
        batch = _best_batch(self.peer, asked, self.dtype)
        ours, theirs = [], []
        for _ in range(bench.rounds or self.rounds):
            ours.append(_rate(_hf(bench, self.strategy, self.dtype)))
            theirs.append(_rate(_peer(self.peer, asked, self.dtype, batch)))
        name = f"{self.peer} at batch {batch}"
        what = f"{asked.what}, {self.dtype}: answers/s"
        _line(what, median(ours), name, median(theirs), median(ours) / median(theirs), self.goal)


def _best_batch(peer: str, asked: Asked, dtype: str) -> int:
    """By one full batch of each size."""
    sizes = [size for size in BATCHES if size <= len(asked.prompts)] or [len(asked.prompts)]
    rates = {size: _rate(_peer(peer, asked.first(size), dtype, size)) for size in sizes}
    return max(rates, key=lambda size: rates[size])


def _peer(
    peer: str, asked: Asked, dtype: str, batch: int, ours: Sequence[str] | None = None
) -> dict[str, Any]:
    """One run of a peer; refuses to compare when it did not see the same tokens."""
    job = {
        "model": str(embedded.path(_note)),
        "dtype": dtype,
        "batch": batch,
        "max_tokens": TOKENS,
        "prompts": asked.prompts,
        "ours": ours,
    }
    script = ROOT / "tests" / ("peer_lm_eval.py" if peer == HARNESS else "peer_generate.py")
    python = peer_lm_eval.python(_note) if peer == HARNESS else sys.executable
    with _lock():
        made = _run([python, str(script)], job)
    if made["tokens"] != asked.tokens:
        raise NotMeasured(f"{peer} did not see the same tokens")
    _note(f"{peer}, {asked.what}, {dtype}, batch {batch}: {_rate(made):.3f} answers/s")
    return made


def _hf(bench: Bench, strategy: str, dtype: str) -> dict[str, Any]:
    """One run of our hf engine, as it comes."""
    asked = bench.asked[strategy]
    made = _ours(asked, EngineSpec("hf", MODEL, dtype=dtype))
    if made["prompts"] != asked.prompts or made["counts"] != [len(ids) for ids in asked.tokens]:
        raise NotMeasured("the hf engine did not send the same text")
    bench.answers[strategy, dtype] = made
    return made


# The other parts


def llama_cpp(bench: Bench) -> None:
    spec = EngineSpec("served", MODEL, options={"server": "llama.cpp"})
    for strategy, asked in bench.asked.items():
        rate = _rate(_ours(asked, spec))
        beside = bench.answers.get((strategy, "bfloat16"))
        ours = f", hf in bfloat16 {_rate(beside):.2f}" if beside else ""
        what = f"{asked.what}: answers/s of llama.cpp's server (4-bit weights)"
        print(f"{what}: {rate:.2f}{ours}, stated", flush=True)


def slow_server(bench: Bench) -> None:
    from slow_server import start

    chats = [(Message("user", f"Question {number}?"),) for number in range(REQUESTS)]
    with start(DELAY) as (base_url, _):
        run = {"base_url": base_url, "concurrency": CONCURRENCY}
        engine = open_engine(EngineSpec("openai", "slow"), run)
        try:
            _seconds(lambda: engine.generate(chats[:CONCURRENCY], Sampling()))
            times = [
                _seconds(lambda: engine.generate(chats, Sampling()))
                for _ in range(bench.rounds or 3)
            ]
        finally:
            engine.close()
    ideal, ours = REQUESTS * DELAY / CONCURRENCY, median(times)
    what = f"{REQUESTS:,} requests to a server that takes {DELAY} s, {CONCURRENCY} at once: seconds"
    _line(what, ours, "ideal", ideal, ideal / ours, 0.9)


def cluster(bench: Bench) -> None:
    from bench_cluster import RESPONSES, WORKERS, overhead

    found = overhead()
    what = f"{RESPONSES:,} replayed responses by {WORKERS} workers of a cluster: ms each"
    alone = f"without Ray {found.alone:.3f}, {found.added:.3f} ms overhead per response"
    print(f"{what}: {found.cluster:.3f}, {alone}, stated", flush=True)


def equal_texts(bench: Bench) -> None:
    """Texts of the hf engine in float32 against `generate` with one prompt at a time."""
    total, gaps = 0, []
    for strategy, asked in bench.asked.items():
        made = bench.answers.get((strategy, "float32")) or _hf(bench, strategy, "float32")
        alone = _peer(GENERATE, asked, "float32", 1, made["texts"])
        total += len(asked.prompts)
        gaps += [parted["gap"] for parted in alone["parted"]]
    ties = sum(gap is not None and gap < NEAR_TIE for gap in gaps)
    share = 1 - len(gaps) / total
    what = f"8-shot and zero-shot, {total} answers in float32: % the same as batch-1 generate's"
    what += f" ({len(gaps)} differ, {ties} of them from a near tie on)"
    _line(what, 100 * share, "all", 100.0, share, 0.99)


def memory(bench: Bench) -> None:
    from bench_memory import memory_of_collecting

    megabytes = memory_of_collecting(100_000) / 1e6
    what = "collecting 100,000 replayed responses: MB of peak memory above the start"
    _line(what, megabytes, "limit", 300.0, 300.0 / megabytes, 1.0)


PARTS: dict[str, tuple[Callable[[Bench], None], int]] = {  # and the minutes that each takes
    "a": (Race("8-shot-cot", "bfloat16", HARNESS, 6.0), 6),
    "b": (Race("8-shot-cot", "float32", HARNESS, 5.0), 12),
    "c": (Race("cot", "bfloat16", HARNESS, 1.2, rounds=3), 3),
    "d": (Race("8-shot-cot", "bfloat16", GENERATE, 5.0), 5),
    "e": (llama_cpp, 4),
    "f": (slow_server, 1),
    "g": (cluster, 1),
    "h": (equal_texts, 11),
    "i": (memory, 1),
}


# Runs and lines


def _ours(asked: Asked, spec: EngineSpec) -> dict[str, Any]:
    chats = [[[message.role, message.content] for message in chat] for chat in asked.chats]
    with _lock():
        pass  # so that whom we would wait for is not taken for a disturbance
    made = _run([sys.executable, __file__, "--job"], {"spec": asdict(spec), "chats": chats})
    _note(f"{spec.engine}, {asked.what}, {spec.dtype}: {_rate(made):.3f} answers/s")
    return made


def _run(command: Sequence[str], job: Mapping[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "job.json")
        path.write_text(json.dumps(job), encoding="utf-8")
        before = _processor()
        done = subprocess.run([*command, path], cwd=ROOT, capture_output=True, text=True)
        others, whole = (now - then for now, then in zip(_processor(), before, strict=True))
    if done.returncode:
        raise NotMeasured((done.stderr.strip().splitlines() or ["no word why"])[-1])
    if others > BUSY * whole:
        share = f"{others / whole:.0%} of the processor"
        print(f"disturbed: other programs took {share} in a run of the next figure", flush=True)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def _processor() -> tuple[float, float]:
    """Processor seconds that other programs took so far, and all that passed; 0 where unknown."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0, 0.0
    ticks = [int(x) for x in stat.read_text(encoding="utf-8").splitlines()[0].split()[1:9]]
    whole, idle = (sum(some) / os.sysconf("SC_CLK_TCK") for some in (ticks, ticks[3:5]))
    return whole - idle - sum(os.times()[:4]), whole


def _work(path: Path) -> None:
    """One run of an engine of ours, in a process of its own."""
    job = json.loads(path.read_text(encoding="utf-8"))
    chats = [tuple(Message(*message) for message in chat) for chat in job["chats"]]
    with redirect_stdout(sys.stderr), _lock():
        engine = open_engine(EngineSpec(**job["spec"]), {})
        try:
            list(engine.generate([(Message("user", "Warm up."),)], Sampling(max_tokens=4)))
            start = perf_counter()
            done = list(engine.generate(chats, Sampling(max_tokens=TOKENS)))
            seconds = perf_counter() - start
        finally:
            engine.close()
    done.sort(key=lambda completion: completion.index)
    failed = [each for each in done if each.finish not in ("stop", "length")]
    if failed or len(done) != len(chats):
        sys.exit(f"{len(chats) - len(done) + len(failed)} prompts got no answer: {failed[:1]}")
    made = {
        "seconds": seconds,
        "texts": [each.text for each in done],
        "prompts": [each.prompt for each in done],
        "counts": [each.prompt_tokens for each in done],
    }
    json.dump(made, sys.stdout)


def _lock() -> FileLock:
    """The lock that the hf engine takes; in one process it can be taken twice."""
    path = embedded.cache_folder() / "inference.lock"
    return FileLock(path, is_singleton=True, thread_local=False)


def _seconds(work: Callable[[], Any]) -> float:
    start = perf_counter()
    finishes = {done.finish for done in work()}
    if finishes != {"stop"}:
        raise NotMeasured(f"answers that finished as {', '.join(finishes)}")
    return perf_counter() - start


def _rate(made: Mapping[str, Any]) -> float:
    return len(made["texts"]) / float(made["seconds"])


def _line(what: str, ours: float, name: str, other: float, ratio: float, goal: float) -> None:
    verdict = "ok" if ratio >= goal else "missed"
    figures = f"{ours:.2f}, {name} {other:.2f}, {ratio:.2f} ×, goal {goal:g} ×"
    print(f"{what}: {figures}, {verdict}", flush=True)


def _note(text: str) -> None:
    """Progress: not part of what is pasted."""
    print(text, file=sys.stderr, flush=True)


def _machine() -> str:
    known = []
    for package in ("torch", "transformers", "openai", "ray", "xllamacpp"):
        try:
            known.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    known.append(peer_lm_eval.PINS[0].replace("[hf]==", " "))
    cpu = platform.processor() or platform.machine()
    where = f"{os.cpu_count()} cores, {cpu}, Python {platform.python_version()}"
    return ", ".join([where, *known])


if __name__ == "__main__":
    main()
