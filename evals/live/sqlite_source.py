"""Observations out of the SQLite file beside the workspace."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from evals.live.evidence import Evidence, Window
from evals.live.rollup import catch_up
from evals.live.rollup_latency import Latency, quantile, summary
from evals.live.rollup_prune import RAW_DAYS, Pruned, prune
from evals.live.rollup_schema import opened, transaction, trouble
from evals.live.rollup_thresholds import recount
from evals.live.sqlite_source_evidence import evidence_of
from evals.live.sqlite_source_parts import parts_of, wanted_by
from evals.live.sqlite_source_traffic import SeenTraffic, seen_traffic
from store.errors import MachineryError
from store.text import one_line

P99_REQUESTS = 5_000
"""Timed requests that a p99 is said of at least. Of 200 it is too low by a tenth in 38 % of attempts, which
then hold for hours although the canary is like stable; of 20,000 in none (simulated, lognormal)."""


class SqliteSource:
    """An ObservationSource over one observations.sqlite. A file that is not there holds no data.

    Any number of processes may read one file at a time: whoever comes first brings the roll-ups up to
    date. Every method raises MachineryError when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def evidence(self, window: Window, now: float) -> Evidence:
        """What is known of `window` at `now` (seconds since 1970).

        canary: what its release answered, also as the stable one after the last step. control: what
        `window.stable` answered the matched control.
        """
        with self._caught_up(window) as connection:
            if connection is None:
                return Evidence(notes=(f"there is no {one_line(str(self._path))} yet",))
            while True:
                with transaction(connection, "deferred"):
                    parts = parts_of(connection, window)
                    if all(part.wanted == part.counted_by for part in parts):
                        return evidence_of(connection, window, parts, now)
                recount(connection, {part.series: part.wanted for part in parts})

    def stable_p99(self, environment: str, release: str, now: float, hours: float = 24.0) -> float | None:
        """p99 of `release`'s latency as stable over the last `hours`, in milliseconds, within one percent.

        Counted from the start of the clock hour that they begin in; None under P99_REQUESTS timed requests.
        """
        counts = self._levels(environment, release, ("stable", "control"), now - hours * 3600, now)
        return quantile(counts, 0.99) if sum(counts.values()) >= P99_REQUESTS else None

    def latency(
        self, environment: str, release: str, arm: Literal["canary", "control", "stable"], since: float
    ) -> Latency | None:
        """Quantiles of one arm from the clock hour of `since` (seconds since 1970) on, to be shown."""
        return summary(self._levels(environment, release, (arm,), since, None))

    def traffic(self, environment: str, now: float, hours: float = 24.0) -> SeenTraffic | None:
        """What all users of `environment` brought in the last `hours`; None where nobody came."""
        with self._caught_up() as connection:
            return None if connection is None else seen_traffic(connection, environment, now, hours)

    def prune(self, now: float, raw_days: float = RAW_DAYS) -> Pruned:
        """Forgets raw rows older than `raw_days` once they are counted, and roll-ups of over a year ago."""
        with self._caught_up() as connection:
            return Pruned(0, 0, 0) if connection is None else prune(connection, now, raw_days)

    @contextmanager
    def _caught_up(self, window: Window | None = None) -> Iterator[sqlite3.Connection | None]:
        """A connection with every observation counted; None where there is no file."""
        if not self._is_there():
            yield None
            return
        with opened(self._path) as connection:
            if window is None:
                catch_up(connection)
            else:
                catch_up(connection, wanted=partial(wanted_by, window))
            yield connection

    def _is_there(self) -> bool:
        try:
            return self._path.exists()
        except OSError as error:  # a folder above it that may not be looked into
            raise MachineryError(trouble(self._path, error)) from None

    def _levels(
        self, environment: str, release: str, arms: tuple[str, ...], since: float, until: float | None
    ) -> dict[int, int]:
        with self._caught_up() as connection:
            if connection is None:
                return {}
            series = connection.execute(
                "select id from series where environment = ? and release = ?"
                f" and arm in ({', '.join('?' * len(arms))})",
                (environment, release, *arms),
            ).fetchall()
            end = 2**62 if until is None else int(until // 3600)
            counts: dict[int, int] = {}
            for (id,) in series:
                for level, count in connection.execute(
                    "select level, sum(count) from latencies where series = ? and hour between ? and ?"
                    " group by level",
                    (id, int(since // 3600), end),
                ):
                    counts[level] = counts.get(level, 0) + count
            return counts
