"""The [login] block: whole or not there, and no key in it."""

import pytest
from pydantic import ValidationError

from samples.login import LoginBlock, web_address

WHOLE = {
    "metadata_url": "https://id.example/.well-known/openid-configuration",
    "client_id": "benchwarrant",
    "client_secret_env": "CLIENT_SECRET",
}


def refusal(**values: object) -> str:
    with pytest.raises(ValidationError) as error:
        LoginBlock(**values)  # type: ignore[arg-type]
    return str(error.value)


def test_all_of_it_can_be_left_out() -> None:
    block = LoginBlock()
    assert (block.session_hours, block.organisation, block.public) == (12, False, None)


def test_the_address_is_given_once_or_twice_alike() -> None:
    public, redirect = "https://label.example/x", "https://label.example/x/oauth2callback"
    for values in (
        {"public_url": public + "/"},
        {"redirect_uri": redirect},
        {"public_url": public, "redirect_uri": redirect},
    ):
        block = LoginBlock(**WHOLE, **values)  # type: ignore[arg-type]
        assert block.organisation and block.public == public
    assert "leave one of them out" in refusal(
        **WHOLE, public_url="https://other.example", redirect_uri=redirect
    )


@pytest.mark.parametrize("missing", [*WHOLE, "redirect_uri"])
def test_half_a_block_is_refused(missing: str) -> None:
    values = WHOLE | {"redirect_uri": "https://label.example/oauth2callback"}
    assert f"wants {missing} beside it" in refusal(**{k: values[k] for k in values if k != missing})


def test_what_no_block_may_hold() -> None:
    assert "keys stand in no file" in refusal(**WHOLE | {"client_secret_env": "s3cret-value"})
    assert "ends in /oauth2callback" in refusal(**WHOLE, redirect_uri="https://label.example/")
    for hours in (0, -1, 721, float("inf"), float("nan")):
        assert "session_hours" in refusal(session_hours=hours)
    assert "client_secret" in refusal(client_secret="s3cret-value")


@pytest.mark.parametrize(
    "right", ["https://a.example/b", "http://127.0.0.1:8501", "http://[::1]:1"]
)
def test_addresses(right: str) -> None:
    assert web_address(right) == web_address(right + "/") == right


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "label.example",
        "http://label.example",
        "https://u:p@label.example",
        "https://label.example/?key=1",
        "https://label.example/#a",
        "https://label.example:port",
        "https://label.example/a b",
        'https://label.example/"',
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"address|encrypted|character"):
        web_address(wrong)
