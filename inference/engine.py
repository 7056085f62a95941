"""Text in, text out: the one seam between the study and anything that runs a model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from samples.errors import BenchwarrantError
from samples.registry import did_you_mean, find

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Message:
    role: str  # "system", "user" or "assistant"
    content: str


Chat = tuple[Message, ...]


@dataclass(frozen=True)
class Sampling:
    """How text is drawn. Temperature 0 is greedy: then top_p and seed have no effect."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineSpec:
    """What runs, as far as it changes the text that comes out; part of a response's identity."""

    engine: str
    model: str
    revision: str | None = None
    dtype: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Completion:
    """The outcome for chat number ``index`` of the call.

    ``finish`` is "stop", "length", "too_long" (did not fit the context: nothing was generated and
    nothing cut) or "error" (the server refused this one request; ``error`` says why).
    """

    index: int
    text: str | None
    finish: str
    prompt: str | None = None  # the exact text sent, after the chat template
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    error: str | None = None
    logprobs: tuple[float, ...] | None = None  # of ``score``: one for each label


class Engine(Protocol):
    """One result per chat, each tagged with its index, delivered as soon as it is ready.

    An accident (network gone, out of memory) is an exception after what finished was yielded.
    """

    spec: EngineSpec

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]: ...

    def facts(self) -> dict[str, Any]:
        """What was measured or found out: versions, device, dtype, parameters, load seconds."""
        ...

    def close(self) -> None: ...


class StructuredEngine(Engine, Protocol):
    """One that can hold an answer to a JSON schema. Whether a server did is for the reader to see.

    The schema is no part of ``Sampling``: it follows from the rubric, not from the spec.
    """

    def generate_json(
        self, chats: Sequence[Chat], sampling: Sampling, schema: Mapping[str, Any]
    ) -> Iterator[Completion]: ...


class ScoringEngine(Engine, Protocol):
    """One that can say how probable it is that its answer begins with each label.

    A label counts as it is written and with a capital first. ``text`` is what the figures were
    read from, as JSON.
    """

    def score(self, chats: Sequence[Chat], labels: Sequence[str]) -> Iterator[Completion]: ...


STRUCTURED = ("anthropic", "openai", "replay", "served")  # engines with generate_json
COMPUTING = ("hf", "served")  # these want the processors of the machine that they run on
SCORING = ("hf", "openai", "served")  # engines with score

ENGINES: dict[str, Any] = {
    "anthropic": "inference.anthropic_api:AnthropicEngine",
    "hf": "inference.hf:HfEngine",
    "openai": "inference.openai_api:OpenAIEngine",
    "replay": "inference.replay:ReplayEngine",
    "served": "inference.served:ServedEngine",
}


def spellings(label: str) -> tuple[str, ...]:
    """How an answer may begin with a label: as it is written, and with a capital first."""
    return tuple(dict.fromkeys([label, label[:1].upper() + label[1:]]))


def checked(model: type[M], values: Mapping[str, Any], where: str) -> M:
    """An engine's options or run settings; a mistake is one line that names the key."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key, said = ".".join(str(step) for step in first["loc"]), first["msg"]
        if first["type"] == "extra_forbidden":
            said = f"unknown; {did_you_mean(key, list(model.model_fields))}"
        raise BenchwarrantError(f"{where}: {key!r}: {said}") from None


def open_engine(spec: EngineSpec, run: Mapping[str, Any]) -> Engine:
    """Load the engine that the spec names.

    ``run`` holds what does not change the text: batch size, device, address, concurrency, and the
    name of the environment variable with the key.
    """
    engine: Engine = find("engine", spec.engine, ENGINES)(spec, run)
    return engine
