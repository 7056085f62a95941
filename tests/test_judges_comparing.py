"""What the pages say of comparisons, scores and people, on the pages themselves."""

from dataclasses import replace

import numpy as np
import pytest
from small_road import NOW, audit_of, policy

from judges.comparing import compared_words, p_value
from judges.evidence import weigh
from judges.report import report_html, report_markdown, report_value
from judges.tables import Audit
from samples.study import Study

RATERS = ["110010110100" * 5, "110010100100" * 5, "111010110100" * 5]


def value_of(audit: Audit) -> dict:
    study = Study(name="trial", policy=policy(resamples=200))
    return report_value(study, audit, weigh(audit, study.policy, 0), [], NOW)


def three_people(**judges: str) -> Audit:
    return audit_of(RATERS, judges, model="abc" * 20, question=list(np.arange(60) // 3))


@pytest.mark.parametrize(
    ("p", "said"), [(None, "–"), (0.0004, "< 0.001"), (0.0125, "0.013"), (1.0, "1.000")]
)
def test_p_values_in_words(p: float | None, said: str) -> None:
    assert p_value(p) == said


def test_both_pages_compare_the_judges() -> None:
    value = value_of(three_people(good=RATERS[0], poor="10" * 30))
    for page in (report_html(value), report_markdown(value)):
        assert "closer to people than" in page and "Holm" in page
        assert "Alternative annotator test" in page or "alternative annotator test" in page
        assert "rater 2" in page and "mean over models" in page
    assert value["comparisons"][0]["says"].startswith("good is closer to people than poor")
    assert compared_words(value)["standings"]["good"]["above"] == ["poor"]
    assert set(compared_words(value)["alternatives"]) == {"good", "poor"}


def test_one_judge_and_two_people_are_said_so() -> None:
    value = value_of(audit_of(RATERS[:2], {"only": RATERS[0]}))
    for page in (report_html(value), report_markdown(value)):
        assert "There is only one judge." in page
        assert "could not run: the test needs 3 raters" in page


def test_scores_have_a_table_of_their_own() -> None:
    audit = three_people(good=RATERS[0], plain=RATERS[1])
    scores = np.where(audit.reference.values == 1, 0.9, 0.2)
    scores[::7] = 0.5
    runs = audit.judges | {"good": replace(audit.judges["good"], scores=scores)}
    value = value_of(replace(audit, judges=runs))
    assert set(value["judges"]["good"]["graded"]) == {
        "failures_left_out",
        "failures_count_as_wrong",
    }
    assert "graded" not in value["judges"]["plain"]
    for page in (report_html(value), report_markdown(value)):
        assert "Brier score" in page and "AUROC" in page
    assert "AUROC" not in report_html(value_of(audit))


def test_an_overlap_that_was_not_drawn_is_not_the_set_s() -> None:
    raters = [RATERS[0], RATERS[1][:30] + "-" * 30]
    audit = audit_of(raters, {"j": RATERS[0]}, allocation="labelled")
    value = value_of(audit)
    assert value["cases"]["overlap_at_random"] is False
    assert "about them, not about the whole set" in report_html(value)
    assert "about them, not about the whole set" in report_markdown(value)
