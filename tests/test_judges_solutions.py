"""Solutions judged: whose critiques are counted, who ruled on the reasons, and the pages."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from small_road import NOW, approve

from judges.evidence import weigh
from judges.report import report_html, report_markdown, report_value
from judges.solutions import solutions_judged
from judges.tables import load_audit, study_judges
from samples.audit import all_labelled, freeze
from samples.exchange import imported_judge
from samples.records import Account, Item, Label, Response, Spec, Verdict
from samples.store import Store
from samples.study import Study

RULES = [{"statistic": "accuracy", "at_least": 0.1}]
STUDY = Study(
    name="critics",
    judge=[{"name": "parser", "kind": "critique"}],
    policy={"resamples": 200, "rule": RULES},
)
RUBRIC = STUDY.rater_question
ITEMS = [
    Item(
        "mr",
        str(n),
        f"{n} + 1?\n\nSolution to check:\nStep 1: so",
        ("correct",) if n % 3 == 0 else (f"incorrect; first wrong step: {n % 3}; reason: so",),
        "critique",
    )
    for n in range(12)
]
SHARP, DULL = Spec("model", "sharp", {"a": 1}), Spec("model", "dull", {"a": 1})


def says(correctness: str, step: object = "none") -> str:
    return f"Solution correctness: {correctness}\nFirst wrong step: {step}\nReason: <b>so</b>"


def answer(item: Item, spec: Spec, text: str | None, finish: str = "stop") -> Response:
    return Response(item.id, spec.name, spec.id, "direct", 0, text, finish)


def sharp(item: Item) -> str:
    n = int(item.key)
    return says("correct") if n % 3 == 0 else says("incorrect", n % 3)


@pytest.fixture
def answers(store: Store) -> list[Response]:
    """Sharp is right throughout; dull calls the first half wrong at step 1 and rambles on."""
    made = [answer(item, SHARP, sharp(item)) for item in ITEMS]
    made += [
        answer(item, DULL, says("incorrect", 1) if n < 6 else "Well, 1 + 1.")
        for n, item in enumerate(ITEMS)
    ]
    store.add([RUBRIC, SHARP, DULL, *ITEMS, *made])
    return made


def label(store: Store, responses: Sequence[Response], value: str = "correct") -> None:
    labels = [Label(r.id, RUBRIC.id, "ann", value=value) for r in responses]
    store.add(labels)
    freeze(store, RUBRIC, all_labelled(store, RUBRIC), {"allocation": "labelled"}, NOW)


def judged(store: Store) -> dict[str, dict[str, object]]:
    made = solutions_judged(STUDY, store, load_audit(STUDY, store))
    assert [(one["task"], one["strategy"]) for one in made] == [("mr", "direct")] * len(made)
    return {one["model"]: one for one in made}


def test_nothing_is_said_where_nothing_was_to_be_judged(store: Store) -> None:
    item = Item("sums", "1", "1 + 1?", ("2",), "number")
    made = answer(item, SHARP, "2")
    store.add([RUBRIC, SHARP, item, made])
    label(store, [made])
    assert solutions_judged(STUDY, store, load_audit(STUDY, store)) == []


def test_every_critique_counts_and_people_s_labels_rule_on_the_reasons(
    store: Store, answers: list[Response]
) -> None:
    label(store, answers[:8])
    found = judged(store)
    one = found["sharp"]
    assert (one["n"], one["wrong_solutions"], one["right_steps"]) == (12, 8, 8)
    assert one["mcc"]["value"] == one["step_accuracy"]["value"] == one["mr_score"]["value"] == 1
    # 0 to 7: six of them are of wrong solutions
    assert one["reasons_ruled_by"] == {"people's labels": 5} and one["not_read"] == {}
    dull = found["dull"]
    assert dull["not_read"] == {"unparsable": 6}
    # wrong solutions 1, 2, 4, 5, 7, 8, 10, 11, the step named of 1 and 4; nobody ruled on those
    assert dull["step_accuracy"]["value"] == pytest.approx(2 / 8)
    assert dull["reason_accuracy"]["value"] is None and dull["mr_score"]["value"] is None
    # unread ones are wrong calls: 4 of 8 wrong and none of 4 right solutions are called wrong
    # rightly: (4 · 0 − 4 · 4) / √(8 · 4 · 8 · 4)
    assert dull["mcc"]["value"] == pytest.approx(-16 / 32)


def test_a_label_that_the_whole_is_wrong_is_a_reason_that_does_not_hold(
    store: Store, answers: list[Response]
) -> None:
    label(store, answers[:6])
    label(store, answers[6:12], "incorrect")
    one = judged(store)["sharp"]
    # of the wrong ones 1, 2, 4, 5 hold and 7, 8, 10, 11 don't
    assert one["reason_accuracy"]["value"] == pytest.approx(1 / 2)


def test_an_approved_judge_rules_where_no_label_does(store: Store, answers: list[Response]) -> None:
    label(store, answers[:6])
    gpt, parser = imported_judge("gpt"), study_judges(STUDY, store)["parser"]
    given = [
        Verdict(r.id, RUBRIC.id, spec.name, spec.id, value="correct" if n < 9 else "incorrect")
        for n, r in enumerate(answers[:12])
        for spec in (gpt, parser)
    ]
    store.add([gpt, parser, *given[:-2], replace(given[-2], value=None, failure="refused")])
    assert approve(STUDY, store, "parser").decision == "approved"  # but it reads no reasons
    assert judged(store)["sharp"]["reasons_ruled_by"] == {"people's labels": 4}  # no warrant yet
    assert approve(STUDY, store, "gpt").decision == "approved"
    one = judged(store)["sharp"]
    # 7, 8 and 10 by the judge, who refused 11: seven ruled on, of which 10 doesn't hold
    assert one["reasons_ruled_by"] == {"people's labels": 4, "gpt": 3}
    assert one["reason_accuracy"]["value"] == pytest.approx(6 / 7)
    stale = STUDY.model_copy(update={"seed": 1})
    (first, *_) = solutions_judged(stale, store, load_audit(stale, store))
    assert first["reasons_ruled_by"] == {"people's labels": 4}


def test_labels_by_program_are_said_to_be_so(store: Store, answers: list[Response]) -> None:
    store.add([Account("ann", kind="reference")])
    label(store, answers[:12])
    ruled = judged(store)["sharp"]["reasons_ruled_by"]
    assert ruled == {"reference labels made by program": 8}


def test_answers_without_a_text_and_of_an_earlier_definition_are_left_out(
    store: Store, answers: list[Response]
) -> None:
    label(store, answers[:3])
    anew, scored = Spec("model", "dull", {"a": 2}), Spec("model", "scored", {})
    store.add([anew, scored, answer(ITEMS[0], scored, None)])
    store.add([answer(ITEMS[0], anew, sharp(ITEMS[0])), answer(ITEMS[1], anew, None, "too_long")])
    found = judged(store)
    assert set(found) == {"sharp", "dull"}
    assert (found["dull"]["n"], found["dull"]["not_read"]) == (2, {"too_long": 1})


def test_the_pages_say_it(store: Store, answers: list[Response]) -> None:
    label(store, answers[:8])
    audit = load_audit(STUDY, store)
    evidence = weigh(audit, STUDY.policy, STUDY.seed)
    value = report_value(STUDY, audit, evidence, [], NOW)
    assert "MR-Score" not in report_html(value) + report_markdown(value)
    value["critiques"] = solutions_judged(STUDY, store, audit)
    page, markdown = report_html(value), report_markdown(value)
    assert 'href="#solutions"' in page and 'id="solutions"' in page
    for text in (page, markdown):
        assert "6 unparsable" in text and "(5 of 8)" in text and "Zeng et al. 2023" in text
        assert "undefined: nobody has ruled on the reason of any of 2 critiques" in text
    (row,) = [line for line in markdown.splitlines() if line.startswith("| mr | sharp")]
    assert row.count("1.00 [") == 4
