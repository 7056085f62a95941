"""What people's labels come to: the rule by which a case is settled, and what is left unsettled."""

import numpy as np
import pytest

from judges.consensus import most_given, settle, settled
from judges.dawid_skene import posterior
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


@pytest.mark.parametrize(
    ("given", "agreed"),
    [
        ("ann:yes", "yes"),  # one rater is all of them
        ("ann:yes ben:yes cyd:yes", "yes"),
        ("ann:yes ben:yes cyd:no", "tie"),
        ("ann:yes ben:no zoe:no", "no"),  # an adjudicator binds whatever the rule
        ("", "unlabelled"),
    ],
)
def test_unanimous(given: str, agreed: str) -> None:
    made = settle(["c"], labels("c", given), CODES, ACCOUNTS, "unanimous")
    assert made.values.tolist() == [CODES.get(agreed, -1)]
    assert made.ties == (("c",) if agreed == "tie" else ())
    assert made.method == ("unanimous, adjudicated" if "zoe" in given else "unanimous")


@pytest.mark.parametrize(
    ("given", "unsure", "expected"),
    [
        ("ann:yes ben:no", "ben", "yes"),  # no tie any more
        ("ann:yes ben:no cyd:no", "ben cyd", "yes"),
        ("ann:yes ben:yes", "ann ben", "all unsure"),
        ("ann:yes zoe:no", "zoe", "yes"),  # nor does an adjudicator bind who is unsure
        ("ann:yes ben:no", "", "tie"),
        ("", "", "unlabelled"),
    ],
)
def test_unsure_labels_may_be_left_out(given: str, unsure: str, expected: str) -> None:
    made = settle(["c"], labels("c", given, unsure), CODES, ACCOUNTS, "majority", "leave_out")
    assert made.values.tolist() == [CODES.get(expected, -1)]
    assert made.all_unsure == (("c",) if expected == "all unsure" else ())
    assert made.ties == (("c",) if expected == "tie" else ())
    assert made.unlabelled == (("c",) if expected == "unlabelled" else ())
    assert made.unsure == len(unsure.split())
    # what is left out is no rating either, and the people are still there
    assert (made.ratings >= 0).sum() == sum(
        word.split(":")[0] not in unsure and not word.startswith("zoe") for word in given.split()
    )
    assert len(made.raters) == sum(not word.startswith("zoe") for word in given.split())


def test_dawid_and_skene_settle_by_who_can_be_trusted() -> None:
    """Ann and Ben are right 19 times in 20, three others hardly more often than by chance."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 200)
    names = ["no", "yes"]
    given = []
    for number, right in enumerate(truth):
        for who, share in (
            ("ann", 0.95),
            ("ben", 0.95),
            ("cyd", 0.55),
            ("dan", 0.55),
            ("eli", 0.55),
        ):
            value = names[right if rng.random() < share else 1 - right]
            given += labels(str(number), f"{who}:{value}")
    cases, codes = [str(number) for number in range(200)], {"no": 0, "yes": 1}
    made, majority = (settle(cases, given, codes, {}, r) for r in ("dawid-skene", "majority"))
    assert made.method == "dawid-skene" and made.ties == ()
    right, usual = ((one.values == truth).mean() for one in (made, majority))
    assert right > 0.92 and right > usual + 0.03


def test_what_adjudicators_say_binds_dawid_and_skene_too() -> None:
    rng = np.random.default_rng(0)
    ratings = rng.integers(0, 2, (40, 3))
    known = np.where(np.arange(40) < 5, 1 - ratings[:, 0], -1)
    found = settled(ratings, 2, "dawid-skene", known)
    np.testing.assert_array_equal(found[:5], known[:5])
    np.testing.assert_array_equal(found, posterior(ratings, 2, known).argmax(axis=1))


def test_equal_chances_are_a_tie() -> None:
    even = np.array([[0, 1, -1], [1, 0, -1], [0, 0, 0], [1, 1, 1]])
    assert settled(even, 2, "majority").tolist() == [-1, -1, 0, 1]
    assert most_given(np.empty((2, 0), dtype=np.int64), 2).tolist() == [-1, -1]
