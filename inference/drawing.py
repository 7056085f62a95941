"""What a local model does at each step of a batch: choose the next token, and see when to stop."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import torch
from transformers import TopPLogitsWarper

from inference.engine import Sampling


def generator(sampling: Sampling, prompt: str, device: torch.device) -> torch.Generator:
    """A row's source of chance: it follows from the sampling seed and the prompt alone."""
    text = f"{sampling.seed}\n{prompt}".encode("utf-8", "surrogatepass")
    seed = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    return torch.Generator(device).manual_seed(seed)


def choose(
    scores: torch.Tensor, sampling: Sampling, generators: Sequence[torch.Generator]
) -> torch.Tensor:
    """The next token of each row, greedy or drawn, whoever else shares the batch.

    ``scores`` are logits (rows, tokens). argmax(logits + Gumbel noise) is a draw from
    softmax(logits) (Gumbel 1954; Maddison, Tarlow and Minka 2014).
    """
    scores = scores.float()  # on a CPU argmax of bfloat16 takes ten times as long
    if sampling.temperature > 0:
        scores = scores / sampling.temperature
        if sampling.top_p < 1:
            scores = TopPLogitsWarper(sampling.top_p)(None, scores)
        for row, source in zip(scores, generators, strict=True):
            row -= torch.empty_like(row).exponential_(generator=source).log()
    return scores.argmax(-1)


def stopped(tokenizer: Any, stop: Sequence[str], made: Sequence[Sequence[int]]) -> list[bool]:
    """Which rows have just written a stop string, going by the tokens that each has made.

    The library's own ``stop_strings`` also match where the prompt's end and the new text meet.
    """
    if not stop:
        return [False] * len(made)
    # A token is at least a byte, so a stop string lies within as many of the last tokens.
    window = max(len(text.encode()) for text in stop) + 4
    recent = tokenizer.batch_decode([tokens[-window:] for tokens in made])
    return [any(mark in text for mark in stop) for text in recent]
