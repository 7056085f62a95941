"""Who may come in, and as what: accounts as events.

What opens one is a key or a password, of which only a hash is kept, or an e-mail address that the
person's organisation vouches for.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from annotator.passwords import MARK, hashed
from annotator.session import timestamp
from samples.errors import BenchwarrantError
from samples.records import Account
from samples.registry import did_you_mean
from samples.store import Store

ROLES = ("annotator", "adjudicator", "lead")
PAGES = {  # who may see and use each page
    "label": ("annotator", "lead"),  # an adjudicator has seen the others' labels
    "review": ("adjudicator",),
    "team": ("lead",),
}
EMAIL = "email:"  # what stands as the secret of somebody who signs in with their organisation


def add(store: Store, name: str, role: str, now: datetime) -> str:
    """Let a person in by a personal link; returns its key, which cannot be shown again."""
    key = secrets.token_urlsafe(24)
    _let_in(store, Account(name, role, secret=_hash(key), created_at=timestamp(now)))
    return key


def add_with_password(store: Store, name: str, role: str, password: str, now: datetime) -> None:
    """Let a person in by a password, of which only the hash is kept."""
    _let_in(store, Account(name, role, secret=hashed(password), created_at=timestamp(now)))


def add_with_email(store: Store, name: str, role: str, email: str, now: datetime) -> None:
    """Let a person in by their organisation, once it has confirmed that the address is theirs."""
    _let_in(store, Account(name, role, secret=_address(email), created_at=timestamp(now)))


def _let_in(store: Store, new: Account) -> None:
    _check_name(new.name)
    _check_role(new.role)
    with store.transaction():  # or two people could come in under one name
        known = _find(store.accounts(), new.name)
        if known is not None and known.kind == "reference":
            raise BenchwarrantError(f"{new.name!r} labels by program; choose another name")
        if known is not None and known.status == "active":
            raise BenchwarrantError(
                f"{new.name!r} has an account already; `benchwarrant accounts revoke` it first to"
                " let them in another way, or set a new password"
            )
        other = by_email(store, (new.secret or "").removeprefix(EMAIL))
        if other is not None:
            raise BenchwarrantError(
                f"{other.name!r} signs in by that address; a person has one account"
            )
        store.add([new])


def set_password(store: Store, name: str, password: str, now: datetime) -> None:
    """Give an account a new password instead of whatever opened it; all its sessions end."""
    secret = hashed(password)
    with store.transaction():
        known = _find(store.accounts(), name)
        if known is None:
            raise _unknown(name, [account.name for account in store.accounts()])
        if known.kind == "reference" or known.status != "active":
            raise BenchwarrantError(
                f"{name!r} is locked out or a program; `benchwarrant accounts add` lets people in"
            )
        store.add([replace(known, secret=secret, created_at=timestamp(now))])


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


def by_name(store: Store, name: str) -> Account | None:
    """The active account of that name."""
    found = _find(store.accounts(), name)
    return found if found is not None and found.status == "active" else None


def by_email(store: Store, email: str) -> Account | None:
    """The active account that an organisation's address opens; capitals are no difference."""
    wanted = EMAIL + email.strip().lower()
    opened = (account for account in store.accounts() if account.secret == wanted)
    return next((account for account in opened if account.status == "active"), None)


def by_organisation(account: Account) -> bool:
    """Whether it is the person's organisation that lets them in."""
    return (account.secret or "").startswith(EMAIL)


def entry(account: Account) -> str:
    """How somebody signs in, in words; nothing that opens a door."""
    if account.secret is None or account.status != "active":
        return "cannot sign in"
    if by_organisation(account):
        return f"e-mail {account.secret.removeprefix(EMAIL)}"
    return "password" if account.secret.startswith(MARK) else "link"


def listing(store: Store) -> list[Account]:
    """Every account in force, by name."""
    return sorted(store.accounts(), key=lambda account: account.name)


def _hash(key: str) -> str:
    """A plain hash will do: a key has 192 random bits, so there is nothing to guess from.

    A slow hash protects passwords that people think up (passwords.py); here it has no use.
    """
    return "b2:" + blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def _address(email: str) -> str:
    email = email.strip().lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email) or len(email) > 254 or not email.isprintable():
        raise BenchwarrantError(f"{email!r} is no e-mail address; give one such as ada@uni.example")
    return EMAIL + email


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
