"""What the labelling page can learn from the database, and what it cannot."""

from dataclasses import replace

from samples import blind
from samples.blind import Others
from samples.records import Account, Event, Label, Lease

T0, T1, T2 = (f"2026-01-31T09:3{n}:00.000000+00:00" for n in range(3))


def test_an_annotator_sees_the_case_and_not_who_made_it(full, one_of_each):
    answer = one_of_each["responses"]
    item, text = blind.case(full, answer.id)
    assert (item, text) == (one_of_each["items"], "It is 4.")
    audit_set = full.audit_set()
    assert blind.assignments(full, audit_set.id) == [(answer.id, item.id, 2, 1)]
    assert blind.readable(full, audit_set.id) == {answer.id}


def test_an_annotator_sees_no_thoughts_and_the_record_keeps_them(full, one_of_each):
    first = one_of_each["responses"]
    text = "Is it 5?</think>\nIt is 4."
    full.add(
        [replace(first, text=text, draw=1), replace(first, text="5?", prompt="<think>", draw=2)]
    )
    answered, cut = (full.response(first.spec, first.item, draw) for draw in (1, 2))
    assert blind.case(full, answered.id)[1] == "It is 4."
    assert blind.case(full, cut.id)[1] == ""  # the template opened the block; it was never closed
    assert (answered.text, cut.text) == (text, "5?")
    assert full.response(first.spec, first.item, 3) is None


def test_others_are_counted_and_not_quoted(full, one_of_each):
    label = one_of_each["labels"]
    key = (one_of_each["audit_sets"].id, label.rubric)
    assert blind.others(full, *key, "ada", T1) == {}
    assert blind.others(full, *key, "eve", T1) == {label.response: Others(1, 0)}
    full.add([replace(label, annotator="bob", status="unjudgeable", value=None)])
    full.add([Account("program", kind="reference"), replace(label, annotator="program")])
    assert blind.others(full, *key, "eve", T1) == {label.response: Others(1, 1)}


def test_a_lease_lasts_until_its_time_an_answer_or_a_newer_one(full, one_of_each):
    case, rubric = one_of_each["responses"].id, one_of_each["rubrics"].id
    key = (one_of_each["audit_sets"].id, rubric)

    def held(name: str, now: str) -> list[str]:
        return blind.held(full, *key, name, now)

    full.add([Lease(key[0], case, "bob", T1, T0)])
    assert held("bob", T0) == [case] and held("bob", T1) == [] and held("ada", T0) == []
    assert blind.others(full, *key, "ada", T0)[case].held == 1
    assert "bob" not in str(blind.others(full, *key, "ada", T0))
    full.add([Label(case, rubric, "bob", value="correct", created_at=T0)])
    assert held("bob", T0) == []
    full.add([Lease(key[0], case, "eve", T2, T0), Lease(key[0], case, "eve", T0, T1)])
    assert held("eve", T0) == []  # given back


def test_checks_of_a_person_the_newest_of_each(full, one_of_each):
    first = one_of_each["check_labels"]
    again = replace(first, value="correct", created_at=T1)
    control = replace(first, purpose="control")
    full.add([again, control, replace(first, annotator="bob")])
    found = blind.own(full, first.rubric, "ada")
    assert {(seen.purpose, seen.event) for seen in found if seen.purpose != "case"} == {
        ("repeat", again.id),
        ("control", control.id),
    }
    key = (first.rubric, "ada", first.response)
    assert blind.newest(full, "repeat", key) == again.id
    assert blind.own_event(full, "repeat", again.id) == again


def test_flags_of_a_person(full):
    for subject, on in (("a", True), ("b", True), ("a", False)):
        full.add([Event("flag", subject, {"annotator": "ada", "on": on}, T0)])
    assert blind.own_flags(full, "ada") == {"b"}
    assert blind.own_flags(full, "bob") == set()


def test_a_control_is_shown_without_its_answer(full, one_of_each):
    control = one_of_each["controls"]
    assert blind.controls(full, control.rubric) == [control.id]
    assert blind.controls(full, "b2:other") == []
    item, text = blind.control_case(full, control.id)
    assert (item.question, item.references, text) == ("1 + 1?", ("2",), "It is 3.")
    assert control.value not in str((item, text))
