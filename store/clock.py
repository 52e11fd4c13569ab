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


_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def from_epoch(seconds: float) -> datetime:
    """A moment from its seconds since 1970, as a commit has them; one that no calendar has is its nearest."""
    latest = _LATEST.timestamp()
    return datetime.fromtimestamp(min(max(seconds, _EARLIEST.timestamp()), latest), UTC)
