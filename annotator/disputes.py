"""What an adjudicator has to settle: pure, from the labels of finished cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from annotator.turns import unit
from samples.oversight import Said


@dataclass(frozen=True)
class Dispute:
    """A finished case on which people differ, or that somebody cannot judge.

    ``said`` has a letter for each person, drawn anew for every case, so that nobody gets a name.
    """

    response: str
    said: tuple[tuple[str, Said], ...]
    ruling: str | None

    def letter(self, annotator: str) -> str:
        """The letter of a person here; "another person" where their label is no longer in force."""
        return next((x for x, said in self.said if said.annotator == annotator), "another person")


def disputes(labels: Sequence[Said], rulings: Mapping[str, str], seed: int) -> list[Dispute]:
    """The disputes in the order of the audit set; ``labels`` has a case's labels side by side."""
    found = []
    for response, group in groupby(labels, key=lambda said: said.response):
        said = list(group)
        values = {one.value for one in said}
        if len(values) > 1 or None in values:
            said.sort(key=lambda one: unit([seed, "letter", response, one.annotator]))
            letters = tuple((chr(ord("A") + n), one) for n, one in enumerate(said))
            found.append(Dispute(response, letters, rulings.get(response)))
    return found
