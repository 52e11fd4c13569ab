"""What observing costs: a call, a row on disk, a row rolled up, and reading two days of evidence.

`python -m benchmarks observations [--json]`
"""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.resolve import _document
from evals.live.evidence import Stage, Window
from evals.live.rollup import ALL, catch_up
from evals.live.rollup_schema import opened
from evals.live.sqlite_source import SqliteSource
from lockgate_client import Client
from lockgate_client.intake import connect
from store.live import publish

ROWS = 20_000
BATCH = 100
MINUTES = 48 * 60
CATEGORIES = 8
REQUESTS = 10_000_000
SCORES = 10_000
START = 29_000_000
"""Minutes since 1970."""
WINDOW = Window("production", "r2", "r1", (Stage(1, 5.0, 900.0),), sla_ms=2000.0)


def run() -> list[dict[str, Any]]:
    """Medians of a few rounds; ours and the floor take turns."""
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        live = Path(folder) / "live" / "production.json"
        live.parent.mkdir()
        publish(live, _document())
        filled = Path(folder) / "filled.sqlite"
        return [_call(live), _written(live), _rolled_up(Path(folder)), _evidence(filled)]


def _call(live: Path) -> dict[str, Any]:
    """One `observe` without the thread's work: a queue that never calls for a flush, emptied in between."""
    client = Client(live)
    client._recorder._thread = threading.current_thread()  # none is started
    served = client.resolve("user-1")
    queue: deque[tuple[object, ...]] = deque()
    ids = [f"request-{number}" for number in range(99)]

    def ours() -> None:
        for id in ids:
            client.observe(served, request_id=id, unit="user-1", latency_ms=412.5)
        client._recorder._queue.clear()

    def floor() -> None:
        for id in ids:
            queue.append((id, time.time(), "user-1", 412.5))
        queue.clear()

    mine, bare = _take_turns(ours, floor, 200)
    mine, bare = mine / len(ids) * 1e9, bare / len(ids) * 1e9
    return _row("observe, one call", mine, bare, "ns", "a tuple in a deque", 5000)


def _written(live: Path) -> dict[str, Any]:
    """Rows observed and flushed, against the same rows by executemany, both synced at each hundred."""
    client = Client(live)
    served = client.resolve("user-1")
    observations = live.parents[1] / "state" / "observations.sqlite"
    rounds = iter(range(1000))

    def ours() -> None:
        turn = next(rounds)
        for number in range(ROWS):
            client.observe(served, request_id=f"{turn}/{number}", unit="user-1", latency_ms=412.5)
            if number % BATCH == BATCH - 1:
                client.flush(60)

    client.observe(served, request_id="first")
    client.flush(60)
    connection = connect(observations)
    connection.execute(
        "create table bare (id integer primary key autoincrement, request_id text not null unique, at real,"
        " environment text, release text, arm text, generation integer, unit blob, latency_ms real)"
    )

    def floor() -> None:
        turn = next(rounds)
        for start in range(0, ROWS, BATCH):
            connection.execute("begin immediate")
            connection.executemany(
                "insert into bare values (null, ?, 1.0, 'production', 'r1', 'stable', 1, x'00', 412.5)",
                [(f"{turn}/{number}",) for number in range(start, start + BATCH)],
            )
            connection.execute("commit")

    mine, bare = _take_turns(ours, floor, 3)
    client.close()
    connection.close()
    name = f"observe and write {ROWS:,} rows, synced at each {BATCH}"
    return _row(name, mine * 1000, bare * 1000, "ms", "bare executemany", None)


def _rolled_up(folder: Path) -> dict[str, Any]:
    """Raw rows counted into roll-ups, against one `insert … select … group by` of fewer columns."""
    mine: list[float] = []
    bare: list[float] = []
    for turn in range(3):
        with opened(folder / f"raw-{turn}.sqlite") as connection:
            connection.execute("begin")
            connection.executemany(
                "insert into observations (request_id, at, environment, release, arm, generation, unit,"
                " latency_ms, error, category)"
                " values (?, ?, 'production', 'r2', 'canary', 1, x'00', ?, 0, ?)",
                [(str(n), START * 60 + n / 12, 100.0 + n % 900, f"c{n % CATEGORIES}") for n in range(ROWS)],
            )
            connection.execute("commit")
            bare.append(
                _seconds(
                    lambda: connection.execute(
                        "create table bare as select cast(at as integer) / 60 as minute, category, count(*),"
                        " sum(error), sum(latency_ms > 900), sum(latency_ms > 2000) from observations"
                        " group by environment, release, arm, generation, 1, 2"
                    )
                )
            )
            mine.append(_seconds(lambda: catch_up(connection)))
    name = f"roll up {ROWS:,} observations, with histogram"
    return _row(name, median(mine) * 1000, median(bare) * 1000, "ms", "group by in SQL", None)


def _evidence(path: Path) -> dict[str, Any]:
    """Two days of three arms, eight categories and 10 M requests, and ten thousand scored answers."""
    _fill(path)
    source = SqliteSource(path)
    connection = sqlite3.connect(path)

    def floor() -> None:
        connection.execute(f"select * from minutes where category = {ALL}").fetchall()
        connection.execute("select at, value, category from scores").fetchall()

    now = (START + MINUTES) * 60
    mine, bare = _take_turns(lambda: source.evidence(WINDOW, now), floor, 15)
    name = f"evidence of 48 h, {REQUESTS:,} observations rolled up, {SCORES:,} scored"
    return _row(name, mine * 1000, bare * 1000, "ms", "the same rows by bare SQL", 50)


def _fill(path: Path) -> None:
    each = REQUESTS // (MINUTES * 3 * CATEGORIES)
    counts = (1, each - 1, 2, 3, 1, 1, 0, 0, 2, 1.5, 900, 0.01)
    marks = ", ".join("?" * (4 + len(counts)))
    with opened(path) as connection:
        connection.execute("begin")
        names = [(number, f"c{number}") for number in range(1, CATEGORIES + 1)]
        connection.executemany("insert into categories values (?, ?)", names)
        for id, (release, arm) in enumerate((("r2", "canary"), ("r1", "control"), ("r1", "stable")), 1):
            connection.execute(
                "insert into series values (?, 'production', 1, ?, ?, 2000.0, 900.0, 0, 1, 1, ?)",
                (id, release, arm, START * 60.0),
            )
            for category in range(CATEGORIES + 1):
                times = CATEGORIES if category == ALL else 1
                connection.executemany(
                    f"insert into minutes values ({marks})",
                    [
                        (id, START + minute, category, each * times, *(times * count for count in counts))
                        for minute in range(MINUTES)
                    ],
                )
            if arm != "stable":
                connection.executemany(
                    "insert into scores (series, unit, at, value, category) values (?, ?, ?, ?, ?)",
                    [_score(id, number) for number in range(SCORES // 2)],
                )
        connection.execute("commit")


def _score(series: int, number: int) -> tuple[int, bytes, float, float, int]:
    at = (START + number * MINUTES / (SCORES / 2)) * 60
    return series, random.randbytes(16), at, number % 5 / 4, 1 + number % CATEGORIES


def _take_turns(ours: Callable[[], object], floor: Callable[[], object], rounds: int) -> tuple[float, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, times in zip((ours, floor), taken, strict=True):
            times.append(_seconds(call))
    return median(taken[0]), median(taken[1])


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _row(name: str, ours: float, floor: float, unit: str, peer: str, at_most: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "ours": round(ours, 1),
        "floor": round(floor, 1),
        "unit": unit,
        "peer": peer,
        "ratio": round(ours / floor, 2),
        "aim": None if at_most is None else f"at most {at_most:,.0f} {unit}",
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2, ensure_ascii=False))
