"""From rows to arrays: who and what arrives in an audit, and what its digests notice."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_road import NOW, collect_all, copied, edit, freeze_all, walk, write_files

from judges.tables import Audit, load_audit, study_judges
from samples import audit
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.exchange import imported_judge
from samples.records import Account, Label, Response, Rubric, Verdict
from samples.store import Store
from samples.study import Study

LATER = NOW.replace("09:30", "10:00")


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("road"))


@pytest.fixture
def study_store(road: Path, tmp_path: Path) -> Iterator[tuple[Study, Store]]:
    with opened(copied(road, tmp_path)) as pair:
        yield pair


def test_a_row_per_case_with_its_question_model_and_task(study_store) -> None:
    study, store = study_store
    found = load_audit(study, store)
    assert (found.models, found.tasks, found.strategies) == (
        ("bad", "good"),
        ("sums",),
        ("direct",),
    )
    assert len(found.responses) == 24 and len(np.unique(found.question)) == 12
    traits = store.traits(found.responses)
    assert [found.models[m] for m in found.model] == [row[2] for row in traits]
    by_question = {q: traits[i][0] for i, q in enumerate(found.question)}
    assert [by_question[q] for q in found.question] == [row[0] for row in traits]
    good = found.model == 1
    assert found.reference.values.tolist() == good.astype(int).tolist()
    assert found.judges["rules"].verdicts.tolist() == good.astype(int).tolist()
    assert found.judges["yes"].verdicts.tolist() == [1] * 24


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda path: None, "no audit set yet; run `benchwarrant sample`"),
        (
            lambda path: edit(path, "[rubric]", '[rubric]\nquestion = "Right?"'),
            "rubric has changed",
        ),
        (lambda path: edit(path.with_name("guidance.md"), ".", "!"), "`benchwarrant sample --new`"),
    ],
    ids=["no audit set", "another question", "one character of the guidance"],
)
def test_what_keeps_an_audit_from_being_read(
    road: Path, tmp_path: Path, break_it: Callable[[Path], None], says: str
) -> None:
    if "sample`" in says:
        path = write_files(tmp_path)
        with opened(path, create=True) as (study, store):
            collect_all(study, store)
    else:
        path = copied(road, tmp_path)
    break_it(path)
    with opened(path) as (study, store), pytest.raises(BenchwarrantError, match=says) as caught:
        load_audit(study, store)
    assert "\n" not in str(caught.value)


def test_weights_are_the_inverse_of_the_chances_and_one_on_average(study_store) -> None:
    study, store = study_store
    cases = store.audit_cases(store.audit_set().id)
    chances = [0.25] * 6 + [1.0] * 18
    drawn = [audit.Drawn(c.response, "s", p, 1) for c, p in zip(cases, chances, strict=True)]
    audit.freeze(store, study.rater_question, drawn, {"allocation": "equal"}, LATER)
    # 6 cases stand for 4 each and 18 for themselves: 42 in all, 42/24 on average.
    expected = [4 / (42 / 24)] * 6 + [1 / (42 / 24)] * 18
    np.testing.assert_allclose(load_audit(study, store).weight, expected)


@pytest.mark.parametrize(("allocation", "random"), [("equal", True), ("labelled", False)])
def test_a_labelled_audit_set_was_not_drawn_at_random(study_store, allocation, random) -> None:
    study, store = study_store
    drawn = audit.all_labelled(store, study.rater_question)
    audit.freeze(store, study.rater_question, drawn, {"allocation": allocation}, LATER)
    assert load_audit(study, store).at_random is random


def test_the_judges_in_force_are_the_study_file_s_and_the_imported_ones(study_store) -> None:
    study, store = study_store
    answer = store.audit_cases(store.audit_set().id)[0].response
    rubric = study.rater_question.id
    spec, hidden = imported_judge("elsewhere"), imported_judge("rules")
    given = [Verdict(answer, rubric, s.name, s.id, failure="refused") for s in (spec, hidden)]
    store.add([spec, hidden, imported_judge("idle"), *given])
    assert list(study_judges(study, store)) == ["rules", "reader", "yes", "elsewhere", "idle"]
    found = load_audit(study, store).judges
    assert list(found) == ["rules", "reader", "yes", "elsewhere"]  # idle has judged nothing
    assert found["rules"].missing == 0  # the study's own hides an imported one of that name
    elsewhere = found["elsewhere"]
    assert (elsewhere.missing, elsewhere.failures) == (23, {"refused": 1, "missing": 23})
    assert elsewhere.verdicts.tolist() == [2] * 24  # what is missing counts as a failure


def test_an_edited_prompt_is_another_judge_without_verdicts(study_store) -> None:
    study, store = study_store
    edit(study.at("prompt.txt"), "Is it right?", "Is it right!")
    assert list(load_audit(study, store).judges) == ["rules", "yes"]


# --- what the digests notice -------------------------------------------------------------------

Change = Callable[[Study, Store, Audit], list[object]]


def label(study: Study, audit: Audit, who: str = "ann", **more: object) -> Label:
    """Ann's label of the first case, as it stands unless told otherwise, but later."""
    value = study.rater_question.labels[audit.reference.values[0]]
    first = Label(audit.responses[0], study.rater_question.id, who, value=value, created_at=LATER)
    return replace(first, **more)


def other(study: Study, audit: Audit) -> str:
    return study.rater_question.labels[1 - audit.reference.values[0]]


def verdict(study: Study, audit: Audit, **more: object) -> Verdict:
    """The constant judge's verdict on the first case, tried again."""
    spec = audit.judges["yes"].spec
    first = Verdict(audit.responses[0], study.rater_question.id, "yes", spec.id, attempt=1)
    return replace(first, **more)


def outside(study: Study, store: Store) -> Response:
    """An answer that is not in the audit set."""
    old = next(store.responses())
    return replace(old, draw=1)


CHANGES: dict[str, tuple[str, Change]] = {
    "a label was changed": ("labels", lambda s, st, a: [label(s, a, value=other(s, a))]),
    "a label was added": ("labels", lambda s, st, a: [label(s, a, "ben")]),
    "a label was taken back": (
        "labels",
        lambda s, st, a: [label(s, a, status="retracted", value=None)],
    ),
    "a label became unsure": ("labels", lambda s, st, a: [label(s, a, unsure=True)]),
    "a rater became an adjudicator": (
        "labels",
        lambda s, st, a: [Account("ann", role="adjudicator")],
    ),
    "a person was a program": ("labels", lambda s, st, a: [Account("ann", kind="reference")]),
    "a verdict turned out otherwise": (
        "verdicts",
        lambda s, st, a: [verdict(s, a, value="incorrect")],
    ),
    "a verdict failed": ("verdicts", lambda s, st, a: [verdict(s, a, failure="refused")]),
    "the same label again": ("", lambda s, st, a: [label(s, a)]),
    "the same verdict again": ("", lambda s, st, a: [verdict(s, a, value="correct")]),
    "a case skipped by one more": (
        "",
        lambda s, st, a: [label(s, a, "ben", status="skipped", value=None)],
    ),
    "an account that labelled nothing": ("", lambda s, st, a: [Account("ben", role="adjudicator")]),
    "ann signs up": ("", lambda s, st, a: [Account("ann", secret="b2:00")]),
    "a label outside the audit set": (
        "",
        lambda s, st, a: [outside(s, st), label(s, a, response=outside(s, st).id)],
    ),
    "a label under another rubric": (
        "",
        lambda s, st, a: [
            Rubric("tone", "Polite?", ("no", "yes")),
            label(s, a, rubric=Rubric("tone", "Polite?", ("no", "yes")).id, value="yes"),
        ],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_digests(study_store, name: str) -> None:
    study, store = study_store
    before = load_audit(study, store)
    noticed, change = CHANGES[name]
    store.add(change(study, store, before))
    after = load_audit(study, store)
    assert (after.labels_digest != before.labels_digest) is (noticed == "labels")
    assert (after.judges["yes"].digest != before.judges["yes"].digest) is (noticed == "verdicts")
    assert after.judges["rules"].digest == before.judges["rules"].digest


def test_skipped_and_retracted_labels_do_not_arrive(study_store) -> None:
    study, store = study_store
    before = load_audit(study, store)
    gone = [label(study, before, status="retracted", value=None)]
    gone += [label(study, before, "ben", status="skipped", value=None)]
    store.add(gone)
    reference = load_audit(study, store).reference
    assert reference.unlabelled == (before.responses[0],)
    assert reference.raters == ("ann",) and reference.values[0] == -1


def test_the_audit_does_not_depend_on_the_order_in_which_labels_came(road, tmp_path) -> None:
    digests = []
    for place, order in enumerate((1, -1)):
        with opened(copied(road, tmp_path / str(place))) as (study, store):
            found = load_audit(study, store)
            made = [label(study, found, who, value="correct") for who in ("ben", "cyd")]
            store.add(made[::order])
            after = load_audit(study, store)
            digests.append((after.labels_digest, after.reference.ratings.tolist()))
    assert digests[0] == digests[1]


def test_the_newest_audit_set_is_in_force(study_store) -> None:
    study, store = study_store
    freeze_all(study, store, LATER, models="good")
    found = load_audit(study, store)
    assert (found.models, len(found.responses)) == (("good",), 12)


def test_the_policy_says_how_labels_settle_a_case(study_store) -> None:
    study, store = study_store
    before = load_audit(study, store)
    first = before.responses[0]
    other = next(
        v for v in study.rubric.labels if v != study.rubric.labels[before.reference.values[0]]
    )
    store.add([label(study, before, "ben", value=other, unsure=True)])

    def settled(**how: str) -> int:
        asked = study.model_copy(update={"policy": study.policy.model_copy(update=how)})
        found = load_audit(asked, store).reference
        assert found.rule == how.get("reference", "majority")
        return int(found.values[before.responses.index(first)])

    assert settled() == settled(reference="unanimous") == -1
    assert settled(unsure="leave_out") == before.reference.values[0]
    with pytest.raises(BenchwarrantError, match="three raters"):
        settled(reference="dawid-skene")


def test_scores_are_read_where_a_judge_gives_them(study_store) -> None:
    study, store = study_store
    before = load_audit(study, store)
    assert before.judges["rules"].scores is None and before.wanted is not None
    spec, rubric = before.judges["yes"].spec, before.rubric.id
    first, second = before.responses[:2]
    again = [
        Verdict(first, rubric, "yes", spec.id, value="correct", score=0.75, attempt=1),
        Verdict(second, rubric, "yes", spec.id, value="correct", attempt=1),
    ]
    store.add(again)
    scores = load_audit(study, store).judges["yes"].scores
    assert scores is not None and scores[0] == 0.75 and np.isnan(scores[1:]).all()
