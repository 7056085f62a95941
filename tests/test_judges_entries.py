"""The board's lines as they are read: what counts as what, and nothing left uncounted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_road import (
    FILES,
    NOW,
    all_by,
    approve,
    collect_all,
    copied,
    edit,
    grade_all,
    walk,
    write,
)

from inference import collect
from judges import benchmark
from judges.entries import entries
from samples import numbered
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.numbered import DEGENERATE, FAILED, RIGHT, TEXTLESS, WRONG
from samples.records import Verdict
from samples.store import Store
from samples.study import Study


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("road"))


@pytest.fixture
def path(road: Path, tmp_path: Path) -> Path:
    """A study whose rule judge is approved."""
    path = copied(road, tmp_path)
    with opened(path) as (study, store):
        approve(study, store, "rules")
    return path


@pytest.fixture
def study_store(path: Path) -> Iterator[tuple[Study, Store]]:
    with opened(path) as pair:
        yield pair


def mixed_answers(study: Study, store: Store) -> dict[str, str]:
    """Of four new questions the good model gets one refused, one too long, one cut off."""
    asked = [
        i for job in collect.plan(study, store) for i, _ in job.missing if job.block.name == "good"
    ]
    refused, too_long, cut, _ = (item.question for item in asked)
    rows = [
        {"match": refused, "finish": "error", "error": "refused"},
        {"match": too_long, "finish": "too_long"},
        {"match": cut, "text": "Let me see: 1", "finish": "length"},
    ]
    write(study.at("good.jsonl"), [*rows, *FILES["good.jsonl"]])
    return {item.question: item.id for item in asked}


def test_entries_count_what_has_no_text_what_failed_and_what_is_not_graded(path: Path) -> None:
    edit(path, "limit = 12", "limit = 16")
    with opened(path) as (study, store):
        ids = list(mixed_answers(study, store).values())
        collect_all(study, store)
        granted = benchmark.choose(study, store, None, NOW)

        def good() -> Any:
            return next(
                e for e in entries(study, store, all_by(study, store, granted)) if e.model == "good"
            )

        before = good().cells["sums"].tally()
        # 12 graded ones of the audit, and two that need no judge
        assert (before["n"], before["ungraded"], before["no_text"]) == (14, 2, 2)
        grade_all(study, store)
        cell = good().cells["sums"]
        after = cell.tally()
        assert (after["ungraded"], after["no_text"], after["cut_off"]) == (0, 2, 1)
        numbers = {one.key: one.number for one in numbered.asked(store)}
        keys = {item.id: item.key for item in store.items()}
        found = dict(zip(cell.item.tolist(), cell.outcome.tolist(), strict=True))
        codes = [found[numbers[keys[item]]] for item in ids]
        assert codes == [TEXTLESS, TEXTLESS, FAILED, RIGHT]
        assert after["right"] == 13


def test_entries_carry_parent_compression_and_what_was_measured(path: Path) -> None:
    edit(path, 'model = "bad.jsonl"', 'model = "bad.jsonl"\nparent = "good"\ncompression = "int4"')
    with opened(path) as (study, store):
        granted = benchmark.choose(study, store, None, NOW)
        good, bad = entries(study, store, all_by(study, store, granted))
        assert (good.parent, bad.parent, bad.compression) == (None, "good", "int4")
        assert good.name == "good · direct"
        assert good.facts["rows"] == 81 and bad.facts["rows"] == 1


def test_a_board_without_answers_is_one_line(path: Path) -> None:
    for name in ("good", "bad"):
        edit(path, f'"{name}.jsonl"', f'"{name}.jsonl"\nsampling = {{ max_tokens = 7 }}')
    with opened(path) as (study, store):
        granted = benchmark.choose(study, store, None, NOW)
        with pytest.raises(BenchwarrantError, match="no answers to rank; run `benchwarrant bench"):
            entries(study, store, all_by(study, store, granted))


def test_an_answer_is_its_own_draw(study_store) -> None:
    """Three draws on one question are three answers, and the board keeps them apart."""
    study, store = study_store
    first = next(r for r in store.responses() if r.model == "good")
    again = [replace(first, draw=draw) for draw in (1, 2)]
    spec, rubric = store.specs("judge")[0], study.rater_question.id
    given = [Verdict(r.id, rubric, "rules", spec.id, value="incorrect") for r in again]
    store.add([*again, *given])
    granted = benchmark.choose(study, store, None, NOW)
    cell = next(
        e for e in entries(study, store, all_by(study, store, granted)) if e.model == "good"
    ).cells["sums"]
    several = cell.item == cell.item[cell.draw == 1]
    assert cell.draw[several].tolist() == [0, 1, 2]
    assert cell.outcome[several].tolist() == [RIGHT, WRONG, WRONG]
    assert len(cell.item) == 14


def test_the_newest_attempt_counts_and_degenerate_answers_are_told_apart(study_store) -> None:
    study, store = study_store
    spec, rubric = store.specs("judge")[0], study.rater_question.id
    first, second = [r for r in store.responses() if r.model == "good"][:2]
    again = Verdict(first.id, rubric, "rules", spec.id, value="incorrect", attempt=1)
    bad = Verdict(second.id, rubric, "rules", spec.id, failure="degenerate", attempt=1)
    granted = benchmark.choose(study, store, None, NOW)
    store.add([again, bad])
    good = next(
        e for e in entries(study, store, all_by(study, store, granted)) if e.model == "good"
    )
    outcomes = good.cells["sums"].outcome.tolist()
    assert sorted(outcomes) == [WRONG, *[RIGHT] * 10, DEGENERATE]
    tally = good.cells["sums"].tally()
    assert (tally["judge_failed"], tally["degenerate"], tally["right"]) == (1, 1, 10)


def test_a_judge_s_verdicts_are_read_once_however_many_tasks_it_grades(
    study_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = study_store
    granted = all_by(study, store, benchmark.choose(study, store, None, NOW))
    read, asked = numbered.verdicts, []

    def counted(store: Store, judge: str, rubric: Any) -> Any:
        asked.append(judge)
        return read(store, judge, rubric)

    monkeypatch.setattr(numbered, "verdicts", counted)
    more = {f"task {n}": warrant for n, warrant in enumerate(granted.values())}
    assert entries(study, store, {**granted, **more})
    assert len(asked) == 1
