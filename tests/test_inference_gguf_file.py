"""A GGUF file, read as a model: the same as what it was written from."""

import pytest
import torch
from test_inference_embedded import write_gguf
from tiny_model import build_tiny_model

from inference import gguf_file


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_model_and_its_tokenizer(tiny, tmp_path, dtype):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    write_gguf(tiny, tmp_path / "tiny.gguf")
    model, tokenizer = gguf_file.read(tmp_path / "tiny.gguf", dtype)
    original = AutoModelForCausalLM.from_pretrained(tiny, dtype=dtype).state_dict()
    assert {name: t.dtype for name, t in model.state_dict().items()} == dict.fromkeys(
        original, dtype
    )
    assert all(torch.equal(tensor, original[name]) for name, tensor in model.state_dict().items())
    own = AutoTokenizer.from_pretrained(tiny)
    assert tokenizer.chat_template == own.chat_template
    text = "<|im_start|>user\nthe 3rd?<|im_end|>"
    ids = (t(text, add_special_tokens=False)["input_ids"] for t in (tokenizer, own))
    assert next(ids) == next(ids)
