"""A session is over when it should be, and nothing that is kept lets anybody in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from annotator import accounts, sessions
from samples.errors import BenchwarrantError
from samples.records import Account
from samples.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def ada(store: Store) -> Account:
    accounts.add(store, "ada", "annotator", NOON)
    return accounts.listing(store)[0]


def test_a_token_stands_for_its_account_until_its_time_is_over(store: Store, ada: Account) -> None:
    token = sessions.begin(store, ada, 12, NOON)
    assert sessions.who(store, token, NOON) == ada
    assert sessions.who(store, token, NOON + timedelta(hours=11, minutes=59)) == ada
    assert sessions.who(store, token, NOON + timedelta(hours=12)) is None
    assert sessions.begin(store, ada, 12, NOON) != token
    for wrong in ("", token[:-1], token.swapcase(), "\udc80", store.events("session")[0].subject):
        assert sessions.who(store, wrong, LATER) is None


def test_a_session_outlives_the_app(store: Store, ada: Account) -> None:
    token = sessions.begin(store, ada, 12, NOON)
    store.close()
    with Store(store.path) as again:
        assert sessions.who(again, token, LATER) == ada


def test_signing_out_kills_every_copy_of_the_token_and_no_other(store: Store, ada: Account) -> None:
    token, other = (sessions.begin(store, ada, 12, NOON) for _ in range(2))
    for _ in range(2):
        sessions.end(store, token, LATER)
    sessions.end(store, "a made-up token", LATER)
    assert sessions.who(store, token, LATER) is None
    assert sessions.who(store, other, LATER) == ada
    assert len(store.events("session ended")) == 1  # strangers fill no disk


def test_what_opens_the_account_has_to_stay_as_it_was(store: Store, ada: Account) -> None:
    token = sessions.begin(store, ada, 12, NOON)
    accounts.set_role(store, "ada", "lead", LATER)
    found = sessions.who(store, token, LATER)
    assert found is not None and found.role == "lead"  # a new role counts at once
    accounts.set_password(store, "ada", "correct horse", LATER)
    assert sessions.who(store, token, LATER) is None
    token = sessions.begin(store, accounts.listing(store)[0], 12, NOON)
    accounts.revoke(store, "ada", LATER)
    assert sessions.who(store, token, LATER) is None
    accounts.add(store, "ada", "annotator", LATER)
    assert sessions.who(store, token, LATER) is None


def test_the_token_stands_in_no_file(store: Store, ada: Account) -> None:
    token = sessions.begin(store, ada, 12, NOON)
    files = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    assert b"session" in files and token.encode() not in files
    assert str(ada.secret) not in str(store.events("session"))


def test_roles(ada: Account) -> None:
    assert sessions.allowed(ada, "annotator")
    assert sessions.allowed(replace(ada, role="lead"), "adjudicator", "lead")
    assert not sessions.allowed(ada, "adjudicator", "lead")
    assert not sessions.allowed(ada)
    assert not sessions.allowed(None, "annotator")
    assert not sessions.allowed(replace(ada, status="revoked"), "annotator")
    with pytest.raises(ValueError, match="no role 'boss'"):
        sessions.allowed(ada, "boss")


def test_each_study_has_a_cookie_of_its_own(tmp_path: Path, monkeypatch) -> None:
    names = {sessions.cookie_name(tmp_path / name / "study.db") for name in "abc"}
    assert len(names) == 3 and all(name.isascii() and name.isprintable() for name in names)
    monkeypatch.chdir(tmp_path)
    assert sessions.cookie_name(Path("a/study.db")) in names


def test_no_account_no_session(store: Store) -> None:
    accounts.add(store, "eve", "annotator", NOON)
    with pytest.raises(BenchwarrantError):
        accounts.add(store, "eve", "lead", NOON)
    token = sessions.begin(store, Account("ghost"), 12, NOON)
    assert sessions.who(store, token, LATER) is None
