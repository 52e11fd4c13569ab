"""An error in lines: what, why, the way out. Never a traceback."""

from __future__ import annotations

from console.views.line import BLANK, Line, Part, line, muted
from store.errors import Blocked, Inconclusive, LockgateError


def trouble_lines(error: Exception) -> tuple[Line, ...]:
    """What is shown of `error`."""
    if isinstance(error, Blocked | Inconclusive) and error.reasons:
        reasons = [line(Part("✗ ", "bad"), reason) for reason in error.reasons]
        return (*reasons, BLANK, line("Nothing was changed."))
    if isinstance(error, LockgateError):
        return (line(error.message),)
    return (
        line(f"{type(error).__name__}: {error}"),
        BLANK,
        line(muted("This should not happen: please report it with what you did.")),
    )


def trouble_text(error: Exception) -> str:
    """`error` in one sentence."""
    return error.message if isinstance(error, LockgateError) else f"{type(error).__name__}: {error}"
