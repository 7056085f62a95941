"""Standard errors against the published ones, by formula and by bootstrap."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from test_judges_published import (
    RATER_NAMES,
    expected_rows,
    from_contingency,
    paradox,
    ratings_of,
)

from judges.intervals import multinomial_weights
from judges.raters import RATER_STATISTICS, rater_tables
from judges.standard_errors import standard_error

# irrCAC's older vignette takes α's p_o with the correction for few labels in one place, its README
# without; the README's formula (t02, identity weights) is the one here.
OTHER_FORMULA = ("t02_raw4raters_4x12", "krippendorff_alpha", "quadratic")


def test_the_published_standard_errors(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("reference_interrater")
    checked = []
    for row in expected_rows(folder):
        if not row["std_error"]:
            continue
        name, _, case = row["table"].partition(" ")
        if case:
            ratings, k = from_contingency(paradox(case.strip("()"), folder / "tables")), 2
        else:
            ratings, labels = ratings_of(name, folder / "tables")
            k = len(labels)
        n = len(ratings)
        ours = standard_error(
            RATER_NAMES[row["coefficient"]], rater_tables(ratings, k), row["weights"]
        )
        # Contingency tables: Fleiss, Cohen and Everitt (1969) divide by n, not by n − 1.
        if not name.startswith("t02"):
            ours *= np.sqrt((n - 1) / n)
        digits = len(row["std_error"].partition(".")[2])
        close = abs(ours - float(row["std_error"])) <= 0.5000001 * 10**-digits
        about = (name, row["coefficient"], row["weights"])
        assert close or about == OTHER_FORMULA, (about, ours, row["std_error"])
        checked.append(close)
    assert (len(checked), sum(checked)) == (29, 28)


@pytest.mark.parametrize("name", RATER_STATISTICS)
def test_the_bootstrap_gives_about_the_same(name: str) -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 400)
    ratings = np.stack([np.where(rng.random(400) < 0.8, truth, rng.integers(0, 3, 400))] * 3, 1)
    for column in range(1, 3):
        other = np.where(rng.random(400) < 0.8, truth, rng.integers(0, 3, 400))
        ratings[:, column] = np.where(rng.random(400) < 0.2, -1, other)
    ratings = ratings[(ratings >= 0).sum(axis=1) > 1]  # a single label is fixed in the formula only
    tables = rater_tables(ratings, 3)
    drawn = multinomial_weights(rng, 4000, len(ratings)).astype(np.float64)
    spread = RATER_STATISTICS[name](tables.sum(drawn)).std()
    assert standard_error(name, tables) == pytest.approx(spread, rel=0.08)


def test_clusters_that_are_alike_count_once() -> None:
    """Each case four times over, clustered: as sure as the cases once, and not twice as sure."""
    rng = np.random.default_rng(6)
    ratings = rng.integers(0, 2, (60, 2))
    once = rater_tables(ratings, 2)
    clustered = rater_tables(np.repeat(ratings, 4, axis=0), 2)
    clustered = clustered.by_cluster(np.repeat(np.arange(60), 4), 60)
    found = standard_error("fleiss_kappa", clustered)
    assert found == pytest.approx(standard_error("fleiss_kappa", once))


def test_one_case_and_undefined_coefficients_have_none() -> None:
    assert np.isnan(standard_error("fleiss_kappa", rater_tables(np.array([[0, 1]]), 2)))
    same = rater_tables(np.zeros((5, 2), dtype=np.int64), 2)
    assert np.isnan(standard_error("fleiss_kappa", same))
