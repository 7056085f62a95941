"""Tables for other programs: their columns, in an order that stays."""

from samples.export import export_rows
from samples.records import CheckLabel, Label


def test_labels_are_a_long_table(store, one_of_each):
    store.add(one_of_each.values())
    answer, rubric = one_of_each["responses"], one_of_each["rubrics"]
    store.add([Label(answer.id, rubric.id, "bob", "skipped", meta={"task": "x", "age": 4})])
    first, second = export_rows("labels", store)
    assert list(first.items()) == [
        ("case", answer.id),
        ("task", "sums"),
        ("key", "k1"),
        ("model", "tiny"),
        ("strategy", "direct"),
        ("draw", 0),
        ("annotator", "ada"),
        ("value", "correct"),
        ("status", "labelled"),
        ("unsure", False),
        ("note", ""),
        ("created_at", "2026-01-31T09:30:00.000000+00:00"),
        ("seconds", 2.5),
        ("rubric", rubric.id),
    ]
    assert (second["status"], second["value"], second["age"]) == ("skipped", None, 4)
    assert second["task"] == "sums"  # what else is known never hides what is ours


def test_checks_stand_beside_what_is_known(store, one_of_each):
    store.add(one_of_each.values())
    control = one_of_each["controls"]
    answer = CheckLabel(
        control.id, control.rubric, "ada", value="correct", meta={"step": 2}, purpose="control"
    )
    skipped = CheckLabel(one_of_each["responses"].id, control.rubric, "bob", "skipped")
    store.add([answer, skipped])
    repeat, checked, last = export_rows("checks", store)
    columns = ["purpose", "case", "known", "annotator", "value", "status", "unsure", "note"]
    assert list(repeat) == [*columns, "created_at", "seconds", "rubric"]
    assert (repeat["purpose"], repeat["known"], repeat["value"]) == (
        *("repeat", "correct"),
        "incorrect",
    )
    assert (checked["purpose"], checked["known"], checked["value"], checked["step"]) == (
        *("control", "incorrect"),
        *("correct", 2),
    )
    assert (last["status"], last["known"]) == ("skipped", None)
