"""Answers from a file or a function: for trying a study out, and the test double of the project."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inference.engine import Chat, Completion, EngineSpec, Sampling
from samples.errors import BenchwarrantError
from samples.records import FINISHES, canonical_json, content_hash
from samples.registry import did_you_mean

Answer = Callable[[Chat, Sampling], str | Completion]

RUN = ("base_dir", "delay")
COLUMNS = {"match": str, "text": str, "finish": str, "error": str, "seed": int}


@dataclass(frozen=True)
class Row:
    """One line of the file: what it answers, and what with. None answers everything."""

    match: str | None = None
    text: str | None = None
    finish: str = "stop"
    error: str | None = None
    seed: int | None = None

    def answers(self, question: str, seed: int) -> bool:
        return (self.match is None or self.match in question) and self.seed in (None, seed)


class ReplayEngine:
    """Gives the answer of the first row whose ``match`` stands in the last user message.

    ``spec.model`` is the JSONL file, seen from ``run["base_dir"]``; ``run["delay"]`` are seconds
    slept before each answer.
    """

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        _only(spec.options, (), "replay: options")
        _only(run, RUN, "replay: run")
        path = Path(run.get("base_dir") or ".") / spec.model
        source = _source(path)
        rows = _rows(path, source)
        self.spec = spec
        self._answer: Answer = lambda chat, sampling: _first(rows, spec.model, chat, sampling)
        self._delay = _seconds(run.get("delay", 0))
        self._facts = {"file": spec.model, "rows": len(rows), "content": content_hash(source)}

    @classmethod
    def from_function(
        cls, answer: Answer, *, model: str = "function", delay: float = 0.0
    ) -> "ReplayEngine":
        """An engine that asks a function; a returned text is an answer that stopped by itself."""
        engine = cls.__new__(cls)
        engine.spec = EngineSpec("replay", model)
        engine._answer = answer
        engine._delay = _seconds(delay)
        engine._facts = {"function": getattr(answer, "__qualname__", type(answer).__name__)}
        return engine

    def generate(self, chats: Sequence[Chat], sampling: Sampling) -> Iterator[Completion]:
        for index, chat in enumerate(chats):
            time.sleep(self._delay)
            answer = self._answer(chat, sampling)
            if isinstance(answer, str):
                answer = Completion(index, answer, "stop")
            yield replace(answer, index=index, prompt=answer.prompt or _prompt(chat))

    def facts(self) -> dict[str, Any]:
        """Where the answers come from; ``content`` is the hash of the file's text."""
        return dict(self._facts)

    def close(self) -> None:
        """Nothing is held open."""


def _first(rows: Sequence[Row], name: str, chat: Chat, sampling: Sampling) -> Completion:
    question = next((m.content for m in reversed(chat) if m.role == "user"), "")
    for row in rows:
        if row.answers(question, sampling.seed):
            return Completion(0, row.text, row.finish, error=row.error)
    error = f"no row of {name} answers {question[:60]!r} with seed {sampling.seed}"
    return Completion(0, None, "error", error=error)


def _prompt(chat: Chat) -> str:
    return canonical_json([{"role": m.role, "content": m.content} for m in chat])


def _source(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise BenchwarrantError(f"replay: cannot read {path}: {reason}") from None


def _rows(path: Path, source: str) -> tuple[Row, ...]:
    lines = [(n, line) for n, line in enumerate(source.split("\n"), 1) if line.strip()]
    if not lines:
        raise BenchwarrantError(f"{path} is empty; write one JSON object with a 'text' per line")
    return tuple(_row(line, f"{path}, line {number}") for number, line in lines)


def _row(line: str, where: str) -> Row:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise BenchwarrantError(f"{where}: not JSON: {error}") from None
    if not isinstance(values, dict):
        raise BenchwarrantError(f"{where}: expected an object with a 'text', not {values!r}")
    _only(values, tuple(COLUMNS), where)
    for key, value in values.items():
        if type(value) is not COLUMNS[key]:
            kind = COLUMNS[key].__name__
            raise BenchwarrantError(f"{where}: {key!r} must be of type {kind}, not {value!r}")
    row = Row(**values)
    if row.finish not in FINISHES:
        raise BenchwarrantError(f"{where}: 'finish' must be one of {', '.join(FINISHES)}")
    if row.text is None and row.finish in ("stop", "length"):
        raise BenchwarrantError(f"{where}: no 'text'; only a row that failed may leave it out")
    return row


def _seconds(delay: Any) -> float:
    if not isinstance(delay, int | float) or not 0 <= delay < float("inf"):
        raise BenchwarrantError(f"replay: run: 'delay' must be seconds, 0 or more, not {delay!r}")
    return float(delay)


def _only(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in known:
            raise BenchwarrantError(f"{where}: unknown key {key!r}; {did_you_mean(key, [*known])}")
