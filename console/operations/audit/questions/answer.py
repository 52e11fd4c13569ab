"""A question's answer, whatever it is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; every field that is given narrows the answer."""

    environment: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    at: datetime | None = None
    """An instant; None for now."""
    what: str = ""
    """A record, a version, or a right: what the question is about."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows under a head, and what they come to."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    said: str
    """One sentence."""
    wrong: bool = False
    """Whether an auditor would have to ask further: exit code 1."""

    def as_data(self) -> Iterator[dict[str, Any]]:
        """Each row by its head."""
        return (dict(zip(self.head, row, strict=True)) for row in self.rows)


def clock(at: datetime | None) -> str | None:
    """A moment as answers have it: ISO, UTC, to the second."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None
