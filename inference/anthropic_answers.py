"""What a Claude model's answer says, how it ended, and what it took."""

from collections.abc import Mapping
from typing import Any

from inference.anthropic_json import tool_inputs
from inference.engine import Completion
from inference.prices import Tokens

FINISHED = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
COUNTED = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "thinking_tokens",  # among output_tokens
)


def is_answer(body: Any) -> bool:
    blocks = body["content"]
    fine = isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)
    return fine and isinstance(body.get("usage") or {}, dict)


def read_answer(answer: Mapping[str, Any]) -> Completion:
    """The outcome of one answer; what the model thought is no part of it."""
    reason, counts = answer.get("stop_reason"), counts_of(answer)
    texts = [block.get("text") for block in answer["content"] if block.get("type") == "text"]
    calls = tool_inputs(answer["content"])
    text: str | None = "".join(text for text in calls or texts if isinstance(text, str))
    finish, error = FINISHED.get(str(reason), "error"), None
    if calls and reason == "tool_use":
        finish = "stop"
    if reason == "model_context_window_exceeded":  # what was cut short is no answer
        finish, text, error = "too_long", None, "the context was full before the answer ended"
    elif reason == "refusal":
        details = answer.get("stop_details")
        details = details if isinstance(details, dict) else {}
        why = details.get("explanation") or details.get("category") or "no reason given"
        error = f"refused: {why}"
    elif finish == "error":
        error = f"ended with stop_reason {reason!r}"
    prompt_tokens = sum(count for name, count in counts.items() if name.endswith("input_tokens"))
    return Completion(
        0,
        text,
        finish,
        prompt_tokens=prompt_tokens if counts else None,
        completion_tokens=counts.get("output_tokens"),
        error=error,
    )


def tokens_of(answer: Mapping[str, Any]) -> Tokens | None:
    """What an answer took, as it is billed; a cache that lasts an hour is dearer to write to."""
    counts = counts_of(answer)
    if not {"input_tokens", "output_tokens"} <= set(counts):
        return None
    made = (answer.get("usage") or {}).get("cache_creation") or {}
    written, long = counts.get("cache_creation_input_tokens", 0), 0
    if isinstance(made.get("ephemeral_1h_input_tokens"), int):
        long = made["ephemeral_1h_input_tokens"]
    return Tokens(
        input=counts["input_tokens"],
        cached=counts.get("cache_read_input_tokens", 0),
        written=written - long,
        written_1h=long,
        output=counts["output_tokens"],
    )


def counts_of(answer: Mapping[str, Any]) -> dict[str, int]:
    """Tokens by kind; those that the cache gave or took are not among ``input_tokens``."""
    usage = answer.get("usage") or {}
    details = usage.get("output_tokens_details")
    counts = usage | (details if isinstance(details, dict) else {})
    return {name: counts[name] for name in COUNTED if isinstance(counts.get(name), int)}
