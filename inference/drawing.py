"""What a local model does at each step of a batch: draw the next token, and see when to stop."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import torch
from transformers import LogitsProcessor, StoppingCriteria, TopPLogitsWarper

from inference.engine import Sampling


class GumbelDraw(LogitsProcessor):  # type: ignore[misc]
    """Turns the greedy choice into a draw that does not depend on who shares the batch.

    argmax(logits + Gumbel noise) is a draw from softmax(logits) (Gumbel 1954; Maddison, Tarlow and
    Minka 2014). Each row has a generator of its own, seeded by the sampling seed and its prompt.
    """

    def __init__(self, sampling: Sampling, prompts: Sequence[str], device: torch.device) -> None:
        self.temperature = sampling.temperature
        self.nucleus = TopPLogitsWarper(sampling.top_p) if sampling.top_p < 1 else None
        self.generators = [
            torch.Generator(device).manual_seed(row_seed(sampling.seed, prompt))
            for prompt in prompts
        ]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores.float() / self.temperature
        if self.nucleus:
            scores = self.nucleus(input_ids, scores)
        for row, generator in zip(scores, self.generators, strict=True):
            row -= torch.empty_like(row).exponential_(generator=generator).log()
        return scores


def row_seed(seed: int, prompt: str) -> int:
    """A number that follows from the sampling seed and the prompt alone."""
    text = f"{seed}\n{prompt}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


class StopAtText(StoppingCriteria):  # type: ignore[misc]
    """Ends a row once a stop string stands in its new text.

    The library's own ``stop_strings`` also match where the prompt's end and the new text meet.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str], prompt_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.stop = stop
        self.start = prompt_tokens
        # A token is at least a byte, so a stop string lies within as many of the last tokens.
        self.window = max(len(text.encode()) for text in stop) + 4

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        recent = input_ids[:, max(self.start, input_ids.shape[1] - self.window) :]
        ended = [
            any(stop in text for stop in self.stop) for text in self.tokenizer.batch_decode(recent)
        ]
        return torch.tensor(ended, device=input_ids.device)
