"""Compressed variants of a loaded model: does a smaller copy still answer the same?

Both methods change the weights in place and keep them in their old dtype, so they show what
compression does to the answers, not what it saves in memory; inference/variants.py writes the
smaller files. Only the matrices of linear layers are touched: embeddings stay as they are, and so
does the output head, which in small models is often the very same tensor (SmolLM2 ties the two).
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from samples.errors import BenchwarrantError
from samples.registry import find

Change = Callable[[torch.Tensor], torch.Tensor]  # a matrix -> its compressed values


def int8(argument: str) -> Change:
    """Weight-only int8: round to nearest, one symmetric scale per output channel."""
    if argument:
        raise BenchwarrantError(f"compress: int8 takes no argument, got {argument!r}; write 'int8'")

    def change(weight: torch.Tensor) -> torch.Tensor:
        scale = int8_scale(weight).float()
        return (weight.float() / scale).round().clamp(-127, 127) * scale

    return change


def int8_scale(weight: torch.Tensor) -> torch.Tensor:
    """The step of every row, in the matrix's own dtype: that is how a checkpoint stores it."""
    scale = (weight.float().abs().amax(dim=1, keepdim=True) / 127).to(weight.dtype)
    return torch.where(scale == 0, 1, scale)  # a row of zeros stays zero


def prune(argument: str) -> Change:
    """Unstructured magnitude pruning (Han et al. 2015): the smallest share of a matrix is 0."""
    try:
        share = float(argument)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise BenchwarrantError(
            f"compress: 'prune-{argument}' needs a share between 0 and 1, as in 'prune-0.3'"
        )

    def change(weight: torch.Tensor) -> torch.Tensor:
        flat = weight.flatten()
        smallest = flat.abs().topk(round(share * flat.numel()), largest=False).indices
        return flat.index_fill(0, smallest, 0.0).view_as(weight)

    return change


METHODS: dict[str, Callable[[str], Change]] = {
    "int8": int8,
    "prune": prune,  # prune-0.3: thirty percent of every matrix
}


def linear_layers(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """The linear layers by name, each matrix once, without embeddings and output head."""
    spared = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    head = getattr(model, "get_output_embeddings", lambda: None)()
    if head is not None:
        spared.add(id(head.weight))
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and id(module.weight) not in spared:
            spared.add(id(module.weight))
            yield name, module


def compress(model: torch.nn.Module, method: str) -> dict[str, Any]:
    """Compress the model in place; the record says what was done to how much of it."""
    name, _, argument = method.partition("-")
    change = find("compression", name, METHODS)(argument)
    matrices = touched = zeros = 0
    worst = 0.0
    for _, layer in linear_layers(model):
        weight = layer.weight.detach()  # the same memory, outside the gradients
        before = weight.to(torch.float32, copy=True)
        weight.copy_(change(weight))
        matrices, touched = matrices + 1, touched + weight.numel()
        zeros += int((weight == 0).sum())
        worst = max(worst, float((weight.float() - before).abs().max()))
    if not matrices:
        raise BenchwarrantError(f"compress: {method!r} finds no linear layer in this model")
    return {
        "method": method,
        "matrices": matrices,
        "parameters_touched": touched,
        "share_touched": touched / sum(p.numel() for p in model.parameters()),
        "share_zero": zeros / touched,
        "max_error": worst,
    }
