"""The audit set divided: whole models added up are what counting them afresh gives."""

from dataclasses import replace

import numpy as np
import pytest
from small_road import audit_of, policy

from judges.divisions import divisions, merged, new_slices
from judges.figures import Slices, count, draw_resamples
from judges.tables import Audit
from judges.traits import KIN, Trait, Traits

RNG = np.random.default_rng(3)
PEOPLE, JUDGE = ("".join(map(str, RNG.integers(0, 2, 120))) for _ in range(2))
AUDIT = audit_of(
    PEOPLE,
    {"j": JUDGE.replace("1", "-", 5)},
    question=[*range(40)] * 3,
    model="a" * 40 + "b" * 40 + "c" * 40,
    task="st" * 60,
    weight=RNG.uniform(0.5, 2, 120),
)
SIZE = np.repeat([0, 1, 0], 40)  # a and c are small
STYLE = np.where(np.arange(120) % 5 == 0, -1, np.arange(120) % 3)


def with_traits(audit: Audit) -> Audit:
    traits = {
        "size": Trait(("small", "large"), SIZE),
        "strategy": Trait(("x", "y", "z"), STYLE),
        "language": Trait(("Latin letters",), np.zeros(120, dtype=int), "it is the same"),
    }
    own = Trait(KIN, np.where(SIZE == 1, 1, -1))
    return replace(audit, traits=Traits(traits, np.full(120, np.nan), {"j": own}))


def same(ours: Slices, theirs: Slices) -> None:
    np.testing.assert_allclose(ours.point, theirs.point)
    np.testing.assert_allclose(ours.samples, theirs.samples, atol=1e-9)
    np.testing.assert_array_equal(ours.plain, theirs.plain)
    for handling, clusters in theirs.clusters.items():
        np.testing.assert_array_equal(ours.clusters[handling], clusters)
    np.testing.assert_allclose(ours.sums, theirs.sums)
    np.testing.assert_array_equal(ours.apart, theirs.apart)


@pytest.mark.parametrize("scope", ["these models", "new models"])
def test_every_division_is_what_counting_it_alone_gives(scope: str) -> None:
    audit, asked = with_traits(AUDIT), policy(scope=scope, resamples=200)
    run, draws = audit.judges["j"], draw_resamples(audit, asked, np.random.default_rng(1))
    by_model = count(audit, run.verdicts, audit.model, draws, models_vary=False)
    pooled = count(audit, run.verdicts, np.zeros_like(audit.model), draws, by_model=by_model)
    found = divisions(audit, run, draws, by_model, pooled)
    assert set(found) == {"model", "task", "strategy", "size", "kin"}  # language divides nothing
    same(found["task"].slices, count(audit, run.verdicts, audit.task, draws))
    same(found["strategy"].slices, count(audit, run.verdicts, STYLE, draws))
    same(found["size"].slices, count(audit, run.verdicts, SIZE, draws, models_vary=False))
    assert found["size"].whole.samples.shape == pooled.samples.shape
    everything = found["size"].slices.samples.sum(axis=0)
    np.testing.assert_allclose(found["size"].whole.samples[0], everything)


def test_a_model_alone_merged_is_itself() -> None:
    asked = policy(resamples=200)
    draws = draw_resamples(AUDIT, asked, np.random.default_rng(1))
    by_model = count(AUDIT, AUDIT.judges["j"].verdicts, AUDIT.model, draws, models_vary=False)
    same(merged(by_model, np.eye(3, dtype=bool)), by_model)


def test_slices_that_were_seen_are_not_new_and_small_ones_come_first() -> None:
    new, _ = new_slices(with_traits(AUDIT))
    assert new["model"] == ((0, 1, 2), (0, 1, 2))
    assert new["size"] == ((0,), ())  # "large" is model b; "small" is all but b
    assert sorted(new["task"][0]) == [0, 1] and len(new["task"][1]) == 1  # two halves, one contrast
    sizes = [int((place == STYLE).sum()) for place in new["strategy"][0]]
    assert sizes == sorted(sizes) and len(sizes) == 3
    assert "language" not in new


def test_without_traits_there_are_models_and_tasks() -> None:
    assert set(new_slices(AUDIT)[0]) == {"model", "task"}
