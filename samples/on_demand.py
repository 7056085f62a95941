"""Sequences whose members are made when they are asked for, so that they are never all there."""

from collections.abc import Callable, Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class OnDemand(Sequence[T]):
    """``make`` of each place, called anew each time that somebody looks."""

    def __init__(self, make: Callable[[int], T], places: Sequence[int]) -> None:
        self._make = make
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> "OnDemand[T]": ...
    def __getitem__(self, place: int | slice) -> "T | OnDemand[T]":
        if isinstance(place, slice):
            return OnDemand(self._make, self._places[place])
        return self._make(self._places[place])
