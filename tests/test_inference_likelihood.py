"""Scores of given texts against a plain loop over the model's own logits."""

import math
from pathlib import Path

import pytest
import torch
from tiny_model import CONTEXT, build_tiny_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from inference.decoding import LocalModel, Prompt
from inference.engine import EngineSpec, Message, spellings
from inference.hf import HfEngine
from inference.likelihood import likelihoods, next_tokens

LABELS = ("incorrect", "correct", "the", "them")  # "th" is a token: the last two begin alike
SHARED = "Here is what all of these begin with. " * 5  # 190 tokens, and the fast way shares 128
QUESTIONS = [f"{SHARED}{more}" for more in ("Right?", "a", "Is it so, or is it not?", "b c", "?")]
CHATS = [(Message("user", question),) for question in QUESTIONS]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@torch.inference_mode()
def plainly(model, prompt: list[int], text: list[int]) -> float:
    """Token by token, each after all before it: log p(t1 | prompt) + log p(t2 | prompt t1) ..."""
    total = 0.0
    for place, token in enumerate(text):
        ids = torch.tensor([prompt + text[:place]])
        total += model(input_ids=ids).logits[0, -1].log_softmax(-1)[token].item()
    return total


def scored(tiny: Path, chats, labels=LABELS, **run):
    engine = HfEngine(EngineSpec("hf", str(tiny)), {"device": "cpu", **run})
    try:
        done = list(engine.score(chats, labels))
    finally:
        engine.close()
    assert sorted(one.index for one in done) == list(range(len(chats)))
    return {one.index: one for one in done}


@pytest.mark.parametrize("fast", [True, False], ids=["in slots", "padded"])
@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_the_same_as_token_by_token(tiny, fast, batch_size):
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    texts = [tuple(tokenizer(label, add_special_tokens=False)["input_ids"]) for label in LABELS]
    assert [len(text) for text in texts] == [9, 7, 2, 3]
    prompts = [
        Prompt(i, question, tokenizer(question)["input_ids"], ())
        for i, question in enumerate(QUESTIONS)
    ]
    local = LocalModel(model, tokenizer, frozenset([2]), batch_size)
    found = {one.prompt.index: one for one in likelihoods(local, prompts, texts, fast)}
    model.set_attn_implementation("sdpa")
    for prompt in prompts:
        wanted = [plainly(model, prompt.tokens, list(text)) for text in texts]
        assert found[prompt.index].logprobs == pytest.approx(wanted, abs=1e-3)
        assert found[prompt.index].seconds > 0


def test_what_a_label_weighs_is_the_sum_over_its_spellings(tiny):
    got = scored(tiny, CHATS[:1], ["yes", "No"])[0]
    model = AutoModelForCausalLM.from_pretrained(tiny).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    prompt = tokenizer(got.prompt, add_special_tokens=False)["input_ids"]
    one, two, no = (
        plainly(model, prompt, tokenizer(text, add_special_tokens=False)["input_ids"])
        for text in ("yes", "Yes", "No")
    )
    yes = torch.logaddexp(torch.tensor(one), torch.tensor(two)).item()
    assert got.logprobs == pytest.approx((yes, no), abs=1e-3)
    assert got.text.startswith('{"logprobs":{"No":-')
    assert (got.finish, got.prompt_tokens, got.completion_tokens) == ("stop", len(prompt), None)
    assert spellings("yes") == ("yes", "Yes") and spellings("7") == ("7",)


def test_no_batch_changes_a_score(tiny):
    sizes = [scored(tiny, CHATS, batch_size=size) for size in (1, 2, 64)]
    sizes.append(scored(tiny, CHATS, way="padded", batch_size=3))
    for index in range(len(CHATS)):
        first, *others = [scores[index].logprobs for scores in sizes]
        for other in others:
            assert other == pytest.approx(first, abs=1e-3)


def test_what_leaves_no_room_for_a_label_is_too_long(tiny):
    got = scored(tiny, [(Message("user", "x" * CONTEXT),), CHATS[0]])
    assert (got[0].finish, got[0].text, got[0].logprobs) == ("too_long", None, None)
    assert got[1].finish == "stop"


def test_a_model_that_overflows_is_told_as_it_is(tiny):
    engine = HfEngine(EngineSpec("hf", str(tiny)), {"device": "cpu"})
    engine._local.model.lm_head.weight.data.fill_(torch.nan)
    [got] = engine.score(CHATS[:1], ["7"])
    engine.close()
    assert got.text == '{"logprobs":{"7":null}}' and math.isnan(got.logprobs[0])


def test_after_plain_text_a_label_is_the_next_paragraph(tiny):
    engine = HfEngine(
        EngineSpec("hf", str(tiny), options={"chat_template": False}), {"device": "cpu"}
    )
    [got] = engine.score([(Message("user", "Verdict:"),)], ["no", "yes"])
    engine.close()
    assert got.prompt == "Verdict:\n\n"
    assert '"no":' in got.text and '"Yes":' in got.text


def test_a_beginning_comes_before_what_continues_it():
    assert next_tokens([(5, 7), (5, 6, 1), (4,), (9, 9)]) == {
        (): [4, 5, 9],
        (5,): [6, 7],
        (5, 6): [1],
        (9,): [9],
    }
