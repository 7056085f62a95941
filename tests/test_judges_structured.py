"""A reply in JSON is read strictly, and a server that ignores the schema is noticed."""

import json

import pytest

from judges.structured import PROSE, Listener, read_json, verdict_schema
from samples.errors import BenchwarrantError
from samples.records import Verdict

LABELS = ("incorrect", "correct")
GOOD = '{"reason": "Both say 5.", "verdict": "correct"}'


def test_the_schema_asks_for_all_and_nothing_else():
    schema = verdict_schema(LABELS)
    assert schema["properties"]["verdict"] == {"type": "string", "enum": ["incorrect", "correct"]}
    assert list(schema["properties"]) == schema["required"] == ["reason", "verdict"]
    assert schema["additionalProperties"] is False and "default" not in json.dumps(schema)


@pytest.mark.parametrize("text", [GOOD, f"\n {GOOD}\n", '{"verdict":"correct","reason":""}'])
def test_what_is_the_object_asked_for(text):
    assert read_json(text, LABELS) == ("correct", "the verdict of the JSON asked for")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not the JSON"),
        ("correct", "not the JSON"),
        (f"Here it is: {GOOD}", "not the JSON"),
        (f"```json\n{GOOD}\n```", "not the JSON"),
        (GOOD + GOOD, "not the JSON"),
        (GOOD[:-1], "not the JSON"),
        ("[" * 100_000, "not the JSON"),
        ('{"reason": "", "verdict": "incorrect", "verdict": "correct"}', "not the JSON"),
        ('"correct"', "not an object"),
        (f"[{GOOD}]", "not an object"),
        ('{"verdict": "correct"}', "not an object with reason and verdict alone"),
        ('{"reason": "", "verdict": "correct", "score": 1}', "not an object"),
        ('{"reason": 1, "verdict": "correct"}', "the reason is no text"),
        ('{"reason": "", "verdict": "Correct"}', "'Correct' was not offered"),
        ('{"reason": "", "verdict": "partly correct"}', "'partly correct' was not offered"),
        ('{"reason": "", "verdict": true}', "'True' was not offered"),
        ('{"reason": "", "verdict": ["correct"]}', "was not offered"),
    ],
)
def test_anything_else_is_no_verdict(text, says):
    value, reason = read_json(text, LABELS)
    assert value is None and says in reason


def verdict(raw, failure=None, n=0):
    value = None if failure else "correct"
    return Verdict(f"r{n}", "rubric", "j", "spec", value, failure, raw=raw)


def prose(count):
    return [verdict("The answer is correct.", "unparsable", n) for n in range(count)]


def test_first_replies_in_running_text_stop_the_judge_and_are_no_verdicts():
    refused = verdict("refused: no", "refused")
    came = []
    with pytest.raises(BenchwarrantError, match=r"seems to ignore response_format; .*\"text\""):
        for one in Listener("j").heard([refused, *prose(PROSE - 1), refused, *prose(1), refused]):
            came.append(one)
    assert came == [refused, refused]


def test_cut_running_text_is_running_text_and_cut_json_is_json():
    cut = [verdict("The answer is", "truncated", n) for n in range(PROSE)]
    with pytest.raises(BenchwarrantError):
        list(Listener("j").heard(cut))
    cut_json = [verdict(' {"reason": "so', "truncated"), *prose(9)]
    assert list(Listener("j").heard(cut_json)) == cut_json


def test_a_json_reply_lets_the_others_through_in_every_later_call():
    listener = Listener("j")
    first = [*prose(PROSE - 1), verdict(GOOD), *prose(9)]
    assert list(listener.heard(first)) == first
    assert list(listener.heard(prose(9))) == prose(9)


def test_a_few_cases_are_too_few_to_tell():
    few = [*prose(PROSE - 1), verdict("", "unparsable"), verdict(None, "too_long")]
    assert sorted(map(repr, Listener("j").heard(few))) == sorted(map(repr, few))
