"""Each task is graded by the judge that the study names for it; a refusal names all it lacks."""

from pathlib import Path

import pytest
from small_road import FILES, NOW, STUDY, approve, copied, edit, walk

from inference import collect
from judges.mandates import judge_of
from samples.cli import opened
from samples.errors import BenchwarrantError, Refused
from samples.study import BenchmarkBlock

WORDS = '[[task]]\nname = "words"\nlimit = 12\n[[model]]\nname = "good"'
PASSES = [*FILES["good.jsonl"], {"text": "I do not know."}]
BY_TASK = '[benchmark]\njudges = { sums = "rules", "w*" = "reader" }\n[policy]'


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks, graded by two judges."""
    study = STUDY.replace('[[model]]\nname = "good"', WORDS).replace("[policy]", BY_TASK)
    study = study.replace("at_least = 0.4", "at_least = -1.0")
    folder = tmp_path_factory.mktemp("road")
    return walk(folder, **{"study.toml": study, "good.jsonl": PASSES})


@pytest.fixture
def path(road: Path, tmp_path: Path) -> Path:
    return copied(road, tmp_path)


def chosen(path: Path, only: str | None = None) -> dict[str, str]:
    with opened(path) as (study, store):
        specs = collect.specs_in_force(study, store).values()
        granted = judge_of(study, store, NOW, only, specs)
        assert granted == judge_of(study, store, NOW, only)  # what a leaderboard asks for
        return {task: one.judge for task, one in granted.items()}


def refusal(path: Path, kind: type[BenchwarrantError] = Refused) -> str:
    with opened(path) as (study, store), pytest.raises(kind) as caught:
        judge_of(study, store, NOW, None, collect.specs_in_force(study, store).values())
    assert type(caught.value) is kind and "\n" not in str(caught.value)
    return str(caught.value)


def approved(path: Path, *judges: str) -> None:
    with opened(path) as (study, store):
        for judge in judges:
            assert approve(study, store, judge).decision == "approved"


def test_each_task_has_the_judge_that_the_study_names_for_it(path: Path) -> None:
    approved(path, "rules", "reader")
    assert chosen(path) == {"sums": "rules", "words": "reader"}
    assert chosen(path, "rules") == {"sums": "rules", "words": "rules"}


def test_a_name_comes_before_a_pattern_and_the_first_pattern_before_the_next() -> None:
    block = BenchmarkBlock(judges={"*": "a", "s?ms": "b", "sums": "c"})
    assert [block.judge_for(task) for task in ("sums", "sims", "x")] == ["c", "a", "a"]
    assert BenchmarkBlock(judges={"s?ms": "b", "*": "a"}).judge_for("sims") == "b"
    assert BenchmarkBlock(judges={"Sums": "b"}).judge_for("sums") is None


def test_a_refusal_names_everything_that_is_missing(path: Path) -> None:
    """A judge without a warrant, and a warrant that lacks a task, a model and a strategy."""
    approved(path, "rules")
    edit(path, '{ sums = "rules"', '{ facts = "rules", sums = "rules"')
    edit(path, '[[model]]\nname = "good"', '[[task]]\nname = "facts"\n[[model]]\nname = "good"')
    edit(
        path,
        '[[judge]]\nname = "rules"',
        '[[model]]\nname = "new"\nengine = "replay"\nmodel = "bad.jsonl"\nstrategies = ["cot"]\n'
        '[[judge]]\nname = "rules"',
    )
    said = refusal(path)
    for words in (
        "2 things are missing: (1) ",
        "'rules' does not cover the tasks facts and the strategies cot and the models new",
        "(2) judge 'reader' has no warrant; run `benchwarrant approve reader`",
    ):
        assert words in said


def test_each_warrant_need_cover_its_own_tasks_only(path: Path) -> None:
    """The new strategy is asked of both tasks, so that both warrants lack it, each by its name."""
    approved(path, "rules", "reader")
    edit(path, 'model = "good.jsonl"', 'model = "good.jsonl"\nstrategies = ["direct", "cot"]')
    said = refusal(path)
    assert said.count("does not cover the strategies cot") == 2
    assert "'rules'" in said and "'reader'" in said


def test_a_stale_warrant_is_one_of_the_things_that_are_missing(path: Path) -> None:
    approved(path, "rules", "reader")
    edit(path.parent / "prompt.txt", "right?", "right!")
    assert refusal(path).startswith("the warrant of judge 'reader' is stale: its prompt changed")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('{ sums = "rules" }', r'nobody grades words; .*"\*" = "JUDGE"'),
        ('{ sums = "ruels", "*" = "rules" }', r"'sums': no judge 'ruels'.*did you mean 'rules'"),
        ('{ smus = "rules", "*" = "rules" }', r"no task 'smus'.*did you mean 'sums'"),
        ('{ sums = ["rules"] }', r"\[benchmark\]|benchmark judges"),
    ],
)
def test_a_line_that_cannot_be_meant_is_wrong_use(path: Path, lines: str, says: str) -> None:
    edit(path, '{ sums = "rules", "w*" = "reader" }', lines)
    with pytest.raises(BenchwarrantError, match=says) as caught, opened(path) as (study, store):
        judge_of(study, store, NOW)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


def test_without_lines_the_only_approved_judge_grades_all(path: Path) -> None:
    edit(path, BY_TASK, "[policy]")
    assert "no judge has a valid warrant" in refusal(path)
    approved(path, "reader")
    assert chosen(path) == {"sums": "reader", "words": "reader"}
    approved(path, "rules")
    said = refusal(path, BenchwarrantError)
    assert "(rules, reader); name one with --judge, or say in [benchmark] judges" in said
