"""A real small model behind real servers as a judge, from the study file to the verdicts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tiny_model import build_tiny_model

from judges.judge import judge_spec, open_judge
from samples.errors import BenchwarrantError
from samples.records import Case, Item, Response, Rubric, Verdict
from samples.study import load_study

pytestmark = pytest.mark.slow

ANSWERS = [
    ("What is 2 + 3?", "5", "5"),
    ("What is 2 + 3?", "5", "7"),
    ("What is the capital of France?", "Paris", "Paris"),
    ("What is the capital of France?", "Paris", "London"),
    ("What is the opposite of hot?", "cold", "It is cold."),
    ("What is the first letter of 'apple'?", "a", "The first letter is b."),
]
LABELS = ("false", "true")
PROMPT = """\
Is this answer true or false? Reply with one word, True or False.
Question: $question
Right answer: $reference
Answer:
$response
"""
BLOCK = """
name = "local"
[rubric]
labels = ["false", "true"]
[[judge]]
name = "local"
kind = "llm"
prompt = "prompt.txt"
"""
Judged = Callable[..., list[Verdict]]


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    """The verdicts of the study's one judge, in the order of the cases."""

    def judged(block: str, run: dict[str, object] | None = None) -> list[Verdict]:
        (tmp_path / "prompt.txt").write_text(PROMPT)
        (tmp_path / "study.toml").write_text(BLOCK + block)
        study = load_study(tmp_path / "study.toml")
        rubric = study.rater_question
        judge = open_judge(judge_spec(study, study.judge[0]), {**study.judge[0].run, **(run or {})})
        try:
            made = {verdict.response: verdict for verdict in judge.judge(cases(rubric))}
        finally:
            judge.close()
        return [made[case.response.id] for case in cases(rubric)]

    return judged


def cases(rubric: Rubric) -> Sequence[Case]:
    items = [
        Item("t", f"{n}", question, (right,)) for n, (question, right, _) in enumerate(ANSWERS)
    ]
    return [
        Case(item, Response(item.id, "m", "b2:spec", "direct", 0, text, "stop"), rubric)
        for item, (_, _, text) in zip(items, ANSWERS, strict=True)
    ]


LLAMA = """
engine = "served"
model = "embedded:smollm2-135m"
options = { server = "llama.cpp", context = 1024 }
run = { concurrency = 2 }
"""


def test_llama_cpp_keeps_the_schema(judged: Judged) -> None:
    pytest.importorskip("xllamacpp", reason="pip install xllamacpp")
    made = judged(LLAMA + 'answer = "json"\nsampling = { max_tokens = 256 }\n')
    assert [one.failure for one in made] == [None] * len(ANSWERS)
    assert all(one.value in LABELS and '"reason"' in (one.raw or "") for one in made)


def test_llama_cpp_and_the_model_in_this_process_give_like_scores(judged: Judged) -> None:
    """Two number formats of one model: their first tokens' chances differ by a few hundredths."""
    pytest.importorskip("xllamacpp", reason="pip install xllamacpp")
    served = judged(LLAMA + 'answer = "score"\n')
    local = 'engine = "hf"\nmodel = "embedded:smollm2-135m"\ndtype = "float32"\nanswer = "score"\n'
    here = judged(local, {"device": "cpu"})
    for one, other in zip(served, here, strict=True):
        assert one.failure is other.failure is None
        assert one.score is not None and other.score is not None
        assert one.score == pytest.approx(other.score, abs=0.05)
        assert one.meta["share"] == pytest.approx(other.meta["share"], abs=0.1)
        for verdict in (one, other):
            assert verdict.value == LABELS[(verdict.score or 0) > 0.5]


@pytest.mark.parametrize(
    ("answer", "says"),
    [("json", "seems to ignore response_format"), ("score", "returned no log-probabilities")],
)
def test_transformers_serve_ignores_both_and_is_found_out(
    judged: Judged, tmp_path: Path, answer: str, says: str
) -> None:
    for needed in ("fastapi", "uvicorn", "accelerate"):
        pytest.importorskip(needed, reason="pip install 'transformers[serving]'")
    model = build_tiny_model(tmp_path / "tiny")
    sampling = "sampling = { max_tokens = 8 }\n" if answer == "json" else ""
    with pytest.raises(BenchwarrantError, match=says):
        judged(
            f'engine = "served"\nmodel = "{model}"\ndtype = "float32"\nanswer = "{answer}"\n'
            f'options = {{ server = "transformers" }}\n{sampling}'
        )
