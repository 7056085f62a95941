"""Where the app is reached, and by what names."""

import itertools
import socket
import sys
from pathlib import Path

import pytest

from annotator import serving
from samples.errors import BenchwarrantError
from samples.login import LoginBlock

NOTHING = LoginBlock()
OWN = ["127.0.0.1", "localhost"]


def values(command: list[str], flag: str) -> list[str]:
    return [value for name, value in itertools.pairwise(command) if name == f"--{flag}"]


def command(host: str, base: str | None = None, public: str | None = None) -> list[str]:
    where = serving.place(host, 8501, base, public, NOTHING)
    return serving.serve_command(Path("study.toml"), where)


@pytest.mark.parametrize(
    ("host", "public", "allowed"),
    [
        ("127.0.0.1", None, OWN),
        ("localhost", None, OWN),
        ("127.0.0.2", None, [*OWN, "127.0.0.2"]),
        ("127.0.0.1", "https://Label.example/x", [*OWN, "label.example"]),
        ("0.0.0.0", None, []),
        ("192.0.2.7", None, []),
        ("label.example", None, []),
        ("0.0.0.0", "https://label.example:8443", [*OWN, "label.example"]),
        ("192.0.2.7", "https://label.example", [*OWN, "192.0.2.7", "label.example"]),
    ],
)
def test_the_names_it_goes_by(host: str, public: str | None, allowed: list[str]) -> None:
    line = command(host, public=public)
    assert values(line, "server.allowedHosts") == allowed
    assert values(line, "server.address") == [host]
    assert line[-2:] == ["--", str(Path("study.toml").resolve())]
    # What protects people from foreign pages is never switched off.
    assert not any("enableCORS" in part or "enableXsrf" in part for part in line)


@pytest.mark.parametrize(
    ("base", "public", "found"),
    [
        (None, None, []),
        ("/label/", None, ["label"]),
        ("a/b-c", None, ["a/b-c"]),
        (None, "https://label.example/path/", ["path"]),
        (None, "https://label.example", []),
        ("", "https://label.example/path", []),  # a proxy that takes the path off
        ("inner", "https://label.example/path", ["inner"]),
    ],
)
def test_the_path_it_lies_under(base: str | None, public: str | None, found: list[str]) -> None:
    assert values(command("127.0.0.1", base, public), "server.baseUrlPath") == found


def test_a_public_address_may_ask_under_its_own_name() -> None:
    line = command("127.0.0.1", public="https://label.example:8443/path")
    assert values(line, "server.corsAllowedOrigins") == ["https://label.example:8443"]
    assert values(command("127.0.0.1"), "server.corsAllowedOrigins") == []


def test_addresses_in_words() -> None:
    where = serving.place("::1", 8501, "label", None, NOTHING)
    assert where.local == "http://[::1]:8501/label"
    where = serving.place("127.0.0.1", 80, None, None, LoginBlock(public_url="https://a.example/b"))
    assert (where.public, where.base) == ("https://a.example/b", "b")
    where = serving.place("127.0.0.1", 80, None, "https://c.example", LoginBlock())
    assert where.public == "https://c.example"


@pytest.mark.parametrize("wrong", ["a//b", "../a", "a b", "a?b", 'a"b', "ä"])
def test_what_is_no_path(wrong: str) -> None:
    with pytest.raises(BenchwarrantError, match="is no path"):
        command("127.0.0.1", wrong)


def test_an_open_public_address_is_refused() -> None:
    with pytest.raises(BenchwarrantError, match=r"--public-url .* is not encrypted"):
        command("127.0.0.1", public="http://label.example")


def test_where_an_organisation_sends_people_back_to() -> None:
    keys = {"metadata_url": "https://id.example/x", "client_id": "b", "client_secret_env": "S"}
    given = LoginBlock(**keys, redirect_uri="https://a.example/x/oauth2callback")
    where = serving.place("127.0.0.1", 80, None, None, given)
    assert serving.redirect(where, given) == "https://a.example/x/oauth2callback"
    assert (where.base, where.names) == ("x", [*OWN, "a.example"])
    other = serving.place("127.0.0.1", 80, None, "https://b.example", given)
    with pytest.raises(BenchwarrantError, match="change --public-url"):
        serving.redirect(other, given)
    free = LoginBlock(**keys, public_url="https://a.example")
    assert serving.redirect(other, free) == "https://b.example/oauth2callback"


def test_the_server_is_ended_whatever_happens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = serving.Place("127.0.0.1", port)
    with (
        pytest.raises(BenchwarrantError, match="did not start"),
        serving.served([sys.executable, "-c", "pass"], where),
    ):
        pass
    listen = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    with pytest.raises(KeyError), serving.served([sys.executable, "-c", listen], where) as process:
        assert process.poll() is None
        raise KeyError
    assert process.poll() is not None
