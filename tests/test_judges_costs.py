"""What judging cost, by the booked attempts: per 1,000 verdicts and per 1,000 correct ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest import approx
from small_road import NOW, STUDY, walk
from test_judges_makeup import CASCADE

from inference.ledger import Purse
from judges.costs import Books, asked, costs, costs_say, price_of, purse, usd_per_verdict
from judges.makeup import panel_facts, panel_says
from judges.tables import study_judges
from samples.cli import opened
from samples.errors import BenchwarrantError
from samples.records import Charge, Spec
from samples.store import Store
from samples.study import Study

ACCURACY = {"n": 24, "accuracy": {"value": 0.8, "low": 0.5, "high": 1.0}}
PAID = """[[judge]]
name = "gpt"
kind = "llm"
engine = "openai"
model = "gpt-4o-mini"
prompt = "prompt.txt"
[[judge]]
name = "unknown"
kind = "llm"
engine = "openai"
model = "gpt-99"
prompt = "prompt.txt"
[[judge]]
name = "vote"
kind = "panel"
members = ["rules", "unknown"]
how = "majority"
[policy]
"""


@pytest.fixture
def road(tmp_path: Path) -> Iterator[tuple[Study, Store]]:
    """A cascade of a rule that reads half of the answers, and of a reader for the others."""
    files = {"study.toml": STUDY.replace("[policy]\n", CASCADE), "bad.jsonl": [{"text": "Hm."}]}
    walk(tmp_path, **files)
    with opened(tmp_path / "study.toml") as pair:
        yield pair


def specs(study: Study, store: Store) -> dict[str, Spec]:
    return study_judges(study, store)


def charge(spec: Spec, serial: int, usd: float | None, **more: object) -> Charge:
    about = {"outcome": "answered", "input_tokens": 90, "cached_tokens": 0, "written_tokens": 10}
    return Charge(
        **{  # type: ignore[arg-type]
            "spec": spec.id,
            "purpose": "verdict",
            "request": "c0de",
            "attempt": 0,
            **about,
            "output_tokens": 7,
            "usd": usd,
            "serial": serial,
            "created_at": NOW,
            **more,
        }
    )


def test_verdicts_and_right_ones_have_a_price(road) -> None:
    study, store = road
    reader, rubric = specs(study, store)["reader"], study.rater_question.id
    store.add(charge(reader, serial, 0.001) for serial in range(24))
    store.add([charge(reader, 24, 0.0, attempt=1, outcome="429")])
    store.add([charge(reader, 25, 0.006, attempt=1, outcome="cut", estimated=True)])
    store.add([charge(reader, 26, 0.5, purpose="probe")])
    found = costs(store, reader, rubric, ACCURACY)
    assert found["per_1000_verdicts"] == approx(1.25)  # 0.030 for 24 verdicts
    correct = found["per_1000_correct"]
    assert (correct["value"], correct["low"], correct["high"], correct["n"]) == approx(
        (1.25 / 0.8, 1.25, 2.5, 24)
    )
    counted = ("verdicts", "attempts", "calls", "estimated", "input_tokens", "output_tokens")
    assert [found[name] for name in counted] == [24, 26, 24, 1, 2600, 182]
    assert (found["usd"], found["probe_usd"], found["recheck_usd"]) == (approx(0.03), 0.5, None)
    assert costs_say({"cost": found}) == (
        "It costs $1.25 per 1,000 verdicts and $1.56 [$1.25, $2.50] per 1,000 correct ones: $0.030"
        " for 26 attempts, 1 of them by estimate and 24 verdicts."
    )


def test_a_cascade_costs_what_it_asked_and_says_what_it_spared(road) -> None:
    study, store = road
    known, rubric = specs(study, store), study.rater_question.id
    store.add(charge(known["reader"], serial, 0.001) for serial in range(24))
    assert usd_per_verdict(store, known["reader"], rubric) == approx(0.001)
    responses = [r.id for r in store.responses()]
    facts = panel_facts(store, known["cascade"], rubric, responses)
    heard = facts["calls"]["reader"]
    assert 0 < heard < 24
    found = costs(store, known["cascade"], rubric, ACCURACY)
    assert found["per_1000_verdicts"] == approx(1000 * heard * 0.001 / 24)
    assert "by what its members cost" in costs_say({"cost": found})
    assert facts["usd_saved"] == approx((24 - heard) * 0.001)
    assert panel_says(facts).endswith(f"of 48 calls saved and ${(24 - heard) / 1000:.3f}")


def test_what_is_not_known_is_said(road) -> None:
    study, store = road
    known, rubric = specs(study, store), study.rater_question.id
    free = costs(store, known["rules"], rubric, ACCURACY)
    assert (free["per_1000_verdicts"], free["reason"]) == (None, "it asks no provider")
    assert costs_say({"cost": free}) == costs_say({}) == ""
    store.add([charge(known["reader"], 0, None), charge(known["reader"], 1, 0.1)])
    found = costs(store, known["reader"], rubric, ACCURACY)
    assert found["reason"] == "no price was known for 1 of 2 attempts"
    assert costs_say({"cost": found}).startswith("What it costs is not known: no price was known")
    panel = costs(store, known["cascade"], rubric, ACCURACY)
    assert panel["reason"] == "reader: no price was known for 1 of 2 attempts"
    assert usd_per_verdict(store, known["cascade"], rubric) is None


def test_a_judge_that_is_never_right_has_no_price_per_right_one(road) -> None:
    study, store = road
    reader, rubric = specs(study, store)["reader"], study.rater_question.id
    store.add(charge(reader, serial, 0.001) for serial in range(24))
    never = {"n": 24, "accuracy": {"value": 0.0, "low": 0.0, "high": 0.2}}
    correct = costs(store, reader, rubric, never)["per_1000_correct"]
    assert (correct["value"], correct["high"]) == (None, None)
    assert correct["reason"] == "undefined: it may be right on no case"


def test_a_ceiling_needs_every_price(tmp_path: Path) -> None:
    study = _paid(tmp_path)
    blocks = {block.name: block for block in study.judge}
    assert purse(study, [blocks["gpt"], blocks["rules"], blocks["reader"]], 2.5).limit == 2.5
    for name in ("unknown", "vote"):
        assert purse(study, [blocks[name]], None).limit is None
        with pytest.raises(BenchwarrantError, match=r"\[\[judge\]\] unknown: no price of 'gpt-99'"):
            purse(study, [blocks[name]], 2.5)
    assert [b.name for b in asked(study, [blocks["vote"], blocks["rules"]])] == ["rules", "unknown"]


def test_only_what_a_provider_bills_is_booked(tmp_path: Path) -> None:
    study = _paid(tmp_path)
    books = Books("verdict", lambda: NOW, Purse())
    spec = Spec("judge", "x", {})
    booked = {b.name: books.ledger(study, b, spec) is not None for b in study.judge}
    assert {name for name, is_booked in booked.items() if is_booked} == {"gpt", "unknown"}
    prices = {b.name: price_of(study, b) for b in study.judge}
    assert prices["gpt"] is not None and prices["gpt"].source.startswith("table of ")
    assert prices["unknown"] is None and prices["rules"] is None
    assert prices["reader"] is not None and prices["reader"].source == "local"


def _paid(folder: Path) -> Study:
    walk(folder)
    path = folder / "study.toml"
    path.write_text(STUDY.replace("[policy]\n", PAID), encoding="utf-8")
    with opened(path) as (study, _):
        return study
