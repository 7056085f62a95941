"""Answers from a file or a function: for trying a study out, and the test double of the project."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from inference.engine import Chat, Completion, EngineSpec, Sampling
from samples.errors import BenchwarrantError
from samples.records import FINISHES, canonical_json
from samples.registry import did_you_mean

Answer = Callable[[Chat, Sampling], str | Completion]

PIECE = 8  # characters of a match that a row is looked up by
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


class Rows:
    """The rows of a file by what they answer; their texts stay in the file.

    A row is found by a short piece of its ``match``, so that a question is not held against all.
    """

    def __init__(self, path: Path) -> None:
        # Of rows with the same match and seed only the first can answer.
        self._places: dict[str | None, dict[int | None, tuple[int, int]]] = {}  # number, offset
        self._by_piece: dict[str, list[str]] = {}
        self._path = path
        self.count = 0
        digest = blake2b(b'"', digest_size=16)
        with _reading(path) as file:
            for number, offset, line in _lines(file):
                digest.update(canonical_json(line)[1:-1].encode())  # what content_hash makes of it
                if line.strip():
                    self._place(_row(line, f"{path}, line {number}"), number, offset)
        if not self.count:
            raise BenchwarrantError(
                f"{path} is empty; write one JSON object with a 'text' per line"
            )
        digest.update(b'"')
        self.content = "b2:" + digest.hexdigest()
        self._lengths = {len(piece) for piece in self._by_piece}

    def _place(self, row: Row, number: int, offset: int) -> None:
        self.count += 1
        match = row.match
        if match is not None and match not in self._places:
            starts = range(max(1, len(match) - PIECE + 1))
            pieces = [match[start : start + PIECE] for start in starts]
            rarest = min(pieces, key=lambda piece: len(self._by_piece.get(piece, ())))
            self._by_piece.setdefault(rarest, []).append(match)
        self._places.setdefault(match, {}).setdefault(row.seed, (number, offset))

    def first(self, question: str, seed: int) -> Row | None:
        """The first row whose match stands in the question, read from the file."""
        pieces = {
            question[start : start + length]
            for length in self._lengths
            for start in range(len(question) - length + 1)
        }
        known = chain.from_iterable(self._by_piece[p] for p in self._by_piece.keys() & pieces)
        matches = [None, *(match for match in known if match in question)]
        by_seed = [self._places.get(match, {}) for match in matches]
        places = [found[s] for found in by_seed for s in (seed, None) if s in found]
        if not places:
            return None
        number, offset = min(places)
        with _reading(self._path) as file:
            file.seek(offset)
            return _row(_decoded(file.readline(), number), f"{self._path}, line {number}")


class ReplayEngine:
    """Gives the answer of the first row whose ``match`` stands in the last user message.

    ``spec.model`` is the JSONL file, seen from ``run["base_dir"]``; ``run["delay"]`` are seconds
    slept before each answer.
    """

    def __init__(self, spec: EngineSpec, run: Mapping[str, Any]) -> None:
        _only(spec.options, (), "replay: options")
        _only(run, RUN, "replay: run")
        path = Path(run.get("base_dir") or ".") / spec.model
        self._delay = _seconds(run.get("delay", 0))
        rows = Rows(path)
        self.spec = spec
        self._answer: Answer = lambda chat, sampling: _first(rows, spec.model, chat, sampling)
        self._facts = {"file": spec.model, "rows": rows.count, "content": rows.content}

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
            if self._delay:  # a sleep of nothing still gives the processor away
                time.sleep(self._delay)
            answer = self._answer(chat, sampling)
            if isinstance(answer, str):
                answer = Completion(index, answer, "stop")
            yield replace(answer, index=index, prompt=answer.prompt or _prompt(chat))

    def generate_json(
        self, chats: Sequence[Chat], sampling: Sampling, schema: Mapping[str, Any]
    ) -> Iterator[Completion]:
        """The same answers: what is in the file was made by the schema, or was not."""
        return self.generate(chats, sampling)

    def facts(self) -> dict[str, Any]:
        """Where the answers come from; ``content`` is the hash of the file's text."""
        return dict(self._facts)

    def close(self) -> None:
        """Nothing is held open."""


def _first(rows: Rows, name: str, chat: Chat, sampling: Sampling) -> Completion:
    question = next((m.content for m in reversed(chat) if m.role == "user"), "")
    row = rows.first(question, sampling.seed)
    if row is not None:
        return Completion(0, row.text, row.finish, error=row.error)
    error = f"no row of {name} answers {question[:60]!r} with seed {sampling.seed}"
    return Completion(0, None, "error", error=error)


def _prompt(chat: Chat) -> str:
    return canonical_json([{"role": m.role, "content": m.content} for m in chat])


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise BenchwarrantError(f"replay: cannot read {path}: {reason}") from None


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, str]]:
    """(number, offset, text) of every line."""
    offset = 0
    for number, line in enumerate(file, 1):
        yield number, offset, _decoded(line, number)
        offset += len(line)


def _decoded(line: bytes, number: int) -> str:
    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    return text.replace("\r\n", "\n")


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
