"""Rankings: shares, and the noise that makes resampled models differ too much."""

import numpy as np
import pytest

from judges.ranking import positive_shares, without_noise

RNG = np.random.default_rng(5)


def test_shares_by_hand() -> None:
    tables = np.array(
        [[[6.0, 2.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 3.0]], [[0.0, 0.0], [0.0, 0.0]]]
    )
    people, judge = positive_shares(tables)
    assert people[:2].tolist() == [0.2, 1.0] and judge[:2].tolist() == [0.3, 0.75]
    assert np.isnan(people[2]) and np.isnan(judge[2])


def world(models: int, apart: float, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True scores, measured ones, and resamples around these."""
    true = apart * RNG.normal(size=models)
    points = true + noise * RNG.normal(size=models)
    return true, points, points + noise * RNG.normal(size=(4000, models))


def test_scores_come_to_lie_as_far_apart_as_the_true_ones() -> None:
    spread = {"true": [], "points": [], "samples": [], "ours": []}
    for _ in range(60):
        true, points, samples = world(30, 1.0, 1.0)
        ours = without_noise(points, samples, RNG.chisquare(29, 4000))
        for name, scores in (
            ("true", true),
            ("points", points),
            ("samples", samples),
            ("ours", ours),
        ):
            spread[name].append(np.mean(scores.var(axis=-1)))
    mean = {name: np.mean(values) for name, values in spread.items()}
    assert mean["points"] == pytest.approx(2, rel=0.15) and mean["samples"] == pytest.approx(
        3, rel=0.15
    )
    assert mean["ours"] == pytest.approx(mean["true"], rel=0.2)


def test_the_formula_written_out() -> None:
    _, points, samples = world(8, 1.0, 0.7)
    spreads = RNG.chisquare(7, 4000)
    found = without_noise(points, samples, spreads)
    for b in (0, 17, 3999):
        of = 7 * points.var(ddof=1) / spreads[b]
        kept = np.clip(1 - 5 / 7 * samples.var(axis=0) / of, 0, 1)
        middle = points.mean()
        expected = middle + kept * (points - middle) + np.sqrt(kept) * (samples[b] - points)
        np.testing.assert_allclose(found[b], expected)


def test_without_noise_nothing_moves_and_of_three_models_neither() -> None:
    points = np.array([0.1, 0.4, 0.5, 0.9])
    same = np.tile(points, (50, 1))
    np.testing.assert_allclose(without_noise(points, same, RNG.chisquare(3, 50)), same)
    _, few, samples = world(3, 1.0, 1.0)
    assert without_noise(few, samples, RNG.chisquare(4, 4000)) is samples


def test_a_model_without_a_share_leaves_all_as_they_are() -> None:
    _, points, samples = world(5, 1.0, 1.0)
    samples[3, 2] = np.nan
    assert without_noise(points, samples, RNG.chisquare(4, 4000)) is samples
    points[2] = np.nan
    assert without_noise(points, samples, RNG.chisquare(4, 4000)) is samples
