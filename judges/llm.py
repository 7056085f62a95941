"""A model as judge: a prompt, an engine and a parser. A new one is a prompt file, no code."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from hashlib import blake2b
from importlib.resources import files
from string import Template
from threading import Lock
from typing import Any, TypeVar, cast

from inference.engine import (
    Chat,
    Completion,
    Engine,
    EngineSpec,
    Message,
    Sampling,
    ScoringEngine,
    StructuredEngine,
    open_engine,
)
from judges.answers import NOT_ANSWERED, require_texts
from judges.graded import check_labels, weigh
from judges.panel import at_once
from judges.parsing import Reading, read_verdict
from judges.repeats import merged
from judges.structured import Listener, read_json, verdict_schema
from samples.errors import BenchwarrantError
from samples.on_demand import OnDemand
from samples.records import Case, Spec, Verdict
from samples.registry import did_you_mean
from samples.spoken import spoken

PLACES = ["question", "reference", "response", "rubric_question", "labels", "guidance"]
CHUNK = 256  # replies that a kill may cost where several make one verdict
OPENING = Lock()  # engines import their libraries, which a panel's threads must not do side by side

FENCE_WORDS = re.compile(r"\b(begin|end)(?=\s+of\s+answer\b)", re.IGNORECASE)
CHAT_TOKENS = re.compile(
    r"<(?=\|)|<(?=/?s>)|<(?=/?(?:start|end)_of_turn>)|<(?=</?SYS>>)|\[(?=/?INST\])", re.IGNORECASE
)

T = TypeVar("T")


class LlmJudge:
    """Asks a model about each case; a reply without an offered label is a failure, not a guess."""

    def __init__(self, spec: Spec, run: Mapping[str, Any], engine: Engine | None = None) -> None:
        self.spec = spec
        self._template = checked_template(spec.name, spec.body.get("prompt", ""))
        where = f"judge {spec.name!r}"
        self._sampling = _made(Sampling, spec.body.get("sampling", {}), f"{where}, sampling")
        self._engine_spec = _made(EngineSpec, spec.body.get("engine", {}), f"{where}, engine")
        self._repeats = int(spec.body.get("repeats", 1))
        self._answer = spec.body.get("answer", "text")
        self._listener = Listener(spec.name)
        self._run = run
        self._given = engine
        self._opened: Engine | None = None

    def judge(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        require_texts(self.spec.name, cases)
        # A verdict is saved when its last reply is there, and those before it are lost at a kill,
        # but not with batches.
        whole = self._repeats == 1 or "journal" in self._run
        step = len(cases) if whole else max(1, CHUNK // self._repeats)
        starts = range(0, len(cases), max(1, step))
        made = (v for start in starts for v in self._judge_chunk(cases[start : start + step]))
        yield from self._listener.heard(made) if self._answer == "json" else made

    def close(self) -> None:
        """Close the engine that was opened here; one that was handed in belongs to its owner."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _judge_chunk(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        """The cases are looked at one by one, since they may be read when they are asked for."""
        asked: dict[tuple[str, ...], list[int]] = {}
        for place, case in enumerate(cases):
            if case.response.text is None or case.response.finish in NOT_ANSWERED:
                yield self._unanswered(case)
            else:
                asked.setdefault(case.rubric.labels, []).append(place)
        for labels, places in asked.items():
            yield from self._repeated(OnDemand(cases.__getitem__, places), labels)

    def _repeated(self, cases: Sequence[Case], labels: Sequence[str]) -> Iterator[Verdict]:
        """A case's verdict once all its repeats are there."""
        chats = OnDemand(lambda place: self._chat(cases[place]), range(len(cases)))
        said: dict[str, list[Verdict]] = {}
        for verdict in self._singles(cases, chats, labels):
            singles = said.setdefault(verdict.response, [])
            singles.append(verdict)
            if len(singles) == self._repeats:
                yield merged(said.pop(verdict.response))

    def _chat(self, case: Case) -> Chat:
        return (Message("user", fill(self._template, case)),)

    def _singles(
        self, cases: Sequence[Case], chats: Sequence[Chat], labels: Sequence[str]
    ) -> Iterator[Verdict]:
        """Every repeat of every case: one round after the other, but batches all at once."""

        def heard(number: int) -> Iterator[Verdict]:
            sampling = replace(self._sampling, seed=self._sampling.seed + number)
            replies = self._replies(chats, labels, sampling)
            return (self._verdict(cases[reply.index], reply) for reply in replies)

        if "journal" in self._run:
            rounds = [heard(number) for number in range(self._repeats)]
            yield from at_once(rounds, self._run["journal"].stopped.set)
        else:
            for number in range(self._repeats):
                yield from heard(number)

    def _replies(
        self, chats: Sequence[Chat], labels: Sequence[str], sampling: Sampling
    ) -> Iterator[Completion]:
        if self._answer == "score":
            check_labels(self.spec.name, labels)
            return cast(ScoringEngine, self._engine()).score(chats, labels)
        if self._answer == "json":
            engine = cast(StructuredEngine, self._engine())
            return engine.generate_json(chats, sampling, verdict_schema(labels))
        return self._engine().generate(chats, sampling)

    def _engine(self) -> Engine:
        if self._given is not None:
            return self._given
        if self._opened is None:
            with OPENING:
                self._opened = open_engine(self._engine_spec, self._run)
        return self._opened

    def _unanswered(self, case: Case) -> Verdict:
        return Verdict(
            response=case.response.id,
            rubric=case.rubric.id,
            judge=self.spec.name,
            spec=self.spec.id,
            failure=NOT_ANSWERED[case.response.finish],
            reason="the model gave no answer",
        )

    def _verdict(self, case: Case, completion: Completion) -> Verdict:
        labels = case.rubric.labels
        graded: dict[str, Any] = {}
        if self._answer == "score" and completion.logprobs is not None:
            weighed = weigh(completion.logprobs, labels, self.spec.body["least_share"])
            value, failure, reason = weighed.value, weighed.failure, weighed.reason
            graded = {"score": weighed.score, "meta": weighed.meta}
        else:
            read = read_json if self._answer == "json" else read_verdict
            value, failure, reason = read_completion(completion, labels, read)
        return Verdict(
            response=case.response.id,
            rubric=case.rubric.id,
            judge=self.spec.name,
            spec=self.spec.id,
            value=value,
            failure=failure,
            raw=completion.text if completion.text is not None else completion.error,
            reason=reason,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            seconds=completion.seconds,
            **graded,
        )


def llm_judge(spec: Spec, run: Mapping[str, Any]) -> LlmJudge:
    """The judge of kind "llm"; its engine is loaded when the first case is asked."""
    return LlmJudge(spec, run)


def shipped_prompts() -> dict[str, str]:
    """The prompts that come with the project, by name."""
    folder = files("judges").joinpath("prompts")
    return {
        path.name.removesuffix(".txt"): path.read_text("utf-8")
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".txt")
    }


def checked_template(judge: str, prompt: str) -> Template:
    """The prompt as a template, if every place in it is known and it shows the response."""
    template = Template(prompt)
    if not template.is_valid():
        raise BenchwarrantError(f"judge {judge!r}: the prompt has a lone '$'; write '$$' for it")
    named = template.get_identifiers()
    for name in named:
        if name not in PLACES:
            hint = did_you_mean(name, PLACES)
            raise BenchwarrantError(f"judge {judge!r}: the prompt has unknown ${name}; {hint}")
    if "response" not in named:
        raise BenchwarrantError(f"judge {judge!r}: the prompt lacks $response; put it in")
    return template


def fill(template: Template, case: Case) -> str:
    """The prompt for one case."""
    rubric = case.rubric
    return template.substitute(
        question=_with_choices(case),
        reference=" or ".join(_reference(case, one) for one in case.item.references),
        response=fenced(case),
        rubric_question=rubric.question,
        labels=", ".join(rubric.labels),
        guidance=rubric.guidance,
    )


def fenced(case: Case) -> str:
    """The answer under test between two lines with a code that it cannot know.

    The code is a hash of the case, so the same case always makes the same prompt. Copies of the
    two lines and the turn marks of chat templates are broken by a blank.
    """
    code = blake2b(f"{case.response.id} {case.rubric.id}".encode(), digest_size=6).hexdigest()
    text = spoken(case.response.text or "", case.response.prompt)
    text = text.replace(code, f"{code[:6]} {code[6:]}")
    text = FENCE_WORDS.sub(lambda word: f"{word[0][0]} {word[0][1:]}", text)
    text = CHAT_TOKENS.sub(lambda token: f"{token[0]} ", text)
    return f"----- begin of answer {code} -----\n{text}\n----- end of answer {code} -----"


def read_completion(
    completion: Completion,
    labels: Sequence[str],
    read: Callable[[str, Sequence[str]], Reading] = read_verdict,
) -> tuple[str | None, str | None, str]:
    """Value, failure and reason: exactly one of the first two is None."""
    if completion.finish == "too_long":
        return None, "too_long", "the prompt did not fit the context"
    if completion.finish == "error" or completion.text is None:
        error = completion.error or "no text and no error"
        return None, "refused" if error.lower().startswith("refused") else "api_error", error
    value, reason = read(completion.text, labels)
    if value is not None:
        return value, None, reason
    failure = "truncated" if completion.finish == "length" else "unparsable"
    return None, failure, reason


def _with_choices(case: Case) -> str:
    choices = [f"({label}) {text}" for label, text in case.item.choices]
    return "\n".join([case.item.question, *choices])


def _reference(case: Case, reference: str) -> str:
    """A label with its text, so that an answer in words can be compared."""
    text = dict(case.item.choices).get(reference)
    return reference if text is None else f"({reference}) {text}"


def _made(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """A frozen record from a spec's plain values."""
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name in values:
        if name not in known:
            raise BenchwarrantError(f"{where}: unknown {name!r}; {did_you_mean(name, known)}")
    frozen = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    try:
        return kind(**frozen)
    except TypeError as error:
        raise BenchwarrantError(f"{where}: {error}; set it") from None
