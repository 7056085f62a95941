"""An approved judge is asked again about a part of its audit, and its evidence stays as it was."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from readme import run as command
from small_road import NOW, STUDY, approve, copied, edit, nothing, walk, write, write_files

from judges import benchmark, grade, recheck
from judges.drift import recheck_figures
from judges.tables import load_audit
from judges.warrant import approved_judges, in_force
from samples.cli import opened
from samples.errors import BenchwarrantError, Refused
from samples.exchange import imported_judge
from samples.records import Event, Verdict
from samples.store import Store
from samples.study import Study

LENIENT = [{"text": "Verdict: correct"}]  # the reader once it has changed
LATER = "2026-03-12T09:30:00.000000+00:00"  # forty days


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader and the rules are approved."""
    folder = walk(tmp_path_factory.mktemp("road"))
    with opened(folder / "study.toml") as (study, store):
        approve(study, store, "rules")
        approve(study, store, "reader")
    return folder


@pytest.fixture
def path(road: Path, tmp_path: Path) -> Path:
    return copied(road, tmp_path)


@pytest.fixture
def study_store(path: Path) -> Iterator[tuple[Study, Store]]:
    with opened(path) as pair:
        yield pair


def now() -> str:
    return NOW


def chosen(study: Study, store: Store, cases: int = 24, judge: str = "reader") -> recheck.Recheck:
    warrant = in_force(study, store, judge, None)
    return recheck.choose(study, load_audit(study, store), warrant, cases)


def again(study: Study, store: Store, cases: int = 24, judge: str = "reader") -> Event:
    return recheck.run(study, store, chosen(study, store, cases, judge), nothing, lambda: NOW)


def passed(study: Study, store: Store, event: Event) -> bool:
    return bool(recheck_figures(event, load_audit(study, store), study)["passed"])


# --- which cases -------------------------------------------------------------------------------


def test_each_recheck_has_a_part_of_its_own_and_the_seed_makes_it_again(study_store) -> None:
    study, store = study_store
    first = chosen(study, store, 8)
    assert chosen(study, store, 8) == first
    assert len(set(first.responses)) == 8
    again(study, store, 8)
    second = chosen(study, store, 8)
    assert (first.number, second.number) == (1, 2)
    assert set(second.responses) != set(first.responses)
    assert chosen(study, store, 8, "rules").number == 1  # its own count
    edit(study.at("study.toml"), 'name = "small"', 'name = "small"\nseed = 1')
    with opened(study.at("study.toml")) as (other, _):
        approve(other, store, "reader")
        assert set(chosen(other, store, 8).responses) != set(second.responses)


def test_answers_to_different_questions_come_first(study_store) -> None:
    study, store = study_store
    items = [item for item, *_ in store.traits(chosen(study, store, 12).responses)]
    assert len(set(items)) == 12  # the tests take cases as independent
    assert len(chosen(study, store, 100).responses) == 24


def test_what_the_judge_never_saw_is_not_drawn(study_store) -> None:
    study, store = study_store
    old = next(v for v in store.verdicts() if v.judge == "reader" and v.value == "incorrect")
    store.add([Verdict(old.response, old.rubric, "reader", old.spec, None, "api_error", attempt=1)])
    approve(study, store, "reader")
    part = recheck.choose(study, load_audit(study, store), store.warrants()[-1], 24).responses
    assert len(part) == 23 and old.response not in part


def test_imported_verdicts_cannot_be_asked_for_again(study_store) -> None:
    study, store = study_store
    spec, rubric = imported_judge("people"), study.rater_question.id
    store.add([spec])
    store.add(
        Verdict(r.id, rubric, "people", spec.id, value="incorrect" if "99" in r.text else "correct")
        for r in store.responses()
    )
    approve(study, store, "people")
    with pytest.raises(BenchwarrantError, match="'people' were imported"):
        chosen(study, store, judge="people")


# --- what is kept ------------------------------------------------------------------------------


def test_an_unchanged_judge_passes_and_its_evidence_stays(study_store) -> None:
    study, store = study_store
    before = store.counts()
    event = again(study, store)
    assert passed(study, store, event)
    assert store.counts() == before | {"events": before["events"] + 1}
    warrant = in_force(study, store, "reader", NOW)
    body = event.body
    assert (event.kind, event.subject, event.created_at) == ("recheck", "reader", NOW)
    assert (body["warrant"], body["spec"], body["audit_set"]) == (
        *(warrant.id, warrant.spec),
        warrant.audit_set,
    )
    assert len(body["cases"]) == 24
    assert all(pair["old"] == pair["new"] for pair in body["cases"].values())
    assert list(store.faults()) == []


@pytest.mark.parametrize("judge", ["rules"])
def test_rules_say_the_same_again(study_store, judge: str) -> None:
    study, store = study_store
    assert passed(study, store, again(study, store, judge=judge))


def test_a_judge_that_changed_fails_and_may_grade_nothing(study_store) -> None:
    study, store = study_store
    write(study.at("verdicts.jsonl"), LENIENT)
    event = again(study, store)
    assert not passed(study, store, event)
    changed = [pair for pair in event.body["cases"].values() if pair["old"] != pair["new"]]
    assert {pair["raw"] for pair in changed} == {"Verdict: correct"}
    assert len(changed) == 12
    # 12 turned correct, and were right before: p = 2 / 2¹²
    with pytest.raises(Refused, match=r"stale: the recheck of .* failed \(p = 0\.00049\)") as said:
        benchmark.choose(study, store, "reader", NOW)
    assert "judge --recheck" in str(said.value) and "\n" not in str(said.value)
    assert approved_judges(study, store, NOW) == ["rules"]
    approve(study, store, "reader")
    with pytest.raises(Refused, match="failed"):
        in_force(study, store, "reader", NOW)
    write_files(study.at("."), **{"study.toml": STUDY})  # it is the old one again
    assert passed(study, store, again(study, store))
    assert in_force(study, store, "reader", NOW).judge == "reader"


def test_another_name_is_another_judge(path: Path) -> None:
    write(path.with_name("verdicts.jsonl"), LENIENT)
    with opened(path) as (study, store):
        again(study, store)
    edit(path, '"reader"', '"reader-2"')
    with opened(path) as (study, store), pytest.raises(Refused, match="no warrant"):
        in_force(study, store, "reader-2", NOW)


def test_a_day_on_which_it_cannot_be_reached_is_not_kept(study_store) -> None:
    study, store = study_store
    down = {"finish": "error", "error": "no route to host"}
    write(study.at("verdicts.jsonl"), [{"match": "answer is 99", **down}, *LENIENT])
    with pytest.raises(BenchwarrantError, match=r"12 of 24 cases \(no route to host\), so noth"):
        again(study, store)
    assert store.events("recheck") == []
    question = store.items()[0].question
    rows = [{"match": question, **down}, {"match": "answer is 99", "text": "Verdict: incorrect"}]
    write(study.at("verdicts.jsonl"), [*rows, *LENIENT])
    figures = recheck_figures(again(study, store), load_audit(study, store), study)
    assert (figures["unreached"], figures["n"], figures["passed"]) == (2, 22, True)


def test_one_that_is_broken_off_leaves_nothing(study_store) -> None:
    study, store = study_store

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recheck.run(study, store, chosen(study, store), stop, lambda: NOW)
    assert store.events("recheck") == []


# --- age ---------------------------------------------------------------------------------------


def test_a_limit_set_later_needs_no_new_approval_and_a_recheck_renews(path: Path) -> None:
    edit(path, "resamples = 200", "resamples = 200\nmax_age_days = 30")
    with opened(path) as (study, store):
        assert in_force(study, store, "reader", NOW).decision == "approved"
        with pytest.raises(Refused, match=r"'reader' is stale: it is 40\.0 days old and the pol"):
            in_force(study, store, "reader", LATER)
        recheck.run(study, store, chosen(study, store), nothing, lambda: LATER)
        assert in_force(study, store, "reader", LATER).created_at == NOW
        assert approved_judges(study, store, LATER) == ["reader"]


def test_a_panel_is_asked_anew_through_its_members(path: Path) -> None:
    members = 'name = "panel"\nkind = "panel"\nmembers = ["reader", "rules"]\nhow = "cascade"'
    edit(path, "[policy]\n", f"[[judge]]\n{members}\n[policy]\n")
    with opened(path) as (study, store):
        responses = [response.id for response in store.responses()]
        grade.run(study, store, grade.dockets(study, store, responses, ["panel"]), nothing, now)
        approve(study, store, "panel")
        before = store.counts()["verdicts"]
        assert passed(study, store, again(study, store, judge="panel"))
        write(path.with_name("verdicts.jsonl"), LENIENT)
        event = again(study, store, judge="panel")
        assert {one["new"][0] for one in event.body["cases"].values()} == {"correct"}
        assert not passed(study, store, event)
        assert store.counts()["verdicts"] == before


# --- the commands ------------------------------------------------------------------------------


def test_the_commands_say_so(path: Path) -> None:
    at = ["--study", str(path)]
    assert "several judges are approved (rules, reader)" in command("judge", "--recheck", *at)
    said = command("judge", "--recheck", "--judge", "reader", *at)
    assert "Recheck 1 of reader on " in said and "passed: 0 of 24 verdicts changed" in said
    write(path.with_name("verdicts.jsonl"), LENIENT)
    said = command("judge", "--recheck", "--judge", "reader", "--json", *at)
    assert said.endswith("(exit code 1)\n")
    [figures] = json.loads(said[said.index("[\n") : said.rindex("]") + 1])
    assert (figures["number"], figures["passed"]) == (2, False)
    assert figures["right"] == {"n": 24, "lost": 12, "won": 0, "mcnemar_p": 2 / 2**12}
    verified = command("verify", *at)
    assert "warrant of reader (approved): stale: the recheck of " in verified
    assert "warrant of rules (approved): follows from the rows" in verified
    assert "stale: the recheck of" in command("benchmark", "--judge", "reader", *at)
    assert "'reader' is stale" in command("leaderboard", "--judge", "reader", *at)


def test_the_report_says_so(path: Path) -> None:
    at = ["--study", str(path)]
    write(path.with_name("verdicts.jsonl"), LENIENT)
    command("judge", "--recheck", "--judge", "reader", *at)
    value = json.loads(command("report", "--json", *at))
    reader = value["judges"]["reader"]
    assert (reader["decision"], value["judges"]["rules"]["decision"]) == ("undecided", "approved")
    assert "but the recheck of" in reader["stale"]
    [figures] = reader["rechecks"]
    command("report", *at)
    for name in ("report.html", "report.md"):
        assert figures["says"][:60] in (path.parent / "report" / name).read_text("utf-8")
