"""Every point of the reporting checklist is answered out of the report's own figures."""

import pytest
from small_road import NOW, audit_of, policy, walk

from judges.checklist import checklist
from judges.evidence import weigh
from judges.report import report_html, report_markdown
from judges.report_value import report_value
from judges.tables import load_audit
from samples.cli import opened


@pytest.fixture(scope="module")
def value(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = walk(tmp_path_factory.mktemp("road"))
    with opened(folder / "study.toml") as (study, store):
        audit = load_audit(study, store)
        evidence = weigh(audit, study.policy, study.seed)
        return report_value(study, audit, evidence, [], NOW)


def points(value: dict) -> dict[str, str]:
    return {one["point"]: one["says"] for one in value["checklist"]}


def test_every_point_is_answered(value) -> None:
    found = points(value)
    assert list(found) == [
        "Judgment scale",
        "Abstention",
        "Ties",
        "Coverage",
        "Confusion counts",
        "Level of aggregation",
        "What is one fact",
    ]
    assert "'incorrect' < 'correct'" in found["Judgment scale"]
    assert "counted as wrong" in found["Abstention"]
    assert found["Ties"].startswith("0 cases")
    assert "rules 1.000 [" in found["Coverage"]
    assert "rules (incorrect: 12, 0, 0; correct: 0, 12, 0)" in found["Confusion counts"]
    assert "24 settled answers of 2 models to 12 questions" in found["Level of aggregation"]
    assert "Cohen's κ (case)" in found["Level of aggregation"]
    assert "MCC, Spearman's ρ, Kendall's τ-b, Pearson's r" in found["What is one fact"]


def test_it_stands_on_both_pages(value) -> None:
    page, text = report_html(value), report_markdown(value)
    assert "reporting checklist" in page.lower() and "Reporting checklist" in text
    for point in points(value):
        assert f"<dt>{point}</dt>" in page and f"**{point}**" in text


def test_more_labels_are_more_facts(value) -> None:
    more = value | {"rubric": value["rubric"] | {"labels": ["bad", "fair", "good"]}}
    found = {one["point"]: one["says"] for one in checklist(more)}
    assert found["Judgment scale"].startswith("3 ordered labels, 'bad' < 'fair' < 'good'")
    assert found["What is one fact"].startswith("With more than two labels")


def test_the_table_by_task_has_people_on_top() -> None:
    """Two people and two tasks: ρ of each pair, and 'no cases' where nobody labelled twice."""
    people = ["110010110100", "11001011----"]
    audit = audit_of(people, {"judge": "110010110101"}, task="sssssssstttt")
    evidence = weigh(audit, policy(), 0)
    found = evidence.raters_by_task
    assert found["n"] == 8 and found["all"]["value"] == found["task"]["s"]["value"] == 1.0
    assert found["task"]["t"]["value"] is None and "no cases" in found["task"]["t"]["reason"]
    alone = weigh(audit_of(people[0], {"judge": people[0]}), policy(), 0)
    assert alone.raters_by_task == {}


def test_the_table_by_task_is_on_both_pages(value) -> None:
    assert "The judges task by task" in report_html(value)
    assert "Spearman's ρ task by task" in report_markdown(value)
