"""Models from the Hugging Face hub or a folder (safetensors), run in this process by transformers.

dtype "auto" is float32 on a CPU and bfloat16 on an accelerator. In float32 a prompt gets the same
text in whatever batch it runs; in bfloat16 near ties flip with the batch, so nothing is promised.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import transformers
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field
from transformers import GenerationConfig

from inference import embedded
from inference.compress import compress
from inference.drawing import GumbelDraw, StopAtText
from inference.engine import Chat, Completion, EngineSpec, Sampling, checked
from inference.loading import end_tokens, load_model
from inference.rendering import plain, templated, with_system
from samples.errors import BenchwarrantError

log = logging.getLogger(__name__)


class Options(BaseModel):
    """What changes the text that comes back."""

    model_config = ConfigDict(extra="forbid")

    chat_template: bool = True  # false: complete the messages' text, joined by blank lines
    compress: str | None = None  # a method of inference/compress.py: "int8", "prune-0.3"
    enable_thinking: bool | None = None  # handed to templates that know it
    system: str | None = None  # goes before every chat


class Run(BaseModel):
    """What changes the speed only."""

    model_config = ConfigDict(extra="forbid")

    batch_size: int | None = Field(default=None, ge=1)  # 16 on a CPU, 64 on an accelerator
    device: str | None = None  # the fastest there is
    threads: int | None = Field(default=None, ge=1)
    base_dir: Path = Path()  # the folder that a relative model path starts from


@dataclass(frozen=True)
class Prompt:
    """A chat that waits for its turn: its place in the call, its exact text and its tokens."""

    index: int
    text: str
    tokens: list[int]


class HfEngine:
    """Runs a causal language model on batches of prompts of like length, the longest first.

    The model's own sampling defaults (top_k, repetition penalty) are left out: the text follows
    from ``Sampling`` and the prompt, not from what else is asked or in which order.
    """

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        self.spec = spec
        self._options = checked(Options, spec.options, "hf: options")
        self._run = checked(Run, run, "hf: run")
        self._device = _device(self._run.device)
        on_cpu = self._device.type == "cpu"
        self._batch_size = self._run.batch_size or (16 if on_cpu else 64)
        if self._run.threads:
            torch.set_num_threads(self._run.threads)
        self._lock = _wait_for_processor() if on_cpu else None
        try:
            self._load("float32" if on_cpu else "bfloat16")
        except BaseException:
            self.close()
            raise

    def _load(self, usual_dtype: str) -> None:
        start = perf_counter()
        spec = self.spec
        dtype = usual_dtype if spec.dtype == "auto" else spec.dtype
        loaded = load_model(spec, dtype, self._device, self._run.base_dir)
        tokenizer, model = loaded.tokenizer, loaded.model
        if self._options.chat_template and not tokenizer.chat_template:
            raise BenchwarrantError(
                f"the model {spec.model!r} has no chat template; set "
                "options.chat_template = false to have it complete plain text"
            )
        self._context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._ends = end_tokens(model, tokenizer)
        model.generation_config = GenerationConfig(
            eos_token_id=sorted(self._ends), pad_token_id=min(self._ends)
        )
        self._tokenizer, self._model = tokenizer, model
        method = self._options.compress
        self._compressed = compress(self._model, method) if method else None
        self._folder = loaded.folder
        self._load_seconds = perf_counter() - start

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        """One completion per chat, batch by batch; where memory runs out, batches are halved."""
        waiting = []
        for index, chat in enumerate(chats):
            prompt = self._prompt(index, chat)
            if self._context and len(prompt.tokens) + sampling.max_tokens > self._context:
                yield Completion(index, None, "too_long", prompt.text, len(prompt.tokens))
            else:
                waiting.append(prompt)
        waiting.sort(key=lambda prompt: -len(prompt.tokens))
        while waiting:
            batch = waiting[: self._batch_size]
            done = self._try_batch(batch, sampling)
            if done:
                yield from done
                del waiting[: len(batch)]
            else:
                self._batch_size = len(batch) // 2
                log.warning("out of memory: going on with batches of %d", self._batch_size)
                if self._device.type == "cuda":
                    torch.cuda.empty_cache()

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "transformers": transformers.__version__,
            "torch": torch.__version__,
            "device": str(self._device),
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "parameters": self._model.num_parameters(),
            "weights_bytes": sum(f.stat().st_size for f in self._folder.glob("*.safetensors")),
            "commit": self._folder.name if self._folder.parent.name == "snapshots" else None,
            "context": self._context,
            "load_seconds": self._load_seconds,
            "batch_size": self._batch_size,
            "threads": torch.get_num_threads(),
        }
        return facts | ({"compress": self._compressed} if self._compressed else {})

    def close(self) -> None:
        self._model = self._tokenizer = None
        if self._lock:
            self._lock.release()
            self._lock = None

    def _prompt(self, index: int, chat: Chat) -> Prompt:
        """The exact text of a chat, and its tokens."""
        chat = with_system(chat, self._options.system)
        if self._options.chat_template:
            extra = self._options.model_dump(include={"enable_thinking"}, exclude_none=True)
            text = templated(self._tokenizer, chat, extra)
        else:
            text = plain(chat)
        # A template writes the first token itself.
        ids = self._tokenizer(text, add_special_tokens=not self._options.chat_template)
        return Prompt(index, text, list(ids["input_ids"]))

    def _try_batch(self, batch: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        """The completions of a batch, or none when it does not fit into memory."""
        try:
            return self._batch(batch, sampling)
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            if len(batch) == 1:
                raise BenchwarrantError(
                    f"out of memory on {self._device} with one prompt of {len(batch[0].tokens)} "
                    "tokens; use another device, a smaller dtype or fewer max_tokens"
                ) from error
            return []

    def _batch(self, batch: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        """Generate for a batch, padded on the left so that all prompts end at the same place."""
        start = perf_counter()
        width = max(len(prompt.tokens) for prompt in batch)
        ids = torch.full((len(batch), width), min(self._ends))
        mask = torch.zeros_like(ids)  # made by hand: the padding is an end token too
        for row, prompt in enumerate(batch):
            ids[row, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens)
            mask[row, width - len(prompt.tokens) :] = 1
        draw, stop = [], []
        if sampling.temperature > 0:
            draw.append(GumbelDraw(sampling, [prompt.text for prompt in batch], self._device))
        if sampling.stop:
            stop.append(StopAtText(self._tokenizer, sampling.stop, width))
        made = self._model.generate(
            ids.to(self._device),
            attention_mask=mask.to(self._device),
            do_sample=False,
            max_new_tokens=sampling.max_tokens,
            logits_processor=draw,
            stopping_criteria=stop,
        )[:, width:].tolist()
        seconds = (perf_counter() - start) / len(batch)
        done = []
        for prompt, tokens in zip(batch, made, strict=True):
            text, finish, count = self._ending(tokens, sampling.stop)
            sent = (prompt.text, len(prompt.tokens))
            done.append(Completion(prompt.index, text, finish, *sent, count, seconds))
        return done

    def _ending(self, made: list[int], stop: Sequence[str]) -> tuple[str, str, int]:
        """A row's text up to where it ends, why it ends there, and how many tokens it took."""
        # A row that stopped early is filled up with end tokens, so the first one always marks it.
        end = next((i for i, token in enumerate(made) if token in self._ends), len(made))
        text: str = self._tokenizer.decode(
            made[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        cuts = [text.index(mark) for mark in stop if mark in text]
        if cuts:
            return text[: min(cuts)], "stop", end
        return (text, "stop", end + 1) if end < len(made) else (text, "length", end)


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
