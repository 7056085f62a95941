"""The board's lines: every model and strategy with what approved judges said of its answers.

Answers come from the database as numbers, never as texts: a million take some megabytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference import collect
from judges.agreement import Array, IntArray
from judges.benchmark import check_covered
from judges.chance import BoolArray
from judges.kinship import kin
from judges.lineage import NONE, lineage
from judges.mandates import by_judge
from judges.tables import study_judges
from samples import numbered
from samples.errors import BenchwarrantError
from samples.numbered import DEGENERATE, FAILED, RIGHT, TEXTLESS, UNGRADED, Asked
from samples.records import Rubric, Spec, Warrant
from samples.store import Store
from samples.study import Study


class Cell(NamedTuple):
    """One model's answers to one task, a place per answer.

    ``item`` is its number in the study, ``outcome`` the store's code of what the judge said, and
    ``cut`` whether the answer ended at the length limit.
    """

    item: IntArray
    draw: IntArray
    outcome: NDArray[np.uint8]
    cut: BoolArray

    def with_(self, other: "Cell") -> "Cell":
        """Both cells' answers: a model's imported ones may come from several specs."""
        return Cell(
            np.concatenate([self.item, other.item]),
            np.concatenate([self.draw, other.draw]),
            np.concatenate([self.outcome, other.outcome]),
            np.concatenate([self.cut, other.cut]),
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
    kin: Mapping[str, str] = field(default_factory=dict)  # judge → "itself" or "same family"
    specs: tuple[str, ...] = ()  # of the answers
    family: str = ""
    size: str = ""
    kind: str = NONE

    @property
    def name(self) -> str:
        return f"{self.model} · {self.strategy}" if self.strategy else self.model


def entries(study: Study, store: Store, granted: Mapping[str, Warrant]) -> list[Entry]:
    """The board's lines, in the order of the study; ``granted`` is the warrant of each task."""
    with store.snapshot():
        specs, found = _read(study, store, granted)
    if not found:
        raise BenchwarrantError("there are no answers to rank; run `benchwarrant benchmark`")
    for one in by_judge(granted):
        asked = [(spec, tasks & set(one.tasks)) for spec, tasks in specs]
        own = [spec for spec, tasks in asked if tasks]
        check_covered(store, one.granted, own, set().union(*(tasks for _, tasks in asked)))
    facts, known = _facts(store), study_judges(study, store)
    models = [model for model, _ in found]
    related = {one.judge: kin(known[one.judge], study, models) for one in by_judge(granted)}
    return [
        Entry(
            model=model,
            strategy=strategy,
            cells=cells,
            facts=facts.get(model),
            specs=tuple(
                s.id for s, _ in specs if (s.name, s.body["strategy"]) == (model, strategy)
            ),
            kin={judge: of[model] for judge, of in related.items() if model in of},
            **_origin(model, study),
        )
        for (model, strategy), cells in found.items()
    ]


def _read(
    study: Study, store: Store, granted: Mapping[str, Warrant]
) -> tuple[list[tuple[Spec, set[str]]], dict[tuple[str, str], dict[str, Cell]]]:
    """The specs that have answered, each with its tasks; and the cells by model and strategy."""
    rubric = study.rater_question
    said = {
        one.granted.spec: _outcomes(store, one.granted.spec, rubric) for one in by_judge(granted)
    }
    outcomes = {task: said[one.spec] for task, one in granted.items()}
    tasks = _Tasks.of(numbered.asked(store))
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    specs: list[tuple[Spec, set[str]]] = []
    for spec in collect.specs_in_force(study, store).values():
        cells = _cells(numbered.answers(store, spec.id), outcomes, tasks)
        if cells:
            specs.append((spec, set(cells)))
            line = found.setdefault((spec.name, spec.body["strategy"]), {})
            for task, cell in cells.items():
                line[task] = line[task].with_(cell) if task in line else cell
    return specs, found


class _Outcomes(NamedTuple):
    """By the number of a response: what was said of it, and whether it was cut off."""

    outcome: NDArray[np.uint8]
    cut: BoolArray

    def of(self, response: IntArray) -> tuple[NDArray[np.uint8], BoolArray]:
        """Of these responses; beyond the last one known they are ungraded."""
        known = response < len(self.outcome)
        place = np.where(known, response, 0)
        return np.where(known, self.outcome[place], UNGRADED), known & self.cut[place]


def _outcomes(store: Store, judge: str, rubric: Rubric) -> _Outcomes:
    """A judge's newest verdicts; where there is none an answer without text is TEXTLESS."""
    given, said = (_rows(flat, 2) for flat in numbered.verdicts(store, judge, rubric))
    unfinished = _rows(numbered.unfinished(store), 2)
    size = 1 + max(int(part[:, 0].max(initial=0)) for part in (given, unfinished))
    outcome, cut = np.full(size, UNGRADED, dtype=np.uint8), np.zeros(size, dtype=bool)
    cut[unfinished[:, 0]] = unfinished[:, 1] == 1
    outcome[unfinished[unfinished[:, 1] == 0, 0]] = TEXTLESS
    by_verdict = np.zeros(1 + int(said[:, 0].max(initial=0)), dtype=np.uint8)
    by_verdict[said[:, 0]] = said[:, 1]
    newest = np.zeros(size, dtype=np.int64)
    newest[given[:, 0]] = given[:, 1]  # of one response the last attempt stays
    judged = np.flatnonzero(newest)
    outcome[judged] = by_verdict[newest[judged]]
    return _Outcomes(outcome, cut)


def _rows(flat: Any, width: int) -> IntArray:
    return np.frombuffer(flat, dtype=np.int64).reshape(-1, width)


class _Tasks(NamedTuple):
    """Names, and by the number of an item the place of its task's name."""

    names: tuple[str, ...]
    place: IntArray

    @classmethod
    def of(cls, asked: Sequence[Asked]) -> "_Tasks":
        names = tuple(dict.fromkeys(one.task for one in asked))
        place = np.zeros(1 + max((one.number for one in asked), default=0), dtype=np.int64)
        codes = {name: code for code, name in enumerate(names)}
        for one in asked:
            place[one.number] = codes[one.task]
        return cls(names, place)


def _cells(flat: Any, outcomes: Mapping[str, _Outcomes], tasks: _Tasks) -> dict[str, Cell]:
    """A spec's answers by task, mostly all of one, each as its task's judge sees it."""
    rows = _rows(flat, 3)
    own, found = tasks.place[rows[:, 0]], {}
    for code in np.unique(own):
        item, draw, response = rows[own == code].T
        task = tasks.names[code]
        found[task] = Cell(item.copy(), draw.copy(), *outcomes[task].of(response))
    return found


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
