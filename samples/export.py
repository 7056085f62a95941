"""Rows of the study as tables: what import reads, and what else is known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samples.archive import export_study
from samples.errors import BenchwarrantError
from samples.label_tasks import TOOLS, task_files
from samples.records import CheckLabel, Control, Label, Response, Verdict, as_row
from samples.registry import did_you_mean
from samples.rows import COLUMNS, write_rows, write_whole
from samples.store import Store
from samples.study import Study


def export_any(kind: str, store: Store, whose: tuple[Path, Study], out: Path) -> list[str]:
    """Write rows of a kind, tasks for a labelling tool, or the whole study; says what it wrote."""
    path, study = whose
    if kind == "study":
        return export_study(store, path, study, out)
    if kind in TOOLS:
        files = task_files(kind, store, study.rater_question, out)
        for file, content in files.items():
            write_whole(file, content)
        first, second = files
        return [f"{len(files[first])} tasks for {kind} written to {first}; set-up: {second}"]
    if kind not in (*COLUMNS, "checks"):
        known = did_you_mean(kind, [*COLUMNS, "checks", "cases", *TOOLS, "study"])
        raise BenchwarrantError(f"cannot export {kind!r}; {known}")
    return [f"{write_rows(export_rows(kind, store), out)} {kind} written to {out}"]


def export_rows(kind: str, store: Store) -> Iterator[dict[str, Any]]:
    """One row per record, with the columns that import reads first."""
    if kind == "controls":
        for control in store.records(Control):
            row = as_row(control)
            row |= {"choices": dict(control.choices) or None, "reference": list(row["references"])}
            yield {name: row[name] for names in COLUMNS[kind] for name in names}
    if kind == "checks":
        yield from _checks(store)
    if kind in ("controls", "checks"):
        return
    items = {item.id: item for item in store.items()}
    if kind == "items":
        for item in items.values():
            yield {
                "task": item.task,
                "key": item.key,
                "question": item.question,
                "reference": list(item.references),
                "choices": dict(item.choices) or None,
                "answer_type": item.answer_type,
                **item.meta,
            }
        return
    cases = {}
    for response in store.responses():
        item = items[response.item]
        case: dict[str, Any] = {"task": item.task, "key": item.key, "model": response.model}
        case |= {"strategy": response.strategy, "draw": response.draw}
        cases[response.id] = case
        if kind == "responses":
            yield case | _own(response, "item", "spec", "model", "strategy", "draw")
    if kind == "labels":
        for label in store.labels():
            case = {"case": label.response} | cases[label.response] | _label(label)
            yield case | {k: v for k, v in label.meta.items() if k not in case}
    if kind == "verdicts":
        for verdict in store.verdicts():
            case = {"case": verdict.response} | cases[verdict.response]
            yield case | _own(verdict, "response")


def _checks(store: Store) -> Iterator[dict[str, Any]]:
    """Labels of repetitions and controls, beside what is known: what the person had said, or the
    control's answer.
    """
    known: dict[Any, str] = {control.id: control.value for control in store.records(Control)}
    for rubric in store.rubrics():
        for label in store.current_labels(rubric.id):
            known[label.response, rubric.id, label.annotator] = label.value or ""
    for check in store.records(CheckLabel):
        said = known.get((check.response, check.rubric, check.annotator))
        right = known.get(check.response) if check.purpose == "control" else said
        row = {"purpose": check.purpose, "case": check.response, "known": right} | _label(check)
        yield row | {k: v for k, v in check.meta.items() if k not in row}


def _label(label: Label) -> dict[str, Any]:
    """A label's columns in the order that one reads them in; stable, for other programs."""
    names = ("annotator", "value", "status", "unsure", "note", "created_at", "seconds", "rubric")
    row = as_row(label)
    return {name: row[name] for name in names}


def _own(record: Response | Label | Verdict, *left_out: str) -> dict[str, Any]:
    values = {k: v for k, v in as_row(record).items() if k not in left_out}
    return values | dict(values.pop("meta"))
