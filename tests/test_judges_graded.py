"""From labels' chances to a verdict with a score, by hand."""

import math

import pytest

from judges.graded import check_labels, weigh
from samples.errors import BenchwarrantError

LABELS = ("incorrect", "correct")


def logs(*chances):
    return [math.log(chance) if chance else -math.inf for chance in chances]


def test_the_most_probable_label_and_the_positive_ones_part():
    made = weigh(logs(0.2, 0.6), LABELS, 0.1)
    assert (made.value, made.failure) == ("correct", None)
    assert made.score == pytest.approx(0.75)  # 0.6 / (0.2 + 0.6)
    assert made.meta["share"] == pytest.approx(0.8)
    assert made.meta["labels"] == pytest.approx({"incorrect": 0.25, "correct": 0.75})
    assert made.reason == "the most probable label: 75.0%"


def test_the_score_is_of_the_last_label_whichever_wins():
    made = weigh(logs(0.1, 0.5, 0.2), ("wrong", "partly", "right"), 0.1)
    assert (made.value, made.score) == ("partly", pytest.approx(0.25))
    assert weigh(logs(0.9, 0.0), LABELS, 0.1).score == 0.0


@pytest.mark.parametrize("chances", [(0.05, 0.04), (0.0, 0.0), (math.nan, math.nan)])
def test_labels_that_the_model_hardly_thinks_of_are_no_verdict(chances):
    made = weigh(
        [math.log(c) if c > 0 else -math.inf if c == 0 else c for c in chances], LABELS, 0.1
    )
    assert (made.value, made.failure, made.score) == (None, "unparsable", None)
    assert "would say something else" in made.reason
    assert math.isnan(chances[0]) or made.meta["share"] == pytest.approx(sum(chances))


def test_a_tie_is_no_verdict():
    made = weigh(logs(0.3, 0.3), LABELS, 0.1)
    assert (made.value, made.failure, made.score) == (None, "unparsable", None)


@pytest.mark.parametrize("labels", [("correct", "correct but late"), ("No", "no answer")])
def test_labels_of_which_one_begins_another_are_refused(labels):
    with pytest.raises(BenchwarrantError, match=r"cannot tell .* one begins the other"):
        check_labels("j", labels)


def test_other_labels_are_fine():
    check_labels("j", ("incorrect", "partly correct", "correct"))
