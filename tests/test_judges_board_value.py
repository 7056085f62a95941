"""The leaderboard as one value, made from a study; corrected figures join their cells."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_board import JUDGES, entry
from small_road import NOW, approve, copied, edit, walk

from judges.board_page import as_text, html, markdown
from judges.board_value import audit_places, board_value, names_degenerate, whole
from judges.entries import entries
from judges.figures import undefined_figure
from judges.leaderboard import ALL_TASKS, CorrectedFigures, resample, to_csv
from judges.mandates import judge_of
from judges.tables import load_audit
from samples import numbered
from samples.cli import opened
from samples.records import Spec


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return walk(tmp_path_factory.mktemp("road"))


def test_a_study_s_board_has_all_its_parts(road: Path, tmp_path: Path) -> None:
    path = copied(road, tmp_path)
    edit(path, 'model = "bad.jsonl"', 'model = "bad.jsonl"\nparent = "good"\ncompression = "int4"')
    with opened(path) as (study, store):
        approve(study, store, "rules")
        value = board_value(study, store, judge_of(study, store, NOW), NOW)
    good, bad = value["rows"]
    assert (good["aggregate"]["value"], bad["aggregate"]["value"]) == (1.0, 0.0)
    assert (good["kind"], bad["kind"]) == ("none", "quantised")
    [change] = value["compression"]
    assert (change["right_to_wrong"], change["kind"]) == (12, "quantised")
    assert value["pairs"][0]["difference"] == 1.0
    assert (value["strategies"], value["robustness"], value["reasoning"]) == ([], [], [])
    assert json.loads(as_text(value)) == value


OWN = {"method": "ppi++", "labels": 40, "facts": {}}
CARRIED = {"method": "rogan-gladen", "labels": 3, "facts": {}}
NONE = {"method": "none", "labels": 3, "facts": {}}


def test_corrected_figures_stand_beside_the_raw_ones_everywhere() -> None:
    board = resample([entry("a", sums="1110"), entry("b", sums="10")], np.random.default_rng(1))
    figures = {
        ("a", "direct", "sums"): {"value": 0.7, "low": 0.6, "high": 0.8} | OWN,
        ("a", "direct", ALL_TASKS): {"value": 0.71, "low": 0.6, "high": 0.8} | CARRIED,
        ("b", "direct", "sums"): undefined_figure("too few labels") | NONE,
    }
    corrected = CorrectedFigures("by its measured errors", figures)
    value = whole(board, JUDGES, "small", 0.95, NOW, corrected=corrected)
    a, b = value["rows"]
    assert a["tasks"]["sums"]["corrected"]["value"] == 0.7 and a["tasks"]["sums"]["value"] == 0.75
    assert a["aggregate"]["corrected"]["value"] == 0.71
    assert b["tasks"]["sums"]["corrected"]["value"] is None and b["aggregate"]["corrected"] is None
    assert "corrected 70.0% [60.0, 80.0]" in html(value) and "by its measured errors" in html(value)
    assert "by its own labels, n = 40" in html(value) and "by the judge&#39;s errors" in html(value)
    for page in (html(value), markdown(value)):
        assert "not corrected" in page and "b · direct (sums): too few labels." in page
    assert "(corrected 71.0% [60.0, 80.0])" in markdown(value)
    lines = to_csv(value).splitlines()
    place = lines[0].split(",").index("sums_corrected")
    assert [line.split(",")[place] for line in lines[1:]] == ["0.7", ""]
    assert [line.split(",")[place + 3 : place + 5] for line in lines[1:]] == [
        ["ppi++", ""],
        ["none", "too few labels"],
    ]


def test_counts_by_question_are_there_for_whoever_corrects() -> None:
    some = [entry("a", sums="11-0", draws=2), entry("b", sums="10u0", draws=2)]
    [counts] = resample(some, np.random.default_rng(1)).counts
    assert counts.items.tolist() == [0, 1]
    assert counts.answers.tolist() == [[2, 2], [2, 1]]
    assert counts.right.tolist() == [[2, 1], [0, 0]]
    assert counts.failed.tolist() == [[0, 0], [1, 0]]


def test_the_same_counts_in_rows_numbered_through_all_tasks() -> None:
    some = [entry("a", sums="11-0", draws=2, words="1"), entry("b", sums="uu0u", draws=2)]
    rows = np.stack(resample(some, np.random.default_rng(1)).by_question(), axis=1)
    # entry, task, question, right, answers
    assert rows.tolist() == [[0, 0, 0, 2, 2], [0, 0, 1, 0, 2], [1, 0, 1, 0, 1], [0, 1, 2, 1, 1]]


def test_only_rules_name_degenerate_answers() -> None:
    assert names_degenerate(Spec("judge", "r", {"kind": "auto"}))
    assert not names_degenerate(Spec("judge", "m", {"kind": "llm"}))


def test_the_audit_s_cases_have_their_places_on_the_board(road: Path, tmp_path: Path) -> None:
    with opened(copied(road, tmp_path)) as (study, store):
        approve(study, store, "rules")
        lines, audit = entries(study, store, judge_of(study, store, NOW)), load_audit(study, store)
        others = [lines[0], replace(lines[1], specs=())]  # as if made by other settings
        found = [
            audit_places(store, audit, resample(some, np.random.default_rng(1)))
            for some in (lines, others)
        ]
        keys = [one.key for one in numbered.asked(store)]
        asked = {item.id: item.key for item in store.items()}
        items = [asked[row[0]] for row in store.traits(audit.responses)]
    models = [audit.models[code] for code in audit.model]
    assert [lines[e].model for e in found[0].entry] == models
    assert [keys[number - 1] for number in found[0].item] == items
    gone = found[1].entry == -1
    assert {model for model, none in zip(models, gone, strict=True) if none} == {"bad"}
    assert gone.sum() == 12
