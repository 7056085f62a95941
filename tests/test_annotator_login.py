"""An organisation's word opens an account once, and only where it is checked and fresh."""

import stat
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from annotator import accounts, login
from annotator.entrance import NotLetIn
from samples.errors import BenchwarrantError
from samples.login import LoginBlock
from samples.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORD = {
    "iss": "https://id.example",
    "sub": "1",
    "nonce": "n1",
    "iat": NOON.timestamp(),
    "email": "Ada@Uni.example",
    "email_verified": True,
    "is_logged_in": True,
}
BLOCK = LoginBlock(
    metadata_url="https://id.example/.well-known/openid-configuration",
    client_id="benchwarrant",
    client_secret_env="LABEL_CLIENT_SECRET",
    public_url="https://label.example",
)


@pytest.fixture
def ada(store: Store) -> Store:
    accounts.add_with_email(store, "ada", "lead", "ada@uni.example", NOON)
    return store


def test_a_checked_address_with_an_account_opens_it_once(ada: Store) -> None:
    assert login.admit(ada, WORD, NOON).name == "ada"
    with pytest.raises(NotLetIn, match="has been used"):
        login.admit(ada, WORD, NOON)
    assert login.admit(ada, WORD | {"nonce": "n2"}, NOON).role == "lead"
    (event, _) = ada.events("organisation's word used")
    assert "uni.example" not in str(event)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"email_verified": False}, "has checked your e-mail address"),
        ({"email_verified": "true"}, "has checked your e-mail address"),
        ({"email_verified": None}, "has checked your e-mail address"),
        ({"email": None}, "has checked your e-mail address"),
        ({"email": "eve@uni.example"}, "has no account"),
        ({"email": ""}, "has no account"),
        ({"iat": NOON.timestamp() - 601}, "too old"),
        ({"iat": NOON.timestamp() + 601}, "too old"),
        ({"iat": None}, "too old"),
        ({"iat": "now"}, "too old"),
    ],
)
def test_any_other_word_opens_nothing(ada: Store, change: dict[str, object], said: str) -> None:
    with pytest.raises(NotLetIn, match=said):
        login.admit(ada, WORD | change, NOON)
    assert ada.events("organisation's word used") == []


def test_a_revoked_account_stays_shut(ada: Store) -> None:
    accounts.revoke(ada, "ada", NOON + timedelta(seconds=1))
    with pytest.raises(NotLetIn, match="has no account"):
        login.admit(ada, WORD, NOON)


def test_the_secrets_file_is_ours_alone_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_CLIENT_SECRET", 'quo"te\\é')
    cookie_secrets = set()
    for _ in range(2):
        with login.secrets_file(BLOCK, "https://label.example/oauth2callback") as path:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            auth = tomllib.loads(path.read_text(encoding="utf-8"))["auth"]
            cookie_secrets.add(auth.pop("cookie_secret"))
            assert auth == {
                "redirect_uri": "https://label.example/oauth2callback",
                "client_id": "benchwarrant",
                "client_secret": 'quo"te\\é',
                "server_metadata_url": "https://id.example/.well-known/openid-configuration",
            }
        assert not path.parent.exists()
    assert len(cookie_secrets) == 2 and min(map(len, cookie_secrets)) >= 43
    folder: Path | None = None
    with pytest.raises(KeyboardInterrupt), login.secrets_file(BLOCK, "x") as path:
        folder = path.parent
        raise KeyboardInterrupt
    assert folder is not None and not folder.exists()


def test_without_the_client_s_secret_there_is_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABEL_CLIENT_SECRET", raising=False)
    with (
        pytest.raises(BenchwarrantError, match="LABEL_CLIENT_SECRET is not set"),
        login.secrets_file(BLOCK, "x"),
    ):
        pass
    monkeypatch.setenv("LABEL_CLIENT_SECRET", "s3cret")
    monkeypatch.setattr(login, "find_spec", lambda _: None)
    with (
        pytest.raises(BenchwarrantError, match=r"benchwarrant\[oidc\]") as refusal,
        login.secrets_file(BLOCK, "x"),
    ):
        pass
    assert "s3cret" not in str(refusal.value)
