"""OpenAI and every server that speaks its chat API: vLLM, SGLang, llama.cpp, Ollama, TGI.

The requests live in an event loop on a thread of the engine. Unlike a pool of threads, a loop can
drop a request under way, or a pause between two tries, at once: Ctrl-C does not wait for a server.
Retries are the SDK's: 408, 409, 429, 5xx and broken connections, with growing and jittered pauses
or the one in ``Retry-After`` (up to two minutes). What a model refuses to take can be overridden:
``options = { extra_body = { temperature = 1 } }``.
"""

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Thread
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import httpx2
import openai
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, ConfigDict, Field

from inference.engine import Chat, Completion, EngineSpec, Sampling, checked
from samples.errors import BenchwarrantError
from samples.records import canonical_json

OPENAI = "https://api.openai.com/v1"
PATIENCE = 4  # so many requests in a row without an answer may be bad luck
FINISHED = {"stop": "stop", "eos_token": "stop", "stop_sequence": "stop", "length": "length"}
ROW_REFUSED = (400, 413, 422)
TOO_LONG_CODES = {
    "context_length_exceeded",  # OpenAI, llama-cpp-python
    "string_above_max_length",  # OpenAI
    "exceed_context_size_error",  # llama.cpp
}
TOO_LONG_TEXT = re.compile(
    r"context (length|size|window)|maximum (prompt|model|input) length|prompt is too long"
    r"|maximum number of tokens|`inputs` (tokens|must have less)",
    re.IGNORECASE,
)


class Options(BaseModel):
    """What changes the text that comes back."""

    model_config = ConfigDict(extra="forbid")

    response_format: dict[str, Any] | None = None
    max_tokens_param: Literal["max_tokens", "max_completion_tokens"] | None = None
    extra_body: dict[str, Any] | None = None
    system: str | None = None  # goes before the chat


class Run(BaseModel):
    """How the server is reached. OpenAI's key goes to no other server unless it is named."""

    model_config = ConfigDict(extra="forbid")

    base_url: str | None = None
    api_key_env: str | None = None
    concurrency: int = Field(default=16, ge=1, le=1000)
    timeout: float = Field(default=600, gt=0)
    max_retries: int = Field(default=5, ge=0)
    base_dir: Any = None  # for engines that read files


@dataclass(frozen=True)
class Lost:
    """A request without an answer. With something to ``check``, no other would fare better."""

    reason: str
    check: str = ""


Arrivals = SimpleQueue[Completion | Lost | None]  # None: no more will come


class OpenAIEngine:
    """Sends chats to a server, many at a time, and hands the answers on as they arrive."""

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        self.spec = spec
        self._options = checked(Options, spec.options, "openai: options")
        self._run = checked(Run, run, "openai: run")
        base_url = self._run.base_url or OPENAI
        self._host = _host(base_url)
        self._is_openai = f".{self._host}".endswith(".api.openai.com")
        self._key_env = self._run.api_key_env or ("OPENAI_API_KEY" if self._is_openai else None)
        self._key = _key(self._key_env)
        self._served: set[str] = set()
        self._fingerprints: set[str] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._client = openai.AsyncOpenAI(
            api_key=self._key,
            base_url=base_url,
            max_retries=self._run.max_retries,
            timeout=openai.Timeout(self._run.timeout, connect=min(self._run.timeout, 10)),
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [_check_body]}),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="openai", daemon=True)
        self._thread.start()

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        """One completion per chat, in the order of arrival.

        A request without an answer does not hold up the others and is reported at the end; when
        as many in a row fail as are sent at a time, the server is taken to be gone.
        """
        at_once = self._run.concurrency
        arrived: Arrivals = SimpleQueue()
        room = asyncio.Semaphore(2 * at_once)  # under way, or not yet taken by the reader
        work = asyncio.run_coroutine_threadsafe(
            self._ask_all(chats, sampling, arrived, room), self._loop
        )
        lost: list[Lost] = []
        in_a_row = 0
        try:
            while (result := arrived.get()) is not None:
                self._loop.call_soon_threadsafe(room.release)
                if isinstance(result, Completion):
                    in_a_row = 0
                    yield result
                    continue
                lost.append(result)
                in_a_row += 1
                if result.check or in_a_row >= max(PATIENCE, at_once):
                    work.cancel()  # what has arrived by now is still handed on
        except BaseException:  # the reader left, or Ctrl-C
            work.cancel()
            raise
        if lost:
            raise BenchwarrantError(self._in_words(lost))
        work.result()  # a bug shows its traceback here

    def facts(self) -> dict[str, Any]:
        """Who answered: a hosted model can change under its name, and the fingerprint tells."""
        return {
            "openai": openai.__version__,
            "host": self._host,
            "served": sorted(self._served),
            "system_fingerprints": sorted(self._fingerprints),
        }

    def close(self) -> None:
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        running = tuple(self._running)  # not all tasks: those of anyio must end from the top down
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._client.close()
        await self._loop.shutdown_default_executor()

    async def _ask_all(
        self, chats: Sequence[Chat], sampling: Sampling, arrived: Arrivals, room: asyncio.Semaphore
    ) -> None:
        this = cast("asyncio.Task[None]", asyncio.current_task())
        self._running.add(this)
        numbered = iter(enumerate(chats))  # shared: each chat is taken once

        async def ask() -> None:
            for index, chat in numbered:
                await room.acquire()
                arrived.put(await self._ask(index, chat, sampling))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._run.concurrency, len(chats))):
                    group.create_task(ask())
        finally:
            self._running.discard(this)
            arrived.put(None)

    async def _ask(self, index: int, chat: Chat, sampling: Sampling) -> Completion | Lost:
        messages = _messages(chat, self._options.system)
        result: Completion | Lost
        try:
            raw = await self._client.chat.completions.with_raw_response.create(
                **self._body(messages, sampling)
            )
        except openai.APIStatusError as error:
            result = self._refused(error)
        except openai.APIConnectionError as error:
            result = Lost(self._clean(str(error.__cause__ or "") or error.message))
        else:
            answer = raw.parse()
            self._served.add(str(answer.model))
            self._fingerprints.update(filter(None, [answer.system_fingerprint]))
            result = replace(_read(answer), seconds=raw.elapsed.total_seconds())
        if isinstance(result, Lost):
            return result
        return replace(result, index=index, prompt=canonical_json(messages))

    def _body(self, messages: list[dict[str, str]], sampling: Sampling) -> dict[str, Any]:
        """The request. What has no effect is left out: some models refuse its very name."""
        by_default = "max_completion_tokens" if self._is_openai else "max_tokens"
        body: dict[str, Any] = {
            "model": self.spec.model,
            "messages": messages,
            "temperature": sampling.temperature,
            self._options.max_tokens_param or by_default: sampling.max_tokens,
        }
        if sampling.temperature > 0:
            body["seed"] = sampling.seed
            if sampling.top_p < 1:
                body["top_p"] = sampling.top_p
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if self._options.response_format is not None:
            body["response_format"] = self._options.response_format
        if self._options.extra_body is not None:
            body["extra_body"] = self._options.extra_body
        return body

    def _refused(self, error: openai.APIStatusError) -> Completion | Lost:
        """An error status: the outcome of this row, or an accident."""
        status, said = error.status_code, self._clean(_message(error))
        if TOO_LONG_CODES & {str(error.code), str(error.type)}:
            return Completion(0, None, "too_long", error=said)
        if status in ROW_REFUSED:
            too_long = status == 413 or TOO_LONG_TEXT.search(said)
            return Completion(0, None, "too_long" if too_long else "error", error=said)
        if status in (408, 409, 429) or status >= 500:
            pause = error.response.headers.get("retry-after")
            return Lost(f"{status}: {said}" + (f"; asks to wait {pause} s" if pause else ""))
        key = f"the key in {self._key_env}" if self._key_env else "api_key_env: no key was sent"
        if status == 401:  # OpenAI's own words show a part of the key
            return Lost("401: no key, or one that is not accepted", check=key)
        return Lost(f"{status}: {said}", check=key if status == 403 else "base_url and model")

    def _in_words(self, lost: Sequence[Lost]) -> str:
        for loss in lost:
            if loss.check:
                return f"{self._host} refuses every request ({loss.reason}); check {loss.check}"
        return (
            f"{self._host} did not answer {len(lost)} request(s) (last: {lost[-1].reason}); "
            "finished answers are kept: run the same command again"
        )

    def _clean(self, text: str) -> str:
        """A server's words without the key, on one line and not endless."""
        if self._key_env is not None:
            text = text.replace(self._key, "[key]")
        return " ".join(text.split())[:300]


async def _check_body(response: httpx2.Response) -> None:
    """Make half an answer, or a page that is none, fail like a broken connection: it is retried."""
    if not response.is_success:
        return
    await response.aread()
    try:
        message = response.json()["choices"][0]["message"]
    except (ValueError, LookupError, TypeError):
        message = None
    if not isinstance(message, dict):
        said = f"not a chat completion: {response.text}"
        raise httpx2.DecodingError(said, request=response.request)


def _messages(chat: Chat, system: str | None) -> list[dict[str, str]]:
    """The chat as it is sent; a system text of the options goes before the chat's own."""
    messages = [{"role": m.role, "content": m.content} for m in chat]
    if system is not None and messages and messages[0]["role"] == "system":
        system = f"{system}\n\n{messages.pop(0)['content']}"
    return messages if system is None else [{"role": "system", "content": system}, *messages]


def _read(answer: ChatCompletion) -> Completion:
    choice = answer.choices[0]
    text, usage = choice.message.content, answer.usage
    if not isinstance(text, str | None):
        return Completion(0, None, "error", error="the answer is not plain text")
    finish, error = FINISHED.get(choice.finish_reason, "error"), None
    if choice.message.refusal or choice.finish_reason == "content_filter":
        finish, error = "error", f"refused: {choice.message.refusal or 'content filter'}"
    elif finish == "error":
        error = f"ended with finish_reason {choice.finish_reason!r}"
    elif text is None:
        text = ""  # nothing but hidden reasoning
    return Completion(
        0,
        text,
        finish,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        error=error,
    )


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        return str(body.get("message") or body.get("detail") or body)
    return str(body or error.message)


def _host(base_url: str) -> str:
    """The server's name without anything secret."""
    try:
        url = urlsplit(base_url)
        host = url.hostname if url.port is None else f"{url.hostname}:{url.port}"
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https"):
        raise BenchwarrantError("openai: run: base_url must look like http://localhost:8000/v1")
    if url.username or url.password:
        raise BenchwarrantError("openai: run: base_url holds a password; use api_key_env instead")
    return host


def _key(name: str | None) -> str:
    if name is None:
        return "none"
    if not name.isidentifier():  # perhaps the key itself, so it is not repeated
        raise BenchwarrantError("openai: run: api_key_env takes the name of a variable, not a key")
    key = os.environ.get(name, "").strip()
    if not key:
        raise BenchwarrantError(f"openai: no key: set the environment variable {name}")
    if not (key.isascii() and key.isprintable()):
        raise BenchwarrantError(f"openai: the environment variable {name} does not hold a key")
    return key
