"""What tokens cost, and that no model is ever priced as another."""

import re
from dataclasses import astuple
from datetime import date
from typing import Any

import pytest

from inference.anthropic_api import ANTHROPIC
from inference.engine import ENGINES
from inference.openai_api import OPENAI
from inference.prices import LOCAL, Price, Tokens, find_price, price_table
from samples.study import PriceBlock

HAIKU = Price(0.8, 4, 0.08, 1, 1.6, batch=0.5, source="test")
ROWS = [
    (engine, model, row)
    for engine in ("openai", "anthropic")
    for model, row in price_table()[engine]["models"].items()
]


def block(**values: Any) -> PriceBlock:
    return PriceBlock.model_validate({"model": "m", "input": 3, "output": 15} | values)


# What tokens cost


@pytest.mark.parametrize(
    ("tokens", "usd"),
    [
        (Tokens(), 0),
        (Tokens(input=1_000_000), 0.8),
        (Tokens(output=500), 0.002),  # 500 × 4 / 10⁶
        # 1000 × 0.8 + 2000 × 0.08 + 300 × 1 + 50 × 1.6 + 200 × 4 = 2140, of a million
        (Tokens(input=1000, cached=2000, written=300, written_1h=50, output=200), 0.00214),
    ],
)
def test_dollars_worked_by_hand(tokens: Tokens, usd: float) -> None:
    assert HAIKU.usd(tokens) == pytest.approx(usd)
    assert HAIKU.usd(tokens, batched=True) == pytest.approx(usd / 2)


def test_a_judge_of_ten_thousand_cases_by_hand() -> None:
    """10,000 prompts of 800 tokens, answers of 60: 8 million × $2.50 + 0.6 million × $10 = $26."""
    price = find_price("openai", "gpt-4o-2024-11-20", None, [])
    assert price is not None
    tokens = Tokens(input=8_000_000, output=600_000)
    assert price.usd(tokens) == pytest.approx(26)
    assert price.usd(tokens, batched=True) == pytest.approx(13)


# The table


def test_the_table_has_a_date_its_sources_and_the_providers_hosts() -> None:
    table = price_table()
    assert date.fromisoformat(table["date"]) >= date(2026, 11, 5)
    assert len(table["sources"]) >= 2 and all(isinstance(name, str) for name in table["sources"])
    for engine, url in (("openai", OPENAI), ("anthropic", ANTHROPIC)):
        assert table[engine].keys() == {"host", "batch", "models"} and engine in ENGINES
        assert re.fullmatch(rf"https://{re.escape(table[engine]['host'])}(/v1)?", url)
        assert table[engine]["batch"] == 0.5


@pytest.mark.parametrize(("engine", "model", "row"), ROWS, ids=[model for _, model, _ in ROWS])
def test_every_row_is_a_price(engine: str, model: str, row: dict[str, float]) -> None:
    block(**row)  # no key that a study could not name, nothing below 0 or endless
    price = find_price(engine, model, None, [])
    assert price is not None and price.source == f"table of {price_table()['date']}"
    assert 0 < price.cached <= price.input <= price.output
    assert price.input <= price.written <= price.output
    assert price.batch == 0.5
    if engine == "anthropic":  # an hour in the cache costs twice what reading anew does
        assert row.keys() == {"input", "cached", "written", "written_1h", "output"}
        assert price.written_1h == pytest.approx(2 * price.input)
        assert price.written == pytest.approx(1.25 * price.input, rel=0.05)  # haiku 3: 1.2
    else:
        assert price.written in (price.input, pytest.approx(1.25 * price.input))


# Which price is a model's


@pytest.mark.parametrize(
    ("engine", "model", "row"),
    [
        ("openai", "gpt-4o", "gpt-4o"),
        ("openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),  # cost twice as much as the later
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "gpt-6.1-sol-2026-09-29", "gpt-6.1-sol"),
        ("anthropic", "claude-opus-4-20250514", "claude-opus-4"),
        ("anthropic", "claude-opus-4-1-20250805", "claude-opus-4-1"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-3-5-haiku-latest", "claude-3-5-haiku"),
    ],
)
def test_a_snapshot_costs_what_its_model_does(engine: str, model: str, row: str) -> None:
    found = find_price(engine, model, None, [])
    values = price_table()[engine]["models"][row]
    assert found is not None and (found.input, found.output) == (values["input"], values["output"])


@pytest.mark.parametrize(
    ("engine", "model"),
    [
        ("openai", "gpt-4"),  # is only the beginning of others' ids
        ("openai", "gpt-4o-audio-preview"),
        ("openai", "gpt-4o-mini-search-preview-2025-03-11"),
        ("openai", "gpt-4o-2024"),
        ("openai", "gpt-4o-2024-11-20-mine"),
        ("openai", "GPT-4o"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:us::x"),
        ("openai", "openai/gpt-4o"),
        ("openai", "claude-opus-5"),  # another provider's
        ("openai", ""),
        ("openai", "-latest"),
        ("anthropic", "claude-opus"),
        ("anthropic", "claude-opus-latest"),
        ("anthropic", "claude-opus-5-9"),
        ("anthropic", "gpt-4o"),
        ("other", "gpt-4o"),
    ],
)
def test_an_unknown_model_has_no_price(engine: str, model: str) -> None:
    assert find_price(engine, model, None, []) is None


@pytest.mark.parametrize(
    "base_url",
    [
        "https://eu.api.openai.com/v1",  # other regions cost more
        "https://api.openai.com.example.org/v1",
        "https://myapi.openai.com/v1",
        "https://mine.openai.azure.com/openai/v1",
        "http://10.0.0.5:8000/v1",
        "http://localhost.example.org/v1",
        "http://127.example.org/v1",
        "api.openai.com",  # no address, which the engine says
        "http://[::1/v1",
        "http://:8000",
    ],
)
def test_elsewhere_the_table_says_nothing(base_url: str) -> None:
    assert find_price("openai", "gpt-4o", base_url, []) is None


def test_the_providers_own_host_may_be_written_out() -> None:
    for url in (OPENAI, OPENAI + "/", "https://API.openai.com:443/v1"):
        assert find_price("openai", "gpt-4o", url, []) == find_price("openai", "gpt-4o", None, [])


@pytest.mark.parametrize(
    ("engine", "base_url"),
    [
        ("hf", None),
        ("replay", None),
        ("served", None),
        ("openai", "http://localhost:8000/v1"),
        ("openai", "http://127.0.0.1:8000/v1"),
        ("openai", "http://127.9.9.9/v1"),
        ("openai", "http://[::1]:8000/v1"),
        ("anthropic", "http://LocalHost:8080"),
    ],
)
def test_ones_own_machine_sends_no_bill(engine: str, base_url: str | None) -> None:
    price = find_price(engine, "gpt-4o", base_url, [])  # whatever the model is called
    assert price == LOCAL and price.source == "local"
    assert price.usd(Tokens(*(5 * [10**9])), batched=True) == 0


# The study's prices


@pytest.mark.parametrize(
    ("engine", "base_url", "batch"),
    [
        ("openai", None, 0.5),
        ("openai", "https://example.org/v1", 1.0),  # nobody knows whether batches cost less there
        ("openai", "http://localhost:8000/v1", 1.0),
        ("hf", None, 1.0),
    ],
)
def test_the_studys_price_wins_everywhere(engine: str, base_url: str | None, batch: float) -> None:
    blocks = [block(), block(model="gpt-4o", input=7, output=9)]
    price = find_price(engine, "gpt-4o", base_url, blocks)
    assert price == Price(7, 9, 7, 7, 7, batch, "the study file")


def test_writing_to_anthropics_cache_costs_more_than_reading_anew() -> None:
    price = find_price("anthropic", "m", None, [block()])
    assert price is not None
    assert astuple(price) == (3, 15, 3, 3.75, 6, 0.5, "the study file")


def test_all_that_a_block_says_is_taken() -> None:
    said = block(cached=0, written=4, written_1h=5, batch=0.25)
    price = find_price("anthropic", "m", None, [said])
    assert price == Price(3, 15, 0, 4, 5, 0.25, "the study file")


def test_a_block_is_for_one_id_and_no_snapshot_of_it() -> None:
    assert find_price("openai", "m-2026-01-31", None, [block()]) is None
    found = find_price("openai", "gpt-4o-2024-11-20", None, [block(model="gpt-4o", input=99)])
    assert found is not None and found.input == 2.5
