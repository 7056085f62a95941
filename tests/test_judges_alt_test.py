"""The alternative annotator test: the paper's published results, small cases by hand, resamples."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from small_road import audit_of, policy

from judges.alt_test import (
    CASES,
    FEW_PEOPLE,
    alt_test,
    alt_test_figures,
    benjamini_yekutieli,
    omegas,
    win_sums,
    wins,
)
from judges.figures import draw_resamples

TWO = np.array([0.0, 1.0])


def published(folder: Path, row: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """``wins`` of one LLM of one of the paper's sets, people with thirty items or more."""
    people, llms = (
        json.loads((folder / row["dataset"] / f"{who}_annotations.json").read_text("utf-8"))
        for who in ("human", "llm")
    )
    llm = llms[row["llm"]]
    items = sorted({item for given in people.values() for item in given})
    labels = sorted({label for given in [*people.values(), llm] for label in given.values()})
    code = {label: place for place, label in enumerate(labels)}
    ratings = np.array([[code.get(p.get(i), -1) for p in people.values()] for i in items])
    verdict = np.array([code.get(llm.get(item), -1) for item in items])
    numbers = isinstance(labels[0], int | float)
    values = np.array(labels, dtype=float) if numbers else np.arange(len(labels), dtype=float)
    judge, person = wins(ratings, verdict, values, row["scoring"])
    enough = (~np.isnan(judge)).sum(axis=0) >= CASES
    return judge[:, enough], person[:, enough]


def test_every_published_omega_and_rho(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("human_alttest")
    with (folder / "published_alt_test.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        judge, person = published(folder, row)
        sums = win_sums(judge, person, np.arange(len(judge)), len(judge)).sum(axis=0)
        found = alt_test(sums, float(row["epsilon"]))
        got = f"{found.omega:.2f}", f"{found.rho:.2f}"
        assert got == (row["winning_rate"], row["advantage_probability"]), row
    assert len(rows) == 28


def test_who_is_closer_by_hand() -> None:
    """Three people say 1 1 0; the judge says 1, then 0, then fails, then has no verdict."""
    ratings = np.array([[1, 1, 0]] * 4)
    judge, person = wins(ratings, np.array([1, 0, 2, -1]), TWO, "accuracy")
    # says 1: as good as the first and the second, better than the third (others: 1 1)
    np.testing.assert_array_equal(judge[0], [1, 1, 1])
    np.testing.assert_array_equal(person[0], [1, 1, 0])
    # says 0: the first's others say 1 0, so both have one half; the third's say 1 1: both nothing
    np.testing.assert_array_equal(judge[1], [1, 1, 1])
    np.testing.assert_array_equal(person[1], [1, 1, 1])
    # a failure: the third agrees with nobody either, the first two do with one
    np.testing.assert_array_equal(judge[2], [0, 0, 1])
    np.testing.assert_array_equal(person[2], [1, 1, 1])
    assert np.isnan(judge[3]).all() and np.isnan(person[3]).all()


def test_numbers_are_as_close_as_they_lie() -> None:
    values = np.array([0.0, 1.0, 5.0])
    ratings = np.array([[0, 1, 2], [0, 0, -1], [0, -1, -1]])
    judge, person = wins(ratings, np.array([1, 3, 1]), values, "neg_rmse")
    # judge 1 against others of the first (1, 5): 0 + 16; the first, 0: 1 + 25. The second is equal,
    # the third, 5, is off by 25 + 16 where the judge is by 1 + 0.
    np.testing.assert_array_equal(judge[0], [1, 1, 1])
    np.testing.assert_array_equal(person[0], [0, 1, 0])
    np.testing.assert_array_equal(judge[1][:2], [0, 0])  # a failure is farther than anybody
    assert np.isnan(judge[2]).all()  # nobody else labelled it


def test_the_t_test_is_scipy_s() -> None:
    rng = np.random.default_rng(2)
    judge, person = (rng.random((50, 4)) < share for share in (0.8, 0.7))
    judge, person = judge.astype(float), person.astype(float)
    judge[:5, 1] = person[:5, 1] = np.nan
    found = alt_test(win_sums(judge, person, np.arange(50), 50).sum(axis=0), 0.1)
    for place in range(4):
        apart = (person - judge)[~np.isnan(judge[:, place]), place]
        expected = stats.ttest_1samp(apart, 0.1, alternative="less").pvalue
        assert found.p[place] == pytest.approx(expected)
    assert found.rho == pytest.approx(np.nanmean(judge, axis=0).mean())


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.5], [0.2], [0.001] * 5, [0.9, 0.01, 0.02]])
def test_the_correction_is_scipy_s(p: list[float]) -> None:
    expected = stats.false_discovery_control(p, method="by")
    np.testing.assert_allclose(benjamini_yekutieli(np.array(p)), expected)
    padded = benjamini_yekutieli(np.array([[np.nan, *p]]))
    assert np.isnan(padded[0, 0])
    np.testing.assert_allclose(padded[0, 1:], expected)


def test_resamples_are_tested_as_the_point_is() -> None:
    rng = np.random.default_rng(7)
    for share in (0.6, 0.75, 0.8, 0.9):
        judge, person = (rng.random((60, 5)) < s for s in (share, 0.75))
        sums = win_sums(judge.astype(float), person.astype(float), np.arange(60), 60).sum(axis=0)
        for epsilon in (0.0, 0.1, 0.2):
            assert omegas(sums[None], sums[0], epsilon) == alt_test(sums, epsilon).omega


def study(seed: int, right: float, cases: int = 60) -> Any:
    """Three people who are right nine times in ten, and a judge who is right so often."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, cases)

    def says(share: float) -> str:
        return "".join(map(str, np.where(rng.random(cases) < share, truth, 1 - truth)))

    raters = [says(0.9) for _ in range(3)]
    return audit_of(raters, {"j": says(right)}, question=list(np.arange(cases) // 2))


def figures(audit: Any, **more: Any) -> dict[str, Any]:
    asked = policy(resamples=400, **more)
    draws = draw_resamples(audit, asked, np.random.default_rng(1))
    return alt_test_figures(audit.judges["j"], audit, asked, draws)


def test_a_good_judge_stands_in_and_a_coin_does_not() -> None:
    good, coin = figures(study(1, 0.97, 300)), figures(study(1, 0.5, 300))
    assert (good["omega"]["0.1"]["value"], coin["omega"]["0.2"]["value"]) == (1, 0)
    assert good["rho"]["value"] > 0.9 > coin["rho"]["value"]
    for found in (good["rho"], good["omega"]["0.1"]):
        assert found["low"] <= found["value"] <= found["high"] and found["n"] == 3
    assert set(good["raters"]) == {"rater 0", "rater 1", "rater 2"}
    assert good["raters"]["rater 0"]["n"] == 300


def test_more_is_granted_with_a_larger_epsilon() -> None:
    found = figures(study(3, 0.85))
    for one in found["raters"].values():
        assert one["p"]["0.1"] > one["p"]["0.15"] > one["p"]["0.2"]


def test_without_three_people_it_says_why() -> None:
    few = figures(audit_of(["10" * 40, "11" * 40], {"j": "10" * 40}))
    assert few["rho"]["value"] is None and few["rho"]["reason"] == FEW_PEOPLE
    short = figures(audit_of(["10" * 10] * 3, {"j": "10" * 10}))  # twenty cases are too few
    assert short["omega"]["0.2"]["reason"] == FEW_PEOPLE


def test_failures_are_worst_or_left_out() -> None:
    raters = ["10" * 30] * 3
    audit = audit_of(raters, {"j": "10" * 20 + "--" * 10})
    assert figures(audit)["rho"]["value"] == pytest.approx(40 / 60)
    assert figures(audit, failures="left_out")["rho"]["value"] == 1
