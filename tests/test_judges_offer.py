"""How the labels of options are found."""

import pytest

from judges.offer import list_of, offer_of

OFFER = offer_of((("A", "a (bank)"), ("B", "2 + 2"), ("C", "rain")))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("A", {"A"}),
        ("(b)", {"B"}),
        ("A or C", {"A", "C"}),
        ("A, B, and C", {"A", "B", "C"}),
        ("ABC", set()),
        ("D", set()),
        ("Abel", set()),
    ],
)
def test_labels_stand_by_themselves(text, labels):
    run = OFFER.find.run.match(text)
    assert (OFFER.labels(run[0]) if run else set()) == labels


def test_texts_are_kept_without_marking_up():
    assert OFFER.texts == {"A": "bank", "B": "2 + 2", "C": "rain"}
    assert offer_of(OFFER.options) is OFFER


def test_the_whole_list_is_found_as_it_was_offered():
    found = list_of(OFFER.options)
    assert found.search("Choose: (A) a (bank), (B) 2 + 2, or (C) rain.")
    assert found.search("A. a (bank)\nB. 2 + 2\nC. rain")
    assert not found.search("A. a (bank)\nC. rain")
