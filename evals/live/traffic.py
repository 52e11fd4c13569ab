"""How much is going on, and whether it went well: what holds and durations are told from."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter

from evals.live.attempt import P99
from evals.live.evidence import Evidence, Minute
from evals.live.rates import is_unlikely
from store.records.rollout_policy import Triggers

TODAY = 24 * 60
"""Minutes that "today's traffic" is told from, within the stage."""
_at, _count = attrgetter("at"), attrgetter("count")
_ALARM = 0.01
"""A minute alarms when so many bad requests in it have less than this chance at the threshold."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The canary's of one stage."""

    requests: int
    """In the stage."""
    scored: int
    """In the stage."""
    last_minute: int | None
    """Of the last request; minutes since 1970."""
    requests_per_minute: float | None
    """Of late; None without any."""
    scored_per_minute: float | None


def traffic_of(evidence: Evidence, stage: int) -> Traffic:
    """What reached the canary in `stage` (its position in the window)."""
    rows = [row for row in evidence.minutes if row.stage == stage and row.arm == "canary" and row.requests]
    scores = [one for one in evidence.scores if one.stage == stage and one.arm == "canary"]
    scored = sum(map(_count, scores))
    requests = sum([row.requests for row in rows])
    if not rows:
        return Traffic(requests, scored, None, None, None)
    first, last = rows[0].minute, rows[-1].minute
    since = max(first, last - TODAY + 1)
    minutes = last - since + 1
    lately = sum([row.requests for row in rows if row.minute >= since])
    scored_lately = sum(map(_count, scores[bisect_left(scores, since * 60, key=_at) :]))
    return Traffic(requests, scored, last, lately / minutes, scored_lately / minutes or None)


def busy_minutes(evidence: Evidence, stage: int, since: float) -> int:
    """Minutes of `stage` with a canary request, from `since` (seconds since 1970) on."""
    first = int(since // 60)
    return sum(
        1
        for row in evidence.minutes
        if row.stage == stage and row.arm == "canary" and row.requests and row.minute >= first
    )


def healthy_minutes(evidence: Evidence, stage: int, min_requests: int, triggers: Triggers) -> int:
    """Minutes of `stage` in which the canary had at least `min_requests` and nothing alarmed.

    A minute alarms when its bad requests can hardly be chance at the threshold (under 1 %, binomial),
    whoever is to blame, and while a harmful flag waits for its confirmation.
    """
    waiting = [flag.at for flag in evidence.flags if flag.confirmed is None]
    flagged = int(min(waiting) // 60) if triggers.harmful and waiting else None
    return sum(
        1
        for row in evidence.minutes
        if row.stage == stage
        and row.arm == "canary"
        and row.requests >= min_requests
        and (flagged is None or row.minute < flagged)
        and not _alarms(row, triggers)
    )


def _alarms(row: Minute, triggers: Triggers) -> bool:
    rates = (
        (triggers.error_rate, row.errors, row.requests),
        (P99 if triggers.sla_ms is not None else None, row.over_sla, row.timed),
        (P99 if triggers.p99_rise is not None else None, row.slow, row.timed),
    )
    return any(
        limit is not None and hits > 0 and is_unlikely(min(hits, trials), trials, limit, _ALARM)
        for limit, hits, trials in rates
    )
