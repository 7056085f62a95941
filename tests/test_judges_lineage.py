"""Families, sizes and compression: by the catalogue where it knows, else by the name."""

import pytest

from judges.lineage import Lineage, lineage
from samples.study import Study

EMPTY = Study(name="s")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama2-13b-chat", Lineage("llama-2", "13B", "none")),
        ("mistral-7B", Lineage("mistral", "7B", "none")),
        ("gpt-4t", Lineage("gpt-4t", "", "none")),
        ("smollm2-135m-instruct", Lineage("smollm-2", "135M", "none")),
        ("Mixtral-8x7B-Instruct-v0.1", Lineage("mixtral-0.1", "8x7B", "none")),
        ("Qwen2.5-0.5B-Instruct-GPTQ-Int4", Lineage("qwen-2.5", "0.5B", "quantised")),
        ("Sparse-Llama-3.1-8B-2of4", Lineage("sparse-3.1", "8B", "pruned")),
        ("DeepSeek-R1-Distill-Qwen-1.5B", Lineage("deepseek-r1", "1.5B", "distilled")),
    ],
)
def test_by_the_name(name: str, expected: Lineage) -> None:
    found = lineage(name, EMPTY)
    assert (found.size, found.compression) == (expected.size, expected.compression)
    assert found.family.split("-")[0] == expected.family.split("-")[0]


def test_the_catalogue_knows_its_own_even_by_an_imported_name() -> None:
    assert lineage("llama-3.2-1b-w8a8", EMPTY) == Lineage("Llama-3.2", "1B", "quantised")


def test_what_a_block_says_goes_before_its_name() -> None:
    study = Study.model_validate(
        {
            "name": "s",
            "model": [
                {"name": "tiny", "from": "llama-3.2-1b-fp8"},
                {"name": "mine", "model": "me/Qwen2.5-3B", "compression": "wanda, half of it"},
                {"name": "other", "model": "me/Qwen2.5-3B", "compression": "low-rank"},
                {"name": "a-2b", "engine": "replay", "model": "answers-7b.jsonl"},
            ],
        }
    )
    assert lineage("tiny", study) == Lineage("Llama-3.2", "1B", "quantised")
    assert lineage("mine", study) == Lineage("qwen-2.5", "3B", "pruned")
    assert lineage("other", study).compression == "low-rank"
    assert lineage("a-2b", study).size == "2B"  # a file of answers is no model
