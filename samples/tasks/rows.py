"""Rows of a dataset, each knowing where it stands, so that every error can say it."""

import json
from ast import literal_eval
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from samples.errors import BenchwarrantError
from samples.records import canonical_json
from samples.tasks.task import Columns


@dataclass(frozen=True)
class Row:
    """One row: its 1-based number, where it stands in words, and its columns."""

    number: int
    where: str
    columns: Mapping[str, Any]

    def error(self, problem: str) -> BenchwarrantError:
        return BenchwarrantError(f"{self.where}: {problem}")

    def value(self, column: str) -> Any:
        """What stands in the column, "outer.inner" reaching inside; a missing one is an error."""
        if column in self.columns:
            return self.columns[column]
        outer, _, inner = column.partition(".")
        held = self.columns.get(outer)
        if inner and isinstance(held, Mapping):
            return Row(self.number, f"{self.where}, in {outer!r}", held).value(inner)
        found = ", ".join(map(str, self.columns)) or "none"
        raise self.error(f"no column {column!r}; found: {found}")

    def text(self, column: str) -> str:
        """The column as text that is not empty."""
        return as_text(self, column, self.value(column))


@dataclass(frozen=True)
class Shape:
    """Which columns of a row hold the parts of an item, and how they are to be read."""

    columns: Columns
    settings: Mapping[str, Any] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()  # parts whose columns the study file names: all are there

    def fits(self, row: Row) -> bool:
        """Whether the question stands where this shape has it."""
        for name in self.names("question"):
            outer, _, inner = name.partition(".")
            plain = name in row.columns and not isinstance(row.columns[name], Mapping)
            if not plain and not (inner and isinstance(row.columns.get(outer), Mapping)):
                return False
        return True

    def names(self, part: str) -> list[str]:
        column = self.columns[part]
        return [column] if isinstance(column, str) else list(column)

    def has(self, part: str, row: Row) -> bool:
        """Whether the row has this part; one that the study file names is never missing."""
        if part not in self.columns:
            return False
        return part in self.stated or all(name in row.columns for name in self.names(part))

    def value(self, row: Row, part: str) -> Any:
        """What stands in the part's only column."""
        name, *others = self.names(part)
        if others:
            raise row.error(f"{part!r} takes one column, not {', '.join([name, *others])}")
        return row.value(name)

    def text(self, row: Row, part: str, between: str = " ") -> str:
        """The part as text; that of several columns is put together."""
        return between.join(row.text(name) for name in self.names(part))

    def question(self, row: Row, text: str | None = None) -> str:
        """The question, or another text in its place, after the words that lead to it."""
        lead = self.settings.get("lead")
        asked = self.text(row, "question") if text is None else text
        return f"{lead}\n\n{asked}" if lead else asked

    def key(self, row: Row) -> str:
        """The dataset's own id, or else the row's number."""
        return self.text(row, "key", ":") if self.has("key", row) else str(row.number)

    def meta(self, row: Row) -> dict[str, Any]:
        """The columns that are kept with the item as they are."""
        if "meta" not in self.columns:
            return {}
        names = [n for n in self.names("meta") if "meta" in self.stated or n in row.columns]
        kept = {name: row.value(name) for name in names}
        try:
            canonical_json(kept)
        except (TypeError, ValueError):
            raise row.error(
                f"one of {', '.join(names)} holds what JSON can't; take it out of meta"
            ) from None
        return kept

    def rationale(self, row: Row) -> str:
        """The worked solution, if the row has one; a list of facts is put together."""
        if not self.has("rationale", row):
            return ""
        value = self.value(row, "rationale")
        if isinstance(value, list) and value:
            return " ".join(as_text(row, "rationale", one) for one in value)
        return as_text(row, self.names("rationale")[0], value) if value else ""


def with_rationale(meta: dict[str, Any], rationale: str) -> dict[str, Any]:
    """The meta of an item, with its worked solution where there is one."""
    return {**meta, "rationale": rationale} if rationale else meta


def as_text(row: Row, name: str, value: Any) -> str:
    """A text or a number as stripped text, 145.0 as 145; anything else, or nothing, is an error."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value != value:
        raise row.error(f"{name!r} is {type(value).__name__}, expected text")
    text = str(value).strip()
    if not text:
        raise row.error(f"{name!r} is empty")
    return text


def unfolded(value: Any) -> Any:
    """A list or an object that a CSV file holds as text, as JSON or as Python writes it."""
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{"):
        return value
    for read in (json.loads, literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, TypeError):
            continue
    return value


def check_distinct(row: Row, labels: Iterable[str]) -> None:
    """Two options of one label could not be told apart."""
    names = list(labels)
    if len(set(names)) < len(names):
        raise row.error(f"two options have the same label: {', '.join(names)}")
