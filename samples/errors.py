"""Errors that a user can act on: one line each, ending with what to do about it.

BenchwarrantError   wrong use or bad input            exit code 2
└── Refused         the gate, or a missing warrant    exit code 1

Anything else that is raised is a bug and shows its traceback.
"""


class BenchwarrantError(Exception):
    """A known problem; its text is shown to the user as one line."""

    exit_code = 2


class Refused(BenchwarrantError):
    """What was asked is not allowed: no valid warrant, or a rejected judge."""

    exit_code = 1
