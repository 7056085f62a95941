"""The commands around the labelling app, and the app as it really runs."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import pytest
import typer
from small_audit import build_study, numbered
from typer.testing import CliRunner, Result

from annotator import cli
from annotator.accounts import add, authenticate, listing
from annotator.entrance import by_password
from samples.errors import BenchwarrantError
from samples.records import Label
from samples.store import Store

ROOT = Path(__file__).parents[1]

app = typer.Typer()
app.command("annotate")(cli.annotate)
app.add_typer(cli.accounts, name="accounts")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return build_study(tmp_path, numbered(2))


def run(study: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--study", str(study)])


def done(study: Path, *words: str) -> str:
    result = run(study, *words)
    assert result.exit_code == 0, result.output
    return str(result.output)


def refusal(study: Path, *words: str) -> str:
    error = run(study, *words).exception
    assert isinstance(error, BenchwarrantError)
    assert "\n" not in str(error)
    return str(error)


def test_a_person_comes_and_goes(study: Path) -> None:
    assert "accounts add NAME" in done(study, "accounts", "list")
    output = done(study, "accounts", "add", "ann", "--url", "https://label.example/")
    found = re.search(r"key\s+(\S+)\n\s+link\s+(\S+)", output)
    assert found is not None
    key, link = found.groups()
    assert link == f"https://label.example/?key={key}"
    with Store(study.with_name("study.db")) as store:
        assert authenticate(store, key) is not None
    assert done(study, "accounts", "role", "ann", "lead") == "ann is now lead\n"
    line = done(study, "accounts", "list")
    assert line.split() == ["ann", "lead", "human", "active", "link"]
    assert key not in line
    done(study, "accounts", "revoke", "ann")
    assert "revoked  cannot sign in" in done(study, "accounts", "list")
    with Store(study.with_name("study.db")) as store:
        assert authenticate(store, key) is None


def secret(study: Path) -> str | None:
    with Store(study.with_name("study.db")) as store:
        return listing(store)[0].secret


def typed(study: Path, *words: str, text: str) -> str:
    """What a command prints that reads a pipe."""
    result = CliRunner().invoke(app, [*words, "--study", str(study)], input=text)
    assert result.exit_code == 0, result.exception
    return str(result.output)


def test_a_password_is_read_from_a_pipe_and_shown_nowhere(study: Path) -> None:
    output = typed(study, "accounts", "add", "ann", "--password", text="correct horse\n")
    assert "ann may come in as annotator with that password, at http://127.0.0.1:8501/" in output
    kept = secret(study)
    assert kept is not None and kept.startswith("$argon2id$")
    listed = done(study, "accounts", "list")
    assert listed.split() == ["ann", "annotator", "human", "active", "password"]
    output += typed(study, "accounts", "password", "ann", text="battery staple\r\n")
    with Store(study.with_name("study.db")) as store:
        assert by_password(store, "ann", "battery staple", None, datetime.now(UTC))
    assert secret(study) != kept
    assert not any(word in output for word in ("horse", "staple", kept))
    short = CliRunner().invoke(
        app, ["accounts", "password", "ann", "--study", str(study)], input="horse\n"
    )
    assert "10 to 1,000" in str(short.exception) and "horse" not in str(short.exception)


def test_at_a_terminal_a_password_is_asked_for_twice(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_at_a_terminal", lambda: True)
    text = "correct horse\ncorrect hearse\n" + 2 * "battery staple\n"
    output = typed(study, "accounts", "add", "ann", "--password", text=text)
    assert output.count("Password:") == output.count("Once more:") == 2
    assert not any(word in output for word in ("horse", "hearse", "staple"))
    with Store(study.with_name("study.db")) as store:
        assert by_password(store, "ann", "battery staple", None, datetime.now(UTC))


def test_an_organisation_s_address_is_an_entry_where_the_study_names_one(study: Path) -> None:
    output = done(study, "accounts", "add", "ann", "--email", "Ann@Uni.example")
    assert "once the study file has a [login] block" in output
    assert secret(study) == "email:ann@uni.example"
    assert "active   e-mail ann@uni.example" in done(study, "accounts", "list")
    assert "signs in by that address" in refusal(
        study, "accounts", "add", "bob", "--email", "ann@uni.example"
    )
    assert "one way" in refusal(study, "accounts", "add", "bob", "--email", "b@c", "--password")
    assert "everybody signs in with their organisation" in refusal(study, "annotate")
    with study.open("a", encoding="utf-8") as file:
        file.write(LOGIN)
    output = done(study, "accounts", "add", "bob", "--email", "bob@uni.example")
    assert "with their organisation, at https://label.example/x/\n" in output
    assert "https://label.example/x/?key=" in done(study, "accounts", "add", "cyd")
    assert "SECRET_OF_NOBODY is not set" in refusal(study, "annotate", "--port", str(free_port()))


LOGIN = """
[login]
public_url = "https://label.example/x"
metadata_url = "https://id.example/.well-known/openid-configuration"
client_id = "benchwarrant"
client_secret_env = "SECRET_OF_NOBODY"
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_people_can_be_added_before_anything_else(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text('name = "new"\n', encoding="utf-8")
    done(study, "accounts", "add", "ann")
    with Store(tmp_path / "study.db") as store:
        assert [account.name for account in listing(store)] == ["ann"]
    assert "does not exist" in refusal(tmp_path / "other.toml", "accounts", "add", "ann")


def test_a_name_under_imported_labels_gets_a_role(study: Path) -> None:
    with Store(study.with_name("study.db")) as store:
        (rubric,) = store.rubrics()
        response = next(store.responses())
        store.add([Label(response.id, rubric.id, "expert", value="correct")])
    done(study, "accounts", "role", "expert", "adjudicator")
    assert "cannot sign in" in done(study, "accounts", "list")
    # A role alone lets nobody in.
    assert "accounts add NAME" in refusal(study, "annotate")


def test_the_app_does_not_start_for_nothing(study: Path, tmp_path: Path) -> None:
    assert "nobody can sign in yet; run `benchwarrant accounts add NAME`" in refusal(
        study, "annotate"
    )
    done(study, "accounts", "add", "ann")
    done(study, "accounts", "revoke", "ann")
    assert "nobody can sign in yet" in refusal(study, "annotate")
    study.with_name("guidance.md").write_text("Something else.", encoding="utf-8")
    assert "the rubric in" in refusal(study, "annotate")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "study.toml").write_text('name = "empty"\n', encoding="utf-8")
    assert "collect or import" in refusal(empty / "study.toml", "annotate")
    done(empty / "study.toml", "accounts", "add", "ann")
    assert "run `benchwarrant sample`" in refusal(empty / "study.toml", "annotate")


def test_a_taken_port_is_refused(study: Path) -> None:
    done(study, "accounts", "add", "ann")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1 port {port}" in refusal(study, "annotate", "--port", str(port))


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def status(port: int, path: str, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    found = connection.getresponse().status
    connection.close()
    return found


def is_gone(port: int) -> bool:
    for _ in range(50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_app_runs_until_it_is_stopped(study: Path, end: signal.Signals) -> None:
    with Store(study.with_name("study.db")) as store:
        add(store, "ann", "annotator", datetime.now(UTC))
    port = free_port()
    call = f"cli.annotate(Path({str(study)!r}), '127.0.0.1', {port}, None, 'label/x')"
    command = f"from pathlib import Path; from annotator import cli; {call}"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", command],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert f"http://127.0.0.1:{port}/label/x " in process.stdout.readline()
            health = re.search(r"http://[^ ]+", process.stdout.readline())
            assert health is not None
            with urlopen(health.group(), timeout=10) as answer:
                assert (answer.status, answer.read()) == (200, b"ok")
            stream = "/label/x/_stcore/stream"
            assert status(port, stream, {**UPGRADE, "Host": f"localhost:{port}"}) == 101
            assert status(port, stream, {**UPGRADE, "Host": f"evil.example:{port}"}) == 403
            evil = {"Host": f"localhost:{port}", "Origin": "http://evil.example"}
            assert status(port, stream, {**UPGRADE, **evil}) == 403
            # Ctrl-C reaches the whole group, a plain kill only the command itself.
            if end == signal.SIGINT:
                os.killpg(process.pid, end)
            else:
                process.send_signal(end)
            output, _ = process.communicate(timeout=30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0
    assert "Stopped" in output
    assert is_gone(port)
