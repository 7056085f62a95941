"""How many rows have room: by the model's shape and the memory that is free."""

import pytest
import torch
from tiny_model import build_tiny_model
from transformers import AutoModelForCausalLM

from inference import decoding
from inference.decoding import LocalModel, bytes_per_token, rows_that_fit, stopwatch


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = build_tiny_model(tmp_path_factory.mktemp("tiny"))
    return AutoModelForCausalLM.from_pretrained(folder)


def test_bytes_per_token(model):
    config = model.config
    heads, size = config.num_key_value_heads, config.hidden_size // config.num_attention_heads
    assert bytes_per_token(model) == 2 * config.num_hidden_layers * heads * size * 4
    assert bytes_per_token(model.to(torch.bfloat16)) * 2 == 2 * 2 * heads * size * 4
    model.to(torch.float32)


def test_rows_are_as_many_as_fit_into_half_of_what_is_free(model, monkeypatch, tmp_path):
    local = LocalModel(model, None, frozenset([2]), 64)
    room = 100
    there = 10 * bytes_per_token(model) * room
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemFree:  1 kB\nMemAvailable:  {there // 1024 + 1} kB\n")
    monkeypatch.setattr(decoding, "MEMINFO", meminfo)
    assert rows_that_fit(local, room) == 5
    assert rows_that_fit(local, 1) == 64  # never more than asked for
    assert rows_that_fit(local, 10_000) == 1  # and never none
    monkeypatch.setattr(decoding, "MEMINFO", tmp_path / "nothing")
    assert rows_that_fit(local, 10_000) == 64  # nothing tells: a full memory halves it


def test_stopwatch():
    seconds = stopwatch()
    first = seconds()
    assert 0 <= first <= seconds()
