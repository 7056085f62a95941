"""The library's continuous batching, here on the CPU; its text is compared in test_inference_hf."""

import pytest
from tiny_model import build_tiny_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.continuous import continuous
from inference.decoding import LocalModel, Prompt
from inference.engine import Sampling

PROMPTS = [Prompt(i, f"{i}", list(range(20 + i, 40 + 2 * i)), ()) for i in range(5)]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = build_tiny_model(tmp_path_factory.mktemp("tiny"))
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    return LocalModel(model, AutoTokenizer.from_pretrained(folder), frozenset([2]), 2)


def drawn(local, seed: int) -> list[list[int]]:
    sampling = Sampling(temperature=1.0, max_tokens=12, seed=seed)
    made = {done.prompt.index: done for done in continuous(local, PROMPTS, sampling)}
    assert sorted(made) == list(range(5)) and all(done.seconds > 0 for done in made.values())
    return [made[index].tokens for index in range(5)]


def test_the_seed_reaches_the_draw(local):
    first, again, other = drawn(local, 1), drawn(local, 1), drawn(local, 2)
    assert first == again  # on one machine, for the same prompts; more is not promised
    assert first != other


def test_a_fault_of_its_thread_is_an_error(local, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(local.model, "forward", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(continuous(local, PROMPTS, Sampling(max_tokens=4)))
