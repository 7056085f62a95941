"""Small leaderboards from grades written as text."""

from typing import Any

import numpy as np
from small_road import NOW

from judges.board_value import whole
from judges.entries import Cell, Entry
from judges.leaderboard import resample
from judges.mandates import Mandate
from samples.numbered import DEGENERATE, FAILED, RIGHT, TEXTLESS, UNGRADED, WRONG
from samples.records import Warrant

OUTCOMES = {"1": RIGHT, "0": WRONG, "-": FAILED, "d": DEGENERATE, "t": TEXTLESS, "u": UNGRADED}
OUTCOMES |= {"c": WRONG, "C": RIGHT}  # cut off
FIRST = {"sums": 0, "words": 1000}  # the number of a task's first question
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


JUDGES = [Mandate("rules", GRANTED, ("sums", "words"))]


def cell(text: str, first: int = 0, draws: int = 1) -> Cell:
    """A letter per answer, by OUTCOMES; so many draws on each question in turn."""
    places = np.arange(len(text))
    codes = np.array([OUTCOMES[letter] for letter in text], dtype=np.uint8)
    cut = np.array([letter in "cC" for letter in text], dtype=bool)
    return Cell(first + places // draws, places % draws, codes, cut)


def entry(
    model: str,
    sums: str | None = None,
    words: str | None = None,
    draws: int = 1,
    strategy: str = "direct",
    **more: Any,
) -> Entry:
    """Answers as text, by task: right 1, wrong 0, failed -, no text t, ungraded u …"""
    cells = {
        task: cell(text, FIRST[task], draws)
        for task, text in (("sums", sums), ("words", words))
        if text is not None
    }
    return Entry(model, strategy, cells, **more)


def board(*entries: Entry, seed: int = 1, **more: Any) -> dict[str, Any]:
    """The whole value, as the command makes it of these entries."""
    resampled = resample(entries, np.random.default_rng(seed))
    return whole(resampled, JUDGES, "small", 0.95, NOW, **more)
