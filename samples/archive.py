"""A whole study as a folder that another machine imports, to the same rows by the same ids.

Each table is a JSONL file, in the order of writing, and each line a record with its id; the
manifest holds the hash of every file and its own. What opens doors stays at home: an account goes
out without its secret, as one that nobody can sign in by, and so under another id. Its name, role
and kind go along, and they are all that evidence and warrants read. Sessions and failed sign-ins
stay at home too.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError
from samples.login import AT_HOME
from samples.records import (
    Account,
    AuditSet,
    Charge,
    CheckLabel,
    Control,
    Event,
    Lease,
    ProbeVerdict,
    as_row,
    canonical_json,
    content_hash,
)
from samples.store import TABLES, Store
from samples.study import Study, load_study
from samples.study_files import (
    STUDY,
    check_no_keys,
    check_room,
    file_hash,
    named_files,
    outside,
)

FORMAT = "benchwarrant-study/1"
MANIFEST = "manifest.json"
LATER = (
    ProbeVerdict,
    Charge,
    CheckLabel,
    Control,
)  # kinds that exports of earlier versions have no table of
EXPORTED = {kind: table for kind, table in TABLES.items() if kind is not Lease}  # lasts an hour
_TUPLES = ("references", "choices", "labels")
_AGAIN = "export the study again, or copy the folder again from where it was made"


# --- out -------------------------------------------------------------------------------------


def export_study(store: Store, path: Path, study: Study, out: Path) -> list[str]:
    """Write the study's tables, its file and the files that it names; the folder is made whole."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BenchwarrantError(f"{out} is there already; name a new folder")
    check_no_keys(path)
    names = {name: path.parent / name for name in named_files(path, study)} | {STUDY: path}
    partial = out.with_name(out.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name, file in names.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, partial / name)
        manifest = _manifest(study, _write_tables(store, partial), partial, sorted(names))
        (partial / MANIFEST).write_bytes(_text(manifest))
        partial.replace(out)
    except OSError as error:
        raise BenchwarrantError(f"cannot write {out}: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    rows = sum(table["rows"] for table in manifest["tables"].values())
    said = [f"{rows} rows and {len(names)} files written to {out}; manifest {manifest['id']}"]
    return said + [f"stays here: {name}, which the study file names" for name in outside(path)]


def _write_tables(store: Store, folder: Path) -> dict[str, dict[str, Any]]:
    tables = {}
    with store.snapshot():  # of one moment, and nobody who labels has to wait
        if fault := next(store.faults(), None):
            raise BenchwarrantError(f"{fault}; `benchwarrant verify` lists what is broken")
        for kind, table in EXPORTED.items():
            path, rows = folder / f"{table}.jsonl", 0
            with path.open("wb") as file:
                record: Any
                for record in filter(_may_go, store.records(kind)):
                    file.write(_line(_public(record)))
                    rows += 1
            tables[table] = {"rows": rows, "hash": file_hash(path)}
    return tables


def _may_go(record: Any) -> bool:
    return not (isinstance(record, Event) and record.kind in AT_HOME)


def _public(record: Any) -> Any:
    return replace(record, secret=None) if isinstance(record, Account) else record


def _line(record: Any) -> bytes:
    return canonical_json({"id": record.id, **as_row(record)}).encode() + b"\n"


def _text(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, indent=1).encode() + b"\n"


def _manifest(
    study: Study, tables: dict[str, dict[str, Any]], folder: Path, names: list[str]
) -> dict[str, Any]:
    """What is in the folder. It has no time: the same study gives the same folder."""
    files = {name: file_hash(folder / name) for name in names}
    manifest = {"format": FORMAT, "study": study.name, "tables": tables, "files": files}
    return manifest | {"id": content_hash(manifest)}


# --- in --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a line of a table stands, and the record that it holds."""

    file: Path
    number: int
    record: Any

    def wrong(self, message: str) -> BenchwarrantError:
        return BenchwarrantError(f"{self.file}, line {self.number}: {message}")


def import_study(folder: Path, path: Path) -> list[str]:
    """Bring a study's folder in: as a new study where there is none, else the rows that are new."""
    manifest = _read_manifest(folder)
    for kind, table in _listed(manifest):
        for _ in _places(folder, kind, table):
            pass  # nothing is written before the last byte is checked
    _check_hash(folder, STUDY, manifest)  # before what it says is believed
    theirs = load_study(folder / STUDY)
    files = _text_files(folder, theirs, manifest)
    fresh = not path.exists()
    ours = theirs if fresh else load_study(path)
    if fresh:
        check_room(path, files, theirs)
    database = (path.parent / theirs.database) if fresh else ours.at(ours.database)
    read, new, notes = _merge(folder, manifest, database)
    if fresh:
        for name, content in files.items():
            place = path if name == STUDY else path.parent / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    elif path.read_bytes() != files[STUDY]:
        notes.append(f"{path} differs from the folder's {STUDY} and was kept")
    return [f"{read} rows read from {folder}, {new} new", *notes]


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest = json.loads(content)
    except OSError as error:
        raise BenchwarrantError(
            f"cannot read {path}: {error.strerror}; `benchwarrant export study` writes such folders"
        ) from None
    except (ValueError, RecursionError) as error:
        raise BenchwarrantError(f"{path} is damaged ({error}); {_AGAIN}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BenchwarrantError(f"{path} is not of the format {FORMAT}; update Benchwarrant")
    rest = {name: value for name, value in manifest.items() if name != "id"}
    whole = isinstance(rest.get("tables"), dict) and isinstance(rest.get("files"), dict)
    changed = content_hash(rest) != manifest.get("id") or _text(manifest) != content
    if not whole or changed:
        raise BenchwarrantError(f"{path} has been changed since the export; {_AGAIN}")
    tables = rest["tables"].items()
    named = {
        name for name, one in tables if isinstance(one, dict) and one.keys() == {"rows", "hash"}
    }
    every = set(EXPORTED.values())
    if not every - {TABLES[kind] for kind in LATER} <= named <= every or STUDY not in rest["files"]:
        raise BenchwarrantError(f"{path} does not list every table; update Benchwarrant")
    return manifest


def _listed(manifest: dict[str, Any]) -> list[tuple[type, dict[str, Any]]]:
    """Each kind of which the folder has a table, with what the manifest says of it."""
    tables = manifest["tables"]
    return [(kind, tables[table]) for kind, table in EXPORTED.items() if table in tables]


def _places(folder: Path, kind: type, expected: dict[str, Any]) -> Iterator[Place]:
    """The records of a table's file; every line and then the whole is held against its hash."""
    path, number, digest = folder / f"{TABLES[kind]}.jsonl", 0, blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                digest.update(line)
                yield Place(path, number, _record(kind, line, path, number))
    except OSError as error:
        raise BenchwarrantError(f"cannot read {path}: {error.strerror}") from None
    if number != expected["rows"] or "b2:" + digest.hexdigest() != expected["hash"]:
        raise BenchwarrantError(
            f"{path}, line {number}: ends after {number} rows, the manifest lists"
            f" {expected['rows']}, or they are in another order; {_AGAIN}"
        )


def _record(kind: type, line: bytes, path: Path, number: int) -> Any:
    try:
        row = json.loads(line)
        stored = row.pop("id")
        if row.keys() != {field.name for field in fields(kind)}:
            raise ValueError
        record = kind(**{name: _frozen(name, value) for name, value in row.items()})
        if record.id != stored or _line(record) != line:
            raise ValueError
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise BenchwarrantError(
            f"{path}, line {number}: has been changed since the export; {_AGAIN}"
        ) from None
    if isinstance(record, Account) and record.secret is not None:
        raise BenchwarrantError(f"{path}, line {number}: holds a secret; export the study again")
    if not _may_go(record):
        raise BenchwarrantError(f"{path}, line {number}: holds a session; export the study again")
    return record


def _frozen(name: str, value: Any) -> Any:
    if name not in _TUPLES or not isinstance(value, list):
        return value
    return tuple(tuple(one) if isinstance(one, list) else one for one in value)


def _text_files(folder: Path, study: Study, manifest: dict[str, Any]) -> dict[str, bytes]:
    """The study file and what it names, by their hashes; nothing else is taken along."""
    found = {}
    allowed = {STUDY, *named_files(folder / STUDY, study)}
    for name in manifest["files"]:
        if name not in allowed:
            raise BenchwarrantError(f"{folder / MANIFEST}: {name!r} is no file of this study")
        _check_hash(folder, name, manifest)
        found[name] = (folder / name).read_bytes()
    return found


def _check_hash(folder: Path, name: str, manifest: dict[str, Any]) -> None:
    if file_hash(folder / name) != manifest["files"][name]:
        raise BenchwarrantError(f"{folder / name} has been changed since the export; {_AGAIN}")


def _merge(folder: Path, manifest: dict[str, Any], database: Path) -> tuple[int, int, list[str]]:
    """Write what is new in one transaction; (rows read, rows new, what was left out)."""
    created = not database.exists()
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Store(database, create=True) as store, store.transaction():
            before = sum(store.counts().values())
            _check_one_study(folder, manifest, store)
            known = {account.name: account for account in store.accounts()}
            read, kept = 0, dict[str, Account]()
            for kind, table in _listed(manifest):
                for place in _places(folder, kind, table):
                    read += 1
                    if isinstance(place.record, Account) and place.record.name in known:
                        kept[place.record.name] = place.record
                    else:
                        _add(store, place)
            if fault := next(store.faults(), None):
                raise BenchwarrantError(f"{fault}; nothing was imported")
            new = sum(store.counts().values()) - before
    except BaseException:
        if created:
            for suffix in ("", "-wal", "-shm"):
                database.with_name(database.name + suffix).unlink(missing_ok=True)
        raise
    return (
        read,
        new,
        [note for name, theirs in kept.items() for note in _notes(known[name], theirs)],
    )


def _notes(ours: Account, theirs: Account) -> list[str]:
    """An account that is here already stays as it is: an import lets nobody in or out."""
    words = [f"{one.role}, {one.kind}, {one.status}" for one in (ours, theirs)]
    if words[0] == words[1]:
        return []
    return [f"account {ours.name!r} was kept as {words[0]}; in the folder it is {words[1]}"]


def _check_one_study(folder: Path, manifest: dict[str, Any], store: Store) -> None:
    """Two audit sets, neither of which the other side knows, are two studies."""
    ours = [one.id for one in store.records(AuditSet)]
    places = _places(folder, AuditSet, manifest["tables"][TABLES[AuditSet]])
    theirs = [place.record.id for place in places]
    if ours and theirs and ours[-1] not in theirs and theirs[-1] not in ours:
        raise BenchwarrantError(
            f"{folder} has another audit set than this study; import it into a folder of its own"
        )


def _add(store: Store, place: Place) -> None:
    try:
        clash = not store.add([place.record]) and not store.has(place.record)
    except (sqlite3.IntegrityError, TypeError, ValueError, OverflowError) as error:
        raise place.wrong(
            f"does not fit this study ({error}); import it into a folder of its own"
        ) from None
    if clash:
        raise place.wrong(
            "this study has another row under the same key; import it into a folder of its own"
        )
