"""Inspect: the questions, answers and scores of a ``.eval`` log, or of a log in JSON.

A scorer becomes a judge of its own, such as ``inspect match``, so that it is held against people
like any other.
"""

import json
from collections.abc import Iterator
from typing import Any

from samples.errors import BenchwarrantError
from samples.foreign import Foreign, Found, UnlikeError, check_keys, load, objects
from samples.rows import Raw
from samples.zipped import members

_SAMPLE = ("id", "epoch", "input", "target", "output")
_FINISHES = {"max_tokens": "length", "model_length": "too_long"}


def inspect(asked: Foreign) -> Found:
    """A ``.eval`` log, or a log in JSON: epochs are draws."""
    header, samples = _log(asked)
    about = header.get("eval")
    if not isinstance(about, dict) or not isinstance(about.get("task"), str):
        raise UnlikeError("its header does not name a task")
    usual = {"task": about["task"], "model": str(about.get("model", ""))}
    cell = usual | {k: v for k, v in asked.source.fixed.items() if k in usual}
    items: dict[str, Raw] = {}
    found = Found({"items": [], "responses": [], "verdicts": []})
    for number, sample in samples:
        check_keys(sample, _SAMPLE, f"sample {number}")
        key, epoch = str(sample["id"]), sample["epoch"]
        if not isinstance(epoch, int) or epoch < 1:
            raise UnlikeError(f"sample {number} has epoch {epoch!r}")
        answer = cell | {"key": key, "draw": epoch - 1}
        item = _question(asked, sample) | {"task": cell["task"], "key": key}
        if items.setdefault(key, (number, item))[1] != item:
            raise BenchwarrantError(
                f"{asked.source.path}, sample {number}: sample {key!r} differs between epochs"
            )
        found.rows["responses"].append((number, answer | _output(number, sample)))
        for name, score in _scores(sample).items():
            found.judges.update((name, f"inspect {name}"))
            if not asked.judges or {name, f"inspect {name}"} & {*asked.judges}:
                found.rows["verdicts"].append((number, answer | _score(asked, number, name, score)))
    found.rows["items"] = list(items.values())
    return found


def _log(asked: Foreign) -> tuple[dict[str, Any], Iterator[Raw]]:
    """A log's header, and its samples one by one."""
    path = asked.source.path
    if path.suffix.lower() == ".json":
        log = load(path)
        if not isinstance(log, dict):
            raise UnlikeError("expected one object")
        return log, objects(log.get("samples"), (), "sample")
    files = members(path)
    header = files.get("header.json") or files.get("_journal/start.json")
    if header is None:
        raise UnlikeError("it has no header.json")
    names = [name for name in files if name.startswith("samples/") and name.endswith(".json")]
    samples = ((number, _json(name, files[name]())) for number, name in enumerate(names, start=1))
    return _json("header.json", header()), samples


def _json(name: str, content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnlikeError(f"{name} in it cannot be read as JSON ({error})") from None
    if not isinstance(value, dict):
        raise UnlikeError(f"{name} in it is not an object")
    return value


def _question(asked: Foreign, sample: dict[str, Any]) -> dict[str, Any]:
    data = sample.get("metadata")
    data = data if isinstance(data, dict) else {}
    item = {
        "question": asked.column("question", data, _input(sample)),
        "reference": asked.column("reference", data, sample["target"]),
    }
    if sample.get("choices"):
        item["choices"] = sample["choices"]
    return item | ({"metadata": data} if data else {})


def _input(sample: dict[str, Any]) -> Any:
    """The question: its text, or what the user's messages say."""
    given = sample["input"]
    if isinstance(given, str):
        return _attached(sample, given)
    turns = [turn for turn in given if isinstance(turn, dict)] if isinstance(given, list) else []
    asked = [turn for turn in turns if turn.get("role") == "user"]
    if len(asked) == 1:
        return _attached(sample, _content(asked[0]))
    return "\n\n".join(f"{turn.get('role')}: {_content(turn)}" for turn in turns)


def _content(message: dict[str, Any]) -> str:
    """A message's text: without its thoughts and its pictures."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part.get("text", ""))
        for part in parts
        if isinstance(part, dict) and part.get("type") == "text"
    )


def _attached(sample: dict[str, Any], text: str) -> str:
    """A long text is kept beside the sample, under its hash."""
    kept = sample.get("attachments")
    if isinstance(kept, dict) and text.startswith("attachment://"):
        return str(kept.get(text.removeprefix("attachment://"), text))
    return text


def _output(number: int, sample: dict[str, Any]) -> dict[str, Any]:
    output = sample["output"] if isinstance(sample["output"], dict) else {}
    choices = output.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict) or not isinstance(choice.get("message", {}), dict):
        raise UnlikeError(f"sample {number} has an output without a message")
    text = output.get("completion") if choice else None
    if choice and not isinstance(text, str):
        text = _content(choice.get("message", {}))
    finish = _FINISHES.get(str(choice.get("stop_reason")), "stop") if choice else "error"
    row = {"text": text and _attached(sample, text), "finish": finish}
    error = sample.get("error") or output.get("error")
    more = {
        "stop_reason": choice.get("stop_reason"),
        "error": error.get("message") if isinstance(error, dict) else error,
        "limit": sample.get("limit"),
    }
    return row | {name: value for name, value in more.items() if value is not None}


def _scores(sample: dict[str, Any]) -> dict[str, dict[str, Any]]:
    scores = sample.get("scores")
    named = scores.items() if isinstance(scores, dict) else ()
    return {name: one for name, one in named if isinstance(one, dict) and "value" in one}


def _score(asked: Foreign, number: int, name: str, score: dict[str, Any]) -> dict[str, Any]:
    judge = f"inspect {name}"
    row = {"judge": judge, "value": asked.outcome(number, judge, score["value"])}
    if isinstance(score.get("explanation"), str):
        row["raw"] = score["explanation"]
    if score.get("answer") is not None:
        row["answer"] = score["answer"]
    return row
