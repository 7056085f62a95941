"""The team's figures against hand-computed ones and the published library."""

from datetime import UTC, datetime, timedelta

import krippendorff
import numpy as np
import pytest

from annotator.team_figures import Left, agreement, checks, left, pace, people
from samples.oversight import Checked, Stratum, Work

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
VALUES = ("incorrect", "correct")


def work(name: str, minutes: list[float], status: str = "labelled") -> list[Work]:
    """Labels given so many minutes ago, each after 10 seconds."""
    return [
        Work(name, f"r{n}", status, 10.0 + n, (NOW - timedelta(minutes=ago)).isoformat())
        for n, ago in enumerate(minutes)
    ]


def test_the_pace_leaves_breaks_and_older_work_out() -> None:
    # 50, 48, 46 · a break of 40 · 6, 5, 4, 3: five gaps of 2, 2, 1, 1, 1 minutes
    assert pace(work("ann", [200, 199, 50, 48, 46, 6, 5, 4, 3]), NOW) == pytest.approx(5 / 7 * 60)
    assert pace(work("ann", [30]), NOW) is None
    assert pace(work("ann", [50, 20]), NOW) is None  # nothing but a break
    assert pace(work("ann", [5, 5]), NOW) is None  # no time between them
    assert pace(work("ann", [-3, -2]), NOW) is None  # a clock that is ahead
    assert pace([], NOW) is None


def test_people_by_name() -> None:
    done = [
        *work("ben", [9, 8, 7]),
        *work("ben", [6], "skipped"),
        *work("ann", [5], "unjudgeable"),
    ]
    ann, ben = people(done, NOW)
    assert (ann.name, ann.labelled, ann.unjudgeable, ann.seconds, ann.pace) == (
        *("ann", 0, 1),
        *(None, None),
    )
    assert (ben.labelled, ben.skipped, ben.seconds, ben.pace) == (3, 1, 11.0, pytest.approx(60))
    assert ben.last == (NOW - timedelta(minutes=6)).isoformat()


def test_time_left_is_at_everybodys_pace_together() -> None:
    strata = [Stratum(1, "sums", 10, 20, 12, 8), Stratum(2, "sums", 5, 5, 5, 0)]
    both = [*work("ann", [4, 3, 2]), *work("ben", [9, 7, 5])]  # 60 and 30 labels an hour
    assert left(strata, both, NOW) == Left(25, 17, 8, pytest.approx(8 / 90))
    assert left(strata, [], NOW).hours is None


def ratings(rng: np.random.Generator, cases: int) -> list[tuple[str, str, str, str]]:
    """Two of three people on each case, who agree on about 85%; two cases to a question."""
    made = []
    for case in range(cases):
        truth = rng.random() < 0.6
        for name in rng.choice(["ann", "ben", "cid"], 2, replace=False):
            value = truth ^ (rng.random() < 0.08)
            made.append((f"r{case}", f"q{case // 2}", str(name), VALUES[int(value)]))
    return made


def test_agreement_is_what_the_library_computes() -> None:
    labels = ratings(np.random.default_rng(3), 120)
    found = agreement(labels, VALUES, 7)
    table = np.full((3, 120), np.nan)
    for case, _, name, value in labels:
        table[["ann", "ben", "cid"].index(name), int(case[1:])] = VALUES.index(value)
    expected = krippendorff.alpha(table, level_of_measurement="nominal")
    assert found["krippendorff_alpha"].value == pytest.approx(expected, abs=1e-12)
    pairs = [table[:, n][~np.isnan(table[:, n])] for n in range(120)]
    same = np.mean([one[0] == one[1] for one in pairs])
    assert found["percent_agreement"].value == pytest.approx(same)
    for figure in found.values():
        assert figure.low < figure.value < figure.high <= 1
        assert figure.n == 120
        assert 0.02 < figure.high - figure.low < 0.5
    assert agreement(labels, VALUES, 7) == found


def test_cohens_kappa_of_two_by_hand() -> None:
    """40 both correct, 30 both incorrect, 20 and 10 apart: po 0.7, pe 0.6·0.5 + 0.4·0.5 = 0.5."""
    cells = [("correct", "correct")] * 40 + [("incorrect", "incorrect")] * 30
    cells += [("correct", "incorrect")] * 20 + [("incorrect", "correct")] * 10
    labels = [
        (f"r{n}", f"q{n}", name, value)
        for n, cell in enumerate(cells)
        for name, value in zip(("ann", "ben"), cell, strict=True)
    ]
    found = agreement(labels, VALUES, 7)
    assert found["conger_kappa"].value == pytest.approx(0.4)
    assert found["percent_agreement"].value == pytest.approx(0.7)
    # the bootstrap of 100 independent cases is near the binomial's ± 1.96 √(0.21 / 100)
    assert found["percent_agreement"].low == pytest.approx(0.61, abs=0.02)
    assert found["percent_agreement"].high == pytest.approx(0.79, abs=0.02)


def both(cases: int, *values: str) -> list[tuple[str, str, str, str]]:
    names = ("ann", "ben")
    return [
        (f"r{n}", f"q{n}", name, value)
        for n in range(cases)
        for name, value in zip(names, values, strict=True)
    ]


def test_undefined_is_said_in_words() -> None:
    assert agreement([], VALUES, 7)["conger_kappa"].says() == (
        "undefined: no case has two people's labels yet (n = 0)"
    )
    alike = agreement(both(12, "correct", "correct"), VALUES, 7)
    assert alike["krippendorff_alpha"].says() == (
        "undefined: every label that can be compared is 'correct' (n = 12)"
    )
    assert alike["percent_agreement"].says() == (
        "1.00 (n = 12; no interval: people agree on every case so far)"
    )
    few = agreement(both(3, "correct", "incorrect"), VALUES, 7)["percent_agreement"]
    assert few.says() == "0.00 (n = 3; no interval below 10 questions)"
    never = agreement(both(12, "correct", "incorrect"), VALUES, 7)["percent_agreement"]
    assert never.says() == "0.00 (n = 12; no interval: every question gives the same figure)"


def test_checks_have_wilsons_interval() -> None:
    """8 of 10: 0.4902 to 0.9433 (Wilson 1927)."""
    found = [Checked("ann", "repeat", "correct", x) for x in ["correct"] * 8 + ["incorrect"] * 2]
    found += [Checked("ben", "control", "correct", "correct")]
    again = checks(found, "repeat")
    assert list(again) == ["ann"]
    assert (again["ann"].value, again["ann"].n) == (0.8, 10)
    assert (again["ann"].low, again["ann"].high) == pytest.approx((0.4902, 0.9433), abs=5e-4)
    assert checks(found, "control")["ben"].says() == "1.00 (0.21 to 1.00, n = 1)"
