"""The board's lines: every model and strategy with what the approved judge said of its answers.

Answers come from the database as numbers, never as texts: a million take some megabytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference import collect
from judges.agreement import Array, IntArray
from judges.chance import BoolArray
from judges.benchmark import check_covered
from judges.kinship import kin
from judges.lineage import NONE, lineage
from judges.tables import study_judges
from samples.errors import BenchwarrantError
from samples.records import Warrant
from samples.store import CUT, DEGENERATE, FAILED, RIGHT, TEXTLESS, UNGRADED, Store
from samples.study import Study


@dataclass(frozen=True)
class Cell:
    """One model's answers to one task, a place per answer.

    ``outcome`` is the store's code of what the judge said, ``cut`` whether the answer had no end.
    """

    item: IntArray
    draw: IntArray
    outcome: NDArray[np.uint8]
    cut: BoolArray

    @classmethod
    def of(cls, item: Any, draw: Any, coded: Any) -> "Cell":
        """From the numbers of the store, where what was cut off has a bit of its own."""
        codes = np.asarray(coded, dtype=np.uint8)
        return cls(
            np.asarray(item, dtype=np.int64),
            np.asarray(draw, dtype=np.int64),
            codes & ~np.uint8(CUT),
            (codes & CUT) > 0,
        )

    def graded(self) -> "Cell":
        """Without the answers that nobody has graded yet: they are not on the board."""
        kept = self.outcome != UNGRADED
        return Cell(self.item[kept], self.draw[kept], self.outcome[kept], self.cut[kept])

    def right(self) -> Array:
        """1 where the answer is right; a judge's failure and no text count as wrong."""
        return np.asarray(self.outcome == RIGHT, dtype=np.float64)

    def failed(self) -> Array:
        """1 where the judge failed."""
        return np.isin(self.outcome, (FAILED, DEGENERATE)).astype(np.float64)

    def tally(self) -> dict[str, int]:
        """How many answers are what."""
        counts = np.bincount(self.outcome, minlength=UNGRADED + 1)
        kept = self.outcome != UNGRADED
        return {
            "n": int(kept.sum()),
            "questions": len(np.unique(self.item[kept])),
            "right": int(counts[RIGHT]),
            "judge_failed": int(counts[FAILED] + counts[DEGENERATE]),
            "degenerate": int(counts[DEGENERATE]),
            "no_text": int(counts[TEXTLESS]),
            "cut_off": int((self.cut & kept).sum()),
            "ungraded": int(counts[UNGRADED]),
        }


@dataclass(frozen=True)
class Entry:
    """One line of the board: a model under one strategy, and its answers by task.

    ``kind`` is how it was compressed in one word (none, quantised, pruned, distilled), and
    ``compression`` what was done.
    """

    model: str
    strategy: str
    cells: Mapping[str, Cell]
    parent: str | None = None
    compression: str | None = None
    facts: Mapping[str, Any] | None = None
    kin: str | None = None  # the judge "itself", or of the "same family"
    family: str = ""
    size: str = ""
    kind: str = NONE

    @property
    def name(self) -> str:
        return f"{self.model} · {self.strategy}" if self.strategy else self.model


def entries(study: Study, store: Store, granted: Warrant) -> list[Entry]:
    """The board's lines, in the order of the study."""
    judge, rubric = study_judges(study, store)[granted.judge], study.rater_question
    found: dict[tuple[str, str], dict[str, list[Any]]] = {}
    specs = []
    for spec in collect.specs_in_force(study, store).values():
        line = found.setdefault((spec.name, spec.body["strategy"]), {})
        for task, *numbers in store.board(spec.id, granted.spec, rubric):
            line.setdefault(task, []).append([np.frombuffer(one, one.typecode) for one in numbers])
            specs.append(spec)
    found = {line: cells for line, cells in found.items() if cells}
    if not found:
        raise BenchwarrantError("there are no answers to rank; run `benchwarrant benchmark`")
    check_covered(store, granted, specs, {task for line in found.values() for task in line})
    facts, related = _facts(store), kin(judge, study, [model for model, _ in found])
    return [
        Entry(
            model=model,
            strategy=strategy,
            cells={task: _joined(parts) for task, parts in line.items()},
            facts=facts.get(model),
            kin=related.get(model),
            **_origin(model, study),
        )
        for (model, strategy), line in found.items()
    ]


def _joined(parts: list[Any]) -> Cell:
    return Cell.of(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _facts(store: Store) -> dict[str, Mapping[str, Any]]:
    """What was measured of each model; a run that was killed left only what was known at first."""
    kinds = ("model loaded", "model ran")
    return {event.subject: event.body for kind in kinds for event in store.events(kind)}


def _origin(model: str, study: Study) -> dict[str, Any]:
    block = next((block for block in study.model if block.name == model), None)
    known = lineage(model, study)
    return {
        "parent": block.parent if block else None,
        "compression": block.compression if block else None,
        "family": known.family,
        "size": known.size,
        "kind": known.compression,
    }
