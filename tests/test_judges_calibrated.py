"""The board's rates corrected by the audit: the right labels, in the right cells, by judge."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_board import FIRST, GRANTED
from small_road import FILES, NOW, STUDY, all_by, approve, audit_of, copied, grade_all, walk

from judges.board_page import as_text, html, markdown, notes
from judges.board_value import board_value
from judges.calibrated import COMBINED, NOT_DRAWN, Places, calibrated
from judges.corrected import CorrectedBoard, corrected
from judges.counted import Calibration, Graded
from judges.entries import Cell, Entry
from judges.leaderboard import ALL_TASKS, Board, CorrectedFigures, resample
from judges.mandates import Mandate, judge_of
from judges.tables import Audit
from samples.cli import opened

QUESTIONS, AUDITED = 150, 80
MODELS, TASKS = ("a", "b", "c"), ("sums", "words")
ONE = [Mandate("rules", GRANTED, TASKS)]
TWO = [
    Mandate("rules", GRANTED, ("sums",)),
    Mandate("reader", replace(GRANTED, judge="reader"), ("words",)),
]
ERRS = {"rules": 0.05, "reader": 0.1}


class World:
    """Answers with their truth, what two judges say of them, and an audit of some."""

    def __init__(self, judges: list[Mandate]) -> None:
        rng = np.random.default_rng(3)
        shape = (len(MODELS), len(TASKS), QUESTIONS)
        self.truth = rng.random(shape) < np.array([0.8, 0.6, 0.4])[:, None, None]
        wrong = {name: rng.random(shape) < share for name, share in ERRS.items()}
        self.said = {name: self.truth ^ of for name, of in wrong.items()}
        grader = {task: one.judge for one in judges for task in one.tasks}
        self.graded = np.stack(
            [self.said[grader[task]][:, t] for t, task in enumerate(TASKS)], axis=1
        )
        # The second task is audited on half as many questions, which weigh twice as much.
        counts = [AUDITED, AUDITED // 2]
        self.cases = [
            (m, t, int(q))
            for m in range(len(MODELS))
            for t in range(len(TASKS))
            for q in rng.choice(QUESTIONS, counts[t], replace=False)
        ]

    def board(self) -> Board:
        def cell(m: int, t: int) -> Cell:
            items = FIRST[TASKS[t]] + np.arange(QUESTIONS)
            outcome = self.graded[m, t].astype(np.uint8)
            none = np.zeros(QUESTIONS, dtype=np.int64)
            return Cell(items, none, outcome, none.astype(bool))

        lines = [
            Entry(name, "direct", {task: cell(m, t) for t, task in enumerate(TASKS)})
            for m, name in enumerate(MODELS)
        ]
        return resample(lines, np.random.default_rng(1))

    def audit(self, **more: str) -> Audit:
        at = tuple(np.array(self.cases).T)
        texts = {
            name: "".join(map(str, of[at].astype(int)))
            for name, of in {"people": self.truth, **self.said}.items()
        }
        weight = [1.0 + (t == 1) for _, t, _ in self.cases]
        model, task = (
            "".join(names[at[i]] for at in self.cases) for i, names in ((0, "abc"), (1, "sw"))
        )
        made = audit_of(texts.pop("people"), texts, model=model, task=task, weight=weight, **more)
        return replace(made, tasks=TASKS)

    def places(self) -> Places:
        entry, task, question = np.array(self.cases).T
        return Places(entry, np.array([FIRST[name] for name in TASKS])[task] + question)

    def by_hand(self, judge: str, tasks: list[int]) -> CorrectedBoard:
        m, t, q = (x.ravel() for x in np.indices(self.graded.shape))
        own = np.isin(t, tasks)
        graded = Graded(
            m[own], np.searchsorted(tasks, t[own]), (QUESTIONS * t + q)[own],
            self.graded.ravel()[own].astype(np.int64), np.ones(own.sum(), dtype=np.int64),
        )  # fmt: skip
        em, et, eq = (x[np.isin(np.array(self.cases)[:, 1], tasks)] for x in np.array(self.cases).T)
        labels = Calibration(
            em, np.searchsorted(tasks, et), QUESTIONS * et + eq,
            self.said[judge][em, et, eq].astype(np.int64),
            self.truth[em, et, eq].astype(np.int64), np.where(et == 1, 0.5, 1.0),
        )  # fmt: skip
        return corrected(graded, labels, np.random.default_rng(7))


def made(world: World, judges: list[Mandate], **more: str) -> CorrectedFigures:
    return calibrated(world.board(), world.audit(**more), world.places(), judges, 7, 0.95)


def test_one_judge_s_figures_are_those_of_its_labels_and_verdicts() -> None:
    world = World(ONE)
    found, hand = made(world, ONE), world.by_hand("rules", [0, 1])
    for m, model in enumerate(MODELS):
        for t, task in enumerate(TASKS):
            one, cell = found.figures[model, "direct", task], hand.cells[m][t]
            assert cell is not None and one["value"] == pytest.approx(cell.value)
            assert (one["method"], one["labels"]) == (cell.method, AUDITED // (1 + t))
            assert (one["low"], one["high"]) == pytest.approx((cell.low, cell.high))
        total = found.figures[model, "direct", ALL_TASKS]
        assert total["value"] == pytest.approx(hand.aggregates[m].value)
        truth = world.truth[m].mean()
        assert total["low"] < truth < total["high"]
    assert found.errors["rules"]["labels"] == 3 * 120
    json.dumps([*found.figures.values(), found.errors], allow_nan=False)


def test_each_task_is_corrected_by_its_own_judge_and_the_mean_by_both() -> None:
    world = World(TWO)
    found = made(world, TWO)
    parts = [world.by_hand("rules", [0]), world.by_hand("reader", [1])]
    for m, model in enumerate(MODELS):
        cells = [part.cells[m][0] for part in parts]
        for task, cell in zip(TASKS, cells, strict=True):
            assert cell is not None
            assert found.figures[model, "direct", task]["value"] == pytest.approx(cell.value)
        total, means = found.figures[model, "direct", ALL_TASKS], [p.aggregates[m] for p in parts]
        value = (means[0].value + means[1].value) / 2
        assert total["value"] == pytest.approx(value)
        below = np.hypot(*(one.value - one.low for one in means)) / 2
        above = np.hypot(*(one.high - one.value for one in means)) / 2
        assert (value - total["low"], total["high"] - value) == pytest.approx((below, above))
        assert (total["method"], total["labels"]) == (COMBINED, 120)
        assert total["facts"]["reader"]["tasks"] == 1
    assert set(found.errors) == {"rules", "reader"}


def test_cases_that_tell_nothing_of_the_board_are_left_out() -> None:
    """Without a settled label, without a verdict, made by other settings, of a task not there."""
    world = World(ONE)
    expected = made(world, ONE)
    world.cases += world.cases[:4]
    audit, places = world.audit(), world.places()
    run, n = audit.judges["rules"], len(audit.responses)
    audit.reference.values[n - 1] = -1
    kinds = (*run.kinds[: n - 2], "missing", None)
    task = audit.task.copy()
    task[n - 3] = 2
    places.entry[n - 4] = -1
    audit = replace(
        audit, task=task, tasks=(*TASKS, "other"), judges={"rules": replace(run, kinds=kinds)}
    )
    audit.weight[n - 2 :] = 1e-9  # they stay a part of what the audit was drawn from
    found = calibrated(world.board(), audit, places, ONE, 7, 0.95)
    assert found.errors["rules"]["labels"] == expected.errors["rules"]["labels"] == 360
    for key, one in expected.figures.items():
        assert found.figures[key]["value"] == pytest.approx(one["value"], abs=1e-6)


def test_labels_that_nobody_drew_are_said_to_be_so() -> None:
    world = World(ONE)
    assert NOT_DRAWN in made(world, ONE, allocation="labelled").method
    assert NOT_DRAWN not in made(world, ONE).method


def test_where_one_judge_s_tasks_cannot_be_corrected_the_mean_says_whose() -> None:
    world = World(TWO)
    world.cases = [case for case in world.cases if case[1] == 0]
    found = made(world, TWO)
    total = found.figures["a", "direct", ALL_TASKS]
    assert total["value"] is None and total["method"] == "none"
    assert total["reason"] == "tasks of reader: no answer that the judge graded has a settled label"
    assert found.figures["a", "direct", "sums"]["value"] is not None


def test_a_model_without_all_tasks_has_no_corrected_mean() -> None:
    world = World(ONE)
    board = world.board()
    less = replace(board.entries[2], cells={"sums": board.entries[2].cells["sums"]})
    board = resample([*board.entries[:2], less], np.random.default_rng(1))
    found = calibrated(board, world.audit(), world.places(), ONE, 7, 0.95)
    assert found.figures["c", "direct", ALL_TASKS]["reason"] == "not every task has graded answers"
    assert found.figures["c", "direct", "sums"]["value"] is not None
    assert ("c", "direct", "words") not in found.figures
    assert found.figures["a", "direct", ALL_TASKS]["value"] is not None


# --- from a study ------------------------------------------------------------------------------

WORDS = '[[task]]\nname = "words"\nlimit = 12\n[[model]]\nname = "good"'
BY_TASK = '[benchmark]\njudges = { sums = "rules", "w*" = "reader" }\n[policy]'


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = STUDY.replace('[[model]]\nname = "good"', WORDS).replace("[policy]", BY_TASK)
    passes = [*FILES["good.jsonl"], {"text": "I do not know."}]
    changed = {"study.toml": study.replace("at_least = 0.4", "at_least = -1.0")}
    return walk(tmp_path_factory.mktemp("road"), **changed, **{"good.jsonl": passes})


def test_a_study_with_two_judges_has_one_board(road: Path, tmp_path: Path) -> None:
    with opened(copied(road, tmp_path)) as (study, store):
        for judge in ("rules", "reader"):
            approve(study, store, judge)
        grade_all(study, store)
        value = board_value(study, store, judge_of(study, store, NOW), NOW)
        alone = board_value(study, store, all_by(study, store, store.warrants()[0]), NOW)
    assert [(one["judge"], one["tasks"]) for one in value["judges"]] == [
        ("rules", ["sums"]),
        ("reader", ["words"]),
    ]
    assert value["judge"] is None and value["warrant"] is None
    assert (alone["judge"], len(alone["judges"])) == ("rules", 1)
    # The reader calls every answer right that does not say 99, the rules know better.
    good = {row["model"]: row["tasks"] for row in value["rows"]}["good"]
    assert good["words"]["value"] == 1.0
    assert {row["model"]: row["tasks"] for row in alone["rows"]}["good"]["words"]["value"] == 0.0
    corrected = good["words"]["corrected"]
    assert (corrected["value"], corrected["labels"], corrected["method"]) == (
        1.0,
        12,
        "rogan-gladen",
    )
    said = notes(value)
    assert said[0].startswith("sums: graded by rules, ") and said[1].startswith(
        "words: graded by r"
    )
    assert all(
        words in html(value) for words in ("Warrant", " of reader", "by the judge&#39;s errors")
    )
    assert "(corrected 100.0%" in markdown(value) and json.loads(as_text(value)) == value
