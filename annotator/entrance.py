"""A try to come in, by password or by key, and how many of them may fail.

Guessing is slow: 5 failures for a name, or 100 from an address, and there is no more checking for
a quarter of an hour. A refused try writes nothing, so that an attack does not fill the disk.
"""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import Lock

from annotator.accounts import authenticate, by_name
from annotator.passwords import matches
from annotator.session import timestamp
from samples.errors import BenchwarrantError
from samples.login import FAILED
from samples.records import Account, Event
from samples.store import Store

WINDOW = timedelta(minutes=15)
PER_NAME, PER_ADDRESS = 5, 100
# One at a time: tries that come together cannot all slip under the limit, and a hash wants 64 MiB.
_turn = Lock()


class NotLetIn(BenchwarrantError):
    """Why somebody does not come in, in words for them."""


def by_password(
    store: Store, name: str, password: str, address: str | None, now: datetime
) -> Account:
    """The account of a name and its password. An unknown name takes the same time."""
    name, place = name.strip(), _place(address)
    with _turn:
        account = by_name(store, name)
        subject = name if account is not None else _stranger(name)
        recent = store.events_since(FAILED, timestamp(now - WINDOW))
        _check(_of_name(recent, subject), PER_NAME, now)
        _check(_from(recent, place), PER_ADDRESS, now)
        if matches(account.secret if account else None, password) and account is not None:
            return account
        body = {"by": "password", "address": place}
        store.add([Event(FAILED, subject, body, timestamp(now))])
    raise NotLetIn("This name and password do not fit together.")


def by_key(store: Store, key: str, address: str | None, now: datetime) -> Account:
    """The account that a key opens."""
    place = _place(address)
    with _turn:
        recent = store.events_since(FAILED, timestamp(now - WINDOW))
        _check(_from(recent, place), PER_ADDRESS, now)
        account = authenticate(store, key.strip())
        if account is not None:
            return account
        body = {"by": "key", "address": place}
        store.add([Event(FAILED, f"address {place}", body, timestamp(now))])
    raise NotLetIn("This key opens nothing (any more). Ask whoever runs the study for a new link.")


def _of_name(events: Sequence[Event], name: str) -> list[Event]:
    return [event for event in events if event.subject == name and event.body["by"] == "password"]


def _from(events: Sequence[Event], place: str) -> list[Event]:
    return [event for event in events if event.body["address"] == place]


def _check(failures: Sequence[Event], limit: int, now: datetime) -> None:
    """Refuse where so many have failed that one more has to wait; the wait is in whole minutes."""
    if len(failures) < limit:
        return
    free = datetime.fromisoformat(failures[-limit].created_at) + WINDOW
    minutes = max(1, -(-(free - now) // timedelta(minutes=1)))
    raise NotLetIn(f"Too many tries have failed. Try again in {minutes} min.")


def _stranger(name: str) -> str:
    """A name that nobody has is kept as a hash: it may be a password in the wrong field."""
    hashed = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"unknown name b2:{hashed}"


def _place(address: str | None) -> str:
    """Where a try comes from; the 2**64 addresses that one IPv6 line has are one."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "local"
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped:
        return str(getattr(found, "ipv4_mapped", found))
    return str(ipaddress.ip_network(f"{found}/64", strict=False))
