"""Lines as they arrive, and what an SDK's exceptions say about whether something was done."""

from typing import Any

import httpx2
import openai
import pytest

from inference.batch_services import Batch, Trouble, asking, id_of, lines
from inference.endpoint import Server

SERVER = Server("http://localhost/v1", "localhost", False, "TEST_KEY", "sk-secret")


class Stream:
    """A client whose one file arrives in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def get(self, path: str, **_: Any) -> httpx2.Response:
        return httpx2.Response(200, content=iter(self._pieces))


@pytest.mark.parametrize(
    "pieces",
    [
        (b'{"a": 1}\n{"a": 2}\n',),
        (b'{"a"', b": 1}", b'\n{"a": 2', b"}"),
        (b'\n{"a": 1}\r\n\n', b'{"a": 2}\n\n'),
    ],
)
def test_lines_are_put_together_from_what_arrives(pieces: tuple[bytes, ...]) -> None:
    assert list(lines(Stream(*pieces), None, "/x")) == [{"a": 1}, {"a": 2}]


def test_other_ends_of_lines_are_text() -> None:
    text = '{"a": "one\u2028two\u0085three"}\n'.encode()
    assert list(lines(Stream(text[:12], text[12:]), None, "/x")) == [
        {"a": "one\u2028two\u0085three"}
    ]


def status_error(status: int, body: Any) -> openai.APIStatusError:
    response = httpx2.Response(status, request=httpx2.Request("GET", "http://localhost"))
    return openai.APIStatusError("said", response=response, body=body)


@pytest.mark.parametrize(
    ("status", "passing", "undone"),
    [
        (400, False, True),
        (401, False, True),
        (404, False, True),
        (408, True, False),
        (409, True, False),
        (413, False, True),
        (429, True, True),
        (500, True, False),
        (504, True, False),
    ],
)
def test_what_a_refusal_means(status: int, passing: bool, undone: bool) -> None:
    with pytest.raises(Trouble) as caught, asking(openai, SERVER):
        raise status_error(status, {"message": "bad sk-secret"})
    assert (caught.value.is_passing, caught.value.is_undone) == (passing, undone)
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        openai.APIConnectionError(request=httpx2.Request("GET", "http://localhost")),
        httpx2.RemoteProtocolError("sk-secret: half an answer"),
        ValueError("no JSON: sk-secret"),
        KeyError("custom_id"),
    ],
)
def test_without_an_answer_nobody_knows(error: Exception) -> None:
    with pytest.raises(Trouble) as caught, asking(openai, SERVER):
        raise error
    assert (caught.value.is_passing, caught.value.is_undone) == (True, False)
    assert "sk-secret" not in str(caught.value)


def test_a_batch_that_is_not_there_may_be_given_up() -> None:
    with pytest.raises(Trouble) as caught, asking(openai, SERVER, "batch_7"):
        raise status_error(404, {"error": {"message": "no such batch"}})
    assert "has no batch batch_7" in caught.value.lost.trouble
    assert 'given_up = ["batch_7"]' in caught.value.lost.check


def test_what_has_no_id_was_not_heard_of() -> None:
    assert id_of(Batch("k", "h", (), id="batch_1")) == "batch_1"
    with pytest.raises(ValueError, match="no id"):
        id_of(Batch("k", "h", ()))
