"""Who may come in, and as what: accounts as events, and access keys that are kept nowhere."""

import hmac
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from annotator.session import timestamp
from samples.errors import BenchwarrantError
from samples.records import Account
from samples.registry import did_you_mean
from samples.store import Store

ROLES = ("annotator", "adjudicator", "lead")


def add(store: Store, name: str, role: str, now: datetime) -> str:
    """Let a person in; returns their access key, which cannot be shown again."""
    _check_name(name)
    _check_role(role)
    key = secrets.token_urlsafe(24)
    with store.transaction():  # or two people could get keys to one name
        known = _find(store.accounts(), name)
        if known is not None and known.kind == "reference":
            raise BenchwarrantError(f"{name!r} labels by program; choose another name")
        if known is not None and known.status == "active":
            raise BenchwarrantError(
                f"{name!r} has an account already; `benchwarrant accounts revoke` it first to"
                " give out a new key"
            )
        store.add([Account(name, role, secret=_hash(key), created_at=timestamp(now))])
    return key


def revoke(store: Store, name: str, now: datetime) -> None:
    """Lock a person out from their next click on; their labels stay."""
    known = _find(store.accounts(), name)
    if known is None:
        raise _unknown(name, [account.name for account in store.accounts()])
    if known.status == "revoked":
        raise BenchwarrantError(f"{name!r} is revoked already; nothing is left to do")
    store.add([replace(known, status="revoked", secret=None, created_at=timestamp(now))])


def set_role(store: Store, name: str, role: str, now: datetime) -> None:
    """Give a role to an account, or to a name that so far only stands under labels."""
    _check_role(role)
    known = _find(store.accounts(), name)
    if known is None:
        labellers = sorted({label.annotator for label in store.labels()})
        if name not in labellers:
            raise _unknown(name, labellers + [account.name for account in store.accounts()])
        known = Account(name)
    store.add([replace(known, role=role, created_at=timestamp(now))])


def authenticate(store: Store, key: str) -> Account | None:
    """The active account that this key opens. All are compared, each in constant time."""
    given = _hash(key)
    found = [
        account
        for account in listing(store)
        if account.secret is not None and hmac.compare_digest(account.secret, given)
    ]
    return found[0] if found and found[0].status == "active" else None


def listing(store: Store) -> list[Account]:
    """Every account in force, by name."""
    return sorted(store.accounts(), key=lambda account: account.name)


def _hash(key: str) -> str:
    """A plain hash will do: a key has 192 random bits, so there is nothing to guess from.

    A slow hash protects passwords that people think up; here it would only slow each click down.
    """
    return "b2:" + blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def _check_name(name: str) -> None:
    # Category C: control and invisible format characters, halves of surrogate pairs.
    if any(unicodedata.category(character)[0] == "C" for character in name):
        raise BenchwarrantError("a name cannot hold control characters; type it anew")
    if not name or name != name.strip() or len(name) > 64:
        raise BenchwarrantError(
            "a name has 1 to 64 characters and no blank at either end; choose another"
        )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise BenchwarrantError(f"unknown role {role!r}; use one of: {', '.join(ROLES)}")


def _find(accounts: Sequence[Account], name: str) -> Account | None:
    return next((account for account in accounts if account.name == name), None)


def _unknown(name: str, known: list[str]) -> BenchwarrantError:
    return BenchwarrantError(f"no account {name!r}; {did_you_mean(name, known)}")
