"""Rows by name, in parts, and as far as dollars go."""

import pytest

from inference.batch_calls import OTHERS, Call, fits, named, parted
from inference.batch_services import Batch, Row
from inference.endpoint import Lost
from inference.ledger import Ledger, Purse
from inference.prices import Price, Tokens

PRICE = Price(1e6, 1e6, 1e6, 1e6, 1e6, 1.0, "the study file")  # a dollar a token
ROWS = {"r0": 0, "r1": 1, "r2": 2}


def call(purse: Purse) -> Call:
    """Requests of 4 bytes, answered in 6 tokens at most: 10 dollars each, at the dearest."""
    ledger = Ledger("b2:judge", "verdict", PRICE, purse, lambda: "")
    return Call(dict(ROWS), lambda index: {}, lambda row: Lost(""), 8, ledger)


def test_rows_are_affordable_as_long_as_dollars_last() -> None:
    purse, lost = Purse(25.0), list[Lost]()
    asked = call(purse)
    assert [row for row, _ in asked.affordable(frozenset(), lost)] == ["r0", "r1"]
    assert lost == [OTHERS]  # what is set aside may come back
    asked.let_go(["r0", "r1", "r2"])
    assert purse.take(25.0)


def test_without_enough_for_one_it_is_the_ceiling() -> None:
    lost: list[Lost] = []
    assert list(call(Purse(9.0)).affordable(frozenset(), lost)) == []
    assert lost[0].ceiling and "a higher --max-usd" in lost[0].reason


def test_what_is_taken_is_not_asked_and_a_call_without_ledger_holds_nothing() -> None:
    asked = Call(dict(ROWS), lambda index: {"n": index}, lambda row: Lost(""), 8, None)
    assert list(asked.affordable(frozenset({"r1"}), [])) == [("r0", {"n": 0}), ("r2", {"n": 2})]
    asked.book(Row("k-r0", 200), Batch("k", "h", ("r0",)), Tokens())
    assert asked.held == {}


def test_an_answer_settles_what_was_set_aside_for_it() -> None:
    purse = Purse(30.0)
    asked = call(purse)
    list(asked.affordable(frozenset(), []))
    asked.book(Row("k-r0", 200), Batch("k", "h", ("r0",), id="b"), lambda body: Tokens(input=3))
    assert (purse.spent, purse.take(7.0)) == (3.0, True)
    asked.let_go(["r1"], spent=True)
    assert purse.spent == 13.0


def test_names_follow_from_what_is_asked() -> None:
    one, two = named([["a"], ["b"], ["a"]]), named([["a"], ["a"], ["b"]])
    assert one.keys() == two.keys()
    assert list(one.values()) == [0, 1, 2]
    assert named([["c"]]).keys().isdisjoint(one)


def test_parts_are_small_enough_and_nothing_is_lost() -> None:
    rows = [(str(n), {"text": "x" * n}) for n in range(40)]
    parts = list(parted(iter(rows), 7, 200))
    assert [pair for part in parts for pair in part.items()] == rows
    assert max(map(len, parts)) == 7
    assert all(len(part) == 1 or sum(len(b["text"]) for b in part.values()) < 200 for part in parts)
    assert [list(part) for part in parted([("big", {"text": "x" * 999})], 7, 200)] == [["big"]]


@pytest.mark.parametrize(
    ("body", "fine"), [({"a": [1]}, True), ({"a": []}, False), ({}, False), ({"a": 1}, False)]
)
def test_a_page_of_something_else_does_not_fit(body: dict[str, object], fine: bool) -> None:
    assert fits(lambda body: bool(body["a"][0]), body) is fine
