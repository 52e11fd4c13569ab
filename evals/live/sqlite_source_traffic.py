"""How much traffic an environment has, for telling beforehand how long a rollout's steps take."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeenTraffic:
    """An environment's, of late."""

    requests_per_minute: float
    scored_share: float
    """The part of the answers that got a score, 0 to 1."""
    score_sd: float | None
    """Standard deviation of a score; None under 30 of them."""


def seen_traffic(
    connection: sqlite3.Connection, environment: str, now: float, hours: float
) -> SeenTraffic | None:
    """The traffic of `environment` in the last `hours` before `now` (seconds since 1970)."""
    since, until = int(now // 60 - hours * 60), int(now // 60)
    first, requests, scored = connection.execute(
        "select min(minute), coalesce(sum(requests), 0), coalesce(sum(scored), 0) from minutes"
        " join series on series.id = minutes.series"
        " where environment = ? and category = 0 and minute between ? and ?",
        (environment, since, until),
    ).fetchone()
    if not requests:
        return None
    count, total, squares = connection.execute(
        "select count(*), coalesce(sum(value), 0), coalesce(sum(value * value), 0) from scores"
        " join series on series.id = scores.series where environment = ? and at >= ?",
        (environment, since * 60),
    ).fetchone()
    variance = squares / count - (total / count) ** 2 if count >= 30 else None
    return SeenTraffic(
        requests_per_minute=requests / max(1, until - first + 1),
        scored_share=min(1.0, scored / requests),
        score_sd=None if variance is None else math.sqrt(max(0.0, variance)),
    )
