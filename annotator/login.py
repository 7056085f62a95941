"""People who sign in with their organisation (OpenID Connect), by Streamlit's own client of it.

The organisation says who somebody is; only an account of the study lets them in.
"""

import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from annotator.accounts import by_email
from annotator.entrance import NotLetIn
from annotator.session import timestamp
from samples.errors import BenchwarrantError
from samples.login import WORD_USED, LoginBlock
from samples.records import Account, Event, content_hash
from samples.store import Store

FRESH = timedelta(minutes=10)


def admit(store: Store, claims: Mapping[str, Any], now: datetime) -> Account:
    """The account that an organisation's word opens, once and while it is fresh.

    ``claims`` are the checked ID token's. Streamlit keeps them in the browser for 30 days; that
    shall not be a way around the end of our own session.
    """
    if claims.get("email_verified") is not True or not isinstance(claims.get("email"), str):
        raise NotLetIn(
            "Your organisation does not say that it has checked your e-mail address"
            " (email_verified), so it lets nobody in. Ask whoever runs the study."
        )
    account = by_email(store, claims["email"])
    if account is None:
        raise NotLetIn(
            "Your organisation's e-mail address has no account in this study. Ask whoever runs it."
        )
    issued = claims.get("iat")
    if not isinstance(issued, int | float) or not _fresh(issued, now):
        raise NotLetIn("That sign-in is too old. Sign in with your organisation again.")
    used = Event(WORD_USED, content_hash(dict(claims)), {}, timestamp(now))
    with store.transaction():
        if store.events_about(WORD_USED, used.subject):
            raise NotLetIn("That sign-in has been used. Sign in with your organisation again.")
        store.add([used])
    return account


def _fresh(issued: float, now: datetime) -> bool:
    return abs(now - datetime.fromtimestamp(issued, UTC)) <= FRESH


@contextmanager
def secrets_file(login: LoginBlock, redirect: str) -> Iterator[Path]:
    """What Streamlit's sign-in needs, in a file that only we can read and that goes at the end."""
    secret = os.environ.get(login.client_secret_env or "")
    if not secret:
        raise BenchwarrantError(
            f"[login]: the environment variable {login.client_secret_env} is not set; put the"
            " client's secret there"
        )
    if find_spec("authlib") is None:
        raise BenchwarrantError(
            "sign-in with an organisation needs one more package; run `pip install"
            " 'benchwarrant[oidc]'`"
        )
    values = {
        "redirect_uri": redirect,
        "cookie_secret": secrets.token_urlsafe(32),
        "client_id": login.client_id,
        "client_secret": secret,
        "server_metadata_url": login.metadata_url,
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    with tempfile.TemporaryDirectory(prefix="benchwarrant-") as folder:  # mode 0700
        path = Path(folder) / "secrets.toml"
        path.touch(mode=0o600)
        path.write_text("\n".join(["[auth]", *lines, ""]), encoding="utf-8")
        yield path
