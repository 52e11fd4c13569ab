"""The clock that nobody can set: seconds since this machine was started, its sleep included."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class BootTime:
    """A moment of one run of the machine."""

    boot: str
    """Which run; empty where the machine does not tell."""
    seconds: float
    """Since it began."""


BootClock = Callable[[], BootTime]


def boot_time() -> BootTime:
    """This machine's, now."""
    try:
        boot = _BOOT.read_text().strip()
    except OSError:
        return BootTime("", 0.0)
    return BootTime(boot, time.clock_gettime(time.CLOCK_BOOTTIME))
