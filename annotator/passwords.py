"""Passwords that people think up: hashed slowly, so that a stolen database does not give them away.

Argon2id with the settings that RFC 9106 (2021, section 4) recommends second: 64 MiB, three passes.
"""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from samples.errors import BenchwarrantError

SHORTEST, LONGEST = 10, 1000
MARK = "$argon2id$"  # every hash begins with it
_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """The hash to keep. A password has 10 to 1,000 characters."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BenchwarrantError(
            f"a password has {SHORTEST} to {LONGEST:,} characters, this one has {len(password)};"
            " choose another"
        )
    return _hasher.hash(_bytes(password))


def matches(secret: str | None, password: str) -> bool:
    """Whether this is the password. It takes as long where there is none to compare with."""
    real = secret is not None and secret.startswith(MARK)
    try:
        return _hasher.verify(secret if real and secret else _nobodys(), _bytes(password)) and real
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """A hash that is compared where nobody's can be, so that time tells no name."""
    return _hasher.hash(b"")


def _bytes(password: str) -> bytes:
    """The same bytes whatever keyboard it was typed on: one accented letter has several codes."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1]).encode("utf-8", "surrogatepass")
