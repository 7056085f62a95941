"""The labelling app: lets people in and gives them their pages.

`benchwarrant annotate` starts it as `streamlit run app.py -- STUDY`.
"""

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st

from annotator import door
from annotator.accounts import PAGES
from annotator.session import sit_down
from annotator.turns import Desk
from samples.errors import BenchwarrantError
from samples.store import Store
from samples.study import Study, load_study


def main(path: Path) -> None:
    st.set_page_config(page_title="Benchwarrant", page_icon="⚖️", layout="wide")
    study = load_study(path)
    with Store(study.at(study.database)) as store:
        account = door.signed_in(store, study.login)
        if account is None:
            door.page(store, study.login)
            return
        desk = sit_down(store, account.name, study.seed, study.annotation)
    mine = [name for name, roles in PAGES.items() if account.role in roles]
    pages = [
        st.Page(
            partial(_page, name, study, desk),
            title=name.capitalize(),
            url_path=name,
            default=name == mine[0],
        )
        for name in mine
    ]
    st.navigation(pages, position="top" if len(pages) > 1 else "hidden").run()
    door.remember(store)


def _page(name: str, study: Study, desk: Desk) -> None:
    """A page's own file, loaded when it is first asked for: only a lead waits for the figures."""
    import_module(f"annotator.{name}").page(study, desk)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BenchwarrantError as error:
        st.error("The study cannot be shown; whoever runs it needs to read this:")
        st.text(str(error))
