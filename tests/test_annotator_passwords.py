"""Passwords are hashed slowly, and time tells nobody whether there is one."""

import pytest

from annotator import passwords
from samples.errors import BenchwarrantError

GOOD = "correct horse"


def test_only_the_password_matches_its_hash() -> None:
    secret = passwords.hashed(GOOD)
    assert secret.startswith("$argon2id$") and GOOD not in secret
    assert passwords.matches(secret, GOOD)
    for wrong in ("", GOOD[:-1], GOOD + " ", GOOD.upper(), secret, "\udc80", "x" * 100_000):
        assert not passwords.matches(secret, wrong)
    assert passwords.hashed(GOOD) != secret  # salted


def test_the_same_letters_from_another_keyboard_match() -> None:
    assert passwords.matches(passwords.hashed("Zo\u00eb is here"), "Zoe\u0308 is here")


@pytest.mark.parametrize("secret", [None, "", "b2:00", "email:a@b", "$argon2id$broken"])
def test_what_is_no_hash_of_a_password_matches_none(secret: str | None) -> None:
    assert not passwords.matches(secret, GOOD)
    assert not passwords.matches(secret, "")


def test_short_and_endless_passwords_are_refused() -> None:
    for wrong in ("", "123456789", "x" * 1001):
        with pytest.raises(BenchwarrantError, match="10 to 1,000 characters") as refusal:
            passwords.hashed(wrong)
        assert not wrong or wrong not in str(refusal.value)
    assert passwords.matches(passwords.hashed("1234567890"), "1234567890")


def test_nobodys_password_is_checked_by_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same passes over the same memory, whether a name is known or not."""
    secret, work = passwords.hashed(GOOD), []

    class Counting(type(passwords._hasher)):  # type: ignore[misc]
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            work.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for kept in (secret, None, "b2:00", "email:a@b"):
        assert not passwords.matches(kept, "wrong password")
    assert len(work) == 4 and len(set(work)) == 1
