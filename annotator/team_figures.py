"""How the team's labelling goes: pure figures with their uncertainty, from what people did."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

import numpy as np

from judges.intervals import multinomial_weights, percentile_interval, wilson
from judges.raters import (
    RATER_STATISTICS,
    RaterTables,
    rater_tables,
    rater_undefined_reason,
)
from samples.oversight import Checked, Stratum, Work

PACE = timedelta(hours=1)  # over which the pace is taken
BREAK = timedelta(minutes=10)  # a longer gap is no labelling
RESAMPLES = 2000
CONFIDENCE = 0.95
FEWEST = 10  # questions, below which a bootstrap of questions says little


@dataclass(frozen=True)
class Figure:
    """A figure with its interval; ``reason`` says why it has no value or no interval."""

    value: float
    low: float
    high: float
    n: int
    reason: str = ""

    def says(self) -> str:
        if np.isnan(self.value):
            return f"{self.reason} (n = {self.n})"
        if np.isnan(self.low):
            return f"{self.value:.2f} (n = {self.n}; {self.reason})"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f}, n = {self.n})"


@dataclass(frozen=True)
class Person:
    """One annotator's work on the audit set; ``pace`` is labels an hour while at work."""

    name: str
    labelled: int
    skipped: int
    unjudgeable: int
    seconds: float | None  # median per label
    pace: float | None
    last: str


def people(work: Sequence[Work], now: datetime) -> list[Person]:
    """Everybody who has done something, by name."""
    found = []
    for name in sorted({one.annotator for one in work}):
        mine = [one for one in work if one.annotator == name]
        times = [one.seconds for one in mine if one.status == "labelled" and one.seconds]
        count = Counter(one.status for one in mine)
        found.append(
            Person(
                name,
                count["labelled"],
                count["skipped"],
                count["unjudgeable"],
                median(times) if times else None,
                pace([one for one in mine if one.status == "labelled"], now),
                max(one.created_at for one in mine),
            )
        )
    return found


def pace(work: Sequence[Work], now: datetime) -> float | None:
    """Labels an hour over the last hour of one person's work, breaks left out.

    None where fewer than two labels were given in it.
    """
    times = sorted(datetime.fromisoformat(one.created_at) for one in work if one.created_at)
    times = [time for time in times if timedelta() <= now - time <= PACE]
    gaps = [b - a for a, b in pairwise(times) if b - a <= BREAK]
    spent = sum(gaps, timedelta())
    return len(gaps) / (spent / timedelta(hours=1)) if spent else None


@dataclass(frozen=True)
class Left:
    """Labels wanted, given and still asked for; the hours these take at the team's pace of late."""

    wanted: int
    labels: int
    rest: int
    hours: float | None


def left(strata: Sequence[Stratum], work: Sequence[Work], now: datetime) -> Left:
    """``hours`` is None where nobody has a pace: see there."""
    rest = sum(one.rest for one in strata)
    rates = [one.pace for one in people(work, now) if one.pace]
    hours = rest / sum(rates) if rates else None
    return Left(sum(x.wanted for x in strata), sum(x.labels for x in strata), rest, hours)


def agreement(
    labels: Sequence[tuple[str, str, str, str]], values: Sequence[str], seed: int
) -> dict[str, Figure]:
    """Agreement among people on cases with two labels or more, by (response, item, person, value).

    Each case counts once, however likely it was to be drawn. Intervals by a bootstrap of questions
    (percentile), since answers to one question hang together.
    """
    cases = {case: place for place, case in enumerate(dict.fromkeys(x[0] for x in labels))}
    raters = {name: place for place, name in enumerate(sorted({x[2] for x in labels}))}
    ratings = np.full((len(cases), max(1, len(raters))), -1)
    question = np.zeros(len(cases), dtype=np.int64)
    items = {item: place for place, item in enumerate(dict.fromkeys(x[1] for x in labels))}
    for case, item, name, value in labels:
        ratings[cases[case], raters[name]] = values.index(value)
        question[cases[case]] = items[item]
    tables = rater_tables(ratings, len(values))
    clusters = tables.by_cluster(question, len(items))
    total = tables.sum()
    rng = np.random.default_rng(seed)
    weights = multinomial_weights(rng, RESAMPLES, len(items)) if items else None
    resampled = clusters.sum(np.asarray(weights, dtype=np.float64)) if items else total
    return {
        name: _figure(name, total, resampled, values, (len(cases), len(items)))
        for name in ("percent_agreement", "conger_kappa", "krippendorff_alpha")
    }


def _figure(
    name: str,
    total: RaterTables,
    resampled: RaterTables,
    values: Sequence[str],
    size: tuple[int, int],
) -> Figure:
    cases, questions = size
    if not cases:
        return Figure(np.nan, np.nan, np.nan, 0, "undefined: no case has two people's labels yet")
    value = float(RATER_STATISTICS[name](total))
    if np.isnan(value):
        reason = rater_undefined_reason(name, total, values)
        return Figure(value, np.nan, np.nan, cases, reason)
    if questions < FEWEST:
        return Figure(value, np.nan, np.nan, cases, f"no interval below {FEWEST} questions")
    samples = np.asarray(RATER_STATISTICS[name](resampled))
    low, high, _ = (float(x) for x in percentile_interval(samples, CONFIDENCE))
    if low == high:
        reason = "no interval: people agree on every case so far"
        if value < 1:
            reason = "no interval: every question gives the same figure"
        return Figure(value, np.nan, np.nan, cases, reason)
    return Figure(value, low, high, cases)


def checks(found: Sequence[Checked], purpose: str) -> dict[str, Figure]:
    """Person -> share of repetitions or controls that they got as before, or right.

    Interval: Wilson 1927.
    """
    figures = {}
    for name in sorted({one.annotator for one in found}):
        mine = [one.value == one.known for one in found if one[:2] == (name, purpose)]
        if mine:
            low, high = wilson(np.asarray(float(sum(mine))), np.asarray(len(mine)), CONFIDENCE)
            figures[name] = Figure(sum(mine) / len(mine), float(low), float(high), len(mine))
    return figures
