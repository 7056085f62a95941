"""Passwords and keys are guessed slowly, and an attack leaves little behind."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from annotator import accounts, entrance, passwords
from annotator.entrance import NotLetIn, by_key, by_password
from samples.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GOOD, WRONG = "correct horse", "battery staple"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real hash is slow on purpose; here it is not what is tested."""
    quick = type(passwords._hasher)(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", quick)
    passwords._nobodys.cache_clear()


@pytest.fixture
def people(store: Store) -> Store:
    accounts.add_with_password(store, "ada", "annotator", GOOD, NOON)
    accounts.add_with_password(store, "bob", "lead", GOOD, NOON)
    return store


def failures(store: Store) -> int:
    return len(store.events("failed sign-in"))


def fail(store: Store, name: str, now: datetime, address: str | None = None) -> str:
    with pytest.raises(NotLetIn) as refusal:
        by_password(store, name, WRONG, address, now)
    return str(refusal.value)


def test_a_name_and_its_password_open_the_account(people: Store) -> None:
    assert by_password(people, " ada ", GOOD, None, NOON).name == "ada"
    assert by_password(people, "bob", GOOD, None, NOON).role == "lead"
    accounts.revoke(people, "ada", NOON)
    with pytest.raises(NotLetIn):
        by_password(people, "ada", GOOD, None, NOON)
    assert failures(people) == 1


def test_a_name_whose_tries_fail_has_to_wait(people: Store) -> None:
    for minute in range(5):
        said = fail(people, "ada", NOON + timedelta(minutes=minute), f"192.0.2.{minute}")
        assert said == "This name and password do not fit together."
    with pytest.raises(NotLetIn, match=r"Try again in 11 min\.$"):  # even with the right one
        by_password(people, "ada", GOOD, "192.0.2.77", NOON + timedelta(minutes=4))
    with pytest.raises(NotLetIn, match=r"Try again in 1 min\.$"):
        by_password(people, "ada", GOOD, None, NOON + timedelta(minutes=14, seconds=59))
    assert failures(people) == 5  # whoever is refused writes nothing
    assert by_password(people, "bob", GOOD, None, NOON + timedelta(minutes=4)).name == "bob"
    free = NOON + timedelta(minutes=15, seconds=1)
    assert by_password(people, "ada", GOOD, None, free).name == "ada"


def test_an_unknown_name_is_told_and_treated_like_a_known_one(people: Store) -> None:
    known = [fail(people, "ada", NOON + timedelta(seconds=s)) for s in range(7)]
    unknown = [fail(people, "nobody", NOON + timedelta(seconds=s)) for s in range(7)]
    assert known == unknown


def test_a_stranger_s_words_are_not_kept(people: Store) -> None:
    """Of long ones not their length, of a password in the wrong field not its letters."""
    fail(people, "x" * 100_000, NOON)
    fail(people, "my secret password", NOON)
    fail(people, "\udc80", NOON)
    rows = [str(event) for event in people.events("failed sign-in")]
    assert len(rows) == 3 and max(map(len, rows)) < 250
    assert not any("xxx" in row or "secret" in row for row in rows)


def test_an_address_whose_tries_fail_has_to_wait(store: Store) -> None:
    key = accounts.add(store, "ada", "annotator", NOON)
    instants = (NOON + timedelta(milliseconds=n) for n in count())
    for number in range(100):
        with pytest.raises(NotLetIn, match="opens nothing"):
            by_key(store, f"key {number}", "192.0.2.1", next(instants))
    for wrong in (key, "another"):
        with pytest.raises(NotLetIn, match=r"Try again in 15 min"):
            by_key(store, wrong, "192.0.2.1", next(instants))
    assert "Try again" in fail(store, "ada", next(instants), "192.0.2.1")
    assert failures(store) == 100
    assert by_key(store, f" {key} ", "192.0.2.2", next(instants)).name == "ada"
    assert by_key(store, key, "192.0.2.1", NOON + timedelta(minutes=16)).name == "ada"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (None, "local"),
        ("nonsense", "local"),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_where_a_try_comes_from(store: Store, address: str | None, place: str) -> None:
    with pytest.raises(NotLetIn):
        by_key(store, "wrong", address, NOON)
    (event,) = store.events("failed sign-in")
    assert (event.subject, event.body["address"]) == (f"address {place}", place)


def test_tries_at_the_same_moment_do_not_slip_under_the_limit(people: Store) -> None:
    def attempt(number: int) -> str:
        with Store(people.path) as store:
            return fail(store, "ada", NOON + timedelta(milliseconds=number))

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, range(40)))
    assert failures(people) == entrance.PER_NAME == sum("fit together" in one for one in said)
