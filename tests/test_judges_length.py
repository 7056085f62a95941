"""Length: by a model that knows people's label, and what it cannot tell."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from small_road import audit_of, policy

from judges.length import length_check
from judges.tables import Audit
from judges.traits import NO_TEXTS, Traits


def audit_with(people: np.ndarray, judge: np.ndarray, characters: np.ndarray, **more) -> Audit:
    texts = ["".join("-" if v < 0 else str(v) for v in side) for side in (people, judge)]
    audit = audit_of(texts[0], {"j": texts[1]}, **more)
    return replace(audit, traits=Traits({}, characters.astype(float), {}))


def look(audit: Audit):
    return length_check("j", audit.judges["j"], audit, policy())


def drawn(slope: float, seed: int = 1, n: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Verdicts whose log-odds rise by ``slope`` where an answer is twice as long."""
    rng = np.random.default_rng(seed)
    people, characters = rng.integers(0, 2, n), np.exp2(rng.uniform(3, 9, n)).round()
    chance = expit(3.2 * people - 1.6 + slope * (np.log2(characters) - 6))
    return people, (rng.random(n) < chance).astype(int), characters


def test_the_odds_ratio_is_scikit_learn_s_and_holds_the_truth() -> None:
    people, judge, characters = drawn(0.4)
    found, why = look(audit_with(people, judge, characters, question=[*range(300)] * 3))
    assert found is not None and why == ""
    x = np.stack([np.log2(characters), people], axis=1)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, judge)
    assert found["effect"]["value"] == pytest.approx(np.exp(theirs.coef_[0, 0]), rel=1e-4)
    assert found["effect"]["low"] < np.exp(0.4) < found["effect"]["high"]
    assert found["n"] == 900 and found["p"] < 1e-4 and found["kinder"]
    p = theirs.predict_proba(x)[:, 1]
    sure = np.log(found["effect"]["low"]) * np.mean(p * (1 - p))
    assert found["consequence"] == pytest.approx(sure, rel=1e-3)


def test_no_effect_is_no_consequence() -> None:
    found, _ = look(audit_with(*drawn(0.0, seed=4)))
    assert found is not None and found["p"] > 0.05 and found["consequence"] == 0


def test_failures_answers_without_a_text_and_labels_that_settle_all_are_left_out() -> None:
    """Every wrong answer is rejected, so that only the right ones can tell of length."""
    people, judge, characters = drawn(0.5)
    judge = np.where(people == 0, 0, judge)
    judge[:40], characters[40:80] = -1, np.nan
    found, _ = look(audit_with(people, judge, characters))
    right = (people == 1) & (np.arange(900) >= 80)
    assert found is not None and found["n"] == right.sum()
    x = np.log2(characters[right])[:, None]
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(x, judge[right])
    assert found["effect"]["value"] == pytest.approx(np.exp(theirs.coef_[0, 0]), rel=1e-4)


@pytest.mark.parametrize(
    ("people", "judge", "characters", "why"),
    [
        ("1100", "1000", [np.nan] * 4, NO_TEXTS),
        ("1100", "1100", [1, 2, 3, 4], "answers with the same label all have the same verdict"),
        ("1100", "1010", [7] * 4, "all answers are of one length"),
        ("1111", "0011", [1, 2, 30, 40], "complete separation"),
    ],
)
def test_what_cannot_be_said(people: str, judge: str, characters: list, why: str) -> None:
    sides = [np.array([int(letter) for letter in text]) for text in (people, judge)]
    found, reason = look(audit_with(*sides, np.array(characters)))
    assert found is None and why in reason


def test_without_traits_there_is_no_length() -> None:
    assert look(audit_of("1100", {"j": "1010"})) == (None, NO_TEXTS)
