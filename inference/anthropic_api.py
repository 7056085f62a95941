"""Anthropic, and the servers that speak its Messages API.

The text before the last question, which few-shot prompts have in common, is marked for Anthropic's
prompt cache. Models from Claude 4.7 on take no sampling arguments; older ones do, but only under
the older version of the API. Nothing makes an answer repeatable: the API has no seed.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Literal

import anthropic
import httpx2
from pydantic import BaseModel, ConfigDict

from inference.anthropic_json import NO_FORMAT, as_tool, tool_inputs, with_format
from inference.endpoint import TOO_LONG_TEXT, Lost, Result, Run, find_server, watched
from inference.engine import Chat, Completion, EngineSpec, Sampling, checked
from inference.prices import Tokens
from inference.requests import Requests
from samples.records import canonical_json

ANTHROPIC = "https://api.anthropic.com"
SAMPLING_VERSION = {"anthropic-version": "2023-06-01"}  # the next one, 2026-10-21, refuses them
TAKES_SAMPLING = re.compile(  # Claude up to 4.6, and what is no Claude
    r"(?!.*claude)|.*claude-(instant|[123]|(opus|sonnet|haiku)-4(-[0-6])?(?![-.]?\d{1,2}(?!\d)))"
)
FINISHED = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
REFUSED_TO_ALL = (  # in the words of a 400, and what to look at
    (re.compile(r"\b(temperature|top_p)\b"), "options: send"),
    (re.compile(r"\b(thinking|budget_tokens)\b"), "options: thinking"),
    (re.compile(r"\boutput_(config|format)\b|[Ss]tructured output"), "options: output_config"),
    (re.compile(r"\bmax_tokens\b"), "sampling: max_tokens"),
    (re.compile(r"\bstop_sequences\b"), "sampling: stop"),
    (re.compile(r"credit balance|usage limit"), "the account's credit and limits"),
)
COUNTED = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "thinking_tokens",  # among output_tokens
)
CACHEABLE = 2000  # characters; the shortest prefix that any model caches is 512 tokens
HEAD_START = 10.0  # seconds

Turn = dict[str, str]


class Options(BaseModel):
    """What changes the text that comes back."""

    model_config = ConfigDict(extra="forbid")

    send: tuple[Literal["temperature", "top_p"], ...] | None = None  # None: what the model takes
    thinking: dict[str, Any] | None = None  # "type", "budget_tokens"
    output_config: dict[str, Any] | None = None  # a JSON schema under "format", "effort"
    structured: Literal["auto", "tool"] = "auto"  # JSON by "format" where the model has it
    extra_body: dict[str, Any] | None = None
    system: str | None = None  # goes before the chat


class CachingRun(Run):
    """How the server is reached, and how long it is to remember what prompts have in common."""

    cache: Literal["5m", "1h", "off"] = "5m"


class AnthropicEngine:
    """Sends chats to a server, many at a time, and hands the answers on as they arrive."""

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        self.spec = spec
        self._options = checked(Options, spec.options, "anthropic: options")
        settings = checked(CachingRun, run, "anthropic: run")
        self._cache = settings.cache
        self._server = find_server("anthropic", settings, ANTHROPIC, "ANTHROPIC_API_KEY")
        self._send = self._taken()
        self._served: set[str] = set()
        self._usage: Counter[str] = Counter()
        self._sent: list[dict[str, Any]] = []
        self._not_sent: set[str] = set()
        self._by_tool = self._options.structured == "tool"
        self._first: dict[int, asyncio.Event] = {}  # by prefix: its first request was answered
        self._client = anthropic.AsyncAnthropic(
            api_key=self._server.key,
            base_url=self._server.base_url.rstrip("/").removesuffix("/v1"),
            max_retries=settings.max_retries,
            timeout=anthropic.Timeout(settings.timeout, connect=min(settings.timeout, 10)),
            default_headers=SAMPLING_VERSION if self._send else None,
            http_client=anthropic.DefaultAsyncHttpxClient(
                **watched(settings, self._server, _is_answer, tokens_of)
            ),
        )
        self._requests = Requests("anthropic", self._server.host, settings)

    def _taken(self) -> tuple[str, ...]:
        """The sampling arguments to send: a model that thinks takes none."""
        if self._options.send is not None:
            return self._options.send
        thinks = (self._options.thinking or {}).get("type", "disabled") != "disabled"
        takes = TAKES_SAMPLING.match(self.spec.model.lower()) and not thinks
        return ("temperature", "top_p") if takes else ()

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        """One completion per chat, in the order of arrival."""
        return self._answers(chats, self._body(sampling), sampling.max_tokens)

    def generate_json(
        self, chats: Sequence[Chat], sampling: Sampling, schema: Mapping[str, Any]
    ) -> Iterator[Completion]:
        """Completions by the schema: by the model's output format, or as the input of a tool."""
        return self._answers(chats, self._body(sampling), sampling.max_tokens, schema)

    def _answers(
        self,
        chats: Sequence[Chat],
        body: dict[str, Any],
        room: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Iterator[Completion]:
        async def ask(index: int, chat: Chat) -> Result:
            system, turns = _texts(chat, self._options.system)
            async with self._after_the_first(_before_the_question(turns), system):
                texts = _marked(system, turns, self._cache)
                if schema is None:
                    result = await self._ask(body, texts)
                else:
                    result = await self._ask_in_json(body, texts, schema)
            if isinstance(result, Lost):
                return result
            whole = [{"role": "system", "content": system}, *turns] if system else turns
            return replace(result, index=index, prompt=canonical_json(whole))

        return self._requests.answers(chats, ask, room)

    def facts(self) -> dict[str, Any]:
        """Who answered, what was sent but for the texts, what could not be, and what it took."""
        return {
            "anthropic": anthropic.__version__,
            "host": self._server.host,
            "served": sorted(self._served),
            "sent": list(self._sent),
            "not_sent": sorted(self._not_sent),  # the seed: the API has none
            "cache": self._cache,
            "usage": dict(self._usage),
        }

    def close(self) -> None:
        self._requests.close(self._client.close)

    async def _ask(self, body: dict[str, Any], texts: dict[str, Any]) -> Result:
        """One request. ``create`` has no arguments for sampling, and warns of a model's end."""
        if body not in self._sent:
            self._sent.append(body)
        try:
            asked = body | texts
            response = await self._client.post("/v1/messages", body=asked, cast_to=httpx2.Response)
        except anthropic.APIStatusError as error:
            said = self._server.clean(error.api_message or error.message)
            if error.status_code == 400 and not TOO_LONG_TEXT.search(said):
                for words, check in REFUSED_TO_ALL:
                    if words.search(said):
                        return Lost(f"400: {said}", check=check)
            return self._server.refused(error.status_code, said, error.response.headers)
        except anthropic.APIConnectionError as error:
            return Lost(self._server.clean(str(error.__cause__ or "") or error.message))
        answer = response.json()
        self._served.add(str(answer.get("model")))
        self._usage.update(_counts(answer))
        return replace(_read(answer), seconds=response.elapsed.total_seconds())

    def _body(self, sampling: Sampling) -> dict[str, Any]:
        """The request but for its texts. What has no effect is left out."""
        wanted = {"temperature": sampling.temperature}
        if sampling.temperature > 0 and sampling.top_p < 1:
            wanted["top_p"] = sampling.top_p
        body: dict[str, Any] = {"model": self.spec.model, "max_tokens": sampling.max_tokens}
        body |= {name: value for name, value in wanted.items() if name in self._send}
        if sampling.stop:
            body["stop_sequences"] = list(sampling.stop)
        if self._options.thinking is not None:
            body["thinking"] = self._options.thinking
        if self._options.output_config is not None:
            body["output_config"] = self._options.output_config
        body |= self._options.extra_body or {}
        self._not_sent |= {"seed", *wanted} - set(body)
        return body

    async def _ask_in_json(
        self, body: dict[str, Any], texts: dict[str, Any], schema: Mapping[str, Any]
    ) -> Result:
        """By the output format; a model that has none is given the tool from then on."""
        if not self._by_tool:
            result = await self._ask(with_format(body, schema), texts)
            if not (isinstance(result, Lost) and NO_FORMAT.match(result.reason)):
                return result
            self._by_tool = True
        return await self._ask(body | as_tool(schema), texts)

    @asynccontextmanager
    async def _after_the_first(self, before: Sequence[Turn], system: str) -> AsyncIterator[None]:
        """Have one request write what comes before the question to the cache for the others.

        All that are sent before it is answered would pay for writing it again; but they wait for
        ten seconds at most.
        """
        length = len(system) + sum(len(turn["content"]) for turn in before)
        if self._cache == "off" or length < CACHEABLE:
            yield
            return
        prefix = hash((system, *(turn["content"] for turn in before)))
        if first := self._first.get(prefix):
            with suppress(TimeoutError):
                await asyncio.wait_for(first.wait(), HEAD_START)
            yield
            return
        self._first[prefix] = first = asyncio.Event()
        try:
            yield
        finally:
            first.set()


def _is_answer(body: Any) -> bool:
    blocks = body["content"]
    fine = isinstance(blocks, list) and all(isinstance(block, dict) for block in blocks)
    return fine and isinstance(body.get("usage") or {}, dict)


def _texts(chat: Chat, system: str | None) -> tuple[str, list[Turn]]:
    """The system text, that of the options before the chat's own, and the turns."""
    turns = [{"role": m.role, "content": m.content} for m in chat]
    systems = [system] if system else []
    while turns and turns[0]["role"] == "system":
        systems.append(turns.pop(0)["content"])
    return "\n\n".join(systems), turns


def _before_the_question(turns: Sequence[Turn]) -> Sequence[Turn]:
    users = [number for number, turn in enumerate(turns) if turn["role"] == "user"]
    return turns[: users[-1]] if users else ()


def _marked(system: str, turns: Sequence[Turn], cache: str) -> dict[str, Any]:
    """The texts of a request, with the end of what comes before the question marked.

    One mark of the four that a request may have is enough: it covers all that stands before it.
    """
    sent = {"system": system, "messages": list(turns)} if system else {"messages": list(turns)}
    before = _before_the_question(turns)
    text = before[-1]["content"] if before else system
    if cache == "off" or not text:  # an empty block cannot be marked
        return sent
    control = {"type": "ephemeral"} | ({"ttl": cache} if cache != "5m" else {})
    block = {"type": "text", "text": text, "cache_control": control}
    if not before:
        return sent | {"system": [block]}
    last = {"role": before[-1]["role"], "content": [block]}
    return sent | {"messages": [*before[:-1], last, *turns[len(before) :]]}


def _read(answer: Mapping[str, Any]) -> Completion:
    """The outcome of one answer; what the model thought is no part of it."""
    reason, counts = answer.get("stop_reason"), _counts(answer)
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
    counts = _counts(answer)
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


def _counts(answer: Mapping[str, Any]) -> dict[str, int]:
    """Tokens by kind; those that the cache gave or took are not among ``input_tokens``."""
    usage = answer.get("usage") or {}
    details = usage.get("output_tokens_details")
    counts = usage | (details if isinstance(details, dict) else {})
    return {name: counts[name] for name in COUNTED if isinstance(counts.get(name), int)}
