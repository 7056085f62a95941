"""A sequence that makes its members when they are asked for."""

import pytest

from samples.on_demand import OnDemand


def test_only_what_is_looked_at_is_made() -> None:
    made: list[int] = []

    def make(place: int) -> str:
        made.append(place)
        return f"member {place}"

    some = OnDemand(make, range(0, 100, 10))
    assert len(some) == 10 and made == []
    assert (some[1], some[-1]) == ("member 10", "member 90")
    part = some[2:8:2]
    assert isinstance(part, OnDemand) and made == [10, 90]
    assert list(part) == ["member 20", "member 40", "member 60"]
    assert made == [10, 90, 20, 40, 60]
    with pytest.raises(IndexError):
        some[10]


def test_places_may_be_any() -> None:
    assert list(OnDemand("abcdef".__getitem__, [5, 0, 5])) == ["f", "a", "f"]
