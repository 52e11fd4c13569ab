"""Counting slow requests again where the latency that counts as slow is another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from evals.live.rollup import ALL, OTHER
from evals.live.rollup_fold import Thresholds
from evals.live.rollup_schema import transaction

_RECOUNT = """select cast(at as integer) / 60 as minute, category, count(latency_ms),
coalesce(sum(latency_ms > :sla), 0), coalesce(sum(latency_ms > :slow), 0)
from observations where id between :first and :last and environment = :environment
and generation = :generation and release = :release and arm = :arm group by 1, 2 order by 1, 2"""


def recount(connection: sqlite3.Connection, wanted: Mapping[int, Thresholds]) -> None:
    """Counts anew, from the raw rows, the series (by id) whose thresholds are not those `wanted`.

    A minute whose raw rows are partly gone stands as it was counted; the series says how many do.
    """
    with transaction(connection):
        for id, thresholds in wanted.items():
            row = connection.execute(
                "select sla_ms, slow_ms, environment, generation, release, arm, first, last"
                " from series where id = ?",
                (id,),
            ).fetchone()
            if row is not None and row[:2] != (thresholds.sla_ms, thresholds.slow_ms):
                names = ("environment", "generation", "release", "arm", "first", "last")
                _recount_series(connection, id, thresholds, dict(zip(names, row[2:], strict=True)))
        connection.execute("update rolled set passes = passes + 1")


def _recount_series(
    connection: sqlite3.Connection, id: int, thresholds: Thresholds, series: dict[str, object]
) -> None:
    values = {**series, "sla": thresholds.sla_ms, "slow": thresholds.slow_ms}
    raw = _by_slot(connection, connection.execute(_RECOUNT, values))
    counted = connection.execute(
        "select minute, category, timed from minutes where series = ? and timed > 0", (id,)
    ).fetchall()
    fresh = [(minute, kept) for minute, kept, timed in counted if raw.get((minute, kept), [0])[0] == timed]
    connection.executemany(
        "update minutes set over_sla = ?, slow = ? where series = ? and minute = ? and category = ?",
        [(*raw[slot][1:], id, *slot) for slot in fresh],
    )
    whole = [sum(1 for row in rows if row[1] == ALL) for rows in (counted, fresh)]
    connection.execute(
        "update series set sla_ms = ?, slow_ms = ?, stale_minutes = ? where id = ?",
        (thresholds.sla_ms, thresholds.slow_ms, whole[0] - whole[1], id),
    )


def _by_slot(
    connection: sqlite3.Connection, rows: Iterable[tuple[int, str, int, int, int]]
) -> dict[tuple[int, int], list[int]]:
    """Timed, over the SLA and slow, by minute and category id; ALL is one."""
    ids = dict(connection.execute("select name, id from categories"))
    found: dict[tuple[int, int], list[int]] = {}
    for minute, name, *counts in rows:
        for kept in (ids[name] if name in ids else ids[OTHER], ALL):
            known = found.get((minute, kept), [0, 0, 0])
            found[minute, kept] = [a + b for a, b in zip(known, counts, strict=True)]
    return found
