"""How probable given texts are as the beginning of an answer: read off, nothing is drawn.

A text's chance is the product of its tokens' chances, each after the prompt and the tokens before
it, so texts of several tokens, or with the same first ones, are told apart.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from inference.attention import IMPLEMENTATION
from inference.decoding import LocalModel, Prompt, stopwatch
from inference.engine import Sampling
from inference.slots import Batch

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Likely:
    """The log-probability of each text after a prompt, and the seconds that its batch took."""

    prompt: Prompt
    logprobs: list[float]
    seconds: float


def likelihoods(
    local: LocalModel, prompts: Sequence[Prompt], texts: Sequence[Tokens], fast: bool
) -> Iterator[Likely]:
    """Batches of prompts, the longest first; the fast way computes once what all begin with.

    It is for the models that ``slots.fits``.
    """
    order = sorted(prompts, key=lambda prompt: -len(prompt.tokens))
    way = _in_slots if fast else _padded
    wanted = next_tokens(texts)
    seconds = stopwatch()
    for batch, found in way(local, order, wanted):
        took, seconds = seconds(), stopwatch()
        for row, prompt in enumerate(batch):
            yield Likely(prompt, [_sum(found, text, row) for text in texts], took)


def next_tokens(texts: Sequence[Tokens]) -> dict[Tokens, list[int]]:
    """What may follow each beginning of a text, a beginning before what continues it."""
    pairs = sorted({(text[:place], text[place]) for text in texts for place in range(len(text))})
    wanted: dict[Tokens, list[int]] = {}
    for beginning, token in pairs:
        wanted.setdefault(beginning, []).append(token)
    return wanted


Found = dict[Tokens, Mapping[int, list[float]]]  # by beginning and next token: one for each row
Wanted = Mapping[Tokens, list[int]]
Batches = Iterator[tuple[Sequence[Prompt], Found]]


def _sum(found: Found, text: Tokens, row: int) -> float:
    return sum(found[text[:place]][token][row] for place, token in enumerate(text))


def _read(logits: torch.Tensor, tokens: Sequence[int]) -> dict[int, list[float]]:
    """The log-probabilities of some tokens by row; ``logits`` are (rows, all tokens)."""
    of_all = logits.float().log_softmax(-1)[:, list(tokens)]
    return dict(zip(tokens, of_all.T.tolist(), strict=True))


@torch.inference_mode()  # type: ignore[untyped-decorator]
def _in_slots(local: LocalModel, prompts: list[Prompt], wanted: Wanted) -> Batches:
    """Each prompt is read into a slot; the texts' first tokens then follow it there in turn.

    A token is written over its predecessor at the same place: beginnings come before what
    continues them, so that what stands before a token is always its own.
    """
    local.model.set_attn_implementation(IMPLEMENTATION)
    batch = Batch(local, prompts, Sampling(max_tokens=max(map(len, wanted)) + 1))
    while batch.waiting:
        rows: list[torch.Tensor] = []
        while batch.waiting and (free := batch.memory.slots - len(batch.rows)):
            rows.append(batch.prefill_scores(free))
        found: Found = {(): _read(torch.cat(rows), wanted[()])}
        for beginning in list(wanted)[1:]:
            for row in batch.rows:
                row.made = list(beginning)
            found[beginning] = _read(batch.step_scores(), wanted[beginning])
        yield [row.prompt for row in batch.rows], found
        batch.rows = []


@torch.inference_mode()  # type: ignore[untyped-decorator]
def _padded(local: LocalModel, prompts: list[Prompt], wanted: Wanted) -> Batches:
    """Prompts with the longest beginnings behind them, padded on the left."""
    local.model.set_attn_implementation("sdpa" if local.model._supports_sdpa else "eager")
    inner = {more[:place] for more in wanted for place in range(len(more))}
    longest = [beginning for beginning in wanted if beginning not in inner]
    for start in range(0, len(prompts), local.batch_size):
        batch, found = prompts[start : start + local.batch_size], Found()
        for beginning in longest:
            logits = _last_logits(
                local, [p.tokens + list(beginning) for p in batch], len(beginning) + 1
            )
            for place in range(len(beginning) + 1):
                before = beginning[:place]
                found[before] = _read(logits[:, place], wanted[before])
        yield batch, found


def _last_logits(local: LocalModel, rows: Sequence[list[int]], keep: int) -> torch.Tensor:
    """The model's scores after each of the last ``keep`` tokens."""
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows], device=local.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    mask = mask.to(local.device)
    known = inspect.signature(local.model.forward).parameters
    more = {"position_ids": (mask.cumsum(-1) - 1).clamp(min=0), "logits_to_keep": keep}
    logits: torch.Tensor = local.model(
        input_ids=ids,
        attention_mask=mask,
        use_cache=False,
        **{name: value for name, value in more.items() if name in known},
    ).logits
    return logits[:, -keep:]
