"""Question by question, and active: the stated chance of every case is the one it had."""

import random
from collections import Counter

import pytest
from small_road import collect_all, freeze_all, judge_all, write_files

from samples.audit import Frame, drawable
from samples.cli import opened
from samples.draws import (
    FLOOR,
    design,
    disagreement,
    draw_active,
    draw_by_design,
    draw_questions,
    probabilities,
)
from samples.errors import BenchwarrantError
from samples.study import AuditBlock


def frame_of(n, strata="ab"):
    return Frame(tuple(f"r{i}" for i in range(n)), tuple(strata[i % len(strata)] for i in range(n)))


# --- question by question ------------------------------------------------------------------------


def drawn_by_question(answers, size, seed=1):
    """(question, drawn) of a frame that has so many answers to each question."""
    questions = [f"q{q}" for q, many in enumerate(answers) for _ in range(many)]
    frame, block = frame_of(len(questions)), AuditBlock(size=size, sequential=True, overlap=0.0)
    drawn = draw_questions(frame, questions, block, random.Random(seed))
    return [(questions[int(case.response[1:])], case) for case in drawn]


def test_while_there_are_questions_each_has_one_answer():
    drawn = drawn_by_question([5] * 40, 30)
    assert len({question for question, _ in drawn}) == len(drawn) == 30
    # one of 40 questions is drawn with 30 / 40, and one of its 5 answers with 1 / 5
    assert [case.probability for _, case in drawn] == pytest.approx([30 / 40 / 5] * 30)


def test_where_questions_are_few_all_have_as_many_and_stand_together():
    drawn = drawn_by_question([5] * 40, 90)
    questions = [question for question, _ in drawn]
    counts = Counter(questions)
    assert sorted(counts.values()) == [2] * 30 + [3] * 10
    assert [counts[q] for q in dict.fromkeys(questions)] == [2] * 30 + [3] * 10  # the larger last
    assert len({case.response for _, case in drawn}) == 90
    assert questions == [q for q in dict.fromkeys(questions) for _ in range(counts[q])]


@pytest.mark.parametrize(("answers", "size"), [([1, 2, 3, 4], 3), ([2, 3, 3, 5], 9)])
def test_every_answer_is_drawn_as_often_as_is_said(answers, size):
    times, met, said = 4000, Counter(), {}
    for seed in range(times):
        for _, case in drawn_by_question(answers, size, seed):
            met[case.response] += 1
            said[case.response] = case.probability
    assert len(said) == sum(answers)
    for response, chance in said.items():
        # four standard errors of a share: 4 · √(.25 / 4000) = .032
        assert met[response] / times == pytest.approx(chance, abs=0.032)


# --- active ------------------------------------------------------------------------------------


def test_disagreement_by_hand():
    said = {"r0": [3], "r1": [2, 1], "r2": [1, 1, 1], "r3": [2, 2]}
    # 1 − Σ p²: 0, 4/9, 2/3, 1/2; the largest is 1
    assert disagreement(frame_of(4), said) == pytest.approx([0, 2 / 3, 1, 3 / 4])
    assert disagreement(frame_of(1), said) == [0.0]


def test_active_needs_two_judges_everywhere():
    with pytest.raises(
        BenchwarrantError, match=r"2 of 3 have fewer; run `benchwarrant judge --all`"
    ):
        disagreement(frame_of(3), {"r0": [2], "r1": [1]})


def test_probabilities_add_up_and_none_is_above_one():
    assert probabilities([1, 1, 2], 2) == pytest.approx([0.5, 0.5, 1.0])
    # 9 would be 2.7: it is certain, and the other two share the second case
    assert probabilities([9, 1, 3], 2) == pytest.approx([1.0, 0.25, 0.75])
    assert probabilities([1, 2, 3], 3) == [1.0, 1.0, 1.0]


def test_an_active_draw_has_its_size_and_every_case_its_chance():
    frame, rng = frame_of(60), random.Random(3)
    apart = [1.0 if i % 6 == 0 else 0.0 for i in range(60)]
    block, times, met, said = AuditBlock(size=15, overlap=0.0), 4000, Counter(), {}
    for _ in range(times):
        drawn = draw_active(frame, apart, block, rng)
        assert len({case.response for case in drawn}) == 15
        met.update(case.response for case in drawn)
        said |= {case.response: case.probability for case in drawn}
    assert len(said) == 60  # with a floor every case can be drawn
    assert said["r0"] / said["r1"] == pytest.approx((1 + FLOOR) / FLOOR)
    for response, chance in said.items():
        assert met[response] / times == pytest.approx(chance, abs=0.032)


def test_weights_undo_what_the_active_draw_prefers():
    """Estimated from active samples, the share of a trait that goes with disagreement is right."""
    frame, rng = frame_of(400), random.Random(4)
    apart = [1.0 if i < 60 else 0.0 for i in range(400)]
    trait = [i < 45 or i > 390 for i in range(400)]  # 54 of 400
    block, shares, plain = AuditBlock(size=80, overlap=0.0), [], []
    for _ in range(400):
        drawn = draw_active(frame, apart, block, rng)
        rows = [(int(case.response[1:]), 1 / case.probability) for case in drawn]
        shares.append(sum(w for i, w in rows if trait[i]) / sum(w for _, w in rows))
        plain.append(sum(trait[i] for i, _ in rows) / len(rows))
    assert sum(shares) / 400 == pytest.approx(54 / 400, abs=0.005)
    assert sum(plain) / 400 > 0.25  # what ignoring the weights would have said


# --- on a study --------------------------------------------------------------------------------


def test_both_designs_on_a_study(tmp_path):
    with opened(write_files(tmp_path), create=True) as (study, store):
        collect_all(study, store)
        rubric = study.rater_question
        frame, _ = drawable(store, {spec.id for spec in store.specs("model")}, [])
        active = AuditBlock(size=6, allocation="active")
        with pytest.raises(BenchwarrantError, match="'active' needs two judges' verdicts"):
            draw_by_design(store, frame, active, rubric, 7)
        by_question = AuditBlock(size=8, sequential=True, raters_per_case=3, overlap=1.0)
        drawn = draw_by_design(store, frame, by_question, rubric, 7)
        items = [item for item, *_ in store.traits([case.response for case in drawn])]
        assert len(set(items)) == 8
        assert {case.raters for case in drawn} == {3}
        assert draw_by_design(store, frame, by_question, rubric, 7) == drawn
        with pytest.raises(BenchwarrantError, match="only 24 answers can be drawn"):
            draw_by_design(store, frame, AuditBlock(size=25, sequential=True), rubric, 7)
        for case in draw_by_design(store, frame, AuditBlock(size=24), rubric, 7):
            assert case.probability == 1.0


def test_active_prefers_what_judges_disagree_on(tmp_path):
    with opened(write_files(tmp_path), create=True) as (study, store):
        collect_all(study, store)
        freeze_all(study, store)
        judge_all(study, store)
        frame, _ = drawable(store, {spec.id for spec in store.specs("model")}, [])
        active = AuditBlock(size=12, allocation="active")
        drawn = draw_by_design(store, frame, active, study.rater_question, 7)
        # "yes" calls the answers of model "bad" right, the others call them wrong: 12 of 24
        chances = {store.traits([case.response])[0][2]: case.probability for case in drawn}
    assert chances["bad"] / chances["good"] == pytest.approx((1 + FLOOR) / FLOOR)


def test_the_design_is_kept_with_the_audit_set():
    assert design(AuditBlock())["allocation"] == "equal"
    kept = design(AuditBlock(sequential=True))
    assert (kept["allocation"], kept["sequential"]) == ("questions", True)
