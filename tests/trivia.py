"""The public set 'Judging the Judges' in the columns that `benchwarrant import` reads."""

import csv
import json
from pathlib import Path

TRUTH = {"True": "correct", "False": "incorrect"}


def write_import_files(folder: Path, out: Path) -> None:
    """Write items, responses, labels and verdicts as JSONL.

    The people's final label is an adjudicator's: it settles the rows on which two raters differ.
    """
    with (folder / "triviaqa_v1_questions.csv").open(encoding="utf-8", newline="") as file:
        questions = list(csv.DictReader(file))
    with (folder / "triviaqa_v1_judgements.csv").open(encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    rows: dict[str, list[dict[str, object]]] = {
        "items": [
            {
                "task": "triviaqa",
                "key": q["question_id"],
                "question": q["question"],
                "reference": json.loads(q["references"]),
            }
            for q in questions
        ],
        "responses": [],
        "labels": [],
        "verdicts": [],
    }
    seen: dict[tuple[str, str], int] = {}
    for a in answers:
        cell = (a["question_id"], a["exam_taker"])
        draw = seen.get(cell, 0)
        seen[cell] = draw + 1
        case = {"task": "triviaqa", "key": cell[0], "model": cell[1], "draw": draw}
        rows["responses"].append(case)
        for rater in "ABC":
            if value := a[f"rater_{rater}"]:
                rows["labels"].append(
                    case
                    | {"annotator": f"rater_{rater}", "value": TRUTH[value]}
                    | {"unsure": a[f"rater_{rater}_confident"] == "False"}
                )
        final = {"annotator": "final", "value": TRUTH[a["human_final"]]}
        rows["labels"].append(case | final)
        for column, value in a.items():
            if column.startswith("judge:"):
                judge = column.removeprefix("judge:")
                verdict = {"value": TRUTH[value]} if value else {"failure": "unparsable"}
                rows["verdicts"].append(case | {"judge": judge} | verdict)
    for kind, made in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in made)
        (out / f"{kind}.jsonl").write_text(text, encoding="utf-8")
