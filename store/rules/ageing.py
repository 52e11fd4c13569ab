"""How long something has been seen idle, by a clock that cannot be set.

Subtracting wall times archives a version minutes after it served, if somebody sets the clock. So time is
credited from look to look, by the boot clock, and only within one run of the machine: what goes by while it
is off, or while nobody looks across a restart, counts for nothing. That can keep bytes too long, never too
short.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from store.boot_clock import BootTime
from store.records.base import Instant, Strict

DISAGREE = timedelta(seconds=60)
"""How far the wall clock and the boot clock may drift apart between two looks."""
_DISTRUST = timedelta(hours=24)
"""How long after such a drift nothing is taken away: long enough for somebody to set the clock right."""


class Look(Strict):
    """When it was looked last, by both clocks."""

    wall: Instant
    boot: str
    seconds: float = Field(ge=0)


class Age(Strict):
    """How long one thing has been seen idle."""

    basis: str
    """What it was then; once that differs, it begins again."""
    seconds: float = Field(ge=0)


class Ages(Strict):
    """state/retention.json: safe to delete, which makes everything young again."""

    format: Literal["lockgate.ages/1"] = "lockgate.ages/1"
    look: Look | None = None
    idle: dict[str, Age] = Field(default={}, max_length=100_000)
    """By what is idle."""
    distrust: float = Field(default=0, ge=0)
    """Seconds to be credited before the clock is believed again."""
    trouble: str = ""
    """Why it is not believed."""


def looked(ages: Ages, idle: Mapping[str, str], now: datetime, boot: BootTime) -> Ages:
    """`ages` after one more look at `now`, which found `idle`: each with its basis."""
    passed, trouble = _passed(ages.look, now, boot)
    distrust = _DISTRUST.total_seconds() if trouble else max(0.0, ages.distrust - passed)
    return Ages(
        look=Look(wall=now, boot=boot.boot, seconds=boot.seconds),
        idle={
            key: Age(basis=basis, seconds=_age(ages.idle.get(key), basis, passed))
            for key, basis in idle.items()
        },
        distrust=distrust,
        trouble=(trouble or ages.trouble) if distrust else "",
    )


def age(ages: Ages, key: str) -> timedelta:
    """How long `key` has been seen idle."""
    found = ages.idle.get(key)
    return timedelta(seconds=found.seconds) if found else timedelta(0)


def _age(before: Age | None, basis: str, passed: float) -> float:
    return before.seconds + passed if before is not None and before.basis == basis else 0.0


def _passed(last: Look | None, now: datetime, boot: BootTime) -> tuple[float, str]:
    """Seconds to credit since the last look, and what is suspicious about them."""
    if last is None or not boot.boot or boot.boot != last.boot:
        return 0.0, ""
    passed = boot.seconds - last.seconds
    wall = (now - last.wall).total_seconds()
    if passed < 0:
        return 0.0, "the boot clock went back"
    if abs(wall - passed) > DISAGREE.total_seconds():
        return passed, (
            f"the wall clock went from {last.wall:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC while "
            f"{timedelta(seconds=round(passed))} went by"
        )
    return passed, ""
