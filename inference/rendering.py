"""From a chat to the exact text that a local model continues."""

from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError

from inference.engine import Chat, Message
from samples.errors import BenchwarrantError


def with_system(chat: Chat, system: str | None) -> Chat:
    """The chat behind a system text; a system message of its own follows as part of the same."""
    if system is None:
        return chat
    if chat[0].role == "system":
        return (Message("system", f"{system}\n\n{chat[0].content}"), *chat[1:])
    return (Message("system", system), *chat)


def plain(chat: Chat) -> str:
    """The text for a model that knows no chats: a paragraph each, and the answer is the next."""
    return "".join(f"{message.content}\n\n" for message in chat)


def templated(tokenizer: Any, chat: Chat, extra: Mapping[str, Any]) -> str:
    """The text that the model's own chat template makes, up to where its answer begins."""
    messages = [
        {"role": message.role, "content": defused(tokenizer, message.content)} for message in chat
    ]
    try:
        text: str = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, **extra
        )
    except TemplateError as error:
        roles = ", ".join(message.role for message in chat)
        raise BenchwarrantError(
            f"the chat template of {tokenizer.name_or_path!r} refuses a chat of {roles} ({error}); "
            "use a prompt without the role that it does not take"
        ) from error
    return text


def defused(tokenizer: Any, content: str) -> str:
    """A control token written out in a message is text: it must not end the message.

    It is broken by a zero-width space, so that an answer that is being judged cannot close its
    own turn and speak as the system.
    """
    for token in tokenizer.added_tokens_decoder.values():
        if token.special and token.content in content:
            broken = f"{token.content[0]}\u200b{token.content[1:]}"
            content = content.replace(token.content, broken)
    return content
