"""The commands `annotate` and `accounts`."""

import ipaddress
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from samples.errors import BenchwarrantError

if TYPE_CHECKING:
    from samples.store import Store

STUDY = typer.Option(Path("study.toml"), "--study", help="The study file.")
ROLE = typer.Option("annotator", help="annotator, adjudicator or lead.")
NAME = typer.Argument(help="The name that stands under the person's labels.")

accounts = typer.Typer(help="Who may label, and as what.", no_args_is_help=True)


def annotate(
    study: Path = STUDY,
    host: str = typer.Option("127.0.0.1", help="Address to listen on; 0.0.0.0 lets others in."),
    port: int = typer.Option(8501, min=1, max=65535, help="Port to listen on."),
) -> None:
    """Open the labelling app and keep it running until Ctrl-C.

    Example: benchwarrant annotate
    """
    from samples.backups import EVERY

    database = check_ready(study)
    _check_free(host, port)
    saved, copy = _labels(database), _back_up(database)
    # Whoever stops this process, the server goes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(serve_command(study, host, port), stdout=subprocess.DEVNULL)
    try:
        _wait_until_up(server, host, port)
        typer.echo(f"Labelling {study} at {_url(host, port)} (Ctrl-C ends it)")
        typer.echo(f"Backed up to {copy}, and again every {EVERY} labels")
        if not _is_loopback(host):
            typer.echo("Keys and labels travel unencrypted: put an HTTPS proxy in front.")
        if _watch(server, database, saved) != 0:
            raise BenchwarrantError("the labelling app has stopped; its messages stand above")
    except KeyboardInterrupt:
        typer.echo("Stopped; every label that was shown as saved is in the database.")
    finally:
        _end(server)


def _back_up(database: Path) -> Path:
    from samples.backups import back_up

    return back_up(database, datetime.now(UTC).isoformat(timespec="milliseconds"))


def _labels(database: Path) -> int:
    from samples.store import Store

    with Store(database) as store:
        return store.counts()["labels"]


def _watch(
    server: "subprocess.Popen[bytes]", database: Path, saved: int, pause: float = 5.0
) -> int:
    """Wait for the app's end; every so many labels the database is backed up meanwhile.

    ``saved`` are the labels that the newest copy holds.
    """
    from samples.backups import EVERY

    while True:
        try:
            return server.wait(pause)
        except subprocess.TimeoutExpired:
            if (now := _labels(database)) >= saved + EVERY:
                try:
                    _back_up(database)
                except BenchwarrantError as error:  # labelling goes on without
                    typer.echo(str(error), err=True)
                saved = now


@accounts.command("add")
def add_account(
    name: str = NAME,
    role: str = ROLE,
    study: Path = STUDY,
    url: str = typer.Option("http://127.0.0.1:8501", help="Where the app will be reached."),
) -> None:
    """Let a person in; prints their key and personal link, once.

    Example: benchwarrant accounts add ada
    """
    from annotator.accounts import add

    with _store(study, create=True) as store:
        key = add(store, name, role, datetime.now(UTC))
    typer.echo(f"{name} may come in as {role}. This is shown only now; pass it on in private:")
    typer.echo(f"  key   {key}")
    typer.echo(f"  link  {url.rstrip('/')}/?key={key}")


@accounts.command("list")
def list_accounts(study: Path = STUDY) -> None:
    """Everybody who has an account, or a role under imported labels.

    Example: benchwarrant accounts list
    """
    from annotator.accounts import listing

    with _store(study) as store:
        people = listing(store)
    if not people:
        typer.echo("no accounts yet; run `benchwarrant accounts add NAME`")
        return
    width = max(len(account.name) for account in people)
    for account in people:
        entry = "has a key" if account.secret else "cannot sign in"
        words = (account.name.ljust(width), account.role.ljust(11), account.kind.ljust(9))
        typer.echo("  ".join([*words, account.status.ljust(7), entry]))


@accounts.command("revoke")
def revoke_account(name: str = NAME, study: Path = STUDY) -> None:
    """Lock a person out from their next click on; their labels stay.

    Example: benchwarrant accounts revoke ada
    """
    from annotator.accounts import revoke

    with _store(study) as store:
        revoke(store, name, datetime.now(UTC))
    typer.echo(f"{name} is locked out")


@accounts.command("role")
def change_role(
    name: str = NAME,
    role: str = typer.Argument(help="annotator, adjudicator or lead."),
    study: Path = STUDY,
) -> None:
    """Give somebody another role; works for names under imported labels too.

    Example: benchwarrant accounts role ada adjudicator
    """
    from annotator.accounts import set_role

    with _store(study) as store:
        set_role(store, name, role, datetime.now(UTC))
    typer.echo(f"{name} is now {role}")


@contextmanager
def _store(study: Path, *, create: bool = False) -> Iterator["Store"]:
    from samples.store import Store
    from samples.study import load_study

    loaded = load_study(study)
    with Store(loaded.at(loaded.database), create=create, precious=True) as store:
        yield store


def check_ready(study: Path) -> Path:
    """Refuse to start while nobody could label anything; returns the database's path."""
    from samples.store import Store
    from samples.study import load_study

    loaded = load_study(study)
    database = loaded.at(loaded.database)
    with Store(database) as store:
        audit_set = store.audit_set()
        people = store.accounts()
    if audit_set is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    if audit_set.rubric != loaded.rater_question.id:
        raise BenchwarrantError(
            f"the rubric in {study} is not the one that the audit set was drawn for; change it"
            " back, or run `benchwarrant sample` again"
        )
    if not any(account.secret and account.status == "active" for account in people):
        raise BenchwarrantError("nobody can sign in yet; run `benchwarrant accounts add NAME`")
    return database


def serve_command(study: Path, host: str, port: int) -> list[str]:
    """The command line of the server, with nothing open that the app does not need."""
    flags = {
        "server.headless": "true",
        "server.address": host,
        "server.port": str(port),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "logger.level": "warning",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",  # a traceback could show what must stay blind
    }
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("app.py"))]
    command += [part for flag, value in flags.items() for part in (f"--{flag}", value)]
    if _is_loopback(host):  # or a foreign page could reach it through a name of its own
        for name in dict.fromkeys(("127.0.0.1", "localhost", host)):
            command += ["--server.allowedHosts", name]
    return [*command, "--", str(study.resolve())]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _check_free(host: str, port: int) -> None:
    try:
        with socket.create_server((host, port), family=_family(host)):
            pass
    except OSError as error:
        raise BenchwarrantError(
            f"cannot listen on {host} port {port}: {error.strerror}; try another --port or --host"
        ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _wait_until_up(server: "subprocess.Popen[bytes]", host: str, port: int) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise BenchwarrantError("the labelling app did not start; its messages stand above")
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise BenchwarrantError("the labelling app has not come up in a minute; try again")


def _end(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
