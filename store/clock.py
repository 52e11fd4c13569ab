"""Time is passed in. Only this module asks the machine what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Anything that says what time it is."""

    def now(self) -> datetime:
        """The time now, in UTC, to the millisecond."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return to_milliseconds(datetime.now(UTC))


@dataclass(slots=True)
class FixedClock:
    """A clock that stands still until it is set, for tests and pictures."""

    at: datetime

    def now(self) -> datetime:
        return to_milliseconds(self.at)


def to_milliseconds(at: datetime) -> datetime:
    """`at` in UTC, cut to whole milliseconds, which is what records keep."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
