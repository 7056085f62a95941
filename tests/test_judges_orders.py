"""Orders of models: each figure by hand, ties, and scipy on random shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from judges.orders import RANKING_STATISTICS, farthest, ranked, top_size

TENTHS = st.lists(st.integers(0, 10), min_size=2, max_size=12)


def figures(people: list[float], judge: list[float]) -> dict[str, float]:
    found = ranked(np.array(people, dtype=float) / 10, np.array(judge, dtype=float) / 10)
    return {name: float(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("people", "judge", "in_order", "top", "moved"),
    [
        ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], 1, 1, 0),
        ([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], 0, 0, 5),
        # third and fourth change places: 14 of 15 pairs, and one of the top three is another
        ([1, 2, 3, 4, 5, 6], [1, 2, 4, 3, 5, 6], 14 / 15, 2 / 3, 1),
        # the best becomes the worst: 5 of its pairs turn, the others stay
        ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 0], 10 / 15, 2 / 3, 5),
        # people tie two: 5 pairs are ordered; the judge ties another pair, which is then not
        ([1, 1, 2, 3], [1, 2, 3, 3], 4 / 5, 1, 0.5),
        # the judge ties all: each of four has half a place in a top of two; places are all 2.5
        ([1, 2, 3, 4], [5, 5, 5, 5], 0, 0.5, 1.5),
    ],
)
def test_by_hand(
    people: list[float], judge: list[float], in_order: float, top: float, moved: float
) -> None:
    found = figures(people, judge)
    got = [found[name] for name in ("pairs_in_order", "top_models", "largest_rank_change")]
    assert got == pytest.approx([in_order, top, moved])


@pytest.mark.parametrize(
    ("models", "size"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (72, 3)]
)
def test_the_top_is_at_most_half(models: int, size: int) -> None:
    assert top_size(models) == size


@given(TENTHS, st.data())
def test_scipy_agrees(people: list[int], data: st.DataObject) -> None:
    same_length = st.lists(st.integers(0, 10), min_size=len(people), max_size=len(people))
    judge = data.draw(same_length)
    found = figures(people, judge)
    constant = len(set(people)) == 1 or len(set(judge)) == 1
    for name, theirs in (("spearman", stats.spearmanr), ("kendall", stats.kendalltau)):
        expected = np.nan if constant else theirs(people, judge).statistic
        assert found[name] == pytest.approx(expected, abs=1e-10, nan_ok=True)
    ranks = stats.rankdata(people) - stats.rankdata(judge)
    assert found["largest_rank_change"] == pytest.approx(np.abs(ranks).max())
    pairs = [(i, j) for i in range(len(people)) for j in range(i) if people[i] != people[j]]
    same = [(people[i] - people[j]) * (judge[i] - judge[j]) > 0 for i, j in pairs]
    expected = float(np.mean(same)) if same else np.nan
    assert found["pairs_in_order"] == pytest.approx(expected, nan_ok=True)


def test_all_rows_at_once_are_the_rows_one_by_one() -> None:
    rng = np.random.default_rng(1)
    people, judge = rng.integers(0, 9, (2, 9, 7)) / 8
    together = ranked(people, judge)
    for name in RANKING_STATISTICS:
        alone = [ranked(a, b)[name] for a, b in zip(people, judge, strict=True)]
        np.testing.assert_allclose(together[name], alone, atol=1e-12)


def test_a_model_without_a_share_leaves_all_undefined() -> None:
    found = ranked(np.array([0.1, 0.2, 0.3]), np.array([0.1, np.nan, 0.3]))
    assert all(np.isnan(value) for value in found.values())


def test_the_farthest_that_cannot_be_ruled_out() -> None:
    people, off = np.array([0.2, 0.5, 0.8]), np.array([0.2, 0.1, 0.2])
    assert farthest("mean_absolute_error", people, off) == pytest.approx(0.5 / 3)
    assert farthest("worst_absolute_error", people, off) == pytest.approx(0.2)
    # 0.2 + 0.2 stays below 0.5 − 0.1 by nothing: they meet, so that pair is no longer in order
    assert farthest("pairs_in_order", people, off) < 1
    assert farthest("largest_rank_change", people, off) >= 0.5
    assert farthest("spearman", people, np.zeros(3)) == 1


@pytest.mark.parametrize("kind", ["spearman", "kendall"])
def test_equal_scores_stay_equal_under_rounding(kind: str) -> None:
    # .1 + .2 differs from .3 by rounding: a tie, and with nothing else a constant list.
    tied, other = np.array([0.3, 0.1 + 0.2, 0.5]), np.array([1.0, 2, 3])
    assert ranked(tied, tied)[kind] == 1
    assert ranked(tied, other)[kind] == ranked(np.array([3.0, 3, 5]), other)[kind]
    constant = np.array([0.3, 0.1 + 0.2, 0.3])
    assert np.isnan(ranked(constant, other)[kind])
