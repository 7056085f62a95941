"""How many rows have room: by the model's shape and the memory that is free."""

import os

import pytest
import torch
from tiny_model import build_tiny_model
from transformers import AutoModelForCausalLM

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


def test_rows_are_as_many_as_fit_into_half_of_what_is_free(model, monkeypatch):
    local = LocalModel(model, None, frozenset([2]), 64)
    room = 100
    pages = {"SC_AVPHYS_PAGES": 10 * bytes_per_token(model) * room, "SC_PAGE_SIZE": 1}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    assert rows_that_fit(local, room) == 5
    assert rows_that_fit(local, 1) == 64  # never more than asked for
    assert rows_that_fit(local, 10_000) == 1  # and never none


def test_stopwatch():
    seconds = stopwatch()
    first = seconds()
    assert 0 <= first <= seconds()
