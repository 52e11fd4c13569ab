"""The tables that roll-ups are kept in, beside the raw rows in observations.sqlite.

A series is what one generation of an environment's live document served to one arm.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockgate_client import LockgateClientError
from lockgate_client.intake import connect
from store.errors import MachineryError
from store.text import one_line

VERSION = 2
_BUSY_MS = 10_000

_SCHEMA = """
create table series (
  id integer primary key,
  environment text not null,
  generation integer not null,
  release text not null,
  arm text not null,                       -- canary, control or stable
  sla_ms real,                             -- what its over_sla is counted by; null: not counted
  slow_ms real,                            -- what its slow is counted by; null: not counted
  stale_minutes integer not null default 0,-- minutes still counted by an earlier threshold: no raw rows left
  first integer not null,                  -- lowest and highest id of its observations
  last integer not null,
  newest real not null,                    -- when the newest of them was made, in seconds since 1970
  unique (environment, generation, release, arm)
);
create table categories (id integer primary key, name text not null unique);
create table minutes (
  series integer not null,
  minute integer not null,                 -- minutes since 1970
  category integer not null,               -- 0: all of them together
  requests integer not null,
  errors integer not null,
  timed integer not null,                  -- requests whose latency is known
  over_sla integer not null,
  slow integer not null,
  thumbs_up integer not null,
  thumbs_down integer not null,
  harmful integer not null,
  confirmed integer not null,
  scored integer not null,
  quality real not null,                   -- sum over those scored
  tokens integer not null,
  cost real not null,
  primary key (series, category, minute)
) without rowid;
create table latencies (                   -- see rollup_latency.py
  series integer not null,
  hour integer not null,                   -- hours since 1970
  level integer not null,
  count integer not null,
  primary key (series, hour, level)
) without rowid;
create table scores (                      -- the first scored answer of each user
  id integer primary key,                  -- in the order in which the scores became known
  series integer not null,
  unit blob not null,
  at real not null,
  value real not null,
  category integer not null,
  unique (series, unit)
);
create index scores_of_series on scores (series);
create table flags (                       -- answers that something called harmful
  request_id text primary key,
  series integer not null,
  at real not null,
  confirmed integer                        -- 1 or 0; null until a second grader has said
) without rowid;
create index flags_of_series on flags (series);
create table rolled (                      -- how far the raw rows are counted
  one integer primary key check (one = 1),
  observations integer not null,
  amendments integer not null,
  passes integer not null                  -- goes up with each pass, so that none is counted twice
);
insert into rolled values (1, 0, 0, 0);
"""
_THUMBS = """
create table thumbs (                      -- the first thumb of each user
  series integer not null,
  unit blob not null,
  request_id text not null,
  minute integer not null,                 -- minutes since 1970
  value integer not null,                  -- 1 or -1
  primary key (series, unit)
) without rowid
"""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the observations file at `path`, with the tables of the roll-ups in it.

    Whatever goes wrong with the file inside the block is a MachineryError of one sentence.
    """
    connection: sqlite3.Connection | None = None
    try:
        connection = connect(path)
        connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
        _ensure_tables(connection, path)
        yield connection
    except LockgateClientError as error:
        raise MachineryError(one_line(f"{error}.", 400)) from None
    except (sqlite3.Error, OSError) as error:
        raise MachineryError(trouble(path, error)) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise MachineryError(
            f"{path} holds a value that cannot be counted ({one_line(str(error))}). Move the file away; "
            "applications start a new one."
        ) from None
    finally:
        if connection is not None:
            connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "immediate") -> Iterator[None]:
    """Everything inside or nothing; `deferred` for reading one snapshot."""
    connection.execute(f"begin {kind}")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    connection.execute("commit")


def _ensure_tables(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection, path) == VERSION:
        return
    with transaction(connection):
        before = _version(connection, path)  # another process may have made them meanwhile
        for statement in _SCHEMA.split(";\n") if before == 0 else ():
            connection.execute(statement)
        if before < VERSION:
            connection.execute(_THUMBS)
            connection.execute("insert or replace into meta values ('rollups', ?)", (VERSION,))


def _version(connection: sqlite3.Connection, path: Path) -> int:
    row = connection.execute("select value from meta where key = 'rollups'").fetchone()
    version = 0 if row is None else int(row[0])
    if version > VERSION:
        raise MachineryError(
            f"the roll-ups in {path} are of version {version} and this Lockgate knows {VERSION}; update it."
        )
    return version


def trouble(path: Path, error: sqlite3.Error | OSError) -> str:
    """What is wrong with the file at `path`, and the way out, in a sentence or two."""
    said = one_line(str(error))
    if isinstance(error, OSError):
        return f"{path} cannot be read ({one_line(error.strerror or str(error))}). Check who may read it."
    # The low byte is SQLite's primary code; errors of the module itself have none.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{path} is busy: another process has been writing for over {_BUSY_MS // 1000} s. Try again."
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{path} is damaged ({said}). Move it away; applications start a new one."
    if code == sqlite3.SQLITE_FULL:
        return f"{path} cannot be written: the disk is full. Make room."
    return f"{path} cannot be used ({said}). Check the disk and who may write there."
