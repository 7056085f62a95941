"""Rows of our kinds that were made elsewhere: read, checked whole, then written whole.

Nothing is written unless every row is right, and importing the same file twice changes nothing.
Columns that are not ours are kept as ``meta``.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from samples.ratings import imported_judge as imported_judge
from samples.ratings import label_of, labels_from, named_rubric, verdicts_from
from samples.records import (
    ANSWER_TYPES,
    FINISHES,
    Account,
    Control,
    Item,
    Response,
    Rubric,
    Spec,
)
from samples.registry import did_you_mean
from samples.rows import COLUMNS, Row, Source, read_rows
from samples.store import Store

# --- from rows to records --------------------------------------------------------------------


def items_from(rows: Iterator[Row], store: Store) -> list[Item]:
    """Questions; ``reference`` may be a list of accepted answers, the first is shown."""
    old = {(item.task, item.key): item for item in store.items()}
    items: dict[tuple[str, str], Item] = {}
    for row in rows:
        cell = (row.text("task"), row.text("key"))
        if cell in items:
            raise row.wrong("key", f"{cell[1]!r} stands twice in task {cell[0]!r}")
        choices = _choices(row)
        answer_type = row.one_of("answer_type", ANSWER_TYPES, "choice" if choices else "text")
        item = Item(
            *cell, row.text("question"), _references(row), answer_type, choices, dict(row.meta)
        )
        _check_choices(row, item.references, choices)
        row.check_same("key", item, old.get(cell))
        items[cell] = item
    return list(items.values())


def _check_choices(
    row: Row, references: tuple[str, ...], choices: tuple[tuple[str, str], ...]
) -> None:
    labels = [label for label, _ in choices]
    if choices and references[0] not in labels:
        raise row.wrong("reference", f"{references[0]!r} is none of the choices {labels}")


def controls_from(rows: Iterator[Row], store: Store, rubric: Rubric) -> list[Rubric | Control]:
    """Cases with a known answer; one text under one question has one answer."""
    rubrics = {one.id: one for one in (*store.rubrics(), rubric)}
    old = {_shown(control): control for control in store.records(Control)}
    made: dict[tuple[object, ...], Control] = {}
    for row in rows:
        if row.meta:
            known = did_you_mean(
                min(row.meta), [name for names in COLUMNS["controls"] for name in names]
            )
            raise row.wrong(min(row.meta), f"is no column of controls; {known}")
        choices, references = _choices(row), _references(row)
        _check_choices(row, references, choices)
        asked = named_rubric(row, rubrics, rubric)
        control = Control(
            asked.id,
            row.text("question"),
            references,
            _answer(row),
            label_of(row, asked),
            choices,
            row.optional_text("note") or "",
        )
        if (shown := _shown(control)) in made:
            raise row.wrong("text", "this answer to this question stands twice; leave one out")
        row.check_same("question", control, old.get(shown))
        made[shown] = control
    return [rubric, *made.values()]


def _answer(row: Row) -> str:
    """A control's text; an empty answer is one too, so only a missing one is refused."""
    text = row.optional_text("text")
    if text is None:
        raise row.wrong("text", "is missing; the answer that people shall judge is expected")
    return text


def _shown(control: Control) -> tuple[object, ...]:
    """What people see of a control, by which they cannot tell two of them apart."""
    seen = (control.question, control.references, control.choices, control.text)
    return (control.rubric, *seen)


def _references(row: Row) -> tuple[str, ...]:
    value = row.get("reference")
    if isinstance(value, str) and value.lstrip().startswith("["):
        with suppress(json.JSONDecodeError):  # "[1, 2)" is a text of its own: an interval
            value = json.loads(value)
    if isinstance(value, dict) or (isinstance(value, list) and None in value):
        raise row.wrong("reference", f"{value!r} is not a text or a list of texts")
    many = value if isinstance(value, list) and all(isinstance(v, str) for v in value) else [value]
    found = tuple(str(one).strip() for one in many if one is not None and str(one).strip())
    if not found:
        raise row.wrong("reference", "is empty; every question needs a reference answer")
    return found


def _choices(row: Row) -> tuple[tuple[str, str], ...]:
    value = row.get("choices")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise row.wrong("choices", "is not a JSON list of texts") from None
    if value is None:
        return ()
    if isinstance(value, dict):
        return tuple((str(label), str(text)) for label, text in value.items())
    if not isinstance(value, list) or not value or len(value) > 26:
        raise row.wrong("choices", "expected a list of 1 to 26 texts")
    return tuple((chr(ord("A") + place), str(text)) for place, text in enumerate(value))


def imported_model(model: str, strategy: str) -> Spec:
    """The spec of a model whose answers were made elsewhere."""
    return Spec("model", model, {"imported": True, "strategy": strategy})


def responses_from(rows: Iterator[Row], store: Store) -> list[Spec | Response]:
    """Answers; one without text counts for scores only: nobody can be shown it."""
    keys = {(item.task, item.key): item.id for item in store.items()}
    old = {(r.item, r.spec, r.draw): r for r in store.responses()}
    made: dict[tuple[str, str, int], Response] = {}
    specs: dict[str, Spec] = {}
    for row in rows:
        cell = (row.text("task"), row.text("key"))
        if cell not in keys:
            raise row.wrong("key", f"no item {cell[1]!r} in task {cell[0]!r}; import items first")
        model, strategy = row.text("model"), str(row.get("strategy") or "")
        spec = imported_model(model, strategy)
        draw, text = row.count("draw"), row.optional_text("text")
        finish = row.one_of("finish", FINISHES, "stop")
        response = Response(
            keys[cell], model, spec.id, strategy, draw, text, finish, meta=dict(row.meta)
        )
        if (where := (keys[cell], spec.id, draw)) in made:
            raise row.wrong("draw", f"{model} answers {cell[1]!r} twice; number repeats by draw")
        row.check_same("model", response, old.get(where))
        made[where] = response
        specs[spec.id] = spec
    return [*specs.values(), *made.values()]


def import_file(
    kind: str, source: Source, store: Store, rubric: Rubric, labels_kind: str = "human"
) -> tuple[int, int]:
    """Import one file in one transaction; returns (rows read, records new)."""
    rows = read_rows(kind, source)
    with store.transaction():
        return take(kind, rows, store, rubric, labels_kind)


def take(
    kind: str, rows: Iterator[Row], store: Store, rubric: Rubric, labels_kind: str
) -> tuple[int, int]:
    """Check rows and write them; the caller holds the transaction."""
    if kind == "items":
        records: list[Any] = list(items_from(rows, store))
    elif kind == "responses":
        records = list(responses_from(rows, store))
    elif kind == "labels":
        records = list(labels_from(rows, store, rubric, labels_kind))
    elif kind == "controls":
        records = list(controls_from(rows, store, rubric))
    else:
        records = verdicts_from(rows, store, rubric)
    facts = [r for r in records if not isinstance(r, Spec | Rubric | Account)]
    before = store.counts()[kind]
    store.add(records)
    return len(facts), store.counts()[kind] - before
