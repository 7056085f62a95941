"""Several verdicts of one judge on one case become one."""

import pytest
from pytest import approx

from inference.engine import Completion
from inference.replay import ReplayEngine
from judges.llm import CHUNK, LlmJudge
from judges.repeats import merged
from samples.records import Case, Item, Response, Rubric, Spec, Verdict

RUBRIC = Rubric("final-answer", "Is it correct?", ("incorrect", "correct"))
ITEM = Item("t", "k", "What is 2 + 3?", ("5",), "number")
SAYS = {"y": ("correct", None), "n": ("incorrect", None), "-": (None, "unparsable")}
SAYS |= {"c": (None, "truncated")}


def single(letter: str, **more) -> Verdict:
    value, failure = SAYS[letter]
    return Verdict("r", "b", "j", "s", value, failure, raw=f"raw {letter}", reason="read", **more)


@pytest.mark.parametrize(
    ("said", "value", "failure", "raw"),
    [
        ("yyn", "correct", None, "raw y"),
        ("nyn", "incorrect", None, "raw n"),
        ("-yy", "correct", None, "raw y"),
        ("c-y", "correct", None, "raw y"),  # one has a value
        ("yn", None, "ambiguous", "raw y"),
        ("yn-", None, "ambiguous", "raw y"),
        ("c--", None, "truncated", "raw c"),
    ],
)
def test_the_majority_binds_and_a_tie_is_a_failure(said, value, failure, raw) -> None:
    made = merged([single(letter) for letter in said])
    assert (made.value, made.failure, made.raw) == (value, failure, raw)
    assert [one["raw"] for one in made.meta["repeats"]] == [f"raw {letter}" for letter in said]
    assert [one.get("value") for one in made.meta["repeats"]] == [
        SAYS[letter][0] for letter in said
    ]
    assert made.attempt == 0


def test_what_they_took_is_added_up() -> None:
    counted = {"prompt_tokens": 80, "completion_tokens": 3, "seconds": 0.25}
    made = merged([single("y", score=1.0, **counted), single("n", score=0.0, **counted)])
    assert (made.prompt_tokens, made.completion_tokens, made.seconds) == (160, 6, 0.5)
    assert made.score == approx(0.5)
    assert made.reason == "correct 1 of 2 times, incorrect 1 of 2 times"
    partly = merged([single("y", **counted), single("y")])
    assert (partly.prompt_tokens, partly.seconds, partly.score) == (None, None, None)


def test_one_verdict_stays_as_it_is() -> None:
    assert merged([one := single("y")]) is one
    assert one.meta == {}


def test_an_llm_judge_asks_again_with_the_next_seed_and_gives_one_verdict() -> None:
    seeds: list[int] = []

    def answer(chat, sampling):
        seeds.append(sampling.seed)
        said = "incorrect" if sampling.seed == 8 else "correct"
        return Completion(0, f"Verdict: {said}", "stop", None, 50, 4, 0.1)

    body = {"kind": "llm", "prompt": "$response", "engine": {"engine": "replay", "model": "m"}}
    body |= {"repeats": 3, "sampling": {"seed": 7, "temperature": 0.7}}
    cases = [
        Case(ITEM, Response(ITEM.id, "m", "b2:s", "cot", n, "5"), RUBRIC) for n in range(CHUNK)
    ]
    unanswered = Case(ITEM, Response(ITEM.id, "m", "b2:s", "cot", 999, None, "too_long"), RUBRIC)
    judge = LlmJudge(Spec("judge", "j", body), {}, ReplayEngine.from_function(answer))
    made = list(judge.judge([*cases, unanswered]))
    assert len(made) == CHUNK + 1
    assert len(seeds) == 3 * CHUNK
    assert set(seeds) == {7, 8, 9}
    assert seeds.index(8) == CHUNK // 3  # a third of the cases at a time
    by_response = {verdict.response: verdict for verdict in made}
    assert by_response.keys() == {case.response.id for case in [*cases, unanswered]}
    first = by_response[cases[0].response.id]
    assert (first.value, first.completion_tokens) == ("correct", 12)
    assert [one["value"] for one in first.meta["repeats"]] == ["correct", "incorrect", "correct"]
    without = by_response[unanswered.response.id]
    assert (without.failure, without.meta) == ("too_long", {})
