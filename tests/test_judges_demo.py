"""The demo's own labels, and that its study can be walked; the walk itself is a test of its own."""

from pathlib import Path

import pytest
from small_road import NOW, collect_all, copied, freeze_all, write_files

from inference import collect
from inference.engine import ENGINES
from judges.demo import LABELLER, PILOT, _write_study, label_by_program, reference_value
from judges.gate import check_policy
from judges.judge import judge_spec, open_judge
from judges.kinship import check_kin, kin
from samples.cli import opened
from samples.records import Item, Label
from samples.store import Store
from samples.study import load_study
from samples.tasks import TaskOptions, load_task

CHOICES = (("A", "cow"), ("B", "the Sun"), ("C", "dog"))


def item(answer_type: str, *references: str, choices: tuple[tuple[str, str], ...] = ()) -> Item:
    return Item("t", "1", "?", references, answer_type, choices)


NUMBER, SEQUENCE = item("number", "12"), item("sequence", "[-3, 4, 15]")
WORD, CHOICE = item("text", "big", "small"), item("choice", "C", choices=CHOICES)
ARTICLE = item("choice", "B", choices=CHOICES)


@pytest.mark.parametrize(
    ("of", "text", "right"),
    [
        (NUMBER, "12", True),
        (NUMBER, "7 + 5 = 12.", True),
        (NUMBER, "12, I think", True),
        (NUMBER, "012", True),
        (NUMBER, "12 or 13", False),  # the last one counts
        (NUMBER, "13 or 12", True),
        (NUMBER, "twelve", False),
        (NUMBER, "-12", False),
        (NUMBER, "120", False),
        (NUMBER, "", False),
        (item("number", "-7"), "It is -7.", True),
        (SEQUENCE, "[-3, 4, 15]", True),
        (SEQUENCE, "Sorted: -3 4 15", True),
        (SEQUENCE, "[15, 4, -3] becomes [-3,4,15]", True),
        (SEQUENCE, "[-3, 15, 4]", False),
        (SEQUENCE, "[-3, 4]", False),
        (SEQUENCE, "[-3, 4, 15, 16]", False),
        (SEQUENCE, "[3, 4, 15]", False),
        (SEQUENCE, "none", False),
        (WORD, "big", True),
        (WORD, "It is SMALL.", True),  # any accepted answer
        (WORD, "bigger", False),  # whole words only
        (WORD, "huge", False),
        (WORD, "big or tiny", True),  # hedged with a word that is no choice: it cannot know
        (CHOICE, "dog", True),
        (CHOICE, "The Dog.", True),
        (CHOICE, "dogs", False),
        (CHOICE, "C", False),  # it knows no letters
        (CHOICE, "cow", False),
        (CHOICE, "dog or cow", False),  # hedged
        (CHOICE, "", False),
        (ARTICLE, "The Sun", True),
        (item("text", "C++"), "C++", False),  # blunt: no word ends with a plus
    ],
)
def test_reference_value(of: Item, text: str, right: bool) -> None:
    assert reference_value(of, text) is right


@pytest.mark.parametrize("task", ["sums", "word-problems", "words", "facts", "sort3"])
def test_every_embedded_item_s_own_answer_is_right_and_the_next_one_s_is_not(task: str) -> None:
    items = load_task(TaskOptions(task), task).items

    def answer(one: Item) -> str:
        return dict(one.choices).get(one.reference, one.reference)

    for one, following in zip(items, [*items[1:], items[0]], strict=True):
        assert reference_value(one, answer(one)) and reference_value(one, f"It is {answer(one)}.")
        if answer(one) != answer(following):
            assert not reference_value(one, answer(following)), (one, following)


# --- the study ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    _write_study(folder)
    return folder / "study.toml"


def test_the_demo_s_study_loads_and_names_only_what_is_there(demo: Path) -> None:
    study = load_study(demo)
    check_policy(study.policy)
    assert study.rater_question.guidance
    for block in study.judge:
        judge = open_judge(judge_spec(study, block), {})
        judge.close()
    assert {block.engine for block in study.model} <= set(ENGINES)
    assert len(study.judge) == 3 and len(study.model) == 3
    assert sum(block.parent is not None for block in study.model) == 2


def test_the_demo_s_model_may_judge_itself_and_is_said_to(demo: Path, store: Store) -> None:
    study = load_study(demo)
    models = [block.name for block in study.model]
    for block in study.judge:
        spec = judge_spec(study, block)
        check_kin(study, store, spec)
        itself = dict.fromkeys(models, "itself") if block.kind == "llm" else {}
        assert kin(spec, study, models) == itself


def test_the_pilot_is_large_enough_to_draw_from_and_smaller_than_the_benchmark(demo: Path) -> None:
    study = load_study(demo)
    pilot = collect.plan(study, None, PILOT)
    asked = sum(len(job.missing) for job in pilot)
    assert asked >= study.audit.size >= 100
    assert asked < sum(len(job.missing) for job in collect.plan(study, None))


def test_no_person_labels_a_demo_and_none_is_said_to(tmp_path: Path) -> None:
    path = write_files(tmp_path)
    with opened(path, create=True) as (study, store):
        collect_all(study, store)
        freeze_all(study, store)
        first = store.audit_cases(store.audit_set().id)[0].response
        mine = Label(first, study.rater_question.id, "ann", value="incorrect", created_at=NOW)
        store.add([study.rater_question, mine])
    other = copied(tmp_path, tmp_path / "copy")
    assert label_by_program(other) == 23  # what ann has labelled is left to her
    assert label_by_program(other) == 0
    with opened(other) as (study, store):
        [account] = store.accounts()
        assert (account.name, account.kind, account.secret) == (LABELLER, "reference", None)
        made = [label for label in store.labels() if label.annotator == LABELLER]
        cases = {
            c.response.id: c for c in store.cases([m.response for m in made], study.rater_question)
        }
        for label in made:
            right = "99" not in cases[label.response].response.text
            assert label.value == ("correct" if right else "incorrect")
