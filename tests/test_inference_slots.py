"""The batch loop of a CPU: the same text as one by one, and no model that it does not fit."""

import pytest
import torch
from tiny_model import build_tiny_model
from transformers import AutoModelForCausalLM, AutoTokenizer, MistralConfig, MistralForCausalLM

from inference import slots
from inference.decoding import LocalModel, Prompt
from inference.engine import Sampling

END = 2
SHARED = list(range(10, 150))  # 140 tokens
OWN = [[60], [61, 62], [63], [64] * 9, [65, 66, 67], [70], [71], [72, 73], [74]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def local(tiny):
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    return LocalModel(model, AutoTokenizer.from_pretrained(tiny), frozenset([END]), 4)


def prompts(shared: list[int]) -> list[Prompt]:
    return [Prompt(i, f"{i}", shared + own, ()) for i, own in enumerate(OWN)]


def one_by_one(local: LocalModel, asked: list[Prompt], limit: int) -> list[list[int]]:
    """The library's own generate, a prompt at a time."""
    local.model.set_attn_implementation("sdpa")
    made = []
    for prompt in asked:
        ids = torch.tensor([prompt.tokens])
        whole = local.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=limit,
            eos_token_id=END,
            pad_token_id=END,
        )
        made.append(whole[0, len(prompt.tokens) :].tolist())
    return made


@pytest.mark.parametrize("shared", [SHARED, []], ids=["shared beginning", "nothing shared"])
def test_the_same_tokens_as_one_by_one(local, shared):
    asked = prompts(shared)
    limits = [row for row in one_by_one(local, asked, 30)]
    # An end token that some rows write early, so that slots are refilled at different times
    early = frozenset([END, limits[0][3], limits[4][7]])
    found = LocalModel(local.model, local.tokenizer, early, 4)
    made = {
        done.prompt.index: done.tokens
        for done in slots.slots(found, asked, Sampling(max_tokens=30))
    }
    for index, row in enumerate(limits):
        end = next((i + 1 for i, token in enumerate(row) if token in early), 30)
        assert made[index] == row[:end]
    assert len({len(row) for row in made.values()}) > 1
    assert found.kv_bytes > 0


def test_the_shared_beginning_is_computed_once(local):
    """140 shared tokens and 22 own ones, prefilled once each; then a pass per further token."""
    seen = []
    local.model.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs["input_ids"].shape), with_kwargs=True
    )
    list(slots.slots(local, prompts(SHARED), Sampling(max_tokens=1)))
    assert seen[0] == (1, 140)
    assert (
        sum(rows for rows, _ in seen[1:]) == len(OWN) and max(width for _, width in seen[1:]) == 9
    )


def test_no_prompt_waits_for_all_others_to_end(local, monkeypatch):
    """Eight slots filled three at a time: the last two go in while the six are under way."""
    monkeypatch.setattr(slots, "PREFILL_TOKENS", 30)
    local.batch_size = 8
    passes = []
    local.model.register_forward_pre_hook(
        lambda _, args, kwargs: passes.append(kwargs["input_ids"].shape), with_kwargs=True
    )
    asked = [Prompt(i, f"{i}", [10 + i] * 10, ()) for i in range(8)]
    list(slots.slots(local, asked, Sampling(max_tokens=5)))
    assert [rows for rows, width in passes if width > 1] == [3, 3, 2]
    assert sum(width == 1 for _, width in passes) <= 4 + 2


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[*SHARED, 1], [*SHARED, 2, 3]], 140),
        ([[*SHARED, 1], SHARED], 139),  # each keeps a token of its own
        ([[*SHARED[:127], 1], [*SHARED[:127], 2]], 0),  # 127 are not worth while
        ([SHARED], 0),
    ],
)
def test_shared_beginning(rows, expected):
    assert slots.shared_beginning(rows) == expected


def test_fits_a_llama_but_no_sliding_window(local):
    assert slots.fits(local)
    shape = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=300)
    window = MistralForCausalLM(
        MistralConfig(**shape, num_key_value_heads=1, intermediate_size=32, sliding_window=16)
    )
    assert not slots.fits(LocalModel(window.eval(), None, frozenset([END]), 4))


def test_the_trial_finds_attention_that_differs(local):
    """Scores that a model bends in its own way are not what our attention gives."""
    layer = local.model.model.layers[0].self_attn
    plain = layer.forward

    def bent(*args, **kwargs):
        out, weights = plain(*args, **kwargs)
        return (out if "memory" in kwargs else out * 3), weights

    layer.forward = bent
    assert not slots.fits(local)
