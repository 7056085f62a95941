"""lm-evaluation-harness: the questions, answers and metrics of a ``samples_*.jsonl``.

A metric becomes a judge of its own, such as ``lm-eval exact_match strict-match``, so that it is
held against people like any other.
"""

import re
from typing import Any

from samples.errors import BenchwarrantError
from samples.foreign import NONE, Foreign, Found, UnlikeError, check_keys, load
from samples.rows import json_rows

_NAME = re.compile(
    r"samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d[.\d]*))?\.json"
)
_LM_EVAL = ("doc_id", "doc", "target", "arguments", "resps", "filtered_resps")


def lm_eval(asked: Foreign) -> Found:
    """A ``samples_*.jsonl``: one row per question and filter; repeats are draws."""
    path = asked.source.path
    results = _results(asked)
    lower = _lower_is_better(results)
    seen: dict[str, tuple[int, Any]] = {}
    whose: dict[str, Any] = {}
    found = Found({"items": [], "responses": [], "verdicts": []})
    for number, row in json_rows(path):
        check_keys(row, _LM_EVAL, f"line {number}")
        whose = whose or {"task": _task(asked), "model": _model(asked, results)}
        whose |= {"key": str(row["doc_id"])}
        first, content = seen.setdefault(whose["key"], (number, (row["doc"], row["resps"])))
        if content != (row["doc"], row["resps"]):
            raise BenchwarrantError(
                f"{path}, line {number}: doc_id {row['doc_id']} has other content than in line"
                f" {first}; import the files of two runs one by one"
            )
        if first == number:
            found.rows["items"].append((number, _item(asked, row, whose)))
            found.rows["responses"] += [
                (number, whose | {"draw": draw, "text": text} | _sent(row))
                for draw, text in enumerate(_answers(number, row))
            ]
        for name, judge in _judges(row):
            found.judges.update((name, judge))
            if not asked.judges or {name, judge} & {*asked.judges}:
                value = _value(asked, number, row, (name, judge))
                value = asked.outcome(number, judge, value, usual=name not in lower)
                verdict = {"judge": judge, "value": value, "filtered_resps": row["filtered_resps"]}
                found.rows["verdicts"].append((number, whose | verdict))
    return found


def _task(asked: Foreign) -> str:
    named = _NAME.match(asked.source.path.name)
    task = asked.source.fixed.get("task") or (named and named["task"])
    if not task:
        raise BenchwarrantError(
            f"{asked.source.path}: its name does not say the task, as samples_TASK_DATE.jsonl"
            " would; name it with --set task=NAME"
        )
    return task


def _results(asked: Foreign) -> dict[str, Any]:
    """The results file that the same run wrote beside the samples, if it is there."""
    path = asked.source.path
    named = _NAME.match(path.name)
    results = path.with_name(f"results_{named['date']}.json") if named and named["date"] else None
    if results is None or not results.is_file():
        return {}
    try:
        value = load(results)
    except UnlikeError as error:
        raise BenchwarrantError(f"{results}: {error}; copy it again, or move it away") from None
    return value if isinstance(value, dict) else {}


def _model(asked: Foreign, results: dict[str, Any]) -> str:
    model = asked.source.fixed.get("model") or results.get("model_name")
    if not isinstance(model, str) or not model:
        raise BenchwarrantError(
            f"{asked.source.path}: no results file of the same run beside it names the model; add"
            " --model NAME"
        )
    return model


def _lower_is_better(results: dict[str, Any]) -> set[str]:
    """Metrics of any task of the run that are better the lower they are: 1 is not right."""
    tasks = results.get("higher_is_better")
    listed = tasks.values() if isinstance(tasks, dict) else ()
    found = [one for one in listed if isinstance(one, dict)]
    return {name for one in found for name, higher in one.items() if higher is False}


def _item(asked: Foreign, row: dict[str, Any], whose: dict[str, Any]) -> dict[str, Any]:
    doc = row["doc"] if isinstance(row["doc"], dict) else {}
    prompts = [call for call in _calls(row) if call]
    usual = doc.get("question") or (prompts[0][0] if prompts else None)
    item = {
        "task": whose["task"],
        "key": whose["key"],
        "question": asked.column("question", doc, usual),
        "reference": asked.column("reference", doc, row["target"]),
        "doc": row["doc"],
    }
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    texts = [str(call[1]).strip() for call in prompts if len(call) > 1]
    if _picks(row) and 1 < len(texts) == len(prompts) <= len(letters):
        target = str(item["reference"]).strip()
        places = {place for place, text in enumerate(texts) if text == target}
        if target.isdecimal() and int(target) < len(texts):
            places.add(int(target))
        if len(places) == 1:  # else "1" is the place of one option and the text of another
            item |= {"choices": texts, "reference": letters[places.pop()]}
    return item


def _calls(row: dict[str, Any]) -> list[list[Any]]:
    """What was sent, request by request: the prompt, then settings or an option's text."""
    given = row["arguments"]
    calls = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(calls, list):
        return []
    return [list(call.values()) if isinstance(call, dict) else list(call) for call in calls]


def _picks(row: dict[str, Any]) -> bool:
    """Whether the model was only asked how likely given texts are."""
    first = row["resps"][0] if isinstance(row["resps"], list) and row["resps"] else None
    return not (isinstance(first, list) and first and all(isinstance(text, str) for text in first))


def _answers(number: int, row: dict[str, Any]) -> list[str | None]:
    """The texts, one per repeat; None where likelihoods were asked for: nothing was written."""
    if _picks(row):
        return [None]
    if len(row["resps"]) > 1:
        raise UnlikeError(f"line {number} has several requests for one question")
    return list(row["resps"][0])


def _sent(row: dict[str, Any]) -> dict[str, Any]:
    calls = _calls(row)
    if _picks(row) or not calls or len(calls[0]) < 2:
        return {}
    return {"prompt": calls[0][0], "generation": calls[0][1]}


def _judges(row: dict[str, Any]) -> list[tuple[str, str]]:
    """A row's metrics, and the judge that each of them is after the row's filter."""
    names = row.get("metrics", [])
    sieve = "" if row.get("filter", NONE) == NONE else f" {row['filter']}"
    return [(str(n), f"lm-eval {n}{sieve}") for n in names] if isinstance(names, list) else []


def _value(asked: Foreign, number: int, row: dict[str, Any], named: tuple[str, str]) -> Any:
    """What a metric says of a row's one answer."""
    name, judge = named
    if name not in row:
        raise UnlikeError(f"line {number} has no {name!r}, which its metrics name")
    answers = len(_answers(number, row))
    if answers > 1:
        raise BenchwarrantError(
            f"{asked.source.path}, line {number}: {judge!r} speaks of {answers} answers at once,"
            f" not of one; import the answers alone with --judge {NONE}"
        )
    return row[name]
