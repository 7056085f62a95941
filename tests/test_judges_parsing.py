"""A judge's reply to one of the offered labels; what isn't a verdict is none."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.parsing import read_verdict

LINES = (Path(__file__).parent / "misread_verdicts.jsonl").read_text("utf-8").splitlines()
ROWS = [json.loads(line) for line in LINES]


@pytest.mark.parametrize("row", ROWS, ids=[row["reply"][:50] for row in ROWS])
def test_replies_that_parsers_misread(row):
    reading = read_verdict(row["reply"], row["labels"])
    assert reading.value == row["verdict"], reading
    assert reading.reason


@given(st.text(), st.lists(st.text(min_size=1), max_size=3))
def test_only_an_offered_label_is_ever_read(text, labels):
    reading = read_verdict(text, labels)
    assert reading.value is None or reading.value in labels
    assert reading.reason


PIECES = [
    "Verdict: ",
    "correct",
    "not ",
    "incorrect",
    "\n",
    " ",
    "\\boxed{",
    "}",
    "[[",
    '{"verdict": "',
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_a_negated_label_is_never_the_verdict(text):
    reading = read_verdict(f"{text}\nVerdict: not correct", ["incorrect", "correct"])
    assert reading.value is None


@pytest.mark.parametrize("piece", [*PIECES, "Verdict: {", "<verdict>", "a ", "(", "<think>"])
def test_a_long_monotonous_reply_takes_no_second(piece):
    start = time.perf_counter()
    read_verdict(piece * (100_000 // len(piece)), ["incorrect", "correct"])
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("judge", "read", "agree"),
    [
        # Not read: 10 replies without yes or no, and 2 "No, the candidate is correct". Of those
        # read, one is "No, the candidate is not entirely correct", which the file has as "Yes".
        ("gpt-4", 1478, 1477),
        ("text-davinci-003", 1490, 1490),
    ],
)
def test_free_text_replies_of_two_judges(shared_data, judge, read, agree):
    """1,490 replies each; one file has rows with a field fewer than its header."""
    path = shared_data("human_openqa_nq301") / f"NQ301_{judge}.tsv"
    rows = [line.split("\t") for line in path.read_text("utf-8").split("\n")[1:] if line]
    readings = [(read_verdict(row[-1], ["no", "yes"]).value, row[-2].lower()) for row in rows]
    assert len(rows) == 1490
    assert sum(value is not None for value, _ in readings) == read
    assert sum(value == parsed for value, parsed in readings) == agree
