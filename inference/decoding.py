"""What the ways to run a batch have in common: prompts in, finished rows out.

Each way is a function (LocalModel, prompts, Sampling) → iterator of Made. Where memory runs out it
raises, and what it has not handed out is asked again in smaller batches.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from inference.engine import Chat, Sampling

MEMINFO = Path("/proc/meminfo")
SHARE_OF_FREE_MEMORY = 0.5  # for keys and values; the rest is for a pass's own needs


@dataclass(frozen=True)
class Prompt:
    """A chat that waits for its turn: its place in the call, its exact text and its tokens."""

    index: int
    text: str
    tokens: list[int]
    before: Chat  # all but the last message: the same for all items of a task


@dataclass(frozen=True)
class Made:
    """A finished row: its tokens with the end token, and the seconds from its start to its end."""

    prompt: Prompt
    tokens: list[int]
    seconds: float


@dataclass
class LocalModel:
    """A loaded model as a batch sees it. ``kv_bytes`` is the most that keys and values took."""

    model: Any
    tokenizer: Any
    ends: frozenset[int]  # tokens that end an answer
    batch_size: int
    kv_bytes: int = 0

    @property
    def device(self) -> torch.device:
        device: torch.device = self.model.device
        return device


Way = Callable[[LocalModel, Sequence[Prompt], Sampling], Iterator[Made]]


def bytes_per_token(model: Any) -> int:
    """What the keys and values of one token take, by the model's shape."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * size * model.dtype.itemsize)


def rows_that_fit(local: LocalModel, room: int) -> int:
    """How many rows of ``room`` tokens have their keys and values in memory at a time."""
    free = _free(local.device)
    if free is None:
        return local.batch_size
    fitting = SHARE_OF_FREE_MEMORY * free / (bytes_per_token(local.model) * room)
    return max(1, min(local.batch_size, int(fitting)))


def _free(device: torch.device) -> int | None:
    """Bytes that may still be taken; None where nothing tells."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    # Not the pages that are free: what the system keeps of files makes room when it is asked to.
    if MEMINFO.exists() and (found := re.search(r"MemAvailable:\s+(\d+) kB", MEMINFO.read_text())):
        return int(found[1]) * 1024
    return None


def stopwatch() -> Callable[[], float]:
    """Seconds since it was made."""
    start = perf_counter()
    return lambda: perf_counter() - start
