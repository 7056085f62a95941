"""One notation for figures, rules and decisions."""

import pytest

from judges.agreement import STATISTICS
from judges.meaning import GRADED_MEANING
from judges.phrasing import NAMES, RANKING_MEANING, interval, number, required, rule_says
from judges.probe_rates import STATISTICS as PROBE_STATISTICS
from judges.ranking import RANKING
from judges.requirements import COVERAGE, ENOUGH
from judges.scores import GRADED


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (0.785, False, "0.79"),
        (-0.5, False, "−0.50"),
        (0.5, True, "+0.50"),
        (0.0, True, "0.00"),
        (0.9996, False, "0.999"),  # not quite 1 must not read as 1
        (0.0004, False, "0.001"),
        (1.0, False, "1.00"),
    ],
)
def test_numbers(value: float, signed: bool, text: str) -> None:
    assert number(value, signed=signed) == text


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ({"value": 0.79, "low": 0.76, "high": 0.82}, "0.79 [0.76, 0.82]"),
        ({"value": 1.0, "low": 0.21, "high": 1.0, "note": "n"}, "1.00 [0.21, 1.00] †"),
        ({"value": 0.5, "low": None, "high": None, "reason": "no interval"}, "0.50 (no interval)"),
        ({"value": None, "low": None, "high": None, "reason": "undefined: x"}, "undefined: x"),
    ],
)
def test_intervals(figure, text: str) -> None:
    assert interval(figure) == text


def test_a_rule_in_words_names_the_worst_slice_and_the_limit() -> None:
    rule = {"statistic": "leniency", "level": "case", "per": "model", "bound": "both"}
    rule |= {"within": 0.05, "slice": "tiny"}
    rule |= {"observed": {"value": 0.061, "low": 0.028, "high": 0.091}}
    assert required(rule) == "interval within ±0.05"
    said = "leniency for tiny, the worst model, +0.061 [+0.028, +0.091]"
    assert rule_says(rule) == f"{said} (required: interval within ±0.05)"


def test_every_figure_has_a_name() -> None:
    figures = STATISTICS.keys() | set(RANKING) | PROBE_STATISTICS.keys() | set(GRADED)
    figures |= {"intraclass"}  # between people only
    assert NAMES.keys() == figures | {COVERAGE, *ENOUGH}
    assert GRADED_MEANING.keys() == set(GRADED)
    assert RANKING_MEANING.keys() == set(RANKING)
