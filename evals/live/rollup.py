"""Counts raw observations into roll-ups: incrementally, and each exactly once, whoever does it.

A pass reads a piece of what is not counted yet, adds it up without holding any lock, and writes the
sums and how far it came in one transaction, unless another pass was written meanwhile: then it
throws its sums away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from evals.live.rollup_fold import COUNTS, Facts, Key, Raw, Series, Sums, Thresholds, amended
from evals.live.rollup_schema import transaction

PIECE = 20_000
"""Rows of a pass."""
CATEGORIES = 200
"""Category names that are kept apart; whatever comes after them is counted under OTHER."""
OTHER = "(other)"
ALL = 0
"""Stands for all categories together among their ids."""

_RAW = ", ".join(f"o.{name}" for name in Raw._fields)
_FACTS = ", ".join(f"a.{name}" for name in Facts._fields)
_NEW = f"select {_RAW} from observations o where o.id > ? order by o.id limit ?"
_WAITED_FOR = f"""select o.id, a.id, {_FACTS} from observations o
cross join amendments a on a.request_id = o.request_id and a.waiting = 1
where o.id > ? and o.id <= ? order by a.id"""
_AMENDMENTS = f"""select a.id, {_FACTS}, {_RAW} from amendments a
left join observations o on o.request_id = a.request_id where a.id > ? order by a.id limit ?"""
_ADD_MINUTES = f"""insert into minutes (series, minute, category, {", ".join(COUNTS)})
values ({", ".join("?" * (3 + len(COUNTS)))}) on conflict do update set
{", ".join(f"{name} = {name} + excluded.{name}" for name in COUNTS)}"""
_ADD_LATENCIES = """insert into latencies values (?, ?, ?, ?)
on conflict do update set count = count + excluded.count"""
_ADD_SERIES = """insert into series
(environment, generation, release, arm, sla_ms, slow_ms, first, last, newest)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_GROW_SERIES = """update series set first = min(first, ?), last = max(last, ?), newest = max(newest, ?)
where id = ?"""
_ADD_FLAG = """insert into flags values (?, ?, ?, ?)
on conflict do update set confirmed = excluded.confirmed"""
_CHANGE = f"update observations set {', '.join(f'{name} = ?' for name in Facts._fields)} where id = ?"

Wanted = Callable[[Key], Thresholds]


def _nothing(_: Key) -> Thresholds:
    return Thresholds()


@dataclass(slots=True)
class _Pass:
    """One piece, added up and not written yet."""

    passes: int
    """How many had been written when it was read."""
    observations: int
    amendments: int
    """The last ids that it counts."""
    more: bool
    sums: Sums = field(default_factory=Sums)
    changed: dict[int, Raw] = field(default_factory=dict)
    """Observations that amendments changed, by id."""
    waiting: list[int] = field(default_factory=list)
    """Ids of amendments whose observation is not there yet."""
    arrived: list[int] = field(default_factory=list)
    """Ids of amendments whose observation has come."""


def catch_up(connection: sqlite3.Connection, piece: int = PIECE, wanted: Wanted = _nothing) -> None:
    """Counts every observation and amendment that is in the file, `piece` rows at a time.

    A series that is new is counted by the thresholds `wanted` for it.
    """
    while True:
        found = _read(connection, piece, wanted)
        if found is None:
            return
        if _write(connection, found) and not found.more:
            return


def _read(connection: sqlite3.Connection, piece: int, wanted: Wanted) -> _Pass | None:
    """The next piece, added up; None where there is nothing new."""
    with transaction(connection, "deferred"):
        counted, heard, passes = connection.execute(
            "select observations, amendments, passes from rolled"
        ).fetchone()
        rows = [Raw._make(row) for row in connection.execute(_NEW, (counted, piece))]
        last = rows[-1].id if rows else counted
        waited_for = connection.execute(_WAITED_FOR, (counted, last)).fetchall() if rows else []
        said = connection.execute(_AMENDMENTS, (heard, piece)).fetchall()
        if not rows and not said:
            return None
        found = _Pass(passes, last, said[-1][0] if said else heard, piece in (len(rows), len(said)))
        _know_series(connection, found.sums, wanted, [row[2:6] for row in rows])
        counted_by_now = [row[7:] for row in said if row[7] is not None and row[7] <= last]
        _know_series(connection, found.sums, wanted, [Raw._make(row)[2:6] for row in counted_by_now])
    _fold_new(found, rows, waited_for)
    _fold_amendments(found, said)
    return found


def _fold_new(found: _Pass, rows: list[Raw], waited_for: Iterable[tuple[Any, ...]]) -> None:
    by_id = {row.id: row for row in rows} if waited_for else {}
    for id, amendment, *facts in waited_for:
        found.changed[id] = amended(found.changed.get(id, by_id[id]), Facts._make(facts))
        found.arrived.append(amendment)
    for row in rows:
        found.sums.add(found.changed.get(row.id, row))


def _fold_amendments(found: _Pass, said: Iterable[tuple[Any, ...]]) -> None:
    for amendment, *values in said:
        facts, raw = Facts._make(values[:6]), Raw._make(values[6:])
        if raw.id is None or raw.id > found.observations:
            found.waiting.append(amendment)
            continue
        before = found.changed.get(raw.id, raw)
        found.changed[raw.id] = after = amended(before, facts)
        found.sums.change(before, after)


def _know_series(connection: sqlite3.Connection, sums: Sums, wanted: Wanted, keys: Iterable[Key]) -> None:
    for key in dict.fromkeys(keys):
        if key in sums.series:
            continue
        row = connection.execute(
            "select id, sla_ms, slow_ms from series"
            " where environment = ? and generation = ? and release = ? and arm = ?",
            key,
        ).fetchone()
        sums.series[key] = Series(None, wanted(key)) if row is None else Series(row[0], Thresholds(*row[1:]))


def _write(connection: sqlite3.Connection, found: _Pass) -> bool:
    """False where another pass was written since `found` was read: nothing is written then."""
    with transaction(connection):
        (passes,) = connection.execute("select passes from rolled").fetchone()
        if passes != found.passes:
            return False
        ids = {key: _grown(connection, key, series) for key, series in found.sums.series.items()}
        _write_sums(connection, found.sums, ids)
        changes = [(*row[11:], id) for id, row in found.changed.items()]
        connection.executemany(_CHANGE, changes)
        mark = "update amendments set waiting = ? where id = ?"
        connection.executemany(mark, [(1, id) for id in found.waiting])
        connection.executemany(mark, [(0, id) for id in found.arrived])
        connection.execute(
            "update rolled set observations = ?, amendments = ?, passes = passes + 1",
            (found.observations, found.amendments),
        )
    return True


def _first_thumbs(connection: sqlite3.Connection, sums: Sums, ids: dict[Key, int]) -> None:
    """Of a user's thumbs in a series the first counts, so that nobody speaks for many; its own request may
    change it."""
    for key, unit, request, minute, category, value in sums.thumbs:
        known = connection.execute(
            "select request_id, value from thumbs where series = ? and unit = ?", (ids[key], unit)
        ).fetchone()
        if known is None:
            row = (ids[key], unit, request, minute, value)
            connection.execute("insert into thumbs values (?, ?, ?, ?, ?)", row)
            sums.thumb(key, minute, category, value)
        elif known[0] == request and known[1] != value:
            changed = "update thumbs set value = ? where series = ? and unit = ?"
            connection.execute(changed, (value, ids[key], unit))
            sums.thumb(key, minute, category, known[1], -1)
            sums.thumb(key, minute, category, value)


def _write_sums(connection: sqlite3.Connection, sums: Sums, ids: dict[Key, int]) -> None:
    _first_thumbs(connection, sums, ids)
    category = categories(connection, {name for _, _, name in sums.minutes})
    added: dict[tuple[int, int, int], list[float]] = {}
    for (key, minute, name), counts in sums.minutes.items():
        for kept in (category[name], ALL):
            slot = (ids[key], minute, kept)
            earlier = added.get(slot)
            added[slot] = counts if earlier is None else [a + b for a, b in zip(earlier, counts, strict=True)]
    connection.executemany(_ADD_MINUTES, [(*slot, *counts) for slot, counts in added.items()])
    connection.executemany(
        _ADD_LATENCIES, [(ids[key], hour, level, n) for (key, hour, level), n in sums.latencies.items()]
    )
    connection.executemany(
        "insert or ignore into scores (series, unit, at, value, category) values (?, ?, ?, ?, ?)",
        [(ids[key], unit, at, value, category[name]) for key, unit, at, value, name in sums.scores],
    )
    flags = [(request, ids[key], at, confirmed) for request, (key, at, confirmed) in sums.flags.items()]
    connection.executemany(_ADD_FLAG, flags)


def _grown(connection: sqlite3.Connection, key: Key, series: Series) -> int:
    if series.id is None:
        extent = (series.first, series.last, series.newest)
        return int(connection.execute(_ADD_SERIES, (*key, *series.thresholds, *extent)).lastrowid or 0)
    connection.execute(_GROW_SERIES, (series.first, series.last, series.newest, series.id))
    return series.id


def categories(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, int]:
    """The id of each of `names`; those that would be too many get that of OTHER."""
    known: dict[str, int] = {
        name: id for id, name in connection.execute("select id, name from categories order by id")
    }
    for name in sorted(set(names) - known.keys()):
        kept = name if len(known) < CATEGORIES else OTHER
        if kept not in known:
            known[kept] = int(
                connection.execute("insert into categories (name) values (?)", (kept,)).lastrowid or 0
            )
        known[name] = known[kept]
    return known
