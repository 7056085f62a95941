"""What is missing is kept as numbers, and chats are written when they are looked at."""

from dataclasses import replace

import pytest

from inference.asking import Chats, Job, Missing
from inference.prompting import render
from samples.records import Item, Spec
from samples.study import ModelBlock

ITEMS = tuple(
    Item("sums", str(n), f"{n} + 1?", (str(n + 1),), "number", meta={"rationale": "Count."})
    for n in range(5)
)
BLOCK = ModelBlock(name="m", model="m")


def job(strategy: str, name: str = "m") -> Job:
    missing = Missing.of(ITEMS[:3], 2)
    spec = Spec("model", name, {"strategy": strategy})
    return Job(BLOCK, spec, strategy, "sums", ITEMS[:3], ITEMS[3:], missing, 6)


def test_all_draws_of_all_items_are_missing_at_first() -> None:
    missing = Missing.of(ITEMS[:2], 3)
    assert list(missing) == [(item, draw) for draw in range(3) for item in ITEMS[:2]]
    assert (len(missing), missing[-1], missing[3]) == (6, (ITEMS[1], 2), (ITEMS[1], 1))
    assert list(missing[1:3]) == [(ITEMS[1], 0), (ITEMS[0], 1)]
    assert missing.of_draw(1) == [*ITEMS[:2]]
    assert missing.of_draw(3) == []


def test_what_is_there_is_not_asked_again() -> None:
    have = [(ITEMS[0].id, 0), (ITEMS[1].id, 2), (ITEMS[4].id, 0), (ITEMS[0].id, 7)]
    missing = Missing.of(ITEMS[:2], 3, iter(have))  # other items and further draws are no matter
    assert list(missing) == [(ITEMS[1], 0), (ITEMS[0], 1), (ITEMS[1], 1), (ITEMS[0], 2)]
    assert [missing.of_draw(draw) for draw in range(3)] == [[ITEMS[1]], [*ITEMS[:2]], [ITEMS[0]]]
    assert not Missing.of(ITEMS, 1, [(item.id, 0) for item in ITEMS])
    assert not Missing.of((), 3)


def test_a_hundred_thousand_take_less_than_a_megabyte() -> None:
    missing = Missing.of(ITEMS, 20_000)
    assert len(missing) == 100_000
    assert missing.numbers.itemsize * len(missing.numbers) < 1_000_000


def test_chats_are_what_the_strategy_makes_of_each_item() -> None:
    few, cot = job("few-shot-cot"), job("cot", "n")
    asked = [(few, ITEMS[0]), (cot, ITEMS[1]), (few, ITEMS[2])]
    chats = Chats(asked)
    wanted = [render(item, j.strategy, j.exemplars) for j, item in asked]
    assert list(chats) == wanted and len(chats) == 3
    assert chats[-1] == wanted[-1] and list(chats[1:]) == wanted[1:]
    with pytest.raises(IndexError):
        chats[3]


def test_the_worked_examples_are_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chats = Chats([(job("few-shot"), item) for item in ITEMS[:3]])
    assert chats[0][0] is chats[2][0] and len(chats[0]) == 5

    def again(*_: object) -> None:
        raise AssertionError("written again")

    monkeypatch.setattr("inference.asking.examples", again)
    assert chats[1][:4] == chats[0][:4]


def test_no_chat_is_written_before_it_is_looked_at() -> None:
    unwritable = replace(ITEMS[0], answer_type="number", choices=(), task="sums", question=None)
    chats = Chats([(job("direct"), ITEMS[0]), (job("direct"), unwritable)])
    assert len(chats) == 2 and chats[0]
