"""What came of one try to deliver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of a target, or its silence."""

    state: Literal["delivered", "failed", "gone"]
    """gone: the target wants no more tries of this event."""
    text: str
    """One line of safe text without a secret."""
    is_down: bool = False
    """Whether any other event would have failed as well."""
    wait_s: float | None = None
    """How long the target asked to be left alone, in seconds."""
