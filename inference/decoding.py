"""What the ways to run a batch have in common: prompts in, finished rows out.

Each way is a function (LocalModel, prompts, Sampling) → iterator of Made. Where memory runs out it
raises, and what it has not handed out is asked again in smaller batches.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch

from inference.engine import Chat, Sampling

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
    if local.device.type == "cuda":
        free = torch.cuda.mem_get_info(local.device)[0]
    elif "SC_AVPHYS_PAGES" in os.sysconf_names:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    else:
        return local.batch_size
    fitting = SHARE_OF_FREE_MEMORY * free / (bytes_per_token(local.model) * room)
    return max(1, min(local.batch_size, int(fitting)))


def stopwatch() -> Callable[[], float]:
    """Seconds since it was made."""
    start = perf_counter()
    return lambda: perf_counter() - start
