"""A warrant stands as long as everything that it rests on, and not a character longer."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_road import (
    NOW,
    approve,
    collect_all,
    copied,
    edit,
    freeze_all,
    judge_all,
    label_all,
    walk,
)

from judges.tables import load_audit
from judges.warrant import approved_judges, check, in_force, issue, ready, weigh_one
from samples.audit import Drawn, freeze
from samples.cli import opened
from samples.errors import BenchwarrantError, Refused
from samples.exchange import imported_judge
from samples.records import Account, Label, Verdict, Warrant
from samples.store import Store
from samples.study import Study

LATER = NOW.replace("09:30", "10:00")


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("road"))


@pytest.fixture(scope="module")
def decided(road: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All three judges decided on: two approved, the one that always says yes rejected."""
    folder = tmp_path_factory.mktemp("decided")
    with opened(copied(road, folder)) as (study, store):
        for judge in ("rules", "reader", "yes"):
            approve(study, store, judge)
    return folder


@pytest.fixture
def path(decided: Path, tmp_path: Path) -> Path:
    return copied(decided, tmp_path)


@pytest.fixture
def study_store(path: Path) -> Iterator[tuple[Study, Store]]:
    with opened(path) as pair:
        yield pair


# --- what a warrant says -----------------------------------------------------------------------


def test_a_warrant_says_what_it_rests_on_and_what_it_covers(study_store) -> None:
    study, store = study_store
    warrant = in_force(study, store, "rules", NOW)
    audit = load_audit(study, store)
    evidence = weigh_one(audit, study, "rules")
    assert (warrant.decision, warrant.signed_by, warrant.created_at) == ("approved", "eve", NOW)
    assert (warrant.spec, warrant.audit_set) == (audit.judges["rules"].spec.id, audit.audit_set.id)
    body = warrant.body
    assert body["evidence"] == evidence.id
    assert set(evidence.judges) == {"rules"}  # nobody else's verdicts bear on it
    assert body["scope"] == {
        "kind": "these models",
        "models": ["bad", "good"],
        "tasks": ["sums"],
        "strategies": ["direct"],
    }
    assert body["bound_to"]["labels"] == audit.labels_digest
    assert body["bound_to"]["verdicts"] == audit.judges["rules"].digest
    [rule] = body["rules"]
    assert (rule["outcome"], rule["observed"]["value"]) == ("met", 1.0)
    assert body["measured_error"]["pooled"]["n"] == 24
    by_model = body["measured_error"]["leniency_by_model"]
    assert {name: figure["n"] for name, figure in by_model.items()} == {"bad": 12, "good": 12}
    assert set(body["versions"]) == {"benchwarrant", "python", "numpy"}


def test_the_same_rows_make_the_same_warrant(study_store) -> None:
    study, store = study_store
    before = store.counts()["warrants"]
    made = approve(study, store, "rules")
    assert made.id in {warrant.id for warrant in store.warrants()}
    assert store.counts()["warrants"] == before


@pytest.mark.parametrize(
    ("change", "judge", "says"),
    [
        (lambda s: None, "rulse", "did you mean 'rules'"),
        (lambda s: s.add([imported_judge("idle")]), "idle", "no verdicts on the audit set"),
    ],
)
def test_a_decision_needs_verdicts(study_store, change, judge: str, says: str) -> None:
    study, store = study_store
    change(store)
    with pytest.raises(BenchwarrantError, match=says) as caught:
        ready(load_audit(study, store), judge)
    assert "\n" not in str(caught.value)


def first_case(store: Store) -> str:
    return store.audit_cases(store.audit_set().id)[0].response


def test_a_decision_needs_every_label_and_every_verdict(study_store) -> None:
    study, store = study_store
    audit = load_audit(study, store)
    gone = replace(audit.reference, unlabelled=audit.responses[:3])
    with pytest.raises(BenchwarrantError, match="3 of 24 cases have no label yet"):
        ready(replace(audit, reference=gone), "rules")
    some = replace(audit.judges["rules"], missing=2)
    with pytest.raises(BenchwarrantError, match="no verdict on 2 of 24 cases"):
        ready(replace(audit, judges={"rules": some}), "rules")
    ready(replace(audit, judges={"j": replace(some, spec=imported_judge("j"))}), "j")
    ready(audit, "rules")


def test_a_policy_without_rules_or_with_an_unknown_one_decides_nothing(road, tmp_path) -> None:
    path = copied(road, tmp_path)
    edit(path, '"cohen_kappa"', '"cohen_kapa"')
    with opened(path) as (study, store), pytest.raises(BenchwarrantError, match="did you mean"):
        approve(study, store, "rules")


def test_labels_made_by_program_are_said_to_be_so(road: Path, tmp_path: Path) -> None:
    with opened(copied(road, tmp_path)) as (study, store):
        store.add([Account("ann", kind="reference")])
        assert approve(study, store, "rules").body["reference"]["labels"] == "reference"


# --- what keeps it from standing ---------------------------------------------------------------

Change = Callable[[Path], None]


def rows(make: Callable[[Study, Store], list[Any]]) -> Change:
    """A change to the database instead of a file."""

    def change(path: Path) -> None:
        with opened(path) as (study, store):
            store.add(make(study, store))

    return change


def label(study: Study, store: Store, who: str, value: str | None, status: str = "labelled") -> Any:
    rubric = study.rater_question.id
    return Label(first_case(store), rubric, who, status=status, value=value, created_at=LATER)


def verdict(study: Study, store: Store, judge: str, **outcome: Any) -> Any:
    spec = load_audit(study, store).judges[judge].spec
    rubric = study.rater_question.id
    return Verdict(first_case(store), rubric, judge, spec.id, attempt=1, **outcome)


def new_audit_set(path: Path) -> None:
    with opened(path) as (study, store):
        freeze_all(study, store, LATER, models="good")


def new_audit_set_judged(path: Path) -> None:
    new_audit_set(path)
    with opened(path) as (study, store):
        judge_all(study, store)
        label_all(study, store)


def other_answers(path: Path) -> None:
    """An audit set of answers that nobody has judged or labelled yet."""
    edit(path, "limit = 12", "limit = 14")
    with opened(path) as (study, store):
        old = {case.response for case in store.audit_cases(store.audit_set().id)}
        collect_all(study, store)
        drawn = [Drawn(row[0], "s", 1.0, 1) for row in store.frame() if row[0] not in old]
        assert len(drawn) == 4
        freeze(store, study.rater_question, drawn, {"allocation": "equal"}, LATER)


def changed(name: str, old: str, new: str) -> Change:
    return lambda path: edit(path.with_name(name), old, new)


STALE: dict[str, tuple[Change, str]] = {
    "prompt": (changed("prompt.txt", "right?", "right!"), "its prompt changed"),
    "sampling": (changed("study.toml", "max_tokens = 16", "max_tokens = 17"), "its sampling"),
    "another model judges": (changed("study.toml", '"verdicts.jsonl"', '"good.jsonl"'), "engine"),
    "prompt and sampling": (
        lambda path: [
            changed("prompt.txt", "right?", "right!")(path),
            changed("study.toml", "max_tokens = 16", "max_tokens = 17")(path),
        ],
        "prompt and sampling",
    ),
    "a character of the guidance": (changed("guidance.md", ".", "!"), "rubric has changed"),
    "the question": (
        changed("study.toml", "[rubric]", '[rubric]\nquestion = "Right?"'),
        "rubric has changed",
    ),
    "a label added": (rows(lambda s, st: [label(s, st, "ben", "correct")]), "the labels changed"),
    "a label changed": (rows(lambda s, st: [label(s, st, "ann", "incorrect")]), "the labels"),
    "a label taken back": (
        rows(lambda s, st: [label(s, st, "ann", None, "retracted")]),
        "the labels changed",
    ),
    "a rater made adjudicator": (
        rows(lambda s, st: [Account("ann", role="adjudicator")]),
        "the labels changed",
    ),
    "a verdict tried again": (
        rows(lambda s, st: [verdict(s, st, "reader", failure="refused")]),
        "the verdicts changed",
    ),
    "a policy's rule": (
        changed("study.toml", "at_least = 0.4", "at_least = 0.41"),
        "the policy changed",
    ),
    "the number of resamples": (
        changed("study.toml", "resamples = 200", "resamples = 201"),
        "the policy changed",
    ),
    "the seed": (changed("study.toml", "[rubric]", "seed = 3\n[rubric]"), "the seed changed"),
    "a new audit set": (new_audit_set, "the audit set changed"),
    "an audit set of other answers": (other_answers, "the audit set changed"),
    "a new audit set, judged and labelled": (new_audit_set_judged, "the audit set changed"),
}


@pytest.mark.parametrize("what", STALE)
def test_what_changed_since_is_named_and_nothing_may_be_graded(path: Path, what: str) -> None:
    change, says = STALE[what]
    change(path)
    with opened(path) as (study, store):
        with pytest.raises(Refused, match=says) as caught:
            in_force(study, store, "reader", NOW)
        text = str(caught.value)
        assert "stale" in text and "'reader'" in text and "\n" not in text
        assert "reader" not in approved_judges(study, store, NOW)


FILES = [name for name in STALE if STALE[name][0].__qualname__.startswith("changed")]


@pytest.mark.parametrize("what", [*FILES, "prompt and sampling"])
def test_undoing_the_change_makes_it_valid_again(path: Path, decided: Path, what: str) -> None:
    assert len(FILES) >= 8
    STALE[what][0](path)
    with opened(path) as (study, store), pytest.raises(Refused):
        in_force(study, store, "reader", NOW)
    for name in ("study.toml", "guidance.md", "prompt.txt"):
        path.with_name(name).write_bytes((decided / name).read_bytes())
    with opened(path) as (study, store):
        assert in_force(study, store, "reader", NOW).decision == "approved"


def test_a_label_changed_back_makes_it_valid_again(study_store) -> None:
    study, store = study_store
    old = next(la for la in store.labels() if la.response == first_case(store))
    other = next(v for v in study.rubric.labels if v != old.value)
    store.add([replace(old, value=other, created_at=LATER)])
    with pytest.raises(Refused, match="labels"):
        in_force(study, store, "rules", NOW)
    store.add([replace(old, created_at=LATER.replace("10:", "11:"))])
    assert in_force(study, store, "rules", NOW).decision == "approved"


UNTOUCHED: dict[str, Change] = {
    "another judge's prompt": changed("prompt.txt", "right?", "right!"),
    "another judge's verdict": rows(lambda s, st: [verdict(s, st, "reader", failure="refused")]),
    "another judge in the study": changed(
        "study.toml", "[policy]", '[[judge]]\nname = "no"\nkind = "exact"\n[policy]'
    ),
    "a skipped case": rows(lambda s, st: [label(s, st, "ben", None, "skipped")]),
    "the same label again": rows(
        lambda s, st: [
            replace(la, created_at=LATER) for la in st.labels() if la.response == first_case(st)
        ]
    ),
    "the study's name": changed("study.toml", 'name = "small"', 'name = "renamed"'),
    "how often the judge may be asked at once": changed(
        "study.toml", 'prompt = "prompt.txt"', 'prompt = "prompt.txt"\nrun = { delay = 0 }'
    ),
}


@pytest.mark.parametrize("what", UNTOUCHED)
def test_what_does_not_touch_a_judge_s_evidence_leaves_its_warrant_standing(
    path: Path, what: str
) -> None:
    UNTOUCHED[what](path)
    with opened(path) as (study, store):
        assert in_force(study, store, "rules", NOW).decision == "approved"


def test_without_a_warrant_it_says_how_to_get_one(road: Path, tmp_path: Path) -> None:
    with opened(copied(road, tmp_path)) as (study, store):
        with pytest.raises(Refused, match="no warrant; run `benchwarrant approve rules`"):
            in_force(study, store, "rules", NOW)
        with pytest.raises(BenchwarrantError, match="did you mean 'rules'") as caught:
            in_force(study, store, "rulse", NOW)
        assert not isinstance(caught.value, Refused)


def test_a_rejected_judge_is_refused_with_the_reasons(study_store) -> None:
    study, store = study_store
    with pytest.raises(Refused, match=r"is rejected, not approved: cohen_kappa 0\.000") as caught:
        in_force(study, store, "yes", NOW)
    assert "\n" not in str(caught.value)
    assert approved_judges(study, store, NOW) == ["rules", "reader"]


def test_an_inconclusive_judge_is_refused_with_what_is_missing(road, tmp_path) -> None:
    path = copied(road, tmp_path)
    edit(path, "at_least = 0.4", "at_least = 0.9")
    with opened(path) as (study, store):
        assert approve(study, store, "rules").decision == "inconclusive"
        with pytest.raises(Refused, match=r"is inconclusive, not approved: .*short by"):
            in_force(study, store, "rules", NOW)


def test_the_newest_decision_counts(study_store) -> None:
    study, store = study_store
    old = in_force(study, store, "rules", NOW)
    store.add([replace(old, decision="rejected", created_at=LATER)])
    with pytest.raises(Refused, match="is rejected"):
        in_force(study, store, "rules", NOW)
    store.add([replace(old, created_at=LATER)])
    assert in_force(study, store, "rules", NOW).created_at == LATER


# --- derived again from the rows ---------------------------------------------------------------


def forged(warrant: Warrant, where: str, value: object) -> Warrant:
    """The warrant with something else at "rules.0.observed.low"."""
    *path, last = where.split(".")
    body = copy_of(warrant.body)
    here: Any = body
    for step in path:
        here = here[int(step) if isinstance(here, list) else step]
    here[last] = value
    return replace(warrant, body=body, created_at=LATER)


def copy_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: copy_of(inner) for key, inner in value.items()}
    return [copy_of(inner) for inner in value] if isinstance(value, list) else value


def derived_again(study: Study, store: Store, judge: str = "rules") -> str:
    """What `benchwarrant verify` finds about the newest warrant."""
    audit = load_audit(study, store)
    return check([w for w in store.warrants() if w.judge == judge][-1], audit, study)


@pytest.mark.parametrize("judge", ["rules", "reader", "yes"])
def test_an_honest_warrant_follows_from_the_rows(study_store, judge: str) -> None:
    assert derived_again(*study_store, judge) == ""


def test_a_judge_added_later_changes_nothing_about_it(study_store) -> None:
    study, store = study_store
    spec, rubric = imported_judge("late"), study.rater_question.id
    given = Verdict(first_case(store), rubric, "late", spec.id, value="correct")
    store.add([spec, given])
    assert in_force(study, store, "rules", NOW).decision == "approved"
    assert derived_again(study, store) == ""


def test_rounding_on_another_machine_is_no_forgery(study_store) -> None:
    study, store = study_store
    warrant = in_force(study, store, "rules", NOW)
    low = warrant.body["rules"][0]["observed"]["low"]
    store.add([forged(warrant, "rules.0.observed.low", low + 1e-9)])
    assert derived_again(study, store) == ""
    store.add([forged(warrant, "versions.numpy", "1.0")])
    assert derived_again(study, store) == ""


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("evidence", "b2:other"),
        ("rules.0.observed.value", 0.5),
        ("rules.0.observed.low", 0.99),
        ("rules.0.observed.high", None),
        ("rules.0.outcome", "not met"),
        ("rules.0.rule", "cohen_kappa: lower end ≥ 0.9"),
        ("rules", []),
        ("scope.models", ["bad", "good", "never-audited"]),
        ("scope.kind", "new models"),
        ("reference.cases", 1000),
        ("reference.labels", "reference"),
        ("measured_error.pooled.cohen_kappa", {"value": 1.0, "low": 0.99, "high": 1.0}),
        ("measured_error.leniency_by_model", {}),
    ],
)
def test_a_forged_warrant_is_found(study_store, where: str, value: object) -> None:
    study, store = study_store
    store.add([forged(in_force(study, store, "rules", NOW), where, value)])
    assert list(store.faults()) == []  # its hash is right: only the rows give it away
    assert derived_again(study, store).startswith("broken")


def test_a_forged_decision_is_found(study_store) -> None:
    study, store = study_store
    newest = [warrant for warrant in store.warrants() if warrant.judge == "yes"][-1]
    store.add([replace(newest, decision="approved")])
    found = derived_again(study, store, "yes")
    assert found == "broken: the rows say rejected, the warrant says approved"


def test_a_stale_warrant_is_called_stale_and_not_broken(path: Path) -> None:
    changed("study.toml", "[rubric]", "seed = 3\n[rubric]")(path)
    with opened(path) as (study, store):
        assert derived_again(study, store) == "stale: the seed changed since"


def test_issue_does_not_write(road: Path, tmp_path: Path) -> None:
    with opened(copied(road, tmp_path)) as (study, store):
        audit = load_audit(study, store)
        made = issue(audit, weigh_one(audit, study, "rules"), study, "rules", (None, NOW))
        assert (made.decision, made.signed_by) == ("approved", None)
        assert store.counts()["warrants"] == 0
