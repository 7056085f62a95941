"""The family of a model is read off its name, for the catalogue's models and everybody else's."""

import pytest

from inference.catalog import Entry, entries
from inference.families import family

FAMILIES = {
    "Hymba": "hymba",
    "Llama-3.1": "llama-3.1",
    "Llama-3.2": "llama-3.2",
    "Minitron": "minitron",
    "Mistral-Nemo": "mistral-nemo",
    "Mistral-v0.3": "mistral-0.3",
    "Phi-3-small": "phi-3",
    "Phi-3.5-mini": "phi-3.5",
    "Qwen2": "qwen-2",
    "Qwen2.5": "qwen-2.5",
    "SmolLM2": "smollm-2",
}


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.slug)
def test_the_catalogue_s_models_are_of_their_families(entry: Entry) -> None:
    assert family(entry.slug) == FAMILIES[entry.family]
    if entry.model:
        assert family(entry.model) == FAMILIES[entry.family]


def test_the_catalogue_is_whole() -> None:
    assert len(entries()) == 72
    assert {entry.family for entry in entries()} == FAMILIES.keys()


@pytest.mark.parametrize(
    ("alike", "said"),
    [
        (["gpt-4o", "gpt-4o-mini", "gpt-4o-2024-11-20", "ft:gpt-4o-mini:org::id"], "gpt-4o"),
        (["gpt-4", "gpt-4-turbo", "gpt-4-0613"], "gpt-4"),
        (["gpt-4.1", "gpt-4.1-nano"], "gpt-4.1"),
        (["gpt-3.5-turbo-0125"], "gpt-3.5"),
        (["o3", "o3-mini-2025-01-31"], "o-3"),
        (
            [
                "claude-3-5-sonnet-20241022",
                "claude-3-5-haiku-latest",
                "anthropic/claude-3.5-sonnet",
            ],
            "claude-3.5",
        ),
        (["claude-3-opus-20240229"], "claude-3"),
        (["claude-sonnet-4-5-20250929", "claude-haiku-4-5"], "claude-4.5"),
        (["claude-sonnet-4-20250514"], "claude-4"),
        (["gemini-1.5-pro-002", "gemini-1.5-flash"], "gemini-1.5"),
        (["google/gemma-2-9b-it", "gemma2:2b"], "gemma-2"),
        (["google/gemma-2b-it", "gemma-7b"], "gemma"),
        (["llama2-13b-chat", "meta-llama/Llama-2-7b-chat-hf", "llama2:13b"], "llama-2"),
        (["meta-llama/Meta-Llama-3.1-8B", "llama3.1:8b-instruct-q4_K_M"], "llama-3.1"),
        (["/models/Llama-3.2-1B-Instruct-Q4_K_M.gguf", "C:\\m\\llama-3.2-3b\\"], "llama-3.2"),
        (["Qwen/Qwen3-0.6B", "qwen-3-4b-instruct-2507"], "qwen-3"),
        (["Qwen/Qwen1.5-7B-Chat"], "qwen-1.5"),
        (["embedded:smollm2-135m", "HuggingFaceTB/SmolLM2-360M-Instruct"], "smollm-2"),
        (["HuggingFaceTB/SmolLM-135M-Instruct"], "smollm"),
        (["mistral-large-latest", "mistral-large-2411"], "mistral-large"),
        (["mistralai/Mixtral-8x7B-Instruct-v0.1"], "mixtral-0.1"),
        (["microsoft/Phi-3-mini-4k-instruct", "phi3:mini"], "phi-3"),
        (["allenai/OLMo-2-1124-7B-Instruct"], "olmo-2"),
        (["deepseek-ai/DeepSeek-V3"], "deepseek-3"),
        (["TinyLlama/TinyLlama-1.1B-Chat-v1.0"], "tinyllama-1.0"),
        (["tiiuae/falcon-7b-instruct"], "falcon"),
        (["good.jsonl", "./good.jsonl"], "good.jsonl"),
        (["7b"], "7b"),
        ([""], ""),
    ],
    ids=lambda one: one[0] if isinstance(one, list) else "",
)
def test_other_names(alike: list[str], said: str) -> None:
    assert {family(name) for name in alike} == {said}
