"""Copies of the database: whole, of one moment, and only the newest ones."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from quick_server import until

from annotator.cli import _watch
from samples.backups import back_up
from samples.errors import BenchwarrantError
from samples.records import Label
from samples.store import Store


@pytest.fixture
def database(tmp_path: Path, one_of_each) -> Path:
    path = tmp_path / "study.db"
    with Store(path, create=True) as store:
        store.add(one_of_each.values())
    return path


def more_labels(database: Path, label: Label, n: int) -> None:
    with Store(database) as store:
        store.add(replace(label, annotator=f"person {number}") for number in range(n))


def test_a_copy_is_the_whole_study(database: Path) -> None:
    copy = back_up(database, "2026-01-31T09:30:00.000+00:00")
    assert copy == database.parent / "backups" / "study-2026-01-31T093000.000+0000.db"
    with Store(database) as store, Store(copy) as again:
        assert again.counts() == store.counts()
        assert list(again.faults()) == []
        assert again.labels() == store.labels()


def test_only_the_newest_copies_stay(database: Path) -> None:
    made = [back_up(database, f"2026-01-31T09:30:{n:02}", kept=3) for n in range(5)]
    assert sorted((database.parent / "backups").iterdir()) == made[-3:]


def test_a_copy_is_of_one_moment_while_others_write(database: Path, one_of_each) -> None:
    going_on = threading.Event()

    def write() -> None:
        with Store(database) as store:
            for number in range(300):
                store.add([replace(one_of_each["labels"], annotator=f"p{number}")])
                going_on.set()

    writer = threading.Thread(target=write)
    writer.start()
    going_on.wait(10)
    copy = back_up(database, "2026-01-31T09:30:00")
    writer.join()
    with Store(copy) as store:
        assert 2 <= store.counts()["labels"] <= 301
        assert list(store.faults()) == []


def test_where_nothing_can_be_written_it_says_so(database: Path) -> None:
    (database.parent / "backups").write_text("no folder")
    with pytest.raises(BenchwarrantError, match=r"cannot back .*study\.db up to .*backups"):
        back_up(database, "2026-01-31T09:30:00")
    with Store(database) as store:
        assert store.counts()["labels"] == 1


def test_labels_are_backed_up_while_the_app_runs(database: Path, one_of_each) -> None:
    folder = database.parent / "backups"
    every, here = 20, 2  # a label and a check
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as app:
        seen: list[int] = []
        watcher = threading.Thread(
            target=lambda: seen.append(_watch(app, (database, every), here, pause=0.05))
        )
        watcher.start()
        more_labels(database, one_of_each["labels"], every - 1)  # one too few
        watcher.join(0.5)
        assert not folder.exists()
        more_labels(database, one_of_each["labels"], every)  # the others are there already
        until(lambda: folder.exists() and any(folder.glob("*.db")))
        app.terminate()
        watcher.join(10)
    assert seen == [app.returncode]
    [copy] = folder.iterdir()
    with Store(copy) as store:
        assert store.counts()["labels"] == 1 + every
