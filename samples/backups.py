"""Copies of the study's database beside it, so that people's labels outlive its disk's mishaps.

A copy is made by SQLite's online backup, while others read and write; the oldest ones go.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

from samples.errors import BenchwarrantError

KEPT = 10  # copies
FOLDER = "backups"


def back_up(database: Path, now: str, kept: int = KEPT) -> Path:
    """Copy the database as it is at one moment; whole or not at all. Returns the copy's path.

    ``now`` is an ISO 8601 time, which names the copy.
    """
    folder = database.parent / FOLDER
    copy = folder / f"{database.stem}-{now.replace(':', '')}.db"
    partial = copy.with_name(copy.name + ".partial")
    try:
        folder.mkdir(exist_ok=True)
        partial.unlink(missing_ok=True)
        source, target = sqlite3.connect(database, timeout=30), sqlite3.connect(partial)
        try:
            source.backup(target, pages=1000, sleep=0.01)  # in steps, so that nobody waits
        finally:
            source.close()
            target.close()
        partial.replace(copy)
        for old in sorted(folder.glob(f"{database.stem}-*.db"))[:-kept]:
            old.unlink()
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise BenchwarrantError(
            f"cannot back {database} up to {folder} ({error}); make room there, and see that it is"
            " a folder that can be written to"
        ) from None
    return copy
