"""The audit set: a random sample, and the stated chance of every case is the one it had."""

import math
import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from samples.audit import (
    Frame,
    Overlap,
    all_labelled,
    allocate,
    draw,
    draw_audit,
    drawable,
    freeze,
    named,
    stratum_weights,
)
from samples.errors import BenchwarrantError
from samples.records import Item, Response, Spec
from samples.store import cases_hash
from samples.study import AuditBlock

NOW = "2026-01-31T09:30:00.000000+00:00"
ONE_RATER = Overlap(0.0, 1)


def equal(sizes):
    return dict.fromkeys(sizes, 1.0)


def frame_of(sizes):
    strata = [h for h, size in sizes.items() for _ in range(size)]
    return Frame(tuple(f"r{n}" for n in range(len(strata))), tuple(strata))


def per_stratum(drawn):
    return dict(Counter(case.stratum for case in drawn))


# --- how many from each stratum ------------------------------------------------------------------

sizes_of_strata = st.lists(st.integers(1, 60), min_size=1, max_size=9).map(
    lambda sizes: {f"h{n}": size for n, size in enumerate(sizes)}
)


@st.composite
def wishes(draw_):
    sizes = draw_(sizes_of_strata)
    weights = {h: draw_(st.floats(0.01, 100)) for h in sizes}
    return sizes, draw_(st.integers(1, sum(sizes.values()))), weights


@given(wishes())
def test_an_allocation_adds_up_and_never_asks_for_more_than_there_is(wish):
    sizes, n, weights = wish
    got = allocate(sizes, n, weights)
    assert list(got) == list(sizes)
    assert sum(got.values()) == n
    assert all(0 <= got[h] <= sizes[h] for h in sizes)
    if n >= len(sizes):
        assert min(got.values()) >= 1


@given(sizes_of_strata, st.data())
def test_equal_shares_differ_by_one_at_most_but_for_used_up_strata(sizes, data):
    n = data.draw(st.integers(1, sum(sizes.values())))
    got = allocate(sizes, n, equal(sizes))
    assert all(got[h] == sizes[h] or got[h] >= max(got.values()) - 1 for h in sizes)


@given(sizes_of_strata, st.data())
def test_proportional_shares_are_those_of_the_largest_remainders(sizes, data):
    total = sum(sizes.values())
    n = data.draw(st.integers(1, total))
    quota = {h: Fraction(n * size, total) for h, size in sizes.items()}
    rest = {h: share - math.floor(share) for h, share in quota.items()}
    got = allocate(sizes, n, stratum_weights(sizes, "proportional", {}))
    up = {h for h in sizes if got[h] == math.floor(quota[h]) + 1}
    even = {h for h in sizes if got[h] == math.floor(quota[h])}
    assume(min(got.values()) >= 1 and all(quota[h] >= 1 for h in sizes))  # else one is given to all
    assert up | even == set(sizes)
    assert min((rest[h] for h in up), default=1) >= max((rest[h] for h in even - up), default=0)


@pytest.mark.parametrize(
    ("sizes", "n", "weights", "expected"),
    [
        # quotas 10 · 60, 25, 15 / 100 = 6, 2.5, 1.5: one left, a tie of remainders: by name
        ({"a": 60, "b": 25, "c": 15}, 10, {"a": 60, "b": 25, "c": 15}, {"a": 6, "b": 3, "c": 1}),
        # quotas 7 · 53, 24, 23 / 100 = 3.71, 1.68, 1.61: the two left go to a and b
        ({"a": 53, "b": 24, "c": 23}, 7, {"a": 53, "b": 24, "c": 23}, {"a": 4, "b": 2, "c": 1}),
        # equal: a can give 2 of its 10, the other 28 are shared
        ({"a": 2, "b": 50, "c": 50}, 30, {"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 14, "c": 14}),
        # used up in turns: 12 each > 3; then 16.5 each > 15; the rest is c's
        ({"a": 3, "b": 15, "c": 50}, 36, {"a": 1, "b": 1, "c": 1}, {"a": 3, "b": 15, "c": 18}),
        # quotas 4.95, 0.05: a stratum without cases has no estimate, so it gets one of a's
        ({"a": 990, "b": 10}, 5, {"a": 990, "b": 10}, {"a": 4, "b": 1}),
        # everything
        ({"a": 3, "b": 4}, 7, {"a": 1, "b": 9}, {"a": 3, "b": 4}),
    ],
)
def test_allocations_by_hand(sizes, n, weights, expected):
    assert allocate(sizes, n, weights) == expected


def test_neyman_weights_are_size_times_standard_deviation():
    sizes, positive = {"a": 100, "b": 100, "c": 200, "d": 100}, {"a": 0.5, "b": 0.1, "c": 0.9}
    weights = stratum_weights(sizes, "neyman", positive | {"d": 1.0})
    # √(.5 · .5) = .5, √(.1 · .9) = .3; where all were positive a floor of .05
    assert weights == pytest.approx({"a": 50, "b": 30, "c": 60, "d": 5})
    # 29 · 50, 30, 60, 5 / 145 = 10, 6, 12, 1
    assert allocate(sizes, 29, weights) == {"a": 10, "b": 6, "c": 12, "d": 1}


def test_neyman_needs_verdicts_in_every_stratum():
    with pytest.raises(
        BenchwarrantError, match=r"'neyman' needs verdicts in every stratum.*'b' has none"
    ):
        stratum_weights({"a": 5, "b": 5}, "neyman", {"a": 0.5})


# --- the draw ------------------------------------------------------------------------------------


@given(
    sizes_of_strata,
    st.sampled_from(["equal", "proportional", "neyman"]),
    st.floats(0, 1),
    st.integers(0, 2**32),
    st.data(),
)
def test_what_is_drawn_stands_for_the_whole_pool(sizes, allocation, share, seed, data):
    n = data.draw(st.integers(len(sizes), sum(sizes.values())))
    weights = stratum_weights(sizes, allocation, dict.fromkeys(sizes, 0.3))
    frame = frame_of(sizes)
    drawn = draw(frame, n, weights, Overlap(share, 3), random.Random(seed))
    stratum_of = dict(zip(frame.responses, frame.strata, strict=True))
    assert len({case.response for case in drawn}) == len(drawn) == n
    assert all(stratum_of[case.response] == case.stratum for case in drawn)
    assert per_stratum(drawn) == allocate(dict(sorted(sizes.items())), n, weights)
    for stratum, size in sizes.items():
        cases = [case for case in drawn if case.stratum == stratum]
        assert {case.probability for case in cases} == {len(cases) / size}  # n_h / N_h
        assert sum(1 / case.probability for case in cases) == pytest.approx(size, rel=1e-12)
        several = sum(case.raters == 3 for case in cases)
        assert several in (math.floor(len(cases) * share), math.floor(len(cases) * share) + 1)
        assert {case.raters for case in cases} <= {1, 3}


def test_the_same_seed_draws_the_same_and_another_one_does_not():
    sizes = {"a": 30, "b": 20}

    def drawn(seed):
        return draw(frame_of(sizes), 12, equal(sizes), Overlap(0.3, 2), random.Random(seed))

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_every_case_is_drawn_as_often_as_its_probability_says():
    """2,000 draws; a share differs from its probability by less than 5 standard errors."""
    sizes, draws, overlap = {"a": 9, "b": 6, "c": 2}, 2000, Overlap(0.4, 2)
    expected = {"a": Fraction(4, 9), "b": Fraction(3, 6), "c": Fraction(1, 2)}
    chosen, twice, first, chance = Counter(), Counter(), Counter(), {}
    for seed in range(draws):
        drawn = draw(
            frame_of(sizes), 8, {"a": 4.0, "b": 3.0, "c": 1.0}, overlap, random.Random(seed)
        )
        chosen.update(case.response for case in drawn)
        twice.update(case.response for case in drawn if case.raters == 2)
        first[drawn[0].response] += 1
        chance |= {case.response: case.probability for case in drawn}

    def near(count, probability):
        error = math.sqrt(probability * (1 - probability) / draws)
        return abs(count / draws - probability) < 5 * error

    frame = frame_of(sizes)
    for response, stratum in zip(frame.responses, frame.strata, strict=True):
        assert chance[response] == pytest.approx(float(expected[stratum]))
        assert near(chosen[response], chance[response])
        assert near(twice[response], chance[response] * overlap.share)
        assert near(first[response], chance[response] / 8)  # the order is random, too


def test_a_draw_larger_than_the_pool_is_refused():
    sizes = {"a": 3, "b": 2}
    with pytest.raises(BenchwarrantError, match=r"6 cases but only 5 answers can be drawn; lower"):
        draw(frame_of(sizes), 6, equal(sizes), ONE_RATER, random.Random(0))
    assert len(draw(frame_of(sizes), 5, equal(sizes), ONE_RATER, random.Random(0))) == 5


def test_a_draw_that_leaves_strata_without_a_case_is_refused():
    """What is drawn would stand for some strata only, and nothing in its weights would say so."""
    sizes = {"a": 3, "b": 2, "c": 9}
    with pytest.raises(
        BenchwarrantError, match=r"2 cases but there are 3 strata.*raise audit\.size"
    ):
        draw(frame_of(sizes), 2, equal(sizes), ONE_RATER, random.Random(0))


# --- from the study to the frozen set ---------------------------------------------------------


@pytest.fixture
def collected(store, one_of_each):
    """Two models on three questions of two tasks; one answer has no text."""
    items = [Item(task, key, "?", ("1",)) for task, key in [("t", "1"), ("t", "2"), ("u", "1")]]
    specs = [Spec("model", name, {"strategy": "cot"}) for name in ("m", "n")]
    answers = [
        Response(item.id, spec.name, spec.id, "cot", 0, "text") for spec in specs for item in items
    ]
    answers[-1] = replace(answers[-1], text=None, finish="too_long")
    store.add([*items, *specs, *answers])
    return store, specs, answers


def test_what_can_be_drawn_is_what_can_be_shown(collected):
    store, specs, answers = collected
    everything = {spec.id for spec in specs}
    frame, textless = drawable(store, everything, ["task", "model"])
    assert named(store, frame).responses == tuple(answer.id for answer in answers[:-1])
    assert frame.strata == ("t · m", "t · m", "u · m", "t · n", "t · n")
    assert textless == 1
    assert drawable(store, {specs[0].id}, ["strategy"])[0].strata == ("cot",) * 3
    assert drawable(store, everything, [])[0].strata == ("all",) * 5


def test_the_studys_audit_block_is_what_is_drawn(collected):
    store, specs, _ = collected
    frame, _ = drawable(store, {spec.id for spec in specs}, ["model"])
    block = AuditBlock(size=4, strata=["model"], overlap=1.0, raters_per_case=3)
    drawn = draw_audit(frame, block, 7, {})
    assert per_stratum(drawn) == {"m": 2, "n": 2}
    assert {(case.stratum, case.probability, case.raters) for case in drawn} == {
        ("m", 2 / 3, 3),
        ("n", 1.0, 3),
    }
    assert drawn == draw_audit(frame, block, 7, {})
    assert len({tuple(draw_audit(frame, block, seed, {})) for seed in range(9)}) > 1


def test_an_empty_pool_says_where_answers_come_from():
    with pytest.raises(BenchwarrantError, match=r"no answer with text.*benchwarrant collect"):
        draw_audit(Frame((), ()), AuditBlock(), 0, {})


def test_a_frozen_set_is_the_sample_in_its_order(collected, one_of_each):
    store, specs, _ = collected
    frame, _ = drawable(store, {spec.id for spec in specs}, ["model"])
    drawn = draw_audit(named(store, frame), AuditBlock(size=4), 7, {})
    audit_set = freeze(store, one_of_each["rubrics"], drawn, {"size": 4}, NOW)
    cases = store.audit_cases(audit_set.id)
    assert store.audit_set() == audit_set
    assert [(c.response, c.stratum, c.probability, c.raters) for c in cases] == [
        (d.response, d.stratum, d.probability, d.raters) for d in drawn
    ]
    assert [case.position for case in cases] == [0, 1, 2, 3]
    assert audit_set.cases == cases_hash(cases)
    assert list(store.faults()) == []
    freeze(store, one_of_each["rubrics"], drawn, {"size": 4}, NOW)
    assert store.counts()["audit_cases"] == 4


def test_all_labelled_cases_are_an_audit_set_that_nobody_drew(store, one_of_each):
    rubric = one_of_each["rubrics"]
    with pytest.raises(BenchwarrantError, match="nothing is labelled under this rubric yet"):
        all_labelled(store, rubric)
    store.add(one_of_each.values())
    (case,) = all_labelled(store, rubric)
    assert (case.response, case.probability) == (one_of_each["responses"].id, 1.0)
    with pytest.raises(BenchwarrantError, match="nothing is labelled"):
        all_labelled(store, replace(rubric, question="Another one?"))
