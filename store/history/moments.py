"""How people write a time: a date, an ISO time, or how long ago or from now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from store.errors import InputError
from store.text import one_line

_AGO = re.compile(r"(\d{1,4})([hdw])")
_UNIT = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment(text: str, now: datetime) -> datetime:
    """A date, an ISO time (UTC where it names no zone), or `3d` ago. Raises InputError."""
    ago = _AGO.fullmatch(text)
    return now - int(ago[1]) * _UNIT[ago[2]] if ago else _named(text)


def coming(text: str, now: datetime) -> datetime:
    """The same, and `3d` is in three days. Raises InputError."""
    ahead = _AGO.fullmatch(text)
    return now + int(ahead[1]) * _UNIT[ahead[2]] if ahead else _named(text)


def _named(text: str) -> datetime:
    padded = f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else text
    try:
        at = datetime.fromisoformat(padded)
    except ValueError:
        raise InputError(
            f"{one_line(text, 40)!r} is no time: write 2026-03, 2026-03-01, 2026-03-01T12:00, 3d or 12h."
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
