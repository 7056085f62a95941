"""A judge that grades itself or its family: refused, or allowed and marked everywhere."""

import csv
import io
from pathlib import Path

import pytest
from small_board import board, entry
from small_road import NOW, all_by, approve, check_scope, edit, walk

from judges import board_page, grade
from judges.entries import entries
from judges.judge import judge_spec
from judges.kinship import check_kin, kin, kin_says
from judges.leaderboard import to_csv
from judges.tables import load_audit, study_judges
from judges.warrant import check
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.records import Spec
from samples.store import Store
from samples.study import Study

MODELS = [
    {"name": "tiny", "engine": "hf", "model": "HuggingFaceTB/SmolLM2-135M-Instruct"},
    {"name": "mini", "engine": "openai", "model": "gpt-4o-mini"},
    {"name": "file", "engine": "replay", "model": "answers.jsonl"},
]


def llm(model: str, name: str = "grader", **block: object) -> dict[str, object]:
    kind = {"kind": "llm", "engine": "openai", "model": model, "prompt": "reference_graded"}
    return {"name": name, **kind, **block}


def study_of(*judges: dict[str, object]) -> Study:
    return Study.model_validate({"name": "s", "model": MODELS, "judge": list(judges)})


RULES = {"name": "tiny", "kind": "auto"}  # a rule is nobody's kin, whatever it is called


@pytest.mark.parametrize(
    ("judges", "found"),
    [
        ([llm("gpt-4o-mini")], {"mini": "itself"}),
        ([llm("GPT-4o-mini")], {"mini": "itself"}),
        ([llm("gpt-4o-2024-11-20")], {"mini": "same family"}),
        ([llm("gpt-4.1")], {}),
        ([llm("HuggingFaceTB/SmolLM2-1.7B-Instruct")], {"tiny": "same family"}),
        ([llm("claude-sonnet-4-5", name="tiny")], {"tiny": "itself"}),
        ([RULES], {}),
        ([{"name": "answers.jsonl", "kind": "constant", "value": "correct"}], {}),
        (
            [
                llm("gpt-4o", "a"),
                llm("gpt-4o-mini", "b"),
                {"name": "p", "kind": "panel", "how": "majority", "members": ["a", "b"]},
            ],
            {"mini": "itself"},
        ),
    ],
)
def test_who_is_kin(judges: list[dict[str, object]], found: dict[str, str]) -> None:
    study = study_of(*judges)
    spec = judge_spec(study, study.judge[-1])
    assert kin(spec, study, ["tiny", "mini", "file"]) == found
    assert kin(spec, study, []) == {}


def test_an_imported_judge_or_model_goes_by_its_name() -> None:
    study = study_of()
    imported = Spec("judge", "GPT-4o", {"kind": "imported"})
    assert kin(imported, study, ["mini", "gpt-4o", "gpt-4", "llama2-13b-chat"]) == {
        "mini": "same family",
        "gpt-4o": "itself",
    }


def test_it_is_refused_in_one_line_that_names_both(store: Store) -> None:
    study = study_of(llm("gpt-4o"))
    with pytest.raises(BenchwarrantError) as caught:
        check_kin(study, store, judge_spec(study, study.judge[0]))
    assert str(caught.value) == (
        "[[judge]] grader (gpt-4o) is of one family (gpt-4o) with [[model]] mini, which it would"
        " grade; set allow_self = true in its block to let it, and every page will say so"
    )
    allowed = study_of(llm("gpt-4o", allow_self=True))
    check_kin(allowed, store, judge_spec(allowed, allowed.judge[0]))


def test_every_member_of_a_panel_needs_its_own_leave(store: Store) -> None:
    blocks = [
        llm("gpt-4o", "a", allow_self=True),
        llm("gpt-4o-mini", "b"),
        {"name": "p", "kind": "panel", "how": "majority", "members": ["a", "b"]},
    ]
    study = study_of(*blocks)
    with pytest.raises(BenchwarrantError, match=r"\[\[judge\]\] b \(gpt-4o-mini\) is itself"):
        check_kin(study, store, judge_spec(study, study.judge[-1]))


def test_leave_is_no_part_of_the_judge(tmp_path: Path) -> None:
    plain, allowed = study_of(llm("gpt-4o")), study_of(llm("gpt-4o", allow_self=True))
    assert judge_spec(plain, plain.judge[0]).id == judge_spec(allowed, allowed.judge[0]).id


def test_what_is_said() -> None:
    assert kin_says({}) == ""
    both = {"a": "itself", "b": "same family", "c": "same family"}
    assert kin_says(both) == (
        "This judge is itself one of the models that it grades: a and is of one family with models"
        " that it grades: b, c."
    )


def test_the_road_refuses_it_and_where_allowed_marks_it(tmp_path: Path) -> None:
    path = walk(tmp_path) / "study.toml"
    edit(path, '[[judge]]\nname = "reader"', '[[judge]]\nname = "good"')
    with opened(path) as (study, store):
        responses = [response.id for response in store.responses()]
        with pytest.raises(BenchwarrantError, match=r"good \(verdicts.jsonl\) is itself \[\[model"):
            grade.dockets(study, store, responses, ["good"])
    edit(path, '[[judge]]\nname = "good"', '[[judge]]\nallow_self = true\nname = "good"')
    with opened(path) as (study, store):
        todo = grade.dockets(study, store, responses, ["good"])
        grade.run(study, store, todo, lambda verdict: None, lambda: NOW)
        warrant = approve(study, store, "good")
        assert warrant.body["kin"] == {"good": "itself"}
        assert check(warrant, load_audit(study, store), study) == ""
        assert "kin" not in approve(study, store, "rules").body
        lines = {one.model: one.kin for one in entries(study, store, all_by(study, store, warrant))}
        assert lines == {"good": {"good": "itself"}, "bad": {}}
        check_scope(study, store, "good")
    edit(path, "allow_self = true\n", "")
    with opened(path) as (study, store):
        with pytest.raises(BenchwarrantError, match="is itself"):
            check_scope(study, store, "good")
        assert "good" in study_judges(study, store)


def test_the_leaderboard_says_whom_the_judge_is_related_to() -> None:
    value = board(
        entry("a", sums="110", kin={"rules": "itself"}),
        entry("b", sums="011", kin={"rules": "same family"}),
    )
    said = kin_says({"a": "itself", "b": "same family"})
    assert said in board_page.notes(value)
    page = board_page.html(value)
    assert said in page and "judged by itself" in page and "judged by its own family" in page
    rows = {row["model"]: row["judge_kin"] for row in csv.DictReader(io.StringIO(to_csv(value)))}
    assert rows == {"a": "itself", "b": "same family"}
    other = board(entry("a", sums="110"))
    assert "judged by" not in board_page.html(other)
    assert not any("This judge" in line for line in board_page.notes(other))
