"""Attention over a row's own tokens and over a beginning that all rows share.

What all prompts begin with, such as the worked examples of a task, is computed once and kept once.
A row attends to its own tokens and to the shared ones in two calls, whose results are merged by
their log-sum-exp (Ye et al. 2024, Cascade Inference; Juravsky et al. 2024, Hydragen, equation 5).
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import AttentionInterface

IMPLEMENTATION = "benchwarrant_slots"

Attended = tuple[torch.Tensor, torch.Tensor]  # values (rows, heads, new, size), their log-sum-exp


@dataclass
class Memory:
    """Keys and values by layer, (slots, heads, tokens, size), and which rows a pass is about."""

    slots: int
    room: int  # tokens per slot
    prefix: "Memory | None" = None
    keys: dict[int, torch.Tensor] = field(default_factory=dict)
    values: dict[int, torch.Tensor] = field(default_factory=dict)
    rows: slice = field(default_factory=lambda: slice(0))
    lengths: torch.Tensor | None = None  # tokens that each row has so far; None: prompts come in
    mask: torch.Tensor | None = None  # 0 where a row has a token, -inf where only others have

    @property
    def bytes(self) -> int:
        return sum(store.nbytes for store in (*self.keys.values(), *self.values.values()))

    def begin(self, first: int, count: int) -> None:
        """The next pass writes whole prompts into slots, from ``first`` on."""
        self.rows, self.lengths, self.mask = slice(first, first + count), None, None

    def go_on(self, lengths: torch.Tensor, dtype: torch.dtype) -> None:
        """The next pass adds one token to each of the first slots."""
        self.rows, self.lengths = slice(len(lengths)), lengths
        there = torch.arange(int(lengths.max()) + 1, device=lengths.device) <= lengths[:, None]
        self.mask = torch.zeros(there.shape, dtype=dtype, device=there.device)
        self.mask = self.mask.masked_fill(~there, -torch.inf)[:, None, None]

    def store(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> Attended:
        """Keep a pass's keys and values; returns all that its rows have by now."""
        if layer not in self.keys:
            shape = (self.slots, key.shape[1], self.room)
            # Zeros: what a mask hides is still multiplied by 0, and left-over bytes may be NaN.
            self.keys[layer] = key.new_zeros(*shape, key.shape[3])
            self.values[layer] = value.new_zeros(*shape, value.shape[3])
        keys, values = self.keys[layer][self.rows], self.values[layer][self.rows]
        if self.lengths is None or self.mask is None:
            keys[:, :, : key.shape[2]], values[:, :, : key.shape[2]] = key, value
            return key, value
        every = torch.arange(len(self.lengths), device=key.device)
        keys[every, :, self.lengths], values[every, :, self.lengths] = key[:, :, 0], value[:, :, 0]
        seen = self.mask.shape[-1]
        return keys[:, :, :seen], values[:, :, :seen]

    def move(self, source: int, target: int, tokens: int) -> None:
        """Put a row into a slot that became free."""
        for store in (*self.keys.values(), *self.values.values()):
            store[target, :, :tokens] = store[source, :, :tokens]


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    scaling: float,
    memory: Memory,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as the library calls it: queries (rows, heads, new, size), grouped over keys."""
    layer = module.layer_idx
    keys, values = memory.store(layer, key, value)
    rows, heads, _, size = query.shape
    shared = heads // key.shape[1]  # query heads that have a key head in common
    if memory.lengths is None:
        keys, values = keys.repeat_interleave(shared, 1), values.repeat_interleave(shared, 1)
        near = attention(query, keys, values, scaling, causal=True)
    else:  # one new token: query heads of a key head stand where its tokens would
        folded = query.reshape(rows, heads // shared, shared, size)
        out, weight = attention(folded, keys, values, scaling, mask=memory.mask)
        near = out.reshape(rows, heads, 1, -1), weight.reshape(rows, heads, 1)
    if memory.prefix is None:
        return near[0].transpose(1, 2), None
    far = _prefix_attention(query, memory.prefix, layer, scaling)
    return merged(near, far).transpose(1, 2), None


def merged(near: Attended, far: Attended) -> torch.Tensor:
    """Attention over two sets of keys from that over each: weights are the sums of the scores."""
    (out, weight), (far_out, far_weight) = near, far
    return torch.lerp(out, far_out, torch.sigmoid(far_weight - weight).unsqueeze(-1).to(out.dtype))


def _prefix_attention(query: torch.Tensor, prefix: Memory, layer: int, scale: float) -> Attended:
    """All tokens of all rows stand in one line before the shared keys: a single large product."""
    keys, values = prefix.keys[layer], prefix.values[layer]
    rows, heads, new, size = query.shape
    apart = (keys.shape[1], rows, heads // keys.shape[1], new)
    line = query.reshape(rows, apart[0], apart[2], new, size).transpose(0, 1)
    out, weight = attention(line.reshape(1, apart[0], -1, size), keys, values, scale)
    out = out.reshape(*apart, -1).transpose(0, 1).reshape(rows, heads, new, -1)
    return out, weight.reshape(apart).transpose(0, 1).reshape(rows, heads, new)


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scale: float,
    *,
    causal: bool = False,
    mask: torch.Tensor | None = None,
) -> Attended:
    """Softmax attention with the log-sum-exp of its scores, by which two parts can be merged."""
    if query.device.type == "cpu" and FLASH:
        out, weight = FLASH(query, key, value, 0.0, causal, attn_mask=mask, scale=scale)
        return out, weight
    scores = (query @ key.transpose(2, 3)).float() * scale
    if causal:
        scores += torch.full_like(scores[0, 0], -torch.inf).triu(1)
    if mask is not None:
        scores += mask
    weight = scores.logsumexp(-1)
    return (scores - weight.unsqueeze(-1)).exp().to(value.dtype) @ value, weight


# The CPU's kernel is not public: where torch stops offering it, the plain formula does its work.
FLASH = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
AttentionInterface.register(IMPLEMENTATION, attend)
