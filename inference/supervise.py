"""Run a command for as long as somebody holds our standard input open, then end its whole group.

    python supervise.py COMMAND [ARGUMENT ...]

The system closes a pipe when the process at its other end goes, in whatever way, ``kill -9``
included. So a server started through here never outlives the program that it was started for. The
exit status is the command's (128 + n where signal n ended it). Standard library only: it starts in
a few hundredths of a second.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

GRACE = 5.0  # seconds to end in an orderly way
PAUSE = 0.2
PR_SET_PDEATHSIG = 1  # Linux: the signal that a process gets when its parent goes
ASKED_TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def run(command: Sequence[str]) -> int:
    """Run the command until it ends, or until whoever started us lets go of our input."""
    starter = os.getppid()
    for number in ASKED_TO_END:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=_go_with_parent
        )
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    try:
        while server.poll() is None and os.getppid() == starter:  # a fork may hold the pipe as well
            if select.select([0], [], [], PAUSE)[0]:  # nobody writes: this is the end of the pipe
                break
    finally:
        _end(server)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def _go_with_parent() -> None:
    """Where the system can (Linux), the command goes even when this process is killed outright."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the command, then whatever is left of its process group."""
    for number in ASKED_TO_END:
        signal.signal(number, signal.SIG_IGN)  # this is on its way
    for number in (signal.SIGTERM, signal.SIGKILL):
        # PermissionError is what macOS says of a group that is gone but for its remains.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(GRACE)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
