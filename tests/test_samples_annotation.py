"""What the [annotation] block takes, and the keys that come out."""

import pytest

from samples.annotation import ACTIONS, AnnotationBlock

TWO = ("incorrect", "correct")


def test_the_usual_keys() -> None:
    block = AnnotationBlock()
    block.check(TWO)
    assert block.label_keys(TWO) == {"incorrect": "1", "correct": "2"}
    assert block.action_keys() == ACTIONS
    assert len(set(block.all_keys([str(n) for n in range(9)]).values())) == 9 + len(ACTIONS)


def test_keys_of_ones_own() -> None:
    block = AnnotationBlock(keys={"correct": "y", "undo": "z"})
    block.check(TWO)
    assert block.label_keys(TWO) == {"incorrect": "1", "correct": "y"}
    assert block.action_keys()["undo"] == "z"


def test_steps_have_digits_and_then_the_letters_that_are_free() -> None:
    block = AnnotationBlock(steps=True)
    block.check(TWO)
    assert block.label_keys(TWO) == {"correct": "0"}
    keys = block.step_keys(TWO, 30)
    assert keys[:9] == list("123456789")
    named = [key for key in keys if key]
    assert len(named) == len(set(named)) >= 20
    assert not set(named) & {"c", "r", *block.all_keys(TWO).values()}
    assert keys[-1] == ""


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"keys": {"correct": "u"}}, "'correct' and 'undo' both have the key 'u'"),
        ({"keys": {"correct": "1"}}, "'incorrect' and 'correct' both have the key '1'"),
        ({"keys": {"skip": "2"}}, "'correct' and 'skip' both have the key '2'"),
        ({"keys": {"corect": "y"}}, "did you mean 'correct'"),
        ({"keys": {"skip": "5"}, "steps": True}, "'skip' needs a letter"),
        ({"reasons": {"wrong": ["a"]}}, "reasons: no label 'wrong'"),
    ],
)
def test_what_clashes_is_refused(block: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=message):
        AnnotationBlock(**block).check(TWO)


def test_steps_want_two_labels() -> None:
    with pytest.raises(ValueError, match="two labels"):
        AnnotationBlock(steps=True).check(("bad", "so-so", "good"))


@pytest.mark.parametrize("key", ["", "ab", "A", "c", "r", "é", "+", " "])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        AnnotationBlock(keys={"skip": key})


@pytest.mark.parametrize("reasons", [[], ["a", "a"], [str(n) for n in range(10)]])
def test_reasons_are_few_and_different(reasons: list[str]) -> None:
    with pytest.raises(ValueError, match="1 to 9 different reasons"):
        AnnotationBlock(reasons={"cannot judge": reasons})
