"""By answer format: both rates by hand, what has no text, and that no warrant depends on it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_road import NOW, answers_in, approve, audit_of, freeze_all, policy, walk

from judges.answers import FORMATS
from judges.evidence import weigh
from judges.report import report_html, report_markdown, report_value, summary
from judges.tables import load_audit
from judges.traits import with_traits
from judges.warrant import check
from samples.cli import opened
from samples.records import Response
from samples.store import Store
from samples.study import Study

#            boxed   running no text
PEOPLE = "1100001111001010"
RULES = "11001011--0---10"
READER = "1" * 16
FORMAT = [0] * 6 + [4] * 6 + [5] * 4
SMALL = replace(
    audit_of(PEOPLE, {"auto": RULES, "reader": READER}, model="ab" * 8),
    formats=np.array(FORMAT),
)


@pytest.mark.parametrize(
    ("handling", "n", "accept", "reject"),
    [
        # people call 2 of 6 running texts wrong: one is called wrong, one fails and so counts as
        # accepted; of the 4 right ones 2 fail
        ("count_as_wrong", 6, (1 / 2, 2), (2 / 4, 4)),
        ("left_out", 3, (0.0, 1), (0.0, 2)),
    ],
)
def test_both_rates_by_hand(
    handling: str, n: int, accept: tuple[float, int], reject: tuple[float, int]
) -> None:
    found = weigh(SMALL, policy(failures=handling), 1).judges["auto"]["by"]["format"]
    assert list(found) == ["boxed", "running text", "no text"]
    running = found["running text"]
    assert running["n"] == n and running["failures"] == {"unparsable": 3}
    for rate, (value, of) in (("false_accept", accept), ("false_reject", reject)):
        assert (running[rate]["value"], running[rate]["n"]) == (pytest.approx(value), of)
    boxed = found["boxed"]
    assert boxed["false_accept"]["value"] == pytest.approx(1 / 4)
    assert boxed["false_accept"]["n"] == 4 and boxed["failures"] == {}


def test_the_rates_are_one_minus_specificity_and_sensitivity_with_their_intervals() -> None:
    one_format = replace(SMALL, formats=np.zeros(16, dtype=np.int64))
    about = weigh(one_format, policy(), 1).judges["auto"]
    pooled, found = about["case"]["failures_count_as_wrong"], about["by"]["format"]["boxed"]
    for rate, of in (("false_accept", "specificity"), ("false_reject", "sensitivity")):
        for end, other in (("value", "value"), ("low", "high"), ("high", "low")):
            assert found[rate][end] == pytest.approx(1 - pooled[of][other])


def test_a_format_without_wrong_answers_says_so() -> None:
    people, judge = "1111" + "0" * 12, "1100" + "1" * 12
    right = replace(audit_of(people, {"j": judge}), formats=np.array([0] * 4 + [2] * 12))
    found = weigh(right, policy(), 1).judges["j"]["by"]["format"]
    assert found["boxed"]["false_accept"] == {
        "value": None,
        "low": None,
        "high": None,
        "reason": "undefined: people always say 'correct'",
        "n": 0,
    }
    # it accepts 12 of 12 wrong ones: no resample moves that, so the interval is Clopper–Pearson's
    assert found["announced"]["false_accept"]["value"] == 1
    assert found["announced"]["false_accept"]["low"] == pytest.approx(0.025 ** (1 / 12))
    assert found["announced"]["false_reject"]["reason"] == "undefined: people never say 'correct'"


def test_a_format_is_no_finding_and_no_part_of_the_evidence_s_identity() -> None:
    plain = weigh(replace(SMALL, formats=None), policy(), 1)
    made = weigh(SMALL, policy(), 1)
    assert (made.id, made.inputs) == (plain.id, plain.inputs)
    assert made.findings == plain.findings and made.could_not_check == plain.could_not_check
    for name, about in made.judges.items():
        del about["by"]["format"]
        assert about == plain.judges[name]


def test_where_no_response_has_a_text_it_is_not_checked() -> None:
    none = replace(SMALL, formats=np.full(16, FORMATS.index("no text")))
    made = weigh(none, policy(), 1)
    assert {"check": "answer format", "why": "the responses have no text"} in made.could_not_check
    assert "format" not in made.judges["auto"]["by"]


# --- from a study's rows ------------------------------------------------------------------------

SAID = [
    "The answer is SUM.",
    "So it is \\boxed{SUM}.",
    "First we add.\n#### SUM",
    "SUM",
    "<think>\\boxed{1}</think>SUM",
    "We count on our fingers\nand then we see SUM of them",
]


@pytest.fixture
def road(tmp_path: Path) -> Iterator[tuple[Study, Store]]:
    rows = [
        row
        for place, said in enumerate(SAID)
        for row in answers_in(said, range(place + 1, 10, len(SAID)))
    ]
    walk(tmp_path, **{"good.jsonl": rows})
    with opened(tmp_path / "study.toml") as pair:
        yield pair


def test_formats_are_read_from_what_was_said_aloud(road: tuple[Study, Store]) -> None:
    study, store = road
    audit = with_traits(load_audit(study, store), study, store)
    assert audit.formats is not None
    texts = {
        case.response.id: case.response.text for case in store.cases(audit.responses, rubric(study))
    }
    for response, code in zip(audit.responses, audit.formats, strict=True):
        said = texts[response].rpartition("</think>")[2]
        assert FORMATS[code] == (
            "boxed" if "boxed" in said
            else "after ####" if "#" in said
            else "announced" if "answer is" in said
            else "running text" if "\n" in said
            else "short reply"
        )  # fmt: skip
    assert len(set(audit.formats)) > 3


def rubric(study: Study):
    return study.rater_question


def test_a_response_without_a_text_has_the_format_no_text(road: tuple[Study, Store]) -> None:
    study, store = road
    old = next(store.responses())
    store.add([Response(old.item, old.model, old.spec, old.strategy, 1, None)])
    freeze_all(study, store, NOW.replace("09:30", "10:00"))
    audit = with_traits(load_audit(study, store), study, store)
    assert audit.formats is not None
    assert [FORMATS[code] for code in audit.formats].count("no text") == 1


def test_a_warrant_still_follows_from_the_rows(road: tuple[Study, Store]) -> None:
    study, store = road
    warrant = approve(study, store, "rules")
    assert check(warrant, with_traits(load_audit(study, store), study, store), study) == ""


def test_every_judge_stands_beside_the_others_on_the_pages(road: tuple[Study, Store]) -> None:
    study, store = road
    audit = with_traits(load_audit(study, store), study, store)
    value = report_value(study, audit, weigh(audit, study.policy, 0), [], NOW)
    assert "answer format" not in summary(value)
    page, markdown = report_html(value), report_markdown(value)
    assert 'id="formats"' in page and "## By answer format" in markdown
    for name in ("rules", "reader", "yes"):
        assert f"| boxed | {name} | " in markdown
        assert f"{name} by answer format" in page
    lines = [line for line in markdown.splitlines() if line.startswith("| boxed")]
    assert "| boxed | yes |" in "".join(lines)
    plain = report_value(
        study,
        replace(audit, formats=None),
        weigh(replace(audit, formats=None), study.policy, 0),
        [],
        NOW,
    )
    assert 'id="formats"' not in report_html(plain)
    assert "By answer format" not in report_markdown(plain)
