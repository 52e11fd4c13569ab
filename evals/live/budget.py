"""Caps that hold for all workers together: calls are booked before they are made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from evals.live.work_file import WorkFile

MINUTE = 60.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used of a budget."""

    calls_last_minute: int
    calls_last_day: int
    usd_last_day: float


@dataclass(frozen=True, slots=True)
class Budget:
    """So many calls in any minute, so much money in any 24 hours."""

    file: WorkFile
    bucket: str
    """Whose caps they are: `shadow/<environment>`, `grade/<environment>`."""
    rpm: int
    usd_per_day: float
    now: Callable[[], float]
    """Seconds since 1970."""

    def book(self, usd: float) -> int | None:
        """Books a call that costs at most `usd`; its number, or None where a cap says no."""
        now = self.now()
        with self.file.transaction() as connection:
            if not self._allows(connection, now, usd, 1):
                return None
            cursor = connection.execute(
                "insert into calls (bucket, at, usd) values (?, ?, ?)", (self.bucket, now, usd)
            )
            return int(cursor.lastrowid or 0)

    def correct(self, number: int, usd: float) -> None:
        """Says what the booked call really cost."""
        with self.file.transaction() as connection:
            connection.execute("update calls set usd = ? where id = ?", (usd, number))

    def has_room(self, calls: int, usd: float) -> bool:
        """Whether so many calls, costing about `usd` together, could be made now."""
        now = self.now()
        with self.file.opened() as connection:
            return self._allows(connection, now, usd, calls)

    def spent(self) -> Spent:
        """What was used by now."""
        now = self.now()
        with self.file.opened() as connection:
            minute, _ = self._used(connection, now - MINUTE)
            day, usd = self._used(connection, now - DAY)
            return Spent(minute, day, usd)

    def _allows(self, connection: sqlite3.Connection, now: float, usd: float, calls: int) -> bool:
        made, _ = self._used(connection, now - MINUTE)
        _, spent = self._used(connection, now - DAY)
        return made + calls <= self.rpm and spent + usd <= self.usd_per_day + 1e-9

    def _used(self, connection: sqlite3.Connection, since: float) -> tuple[int, float]:
        # What lies in the future (a clock that was set back) counts too.
        row = connection.execute(
            "select count(*), coalesce(sum(usd), 0) from calls where bucket = ? and at > ?",
            (self.bucket, since),
        ).fetchone()
        return int(row[0]), float(row[1])
