"""Many prompts through one model on a CPU: nothing computed twice, no slot left empty.

The library's continuous batching is three times slower there than a padded batch. Here each row
under way has a slot for its keys and values; a row that is finished makes room for the next prompt.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from inference.attention import IMPLEMENTATION, Memory
from inference.decoding import LocalModel, Made, Prompt, rows_that_fit, stopwatch
from inference.drawing import choose, generator, stopped
from inference.engine import Sampling

PREFILL_TOKENS = 512  # new tokens in one pass: fewer are slower, more gained nothing
WORTH_SHARING = 128  # tokens; a shorter beginning costs more in merging than it saves
REFILL = 8  # a pass for new prompts waits until one slot in so many is free, or all fit


@dataclass
class Row:
    """A prompt under way: what it has made, and where its chance comes from."""

    prompt: Prompt
    made: list[int]
    generator: torch.Generator
    seconds: Any  # its stopwatch


def slots(local: LocalModel, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Made]:
    """Rows as they finish, the longest prompts first; chats with one beginning run together."""
    local.model.set_attn_implementation(IMPLEMENTATION)
    groups = defaultdict(list)
    for prompt in prompts:
        groups[prompt.before].append(prompt)
    for group in groups.values():
        group.sort(key=lambda prompt: -len(prompt.tokens))
        yield from Batch(local, group, sampling).run()


class Batch:
    """Prompts that share a beginning, the memory they run in, and the rows under way."""

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def __init__(self, local: LocalModel, waiting: list[Prompt], sampling: Sampling) -> None:
        self.local, self.waiting, self.sampling = local, waiting, sampling
        self.rows: list[Row] = []  # row i has slot i
        self.shared = shared_beginning([prompt.tokens for prompt in waiting])
        prefix = Memory(1, self.shared) if self.shared else None
        if prefix:
            prefix.begin(0, 1)
            self._pass([waiting[0].tokens[: self.shared]], prefix, torch.zeros(1, 1).long())
        room = len(waiting[0].tokens) - self.shared + sampling.max_tokens
        self.memory = Memory(min(rows_that_fit(local, room), len(waiting)), room, prefix)

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def run(self) -> Iterator[Made]:
        """Prefill where slots are free, then a token for every row, until all are finished."""
        while self.waiting or self.rows:
            free = self.memory.slots - len(self.rows)
            before = len(self.rows)
            enough = max(1, min(self.memory.slots // REFILL, len(self.waiting)))
            if self.waiting and free >= enough:
                scores = self.prefill_scores(free)
                yield from self._took(scores, range(before, len(self.rows)))
            else:
                yield from self._took(self.step_scores(), range(before))
        parts = (self.memory, *filter(None, [self.memory.prefix]))
        self.local.kv_bytes = max(self.local.kv_bytes, sum(part.bytes for part in parts))

    def prefill_scores(self, free: int) -> torch.Tensor:
        """Put the next prompts into free slots, as many as one pass takes."""
        width = len(self.waiting[0].tokens) - self.shared
        count = max(1, min(free, PREFILL_TOKENS // width, len(self.waiting)))
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        first = len(self.rows)
        self.memory.begin(first, count)
        own = [prompt.tokens[self.shared :] for prompt in batch]
        last = torch.tensor([[len(tokens) - 1] for tokens in own])
        for prompt in batch:
            source = generator(self.sampling, prompt.text, self.local.device)
            self.rows.append(Row(prompt, [], source, stopwatch()))
        return self._pass(own, self.memory, last, self.shared)

    def step_scores(self) -> torch.Tensor:
        """Read the newest token of every row under way."""
        device = self.local.device
        lengths = torch.tensor(
            [len(row.prompt.tokens) - self.shared + len(row.made) - 1 for row in self.rows],
            device=device,
        )
        self.memory.go_on(lengths, self.local.model.dtype)
        logits: torch.Tensor = self.local.model(
            input_ids=torch.tensor([row.made[-1:] for row in self.rows], device=device),
            position_ids=(lengths + self.shared)[:, None],
            use_cache=False,
            memory=self.memory,
        ).logits
        return logits[:, -1]

    def _pass(
        self, own: list[list[int]], memory: Memory, last: torch.Tensor, start: int = 0
    ) -> torch.Tensor:
        """Whole prompts, padded on the right, where causal attention hides the padding."""
        width = max(map(len, own))
        ids = torch.tensor([tokens + [0] * (width - len(tokens)) for tokens in own])
        logits: torch.Tensor = self.local.model(
            input_ids=ids.to(self.local.device),
            position_ids=torch.arange(start, start + width, device=self.local.device)[None],
            use_cache=False,
            logits_to_keep=last.to(self.local.device),
            memory=memory,
        ).logits
        return logits[:, -1]

    def _took(self, scores: torch.Tensor, which: range) -> Iterator[Made]:
        """Give rows their next tokens; the finished ones leave, and the last row takes the slot."""
        rows = [self.rows[i] for i in which]
        tokens = choose(scores, self.sampling, [row.generator for row in rows]).tolist()
        for row, token in zip(rows, tokens, strict=True):
            row.made.append(token)
        stop = stopped(self.local.tokenizer, self.sampling.stop, [row.made for row in rows])
        for i, row, at_stop in reversed(list(zip(which, rows, stop, strict=True))):
            if not (at_stop or row.made[-1] in self.local.ends or self._full(row)):
                continue
            moved = self.rows.pop()
            if moved is not row:
                self.rows[i] = moved
                tokens_kept = len(moved.prompt.tokens) - self.shared + len(moved.made) - 1
                self.memory.move(len(self.rows), i, tokens_kept)
            yield Made(row.prompt, row.made, row.seconds())

    def _full(self, row: Row) -> bool:
        return len(row.made) >= self.sampling.max_tokens


def shared_beginning(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, 0 where it is not worth while.

    Each keeps a token of its own, the one whose pass makes its first new token.
    """
    if len(prompts) == 1:
        return 0
    low, high = min(prompts), max(prompts)  # in dictionary order: what these share, all share
    most = min(map(len, prompts)) - 1
    same = next((i for i in range(most) if low[i] != high[i]), most)
    return same if same >= WORTH_SHARING else 0


def fits(local: LocalModel) -> bool:
    """Whether this way gives what the model's own attention gives: by its shape, and by trial."""
    config = local.model.config.get_text_config()
    rope = getattr(config, "rope_parameters", None) or {}
    windowed = getattr(config, "sliding_window", None) and getattr(
        config, "use_sliding_window", True
    )
    if (
        not getattr(local.model, "_supports_attention_backend", False)
        or windowed
        or set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
        or getattr(config, "attn_logit_softcapping", None)
        or rope.get("rope_type") in ("dynamic", "longrope")  # angles that depend on the longest row
    ):
        return False
    agrees: bool = _agrees(local)
    return agrees


@torch.inference_mode()  # type: ignore[untyped-decorator]
def _agrees(local: LocalModel) -> bool:
    """The same scores for a shared beginning, a prompt of its own and a token, up to rounding."""
    ids = torch.arange(3 * WORTH_SHARING, device=local.device) % local.model.config.vocab_size
    local.model.set_attn_implementation("sdpa" if local.model._supports_sdpa else "eager")
    wanted = local.model(input_ids=ids[None], use_cache=False).logits[0, -2:].float()
    local.model.set_attn_implementation(IMPLEMENTATION)
    tokens = ids.tolist()
    prompts = [Prompt(0, "", tokens[:-1], ()), Prompt(1, "", tokens[: 2 * WORTH_SHARING], ())]
    batch = Batch(local, prompts, Sampling(max_tokens=2))
    first = batch.prefill_scores(1)[0]
    batch.rows[0].made.append(tokens[-1])
    found = torch.stack([first, batch.step_scores()[0]]).float()
    slack = 0.05 if local.model.dtype.itemsize == 2 else 1e-3
    return bool((found - wanted).abs().max() <= slack * wanted.abs().max())
