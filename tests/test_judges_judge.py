"""What makes one judge another: everything that changes a verdict, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from judges.judge import JUDGES, RULES_VERSION, judge_spec, open_judge
from judges.llm import shipped_prompts
from judges.panel import members_of
from judges.rules import RuleJudge
from samples.errors import BenchwarrantError
from samples.records import Spec
from samples.registry import find
from samples.study import JudgeBlock, Study, load_study

PROMPT = "Right? $question $reference $response $labels"
LLM = {"kind": "llm", "engine": "replay", "model": "m.jsonl", "prompt": "mine.txt"}

BOTH = {"members": ["a", "b"], "how": "majority"}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "study.toml").write_text('name = "s"\n')
    for name in ("mine.txt", "same.txt"):
        (tmp_path / name).write_text(PROMPT, encoding="utf-8")
    return load_study(tmp_path / "study.toml")


def spec(study: Study, **block: Any) -> Spec:
    return judge_spec(study, JudgeBlock.model_validate({"name": "j"} | block))


BASE = {"name": "j", **LLM, "sampling": {"max_tokens": 9}, "options": {"a": 1}}
OTHER = [
    {"name": "k"},
    {"model": "other.jsonl"},
    {"engine": "openai"},
    {"revision": "abc"},
    {"dtype": "float16"},
    {"options": {"a": 2}},
    {"prompt": "reference_graded"},
    {"sampling": {"max_tokens": 10}},
    {"sampling": {"max_tokens": 9, "temperature": 0.1}},
    {"sampling": {"max_tokens": 9, "seed": 1}},
    {"repeats": 2},
    {"sampling": {"max_tokens": 9, "stop": ["\n"]}},
    {"answer": "json"},
]
SAME = [
    {"prompt": "same.txt"},  # another file with the same text
    {"run": {"concurrency": 4}},
    {"repeats": 1},
    {"run": {"api_key_env": "MY_KEY", "base_url": "http://127.0.0.1:1"}},
    {"answer": "text"},
    {"sampling": {"max_tokens": 9, "temperature": 0}},  # what was left out before
]


@pytest.mark.parametrize("change", OTHER, ids=str)
def test_what_changes_a_verdict_makes_another_judge(study: Study, change: dict[str, Any]) -> None:
    assert spec(study, **BASE | change).id != spec(study, **BASE).id


@pytest.mark.parametrize("change", SAME, ids=str)
def test_what_does_not_change_a_verdict_does_not(study: Study, change: dict[str, Any]) -> None:
    assert spec(study, **BASE | change).id == spec(study, **BASE).id


def test_one_character_of_the_prompt_makes_another_judge(study: Study) -> None:
    before = spec(study, **LLM)
    assert before.body["prompt"] == PROMPT
    study.at("mine.txt").write_text(PROMPT + " ", encoding="utf-8")
    assert spec(study, **LLM).id != before.id


def test_no_address_and_no_key_name_stands_in_a_spec(study: Study) -> None:
    made = spec(study, **BASE, run={"api_key_env": "MY_KEY", "base_url": "http://127.0.0.1:1"})
    assert "MY_KEY" not in str(made) and "127.0.0.1" not in str(made)


def test_a_rule_judge_is_its_kind_and_a_constant_one_its_value(study: Study) -> None:
    assert spec(study, kind="auto").body == {"kind": "auto", "rules": RULES_VERSION}
    assert spec(study, kind="number").id != spec(study, kind="auto").id
    assert spec(study, kind="auto", no_answer="incorrect").body["no_answer"] == "incorrect"
    yes, no = (spec(study, kind="constant", value=v) for v in ("correct", "incorrect"))
    assert yes.body == {"kind": "constant", "value": "correct"} and yes.id != no.id


def test_a_shipped_prompt_is_named_and_a_file_of_that_name_goes_first(study: Study) -> None:
    shipped = shipped_prompts()["reference_graded"]
    assert spec(study, **LLM | {"prompt": "reference_graded"}).body["prompt"] == shipped
    study.at("reference_graded").write_text(PROMPT, encoding="utf-8")
    assert spec(study, **LLM | {"prompt": "reference_graded"}).body["prompt"] == PROMPT


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"kind": "lmm"}, "unknown kind of judge 'lmm'; did you mean 'llm'"),
        (LLM | {"engine": "repaly"}, "unknown engine 'repaly'; did you mean 'replay'"),
        (LLM | {"prompt": "no.txt"}, r"j: no prompt .*no\.txt; name a file beside the study"),
        (LLM | {"prompt": "reference_grade"}, "one of reference_free, reference_graded"),
    ],
)
def test_wrong_blocks_are_one_line(study: Study, block: dict[str, Any], says: str) -> None:
    with pytest.raises(BenchwarrantError, match=says) as caught:
        spec(study, **block)
    assert "\n" not in str(caught.value)


def test_a_prompt_that_is_no_text_is_one_line(study: Study) -> None:
    study.at("mine.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BenchwarrantError, match=r"j prompt: cannot read .*not UTF-8") as caught:
        spec(study, **LLM)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", JUDGES)
def test_every_kind_opens(study: Study, kind: str) -> None:
    more = {"llm": LLM, "constant": {"value": "correct"}, "panel": BOTH}.get(kind, {})
    study = study.model_copy(update={"judge": [JudgeBlock(name=n, kind="auto") for n in "ab"]})
    made = spec(study, **more | {"kind": kind})
    judge = open_judge(made, {})
    assert judge.spec == made
    judge.close()
    assert find("kind of judge", kind, JUDGES) is not None


def test_an_imported_judge_cannot_be_asked() -> None:
    with pytest.raises(BenchwarrantError, match="unknown kind of judge 'imported'"):
        open_judge(Spec("judge", "j", {"kind": "imported"}), {})


def test_a_rule_judge_takes_its_rule_from_the_spec(study: Study) -> None:
    judge = open_judge(spec(study, kind="number"), {})
    assert isinstance(judge, RuleJudge)
    judge.close()


def test_a_panel_with_another_member_or_another_prompt_is_another_judge(tmp_path: Path) -> None:
    blocks = (
        'name = "s"\n[[judge]]\nname = "rules"\nkind = "auto"\n[[judge]]\nname = "reader"\n'
        'kind = "llm"\nengine = "replay"\nmodel = "m.jsonl"\nprompt = "mine.txt"\n'
        '[[judge]]\nname = "both"\nkind = "panel"\nmembers = ["rules", "reader"]\nhow = "cascade"\n'
    )

    def both(text: str, prompt: str = PROMPT) -> Spec:
        (tmp_path / "study.toml").write_text(text)
        (tmp_path / "mine.txt").write_text(prompt)
        study = load_study(tmp_path / "study.toml")
        *singles, panel = (judge_spec(study, block) for block in study.judge)
        assert [member.id for member in members_of(panel)] == [one.id for one in singles]
        return panel

    first = both(blocks)
    assert "rules" not in first.body  # its members have a version of theirs
    assert both(blocks.replace('= "cascade"', '= "majority"')).id != first.id
    assert both(blocks.replace('"auto"', '"number"')).id != first.id
    assert both(blocks, PROMPT + "!").id != first.id
    assert both(blocks).id == first.id


def test_how_a_judge_answers_is_part_of_it_where_it_is_not_the_usual_way(study: Study) -> None:
    text, by_schema = (spec(study, **BASE, answer=answer).body for answer in ("text", "json"))
    assert set(text) == {"kind", "prompt", "engine", "sampling"}
    assert by_schema == {**text, "answer": "json"}
    score = spec(study, **LLM | {"engine": "openai"}, answer="score").body
    assert (score["answer"], score["least_share"]) == ("score", 0.1)
    assert "sampling" not in score  # nothing is drawn


@pytest.mark.parametrize(
    ("engine", "answer", "says"),
    [
        ("hf", "json", 'cannot be held to a JSON schema; set answer = "score", or an engine'),
        ("anthropic", "score", 'for log-probabilities; set answer = "json", or an engine that can'),
        ("replay", "score", "hf, openai, served"),
    ],
)
def test_an_engine_that_cannot_is_refused_before_anything_runs(
    study: Study, engine: str, answer: str, says: str
) -> None:
    with pytest.raises(BenchwarrantError) as error:
        spec(study, **LLM | {"engine": engine}, answer=answer)
    assert says in str(error.value) and "[[judge]] j: engine" in str(error.value)
