"""When a check is due."""

from __future__ import annotations

from datetime import datetime, timedelta

_EARLY = 0.05
"""A timer that fires once a day fires a little early now and then: by this share it still counts."""
_AHEAD = timedelta(minutes=5)
"""A last check that is further ahead of the clock than this was dated by a wrong clock."""


def is_due(last: datetime, now: datetime, every_hours: float) -> bool:
    """Whether a check is due at `now`, when the one before, or the baseline, was at `last`.

    0 hours is never. Where a clock jumped back the check before lies ahead: then it is due, once.
    """
    if every_hours <= 0:
        return False
    if last > now + _AHEAD:
        return True
    return now - last >= timedelta(hours=every_hours * (1 - _EARLY))
