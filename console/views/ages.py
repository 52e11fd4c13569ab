"""Times and durations as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta


def span(length: timedelta) -> str:
    """A duration in its largest unit: "40 s", "12 min", "22 h", "6 d"."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


def age(now: datetime, at: datetime) -> str:
    """How long ago `at` was."""
    return span(now - at)


def stamp(now: datetime, at: datetime) -> str:
    """When `at` was, as short as it can be said: today the time, else the day."""
    if at.date() == now.date():
        return f"{at:%H:%M}"
    if at.year == now.year:
        return f"{at:%d %b %H:%M}"
    return f"{at:%Y-%m-%d}"


def full_stamp(at: datetime) -> str:
    """The whole moment, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
