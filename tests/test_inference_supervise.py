"""The supervisor's promise: what it runs ends with the process that it runs for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference import supervise

SUPERVISE = [sys.executable, "-I", "-S", supervise.__file__]
# Writes its own process id and a child's, then does nothing; with "stubborn", not even end.
FAMILY = """
import os, signal, subprocess, sys, time
if sys.argv[2:] == ["stubborn"]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(60)
"""


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not yet waited for does not count."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def wait_until(true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not true():
        time.sleep(0.02)
    return true()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], list[int]]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*how: str) -> tuple[subprocess.Popen[bytes], list[int]]:
        told = tmp_path / f"pids-{len(started)}"
        family = [sys.executable, "-c", FAMILY, str(told), *how]
        started.append(subprocess.Popen([*SUPERVISE, *family], stdin=subprocess.PIPE))
        assert wait_until(told.exists)
        return started[-1], [int(pid) for pid in told.read_text().split()]

    yield start
    for process in started:
        if process.stdin:
            process.stdin.close()
        process.wait(20)


def test_the_whole_family_ends_when_the_pipe_closes(start):
    supervisor, pids = start()
    assert all(alive(pid) for pid in pids)
    supervisor.stdin.close()
    assert supervisor.wait(5) == 128 + signal.SIGTERM
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 2)


@pytest.mark.slow
def test_one_that_will_not_end_is_killed(start):
    supervisor, pids = start("stubborn")
    supervisor.stdin.close()
    assert supervisor.wait(supervise.GRACE + 5) == 128 + signal.SIGKILL
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_end_it_ends_the_family_first(start, number):
    supervisor, pids = start()
    os.kill(supervisor.pid, number)
    assert supervisor.wait(5) == 128 + number
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can do this")
def test_the_command_goes_even_when_the_supervisor_is_killed(start):
    supervisor, pids = start()
    os.kill(supervisor.pid, signal.SIGKILL)
    assert wait_until(lambda: not alive(pids[0]), 2)
    os.kill(pids[1], signal.SIGKILL)  # the command's own child is out of reach then


def test_a_fork_that_holds_the_pipe_as_well_keeps_nothing_alive(tmp_path):
    """The starter dies while another process still has the pipe's end: a forked worker."""
    told = tmp_path / "pids"
    starter = f"""
import subprocess, sys, time
command = {[*SUPERVISE, sys.executable, "-c", FAMILY, str(told)]!r}
supervisor = subprocess.Popen(command, stdin=subprocess.PIPE)
held = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                        pass_fds=[supervisor.stdin.fileno()])
sys.stdout.write(f"{{held.pid}}\\n")
sys.stdout.flush()
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        holder = int(process.stdout.readline())
        assert wait_until(told.exists)
        pids = [int(pid) for pid in told.read_text().split()]
        process.kill()
    assert alive(holder)
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 5)
    os.kill(holder, signal.SIGKILL)


@pytest.mark.parametrize(
    "code, status", [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_gives_the_status_of_a_command_that_ends_by_itself(code, status):
    with subprocess.Popen(
        [*SUPERVISE, sys.executable, "-c", code], stdin=subprocess.PIPE
    ) as process:
        assert process.wait(9) == status


def test_a_command_that_is_not_there(tmp_path):
    missing = str(tmp_path / "missing")
    done = subprocess.run(
        [*SUPERVISE, missing], stdin=subprocess.PIPE, capture_output=True, text=True, timeout=9
    )
    assert done.returncode == 127
    assert done.stderr == f"cannot start {missing}: No such file or directory\n"
