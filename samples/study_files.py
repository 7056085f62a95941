"""The files that a study file names: which go along when the study moves, and what must not."""

import re
import tomllib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from samples.errors import BenchwarrantError
from samples.study import Study

STUDY = "study.toml"
LARGEST = 100 * 2**20  # a model's weights are no part of a study


def _texts(value: Any) -> Iterator[str]:
    """Every text in a TOML value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _named(path: Path) -> list[str]:
    """What may be a path: short and of one line."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    texts = dict.fromkeys(_texts(values))
    return [text for text in texts if 0 < len(text) < 250 and "\n" not in text and "\0" not in text]


def named_files(path: Path, study: Study) -> list[str]:
    """The files inside the study's folder that its file names, such as guidance and prompts."""
    home, database = path.parent.resolve(), study.at(study.database).resolve()
    found = set()
    for text in _named(path):
        file = (home / text).resolve()
        inside = file.is_relative_to(home) and file not in (database, path.resolve())
        if inside and file.is_file() and file.stat().st_size <= LARGEST:
            found.add(file.relative_to(home).as_posix())
    return sorted(found)


def outside(path: Path) -> list[str]:
    """Paths in the study file that lead out of its folder, or to a file that is too large."""
    home = path.parent.resolve()
    found = []
    for text in _named(path):
        file = (home / text).resolve()
        leads_out = text.startswith(("/", "~", "..")) and not file.is_relative_to(home)
        if leads_out or (file.is_file() and file.stat().st_size > LARGEST):
            found.append(text)
    return found


def check_no_keys(path: Path) -> None:
    """A study file holds no keys by its own rules; an address may hold a password all the same."""
    for text in _named(path):
        if re.search(r"://[^/\s]*@", text):
            raise BenchwarrantError(
                f"{path} holds an address with a user name or password in it; take it out first"
            )


def file_hash(path: Path) -> str:
    """The hash of a file's bytes, written as ids are."""
    digest = blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise BenchwarrantError(f"cannot read {path}: {error.strerror}") from None
    return "b2:" + digest.hexdigest()


def check_room(path: Path, files: dict[str, bytes], study: Study) -> None:
    """A new study overwrites nothing, and stays inside its folder."""
    home = path.parent.resolve()
    if not (home / study.database).resolve().is_relative_to(home):
        raise BenchwarrantError(
            f"the folder's {STUDY} puts its database outside of {path.parent}; write a {path.name}"
            " of your own first, and import into it"
        )
    for name, content in files.items():
        place = path.parent / name
        if name != STUDY and place.exists() and place.read_bytes() != content:
            raise BenchwarrantError(
                f"{place} is there already with other content; import into an empty folder"
            )
