"""Start a server process, wait until it answers, know why it ended, and end it.

Between us and the server stands supervise.py: it ends the server as soon as the pipe that we hold
is closed, which the system does for us when we are killed.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from inference import supervise
from inference.embedded import cache_folder
from samples.errors import BenchwarrantError

HOST = "127.0.0.1"
KEPT_LOGS = 20
LINES, CHARACTERS = 6, 700  # of a log, in an error
PAUSE = 0.1


@dataclass(frozen=True)
class Process:
    """A supervised server: who supervises it, where it listens, and where it writes."""

    name: str
    supervisor: subprocess.Popen[bytes]
    port: int
    log: Path


def launch(name: str, command: Sequence[str], environment: Mapping[str, str], port: int) -> Process:
    """Start the command with this environment; what it writes goes to a log in the cache."""
    path, log = _new_log(name)
    with log:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", supervise.__file__, *command],
            stdin=subprocess.PIPE,  # held open: its end is the server's
            stdout=log,
            stderr=log,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C is for us
        )
    return Process(name, supervisor, port, path)


def _new_log(name: str) -> tuple[Path, IO[bytes]]:
    """A file that only its owner can read, for it may quote prompts; the oldest ones go."""
    folder = cache_folder() / "served"
    folder.mkdir(exist_ok=True)
    old = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in old[KEPT_LOGS - 1 :]:
        file.unlink(missing_ok=True)
    number, path = tempfile.mkstemp(".log", f"{name}-", folder)
    return Path(path), os.fdopen(number, "wb")


def wait_until_ready(process: Process, timeout: float, clock: Callable[[], float]) -> None:
    """Wait until the server says that it is well; its end, or silence, is an error."""
    deadline = clock() + timeout
    while True:
        if has_ended(process):
            raise BenchwarrantError(why_it_ended(process))
        if _is_well(process):
            return
        if clock() > deadline:
            raise BenchwarrantError(
                f"served: {process.name} did not answer within {timeout:g} s of its start; "
                f"set run.startup_timeout higher, or see {process.log} (last: {_tail(process.log)})"
            )
        time.sleep(PAUSE)


def _is_well(process: Process) -> bool:
    try:
        return get(process, "/health")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def get(process: Process, path: str, key: str | None = None) -> tuple[int, bytes]:
    """Ask the server itself; no proxy of the environment comes between."""
    connection = http.client.HTTPConnection(HOST, process.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        answer = connection.getresponse()
        return answer.status, answer.read(1 << 20)
    finally:
        connection.close()


def get_json(process: Process, path: str, key: str | None = None) -> Any:
    """The answer as JSON; None where there is none."""
    with suppress(OSError, http.client.HTTPException, ValueError):
        status, body = get(process, path, key)
        return json.loads(body) if status == 200 else None
    return None


def has_ended(process: Process, patience: float = 0) -> bool:
    """Whether the server is gone; one that is just going gets ``patience`` seconds for it."""
    with suppress(subprocess.TimeoutExpired):
        process.supervisor.wait(patience)
    return process.supervisor.returncode is not None


def why_it_ended(process: Process) -> str:
    status = process.supervisor.returncode
    how = f"was ended by signal {status - 128}" if status > 128 else f"ended with status {status}"
    return f"served: {process.name} {how}; see {process.log} (last: {_tail(process.log)})"


def _tail(log: Path) -> str:
    """The last lines as one, of printable characters only: a server may write anything."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines = file.read().decode("utf-8", "replace").splitlines()
        text = " | ".join([" ".join(line.split()) for line in lines if line.strip()][-LINES:])
        return "".join(c if c.isprintable() else "?" for c in text)[-CHARACTERS:] or "nothing"
    return "the log is gone"


def end(process: Process) -> None:
    """Close the pipe and see the server off."""
    assert process.supervisor.stdin is not None
    with suppress(OSError):
        process.supervisor.stdin.close()
    try:
        process.supervisor.wait(2 * supervise.GRACE + 5)
    except subprocess.TimeoutExpired:
        process.supervisor.kill()
        process.supervisor.wait()


def memory_peak(process: Process) -> int | None:
    """The peaks of resident memory of the server's processes, added up; None where unknown.

    Linux only. What its processes share is counted for each of them.
    """
    peak = 0
    for status in _group(process.supervisor.pid):
        with suppress(OSError):  # a process may end while we look
            found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.MULTILINE)
            peak += int(found[1]) * 1024 if found else 0
    return peak or None


def _group(supervisor: int) -> list[Path]:
    """The status files of the processes in the group of the supervisor's child."""
    rows = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            after_name = stat.read_text().rpartition(")")[2].split()
            rows[int(stat.parent.name)] = (int(after_name[1]), int(after_name[2]))
    groups = {group for parent, group in rows.values() if parent == supervisor}
    return [Path(f"/proc/{pid}/status") for pid, (_, group) in rows.items() if group in groups]
