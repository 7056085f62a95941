"""What there is to settle, and that nobody's name stands beside it."""

from annotator.disputes import disputes
from samples.oversight import Said


def said(response: str, **values: str | None) -> list[Said]:
    return [
        Said(response, "q", name, "labelled" if value else "unjudgeable", value, False, "")
        for name, value in values.items()
    ]


def test_only_where_people_differ_or_one_cannot_judge() -> None:
    labels = [
        *said("r1", ann="yes", ben="yes"),
        *said("r2", ann="yes", ben="no"),
        *said("r3", ann=None),
        *said("r4", ann="no", ben=None),
    ]
    found = disputes(labels, {"r4": "no", "r1": "no"}, 7)
    assert [(one.response, one.ruling) for one in found] == [
        ("r2", None),
        ("r3", None),
        ("r4", "no"),
    ]
    assert disputes([], {}, 7) == []


def test_letters_say_nothing_about_who() -> None:
    """Over many cases each person has each letter about as often: 3 σ of a fair coin of 400."""
    labels = [x for n in range(400) for x in said(f"r{n}", ann="yes", ben="no")]
    found = disputes(labels, {}, 7)
    first = sum(one.letter("ann") == "A" for one in found)
    assert abs(first - 200) < 30
    assert {one.letter("ann") for one in found} == {"A", "B"}
    assert all({letter for letter, _ in one.said} == {"A", "B"} for one in found)
    assert found == disputes(labels, {}, 7)  # a reload changes no letter
    assert found[0].letter("zoe") == "another person"
