"""Models from the Hugging Face hub or a folder (safetensors), run in this process by transformers.

dtype "auto" is float32 on a CPU and bfloat16 on an accelerator. In float32 a prompt gets the same
text in whatever batch it runs; in bfloat16 near ties flip with the batch, so nothing is promised.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
import transformers
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field
from transformers import GenerationConfig

from inference import embedded, footprint, slots
from inference.compress import compress
from inference.continuous import continuous
from inference.decoding import LocalModel, Made, Prompt, Way, stopwatch
from inference.engine import Chat, Completion, EngineSpec, Sampling, checked, spellings
from inference.likelihood import Likely, likelihoods
from inference.loading import end_tokens, load_model
from inference.padded import padded
from inference.rendering import plain, templated, with_system
from samples.errors import BenchwarrantError
from samples.records import canonical_json

log = logging.getLogger(__name__)
D = TypeVar("D", Made, Likely)


class Options(BaseModel):
    """What changes the text that comes back."""

    model_config = ConfigDict(extra="forbid")

    chat_template: bool = True  # false: the answer is the paragraph after the messages' own
    compress: str | None = None  # a method of inference/compress.py: "int8", "prune-0.3"
    gguf_file: str | None = None  # which file of the model's folder or repository
    enable_thinking: bool | None = None  # handed to templates that know it
    system: str | None = None  # goes before every chat


class Run(BaseModel):
    """What changes the speed only."""

    model_config = ConfigDict(extra="forbid")

    batch_size: int | None = Field(default=None, ge=1)  # 64 on a CPU, 256 on an accelerator
    way: Literal["slots", "continuous", "padded"] | None = None  # the fastest that fits the model
    device: str | None = None  # the fastest there is
    threads: int | None = Field(default=None, ge=1)
    base_dir: Path = Path()  # the folder that a relative model path starts from


WINDOW = 1024  # prompts that are sorted and grouped together

WAYS: dict[str, Way] = {"slots": slots.slots, "continuous": continuous, "padded": padded}


class HfEngine:
    """Runs a causal language model in the fastest way that fits it and the machine.

    The model's own sampling defaults (top_k, repetition penalty) are left out: the text follows
    from ``Sampling`` and the prompt, not from what else is asked or in which order.
    """

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        self.spec = spec
        self._options = checked(Options, spec.options, "hf: options")
        self._run = checked(Run, run, "hf: run")
        self._device = _device(self._run.device)
        if self._run.threads:
            torch.set_num_threads(self._run.threads)
        self._lock = _wait_for_processor() if self._device.type == "cpu" else None
        self._ways: set[str] = set()
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        footprint.restart(self._device)
        seconds = stopwatch()
        on_cpu = self._device.type == "cpu"
        dtype = self.spec.dtype
        if dtype == "auto":
            dtype = "float32" if on_cpu else "bfloat16"
        loaded = load_model(self.spec, dtype, self._device, self._run.base_dir)
        tokenizer, model = loaded.tokenizer, loaded.model
        if self._options.chat_template and not tokenizer.chat_template:
            raise BenchwarrantError(
                f"the model {self.spec.model!r} has no chat template; set "
                "options.chat_template = false to have it complete plain text"
            )
        ends = end_tokens(model, tokenizer)
        model.generation_config = GenerationConfig(
            eos_token_id=sorted(ends), pad_token_id=min(ends)
        )
        method = self._options.compress
        self._compressed = compress(model, method) if method else None
        batch_size = self._run.batch_size or (64 if on_cpu else 256)
        self._local = LocalModel(model, tokenizer, frozenset(ends), batch_size)
        self._context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._fast = self._run.way != "padded" and slots.fits(self._local)
        self._loaded = replace(loaded, model=None, tokenizer=None)
        self._load_seconds = seconds()

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        """One completion per chat, as they finish; never more than a window of them in memory."""
        way = self._way(sampling)
        self._ways.add(way)
        for start in range(0, len(chats), WINDOW):
            waiting, too_long = self._fitting(chats, start, sampling.max_tokens)
            yield from too_long
            for made in self._made(waiting, lambda some: WAYS[way](self._local, some, sampling)):
                text, finish = self._ending(made.tokens, sampling.stop)
                sent = (made.prompt.text, len(made.prompt.tokens))
                counts = (len(made.tokens), made.seconds)
                yield Completion(made.prompt.index, text, finish, *sent, *counts)

    def score(self, chats: Sequence[Chat], labels: Sequence[str]) -> Iterator[Completion]:
        """How probable each label is as the beginning of the answer, by all of its tokens."""
        spelt = [self._spelt(label) for label in labels]
        texts = {tokens: text for ways in spelt for tokens, text in ways.items()}
        fast = self._fast and self._device.type == "cpu"  # passes of slots are small for a GPU
        run = partial(likelihoods, self._local, texts=list(texts), fast=fast)
        for start in range(0, len(chats), WINDOW):
            waiting, too_long = self._fitting(chats, start, max(map(len, texts)))
            yield from too_long
            for done in self._made(waiting, run):
                prompt, found = done.prompt, dict(zip(texts, done.logprobs, strict=True))
                read = {text: _rounded(found[tokens]) for tokens, text in texts.items()}
                sums = [_log_of_sum([found[tokens] for tokens in ways]) for ways in spelt]
                yield Completion(
                    prompt.index,
                    canonical_json({"logprobs": read}),
                    "stop",
                    prompt.text,
                    len(prompt.tokens),
                    seconds=done.seconds,
                    logprobs=tuple(sums),
                )

    def _spelt(self, label: str) -> dict[tuple[int, ...], str]:
        """A label's spellings by their tokens."""
        texts = spellings(label)
        read = self._local.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return {tuple(tokens): text for tokens, text in zip(read, texts, strict=True)}

    def _fitting(
        self, chats: Sequence[Chat], start: int, room: int
    ) -> tuple[dict[int, Prompt], list[Completion]]:
        """A window of prompts that leave so much room, and outcomes for those that don't."""
        waiting, too_long = {}, []
        for index in range(start, min(start + WINDOW, len(chats))):
            prompt = self._prompt(index, chats[index])
            if self._context and len(prompt.tokens) + room > self._context:
                sent = (prompt.text, len(prompt.tokens))
                too_long.append(Completion(index, None, "too_long", *sent))
            else:
                waiting[index] = prompt
        return waiting, too_long

    def _made(
        self, waiting: dict[int, Prompt], run: Callable[[list[Prompt]], Iterator[D]]
    ) -> Iterator[D]:
        """Every prompt's outcome; where memory runs out, what is left goes on in half as many."""
        while waiting:
            try:
                for made in run(list(waiting.values())):
                    del waiting[made.prompt.index]
                    yield made
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                self._halve([len(prompt.tokens) for prompt in waiting.values()], error)

    def _halve(self, lengths: list[int], error: RuntimeError) -> None:
        at_once = min(self._local.batch_size, len(lengths))
        if at_once == 1:
            raise BenchwarrantError(
                f"out of memory on {self._device} with one prompt of {max(lengths)} tokens; use "
                "another device, a smaller dtype or fewer max_tokens"
            ) from error
        self._local.batch_size = at_once // 2
        log.warning("out of memory: going on with batches of %d", self._local.batch_size)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _way(self, sampling: Sampling) -> str:
        """The way asked for, else the library's on a GPU and our own elsewhere."""
        if self._run.way:
            return self._run.way if self._fast or self._run.way != "slots" else "padded"
        model = self._local.model
        library = self._device.type == "cuda" and getattr(model, "_supports_attention_backend", 0)
        if library and not sampling.stop:  # which it does not know
            return "continuous"
        return "slots" if self._fast else "padded"

    def facts(self) -> dict[str, Any]:
        model, folder = self._local.model, self._loaded.folder
        facts: dict[str, Any] = {
            "transformers": transformers.__version__,
            "torch": torch.__version__,
            "device": footprint.device_name(self._device),
            "dtype": str(model.dtype).removeprefix("torch."),
            "parameters": self._loaded.parameters,
            "weights_bytes": self._loaded.weights_bytes,
            "quantization": self._loaded.quantization,
            "memory": footprint.memory(self._device, model, self._local.kv_bytes),
            "commit": folder.name if folder.parent.name == "snapshots" else None,
            "context": self._context,
            "load_seconds": self._load_seconds,
            "batch_size": self._local.batch_size,
            "ways": sorted(self._ways),
            "threads": torch.get_num_threads(),
        }
        return facts | ({"compress": self._compressed} if self._compressed else {})

    def close(self) -> None:
        self._local = None  # type: ignore[assignment]
        if self._lock:
            self._lock.release()
            self._lock = None

    def _prompt(self, index: int, chat: Chat) -> Prompt:
        """The exact text of a chat, and its tokens."""
        chat = with_system(chat, self._options.system)
        tokenizer = self._local.tokenizer
        if self._options.chat_template:
            extra = self._options.model_dump(include={"enable_thinking"}, exclude_none=True)
            text = templated(tokenizer, chat, extra)
        else:
            text = plain(chat)
        # A template writes the first token itself.
        ids = tokenizer(text, add_special_tokens=not self._options.chat_template)
        return Prompt(index, text, list(ids["input_ids"]), chat[:-1])

    def _ending(self, made: list[int], stop: Sequence[str]) -> tuple[str, str]:
        """A row's text up to where it ends, and why it ends there."""
        ended = made[-1] in self._local.ends
        text: str = self._local.tokenizer.decode(
            made[:-1] if ended else made,
            skip_special_tokens=True,
            clean_up_tokenization_spaces=False,
        )
        cuts = [text.index(mark) for mark in stop if mark in text]
        if cuts:
            return text[: min(cuts)], "stop"
        return text, "stop" if ended else "length"


def _rounded(logprob: float) -> float | None:
    """For the record, which has no word for what a float16 model makes when it overflows."""
    return round(logprob, 4) if isfinite(logprob) else None


def _log_of_sum(logprobs: Sequence[float]) -> float:
    return float(torch.tensor(logprobs, dtype=torch.float64).logsumexp(0))


def _device(wanted: str | None) -> torch.device:
    """The device asked for, or the fastest there is."""
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    usable = [kind for kind in there if there[kind]]
    device = wanted or usable[0]
    if device.partition(":")[0] not in usable:
        raise BenchwarrantError(f"hf: run: no device {device!r} here; use {' or '.join(usable)}")
    return torch.device(device)


def _wait_for_processor() -> FileLock:
    """Let one process at a time run models on the CPU: two slow each other down up to tenfold."""
    path = embedded.cache_folder() / "inference.lock"
    lock = FileLock(path, is_singleton=True, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("another process runs a model on this CPU: waiting for it to finish")
        lock.acquire()
    return lock


def _out_of_memory(error: RuntimeError) -> bool:
    text = str(error).lower()  # CUDA and MPS say the first, the CPU's allocator the second
    return "out of memory" in text or "can't allocate memory" in text
