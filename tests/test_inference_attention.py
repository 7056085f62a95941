"""Attention in two parts equals attention over the whole."""

import pytest
import torch

from inference import attention as room
from inference.attention import Memory, attend, attention, merged


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture(params=["kernel", "formula"])
def each_kind(request, monkeypatch):
    """The CPU's private kernel, and the plain formula that stands in where there is none."""
    if request.param == "formula":
        monkeypatch.setattr(room, "FLASH", None)


def reference(query, key, value, mask):
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


@pytest.mark.usefixtures("each_kind")
def test_two_parts_merge_into_the_whole():
    query, key, value = numbers(2, 3, 4, 8), numbers(2, 3, 9, 8), numbers(2, 3, 9, 8)
    near = attention(query, key[:, :, 5:], value[:, :, 5:], 8**-0.5)
    far = attention(query, key[:, :, :5], value[:, :, :5], 8**-0.5)
    assert merged(near, far) == pytest.approx(reference(query, key, value, None), abs=1e-5)


@pytest.mark.usefixtures("each_kind")
def test_rows_see_the_shared_beginning_and_themselves():
    """Two rows of 3 and 2 tokens behind 4 shared ones, then a token each; 4 heads over 2."""
    size, heads = 8, 4

    class Layer:
        layer_idx = 0

    def ask(query, key, value, memory):
        return attend(Layer(), query, key, value, None, size**-0.5, memory)[0].transpose(1, 2)

    shared_key, shared_value = numbers(1, 2, 4, size), numbers(1, 2, 4, size) + 1
    prefix = Memory(1, 4)
    prefix.begin(0, 1)
    ask(numbers(1, heads, 4, size), shared_key, shared_value, prefix)
    memory = Memory(2, 5, prefix)
    memory.begin(0, 2)
    query, key, value = numbers(2, heads, 3, size), numbers(2, 2, 3, size), numbers(2, 2, 3, size)
    first = ask(query, key, value, memory)
    lengths = torch.tensor([3, 2])  # the third token of the second row is padding
    memory.go_on(lengths, torch.float32)
    new_query, new_key = numbers(2, heads, 1, size), numbers(2, 2, 1, size)
    second = ask(new_query, new_key, new_key - 1, memory)
    for row, length in enumerate(lengths.tolist()):
        keys = torch.cat([shared_key[0], key[row, :, :length], new_key[row]], 1)
        values = torch.cat([shared_value[0], value[row, :, :length], new_key[row] - 1], 1)
        keys, values = keys.repeat_interleave(2, 0), values.repeat_interleave(2, 0)
        queries = torch.cat([query[row, :, :length], new_query[row]], 1)
        there = torch.arange(4 + length + 1) <= 4 + torch.arange(length + 1)[:, None]
        whole = reference(queries, keys, values, there)
        assert first[row, :, :length] == pytest.approx(whole[:, :length], abs=1e-5)
        assert second[row, :, 0] == pytest.approx(whole[:, -1], abs=1e-5)
    assert memory.bytes == 2 * 2 * 2 * 5 * size * 4  # keys and values, slots, heads, room, float32
