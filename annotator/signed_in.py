"""Whoever is signed in in this browser tab, looked up anew for everything that they do."""

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from annotator import session, sessions
from annotator.turns import Desk
from samples.records import Account
from samples.store import Store


def account_here(store: Store, *roles: str) -> Account | None:
    """The account of this tab's session, where it may do what these roles may."""
    account = sessions.who(store, st.session_state.get("token", ""), datetime.now(UTC))
    return account if sessions.allowed(account, *roles) else None
