"""The human reference: what people say about each case, settled by the rule that the study names.

A case is settled by an adjudicator's label where there is one, whatever the rule; adjudicators who
differ settle nothing. Else by the raters' labels:

- majority: the label that most of them gave; a tie settles nothing.
- unanimous: the label that all of them gave, be it one rater; where two differ nothing is settled.
- dawid-skene: the most probable label given how each rater errs (judges.dawid_skene).

Labels marked unsure count like any other, or (``unsure = "leave_out"``) as not given at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judges.chance import Array, BoolArray, IntArray
from judges.dawid_skene import posterior
from samples.records import Account, Label
from samples.study import Method, Unsure

TIE = 1e-9  # posterior probabilities closer than this are equal


@dataclass(frozen=True)
class Reference:
    """One settled value per case, and how it came about.

    ``ratings`` has a row per case and a column per rater, −1 where somebody gave no label;
    adjudicators are no raters: they have seen the others' labels.
    """

    values: IntArray  # (cases,) label codes, −1 where nothing is settled
    raters: tuple[str, ...]
    ratings: IntArray
    labels: str  # "human", "reference" (made by program) or "mixed"
    adjudicated: int
    ties: tuple[str, ...]  # cases that the labels given leave open
    unlabelled: tuple[str, ...]
    unsure: int
    rule: Method = "majority"
    unsure_rule: Unsure = "count"
    all_unsure: tuple[str, ...] = ()  # labelled, but no label is left where unsure ones are out

    @property
    def method(self) -> str:
        return f"{self.rule}, adjudicated" if self.adjudicated else self.rule


def settle(
    cases: Sequence[str],
    labels: Sequence[Label],
    codes: Mapping[str, int],
    accounts: Mapping[str, Account],
    rule: Method = "majority",
    unsure: Unsure = "count",
) -> Reference:
    """Settle every case by the rule, and say which are left open, and why."""
    row = {case: place for place, case in enumerate(cases)}
    given = [label for label in labels if label.response in row]
    used = [label for label in given if unsure == "count" or not label.unsure]
    arbiters = {name for name, account in accounts.items() if account.role == "adjudicator"}
    raters = tuple(sorted({label.annotator for label in given} - arbiters))
    ratings = _table(row, [label for label in used if label.annotator in raters], raters, codes)
    binding = [label for label in used if label.annotator in arbiters]
    rulings = _table(row, binding, sorted({label.annotator for label in binding}), codes)
    ruled = (rulings >= 0).any(axis=1)
    bound = most_given(rulings, len(codes))
    values = np.where(ruled, bound, settled(ratings, len(codes), rule, bound))
    kinds = {accounts[n].kind if n in accounts else "human" for n in {la.annotator for la in given}}
    labelled = np.zeros(len(cases), dtype=bool)
    labelled[[row[label.response] for label in given]] = True
    counted = ruled | (ratings >= 0).any(axis=1)
    return Reference(
        values=values,
        raters=raters,
        ratings=ratings,
        labels=kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "none",
        adjudicated=int(ruled.sum()),
        ties=_named(cases, counted & (values < 0)),
        unlabelled=_named(cases, ~labelled),
        unsure=sum(label.unsure for label in given),
        rule=rule,
        unsure_rule=unsure,
        all_unsure=_named(cases, labelled & ~counted),
    )


def settled(ratings: IntArray, k: int, rule: Method, known: IntArray | None = None) -> IntArray:
    """One label per row of ``ratings`` (cases, raters), −1 where the rule settles nothing.

    ``known`` (cases,) are labels that bind (−1: none), from which Dawid and Skene's rule learns how
    raters err.
    """
    if rule == "majority":
        return most_given(ratings, k)
    if rule == "unanimous":
        alike = (_votes(ratings, k) > 0).sum(axis=1) == 1
        return np.where(alike, most_given(ratings, k), -1)
    found = posterior(ratings, k, known)
    return _likeliest(found, TIE)


def most_given(ratings: IntArray, k: int) -> IntArray:
    """The label that most raters gave each case; −1 for a tie, or where nobody gave any."""
    return _likeliest(_votes(ratings, k), 0.0)


def _votes(ratings: IntArray, k: int) -> Array:
    return np.asarray((ratings[:, :, None] == np.arange(k)).sum(axis=1), dtype=np.float64)


def _likeliest(weight: Array, tie: float) -> IntArray:
    """The place of the largest of each row (cases, K); −1 where the next is as large, or NaN."""
    ordered = np.sort(weight, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > tie
    return np.where(clear, weight.argmax(axis=1), -1)


def _table(
    row: Mapping[str, int], labels: Sequence[Label], names: Sequence[str], codes: Mapping[str, int]
) -> IntArray:
    """Label codes (cases, names), −1 where there is no label."""
    column = {name: place for place, name in enumerate(names)}
    table = np.full((len(row), len(names)), -1, dtype=np.int64)
    for label in labels:
        table[row[label.response], column[label.annotator]] = codes[label.value or ""]
    return table


def _named(cases: Sequence[str], which: BoolArray) -> tuple[str, ...]:
    return tuple(case for case, chosen in zip(cases, which, strict=True) if chosen)
