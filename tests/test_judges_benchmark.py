"""The full run: under a valid warrant only, within what it covers, and nothing left uncounted."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_road import (
    NOW,
    all_by,
    approve,
    check_scope,
    collect_all,
    copied,
    edit,
    grade_all,
    nothing,
    planned,
    walk,
)

from inference import collect
from judges import benchmark, grade
from judges.entries import entries
from samples.cli import opened
from samples.errors import BenchwarrantError, Refused
from samples.exchange import imported_judge, imported_model
from samples.records import Item, Response, Verdict
from samples.store import Store, Ungraded
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


# --- which warrant -----------------------------------------------------------------------------


def test_the_only_valid_warrant_is_taken(study_store) -> None:
    study, store = study_store
    assert benchmark.choose(study, store, None, NOW).judge == "rules"
    assert benchmark.choose(study, store, "rules", NOW).judge == "rules"
    with pytest.raises(Refused, match="'reader' has no warrant"):
        benchmark.choose(study, store, "reader", NOW)


def test_of_several_one_must_be_named(study_store) -> None:
    study, store = study_store
    approve(study, store, "reader")
    with pytest.raises(BenchwarrantError, match=r"\(rules, reader\); name one with --judge"):
        benchmark.choose(study, store, None, NOW)
    assert benchmark.choose(study, store, "reader", NOW).judge == "reader"


def test_without_a_warrant_nothing_may_be_graded(road: Path, tmp_path: Path) -> None:
    with opened(copied(road, tmp_path)) as (study, store):
        with pytest.raises(Refused, match="no judge has a valid warrant"):
            benchmark.choose(study, store, None, NOW)
        approve(study, store, "yes")  # rejected
        with pytest.raises(Refused, match="no judge has a valid warrant"):
            benchmark.choose(study, store, None, NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: edit(path, "at_least = 0.4", "at_least = 0.3"), "the policy changed since"),
        (lambda path: edit(path, '"rules"\nkind = "auto"', '"rules"\nkind = "number"'), "its kind"),
        (lambda path: edit(path, '"rules"\nkind', '"other"\nkind'), "no judge has a valid warrant"),
    ],
    ids=["stale", "another judge of that name", "taken out of the study"],
)
def test_an_approval_that_is_no_longer_valid_says_why(path: Path, change, says: str) -> None:
    change(path)
    with opened(path) as (study, store):
        with pytest.raises(Refused, match=says) as caught:
            benchmark.choose(study, store, None, NOW)
        assert "\n" not in str(caught.value)


# --- what it covers ----------------------------------------------------------------------------

NEW_MODEL = '[[model]]\nname = "new"\nengine = "replay"\nmodel = "bad.jsonl"\n'
IN_SCOPE: dict[str, Callable[[Path], None]] = {
    "as it was": lambda path: None,
    "more questions": lambda path: edit(path, "limit = 12", "limit = 20"),
    "another batch size": lambda path: edit(
        path, 'model = "good.jsonl"', 'model = "good.jsonl"\nrun = { delay = 0 }'
    ),
    "one model less": lambda path: edit(
        path, '[[model]]\nname = "bad"\nengine = "replay"\nmodel = "bad.jsonl"\n', ""
    ),
}
OUT_OF_SCOPE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a task": (
        lambda path: edit(
            path, '[[model]]\nname = "good', '[[task]]\nname = "words"\n[[model]]\nname = "good'
        ),
        "does not cover the tasks words",
    ),
    "a strategy": (
        lambda path: edit(path, '"good.jsonl"', '"good.jsonl"\nstrategies = ["direct", "cot"]'),
        "does not cover the strategies cot",
    ),
    "a model": (
        lambda path: edit(path, '[[judge]]\nname = "rules', NEW_MODEL + '[[judge]]\nname = "rules'),
        "does not cover the models new",
    ),
    "another model under an old name": (
        lambda path: edit(path, '"good.jsonl"', '"./good.jsonl"'),
        "covers good as it was audited",
    ),
    "an old model sampled otherwise": (
        lambda path: edit(path, '"good.jsonl"', '"good.jsonl"\nsampling = { max_tokens = 7 }'),
        "covers good as it was audited",
    ),
}


@pytest.mark.parametrize("what", IN_SCOPE)
def test_the_scope_lets_through(path: Path, what: str) -> None:
    IN_SCOPE[what](path)
    with opened(path) as (study, store):
        check_scope(study, store)


@pytest.mark.parametrize("what", OUT_OF_SCOPE)
def test_the_scope_refuses(path: Path, what: str) -> None:
    change, says = OUT_OF_SCOPE[what]
    change(path)
    with opened(path) as (study, store):
        with pytest.raises(Refused, match=says) as caught:
            check_scope(study, store)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("what", OUT_OF_SCOPE)
def test_new_models_widen_the_scope_to_models_and_to_nothing_else(
    road: Path, tmp_path: Path, what: str
) -> None:
    path = copied(road, tmp_path)
    edit(path, "resamples = 200", 'resamples = 200\nscope = "new models"')
    edit(path, "at_least = 0.4", "at_least = -1.0")
    change, says = OUT_OF_SCOPE[what]
    with opened(path) as (study, store):
        assert approve(study, store, "rules").body["scope"]["kind"] == "new models"
    change(path)
    with opened(path) as (study, store):
        if "model" in what:
            check_scope(study, store)
        else:
            with pytest.raises(Refused, match=says):
                check_scope(study, store)


def imported_answers(store: Store) -> list[Any]:
    """The good model's answers under a name that nobody has audited."""
    spec = imported_model("stranger", "direct")
    rows = [
        replace(r, spec=spec.id, model="stranger") for r in store.responses() if r.model == "good"
    ]
    return [spec, *rows]


def test_imported_answers_of_a_model_that_was_not_audited_are_not_graded_either(
    study_store,
) -> None:
    study, store = study_store
    granted = benchmark.choose(study, store, None, NOW)
    assert len(entries(study, store, all_by(study, store, granted))) == 2
    store.add(imported_answers(store))
    with pytest.raises(Refused, match="does not cover the models stranger"):
        check_scope(study, store)
    with pytest.raises(Refused, match="does not cover the models stranger"):
        entries(study, store, all_by(study, store, granted))


def test_imported_answers_to_a_task_that_was_not_audited_are_not_graded_either(
    study_store,
) -> None:
    study, store = study_store
    granted = benchmark.choose(study, store, None, NOW)
    item, spec = Item("other", "1", "?", ("4",)), imported_model("good", "direct")
    store.add([item, spec, Response(item.id, "good", spec.id, "direct", 0, "4")])
    with pytest.raises(Refused, match="does not cover the tasks other"):
        check_scope(study, store)
    with pytest.raises(Refused, match="does not cover the tasks other"):
        entries(study, store, all_by(study, store, granted))


# --- what is graded ----------------------------------------------------------------------------


def run_all(study: Study, store: Store, judge: str | None = None) -> None:
    collect_all(study, store)
    grade_all(study, store, judge)


def test_the_rest_is_collected_and_graded_and_a_second_run_does_nothing(path: Path) -> None:
    edit(path, "limit = 12", "limit = 20")
    with opened(path) as (study, store):
        run_all(study, store)
        counts = store.counts()
        assert (counts["responses"], counts["verdicts"]) == (40, 24 * 3 + 16)
        run_all(study, store)
        assert store.counts() == counts
        benchmark.choose(study, store, None, NOW)  # grading did not touch what the warrant rests on


def asked(study: Study, store: Store) -> Ungraded:
    """All answers in force, as a judge that has seen none."""
    tasks = tuple(benchmark.tasks_in_force(study, store))
    specs = tuple(collect.specs_in_force(study, store))
    return Ungraded("b2:nobody", study.rater_question.id, specs, tasks)


def test_only_answers_in_force_with_a_text_are_graded(study_store) -> None:
    study, store = study_store
    store.add([replace(next(store.responses()), draw=1, text=None, finish="too_long")])
    assert store.count_ungraded(asked(study, store)) == 24
    edit(study.at("study.toml"), '"bad.jsonl"', '"bad.jsonl"\nsampling = { max_tokens = 7 }')
    with opened(study.at("study.toml")) as (other, _):
        assert store.count_ungraded(asked(other, store)) == 12


def test_imported_verdicts_are_as_complete_as_they_are(study_store) -> None:
    study, store = study_store
    spec, rubric = imported_judge("people"), study.rater_question.id
    store.add([spec])
    store.add(
        Verdict(r.id, rubric, "people", spec.id, value="incorrect" if "99" in r.text else "correct")
        for r in store.responses()
    )
    granted = approve(study, store, "people")
    assert granted.decision == "approved"
    assert planned(study, store, "people").desks == []
    assert len(entries(study, store, all_by(study, store, granted))) == 2


PANEL = """[[judge]]
name = "cascade"
kind = "panel"
members = ["rules", "reader"]
how = "cascade"
[policy]
"""


def test_an_approved_cascade_grades_and_its_warrant_follows_its_members(path: Path) -> None:
    edit(path, "[policy]\n", PANEL)
    with opened(path) as (study, store):
        responses = [response.id for response in store.responses()]
        todo = grade.dockets(study, store, responses, ["cascade"])
        grade.run(study, store, todo, nothing, lambda: NOW)
        approve(study, store, "cascade")
    edit(path, "limit = 12", "limit = 20")
    with opened(path) as (study, store):
        granted = benchmark.choose(study, store, "cascade", NOW)
        check_scope(study, store, "cascade")
        collect_all(study, store)
        grade_all(study, store, "cascade")
        lines = entries(study, store, all_by(study, store, granted))
        counts = {one.model: one.cells["sums"].tally()["n"] for one in lines}
        assert counts == {"good": 20, "bad": 20}
        reader = next(spec for spec in store.specs("judge") if spec.name == "reader")
        assert len(store.judged(reader.id, study.rater_question.id)) == 24  # none since the audit
    edit(path.parent / "prompt.txt", "right?", "right!")
    stale = pytest.raises(Refused, match="stale: its members changed")
    with opened(path) as (study, store), stale:
        benchmark.choose(study, store, "cascade", NOW)
