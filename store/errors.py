"""The few errors that Lockgate raises on purpose.

Each carries one sentence for people that names the thing, what is wrong and the way out,
and the exit code that the command line ends with. They are raised where the fact is known
and caught once, at the edge (command, screen, controller).
"""

from __future__ import annotations


class LockgateError(Exception):
    """Base of all. `exit_code` is what the command line returns."""

    exit_code = 4

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def words_of(error: Exception) -> str:
    """What `error` says to people: its sentence where it was foreseen, else also what it is."""
    if isinstance(error, LockgateError):
        return error.message
    return str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"


class Blocked(LockgateError):
    """A gate or a policy said no. Nothing was changed."""

    exit_code = 1

    def __init__(self, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


class InputError(LockgateError):
    """Wrong input or settings. Nothing was changed."""

    exit_code = 2


class Inconclusive(LockgateError):
    """The evidence carries neither yes nor no. Nothing was changed."""

    exit_code = 3

    def __init__(self, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


class MachineryError(LockgateError):
    """A disk, a server, a provider or a damaged file: the machinery failed, not the change."""

    exit_code = 4


class Cancelled(LockgateError):
    """The person asked to stop. Nothing was left behind."""

    exit_code = 4


class StaleTip(LockgateError):
    """`main` moved between plan and apply, and what the plan stands on changed with it."""

    exit_code = 4
