"""PPI++ against the authors' package, and what it must hold whatever the labels are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.rectified import OWN, Groups, Labelled, Rectified, rectified

# 100 labelled answers, (label, verdict): 40 (1, 1), 5 (0, 1), 6 (1, 0), 49 (0, 0); of 900 others
# 520 are right by the judge. What ppi_mean_pointestimate and ppi_mean_ci (alpha 0.05) of the
# authors' ppi-python 0.2.3 print for these, by its λ.
LABEL = np.repeat([1, 0, 1, 0], [40, 5, 6, 49])
VERDICT = np.repeat([1, 1, 0, 0], [40, 5, 6, 49])
OTHERS = np.repeat([1, 0], [520, 380])
PUBLISHED = {
    0.0: (0.46, 0.3623159, 0.5576841),
    0.5: (0.52388889, 0.45485713, 0.59292065),
    1.0: (0.58777778, 0.51523114, 0.66032442),
}
TUNED = (0.55021587, 0.48440152, 0.61603022)


def of(
    label: np.ndarray,
    verdict: np.ndarray,
    others: np.ndarray,
    tuning: float | None = None,
    weight: np.ndarray | None = None,
    drawable: float = 1.0,
) -> Rectified:
    """One group, one answer to a question, the labelled ones among all."""
    everything = np.concatenate([verdict, others])
    n, rate = len(everything), everything.mean()
    groups = Groups(
        *(np.array([x]) for x in (rate, everything.var(ddof=1) / n, float(n), drawable))
    )
    rows = Labelled(
        np.zeros(len(label), dtype=np.int64),
        np.ones(len(label)) if weight is None else weight,
        label,
        verdict,
        np.arange(len(label)),
        (verdict - rate) / n,
    )
    return rectified(groups, rows, 0.95, tuning)


@pytest.mark.parametrize("tuning", PUBLISHED)
def test_the_authors_package_says_the_same(tuning: float) -> None:
    """Its λ is on the other answers' mean, ours on that of all: ours is larger by (n + N) / N."""
    value, low, high = PUBLISHED[tuning]
    found = of(LABEL, VERDICT, OTHERS, tuning * 1000 / 900)
    assert found.value.item() == pytest.approx(value, abs=1e-8)
    # Half an answer more of each kind moves the ends a little.
    assert (found.low.item(), found.high.item()) == pytest.approx((low, high), abs=0.006)


def test_the_tuned_estimate_is_the_authors_too() -> None:
    found = of(LABEL, VERDICT, OTHERS)
    ends = (found.value.item(), found.low.item(), found.high.item())
    assert ends == pytest.approx(TUNED, abs=0.006)
    # Cov(label, verdict) / Var(verdict) among the labelled: 0.40 − 0.46 · 0.45, over 0.45 · 0.55
    assert found.tuning.item() == pytest.approx((0.40 - 0.46 * 0.45) / (0.45 * 0.55), abs=0.02)


def test_without_the_judge_it_is_the_labels_mean_by_weight() -> None:
    weight = np.where(LABEL == 1, 3.0, 1.0)
    found = of(LABEL, VERDICT, OTHERS, 0.0, weight)
    assert found.value.item() == pytest.approx(46 * 3 / (46 * 3 + 54))


def test_answers_that_nobody_could_be_shown_are_wrong() -> None:
    """λ 1, by hand: rate 565/1000 and, of the half that can be shown, 0.46 − 0.45 more."""
    found = of(LABEL, VERDICT, OTHERS, 1.0, drawable=0.5)
    assert found.value.item() == pytest.approx(0.565 + 0.5 * 0.01)


def test_labels_without_an_error_of_the_judge_claim_no_certainty() -> None:
    same = np.repeat([1, 0], 20)
    found = of(same, same, np.repeat([1, 0], 5000))
    assert found.value.item() == pytest.approx(0.5, abs=0.01)
    assert found.high.item() - found.low.item() > 0.08


@pytest.mark.parametrize("errs", [(0.02, 0.02), (0.05, 0.05), (0.1, 0.1), (0.0, 0.05), (0.0, 0.08)])
def test_intervals_of_few_labels_hold_the_truth_however_good_the_judge(
    errs: tuple[float, float],
) -> None:
    """40 labels among 4,000 answers: many have no error among them, and some judges err one way."""
    rng, held = np.random.default_rng(5), []
    for _ in range(500):
        right = rng.integers(0, 2, 4040)
        misled = rng.random(4040) < np.where(right == 1, *errs)
        verdict = np.where(misled, 1 - right, right)
        found = of(right[:40], verdict[:40], verdict[40:])
        held.append(found.low.item() <= 0.5 <= found.high.item())
    assert np.mean(held) >= 0.93


def test_few_labels_take_the_others_tuning() -> None:
    """A group with few labels gets the λ of the rest, not one fitted to its own noise."""
    many, few = 400, 8
    assert few < OWN < many
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, many + few)
    verdict = np.where(rng.random(many + few) < 0.9, label, 1 - label)
    group = np.repeat([0, 1], [many, few])
    groups = Groups(np.full(2, 0.5), np.full(2, 1e-5), np.full(2, 5000.0), np.ones(2))
    rows = Labelled(
        group, np.ones(len(group)), label, verdict, np.arange(len(group)), np.zeros(len(group))
    )
    before = rectified(groups, rows, 0.95)
    turned = rows._replace(verdict=np.where(group == 1, 1 - verdict, verdict))
    after = rectified(groups, turned, 0.95)
    assert before.tuning[1] == pytest.approx(before.tuning[0])
    assert after.tuning[1] == pytest.approx(before.tuning[1])


def test_answers_to_one_question_are_one_label() -> None:
    rows = Labelled(
        np.zeros(6, dtype=np.int64),
        np.ones(6),
        np.array([1, 1, 1, 0, 0, 0]),
        np.array([1, 1, 1, 0, 0, 1]),
        np.array([7, 7, 7, 8, 8, 8]),
        np.zeros(6),
    )
    groups = Groups(*(np.array([x]) for x in (0.5, 1e-4, 100.0, 1.0)))
    assert rectified(groups, rows, 0.95).labels.item() == pytest.approx(2)


def test_without_labels_there_is_nothing() -> None:
    none = np.zeros(0, dtype=np.int64)
    found = of(none, none, OTHERS)
    assert np.isnan(found.value.item())
    assert np.isnan(found.low.item())
    assert found.labels.item() == 0


@given(st.integers(0, 2**32 - 1), st.integers(2, 60))
def test_it_is_turned_round_with_the_labels(seed: int, n: int) -> None:
    """Wrong answers' share is one minus right ones', and so are its ends; the value lies inside."""
    rng = np.random.default_rng(seed)
    label, verdict, others = (rng.integers(0, 2, k) for k in (n, n, 300))
    found = of(label, verdict, others)
    turned = of(1 - label, 1 - verdict, 1 - others)
    assert found.value.item() == pytest.approx(1 - turned.value.item())
    assert found.low.item() == pytest.approx(1 - turned.high.item())
    assert 0 <= found.tuning.item() <= 1
    assert found.low.item() <= found.high.item()
