"""The library's own generate, as a way: models that no other way fits still run."""

import pytest
from tiny_model import build_tiny_model
from transformers import MistralConfig, MistralForCausalLM

from inference.engine import EngineSpec, Message, Sampling, open_engine


@pytest.fixture(scope="module")
def windowed(tmp_path_factory):
    """A model whose attention slides: its rows cannot share what lies outside the window."""
    folder = build_tiny_model(tmp_path_factory.mktemp("windowed"))
    shape = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=300)
    config = MistralConfig(
        **shape, num_key_value_heads=1, intermediate_size=32, sliding_window=16, eos_token_id=2
    )
    MistralForCausalLM(config).save_pretrained(folder)
    return folder


def test_a_sliding_window_runs_padded(windowed, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path))
    chats = [(Message("user", text),) for text in ("Sort 3, 1, 2.", "Why?", "How many are there?")]
    made = []
    for size in (1, 3):
        engine = open_engine(
            EngineSpec("hf", str(windowed)), {"device": "cpu", "batch_size": size, "way": "slots"}
        )
        done = sorted(engine.generate(chats, Sampling(max_tokens=12)), key=lambda one: one.index)
        assert engine.facts()["ways"] == ["padded"]
        engine.close()
        made.append([(one.text, one.finish, one.completion_tokens) for one in done])
    assert made[0] == made[1] and len(made[0]) == 3
