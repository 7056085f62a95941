"""The public set NQ-open 301 in the columns that `benchwarrant import` reads."""

import csv
import json
from pathlib import Path
from typing import Any

from samples.records import content_hash

VALUES = {"Yes": "correct", "No": "incorrect"}
JUDGES = {"gpt-4": "NQ301_gpt-4.tsv", "bem": "NQ301_BEM.tsv"}


def write_import_files(folder: Path, out: Path) -> dict[str, int]:
    """Write items, responses, labels and verdicts as JSONL; returns how many rows of each.

    A system's answer gets the labels of the row with the same question and the same words, letter
    case aside; answers without such a row are left out.
    """
    labelled = {_cell(row): row for row in table(folder / "NQ301_human.tsv")}
    judged = {
        name: {_cell(row): row["Acceptable?"] for row in table(folder / file)}
        for name, file in JUDGES.items()
    }
    rows: dict[str, list[dict[str, Any]]] = {
        kind: [] for kind in ("items", "responses", "labels", "verdicts")
    }
    known: set[str] = set()
    for output in outputs(folder / "model_outputs_301.jsonl"):
        question, said = output["question"], output["prediction"]
        cell = (question.lower(), said.lower())
        if cell not in labelled:
            continue
        key = content_hash(question)
        if key not in known:
            known.add(key)
            item = {"task": "nq", "key": key, "question": question, "reference": output["answer"]}
            rows["items"].append(item)
        case = {"task": "nq", "key": key, "model": output["model"]}
        rows["responses"].append(case | {"text": said})
        for rater in ("annotator1", "annotator2", "annotator3"):
            if value := VALUES.get(labelled[cell][rater]):
                rows["labels"].append(case | {"annotator": rater, "value": value})
        for name, verdicts in judged.items():
            value = VALUES.get(verdicts.get(cell, ""))
            verdict = {"value": value} if value else {"failure": "unparsable"}
            rows["verdicts"].append(case | {"judge": name} | verdict)
    for kind, made in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in made)
        (out / f"{kind}.jsonl").write_text(text, encoding="utf-8")
    return {kind: len(made) for kind, made in rows.items()}


def outputs(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:  # one system gives lists
        said = row["prediction"]
        row["prediction"] = ", ".join(said) if isinstance(said, list) else said
    return rows


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _cell(row: dict[str, str]) -> tuple[str, str]:
    return row["Question"].lower(), row["Model answer"].lower()
