"""What asking a model costs: by the study's own prices, or by the table that is shipped.

The table (prices.toml) has a date and is data: prices change, so every figure made with it says
where its price is from.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from samples.study import PriceBlock

MILLION = 1_000_000
OWN_MACHINE = ("hf", "replay", "served")  # engines that ask nobody who sends a bill
WRITING = {"anthropic": (1.25, 2.0)}  # of the input price: for 5 minutes, for an hour
DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")  # of a snapshot


@dataclass(frozen=True)
class Tokens:
    """Tokens by how they are billed; ``input`` is without what the cache gave or took."""

    input: int = 0
    cached: int = 0  # read from the provider's cache
    written: int = 0  # written to it, for as long as is usual
    written_1h: int = 0  # written to it for an hour
    output: int = 0


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens; ``batch`` is the part of them that a batch costs."""

    input: float
    output: float
    cached: float
    written: float
    written_1h: float
    batch: float
    source: str  # "table of 2026-11-18", "the study file" or "local"

    def usd(self, tokens: Tokens, batched: bool = False) -> float:
        """What these tokens cost, in US dollars."""
        whole = (
            tokens.input * self.input
            + tokens.cached * self.cached
            + tokens.written * self.written
            + tokens.written_1h * self.written_1h
            + tokens.output * self.output
        )
        return whole / MILLION * (self.batch if batched else 1)


LOCAL = Price(input=0, output=0, cached=0, written=0, written_1h=0, batch=1, source="local")


def find_price(
    engine: str, model: str, base_url: str | None, blocks: Sequence[PriceBlock]
) -> Price | None:
    """The study's price for a model, nothing on this machine, else the table's; None if unknown.

    The table holds for the provider's own host, and for a model by its exact id or by the id
    without a snapshot's date. What a price leaves out costs as input does, but with engine
    "anthropic" writing costs 1.25 times that, and twice for an hour.
    """
    host = _host(base_url)
    provider = price_table().get(engine, {})
    is_own = bool(provider) and (base_url is None or host == provider["host"])
    batch = provider["batch"] if is_own else 1.0
    for block in blocks:
        if block.model == model:
            named = block.model_dump(exclude={"model"}, exclude_none=True)
            return _price(engine, {"batch": batch} | named, "the study file")
    if engine in OWN_MACHINE or _is_loopback(host):
        return LOCAL
    rows = provider["models"] if is_own else {}
    row = rows.get(model) or rows.get(DATE.sub("", model))
    if row is None:
        return None
    return _price(engine, {"batch": batch} | row, f"table of {price_table()['date']}")


@cache
def price_table() -> dict[str, Any]:
    """The shipped prices: their ``date`` and ``sources``, and a table for each provider."""
    return tomllib.loads((files("inference") / "prices.toml").read_text(encoding="utf-8"))


def _price(engine: str, named: Mapping[str, float], source: str) -> Price:
    usual, hour = WRITING.get(engine, (1.0, 1.0))
    whole = named["input"]
    left_out = {"cached": whole, "written": usual * whole, "written_1h": hour * whole}
    return Price(**left_out | dict(named), source=source)


def _host(base_url: str | None) -> str | None:
    try:
        return urlsplit(base_url or "").hostname
    except ValueError:  # no address at all, which the engine says in its own words
        return None


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:  # a name
        return False
