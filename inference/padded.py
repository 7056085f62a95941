"""A batch through the library's own ``generate``: for models that no faster way can run."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import LogitsProcessor, StoppingCriteria

from inference.decoding import LocalModel, Made, Prompt, stopwatch
from inference.drawing import choose, generator, stopped
from inference.engine import Sampling


class Drawn(LogitsProcessor):  # type: ignore[misc]
    """Leaves the library's greedy choice nothing but the token that was drawn."""

    def __init__(self, sampling: Sampling, generators: Sequence[torch.Generator]) -> None:
        self.sampling, self.generators = sampling, generators

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        tokens = choose(scores, self.sampling, self.generators)
        return torch.full_like(scores, -torch.inf).scatter(1, tokens.unsqueeze(1), 0.0)


class Stopped(StoppingCriteria):  # type: ignore[misc]
    """Ends a row once a stop string stands in its new text."""

    def __init__(self, tokenizer: Any, stop: Sequence[str], start: int) -> None:
        self.tokenizer, self.stop, self.start = tokenizer, stop, start

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        ended = stopped(self.tokenizer, self.stop, input_ids[:, self.start :].tolist())
        return torch.tensor(ended, device=input_ids.device)


def padded(local: LocalModel, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Made]:
    """Batches of prompts of like length, the longest first; a batch is done with its last row."""
    local.model.set_attn_implementation("sdpa" if local.model._supports_sdpa else "eager")
    order = sorted(prompts, key=lambda prompt: -len(prompt.tokens))
    for start in range(0, len(order), local.batch_size):
        yield from _batch(local, order[start : start + local.batch_size], sampling)


def _batch(local: LocalModel, batch: Sequence[Prompt], sampling: Sampling) -> list[Made]:
    """Padded on the left, so that all prompts end at the same place."""
    seconds = stopwatch()
    width = max(len(prompt.tokens) for prompt in batch)
    ids = torch.full((len(batch), width), min(local.ends))
    mask = torch.zeros_like(ids)  # made by hand: the padding is an end token too
    for row, prompt in enumerate(batch):
        ids[row, width - len(prompt.tokens) :] = torch.tensor(prompt.tokens)
        mask[row, width - len(prompt.tokens) :] = 1
    draw = [
        Drawn(sampling, [generator(sampling, prompt.text, local.device) for prompt in batch])
    ] * (sampling.temperature > 0)
    made = local.model.generate(
        ids.to(local.device),
        attention_mask=mask.to(local.device),
        do_sample=False,
        max_new_tokens=sampling.max_tokens,
        logits_processor=draw,
        stopping_criteria=[Stopped(local.tokenizer, sampling.stop, width)] * bool(sampling.stop),
    )[:, width:].tolist()
    return [
        Made(prompt, _own(local, tokens, sampling.stop), seconds())
        for prompt, tokens in zip(batch, made, strict=True)
    ]


def _own(local: LocalModel, tokens: list[int], stop: Sequence[str]) -> list[int]:
    """A row that is over is filled up with end tokens; after a stop string none is its own."""
    end = next((i for i, token in enumerate(tokens) if token in local.ends), len(tokens))
    return tokens[:end] if stopped(local.tokenizer, stop, [tokens[:end]])[0] else tokens[: end + 1]
