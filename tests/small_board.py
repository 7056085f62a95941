"""Small leaderboards from grades written as text."""

from typing import Any

import numpy as np
from small_road import NOW

from judges.leaderboard import Entry, leaderboard, resample
from samples.records import Warrant

GRADES = {"1": True, "0": False, "-": None}
GRANTED = Warrant(
    "rules",
    "b2:spec",
    "b2:set",
    "approved",
    {
        "reference": {"labels": "human"},
        "measured_error": {
            "pooled": {
                "n": 40,
                "cohen_kappa": {"value": 0.9, "low": 0.8, "high": 0.95},
                "leniency": {"value": 0.01, "low": -0.02, "high": 0.04},
            },
            "leniency_by_model": {"a": {"value": 0.02, "low": -0.05, "high": 0.08, "n": 20}},
        },
    },
    "eve",
    NOW,
)


def entry(
    model: str, sums: str | None = None, words: str | None = None, draws: int = 1, **more: Any
) -> Entry:
    """Grades as text, by task: right, wrong, failed; so many draws on each question in turn."""
    grades = {
        task: {(f"q{n // draws}", n % draws): GRADES[one] for n, one in enumerate(text)}
        for task, text in (("sums", sums), ("words", words))
        if text is not None
    }
    return Entry(model, "direct", grades, **{"textless": {}, "ungraded": {}} | more)


def board(*entries: Entry, seed: int = 1) -> dict[str, Any]:
    resampled = resample(entries, np.random.default_rng(seed))
    return leaderboard(resampled, GRANTED, "small", 0.95, NOW)
