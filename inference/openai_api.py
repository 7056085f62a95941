"""OpenAI and every server that speaks its chat API: vLLM, SGLang, llama.cpp, Ollama, TGI.

What a model refuses to take can be overridden: ``options = { extra_body = { temperature = 1 } }``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import httpx2
import openai
from pydantic import BaseModel, ConfigDict

from inference.endpoint import Lost, Result, Run, find_server, watched
from inference.engine import Chat, Completion, EngineSpec, Sampling, checked
from inference.label_scores import (
    ASKED,
    LENGTH,
    check_first_letters,
    decision_body,
    read_decision,
    read_top,
)
from inference.prices import Tokens
from inference.requests import Requests
from samples.records import canonical_json

OPENAI = "https://api.openai.com/v1"
NO_LOGPROBS = 'answer = "score": "json" and "text" need none, and engine "hf" has them'
FINISHED = {"stop": "stop", "eos_token": "stop", "stop_sequence": "stop", "length": "length"}
TOO_LONG_CODES = {
    "context_length_exceeded",  # OpenAI, llama-cpp-python
    "string_above_max_length",  # OpenAI
    "exceed_context_size_error",  # llama.cpp
}


class Options(BaseModel):
    """What changes the text that comes back."""

    model_config = ConfigDict(extra="forbid")

    response_format: dict[str, Any] | None = None
    max_tokens_param: Literal["max_tokens", "max_completion_tokens"] | None = None
    extra_body: dict[str, Any] | None = None
    system: str | None = None  # goes before the chat
    decisions: bool = False  # ask OpenAI's Decisions API for the probabilities of labels


@dataclass(frozen=True)
class Form:
    """What the requests of one call have in common, and how their answers are read."""

    body: dict[str, Any]  # all but the texts
    room: int  # tokens of an answer
    read: Callable[[dict[str, Any]], Result]
    path: str = "/chat/completions"
    texts: str = "messages"
    vital: str = ""  # an argument without which no answer is of use
    instead: str = ""  # what to do where the server does not take it


class OpenAIEngine:
    """Sends chats to a server, many at a time, and hands the answers on as they arrive."""

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        self.spec = spec
        self._options = checked(Options, spec.options, "openai: options")
        settings = checked(Run, run, "openai: run")
        self._server = find_server("openai", settings, OPENAI, "OPENAI_API_KEY")
        self._served: set[str] = set()
        self._fingerprints: set[str] = set()
        self._sent: list[dict[str, Any]] = []
        self._client = openai.AsyncOpenAI(
            api_key=self._server.key,
            base_url=self._server.base_url,
            max_retries=settings.max_retries,
            timeout=openai.Timeout(settings.timeout, connect=min(settings.timeout, 10)),
            http_client=openai.DefaultAsyncHttpxClient(
                **watched(settings, self._server, _is_answer, tokens_of)
            ),
        )
        self._requests = Requests("openai", self._server.host, settings)

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        """One completion per chat, in the order of arrival."""
        return self._answers(chats, Form(self._body(sampling), sampling.max_tokens, _read))

    def generate_json(
        self, chats: Sequence[Chat], sampling: Sampling, schema: Mapping[str, Any]
    ) -> Iterator[Completion]:
        """Completions by the schema, unless the options have a format of their own."""
        named = {"name": "verdict", "strict": True, "schema": dict(schema)}
        body = {"response_format": {"type": "json_schema", "json_schema": named}}
        form = Form(body | self._body(sampling), sampling.max_tokens, _read)
        instead = 'answer = "json": "text" needs no schema'
        return self._answers(chats, replace(form, vital="response_format", instead=instead))

    def score(self, chats: Sequence[Chat], labels: Sequence[str]) -> Iterator[Completion]:
        """What the first token of each answer gives each label, or a Decisions answer."""
        if self._options.decisions:
            body = decision_body(self.spec.model, labels)
            read = partial(read_decision, labels=labels)
            return self._answers(chats, Form(body, 1, read, "/decisions", "input"))
        check_first_letters(labels)
        body = self._body(Sampling(max_tokens=LENGTH)) | ASKED
        form = Form(body, LENGTH, partial(_read_scores, labels=labels))
        return self._answers(chats, replace(form, vital="logprobs", instead=NO_LOGPROBS))

    def _answers(self, chats: Sequence[Chat], form: Form) -> Iterator[Completion]:
        if form.body not in self._sent:
            self._sent.append(form.body)

        async def ask(index: int, chat: Chat) -> Result:
            messages = _messages(chat, self._options.system)
            result = await self._ask({form.texts: messages} | form.body, form)
            if isinstance(result, Lost):
                return result
            return replace(result, index=index, prompt=canonical_json(messages))

        return self._requests.answers(chats, ask, form.room)

    def facts(self) -> dict[str, Any]:
        """Who answered: a hosted model can change under its name, and the fingerprint tells.

        ``sent`` are the requests without their messages, one for each sampling.
        """
        return {
            "openai": openai.__version__,
            "host": self._server.host,
            "served": sorted(self._served),
            "system_fingerprints": sorted(self._fingerprints),
            "sent": list(self._sent),
        }

    def close(self) -> None:
        self._requests.close(self._client.close)

    async def _ask(self, body: dict[str, Any], form: Form) -> Result:
        """One request. ``create`` would look up the type of every message: 3 ms for 8 shots."""
        try:
            response = await self._client.post(form.path, body=body, cast_to=httpx2.Response)
        except openai.APIStatusError as error:
            said = self._server.clean(_message(error))
            if TOO_LONG_CODES & {str(error.code), str(error.type)}:
                return Completion(0, None, "too_long", error=said)
            if form.vital and form.vital in said:
                return Lost(f"{error.status_code}: {said}", check=form.instead)
            return self._server.refused(error.status_code, said, error.response.headers)
        except openai.APIConnectionError as error:
            return Lost(self._server.clean(str(error.__cause__ or "") or error.message))
        answer = response.json()
        self._served.add(str(answer.get("model")))
        if fingerprint := answer.get("system_fingerprint"):
            self._fingerprints.add(str(fingerprint))
        result = form.read(answer)
        if isinstance(result, Lost):
            return result
        return replace(result, seconds=response.elapsed.total_seconds())

    def _body(self, sampling: Sampling) -> dict[str, Any]:
        """The request but for its messages.

        What has no effect is left out: some models refuse its very name.
        """
        by_default = "max_completion_tokens" if self._server.is_own else "max_tokens"
        body: dict[str, Any] = {
            "model": self.spec.model,
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
        return body | (self._options.extra_body or {})


def _is_answer(body: Any) -> bool:
    if "answers" in body:  # of the Decisions API
        [one] = body["answers"]
        return one["type"] == "refusal" or isinstance(one["probabilities"], list)
    message = body["choices"][0]["message"]
    return isinstance(message, dict) and isinstance(body.get("usage") or {}, dict)


def tokens_of(body: Mapping[str, Any]) -> Tokens | None:
    """What an answer took, as it is billed: tokens that a cache gave or took are in the prompt's.

    The Decisions API bills what it reads and nothing else.
    """
    usage = body.get("usage") or {}
    if "answers" in body:
        read = usage.get("input_tokens")
        return Tokens(input=read) if isinstance(read, int) else None
    prompt, output = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(output, int):
        return None
    details = usage.get("prompt_tokens_details") or {}
    cached, written = (details.get(f"cache{k}_tokens") or 0 for k in ("d", "_write"))
    return Tokens(prompt - cached - written, cached=cached, written=written, output=output)


def _messages(chat: Chat, system: str | None) -> list[dict[str, str]]:
    """The chat as it is sent; a system text of the options goes before the chat's own."""
    messages = [{"role": m.role, "content": m.content} for m in chat]
    if system is not None and messages and messages[0]["role"] == "system":
        system = f"{system}\n\n{messages.pop(0)['content']}"
    return messages if system is None else [{"role": "system", "content": system}, *messages]


def _read(answer: dict[str, Any]) -> Completion:
    choice = answer["choices"][0]
    message, reason, usage = choice["message"], choice.get("finish_reason"), answer.get("usage")
    text = message.get("content")
    if not isinstance(text, str | None):
        return Completion(0, None, "error", error="the answer is not plain text")
    finish, error = FINISHED.get(str(reason), "error"), None
    if message.get("refusal") or reason == "content_filter":
        finish, error = "error", f"refused: {message.get('refusal') or 'content filter'}"
    elif finish == "error":
        error = f"ended with finish_reason {reason!r}"
    elif text is None:
        text = ""  # nothing but hidden reasoning
    return Completion(
        0,
        text,
        finish,
        prompt_tokens=usage.get("prompt_tokens") if usage else None,
        completion_tokens=usage.get("completion_tokens") if usage else None,
        error=error,
    )


def _read_scores(answer: dict[str, Any], labels: Sequence[str]) -> Result:
    """The chances of the labels; a server without any would answer no case."""
    done, chances = _read(answer), read_top(answer, labels)
    if done.finish == "error":
        return done
    if chances is None:
        asked = "they were asked for, and some servers ignore that"
        return Lost(asked, NO_LOGPROBS, "returned no log-probabilities")
    return replace(done, text=chances.text, finish="stop", logprobs=chances.logprobs)


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict):
        return str(body.get("message") or body.get("detail") or body)
    return str(body or error.message)
