"""What a study remembers of its batches, entry by entry; one run at a time may touch them."""

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from inference.batch_services import Batch
from judges.batch_journal import BatchJournal
from samples.errors import BenchwarrantError
from samples.records import Spec
from samples.store import Store

SPEC = Spec("judge", "llm", {"kind": "llm"})
FIRST = Batch("k1", "api.example", ("r1", "r2"), planned=1769851800.0, file="file-1")

Journal = Callable[..., BatchJournal]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHWARRANT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def journal(store: Store) -> Journal:
    seconds = count()

    def now() -> str:
        return f"2026-01-31T09:30:{next(seconds):02}+00:00"

    def journal(spec: Spec = SPEC, purpose: str = "verdicts") -> BatchJournal:
        return BatchJournal(store.path, purpose, now, spec)

    return journal


def with_id(batch: Batch, id_: str) -> Batch:
    return Batch(batch.key, batch.host, batch.rows, batch.planned, batch.file, id_)


def test_a_batch_is_open_from_its_plan_to_its_end(journal: Journal) -> None:
    notes = journal()
    assert notes.open() == []
    notes.note("planned", FIRST)
    assert notes.open() == [FIRST]
    sent = with_id(FIRST, "batch_1")
    notes.note("sent", sent)
    assert notes.open() == journal().open() == [sent]
    assert notes.ids() == {"batch_1"}
    notes.note("settled", sent)
    assert notes.open() == []
    assert notes.ids() == {"batch_1"}


@pytest.mark.parametrize("end", ["dropped", "failed"])
def test_what_was_not_run_is_over(journal: Journal, end: str) -> None:
    notes = journal()
    notes.note("planned", FIRST)
    notes.note(end, FIRST)
    assert notes.open() == []


def test_judges_and_purposes_do_not_see_each_other_s_batches(journal: Journal) -> None:
    journal().note("planned", FIRST)
    assert journal(purpose="probes").open() == []
    other = Spec("judge", "llm", {"kind": "llm", "prompt": "another"})
    assert journal(other).open() == []


def test_an_entry_is_an_event_on_the_disk(
    journal: Journal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[dict[str, Any]] = []
    real = Store.__init__
    monkeypatch.setattr(
        Store, "__init__", lambda self, *a, **k: (opened.append(k), real(self, *a, **k))[1]
    )
    journal().note("planned", FIRST)
    assert opened == [{"precious": True}]
    [event] = store.events("batch")
    assert (event.subject, event.body["state"], event.body["rows"]) == (
        "llm",
        "planned",
        ["r1", "r2"],
    )
    journal().note("sent", with_id(FIRST, "b"))
    assert store.events("batch")[1].body["rows"] == 2


def test_what_was_collected_is_settled_when_all_went_well(journal: Journal) -> None:
    with journal() as notes:
        notes.note("planned", FIRST)
        notes.collected(FIRST)
        assert notes.open() == [FIRST]
    assert notes.open() == []


def test_what_was_collected_stays_open_where_saving_it_failed(journal: Journal) -> None:
    with pytest.raises(OSError), journal() as notes:
        notes.note("planned", FIRST)
        notes.collected(FIRST)
        raise OSError("the disk is full")
    assert notes.open() == [FIRST]


def test_one_run_at_a_time(journal: Journal) -> None:
    with journal(), pytest.raises(BenchwarrantError, match="'llm': another run waits"), journal():
        pass
    with journal():
        pass
    other = partial(journal, Spec("judge", "llm", {}))
    with journal(), other(), journal(purpose="probes"):
        pass
