"""Every figure of the report can be counted in the exported cases."""

import csv
from pathlib import Path

import pytest
from readme import run
from small_road import walk

from judges.case_rows import case_rows
from judges.evidence import weigh
from judges.tables import load_audit
from samples.cli import opened


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    unread = [{"match": "answer is 99", "text": "Hm."}, {"text": "Verdict: correct"}]
    return walk(tmp_path_factory.mktemp("road"), **{"verdicts.jsonl": unread}) / "study.toml"


def exported(path: Path, tmp_path: Path) -> list[dict[str, str]]:
    out = tmp_path / "cases.csv"
    said = run("export", "cases", "--study", str(path), "--out", str(out))
    assert said == f"24 cases written to {out}\n"
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_report_s_figures_can_be_counted(path: Path, tmp_path: Path) -> None:
    rows = exported(path, tmp_path)
    with opened(path) as (study, store):
        evidence = weigh(load_audit(study, store), study.policy, study.seed)
    for judge in ("rules", "reader", "yes"):
        about = evidence.judges[judge]
        decided = [row for row in rows if row[f"verdict {judge}"]]
        right = sum(row[f"verdict {judge}"] == row["settled"] for row in decided)
        found = about["case"]["failures_left_out"]["accuracy"]["value"]
        assert found == pytest.approx(right / len(decided))
        kinds = [row[f"failure {judge}"] for row in rows if row[f"failure {judge}"]]
        assert about["failures"] == ({"unparsable": len(kinds)} if kinds else {})
        for model in ("good", "bad"):
            n = sum(row["model"] == model for row in rows)
            assert about["by"]["model"][model]["n"] == n


def test_a_row_says_what_it_is(path: Path, tmp_path: Path) -> None:
    rows = exported(path, tmp_path)
    assert set(rows[0]) >= {"case", "task", "key", "model", "strategy", "draw", "weight", "settled"}
    assert all(row["label ann"] == row["settled"] for row in rows)
    assert {float(row["weight"]) for row in rows} == {1.0}
    bad = next(row for row in rows if row["model"] == "bad")
    assert (bad["verdict reader"], bad["failure reader"]) == ("", "unparsable")


def test_what_nobody_settled_is_left_open(path: Path) -> None:
    with opened(path) as (study, store):
        audit = load_audit(study, store)
        audit.reference.values[0] = -1
        first = next(case_rows(audit, store))
    assert first["settled"] is None
