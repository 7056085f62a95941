"""What was not looked at, and why, in as few lines as there are reasons."""

from dataclasses import replace

import numpy as np
from small_road import audit_of

from judges.tables import Audit
from judges.traits import ALIKE, KIN, NO_TEXTS, Trait, Traits
from judges.unchecked import IMPORTED, ONCE, SAME, unlooked, unrepeated
from samples.records import Spec

PLAIN = audit_of("1100", {"a": "1100", "b": "1000"}, model="xxyy")


def looked_at(**kin: str) -> Audit:
    none = np.full(4, -1)
    slices = {
        "family": Trait(("f", "g"), np.array([0, 0, 1, 1])),  # as the models
        "size": Trait(("1B", "2B"), np.array([0, 1, -1, -1])),
        "strategy": Trait((), none, "the responses name none"),
        "language": Trait((), none, NO_TEXTS),
        "degenerate answers": Trait((), none, NO_TEXTS),
        "truncation": Trait(("complete",), np.zeros(4, dtype=int), ALIKE),
        "answer type": Trait(("text",), np.zeros(4, dtype=int), ALIKE),
    }
    own = {name: Trait(KIN, none, "" if name in kin else "none") for name in PLAIN.judges}
    return replace(PLAIN, traits=Traits(slices, np.full(4, np.nan), own))


def test_reasons_are_told_once() -> None:
    found = {one["check"]: one["why"] for one in unlooked(looked_at(), {"a": "r", "b": "r"})}
    assert found == {
        "bias by family": SAME,
        "bias by size, in part": "of 2 answers it is not known",
        "bias by strategy": "the responses name none",
        "bias by language and degenerate answers": NO_TEXTS,
        "bias by truncation (complete) and answer type (text)": ALIKE,
        "self- and family preference": "no judge is a graded model, nor of a family with one",
        "length of the answer": "r",
    }


def test_judges_are_named_where_it_is_not_all_of_them() -> None:
    found = [one["check"] for one in unlooked(looked_at(a=""), {"a": "", "b": "too short"})]
    assert found[-2:] == ["self- and family preference of b", "length of the answer, b"]


def test_a_decision_looks_at_none_of_this() -> None:
    assert unlooked(PLAIN, {"a": NO_TEXTS}) == []


def test_who_was_asked_once_may_flip_unseen() -> None:
    bodies = {"a": {"kind": "llm"}, "b": {"kind": "llm", "repeats": 3}}
    for kinds, expected in (
        (bodies, [("run-to-run flips, a", ONCE)]),
        ({"a": {"kind": "imported"}, "b": {"kind": "imported"}}, [("run-to-run flips", IMPORTED)]),
        ({"a": {"kind": "auto"}, "b": {"kind": "constant"}}, []),
    ):
        runs = {
            name: replace(run, spec=Spec("judge", name, kinds[name]))
            for name, run in PLAIN.judges.items()
        }
        found = unrepeated(replace(PLAIN, judges=runs))
        assert [(one["check"], one["why"]) for one in found] == expected
