"""Answers of Claude models, read; the engine's tests have more of them, from a server."""

import pytest

from inference.anthropic_answers import counts_of, is_answer, read_answer

TEXT = {"type": "text", "text": "Verdict: correct"}


@pytest.mark.parametrize(
    ("reason", "finish", "text"),
    [
        ("end_turn", "stop", "Verdict: correct"),
        ("max_tokens", "length", "Verdict: correct"),
        ("model_context_window_exceeded", "too_long", None),
        ("pause_turn", "error", "Verdict: correct"),
    ],
)
def test_how_an_answer_ended(reason: str, finish: str, text: str | None) -> None:
    done = read_answer({"content": [TEXT], "stop_reason": reason})
    assert (done.finish, done.text) == (finish, text)


def test_tokens_are_counted_with_the_cache_s() -> None:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5, "other": 6}
    done = read_answer({"content": [TEXT], "stop_reason": "end_turn", "usage": usage})
    assert (done.prompt_tokens, done.completion_tokens) == (7, 5)
    assert "other" not in counts_of({"usage": usage})


def test_what_is_an_answer() -> None:
    assert is_answer({"content": [TEXT]})
    assert not is_answer({"content": "text"})
