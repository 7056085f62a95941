"""The guidance and the plan change; the cases, their chances and every label stay."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_audit import GUIDANCE, build_study, numbered
from test_end_to_end import command

from annotator.session import Answer, read_queue, sit_down, submit, take
from samples import revision
from samples.audit import Overlap
from samples.errors import BenchwarrantError
from samples.records import Account, AuditCase, AuditSet, Label
from samples.revision import mend, raters_again, replan, revise_guidance
from samples.store import Store, cases_hash
from samples.study import Study, load_study

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOW = NOON.isoformat()


class Place:
    def __init__(self, folder: Path, store: Store):
        self.folder, self.store = folder, store
        self.file = folder / "guidance.md"

    @property
    def study(self) -> Study:
        return load_study(self.folder / "study.toml")

    def audit(self, block: str) -> None:
        with (self.folder / "study.toml").open("a", encoding="utf-8") as file:
            file.write(f"[audit]\n{block}\n")

    def cases(self) -> list[tuple[object, ...]]:
        """Response, place, stratum and chance of the audit set in force."""
        frozen = self.store.audit_set()
        assert frozen is not None
        return [
            (c.response, c.position, c.stratum, c.probability)
            for c in self.store.audit_cases(frozen.id)
        ]

    def raters(self) -> dict[str, int]:
        frozen = self.store.audit_set()
        assert frozen is not None
        return {c.response: c.raters for c in self.store.audit_cases(frozen.id)}

    def label(self, name: str, number: int) -> list[Label]:
        desk, made = sit_down(self.store, name, 7), []
        for _ in range(number):
            sight = take(self.store, desk, NOON)
            assert sight is not None
            made.append(submit(self.store, desk, sight, Answer("correct"), NOON))
        return [label for label in made if label]

    def state(self) -> tuple[str, str, list[str]]:
        return (
            "\n".join(self.store.db.conn.iterdump()),
            self.file.read_text(encoding="utf-8"),
            sorted(f.name for f in self.folder.iterdir() if "study.db" not in f.name),
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    build_study(tmp_path, numbered(10, raters=1))
    with Store(tmp_path / "study.db", precious=True) as store:
        yield Place(tmp_path, store)


# --- guidance --------------------------------------------------------------------------------


def test_new_guidance_asks_for_everything_anew_and_loses_nothing(place: Place) -> None:
    labels, cases, old = place.label("ann", 4), place.cases(), place.study.rater_question
    desk = sit_down(place.store, "ann", 7)
    rubric = revise_guidance(place.study, place.store, "Units\r\ncount.\rAlways.", NOW)
    assert rubric == replace(old, guidance="Units\ncount.\nAlways.")
    assert place.study.rater_question == rubric  # the file says the same
    assert place.cases() == cases
    assert place.store.current_labels(old.id) == labels
    assert place.store.current_labels(rubric.id) == []
    assert list(place.store.faults()) == []
    anew = sit_down(place.store, "ann", 7)
    assert anew.rubric == rubric
    assert read_queue(place.store, anew, NOON).progress().left == 10
    # a page that was open before writes nothing under the old words
    sight = read_queue(place.store, desk, NOON).next()
    assert sight is not None and submit(place.store, desk, sight, Answer("correct"), NOON) is None
    frozen = place.store.audit_set()
    assert frozen is not None and frozen.design == {"size": 10, "revises": old.id}
    command(place.folder, "verify")  # exit code 0


@pytest.mark.parametrize("at", ["keeping", "freezing", "writing", "committing"])
def test_a_change_that_fails_anywhere_leaves_all_as_it_was(
    place: Place, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    before, write = place.state(), revision.write_whole

    def fail(*_: object) -> None:
        raise OSError("no room")

    def write_or_fail(path: Path, content: str) -> None:
        if (path == place.file) == (at == "writing"):
            raise OSError("no room")
        write(path, content)

    def write_then_fail(path: Path, content: str) -> None:
        write(path, content)
        if path == place.file:
            raise OSError("no room")  # the last moment before the database's own

    if at == "freezing":
        monkeypatch.setattr(revision, "freeze", fail)
    else:
        change = write_then_fail if at == "committing" else write_or_fail
        monkeypatch.setattr(revision, "write_whole", change)
    with pytest.raises(OSError, match="no room"):
        revise_guidance(place.study, place.store, "New words.", NOW)
    assert place.state() == before


def test_what_a_kill_cut_off_is_mended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the database took it in: the old words. Killed after: the new ones."""
    before = place.state()
    kept = place.file.with_name("guidance.md.before")
    kept.write_text(GUIDANCE, encoding="utf-8")
    place.file.write_text("New words.", encoding="utf-8")
    mend(place.study, place.store)
    assert place.state() == before
    with monkeypatch.context() as killed:
        killed.setattr(revision, "mend", lambda *_: None)
        revise_guidance(place.study, place.store, "New words.", NOW)
    assert kept.exists()
    mend(place.study, place.store)
    assert not kept.exists() and place.file.read_text(encoding="utf-8") == "New words."


def test_guidance_that_cannot_be_changed(place: Place, tmp_path: Path) -> None:
    before = place.state()
    with pytest.raises(BenchwarrantError, match="same as before"):
        revise_guidance(place.study, place.store, GUIDANCE, NOW)
    with pytest.raises(BenchwarrantError, match="names no guidance file"):
        revise_guidance(Study(name="x"), place.store, "New words.", NOW)
    assert place.state() == before
    place.file.write_text("Edited by hand.", encoding="utf-8")
    with pytest.raises(BenchwarrantError, match="not the one that the audit set"):
        revise_guidance(place.study, place.store, "New words.", NOW)
    assert place.file.read_text(encoding="utf-8") == "Edited by hand."


# --- the plan --------------------------------------------------------------------------------


def test_a_new_plan_keeps_cases_chances_and_labels(place: Place) -> None:
    place.audit("raters_per_case = 2\noverlap = 0.5")
    cases, labels = place.cases(), place.label("ann", 7)
    doubly = [label.response for label in labels[:2]]
    more = [replace(labels[n], annotator="ben") for n in range(2)]
    other = replace(labels[3], annotator="parser")  # made by program: no second person
    place.store.add([Account("parser", kind="reference"), *more, other])
    given = place.store.current_labels(labels[0].rubric)
    new = replan(place.study, place.store, NOW)
    assert new.design["replans"] != new.id
    assert place.cases() == cases
    assert Counter(place.raters().values()) == {2: 5, 1: 5}
    assert all(place.raters()[response] == 2 for response in doubly)
    assert place.store.current_labels(labels[0].rubric) == given
    with pytest.raises(BenchwarrantError, match="the plan is the same as before"):
        replan(place.study, place.store, NOW)
    queue = read_queue(place.store, sit_down(place.store, "cid", 7), NOON)
    wanted = {r for r, n in place.raters().items() if n > sum(x.response == r for x in given)}
    assert set(queue.fresh) <= wanted | {other.response}


def test_a_case_with_more_labels_than_the_plan_wants_keeps_them(place: Place) -> None:
    place.audit("raters_per_case = 2\noverlap = 0.1")
    labels = place.label("ann", 3)
    place.store.add([replace(label, annotator="ben") for label in labels])
    replan(place.study, place.store, NOW)
    twice = [r for r, n in place.raters().items() if n == 2]
    assert len(twice) == 1 and twice[0] in {label.response for label in labels}
    assert len(place.store.current_labels(labels[0].rubric)) == 6


@pytest.mark.parametrize(
    "design", [{"sequential": True, "seed": 7}, {"allocation": "active", "seed": 7}]
)
def test_other_designs_keep_their_order_and_unequal_chances(
    place: Place, design: dict[str, object]
) -> None:
    old = place.store.audit_set()
    assert old is not None
    rows = [
        AuditCase("", case.response, 9 - n, f"s{n % 2}", (n + 1) / 20, 1)
        for n, case in enumerate(place.store.audit_cases(old.id))
    ]
    rows.sort(key=lambda case: case.position)
    new = AuditSet(old.rubric, design, cases_hash(rows), NOW)
    place.store.add([new, *(replace(case, audit_set=new.id) for case in rows)])
    place.audit("raters_per_case = 3\noverlap = 1.0")
    before = place.cases()
    again = replan(place.study, place.store, NOW)
    assert again.design == design | {"replans": new.id}
    assert place.cases() == before
    assert set(place.raters().values()) == {3}
    assert sit_down(place.store, "ann", 7).in_order == (design.get("sequential") is True)
    assert list(place.store.faults()) == []


def test_who_is_next_to_want_several_is_left_to_chance_by_stratum() -> None:

    cases = [AuditCase("s", f"{s}{n}", 0, s, 0.5, 1) for s in "ab" for n in range(20)]
    people = {f"a{n}": 1 for n in range(20)} | {"a7": 3, "b3": 2}
    found = [
        raters_again(cases, people, Overlap(0.25, 2), random.Random(seed)) for seed in range(40)
    ]
    for wanted in found:
        assert wanted["a7"] == wanted["b3"] == 2
        assert sum(n == 2 for r, n in wanted.items() if r[0] == "a") == 5
        assert sum(n == 2 for r, n in wanted.items() if r[0] == "b") == 5
    assert {r for wanted in found for r, n in wanted.items() if n == 2} == set(found[0])


def test_a_warrant_goes_stale_with_the_plan(tmp_path: Path) -> None:
    from test_end_to_end import label_all, write_study

    write_study(tmp_path)
    for step in ("collect", "sample", "judge"):
        command(tmp_path, step)
    label_all(tmp_path)
    command(tmp_path, "approve", "rules", "--signed-by", "Ann")
    before = command(tmp_path, "verify").stdout
    path = tmp_path / "study.toml"
    text = path.read_text()
    assert "overlap = 0.0" in text
    path.write_text(text.replace("overlap = 0.0", "raters_per_case = 3\noverlap = 1.0"))
    said = command(tmp_path, "sample", "--replan").stdout
    assert "the same" in said
    assert "follows from the rows" in before
    refused = command(tmp_path, "benchmark", ok=(1,))
    assert "audit set" in refused.stdout + refused.stderr
    wrong = command(tmp_path, "sample", "--replan", "--new", ok=(2,))
    assert "leave --new and --labelled out" in wrong.stderr
