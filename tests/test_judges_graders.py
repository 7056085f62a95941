"""Who graded the board: as before with one judge, all of them where there are several."""

from dataclasses import replace

from small_board import GRANTED, JUDGES, entry

from judges.graders import by_judge, graders
from judges.mandates import Mandate

READER = Mandate("reader", replace(GRANTED, judge="reader"), ("words",))
BODY = GRANTED.body | {"reference": {"labels": "reference"}}


def test_one_judge_is_the_board_s() -> None:
    found = graders(JUDGES, {"rules": {"labels": 40}})
    assert (found["judge"], found["labels"]) == ("rules", "human")
    assert found["warrant"]["id"] == GRANTED.id and found["judge_error"]["n"] == 40
    assert found["judges"][0]["errors_by_label"] == {"labels": 40}


def test_of_several_judges_none_is_the_board_s() -> None:
    found = graders([*JUDGES, READER], {})
    assert (found["judge"], found["warrant"], found["judge_error"]) == (None, None, None)
    assert [one["judge"] for one in found["judges"]] == ["rules", "reader"]
    assert found["judges"][1]["errors_by_label"] is None and found["labels"] == "human"
    other = READER._replace(granted=replace(GRANTED, judge="reader", body=BODY))
    assert graders([*JUDGES, other], {})["labels"] == "mixed"
    assert graders([other], {})["labels"] == "reference"


def test_a_model_s_line_has_every_judge_s_leniency_and_the_closest_kin() -> None:
    line = entry("a", sums="1", kin={"rules": "same family", "reader": "itself"})
    one, both = by_judge(line, JUDGES), by_judge(line, [*JUDGES, READER])
    assert one["judge_leniency"]["value"] == 0.02 and both["judge_leniency"] is None
    assert both["by_judge"]["reader"]["leniency"]["value"] == 0.02
    assert both["judge_kin"] == "itself" and both["by_judge"]["rules"]["kin"] == "same family"
    assert by_judge(entry("new", sums="1"), JUDGES)["judge_leniency"] is None
