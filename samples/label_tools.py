"""Label Studio and Argilla: what people said in their exports, as labels."""

from collections.abc import Iterator, Mapping
from typing import Any

from samples.errors import BenchwarrantError
from samples.foreign import Foreign, Found, UnlikeError, load, objects
from samples.rows import CELL, Raw, raw_rows

_TIES = (*CELL, "strategy", "draw", "case")  # what ties a label to an answer

# --- in: Label Studio ----------------------------------------------------------------------------


def label_studio(asked: Foreign) -> Found:
    """A JSON export: every submitted or skipped annotation is a label."""
    made: list[Raw] = []
    left = {"drafts": 0, "predictions": 0}
    rows = load(asked.source.path)
    if isinstance(rows, list) and rows and isinstance(rows[0], dict) and "annotator" in rows[0]:
        raise UnlikeError("it is a JSON-MIN export; choose JSON, which has the annotations whole")
    tasks = objects(rows, ("data", "annotations"), "task")
    for number, task in tasks:
        for kind in left:
            left[kind] += len(task.get(kind) or ())
        ties = _ties(asked, task["data"])
        for _, annotation in objects(task["annotations"], ("result", "completed_by"), "annotation"):
            made.append((number, ties | _annotation(asked, number, annotation)))
    return Found({"labels": made}, notes=_left_out(left))


def _ties(asked: Foreign, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise UnlikeError("the data of a task is not an object")
    found = {name: asked.column(name, data, data.get(name)) for name in _TIES}
    return {name: value for name, value in found.items() if value is not None}


def _left_out(left: Mapping[str, int]) -> list[str]:
    return [f"{kind} left out: {number}" for kind, number in left.items() if number]


def _annotation(asked: Foreign, number: int, annotation: dict[str, Any]) -> dict[str, Any]:
    by = annotation["completed_by"]
    row: dict[str, Any] = {
        "annotator": (by.get("email") or by.get("id")) if isinstance(by, dict) else by,
        "value": None,
        "status": "skipped",
        "created_at": annotation.get("updated_at") or annotation.get("created_at"),
        "seconds": annotation.get("lead_time"),
        "annotation": annotation.get("id"),
    }
    if annotation.get("was_cancelled"):
        return row
    given = {
        str(one.get("from_name")): one for _, one in objects(annotation["result"], (), "result")
    }
    asked.see(given)
    value = _chosen(asked, number, [n for n, one in given.items() if _is_choice(one)])
    if value in given:
        row |= {"value": _answer(asked, number, given[value]), "status": "labelled"}
    for name, ours in _named(asked, ("note", "unsure")):
        if name in given and name != value:
            row[ours] = True if ours == "unsure" else _answer(asked, number, given[name])
    return row


def _is_choice(result: dict[str, Any]) -> bool:
    return result.get("type") in ("choices", "rating")


def _named(asked: Foreign, ours: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(their name, ours) of fields that --map names, or that are named as ours are."""
    for name in ours:
        yield from asked.names(name) or [(name, name)]


def _chosen(asked: Foreign, number: int, fields: list[str]) -> str:
    """The field that holds the label: by --map, by the name that our tasks give it, or the only."""
    for name, _ in (*asked.names("value"), ("label", "")):
        if name in fields:
            return name
    others = [name for name in fields if name not in dict(_named(asked, ("note", "unsure")))]
    if len(others) > 1 and not asked.names("value"):
        raise BenchwarrantError(
            f"{asked.source.path}, {asked.source.unit} {number}: which of {', '.join(others)} is"
            f" the label? say it with --map {others[0]}=value"
        )
    return others[0] if others and not asked.names("value") else ""


def _answer(asked: Foreign, number: int, result: dict[str, Any]) -> str:
    value = result.get("value")
    kind = {"choices": "choices", "rating": "rating"}.get(str(result.get("type")), "text")
    answer = value.get(kind) if isinstance(value, dict) else None
    texts = answer if isinstance(answer, list) else [answer]
    if answer is None or (kind != "text" and len(texts) != 1):
        raise BenchwarrantError(
            f"{asked.source.path}, {asked.source.unit} {number}: {result.get('from_name')!r} holds"
            f" {len(texts)} answers; one label is expected"
        )
    return "\n".join(map(str, texts))


# --- in: Argilla ---------------------------------------------------------------------------------


def argilla(asked: Foreign) -> Found:
    """Records with each person's answers and whether they were submitted."""
    made: list[Raw] = []
    left = {"drafts": 0}
    for number, record in objects(_records(asked), ("id",), "record"):
        nested = record if "responses" in record else _nested(record)
        fields, about = nested.get("fields"), nested.get("metadata")
        data = {**(fields or {}), **(about or {})}
        if asked.column("case", data) is None and not all(asked.column(n, data) for n in CELL):
            data = {"case": record["id"]} | data
        ties = _ties(asked, data)
        for user, answers in _people(asked, number, nested["responses"]).items():
            status = answers.pop("status")
            if status in ("draft", "pending"):
                left["drafts"] += 1
            else:
                made.append((number, ties | {"annotator": user} | answers | _status(status)))
    return Found({"labels": made}, notes=_left_out(left))


def _records(asked: Foreign) -> Any:
    path = asked.source.path
    if path.suffix.lower() in (".jsonl", ".parquet"):
        return [row for _, row in raw_rows(path)]
    return load(path)


def _nested(record: dict[str, Any]) -> dict[str, Any]:
    """The flat form, where a question's answers, users and statuses are columns."""
    responses: dict[str, Any] = {}
    for column, values in record.items():
        question, dot, _ = column.partition(".responses")
        if dot and column.endswith(".responses") and values is not None:
            users = record.get(f"{column}.users") or []
            statuses = record.get(f"{column}.status") or []
            if not len(values) == len(users) == len(statuses):
                raise UnlikeError(f"its columns {column!r} are of different lengths")
            responses[question] = [
                {"value": value, "user_id": user, "status": status}
                for value, user, status in zip(values, users, statuses, strict=True)
            ]
    fields = {name: value for name, value in record.items() if "." not in name}
    return {"fields": fields, "metadata": {}, "responses": responses}


def _people(asked: Foreign, number: int, responses: Any) -> dict[str, dict[str, Any]]:
    """What each person answered: the label, a note, and the status of both."""
    if not isinstance(responses, dict):
        raise UnlikeError(f"the responses of record {number} are not an object")
    asked.see(responses)
    value = _chosen(asked, number, [n for n in responses if n not in ("note", "unsure")])
    ours = {value: "value", **dict(_named(asked, ("note", "unsure")))}
    people: dict[str, dict[str, Any]] = {}
    for name in [name for name in responses if name in ours]:
        needed = ("value", "user_id")
        for _, answer in objects(responses[name], needed, "response"):
            status = answer.get("status") or asked.source.fixed.get("status")
            if status is None:
                raise BenchwarrantError(
                    f"{asked.source.path}, record {number}: does not say whether it was submitted;"
                    " export with records.to_list(flatten=True), or, if all were, add"
                    " --set status=submitted"
                )
            person = people.setdefault(str(answer["user_id"]), {"value": None})
            person |= {ours[name]: answer["value"], "status": status}
    return people


def _status(status: Any) -> dict[str, Any]:
    """Their status as ours: what was discarded is skipped, and has no value."""
    if status == "discarded":
        return {"value": None, "status": "skipped"}
    return {"status": "labelled" if status == "submitted" else status}
