"""Fixtures that every test may use."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from samples.records import (
    Account,
    AuditCase,
    AuditSet,
    Charge,
    CheckLabel,
    Control,
    Event,
    Item,
    Label,
    Lease,
    ProbeVerdict,
    Response,
    Rubric,
    Spec,
    Verdict,
    Warrant,
)
from samples.store import Store, cases_hash

settings.register_profile("no deadline", deadline=None)  # a busy machine is not a failure
settings.load_profile("no deadline")
# A shell starts its background jobs deaf to Ctrl-C, and children inherit that: here they must hear.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit's AppTest leaves its page as the main module, which a spawned process would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a folder of public data beside the checkout; skip, saying so, where it is absent."""
    root = Path(os.environ.get("BENCHWARRANT_DATA", Path(__file__).parents[2] / "shared" / "data"))

    def folder(name: str) -> Path:
        path = root / name
        if not path.is_dir():
            pytest.skip(f"public data {name!r} is not here; set BENCHWARRANT_DATA to its folder")
        return path

    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty study."""
    with Store(tmp_path / "study.db", create=True) as opened:
        yield opened


@pytest.fixture
def one_of_each() -> dict[str, Any]:
    """A record for every table, in an order that foreign keys allow."""
    now = "2026-01-31T09:30:00.000000+00:00"
    item = Item("sums", "k1", "2 + 2?", ("A", "4"), "choice", (("A", "4"), ("B", "5")), {"n": 1})
    model, judge = Spec("model", "tiny", {"draws": 1}), Spec("judge", "rules", {"kind": "exact"})
    rubric = Rubric("final-answer", "Correct?", ("incorrect", "correct"), "Look at the number.")
    response = Response(item.id, "tiny", model.id, "direct", 0, "It is 4.", seconds=0.5)
    case = AuditCase("", response.id, 0, "sums", 1.0, 2)
    audit_set = AuditSet(rubric.id, {"size": 1}, cases_hash([case]), now)
    label = Label(response.id, rubric.id, "ada", value="correct", seconds=2.5, created_at=now)
    verdict = Verdict(response.id, rubric.id, "rules", judge.id, value="correct", score=1.0)
    probe = ProbeVerdict(
        item.id, rubric.id, "empty", "reject", "", "rules", judge.id, failure="degenerate"
    )
    return {
        "items": item,
        "specs": model,
        "judge": judge,
        "rubrics": rubric,
        "responses": response,
        "audit_sets": audit_set,
        "audit_cases": AuditCase(audit_set.id, response.id, 0, "sums", 1.0, 2),
        "labels": label,
        "check_labels": CheckLabel(response.id, rubric.id, "ada", value="incorrect"),
        "controls": Control(rubric.id, "1 + 1?", ("2",), "It is 3.", "incorrect"),
        "leases": Lease(audit_set.id, response.id, "ada", now, now),
        "verdicts": verdict,
        "probes": probe,
        "charges": Charge(judge.id, "verdict", "c0de", 0, "answered", 90, 10, 0, 7, 0.0002),
        "warrants": Warrant("rules", judge.id, audit_set.id, "approved", {}, "eve", now),
        "accounts": Account("ada", secret="b2:00", created_at=now),
        "events": Event("run", "tiny", {"rows": 1}, now),
    }


@pytest.fixture
def full(store: Store, one_of_each: dict[str, Any]) -> Store:
    """A study with a row in every table."""
    store.add(one_of_each.values())
    return store
