"""Only what is missing is judged, what was judged is kept, and what cannot be read is refused."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import readme
from small_road import NOW, collect_all, copied, edit, freeze_all, nothing, walk, write, write_files

import benchwarrant
from judges import grade
from judges.judge import JUDGES
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.records import Case, Response, Spec, Verdict
from samples.store import Store
from samples.study import Study


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 answers, nobody has judged one."""
    folder = tmp_path_factory.mktemp("collected")
    with opened(write_files(folder), create=True) as (study, store):
        collect_all(study, store)
        freeze_all(study, store)
    return folder


@pytest.fixture
def path(collected: Path, tmp_path: Path) -> Path:
    return copied(collected, tmp_path)


@pytest.fixture
def study_store(path: Path) -> Iterator[tuple[Study, Store]]:
    with opened(path) as pair:
        yield pair


def answers(store: Store) -> list[str]:
    return [response.id for response in store.responses()]


def run(study: Study, store: Store, responses: list[str], *names: str) -> list[Verdict]:
    """Judge these answers; returns the verdicts that were made now."""
    made: list[Verdict] = []
    todo = grade.dockets(study, store, responses, names)
    grade.check_texts(store, todo)
    grade.run(study, store, todo, made.append, lambda: NOW)
    return made


def test_every_judge_judges_every_case_once(study_store) -> None:
    study, store = study_store
    made = run(study, store, answers(store))
    assert [(v.judge, v.created_at) for v in made] == [
        (judge, NOW) for judge in ("rules", "reader", "yes") for _ in range(24)
    ]
    rubric = study.rater_question.id
    assert {v.rubric for v in made} == {rubric}
    assert run(study, store, answers(store)) == []
    assert store.counts()["verdicts"] == 72


def test_only_what_is_missing_is_judged(study_store) -> None:
    study, store = study_store
    first = answers(store)[:5]
    assert len(run(study, store, first, "rules")) == 5
    [docket] = grade.dockets(study, store, answers(store), ["rules"])
    assert (docket.wanted, len(docket.missing)) == (24, 19)
    assert not set(first) & set(docket.missing)
    made = run(study, store, answers(store), "rules")
    assert {verdict.response for verdict in made} == set(docket.missing)


def test_a_failure_is_a_verdict_and_is_not_asked_again(study_store) -> None:
    study, store = study_store
    write(study.at("verdicts.jsonl"), [{"text": "Hm."}])
    made = run(study, store, answers(store), "reader")
    assert {(v.value, v.failure, v.raw) for v in made} == {(None, "unparsable", "Hm.")}
    write(study.at("verdicts.jsonl"), [{"text": "Verdict: correct"}])
    assert run(study, store, answers(store), "reader") == []


def test_an_edited_prompt_is_judged_anew_and_the_old_verdicts_stay(study_store) -> None:
    study, store = study_store
    run(study, store, answers(store)[:4], "reader")
    edit(study.at("prompt.txt"), "right?", "right!")
    assert len(run(study, store, answers(store)[:4], "reader")) == 4
    assert store.counts()["verdicts"] == 8
    assert len({verdict.spec for verdict in store.verdicts()}) == 2


@pytest.mark.parametrize("names", [("rules",), ("yes", "rules"), ("rules", "rules")])
def test_judges_may_be_named(study_store, names: tuple[str, ...]) -> None:
    study, store = study_store
    made = run(study, store, answers(store), *names)
    asked = list(dict.fromkeys(names))
    assert [verdict.judge for verdict in made[::24]] == asked
    assert len(made) == 24 * len(asked)


def test_all_answers_or_the_audit_sets(tmp_path: Path) -> None:
    """An active audit set is drawn by verdicts on every answer, before there is one."""
    with opened(write_files(tmp_path), create=True) as (study, store):
        collect_all(study, store)
        with pytest.raises(BenchwarrantError, match="no audit set yet"):
            grade.to_be_judged(study, store, everything=False)
    with chdir(tmp_path):
        edit(
            tmp_path / "study.toml",
            "[policy]",
            '[audit]\nsize = 9\nallocation = "active"\n[policy]',
        )
        assert "run `benchwarrant judge --all`" in str(_refusal("sample"))
        readme.run("judge", "--all", "--judge", "rules", "--judge", "yes")
        assert "9 cases" in readme.run("sample")
    with opened(tmp_path / "study.toml") as (study, store):
        assert len(grade.to_be_judged(study, store, everything=True)) == 24
        assert len(grade.to_be_judged(study, store, everything=False)) == 9


def _refusal(*words: str) -> BenchwarrantError:
    with pytest.raises(BenchwarrantError) as caught:
        benchwarrant.build()(list(words), standalone_mode=False)
    return caught.value


def test_an_unknown_judge_is_one_line(study_store) -> None:
    study, store = study_store
    with pytest.raises(BenchwarrantError, match=r"\[\[judge\]\] 'ruels'.*did you mean 'rules'"):
        grade.dockets(study, store, answers(store), ["yes", "ruels"])


def test_a_study_without_judges_says_where_verdicts_come_from(path: Path) -> None:
    text = path.read_text()
    path.write_text(text[: text.index("[[judge]]")])
    with opened(path) as (study, store), pytest.raises(BenchwarrantError, match="import verdicts"):
        grade.dockets(study, store, answers(store))


def textless(store: Store) -> Response:
    return replace(next(store.responses()), draw=1, text=None)


def test_an_answer_without_text_is_refused_before_anything_is_written(study_store) -> None:
    study, store = study_store
    store.add([textless(store)])
    with pytest.raises(BenchwarrantError, match="1 of 25 responses have no text") as caught:
        run(study, store, answers(store))
    assert "\n" not in str(caught.value)
    assert store.counts()["verdicts"] == 0
    assert len(run(study, store, answers(store)[:24], "yes")) == 24  # the readable ones may be


def test_a_judge_that_breaks_down_does_not_undo_the_one_before_it(study_store) -> None:
    """The second judge's value is no label of the rubric; the first one is done and stays done."""
    study, store = study_store
    todo = grade.dockets(study, store, answers(store), ["rules", "yes"])
    spec = replace(todo[1].spec, body={"kind": "constant", "value": "maybe"})
    with pytest.raises(BenchwarrantError, match="'maybe' is not a label"):
        grade.run(study, store, [todo[0], replace(todo[1], spec=spec)], nothing, lambda: NOW)
    assert {verdict.judge for verdict in store.verdicts()} == {"rules"}
    assert store.counts()["verdicts"] == 24


class Breaking:
    """A judge that is cut off after seven verdicts."""

    closed = False

    def __init__(self, spec: Spec, run: Mapping[str, Any]) -> None:
        self.spec = spec

    def judge(self, cases: Sequence[Case]) -> Iterator[Verdict]:
        for case in cases[:7]:
            yield Verdict(case.response.id, case.rubric.id, "yes", self.spec.id, value="correct")
        raise ConnectionError

    def close(self) -> None:
        Breaking.closed = True


def test_a_judge_that_breaks_midway_keeps_what_it_gave_and_goes_on_from_there(
    study_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = study_store
    with monkeypatch.context() as patch:
        patch.setitem(JUDGES, "constant", Breaking)
        with pytest.raises(ConnectionError):
            run(study, store, answers(store), "yes")
    assert Breaking.closed
    assert store.counts()["verdicts"] == 7
    made = run(study, store, answers(store), "yes")
    assert [verdict.response for verdict in made] == answers(store)[7:]


def test_where_nothing_is_missing_no_judge_is_opened(
    study_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = study_store
    run(study, store, answers(store), "yes")
    monkeypatch.setitem(JUDGES, "constant", "no.such.module:judge")
    assert run(study, store, answers(store), "yes") == []


def test_cases_go_to_the_judge_in_chunks(study_store, monkeypatch: pytest.MonkeyPatch) -> None:
    study, store = study_store
    monkeypatch.setattr(grade, "CHUNK", 7)
    made = run(study, store, answers(store), "rules")
    assert [verdict.response for verdict in made] == answers(store)


def test_a_judge_that_cannot_be_opened_says_so(study_store) -> None:
    study, store = study_store
    study.at("verdicts.jsonl").unlink()
    with pytest.raises(BenchwarrantError, match=r"cannot read .*verdicts\.jsonl"):
        run(study, store, answers(store), "reader")
    assert store.counts()["verdicts"] == 0


def test_the_road_s_judges_say_what_they_should(tmp_path: Path) -> None:
    with opened(walk(tmp_path) / "study.toml") as (study, store):
        cases = {c.response.id: c for c in store.cases(answers(store), study.rater_question)}
        for verdict in store.verdicts():
            right = "99" not in cases[verdict.response].response.text
            expected = "correct" if right or verdict.judge == "yes" else "incorrect"
            assert verdict.value == expected


PANEL = """[[judge]]
name = "both"
kind = "panel"
members = ["number", "reader"]
how = "HOW"
[[judge]]
name = "number"
kind = "number"
[policy]
"""


def with_panel(path: Path, how: str) -> None:
    edit(path, "[policy]\n", PANEL.replace("HOW", how))


def test_a_panel_asks_and_pays_only_for_what_is_missing(path: Path) -> None:
    with_panel(path, "majority")
    with opened(path) as (study, store):
        run(study, store, answers(store)[:10], "reader")
        made = run(study, store, answers(store), "both")
        assert {v.judge for v in made} == {"both"}  # one tick per case of the panel
        kept = Counter(v.judge for v in store.verdicts())
        assert kept == {"reader": 24, "number": 24, "both": 24}
        assert all(v.created_at == NOW for v in store.verdicts())
        assert run(study, store, answers(store), "reader", "number", "both") == []


def test_a_panel_is_judged_after_its_members(path: Path) -> None:
    with_panel(path, "majority")
    with opened(path) as (study, store):
        todo = grade.dockets(study, store, answers(store), ["both", "reader"])
        assert [docket.spec.name for docket in todo] == ["reader", "both"]


def test_a_cascade_leaves_the_second_in_peace_where_the_first_decides(path: Path) -> None:
    with_panel(path, "cascade")
    write(path.parent / "verdicts.jsonl", [{"match": "no such answer", "text": "?"}])
    with opened(path) as (study, store):
        run(study, store, answers(store), "both")  # the reader could not have answered
        assert Counter(v.judge for v in store.verdicts()) == {"number": 24, "both": 24}


def test_a_panel_that_breaks_midway_pays_nothing_twice(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(path, "[policy]\n", PANEL.replace("HOW", "majority").replace('"reader"', '"yes"'))
    with opened(path) as (study, store):
        with monkeypatch.context() as patch:
            patch.setitem(JUDGES, "constant", Breaking)
            with pytest.raises(ConnectionError):
                run(study, store, answers(store), "both")
        assert Counter(v.judge for v in store.verdicts()) == {"number": 24, "yes": 7, "both": 7}
        run(study, store, answers(store), "both")
        assert Counter(v.judge for v in store.verdicts()) == {"number": 24, "yes": 24, "both": 24}
