"""Puts evidence together from the roll-ups of the series that belong to a window."""

from __future__ import annotations

import sqlite3
from operator import add, attrgetter

from evals.live.evidence import CLOCK_SECONDS, Arm, Evidence, HarmfulFlag, Minute, Score, Window
from evals.live.rollup import ALL
from evals.live.sqlite_source_parts import Part

SCORES = 100_000
"""Scored answers that are read of each arm at most, the newest, so that memory is bounded."""

_MINUTES = f"""select minute, requests, errors, over_sla, slow, timed, thumbs_down, thumbs_up
from minutes where series = ? and category = {ALL} and minute <= ? order by minute"""
_LAST_MINUTE = f"select max(minute) from minutes where series = ? and category = {ALL} and minute <= ?"
_SCORES = "select at, value, category from scores where {} and at <= ? order by id desc limit ?"

_Counts = dict[tuple[int, Arm, int], tuple[int, ...]]
"""By minute, arm and stage: the counts, in the order of the fields of Minute."""


def evidence_of(connection: sqlite3.Connection, window: Window, parts: list[Part], now: float) -> Evidence:
    """What the file says of `parts` at `now`. Minutes and scores after `now` are left out; harmful flags are
    not, because a clock that was set back must not hide them."""
    arms, stable = _counts(connection, parts, int(now // 60))
    scores, notes = _scores(connection, parts, now)
    newest, ahead = _newest(connection, window, now)
    return Evidence(
        minutes=_minutes(arms),
        scores=scores,
        flags=_flags(connection, parts),
        newest=newest,
        ahead=ahead,
        stable=_minutes(stable),
        dropped=_dropped(connection, window),
        notes=(*_stale(parts), *notes),
    )


def _counts(connection: sqlite3.Connection, parts: list[Part], upto: int) -> tuple[_Counts, _Counts]:
    """Those of the two arms, and those of all that stable served."""
    arms: _Counts = {}
    stable: _Counts = {}
    for part in parts:
        arm, stage = part.arm, part.stage
        for row in connection.execute(_MINUTES, (part.series, upto)):
            if arm is not None:
                _add(arms, (row[0], arm, stage), row[1:])
            if part.is_stable:
                _add(stable, (row[0], "control", stage), row[1:])
    return arms, stable


def _add(counts: _Counts, slot: tuple[int, Arm, int], more: tuple[int, ...]) -> None:
    # Two generations of one stage may share the minute in which one followed the other.
    known = counts.get(slot)
    counts[slot] = more if known is None else tuple(map(add, known, more))


def _minutes(counts: _Counts) -> tuple[Minute, ...]:
    return tuple([Minute(*slot, *counts[slot]) for slot in sorted(counts)])


def _scores(
    connection: sqlite3.Connection, parts: list[Part], now: float
) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    names = dict(connection.execute("select id, name from categories"))
    places: dict[tuple[Arm, int], list[int]] = {}
    for part in parts:
        if part.arm is not None:
            places.setdefault((part.arm, part.stage), []).append(part.series)
    scores: list[Score] = []
    left = {"canary": SCORES, "control": SCORES}
    for (arm, stage), series in sorted(places.items(), key=lambda place: -place[0][1]):
        rows = connection.execute(*_query(series, now, left[arm])).fetchall()
        left[arm] -= len(rows)
        scores += [Score(at, arm, stage, value, names[category]) for at, value, category in reversed(rows)]
    notes = tuple(
        f"only the newest {SCORES:,} scored answers of the {arm} are read"
        for arm, more in left.items()
        if not more
    )
    scores.sort(key=attrgetter("at"))
    return tuple(scores), notes


def _query(series: list[int], now: float, limit: int) -> tuple[str, tuple[float, ...]]:
    """The scores of a stage, one a user: the first that was known. A series has only one of each."""
    if len(series) == 1:
        return _SCORES.format("series = ?"), (*series, now, limit)
    among = ", ".join("?" * len(series))
    first = f"id in (select min(id) from scores where series in ({among}) group by unit)"
    return _SCORES.format(first), (*series, now, limit)


def _flags(connection: sqlite3.Connection, parts: list[Part]) -> tuple[HarmfulFlag, ...]:
    series = [part.series for part in parts if part.arm == "canary"]
    rows = connection.execute(
        "select request_id, at, confirmed from flags"
        f" where series in ({', '.join('?' * len(series))}) order by at, request_id",
        series,
    )
    return tuple(HarmfulFlag(id, at, None if said is None else bool(said)) for id, at, said in rows)


def _newest(connection: sqlite3.Connection, window: Window, now: float) -> tuple[float | None, float | None]:
    """The newest observation of the attempt until `now`, within a minute where the same series has some from
    the future; and the newest of those."""
    rows = connection.execute(
        "select id, newest from series where environment = ? and generation >= ?",
        (window.environment, window.stages[0].generation),
    ).fetchall()
    latest = now + CLOCK_SECONDS
    known = [at for _, at in rows if at <= latest]
    for series, at in rows:
        if at > latest:
            (minute,) = connection.execute(_LAST_MINUTE, (series, int(now // 60))).fetchone()
            known += [] if minute is None else [min(now, minute * 60 + 59.0)]
    return max(known, default=None), max((at for _, at in rows if at > latest), default=None)


def _dropped(connection: sqlite3.Connection, window: Window) -> int:
    dropped: int = connection.execute(
        "select coalesce(sum(count), 0) from drops where environment = :environment and generation >= :first"
        " and (:ended is null or generation < :ended)",
        {
            "environment": window.environment,
            "first": window.stages[0].generation,
            "ended": window.ended_generation,
        },
    ).fetchone()[0]
    return dropped


def _stale(parts: list[Part]) -> tuple[str, ...]:
    return tuple(
        f"{part.stale_minutes:,} minutes of generation {part.generation} ({part.arm or 'stable'}) are "
        "counted by an earlier latency threshold, because their raw rows are gone"
        for part in parts
        if part.stale_minutes
    )
