"""What of a Claude request's texts is the system's, and where the cache is told to end."""

from inference.anthropic_texts import before_the_question, marked, shown, texts_of
from inference.engine import Message

TURNS = [
    {"role": "user", "content": "2 + 2?"},
    {"role": "assistant", "content": "4"},
    {"role": "user", "content": "3 + 3?"},
]


def test_system_texts_stand_apart_from_the_turns() -> None:
    chat = (Message("system", "Be brief."), Message("user", "2 + 2?"))
    assert texts_of(chat, "Be kind.") == ("Be kind.\n\nBe brief.", TURNS[:1])
    assert texts_of(chat[1:], None) == ("", TURNS[:1])


def test_the_last_text_before_the_question_is_marked() -> None:
    assert before_the_question(TURNS) == TURNS[:2]
    [_, last, question] = marked("", TURNS, "1h")["messages"]
    assert last["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert question == TURNS[2]
    assert marked("", TURNS, "off") == {"messages": TURNS}


def test_all_texts_are_shown() -> None:
    assert shown("S", TURNS[:1]) == (
        '[{"content":"S","role":"system"},{"content":"2 + 2?","role":"user"}]'
    )
    assert shown("", []) == "[]"
