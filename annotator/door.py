"""The door of the labelling app: the sign-in page, and the browser's cookie behind every other one.

The browser keeps a session's token and nothing else: a reload, the back button or a phone that
slept comes back in. A personal link's key leaves the address, and the history behind the Back
button, at once.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from annotator import entrance, sessions, show
from annotator.entrance import NotLetIn
from annotator.login import admit
from samples.login import LoginBlock
from samples.records import Account, content_hash
from samples.store import Store

CLEAN = """
if (new URLSearchParams(location.search).has("key"))
  history.replaceState(null, "", location.pathname);"""
KEEP = """
const secure = location.protocol === "https:" ? "; Secure" : "";
document.cookie = NAME + "=" + TOKEN + "; Path=" + PATH + "; Max-Age=" + SECONDS
  + "; SameSite=Strict" + secure;"""
# Only the token that has ended: somebody else may have signed in in another tab.
FORGET = """
if (document.cookie.split("; ").includes(NAME + "=" + TOKEN))
  document.cookie = NAME + "=; Path=" + PATH + "; Max-Age=0; SameSite=Strict";"""
# Streamlit would keep the organisation's word in the browser for 30 days.
DROP = """
fetch(LOGOUT, {redirect: "manual"});"""

KEPT = ("link", "word")  # what is used up stays so, whoever is here


def signed_in(store: Store, login: LoginBlock) -> Account | None:
    """Whoever is behind this browser tab, looked up on every rerun so that revoking works at once.

    Somebody who brings a link's key or their organisation's word is signed in on the way.
    """
    state = st.session_state
    if "ended" in state:
        sessions.end(store, state.pop("ended"), datetime.now(UTC))
    try:
        _by_link(store, login)
    except NotLetIn as refusal:
        state.refusal = str(refusal)
    if "token" not in state and sessions.who(store, _brought(store), datetime.now(UTC)):
        state.token = _brought(store)
    try:
        if "token" not in state and login.organisation:
            _by_organisation(store, login)
    except NotLetIn as refusal:
        state.refusal = str(refusal)
    account = here(store)
    if account is not None:
        state.pop("refusal", None)
    elif "token" in state:
        leave("Your session has ended. Please sign in again.")
    return account


def here(store: Store) -> Account | None:
    """Whoever this tab's session belongs to, by the database as it is now: ask before each act."""
    return sessions.who(store, st.session_state.get("token", ""), datetime.now(UTC))


def is_here(store: Store, name: str, *roles: str) -> bool:
    """Whether this tab still is that person's, and they may do what these roles may."""
    account = here(store)
    return account is not None and account.name == name and sessions.allowed(account, *roles)


def must_be(database: Path, name: str, *roles: str) -> None:
    """Where this tab no longer is that person's, draw all of it anew: a fragment alone would go on
    showing cases to somebody who has signed out or was locked out."""
    with Store(database) as store:
        if is_here(store, name, *roles):
            return
    st.rerun(scope="app")


def leave(farewell: str) -> None:
    """Forget who is here; the sign-in page says why. The link must not let them in again."""
    kept = {key: st.session_state[key] for key in KEPT if key in st.session_state}
    token = st.session_state.get("token")
    st.session_state.clear()
    st.session_state.update(kept, farewell=farewell)
    if token is not None:
        st.session_state.update(ended=token, dead=token)


def page(store: Store, login: LoginBlock) -> None:
    """The sign-in page."""
    st.html(show.STYLE)
    st.header("Sign in")
    notice = st.container()
    if login.organisation and st.button("Sign in with your organisation", type="primary"):
        st.login()
    with st.form("door", border=False, width=480):
        name = st.text_input("Name", max_chars=64, autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        with_password = st.form_submit_button("Sign in")
    with st.form("key", border=False, width=480):
        key = st.text_input("Or paste your key", type="password", autocomplete="off")
        with_key = st.form_submit_button("Sign in with the key")
    st.caption("A personal link opens this page by itself.")
    address, now = st.context.ip_address, datetime.now(UTC)
    try:
        if with_password and name.strip() and password:
            _enter(store, login, entrance.by_password(store, name, password, address, now))
            st.rerun()
        elif with_key and key.strip():
            _enter(store, login, entrance.by_key(store, key, address, now))
            st.rerun()
    except NotLetIn as refusal:
        st.session_state.refusal = str(refusal)
    with notice:
        _say_why()
    _at_the_door(store)


def _say_why() -> None:
    """Why somebody stands here; it stays until they are in."""
    if "refusal" in st.session_state:
        st.error(st.session_state.refusal)
    elif "farewell" in st.session_state:
        st.info(st.session_state.farewell)


def remember(store: Store) -> None:
    """Give the browser its token; last on the page, since it takes room."""
    state = st.session_state
    fresh = "seconds" in state  # signed in here, not by a cookie
    script = CLEAN + (KEEP if fresh else "") + (DROP if "word" in state else "")
    _run(script, store, state.token if fresh else "")


def _at_the_door(store: Store) -> None:
    state = st.session_state
    script = CLEAN + (FORGET if "dead" in state else "") + (DROP if "word" in state else "")
    _run(script, store, state.get("dead", ""))


def _run(script: str, store: Store, token: str) -> None:
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    known = {
        "NAME": sessions.cookie_name(store.path),
        "TOKEN": token,
        "SECONDS": st.session_state.get("seconds", 0),
        "PATH": f"/{base}",
        "LOGOUT": f"/{base}/auth/logout" if base else "/auth/logout",
    }
    named = "".join(f"const {word} = {json.dumps(value)};\n" for word, value in known.items())
    st.html(f"<script>{{{named}{script}\n}}</script>", unsafe_allow_javascript=True)


def _enter(store: Store, login: LoginBlock, account: Account) -> None:
    """From now on this tab is theirs; a session of theirs that the browser has goes on."""
    state, now, brought = st.session_state, datetime.now(UTC), _brought(store)
    before = sessions.who(store, brought, now)
    kept = {key: state[key] for key in KEPT if key in state}
    state.clear()
    state.update(kept)
    if before == account:
        state.token = brought
        return
    if before is not None:  # the browser is no longer theirs
        sessions.end(store, brought, now)
    state.token = sessions.begin(store, account, login.session_hours, now)
    state.seconds = round(login.session_hours * 3600)


def _brought(store: Store) -> str:
    """The token in the cookie that came with this connection."""
    return str(st.context.cookies.get(sessions.cookie_name(store.path), ""))


def _by_link(store: Store, login: LoginBlock) -> None:
    link = st.query_params.get("key")
    if link is None:
        return
    if link == st.session_state.get("link"):  # Streamlit has its own copy of the address
        st.query_params.clear()
        return
    st.session_state.link = link
    if link.strip():
        address = st.context.ip_address
        _enter(store, login, entrance.by_key(store, link, address, datetime.now(UTC)))


def _by_organisation(store: Store, login: LoginBlock) -> None:
    claims = st.user.to_dict()
    word = content_hash(claims)
    if claims.get("is_logged_in") is not True or st.session_state.get("word") == word:
        return
    st.session_state.word = word
    _enter(store, login, admit(store, claims, datetime.now(UTC)))
