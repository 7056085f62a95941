"""A failure is asked about again as one more attempt: the newest counts, the first one stays."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from readme import run as command
from small_road import NOW, approve, copied, edit, nothing, walk, write

from judges import grade, retry
from judges.retry import RETRIED, retries
from judges.tables import load_audit
from judges.warrant import stale
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.records import FAILURES, Verdict
from samples.store import Store
from samples.study import Study

# The reader fails on the bad model's 12 answers (all say 99) and reads the good model's.
FAILING = [{"match": "answer is 99", "text": "Hm."}, {"text": "Verdict: correct"}]
MENDED = [{"match": "answer is 99", "text": "Verdict: incorrect"}, {"text": "Verdict: correct"}]


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("road"), **{"verdicts.jsonl": FAILING})


@pytest.fixture
def path(road: Path, tmp_path: Path) -> Path:
    return copied(road, tmp_path)


@pytest.fixture
def study_store(path: Path) -> Iterator[tuple[Study, Store]]:
    with opened(path) as pair:
        yield pair


def answers(store: Store) -> list[str]:
    return [response.id for response in store.responses()]


def asked_again(study: Study, store: Store, *kinds: str) -> list[Verdict]:
    """Ask the reader again; returns the new verdicts."""
    made: list[Verdict] = []
    found = retries(study, store, answers(store), ["reader"], kinds)
    grade.run(study, store, [one.docket for one in found], made.append, lambda: NOW)
    return made


def reader(study: Study, store: Store) -> dict[str, tuple[str | None, str | None]]:
    spec = next(spec for spec in store.specs("judge") if spec.name == "reader")
    return store.judged(spec.id, study.rater_question.id)


def test_only_failures_are_asked_again_and_the_newest_attempt_counts(study_store) -> None:
    study, store = study_store
    write(study.at("verdicts.jsonl"), MENDED)
    made = asked_again(study, store)
    assert {(v.judge, v.value, v.attempt, v.created_at) for v in made} == {
        ("reader", "incorrect", 1, NOW)
    }
    assert len(made) == 12
    assert Counter(reader(study, store).values()) == {
        ("correct", None): 12,
        ("incorrect", None): 12,
    }
    kept = [v for v in store.verdicts() if v.judge == "reader" and v.failure]
    assert len(kept) == 12  # the failures themselves stay where they are
    assert asked_again(study, store) == []


def test_what_fails_again_is_an_attempt_of_its_own_and_is_asked_after_the_others(
    study_store,
) -> None:
    study, store = study_store
    [whole] = retries(study, store, answers(store), ["reader"])
    first = whole.docket.missing[:3]
    asked = retries(study, store, list(first), ["reader"])  # a run killed after three
    grade.run(study, store, [asked[0].docket], nothing, lambda: NOW)
    [rest] = retries(study, store, answers(store), ["reader"])
    assert rest.docket.missing == (*whole.docket.missing[3:], *first)
    assert [rest.docket.attempts[r] for r in rest.docket.missing] == [1] * 9 + [2] * 3
    assert [v.attempt for v in asked_again(study, store)] == [1] * 9 + [2] * 3
    assert load_audit(study, store).judges["reader"].failures == {"unparsable": 12}
    assert store.counts()["verdicts"] == 72 + 3 + 12


def test_kinds_may_be_named_and_what_cannot_change_is_left_out(study_store) -> None:
    study, store = study_store
    old = [v for v in store.verdicts() if v.judge == "reader" and v.failure]
    kinds = ["api_error", "too_long", "too_long", "refused"]
    changed = zip(old, kinds, strict=False)
    store.add(
        Verdict(v.response, v.rubric, v.judge, v.spec, failure=kind, attempt=1)
        for v, kind in changed
    )
    [every] = retries(study, store, answers(store), ["reader"])
    assert (len(every.docket.missing), every.left_out) == (10, {"too_long": 2})
    [some] = retries(study, store, answers(store), ["reader"], ["api_error", "refused"])
    assert {v.response for v in (old[0], old[3])} == set(some.docket.missing)
    assert some.left_out == {"too_long": 2, "unparsable": 8}
    assert set(RETRIED) < set(FAILURES)
    for kind, says in (("too_long", "'too_long' is not asked again"), ("refusd", "'refused'")):
        with pytest.raises(BenchwarrantError, match=says):
            retries(study, store, answers(store), ["reader"], [kind])


def test_where_the_model_gave_no_answer_there_is_nothing_to_ask(study_store) -> None:
    study, store = study_store
    spec = next(spec for spec in store.specs("judge") if spec.name == "reader")
    first = next(store.responses())
    lost = type(first)(
        first.item, first.model, first.spec, first.strategy, 1, finish="error", text=None
    )
    rubric = study.rater_question.id
    store.add([lost, Verdict(lost.id, rubric, "reader", spec.id, failure="api_error")])
    [found] = retries(study, store, answers(store), ["reader"])
    assert lost.id not in found.docket.missing
    assert found.left_out == {"api_error": 1}


def test_rules_would_say_the_same_again(path: Path) -> None:
    with opened(path) as (study, store):
        [found] = retries(study, store, answers(store))  # unnamed: those that ask a model
        assert found.docket.spec.name == "reader"
        for names in (["rules"], ["yes", "reader"]):
            with pytest.raises(BenchwarrantError, match=f"{names[0]}: rules would say the same"):
                retries(study, store, answers(store), names)
    assert "rules would say the same again" in command(
        "judge", "--retry-failed", "--judge", "rules", "--study", str(path)
    )


def test_a_retry_is_seen_in_the_audit_and_makes_the_warrant_stale(study_store) -> None:
    study, store = study_store
    assert load_audit(study, store).judges["reader"].retried == 0
    granted = approve(study, store, "reader")
    asked_again(study, store)
    audit = load_audit(study, store)
    assert {name: run.retried for name, run in audit.judges.items()} == {
        "rules": 0,
        "reader": 12,
        "yes": 0,
    }
    assert stale(granted, audit, study) == ""  # unparsable as before: the evidence is the same
    write(study.at("verdicts.jsonl"), MENDED)
    asked_again(study, store)
    assert stale(granted, load_audit(study, store), study) == "verdicts"


def test_what_came_of_it_is_counted_and_said(study_store) -> None:
    study, store = study_store
    found = retries(study, store, answers(store), ["reader"], ["refused"])
    made = retry.run(study, store, found, nothing, lambda: NOW)
    assert retry.line("reader", made["reader"]) == (
        "reader: 0 asked again, 0 now have a value; not asked again: 12 unparsable"
    )
    refused = {"match": store.items()[0].question, "finish": "error", "error": "refused"}
    write(study.at("verdicts.jsonl"), [refused, *MENDED])
    found = retries(study, store, answers(store), ["reader"])
    ticked: list[Verdict] = []
    made = retry.run(study, store, found, ticked.append, lambda: NOW)
    assert len(ticked) == 12
    assert made["reader"] == {
        "asked": 12,
        "values": 11,
        "failures": {"refused": 1},
        "left_out": {},
    }
    assert retry.line("reader", made["reader"]) == (
        "reader: 12 asked again, 11 now have a value, still failed: 1 refused"
    )


def test_the_command_and_the_report_say_so(path: Path) -> None:
    at = ["--study", str(path)]
    edit(path.with_name("verdicts.jsonl"), "Hm.", "Verdict: incorrect")
    said = command("judge", "--retry-failed", "--judge", "reader", *at)
    assert "reader: 12 asked again, 12 now have a value\n" in said
    said = command("judge", "--retry-failed", "--json", *at)
    zero = {"asked": 0, "values": 0, "failures": {}, "left_out": {}}
    assert json.loads(said[said.index("{") :]) == {"reader": zero}
    assert "--failure goes with --retry-failed" in command("judge", "--failure", "refused", *at)
    command("report", *at)
    page = (path.parent / "report" / "report.html").read_text()
    assert "12 verdicts are a second attempt or a later one" in page
    assert (
        "reader: 12 verdicts are a second attempt or a later one"
        in (path.parent / "report" / "report.md").read_text()
    )
