"""The human reference: what people say about each case, settled by a stated rule."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judges.agreement import IntArray
from samples.records import Account, Label


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
    ties: tuple[str, ...]  # cases on which people are evenly split
    unlabelled: tuple[str, ...]
    unsure: int

    @property
    def method(self) -> str:
        return "majority, adjudicated" if self.adjudicated else "majority"


def settle(
    cases: Sequence[str],
    labels: Sequence[Label],
    codes: Mapping[str, int],
    accounts: Mapping[str, Account],
) -> Reference:
    """An adjudicator's label binds; else the label that most raters gave; a tie settles nothing.

    So do adjudicators who differ. Labels marked unsure count like any other and are stated.
    """
    by_case: dict[str, list[Label]] = {case: [] for case in cases}
    for label in labels:
        if label.response in by_case:
            by_case[label.response].append(label)
    used = [label for found in by_case.values() for label in found]
    arbiters = {name for name, account in accounts.items() if account.role == "adjudicator"}
    raters = tuple(sorted({label.annotator for label in used} - arbiters))
    column = {name: place for place, name in enumerate(raters)}
    ratings = np.full((len(cases), len(raters)), -1, dtype=np.int64)
    values = np.full(len(cases), -1, dtype=np.int64)
    ties, adjudicated = [], 0
    for row, (case, found) in enumerate(by_case.items()):
        for label in found:
            if label.annotator in column:
                ratings[row, column[label.annotator]] = codes[label.value or ""]
        binding = [label for label in found if label.annotator in arbiters]
        votes = Counter(label.value for label in (binding or found)).most_common()
        adjudicated += bool(binding)
        if len(votes) > 1 and votes[0][1] == votes[1][1]:
            ties.append(case)
        elif votes:
            values[row] = codes[votes[0][0] or ""]
    kinds = {accounts[name].kind if name in accounts else "human" for name in _names(used)}
    return Reference(
        values=values,
        raters=raters,
        ratings=ratings,
        labels=kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "none",
        adjudicated=adjudicated,
        ties=tuple(ties),
        unlabelled=tuple(case for case, found in by_case.items() if not found),
        unsure=sum(label.unsure for label in used),
    )


def _names(labels: Sequence[Label]) -> set[str]:
    return {label.annotator for label in labels}
