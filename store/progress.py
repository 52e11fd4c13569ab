"""How long work says where it is, and how it is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from store.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of long work: `done` of `total` (None where it is not known) in `stage`."""

    stage: str
    done: int = 0
    total: int | None = None
    note: str = ""


Report = Callable[[Progress], None]
"""Called with each step; must return at once and may be called from a thread."""
Stop = Callable[[], bool]
"""Asked between steps: True when the person wants the work to end."""


def silent(_: Progress) -> None:
    """A Report for work that nobody watches."""


def never() -> bool:
    """A Stop for work that is not cancelled."""
    return False


def check(stop: Stop, what: str) -> None:
    """Raises Cancelled when `stop` says so."""
    if stop():
        raise Cancelled(f"{what} was cancelled; nothing was changed.")
