"""What the provider server says: answers and errors as OpenAI's and Anthropic's APIs word them.

An answer follows from its request alone: the same request always gets the same verdict and takes
the same tokens, whether it is sent by itself or as a row of a batch.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

LABELS = ("correct", "incorrect")
REASON = "The final answer was compared with the reference."
REFUSAL = "I can't help with that."
FILLERS = ("The", "Answer", "It", "Yes", "No")  # first words that are no label
MOST_TOLD = 20  # log-probabilities of one token
STATUS = {
    "invalid": 400,
    "unauthorised": 401,
    "missing": 404,
    "too_many": 429,
    "broken": 500,
    "overloaded": 503,
}
SAYS = {
    "invalid": "This request cannot be answered.",
    "unauthorised": "Incorrect API key provided.",
    "missing": "There is no such object.",
    "too_many": "Rate limit reached for requests.",
    "broken": "The server had an error while processing your request.",
    "overloaded": "The server is overloaded.",
}

Json = dict[str, Any]


class Invalid(Exception):
    """A request that a provider would not answer, and why."""


NO_ANSWER = (Invalid, LookupError, TypeError, AttributeError, ValueError)  # or it is malformed


@dataclass(frozen=True)
class Dialect:
    """How one provider answers a request, says that it does not, and counts what it took."""

    name: str
    answer: Callable[[Json, str], Json]  # the request, and "refused" or "misshapen" or nothing
    error: Callable[[str, str], Json]  # a key of STATUS, the message
    tokens: Callable[[Json], dict[str, int]]  # of an answer, by how they are billed

    def key(self, body: Json) -> str:
        """What two requests have in common that ask the same thing."""
        text = json.dumps([self.name, body], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


# What is asked


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _blocks(body: Json) -> Iterator[tuple[str, Json | None]]:
    """Every text that was sent, in order, with its mark for the cache."""
    contents = [body.get("system") or "", *(turn.get("content") for turn in body["messages"])]
    for content in contents:
        if isinstance(content, str):
            yield content, None
        else:
            for block in content or ():
                yield block.get("text") or "", block.get("cache_control")


def _question(body: Json) -> str:
    """The last message of the user; what no answer can be given to is told apart here."""
    turns = body.get("messages")
    if not isinstance(turns, list) or not turns:
        raise Invalid("messages: at least one message is required")
    if not isinstance(body.get("model"), str):
        raise Invalid("model: a name is required")
    if body.get("stream"):
        raise Invalid("stream: this server answers in one piece only")
    asked = [turn for turn in turns if turn.get("role") == "user"]
    if not asked:
        raise Invalid("messages: no message is the user's")
    return "".join(text for text, _ in _blocks({"messages": asked[-1:]}))


def _filled(schema: Json, number: int, root: Json | None = None) -> Any:
    """A value that the schema allows; the number picks among an enum's."""
    root = root or schema
    if "$ref" in schema:
        return _filled(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], number, root)
    if "anyOf" in schema:
        return _filled(schema["anyOf"][0], number, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][number % len(schema["enum"])]
    kind = schema.get("type")
    if kind == "object":
        inner = schema.get("properties", {}).items()
        return {name: _filled(part, number, root) for name, part in inner}
    if kind == "array":
        return [_filled(schema["items"], number, root)]
    simple = {"string": REASON, "boolean": number % 2 == 0, "null": None}
    return simple[kind] if kind in simple else schema.get("minimum", 0)


def _said(schema: Json | None, number: int, twist: str) -> str:
    """The words of an answer: JSON by the schema, or a verdict on the last line."""
    if schema is None:
        text = f"{REASON}\n\nVerdict: {LABELS[number % len(LABELS)]}"
    else:
        text = json.dumps(_filled(schema, number))
    return text[: len(text) // 2] if twist == "misshapen" else text


# OpenAI


def _openai_answer(body: Json, twist: str) -> Json:
    number = _number(_question(body))
    form = body.get("response_format") or {"type": "text"}
    if form.get("type") not in ("text", "json_schema"):
        raise Invalid("response_format: 'text' and 'json_schema' are supported")
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    logprobs = None
    if twist == "refused":
        message["refusal"] = REFUSAL
    elif body.get("logprobs"):
        message["content"] = FILLERS[0] if twist == "misshapen" else LABELS[number % len(LABELS)]
        told = _first_token(message["content"], number, body.get("top_logprobs") or 0)
        logprobs = {"content": [told], "refusal": None}
    else:
        message["content"] = _said(form.get("json_schema", {}).get("schema"), number, twist)
    choice = {"index": 0, "finish_reason": "stop", "message": message, "logprobs": logprobs}
    return {
        "id": f"chatcmpl-{OPENAI.key(body)[:24]}",
        "object": "chat.completion",
        "created": 1_800_000_000,
        "model": body["model"],
        "system_fingerprint": "fp_provider",
        "choices": [choice],
        "usage": _openai_usage(body),
    }


def _first_token(said: str, number: int, most: int) -> Json:
    """The log-probability of what is said, and of what else might have been."""
    if not 0 <= most <= MOST_TOLD:
        raise Invalid(f"top_logprobs: at most {MOST_TOLD}")
    sure = 0.6 + 0.39 * (number % 1000) / 1000
    others = [label for label in LABELS if label != said] if said in LABELS else []
    fillers = [word for word in FILLERS if word != said]
    chances = {said: sure}
    chances |= {label: (1 - sure) * 0.8 / len(others) for label in others}
    chances |= {word: (1 - sure) * 0.1 / len(fillers) for word in fillers}
    top = [
        {"token": token, "logprob": math.log(chance), "bytes": list(token.encode())}
        for token, chance in chances.items()
    ]
    return top[0] | {"top_logprobs": top[:most]}


def _openai_usage(body: Json) -> Json:
    text = "".join(text for text, _ in _blocks(body))
    number = _number(text)
    prompt = max(1, len(text) // 4)
    room = body.get("max_completion_tokens") or body.get("max_tokens") or 40
    output = min(5 + number % 36, room)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": prompt // 2 if number % 3 == 0 else 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


def _openai_tokens(answer: Json) -> dict[str, int]:
    usage = answer["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    kinds = {"input": usage["prompt_tokens"] - cached, "cached": cached}
    return kinds | {"output": usage["completion_tokens"]}


def _openai_error(kind: str, message: str) -> Json:
    types = {"too_many": "requests", "broken": "server_error", "overloaded": "server_error"}
    codes = {"too_many": "rate_limit_exceeded", "unauthorised": "invalid_api_key"}
    error = {"type": types.get(kind, "invalid_request_error"), "code": codes.get(kind)}
    return {"error": {"message": message, "param": None} | error}


# Anthropic


def _anthropic_answer(body: Json, twist: str) -> Json:
    number = _number(_question(body))
    if not isinstance(body.get("max_tokens"), int):
        raise Invalid("max_tokens: Field required")
    tool = _tool(body)
    form = (body.get("output_config") or {}).get("format") or {}
    content: list[Json] = []
    reason, details = "end_turn", None
    if twist == "refused":
        reason = "refusal"
        details = {"type": "refusal", "category": None, "explanation": REFUSAL}
    elif tool is not None:
        given = _filled(tool["input_schema"], number)
        if twist == "misshapen":
            given.popitem()
        call = {"type": "tool_use", "id": f"toolu_{number}", "name": tool["name"], "input": given}
        content, reason = [call], "tool_use"
    else:
        content = [{"type": "text", "text": _said(form.get("schema"), number, twist)}]
    return {
        "id": f"msg_{ANTHROPIC.key(body)[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": reason,
        "stop_details": details,
        "stop_sequence": None,
        "usage": _anthropic_usage(body),
    }


def _tool(body: Json) -> Json | None:
    """The tool that has to be called, if any has."""
    choice = body.get("tool_choice") or {"type": "auto"}
    tools = {tool["name"]: tool for tool in body.get("tools") or ()}
    if choice["type"] == "any" and tools:
        return next(iter(tools.values()))
    if choice["type"] == "tool":
        if choice.get("name") not in tools:
            raise Invalid(f"tool_choice: tool {choice.get('name')!r} not found in tools")
        return tools[choice["name"]]
    return None


def _anthropic_usage(body: Json) -> Json:
    """What stands before the last mark was written to the cache or read from it."""
    text, marked, mark = "", 0, {}
    for part, control in _blocks(body):
        text += part
        if control:
            marked, mark = len(text), control
    number = _number(text)
    is_read = number % 4 > 0
    written, hour = 0 if is_read else marked // 4, mark.get("ttl") == "1h"
    return {
        "input_tokens": max(1, (len(text) - marked) // 4),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": marked // 4 if is_read else 0,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 0 if hour else written,
            "ephemeral_1h_input_tokens": written if hour else 0,
        },
        "output_tokens": min(5 + number % 36, body["max_tokens"]),
        "service_tier": "standard",
    }


def _anthropic_tokens(answer: Json) -> dict[str, int]:
    usage = answer["usage"]
    return {
        "input": usage["input_tokens"],
        "cached": usage["cache_read_input_tokens"],
        "written": usage["cache_creation"]["ephemeral_5m_input_tokens"],
        "written_1h": usage["cache_creation"]["ephemeral_1h_input_tokens"],
        "output": usage["output_tokens"],
    }


def _anthropic_error(kind: str, message: str) -> Json:
    types = {
        "unauthorised": "authentication_error",
        "missing": "not_found_error",
        "too_many": "rate_limit_error",
        "broken": "api_error",
        "overloaded": "overloaded_error",
    }
    error = {"type": types.get(kind, "invalid_request_error"), "message": message}
    return {"type": "error", "error": error, "request_id": "req_provider"}


OPENAI = Dialect("openai", _openai_answer, _openai_error, _openai_tokens)
ANTHROPIC = Dialect("anthropic", _anthropic_answer, _anthropic_error, _anthropic_tokens)
