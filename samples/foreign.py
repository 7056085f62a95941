"""Other tools' files: turned into rows of our kinds, which then pass the same checks as any."""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError
from samples.exchange import import_file, take
from samples.records import Rubric
from samples.registry import did_you_mean, find
from samples.rows import COLUMNS, Raw, Source, checked_rows, json_rows
from samples.store import Store

MADE_BY = {"human": "human", "program": "reference"}  # --made-by, as accounts have it
NONE = "none"  # as --judge: no verdicts


@dataclass(frozen=True)
class Format:
    """A tool's file: its name in words, its reader, and the two outcomes that are certain."""

    title: str
    read: str  # "module:attribute", as registries have it
    unit: str  # what its rows are counted in
    outcomes: tuple[str, str] | tuple[()] = ()  # wrong and right, as the tool defines them


FORMATS: dict[str, Format] = {
    "lm-eval": Format(
        "a samples file of lm-evaluation-harness", "samples.lm_eval:lm_eval", "line", ("0", "1")
    ),
    "inspect": Format("a log of Inspect", "samples.inspect_log:inspect", "sample", ("I", "C")),
    "label-studio": Format(
        "a JSON export of Label Studio", "samples.label_tools:label_studio", "task"
    ),
    "argilla": Format("an export of Argilla", "samples.label_tools:argilla", "record"),
}


class UnlikeError(Exception):
    """A file is not of the format that it was taken for; its text says why."""


@dataclass(frozen=True)
class Foreign:
    """Another tool's file, and what its user says about it."""

    source: Source
    judges: Sequence[str] = ()  # the metrics or scorers to take as judges; all when empty
    made_by: str = "human"  # who made the labels: one of MADE_BY
    certain: Mapping[str, str] = field(default_factory=dict)  # outcomes that need no --values
    used: set[str] = field(default_factory=set)  # what --map names and the file has

    def column(self, name: str, data: Mapping[str, Any], usual: Any = None) -> Any:
        """A column of ours from the tool's data, by --map, or what it usually is."""
        self.see(data)
        named = [data[theirs] for theirs, _ in self.names(name) if theirs in data]
        return named[0] if named else usual

    def see(self, fields: Iterable[str]) -> None:
        """Note which names of --map the file has; one that it never has is a mistake."""
        self.used.update(self.source.names.keys() & set(fields))

    def names(self, ours: str) -> list[tuple[str, str]]:
        return [pair for pair in self.source.names.items() if pair[1] == ours]

    def outcome(self, number: int, judge: str, value: Any, *, usual: bool = True) -> str:
        """A metric's or scorer's value as it is spelled in --values; never a guess.

        ``usual`` is false where the tool's right and wrong do not hold.
        """
        if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
            value = int(value)
        spelled = value if isinstance(value, str) else json.dumps(value)
        if spelled not in {**self.source.values, **(self.certain if usual else {})}:
            raise BenchwarrantError(
                f"{self.source.path}, {self.source.unit} {number}: {judge!r} says"
                f" {spelled[:80]!r}, which is no verdict; map it with"
                f" --values {spelled[:20]}=LABEL, or name the judges to take with --judge"
                f" (--judge {NONE} takes none)"
            )
        return spelled


@dataclass(frozen=True)
class Found:
    """What a file holds: rows by kind in the order to write them, and what was left out."""

    rows: dict[str, list[Raw]]
    judges: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """The pairs of an option: theirs=ours."""
    made = {}
    for text in texts:
        theirs, equals, ours = text.partition("=")
        if not equals or not ours:
            raise BenchwarrantError(f"{option} {text!r}: expected theirs=ours")
        made[theirs] = ours
    return made


def import_any(kind: str, asked: Foreign, store: Store, rubric: Rubric) -> list[str]:
    """Import a file of our kinds or of another tool's format; says what came in."""
    if kind not in {**COLUMNS, **FORMATS}:
        known = did_you_mean(kind, [*COLUMNS, *FORMATS, "study"])
        raise BenchwarrantError(f"cannot import {kind!r}; {known}")
    if asked.made_by not in MADE_BY:
        known = did_you_mean(asked.made_by, list(MADE_BY))
        raise BenchwarrantError(f"--made-by {asked.made_by!r}; {known}")
    columns = {name for required, optional in COLUMNS.values() for name in (*required, *optional)}
    for name in asked.source.fixed:
        if name not in columns:
            known = did_you_mean(name, sorted(columns))
            raise BenchwarrantError(f"--set {name}=: no such column; {known}")
    if kind in FORMATS:
        return take_in(kind, asked, store, rubric)
    source = asked.source
    try:
        read, new = import_file(kind, source, store, rubric, MADE_BY[asked.made_by])
    except BenchwarrantError as error:
        raise BenchwarrantError(f"{error}{hint(source.path)}") from None
    return [f"{read} {kind} read from {source.path}, {new} new"]


def take_in(name: str, asked: Foreign, store: Store, rubric: Rubric) -> list[str]:
    """Import another tool's file in one transaction; says what came in and what did not."""
    form, path = FORMATS[name], asked.source.path
    certain: dict[str, str] = {}
    if form.outcomes and len(rubric.labels) == 2:
        certain = dict(zip(form.outcomes, rubric.labels, strict=True))
    asked = replace(asked, source=replace(asked.source, unit=form.unit), certain=certain)
    try:
        found: Found = find("format", name, {name: form.read})(asked)
    except UnlikeError as error:
        raise BenchwarrantError(f"{path} is not {form.title}: {error}{hint(path, name)}") from None
    except BenchwarrantError as error:
        raise BenchwarrantError(f"{error}{hint(path, name)}") from None
    _check_options(asked, found)
    values = {**certain, **asked.source.values}
    source = replace(asked.source, names={}, values=values)
    said = []
    with store.transaction():
        for kind, raws in found.rows.items():
            if not raws:
                continue
            rows = checked_rows(kind, iter(raws), source)
            read, new = take(kind, rows, store, rubric, MADE_BY[asked.made_by])
            said.append(f"{read} {kind} read from {path}, {new} new")
    return said + found.notes


def _check_options(asked: Foreign, found: Found) -> None:
    """What the user names must be there: a misspelt name would be passed over in silence."""
    if not any(found.rows.values()):
        raise BenchwarrantError(f"{asked.source.path} has no rows")
    if unused := asked.source.names.keys() - asked.used:
        raise BenchwarrantError(f"{asked.source.path} has no column {min(unused)!r}; correct --map")
    for judge in asked.judges:
        if judge not in {*found.judges, NONE}:
            known = did_you_mean(judge, sorted(found.judges))
            raise BenchwarrantError(f"{asked.source.path} has no judge {judge!r}; {known}")


# --- which format is it? -----------------------------------------------------------------------


def hint(path: Path, tried: str = "") -> str:
    """Where a file is certainly of another format: how to import it."""
    name = recognise(path)
    if name is None or name == tried:
        return ""
    return f"; it is {FORMATS[name].title}: `benchwarrant import {name} {path}`"


def recognise(path: Path) -> str | None:
    """The format of a file, where its content leaves no doubt."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                inside = set(file.namelist())
            return "inspect" if inside & {"header.json", "_journal/start.json"} else None
        first = next(json_rows(path), (0, {}))[1] if path.suffix == ".jsonl" else load(path)
    except (BenchwarrantError, UnlikeError, OSError, zipfile.BadZipFile):
        return None
    shapes = {
        "lm-eval": {"doc", "resps", "filtered_resps"},
        "inspect": {"eval", "samples"},
        "label-studio": {"annotations", "data"},
        "argilla": {"fields", "responses"},
    }
    row = first[0] if isinstance(first, list) and first else first
    keys = set(row) if isinstance(row, dict) else set()
    return next((name for name, shape in shapes.items() if shape <= keys), None)


def load(path: Path) -> Any:
    """A whole JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BenchwarrantError(f"cannot read {path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise UnlikeError(f"it cannot be read as JSON ({error})") from None


def objects(rows: Any, needed: Sequence[str], unit: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list, counted from 1, each with the keys that its format has."""
    if not isinstance(rows, list):
        raise UnlikeError(f"expected a list of {unit}s")
    for number, row in enumerate(rows, start=1):
        check_keys(row, needed, f"{unit} {number}")
        yield number, row


def check_keys(row: Any, needed: Sequence[str], where: str) -> None:
    """What lacks a key of its format is of another one."""
    if not isinstance(row, dict):
        raise UnlikeError(f"{where} is not an object")
    missing = [key for key in needed if key not in row]
    if missing:
        raise UnlikeError(f"{where} has no {missing[0]!r}")
