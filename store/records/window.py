"""Windows in lockgate.toml: when an environment may move forward, again and again."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from store.records.base import Strict

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of `date.weekday()`."""
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")


def _known_zone(name: str) -> str:
    if not _ZONE.fullmatch(name):
        raise ValueError("is no time zone; write one such as Europe/Berlin or UTC")
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError("is no time zone that is known here; write one such as Europe/Berlin") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
"""A name of the IANA time zone database."""
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""HH:MM on a wall clock in the window's zone."""


class Window(Strict):
    """A stretch of the week. `deny`: nothing moves forward in it. `allow`: things do, and where there is any
    such window, not outside. What is denied stays so."""

    rule: Literal["deny", "allow"] = "deny"
    days: tuple[Day, ...] = Field(default=DAYS, min_length=1, max_length=7)
    """On which it begins."""
    start: Clock = "00:00"
    end: Clock = "00:00"
    """At or before `start` it is the next day's: 00:00 to 00:00 is a whole day."""
    since: date | None = None
    """The first day on which it begins; None where there is none."""
    until: date | None = None
    """The last one."""
    zone: Zone = "UTC"
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ValueError("`until` lies before `since`")
        return self

    @property
    def begins(self) -> time:
        """`start` as a time."""
        return time.fromisoformat(self.start)

    @property
    def ends(self) -> time:
        """`end` as a time."""
        return time.fromisoformat(self.end)
