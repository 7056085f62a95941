"""What people's labels come to: the rule by which a case is settled, and what is left unsettled."""

import numpy as np
import pytest

from judges.consensus import settle
from samples.records import Account, Label

CODES = {"no": 0, "half": 1, "yes": 2}
ACCOUNTS = {
    account.name: account
    for account in (
        Account("zoe", role="adjudicator"),
        Account("yan", role="adjudicator"),
        Account("lea", role="lead"),
        Account("prog", kind="reference"),
        Account("gone", status="revoked"),
    )
}


def labels(case: str, given: str, unsure: str = "") -> list[Label]:
    """ "ann:yes ben:no" as labels of one case."""
    pairs = [word.split(":") for word in given.split()]
    return [Label(case, "r", who, value=value, unsure=who in unsure) for who, value in pairs]


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ("ann:yes", "yes"),
        ("ann:yes ben:yes cyd:no", "yes"),
        ("ann:no ben:yes cyd:no", "no"),
        ("ann:yes ben:no", "tie"),
        ("ann:yes ben:no cyd:half", "tie"),
        ("ann:yes ben:yes cyd:no dan:no eli:half", "tie"),
        ("ann:yes ben:yes cyd:no dan:half", "yes"),  # most, not more than half
        ("ann:yes ben:no zoe:no", "no"),
        ("ann:yes ben:yes cyd:yes zoe:no", "no"),  # binds against any majority
        ("zoe:half", "half"),
        ("zoe:no yan:no ann:yes", "no"),
        ("zoe:no yan:yes ann:yes", "tie"),  # two who bind differ: nobody is above them
        ("yan:yes zoe:no ann:yes", "tie"),  # whoever came last
        ("ann:yes ben:no lea:no", "no"),  # a lead is a rater like any other
        ("ann:no gone:yes", "tie"),  # work done before the account was closed still counts
        ("", "unlabelled"),
    ],
)
def test_the_rule(given: str, settled: str) -> None:
    made = settle(["c"], labels("c", given), CODES, ACCOUNTS)
    assert made.values.tolist() == [CODES.get(settled, -1)]
    assert made.ties == (("c",) if settled == "tie" else ())
    assert made.unlabelled == (("c",) if settled == "unlabelled" else ())
    assert made.adjudicated == ("zoe" in given or "yan" in given)
    assert made.method == ("majority, adjudicated" if made.adjudicated else "majority")


def test_the_order_of_the_labels_settles_nothing() -> None:
    given = labels("c", "ann:yes ben:no cyd:no zoe:yes yan:yes")
    forth, back = (settle(["c"], one, CODES, ACCOUNTS) for one in (given, given[::-1]))
    assert forth.values.tolist() == back.values.tolist() == [2]
    np.testing.assert_array_equal(forth.ratings, back.ratings)


def test_an_adjudicator_is_no_rater_and_a_row_is_a_case() -> None:
    given = labels("b", "ben:half ann:yes zoe:no") + labels("a", "ann:no") + labels("x", "cyd:yes")
    made = settle(["a", "b", "c"], given, CODES, ACCOUNTS)
    assert made.raters == ("ann", "ben")  # cyd labelled a case of no audit set
    assert made.ratings.tolist() == [[0, -1], [2, 1], [-1, -1]]
    assert made.values.tolist() == [0, 0, -1]
    assert (made.adjudicated, made.unlabelled, made.ties) == (1, ("c",), ())


def test_ties_and_cases_without_a_label_are_listed_apart() -> None:
    given = labels("b", "ann:yes ben:no") + labels("d", "ann:yes ben:no")
    made = settle(["a", "b", "c", "d"], given, CODES, {})
    assert (made.ties, made.unlabelled) == (("b", "d"), ("a", "c"))
    assert made.values.tolist() == [-1] * 4


def test_unsure_labels_count_and_are_counted() -> None:
    given = labels("a", "ann:yes ben:yes", unsure="ann ben") + labels("b", "ann:no")
    outside = labels("x", "ann:no", unsure="ann")
    made = settle(["a", "b"], given + outside, CODES, {})
    assert (made.unsure, made.values.tolist()) == (2, [2, 0])


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("ann:yes", "human"),
        ("ann:yes zoe:no", "human"),
        ("prog:yes", "reference"),
        ("prog:yes ann:yes", "mixed"),
        ("prog:yes zoe:yes", "mixed"),
        ("", "none"),
    ],
)
def test_where_the_labels_come_from(given: str, kind: str) -> None:
    outside = labels("x", "prog:yes ann:no")  # on a case that is not asked for
    assert settle(["c"], labels("c", given) + outside, CODES, ACCOUNTS).labels == kind
