"""Which family a model is of, by its name: siblings may judge each other too kindly."""

import re

LEADING = ("meta", "embedded", "ft")  # words before the family's own: "Meta-Llama-3.1", "ft:gpt-4o"
PLAIN = ("instruct", "chat", "it", "base", "hf", "gptq", "awq", "gguf", "fp8", "latest")
SIZE = re.compile(r"(\d+x)?\d+(\.\d+)?[bmkt]")  # parameters, or tokens of context
VERSION = re.compile(r"v?(\d{1,2}(\.\d{1,2})?[a-z]?)")  # "3.2", "4o", "v0.3"; dates are longer
ATTACHED = re.compile(r"([a-z]+)(\d{1,2}(\.\d{1,2})?)")  # "qwen2.5", "o3"


def family(name: str) -> str:
    """The first word of a model's name with its version: "qwen-2.5", "gpt-4o", "mistral-nemo".

    ``name`` is a hub id, a path or a provider's name. Where no version stands in it, the next word
    that is no size takes its place.
    """
    words = re.split(r"[-_:\s]+", re.split(r"[\\/]", name.lower().rstrip("/\\"))[-1])
    while len(words) > 1 and words[0] in LEADING:
        words = words[1:]
    first, *rest = words
    if attached := ATTACHED.fullmatch(first):
        return f"{attached[1]}-{attached[2]}"
    rest = [word for word in rest if not SIZE.fullmatch(word)]
    for place, word in enumerate(rest):
        if version := VERSION.fullmatch(word):
            minor = rest[place + 1] if word.isdigit() and place + 1 < len(rest) else ""
            return f"{first}-{version[1]}" + (f".{minor}" if re.fullmatch(r"\d", minor) else "")
    more = next((word for word in rest if word.isalpha() and word not in PLAIN), "")
    return f"{first}-{more}" if more else first
