"""The audit set case by case: all that a report's figures are computed from, in one table."""

from collections.abc import Iterator
from typing import Any

from judges.tables import Audit
from samples.store import Store


def case_rows(audit: Audit, store: Store) -> Iterator[dict[str, Any]]:
    """A row per case: what it is, its weight, its labels, the settled one, and every verdict.

    Judges and people have columns of their own, ``label NAME`` and ``verdict NAME``; where a judge
    gave none, ``failure NAME`` says why. A case that nobody settled counts in no figure.
    """
    labels, keys = audit.rubric.labels, {item.id: item.key for item in store.items()}
    reference = audit.reference
    for place, traits in enumerate(store.traits(audit.responses)):
        item, task, model, strategy, draw = traits
        settled = int(reference.values[place])
        row: dict[str, Any] = {
            "case": audit.responses[place],
            "task": task,
            "key": keys[item],
            "model": model,
            "strategy": strategy,
            "draw": draw,
            "weight": float(audit.weight[place]),
            "settled": labels[settled] if settled >= 0 else None,
        }
        for who, given in zip(reference.raters, reference.ratings[place], strict=True):
            row[f"label {who}"] = labels[int(given)] if given >= 0 else None
        for name, run in audit.judges.items():
            said = int(run.verdicts[place])
            row[f"verdict {name}"] = labels[said] if said < len(labels) else None
            row[f"failure {name}"] = run.kinds[place]
            if run.scores is not None:
                score = float(run.scores[place])
                row[f"score {name}"] = None if score != score else score
        yield row
