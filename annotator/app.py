"""The labelling app: lets people in by their key and gives them their page.

`benchwarrant annotate` starts it as `streamlit run app.py -- STUDY`.
"""

import sys
from pathlib import Path

import streamlit as st

from annotator import label
from annotator.accounts import authenticate
from annotator.session import sit_down
from samples.errors import BenchwarrantError
from samples.records import Account
from samples.store import Store
from samples.study import load_study

# The key of a personal link leaves the address, and the history behind the Back button, for the
# browser tab's own memory: a reload or a phone that slept comes back in. No key stands in these.
REMEMBER = """<script>{
  const key = new URLSearchParams(location.search).get("key");
  if (key) sessionStorage.setItem("key", key);
  history.replaceState(null, "", location.pathname);
}</script>"""
COME_BACK = """<script>{
  const key = sessionStorage.getItem("key");
  if (key) location.replace("?key=" + encodeURIComponent(key));
}</script>"""
FORGET = """<script>{
  sessionStorage.removeItem("key");
  history.replaceState(null, "", location.pathname);
}</script>"""


def main(path: Path) -> None:
    st.set_page_config(page_title="Benchwarrant", page_icon="⚖️", layout="wide")
    study = load_study(path)
    with Store(study.at(study.database)) as store:
        account = _signed_in(store)
        if account is None:
            _door()
        else:
            label.page(store, sit_down(store, account.name, study.seed))
            if st.session_state.get("link"):
                st.html(REMEMBER, unsafe_allow_javascript=True)


def _signed_in(store: Store) -> Account | None:
    """Whoever holds the session's key, looked up on every rerun so that revoking works at once."""
    link = st.query_params.get("key")
    if link is not None and link != st.session_state.get("link"):
        st.session_state.clear()
        st.session_state.update(key=link.strip(), link=link)
    elif link is not None:  # Streamlit has its own copy of the address
        st.query_params.clear()
    key = st.session_state.get("key")
    if key is None:
        return None
    account = authenticate(store, key)
    if account is None:
        label.leave("This key opens nothing (any more). Ask whoever runs the study for a new link.")
    return account


def _door() -> None:
    farewell = st.session_state.pop("farewell", None)
    st.html(COME_BACK if farewell is None else FORGET, unsafe_allow_javascript=True)
    st.header("Sign in")
    with st.form("door", border=False, width=480):
        key = st.text_input("Access key", type="password", autocomplete="current-password")
        entered = st.form_submit_button("Sign in", type="primary")
    if entered and key.strip():
        st.session_state.key = key.strip()
        st.rerun()
    st.caption(farewell or "Open your personal link, or paste the key that you were given.")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BenchwarrantError as error:
        st.error("The study cannot be shown; whoever runs it needs to read this:")
        st.text(str(error))
