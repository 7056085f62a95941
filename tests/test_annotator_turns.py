"""Which case a person sees next."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.turns import (
    APART,
    STRETCH,
    Desk,
    Progress,
    Queue,
    Sight,
    person_order,
)
from samples.annotation import AnnotationBlock
from samples.blind import CASE, CONTROL, REPEAT, Assignment, Others, Own
from samples.records import Rubric

RUBRIC = Rubric("final-answer", "Right?", ("incorrect", "correct"))
Rows = list[tuple[str, str, int]]


def event(response: str, status: str = "labelled", purpose: str = CASE) -> Own:
    return Own(purpose, response, status, f"event {response}")


def queue(
    cases: Rows,
    own: list[Own] | None = None,
    counts: dict[str, int] | None = None,
    *,
    held: dict[str, int] | None = None,
    annotator: str = "ann",
    seed: int = 7,
    in_order: bool = False,
) -> Queue:
    """Cases of one stratum; ``counts`` and ``held`` are how many others have or hold each."""
    names = {*(counts or {}), *(held or {})}
    others = {r: Others((counts or {}).get(r, 0), 0, (held or {}).get(r, 0)) for r in names}
    desk = Desk(annotator, "set", RUBRIC, seed, in_order)
    return Queue(desk, tuple(Assignment(*case, 1) for case in cases), others, own or [])


# Each line: (response, question, raters wanted), the own events, how many people have labelled
# what, and the responses that may come next; in these the order at random does not matter.
NEXT = {
    "nothing is assigned": ([], [], {}, set()),
    "an open case": ([("a1", "a", 1)], [], {}, {"a1"}),
    "labelled by as many as wanted": ([("a1", "a", 1)], [], {"a1": 1}, set()),
    "one of two raters is there": ([("a1", "a", 2)], [], {"a1": 1}, {"a1"}),
    "my own label is not asked for twice": ([("a1", "a", 2)], [event("a1")], {"a1": 1}, set()),
    "another question after a": (
        [("a1", "a", 1), ("a2", "a", 1), ("b1", "b", 1)],
        [event("a1")],
        {"a1": 1},
        {"b1"},
    ),
    "the same question where it is the only one": (
        [("a1", "a", 1), ("a2", "a", 1)],
        [event("a1")],
        {"a1": 1},
        {"a2"},
    ),
    # a2, a3, a4 and b1 are left: only a, b, a … keeps most of the answers to a apart
    "the question with more than half goes first": (
        [("a1", "a", 1), ("a2", "a", 1), ("a3", "a", 1), ("b1", "b", 1)],
        [],
        {},
        {"a1", "a2", "a3"},
    ),
    "skipped cases wait for the others": (
        [("a1", "a", 1), ("b1", "b", 1), ("c1", "c", 1)],
        [event("a1", "skipped"), event("b1")],
        {"b1": 1},
        {"c1"},
    ),
    "skipped cases come back": ([("a1", "a", 1)], [event("a1", "skipped")], {}, {"a1"}),
    "the longest skipped comes back first": (
        [("a1", "a", 1), ("b1", "b", 1), ("c1", "c", 1)],
        [event("b1", "skipped"), event("a1", "skipped"), event("c1")],
        {"c1": 1},
        {"b1"},
    ),
    "a skipped case that others have labelled is done": (
        [("a1", "a", 1)],
        [event("a1", "skipped")],
        {"a1": 1},
        set(),
    ),
    "a skipped case rather than the same question again": (
        [("a1", "a", 1), ("a2", "a", 1), ("b1", "b", 1)],
        [event("b1", "skipped"), event("a1")],
        {"a1": 1},
        {"b1"},
    ),
    "a case taken back is shown at once": (
        [("a1", "a", 1), ("b1", "b", 1)],
        [event("a1", "retracted")],
        {},
        {"a1"},
    ),
    "a case taken back is shown even if it has enough raters": (
        [("a1", "a", 1), ("b1", "b", 1)],
        [event("a1", "retracted")],
        {"a1": 1},
        {"a1"},
    ),
}


@pytest.mark.parametrize("name", NEXT)
def test_the_next_case(name: str) -> None:
    assignments, own, counts, expected = NEXT[name]
    sight = queue(assignments, own, counts).next()
    assert (sight.response in expected) if expected else sight is None


def test_progress_counts_what_is_left_for_this_person() -> None:
    assignments = [(response, response, 1) for response in "abcdef"]
    own = [event("a"), event("b", "skipped"), event("c", "skipped"), event("d", "retracted")]
    seen = queue(assignments, own, {"a": 1, "c": 1, "d": 1, "e": 1}).progress()
    # a is done; c and e went to others; b (skipped), d (taken back, so on show) and f are left
    assert seen == Progress(done=1, skipped=1, left=3)


def test_where_labelling_may_stop_early_all_go_along_the_audit_sets_order() -> None:
    cases = [(f"r{n}", f"q{n}", 1) for n in range(3 * STRETCH)]
    orders = [queue(cases, annotator=name, in_order=True).fresh for name in ("ann", "ben")]
    for order in orders:
        for start in range(0, len(cases), STRETCH):
            stretch = {response for response, *_ in cases[start : start + STRETCH]}
            assert set(order[start : start + STRETCH]) == stretch
    assert orders[0] != orders[1]  # or both would label the same case at the same time


def test_the_order_is_each_persons_own_and_survives_a_reload() -> None:
    assignments = [(f"r{n}", f"q{n}", 1) for n in range(30)]

    def order(annotator: str, seed: int, given: list[tuple[str, str, int]]) -> list[str]:
        return queue(given, annotator=annotator, seed=seed).fresh

    ann = order("ann", 7, assignments)
    assert ann == order("ann", 7, list(reversed(assignments)))
    assert sorted(ann) == sorted(response for response, _, _ in assignments)
    assert (
        len({tuple(o) for o in (ann, order("bob", 7, assignments), order("ann", 8, assignments))})
        == 3
    )


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 999))
def test_answers_to_one_question_are_kept_apart_as_far_as_can_be(
    sizes: list[int], seed: int
) -> None:
    assignments = [(f"{q}.{a}", str(q), 1) for q, size in enumerate(sizes) for a in range(size)]
    items = {response: item for response, item, _ in assignments}
    own: list[Own] = []
    while sight := queue(assignments, own, seed=seed).next():
        own.append(event(sight.response))
    asked = [items[label.response] for label in own]
    assert len(asked) == len(assignments)
    # The m answers to the commonest question leave m − 1 gaps for the n − m others.
    together = max(0, max(sizes) - 1 - (len(asked) - max(sizes)))
    assert sum(a == b for a, b in itertools.pairwise(asked)) == together


def test_nobody_gets_what_is_on_somebody_elses_screen() -> None:
    cases = [("a1", "a", 1), ("b1", "b", 2), ("c1", "c", 1)]
    seen = queue(cases, held={"a1": 1, "b1": 1})
    assert set(seen.fresh) == {"b1", "c1"}
    assert set(queue(cases, counts={"b1": 1}, held={"b1": 1}).fresh) == {"a1", "c1"}


def test_what_is_kept_for_a_person_comes_first_even_after_a_reload() -> None:
    cases = [(f"r{n}", f"q{n}", 1) for n in range(9)]
    seen = queue(cases)
    late = seen.fresh[-1]
    assert replace(seen, held=[late]).next() == Sight(late)
    # what they have on their table is not given out to them twice
    assert replace(seen, held=[late]).next([Sight(late)]) == Sight(seen.fresh[0])


def test_a_case_that_two_people_cannot_judge_goes_to_nobody_else() -> None:
    cases = [("a1", "a", 1), ("b1", "b", 1)]
    doubt = {"a1": Others(0, 1), "b1": Others(0, 2)}
    assert replace(queue(cases), others=doubt).fresh == ["a1"]


def test_every_stratum_is_done_in_step() -> None:
    """Whoever stops early has labelled the same share of each stratum, give or take a case."""
    sizes = {1: 10, 2: 20, 3: 70}
    cases = tuple(
        Assignment(f"{stratum}.{n}", f"{stratum}.{n}", 1, stratum)
        for stratum, size in sizes.items()
        for n in range(size)
    )
    order = person_order(cases, "ann", 7, False)
    for done in range(1, 101):
        share = Counter(int(response[0]) for response in order[:done])
        assert all(abs(share[s] - done * size / 100) < 2 for s, size in sizes.items())


def checked(answers: int, repeats: float, controls: float) -> list[Sight]:
    """The sights of a person who answers so many cases one after another."""
    cases = tuple(Assignment(f"r{n}", f"q{n}", 1, 1) for n in range(300))
    block = AnnotationBlock(repeats=repeats, controls=controls)
    known = [f"control {n}" for n in range(40)]
    desk = Desk("ann", "set", RUBRIC, 7, annotation=block)
    own: list[Own] = []
    sights: list[Sight] = []
    for _ in range(answers):
        sight = Queue(desk, cases, own=own, controls=known).next()
        assert sight is not None
        sights.append(sight)
        own.append(event(sight.response, purpose=sight.purpose))
    return sights


def test_repetitions_and_controls_come_at_their_share_once_each_and_not_too_soon() -> None:
    sights = checked(300, repeats=0.1, controls=0.05)
    purposes = Counter(sight.purpose for sight in sights)
    assert 18 <= purposes[REPEAT] <= 42  # 30 wished for; 3 standard errors are 16
    assert 5 <= purposes[CONTROL] <= 27
    places: dict[str, int] = {}
    for place, sight in enumerate(sights):
        if sight.purpose == CASE:
            assert sight.response not in places
            places[sight.response] = place
        elif sight.purpose == REPEAT:
            assert place - places[sight.response] >= APART
    again = [sight.response for sight in sights if sight.purpose != CASE]
    assert len(again) == len(set(again))


def test_without_a_share_nothing_is_mixed_in() -> None:
    assert {sight.purpose for sight in checked(100, repeats=0.0, controls=0.0)} == {CASE}
