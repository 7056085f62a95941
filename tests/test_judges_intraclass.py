"""Intraclass correlations against the published table, and weights as repeated cases."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from judges.intraclass import intraclass, mean_squares


def test_shrout_and_fleiss_s_six_figures(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("reference_interrater")
    table = folder / "tables" / "t13_shrout_fleiss_4x6.csv"
    squares = mean_squares(np.loadtxt(table, delimiter=",", skiprows=1))
    with (folder / "expected.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["coefficient"].startswith("icc")]
    for row in rows:
        _, model, unit = row["coefficient"].split("_")
        value = float(intraclass(squares, int(model), averaged=unit == "k"))
        assert round(value, int(row["digits"])) == float(row["published"])
        assert value == pytest.approx(float(row["recomputed"]), abs=5e-8)
    assert len(rows) == 6


@pytest.mark.parametrize("model", [1, 2, 3])
@pytest.mark.parametrize("averaged", [False, True])
def test_a_weight_is_a_number_of_cases(model: int, averaged: bool) -> None:
    rng = np.random.default_rng(0)
    ratings = rng.normal(size=(12, 3)) + rng.normal(size=(12, 1))
    weights = rng.integers(0, 4, (5, 12))
    together = intraclass(mean_squares(ratings, weights), model, averaged)
    alone = [
        float(intraclass(mean_squares(np.repeat(ratings, w, axis=0)), model, averaged))
        for w in weights
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-9)


def test_where_the_scale_starts_does_not_matter() -> None:
    ratings = np.array([[1.0, 2], [3, 3], [5, 4], [2, 2]])
    here, there = (float(intraclass(mean_squares(ratings + by), 2)) for by in (0, 1e4))
    assert there == pytest.approx(here)


def test_nothing_varies() -> None:
    assert np.isnan(intraclass(mean_squares(np.ones((4, 3))), 2))
    assert float(intraclass(mean_squares(np.arange(8.0).repeat(2).reshape(8, 2)), 2)) == 1
