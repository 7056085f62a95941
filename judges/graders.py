"""Who graded the board: each judge with its tasks, its warrant and its measured error."""

from collections.abc import Mapping, Sequence
from typing import Any

from judges.entries import Entry
from judges.kinship import ITSELF
from judges.mandates import Mandate

MIXED = "mixed"


def graders(judges: Sequence[Mandate], errors: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON value's part about judges; ``errors`` is what corrected rates rest on, by judge.

    ``judge``, ``warrant`` and ``judge_error`` are those of the one judge, None where there are
    several; ``judges`` has them all.
    """
    rows = [
        {
            "judge": one.judge,
            "tasks": list(one.tasks),
            "warrant": {
                "id": one.granted.id,
                "signed_by": one.granted.signed_by,
                "at": one.granted.created_at,
            },
            "labels": one.granted.body["reference"]["labels"],
            "error": one.granted.body["measured_error"]["pooled"],
            "errors_by_label": errors.get(one.judge),
        }
        for one in judges
    ]
    only = rows[0] if len(rows) == 1 else dict.fromkeys(("judge", "warrant", "error"))
    labels = {row["labels"] for row in rows}
    return {
        "judge": only["judge"],
        "warrant": only["warrant"],
        "labels": labels.pop() if len(labels) == 1 else MIXED,
        "judge_error": only["error"],
        "judges": rows,
    }


def by_judge(entry: Entry, judges: Sequence[Mandate]) -> dict[str, Any]:
    """What each judge has to do with a model: its leniency to it in the audit, and whether kin.

    ``judge_leniency`` is the one judge's; ``judge_kin`` is the closest that any judge is.
    """
    found = {
        one.judge: {
            "leniency": one.granted.body["measured_error"]["leniency_by_model"].get(entry.model),
            "kin": entry.kin.get(one.judge),
        }
        for one in judges
    }
    related = set(entry.kin.values())
    only = next(iter(found.values())) if len(found) == 1 else {"leniency": None}
    return {
        "judge_leniency": only["leniency"],
        "judge_kin": ITSELF if ITSELF in related else next(iter(related), None),
        "by_judge": found,
    }
