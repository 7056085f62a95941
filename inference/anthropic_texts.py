"""The texts of a request to a Claude model, with what its prompt cache is to remember marked."""

from collections.abc import Sequence
from typing import Any

from inference.engine import Chat
from samples.records import canonical_json

Turn = dict[str, str]


def texts_of(chat: Chat, system: str | None) -> tuple[str, list[Turn]]:
    """The system text, that of the options before the chat's own, and the turns."""
    turns = [{"role": m.role, "content": m.content} for m in chat]
    systems = [system] if system else []
    while turns and turns[0]["role"] == "system":
        systems.append(turns.pop(0)["content"])
    return "\n\n".join(systems), turns


def shown(system: str, turns: Sequence[Turn]) -> str:
    """The texts as one, for the record."""
    return canonical_json([{"role": "system", "content": system}, *turns] if system else turns)


def before_the_question(turns: Sequence[Turn]) -> Sequence[Turn]:
    users = [number for number, turn in enumerate(turns) if turn["role"] == "user"]
    return turns[: users[-1]] if users else ()


def marked(system: str, turns: Sequence[Turn], cache: str) -> dict[str, Any]:
    """The texts of a request, with the end of what comes before the question marked.

    One mark of the four that a request may have is enough: it covers all that stands before it.
    """
    sent = {"system": system, "messages": list(turns)} if system else {"messages": list(turns)}
    before = before_the_question(turns)
    text = before[-1]["content"] if before else system
    if cache == "off" or not text:  # an empty block cannot be marked
        return sent
    control = {"type": "ephemeral"} | ({"ttl": cache} if cache != "5m" else {})
    block = {"type": "text", "text": text, "cache_control": control}
    if not before:
        return sent | {"system": [block]}
    last = {"role": before[-1]["role"], "content": [block]}
    return sent | {"messages": [*before[:-1], last, *turns[len(before) :]]}
