"""Who may come in; that no key is kept anywhere."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import pytest
from small_audit import build_study, numbered

from annotator import accounts
from annotator.passwords import matches
from samples.errors import BenchwarrantError
from samples.records import Account, Label
from samples.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    build_study(tmp_path, numbered(2))
    with Store(tmp_path / "study.db") as opened:
        yield opened


def test_a_key_opens_its_own_account_only(store: Store) -> None:
    ann = accounts.add(store, "ann", "annotator", NOON)
    bob = accounts.add(store, "bob", "lead", NOON)
    assert ann != bob and len(ann) == 32  # 24 random bytes in base 64
    found = accounts.authenticate(store, ann)
    assert found is not None and (found.name, found.role, found.kind) == (
        "ann",
        "annotator",
        "human",
    )
    found = accounts.authenticate(store, bob)
    assert found is not None and (found.name, found.role) == ("bob", "lead")
    assert [account.name for account in accounts.listing(store)] == ["ann", "bob"]


def test_what_is_not_a_key_opens_nothing(store: Store) -> None:
    key = accounts.add(store, "ann", "annotator", NOON)
    (account,) = accounts.listing(store)
    store.add([Account("imported", created_at="2026")])  # no secret: nobody signs in by it
    for wrong in ("", "None", key[:-1], key + "=", key.swapcase(), account.secret, "\udc80"):
        assert accounts.authenticate(store, str(wrong)) is None


def test_the_key_stands_in_no_file(store: Store, tmp_path: Path) -> None:
    key = accounts.add(store, "ann", "annotator", NOON)
    accounts.revoke(store, "ann", LATER)
    accounts.add(store, "ann", "annotator", LATER)
    hashed = "b2:" + blake2b(key.encode(), digest_size=32).hexdigest()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert any(hashed.encode() in content for content in files)
    assert not any(key.encode() in content for content in files)


def test_revoking_locks_out_and_a_new_key_lets_in_again(store: Store) -> None:
    old = accounts.add(store, "ann", "annotator", NOON)
    accounts.revoke(store, "ann", NOON + timedelta(seconds=1))
    assert accounts.authenticate(store, old) is None
    assert [(a.status, a.secret) for a in accounts.listing(store)] == [("revoked", None)]
    with pytest.raises(BenchwarrantError, match="revoked already"):
        accounts.revoke(store, "ann", LATER)
    new = accounts.add(store, "ann", "annotator", LATER)
    assert accounts.authenticate(store, old) is None
    assert accounts.authenticate(store, new) is not None
    with pytest.raises(BenchwarrantError, match="no account 'anne'; did you mean 'ann'"):
        accounts.revoke(store, "anne", LATER)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " ann",
        "ann\n",
        "a" * 65,
        "a\x00b",
        "an\tn",
        "a\x1b[31m",
        "a\u202eb",
        "a\u200bb",
        "\udc80",
    ],
)
def test_bad_names_are_refused(store: Store, name: str) -> None:
    with pytest.raises(BenchwarrantError):
        accounts.add(store, name, "annotator", NOON)
    assert accounts.listing(store) == []


@pytest.mark.parametrize("name", ["a", "Zoë Müller-O'Hara", "李雷", "a" * 64, "<b>ann</b>"])
def test_good_names_are_taken(store: Store, name: str) -> None:
    accounts.add(store, name, "annotator", NOON)
    assert [account.name for account in accounts.listing(store)] == [name]


def test_a_name_is_given_once(store: Store) -> None:
    key = accounts.add(store, "ann", "annotator", NOON)
    with pytest.raises(BenchwarrantError, match="has an account already") as refusal:
        accounts.add(store, "ann", "lead", LATER)
    assert key not in str(refusal.value)
    with pytest.raises(BenchwarrantError, match="annotator, adjudicator, lead"):
        accounts.add(store, "bob", "boss", LATER)
    assert [(a.name, a.role) for a in accounts.listing(store)] == [("ann", "annotator")]


def test_a_program_never_becomes_a_person(store: Store) -> None:
    store.add([Account("script", kind="reference", created_at="2026-01-01T00:00:00.000000+00:00")])
    for _ in range(2):  # neither as it is nor after a revocation
        with pytest.raises(BenchwarrantError, match="labels by program"):
            accounts.add(store, "script", "annotator", LATER)
        accounts.listing(store)[0].status == "revoked" or accounts.revoke(store, "script", LATER)
    accounts.set_role(store, "script", "adjudicator", LATER)
    assert [(a.kind, a.role) for a in accounts.listing(store)] == [("reference", "adjudicator")]


def test_roles(store: Store) -> None:
    key = accounts.add(store, "ann", "annotator", NOON)
    for hours, role in enumerate(("adjudicator", "annotator", "lead"), start=1):
        accounts.set_role(store, "ann", role, NOON + timedelta(hours=hours))
        account = accounts.authenticate(store, key)
        assert account is not None and account.role == role
    with pytest.raises(BenchwarrantError, match="unknown role 'boss'"):
        accounts.set_role(store, "ann", "boss", LATER)


def test_names_that_only_stand_under_labels_can_have_a_role(store: Store) -> None:
    response = next(store.responses())
    (rubric,) = store.rubrics()
    store.add([Label(response.id, rubric.id, "expert", value="correct")])
    with pytest.raises(BenchwarrantError, match="no account 'exprt'; did you mean 'expert'"):
        accounts.set_role(store, "exprt", "adjudicator", NOON)
    accounts.set_role(store, "expert", "adjudicator", NOON)
    (account,) = accounts.listing(store)
    assert (account.name, account.role, account.kind, account.secret) == (
        "expert",
        "adjudicator",
        "human",
        None,
    )


def test_a_password_account_and_its_new_password(store: Store) -> None:
    accounts.add_with_password(store, "ann", "lead", "correct horse", NOON)
    (ann,) = accounts.listing(store)
    assert accounts.entry(ann) == "password" and matches(ann.secret, "correct horse")
    assert accounts.authenticate(store, str(ann.secret)) is None
    accounts.set_password(store, "ann", "battery staple", LATER)
    (ann,) = accounts.listing(store)
    assert (ann.role, matches(ann.secret, "battery staple")) == ("lead", True)
    assert not matches(ann.secret, "correct horse")
    with pytest.raises(BenchwarrantError, match="10 to 1,000"):
        accounts.set_password(store, "ann", "short", LATER)
    with pytest.raises(BenchwarrantError, match="no account 'anne'; did you mean 'ann'"):
        accounts.set_password(store, "anne", "correct horse", LATER)
    accounts.revoke(store, "ann", LATER)
    with pytest.raises(BenchwarrantError, match="locked out"):
        accounts.set_password(store, "ann", "correct horse", LATER)
    assert accounts.by_name(store, "ann") is None


def test_a_password_takes_the_place_of_a_key(store: Store) -> None:
    key = accounts.add(store, "ann", "annotator", NOON)
    assert accounts.entry(accounts.listing(store)[0]) == "link"
    accounts.set_password(store, "ann", "correct horse", LATER)
    assert accounts.authenticate(store, key) is None
    store.add([Account("script", kind="reference", created_at="2026")])
    with pytest.raises(BenchwarrantError, match="or a program"):
        accounts.set_password(store, "script", "correct horse", LATER)


def test_an_address_opens_one_account(store: Store) -> None:
    accounts.add_with_email(store, "ann", "annotator", " Ann@Uni.Example ", NOON)
    found = accounts.by_email(store, "ANN@uni.example")
    assert found is not None and found.name == "ann"
    assert accounts.entry(found) == "e-mail ann@uni.example"
    with pytest.raises(BenchwarrantError, match="'ann' signs in by that address"):
        accounts.add_with_email(store, "bob", "annotator", "ann@uni.example", NOON)
    for nobody in ("", "ann", "bob@uni.example", "email:ann@uni.example"):
        assert accounts.by_email(store, nobody) is None
    assert accounts.authenticate(store, "email:ann@uni.example") is None
    accounts.revoke(store, "ann", LATER)
    assert accounts.by_email(store, "ann@uni.example") is None
    accounts.add_with_email(store, "bob", "annotator", "ann@uni.example", LATER)


@pytest.mark.parametrize(
    "wrong", ["", "ann", "@uni", "ann@", "a b@c", "a@b@c", "a\x00@b", "a" * 260]
)
def test_what_is_no_address(store: Store, wrong: str) -> None:
    with pytest.raises(BenchwarrantError, match="no e-mail address"):
        accounts.add_with_email(store, "ann", "annotator", wrong, NOON)
    assert accounts.listing(store) == []
