"""Whether an environment may move forward now, and from when on: freezes and the windows of lockgate.toml.

Deny beats allow; a freeze that somebody set beats both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from store.records.environment import Freeze
from store.records.window import DAYS, Window

HORIZON = timedelta(days=60)
"""How far ahead windows are looked at for the next opening."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Frozen:
    """Why nothing moves forward."""

    reason: str
    opens: datetime | None
    """When it does again; None where that is not within HORIZON."""

    def __str__(self) -> str:
        """`frozen until 2026-03-09 06:00 UTC (weekend)`."""
        if self.opens is None:
            return f"frozen for more than {HORIZON.days} days ({self.reason})"
        return f"frozen until {self.opens:%Y-%m-%d %H:%M} UTC ({self.reason})"


def frozen(freezes: Sequence[Freeze], windows: Sequence[Window], now: datetime) -> Frozen | None:
    """What stands against moving forward at `now`; None where nothing does."""
    why = _why(freezes, windows, now)
    if why is None:
        return None
    ends = sorted({moment for moment in _moments(freezes, windows, now) if moment > now})
    opens = next((moment for moment in ends if _why(freezes, windows, moment) is None), None)
    return Frozen(why, opens)


def _why(freezes: Sequence[Freeze], windows: Sequence[Window], at: datetime) -> str | None:
    for freeze in freezes:
        if freeze.since <= at < freeze.until:
            return freeze.reason
    for window in windows:
        if window.rule == "deny" and _is_in(window, at):
            return window.reason
    allowing = [window for window in windows if window.rule == "allow"]
    if allowing and not any(_is_in(window, at) for window in allowing):
        return f"outside of: {', '.join(window.reason for window in allowing)}"
    return None


def _is_in(window: Window, at: datetime) -> bool:
    today = at.astimezone(ZoneInfo(window.zone)).date()
    near = (_stretch(window, today - _DAY), _stretch(window, today), _stretch(window, today + _DAY))
    return any(found is not None and found[0] <= at < found[1] for found in near)


def _moments(freezes: Iterable[Freeze], windows: Iterable[Window], now: datetime) -> Iterator[datetime]:
    """Every moment at which something begins or ends, up to HORIZON and a little more."""
    for freeze in freezes:
        yield freeze.until
    for window in windows:
        day = now.astimezone(ZoneInfo(window.zone)).date() - _DAY
        for number in range(HORIZON.days + 3):
            yield from _stretch(window, day + number * _DAY) or ()


def _stretch(window: Window, day: date) -> tuple[datetime, datetime] | None:
    """From when to when the window that begins on `day` lasts, in UTC; None where none begins then.

    A wall clock time that is skipped when clocks go forward is taken an hour later, one that comes twice is
    the first.
    """
    if DAYS[day.weekday()] not in window.days:
        return None
    if (window.since and day < window.since) or (window.until and day > window.until):
        return None
    zone = ZoneInfo(window.zone)
    last = day if window.ends > window.begins else day + _DAY
    start, end = (
        datetime.combine(when, clock, zone).astimezone(ZoneInfo("UTC"))
        for when, clock in ((day, window.begins), (last, window.ends))
    )
    return start, end
