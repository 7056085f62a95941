"""Who is signed in: a random token in the browser, and its hash as an event in the database.

A session ends after some hours, at sign-out, when its account is revoked and when what opens the
account changes; a restart of the app does not end it.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from annotator.accounts import ROLES, by_name
from annotator.session import timestamp
from samples.login import SESSION, SESSION_ENDED
from samples.records import Account, Event
from samples.store import Store


def begin(store: Store, account: Account, hours: float, now: datetime) -> str:
    """Open a session for somebody who has just proved who they are; returns its token."""
    token = secrets.token_urlsafe(32)
    body = {
        "account": account.name,
        "until": timestamp(now + timedelta(hours=hours)),
        "secret": _hash(account.secret or ""),
    }
    store.add([Event(SESSION, _hash(token), body, timestamp(now))])
    return token


def who(store: Store, token: str, now: datetime) -> Account | None:
    """The account in force behind a token, with today's role; None once the session has ended."""
    begun = _begun(store, token)
    if begun is None or timestamp(now) >= begun.body["until"]:
        return None
    if store.events_about(SESSION_ENDED, begun.subject):
        return None
    account = by_name(store, begun.body["account"])
    if account is None or account.secret is None:
        return None
    return account if _hash(account.secret) == begun.body["secret"] else None


def end(store: Store, token: str, now: datetime) -> None:
    """Sign out: whoever has a copy of the token is out as well."""
    begun = _begun(store, token)
    if begun is not None and not store.events_about(SESSION_ENDED, begun.subject):
        store.add([Event(SESSION_ENDED, begun.subject, {}, timestamp(now))])


def allowed(account: Account | None, *roles: str) -> bool:
    """Whether this person may do what these roles may do; nobody may where there is no account."""
    for role in roles:
        if role not in ROLES:
            raise ValueError(f"no role {role!r}")
    return account is not None and account.status == "active" and account.role in roles


def cookie_name(database: Path) -> str:
    """Of its own for every study, or two of them on one host would sign each other out."""
    return "benchwarrant-" + blake2b(str(database.resolve()).encode(), digest_size=6).hexdigest()


def _begun(store: Store, token: str) -> Event | None:
    return next(iter(store.events_about(SESSION, _hash(token))), None) if token else None


def _hash(secret: str) -> str:
    """A plain hash will do: a token has 256 random bits."""
    return "b2:" + blake2b(secret.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
