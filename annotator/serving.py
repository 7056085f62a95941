"""The labelling app's server: where it listens, by what names it goes, its start and its end."""

import ipaddress
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from samples.errors import BenchwarrantError
from samples.login import CALLBACK, LoginBlock, web_address

HEALTH = "/_stcore/health"  # answers 200 and "ok" while the app is up


@dataclass(frozen=True)
class Place:
    """Where the app listens, and under which address people reach it if that is another one."""

    host: str
    port: int
    base: str = ""  # the path that all its pages lie under, without slashes at its ends
    public: str | None = None

    @property
    def local(self) -> str:
        """Its address on this machine, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}" + (f"/{self.base}" if self.base else "")

    @property
    def names(self) -> list[str]:
        """The host names that it answers to; with none it answers to any.

        On this machine only, or a foreign page could reach it through a name of its own.
        """
        loopback = is_loopback(self.host)
        if not loopback and self.public is None:
            return []
        outside = [urlsplit(self.public).hostname or ""] if self.public else []
        own = [self.host] if loopback or not _is_everywhere(self.host) else []
        return list(dict.fromkeys(["127.0.0.1", "localhost", *own, *outside]))


def place(host: str, port: int, base: str | None, public: str | None, login: LoginBlock) -> Place:
    """Where the app shall be, from the command's options and the study's [login] block."""
    try:
        public = web_address(public) if public else login.public
    except ValueError as error:
        raise BenchwarrantError(f"--public-url {error}") from None
    if base is None:
        base = urlsplit(public or "").path
    base = base.strip("/")
    if any(part in ("", ".", "..") or not _is_plain(part) for part in base.split("/") if base):
        raise BenchwarrantError(f"--base-url-path {base!r} is no path; write it as label/study")
    return Place(host, port, base, public)


def redirect(where: Place, login: LoginBlock) -> str:
    """Where the organisation sends people back to; it must be an address of this app."""
    found = (where.public or where.local) + CALLBACK
    if login.redirect_uri not in (None, found):
        raise BenchwarrantError(
            f"[login] redirect_uri is {login.redirect_uri} and the app's is {found}; leave"
            " redirect_uri out, or change --public-url"
        )
    return found


def serve_command(study: Path, where: Place, secrets: Path | None = None) -> list[str]:
    """The command line of the server, with nothing open that the app does not need."""
    flags = {
        "server.headless": "true",
        # Streamlit's red says that something is wrong. One theme for both would be light at night.
        "theme.light.primaryColor": "#1565c0",
        "theme.dark.primaryColor": "#1565c0",
        "server.address": where.host,
        "server.port": str(where.port),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "logger.level": "warning",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",  # a traceback could show what must stay blind
    }
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("app.py"))]
    command += [part for flag, value in flags.items() for part in (f"--{flag}", value)]
    command += [part for name in where.names for part in ("--server.allowedHosts", name)]
    if where.base:
        command += ["--server.baseUrlPath", where.base]
    if where.public:  # a proxy may put its own name for ours into the request
        address = urlsplit(where.public)
        command += ["--server.corsAllowedOrigins", f"{address.scheme}://{address.netloc}"]
    if secrets:
        command += ["--secrets.files", str(secrets)]
    return [*command, "--", str(study.resolve())]


@contextmanager
def served(command: list[str], where: Place) -> Iterator["subprocess.Popen[bytes]"]:
    """The server, once it answers. Whatever happens in the block, it is gone afterwards."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_until_up(server, where)
        yield server
    finally:
        _end(server)


def check_free(where: Place) -> None:
    try:
        with socket.create_server((where.host, where.port), family=_family(where.host)):
            pass
    except OSError as error:
        raise BenchwarrantError(
            f"cannot listen on {where.host} port {where.port}: {error.strerror}; try another --port"
            " or --host"
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_plain(part: str) -> bool:
    return part.isascii() and part.replace("-", "").replace("_", "").replace(".", "").isalnum()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _wait_until_up(server: "subprocess.Popen[bytes]", where: Place) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise BenchwarrantError("the labelling app did not start; its messages stand above")
        try:
            socket.create_connection((where.host, where.port), timeout=1).close()
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
