"""Which series belong to a window, and as what."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from evals.live.evidence import Arm, Window
from evals.live.rollup_fold import Key, Thresholds


class Part(NamedTuple):
    """One series that belongs to a window."""

    series: int
    generation: int
    arm: Arm | None
    """None for the users of stable that are in no arm."""
    is_stable: bool
    """Whether stable served it."""
    stage: int
    wanted: Thresholds
    counted_by: Thresholds
    stale_minutes: int


def parts_of(connection: sqlite3.Connection, window: Window) -> list[Part]:
    """Every series of `window`, in the order in which they began."""
    rows = connection.execute(
        "select id, generation, release, arm, sla_ms, slow_ms, stale_minutes from series"
        " where environment = ? and generation >= ? order by id",
        (window.environment, window.stages[0].generation),
    )
    parts = []
    for series, generation, release, served_as, sla_ms, slow_ms, stale in rows:
        stage = stage_of(window, generation)
        arm = _arm(window, release, served_as)
        is_stable = release == window.stable and served_as != "canary"
        if stage is not None and (arm is not None or is_stable):
            wanted = wanted_by(window, (window.environment, generation, release, served_as))
            counted_by = Thresholds(sla_ms, slow_ms)
            parts.append(Part(series, generation, arm, is_stable, stage, wanted, counted_by, stale))
    return parts


def wanted_by(window: Window, key: Key) -> Thresholds:
    """The thresholds that a series of `window` is to be counted by; none for one that is not of it."""
    environment, generation, _, _ = key
    stage = stage_of(window, generation) if environment == window.environment else None
    return Thresholds() if stage is None else Thresholds(window.sla_ms, window.stages[stage].slow_ms)


def stage_of(window: Window, generation: int) -> int | None:
    """The stage that `generation` belongs to: each has its own and those up to the next stage's."""
    if window.ended_generation is not None and generation >= window.ended_generation:
        return None
    begun = [place for place, stage in enumerate(window.stages) if stage.generation <= generation]
    return begun[-1] if begun else None


def _arm(window: Window, release: str, served_as: str) -> Arm | None:
    if served_as == "control" and release == window.stable:
        return "control"
    # After the last step the canary's release is the stable one, and still watched.
    if release == window.release and (served_as == "canary" or release != window.stable):
        return "canary"
    return None
