"""The commands `annotate` and `accounts`."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from samples.errors import BenchwarrantError

if TYPE_CHECKING:
    from annotator.serving import Place
    from samples.login import LoginBlock
    from samples.store import Store
    from samples.study import Study

STUDY = typer.Option(Path("study.toml"), "--study", help="The study file.")
ROLE = typer.Option("annotator", help="annotator, adjudicator or lead.")
NAME = typer.Argument(help="The name that stands under the person's labels.")

accounts = typer.Typer(help="Who may label, and as what.", no_args_is_help=True)


def annotate(
    study: Path = STUDY,
    host: str = typer.Option("127.0.0.1", help="Address to listen on; 0.0.0.0 lets others in."),
    port: int = typer.Option(8501, min=1, max=65535, help="Port to listen on."),
    public_url: str | None = typer.Option(
        None, help="Where people reach the app, such as https://label.example.org/path."
    ),
    base_url_path: str | None = typer.Option(
        None, help="Path that the app lies under; left out: the path of --public-url."
    ),
) -> None:
    """Open the labelling app and keep it running until Ctrl-C.

    Example: benchwarrant annotate
    """
    from annotator import serving

    loaded, database = check_ready(study)
    where = serving.place(host, port, base_url_path, public_url, loaded.login)
    serving.check_free(where)
    # Whoever stops this process, the server goes with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _secrets(loaded.login, where) as secrets:
            every = loaded.annotation.backup_every
            _serve(study, (database, every), where, serving.serve_command(study, where, secrets))
    except KeyboardInterrupt:
        typer.echo("Stopped; every label that was shown as saved is in the database.")


def _serve(study: Path, backed: tuple[Path, int], where: "Place", command: list[str]) -> None:
    """``backed`` is the database, and after how many labels it is copied again."""
    from annotator.serving import HEALTH, is_loopback, served
    from samples.store import Store

    database, every = backed
    saved, copy = _labels(database), _back_up(database)
    # Open as long as the app is: a click that closed the last connection would tidy up the log.
    with Store(database), served(command, where) as server:
        typer.echo(f"Labelling {study} at {where.public or where.local} (Ctrl-C ends it)")
        typer.echo(f"Up while {where.local}{HEALTH} answers ok")
        typer.echo(f"Backed up to {copy}, and again every {every} labels")
        if not is_loopback(where.host):
            typer.echo("Keys and labels travel unencrypted: put an HTTPS proxy in front.")
        if not where.names:
            typer.echo("It answers to any host name: --public-url names the right one.")
        if _watch(server, backed, saved) != 0:
            raise BenchwarrantError("the labelling app has stopped; its messages stand above")


@contextmanager
def _secrets(login: "LoginBlock", where: "Place") -> Iterator[Path | None]:
    from annotator.login import secrets_file
    from annotator.serving import redirect

    if not login.organisation:
        yield None
        return
    with secrets_file(login, redirect(where, login)) as path:
        yield path


def _back_up(database: Path) -> Path:
    from samples.backups import back_up

    return back_up(database, datetime.now(UTC).isoformat(timespec="milliseconds"))


def _labels(database: Path) -> int:
    from samples.store import Store

    with Store(database) as store:
        counts = store.counts()
    return counts["labels"] + counts["check_labels"]


def _watch(
    server: "subprocess.Popen[bytes]", backed: tuple[Path, int], saved: int, pause: float = 5.0
) -> int:
    """Wait for the app's end; every so many labels the database is backed up meanwhile.

    ``saved`` are the labels that the newest copy holds.
    """
    database, every = backed
    while True:
        try:
            return server.wait(pause)
        except subprocess.TimeoutExpired:
            if (now := _labels(database)) >= saved + every:
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
    password: bool = typer.Option(False, "--password", help="Ask for a password instead."),
    email: str | None = typer.Option(None, help="Address that their organisation vouches for."),
    url: str | None = typer.Option(
        None, help="Where the app will be reached; left out: [login] public_url, or this machine."
    ),
) -> None:
    """Let a person in: by a personal link, a password, or their organisation.

    Example: benchwarrant accounts add ada
    """
    from annotator import accounts as people

    if password and email:
        raise BenchwarrantError("a person signs in one way; leave --password or --email out")
    chosen = _ask_password() if password else None
    with _store(study, create=True) as (store, loaded):
        now, address = datetime.now(UTC), url or loaded.login.public or "http://127.0.0.1:8501"
        if chosen is not None:
            people.add_with_password(store, name, role, chosen, now)
            entry = [f"with that password, at {address.rstrip('/')}/"]
        elif email:
            people.add_with_email(store, name, role, email, now)
            entry = [f"with their organisation, at {address.rstrip('/')}/"]
            if not loaded.login.organisation:
                entry += ["once the study file has a [login] block that names it"]
        else:
            key = people.add(store, name, role, now)
            entry = ["by this, shown only now; pass it on in private:", f"  key   {key}"]
            entry += [f"  link  {address.rstrip('/')}/?key={key}"]
    typer.echo(f"{name} may come in as {role} " + "\n".join(entry))


@accounts.command("password")
def change_password(name: str = NAME, study: Path = STUDY) -> None:
    """Set a new password; whatever let the person in before does so no more.

    Example: benchwarrant accounts password ada
    """
    from annotator.accounts import set_password

    chosen = _ask_password()
    with _store(study) as (store, _):
        set_password(store, name, chosen, datetime.now(UTC))
    typer.echo(f"{name} signs in with the new password, and has to do so anew")


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _ask_password() -> str:
    """Twice and unseen at a terminal; else the first line of standard input."""
    if _at_a_terminal():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Once more")
        return asked
    return sys.stdin.readline().rstrip("\r\n")


@accounts.command("list")
def list_accounts(study: Path = STUDY) -> None:
    """Everybody who has an account, or a role under imported labels.

    Example: benchwarrant accounts list
    """
    from annotator.accounts import entry, listing

    with _store(study) as (store, _):
        people = listing(store)
    if not people:
        typer.echo("no accounts yet; run `benchwarrant accounts add NAME`")
        return
    width = max(len(account.name) for account in people)
    for account in people:
        words = (account.name.ljust(width), account.role.ljust(11), account.kind.ljust(9))
        typer.echo("  ".join([*words, account.status.ljust(7), entry(account)]))


@accounts.command("revoke")
def revoke_account(name: str = NAME, study: Path = STUDY) -> None:
    """Lock a person out from their next click on; their labels stay.

    Example: benchwarrant accounts revoke ada
    """
    from annotator.accounts import revoke

    with _store(study) as (store, _):
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

    with _store(study) as (store, _):
        set_role(store, name, role, datetime.now(UTC))
    typer.echo(f"{name} is now {role}")


@contextmanager
def _store(study: Path, *, create: bool = False) -> Iterator[tuple["Store", "Study"]]:
    from samples.store import Store
    from samples.study import load_study

    loaded = load_study(study)
    with Store(loaded.at(loaded.database), create=create, precious=True) as store:
        yield store, loaded


def check_ready(study: Path) -> tuple["Study", Path]:
    """Refuse to start while nobody could label anything; returns the study and its database."""
    from annotator.accounts import by_organisation
    from samples.revision import mend
    from samples.store import Store
    from samples.study import load_study

    loaded = load_study(study)
    database = loaded.at(loaded.database)
    with Store(database) as store:
        mend(loaded, store)
        audit_set = store.audit_set()
        people = store.accounts()
    if audit_set is None:
        raise BenchwarrantError("there is no audit set yet; run `benchwarrant sample`")
    if audit_set.rubric != loaded.rater_question.id:
        raise BenchwarrantError(
            f"the rubric in {study} is not the one that the audit set was drawn for; change it"
            " back, or run `benchwarrant sample` again"
        )
    ways = [one for one in people if one.secret and one.status == "active"]
    if not ways:
        raise BenchwarrantError("nobody can sign in yet; run `benchwarrant accounts add NAME`")
    if not loaded.login.organisation and all(map(by_organisation, ways)):
        raise BenchwarrantError(
            f"everybody signs in with their organisation, and {study} has no [login] block that"
            " names it; add one, or run `benchwarrant accounts add NAME`"
        )
    return loaded, database
