"""Traits of answers: scripts, outcomes, lengths and kin, from the rows of a study."""

from pathlib import Path

import numpy as np
import pytest
from small_road import NOW, answers_in, edit, freeze_all, label_all, walk

from judges.evidence import weigh
from judges.report import report_html, report_markdown, report_value
from judges.tables import load_audit
from judges.traits import ANSWERS, outcome, script, with_traits
from samples.cli import opened
from samples.records import Response


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is 4.", "Latin letters"),
        ("La réponse est 4, voilà.", "Latin letters"),
        ("Ответ: 4", "Cyrillic letters"),
        ("答案是 4", "Han or kana letters"),
        ("答えは 4 です", "Han or kana letters"),
        ("정답은 4", "Hangul letters"),
        ("الجواب 4", "Arabic letters"),
        ("So the answer, 因此答案是四", "mixed scripts"),
        ("Let α be the angle between the two lines; then it is a right one.", "Latin letters"),
        ("= 42.", "no letters"),
        ("", "no letters"),
    ],
)
def test_scripts(text: str, expected: str) -> None:
    assert script(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is 4.", ANSWERS),
        ("I cannot answer that.", "refusal"),
        ("... !!", "degenerate"),
        ("We add one and we add one and " + "we add one and " * 20, "degenerate"),
    ],
)
def test_outcomes(text: str, expected: str) -> None:
    assert outcome(text) == expected


SAID = ["The answer is SUM.", "<think>We add and add.</think>\\boxed{SUM}", "Ответ: SUM"]


def test_from_the_rows_to_the_page(tmp_path: Path) -> None:
    rows = [r for n, said in enumerate(SAID) for r in answers_in(said, range(n + 1, 10, 3))]
    path = walk(tmp_path, **{"good.jsonl": rows}) / "study.toml"
    with opened(path) as (study, store):
        old = next(iter(store.responses()))
        cut = Response(old.item, old.model, old.spec, "cot", 7, "The answer is", "length")
        silent = Response(old.item, old.model, old.spec, "cot", 8, None)
        store.add([cut, silent])
        freeze_all(study, store, NOW.replace("09:30", "10:00"))
        audit = with_traits(load_audit(study, store), study, store)
        value = report_value(study, audit, weigh(audit, study.policy, 0), [], NOW)
    traits = audit.traits
    assert traits is not None
    places = [audit.responses.index(one.id) for one in (cut, silent)]
    named = {
        kind: [trait.names[code] if code >= 0 else "" for code in trait.codes]
        for kind, trait in traits.slices.items()
    }
    assert [named["strategy"][row] for row in places] == ["cot", "cot"]
    assert [named["truncation"][row] for row in places] == ["cut off", "complete"]
    assert [named["language"][row] for row in places] == ["Latin letters", ""]
    assert set(named["language"]) == {"Latin letters", "Cyrillic letters", ""}
    assert traits.characters[places[0]] == len("The answer is") and np.isnan(
        traits.characters[places[1]]
    )
    # thoughts are not counted: what was said aloud is what is judged
    assert np.nanmax(traits.characters) < len("<think>We add and add.</think>")
    rates = value["judges"]["rules"]["rates"]
    assert {"model", "strategy", "truncation", "language", "answer format"} <= set(rates)
    assert all(
        set(one) == {"n", "leniency", "false_accept", "false_reject"}
        for one in rates["language"].values()
    )
    page, markdown = report_html(value), report_markdown(value)
    assert "language: Cyrillic letters" in page and "bias by compression" in markdown


def test_a_judge_s_kin_are_found(tmp_path: Path) -> None:
    path = walk(tmp_path) / "study.toml"
    edit(path, 'kind = "llm"', 'kind = "llm"\nallow_self = true')
    with opened(path) as (study, store):
        label_all(study, store)
        audit = with_traits(load_audit(study, store), study, store)
    assert audit.traits is not None
    assert all(trait.why_not for trait in audit.traits.kin.values())  # nobody judges itself here
