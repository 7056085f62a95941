"""The labelling app: lets people in and gives them their page.

`benchwarrant annotate` starts it as `streamlit run app.py -- STUDY`.
"""

import sys
from pathlib import Path

import streamlit as st

from annotator import door, label
from annotator.session import sit_down
from samples.errors import BenchwarrantError
from samples.store import Store
from samples.study import load_study


def main(path: Path) -> None:
    st.set_page_config(page_title="Benchwarrant", page_icon="⚖️", layout="wide")
    study = load_study(path)
    with Store(study.at(study.database)) as store:
        account = door.signed_in(store, study.login)
        if account is None:
            door.page(store, study.login)
        else:
            label.page(store, sit_down(store, account.name, study.seed))
            door.remember(store)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except BenchwarrantError as error:
        st.error("The study cannot be shown; whoever runs it needs to read this:")
        st.text(str(error))
