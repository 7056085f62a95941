"""Every statistic is explained, in one plain sentence each."""

import pytest

from judges.agreement import STATISTICS
from judges.meaning import MEANING, SAME_ON_TWO_LABELS


def test_every_statistic_has_a_meaning() -> None:
    assert set(MEANING) == set(STATISTICS)
    assert {name for names in SAME_ON_TWO_LABELS for name in names} <= set(STATISTICS)


@pytest.mark.parametrize("name", MEANING)
def test_a_meaning_is_two_sentences(name: str) -> None:
    for sentence in MEANING[name]:
        assert sentence[0].isupper() and sentence[-1] in ".?"
        assert 20 < len(sentence) < 100
