"""What is forgotten, and when. Raw rows go first; what was counted of them stays much longer."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from evals.live.rollup_schema import transaction

RAW_DAYS = 14.0
LATENCY_DAYS = 35.0
"""Of the histograms of latency."""
ROLLUP_DAYS = 400.0
"""Of minutes, scores, thumbs, flags and counts of what was dropped."""
_DAY = 86_400.0
_PIECE = 5_000  # rows a transaction, so that no writer waits long


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were forgotten."""

    observations: int
    amendments: int
    rollups: int


def prune(connection: sqlite3.Connection, now: float, raw_days: float = RAW_DAYS) -> Pruned:
    """Forgets what is too old at `now` (seconds since 1970). What is not counted yet is never forgotten.

    The file keeps its size; the room is used again.
    """
    counted, heard = connection.execute("select observations, amendments from rolled").fetchone()
    before = now - raw_days * _DAY
    return Pruned(
        observations=_prune_arrivals(connection, "observations", before, counted),
        amendments=_prune_arrivals(connection, "amendments", before, heard),
        rollups=_prune_rollups(connection, now),
    )


def _prune_arrivals(connection: sqlite3.Connection, table: str, before: float, upto: int) -> int:
    """Deletes from the front for as long as that finds any: rows lie in the order of their arrival."""
    deleted, start = 0, 0
    while True:
        with transaction(connection):
            (end,) = connection.execute(
                f"select max(id) from (select id from {table} where id > ? and id <= ? order by id limit ?)",
                (start, upto, _PIECE),
            ).fetchone()
            if end is None:
                return deleted
            gone = connection.execute(
                f"delete from {table} where id > ? and id <= ? and at < ?", (start, end, before)
            ).rowcount
        deleted, start = deleted + gone, end
        if gone == 0:
            return deleted


def _prune_rollups(connection: sqlite3.Connection, now: float) -> int:
    counts, latencies = now - ROLLUP_DAYS * _DAY, now - LATENCY_DAYS * _DAY
    deleted = 0
    for statement, before in (
        ("delete from minutes where minute < ?", counts // 60),
        ("delete from drops where minute < ?", counts // 60),
        ("delete from scores where at < ?", counts),
        ("delete from flags where at < ?", counts),
        ("delete from thumbs where minute < ?", counts // 60),
        ("delete from latencies where hour < ?", latencies // 3600),
    ):
        with transaction(connection):
            deleted += connection.execute(statement, (before,)).rowcount
    return deleted
