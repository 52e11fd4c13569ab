"""observations.sqlite: the file that clients write what they observed into. Loaded by who observes or reads.

WAL with synchronous=FULL: what `write` returned from survives a crash of the process and of the machine.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from lockgate_client import sqlite_file
from lockgate_client.observation import Amendment, Observation
from lockgate_client.recorder import Drop

SCHEMA_VERSION = 1
"""`pragma user_version` of a file that this package reads and writes."""
APPLICATION_ID = 0x4C4F434B
"""`pragma application_id`: tells the file from other SQLite databases."""
DROP_REASONS = ("bad", "full", "failed")
"""bad: a value out of bounds. full: the queue overflowed. failed: SQLite refused the rows themselves."""

SCHEMA = """
create table observations (
  id integer primary key autoincrement,  -- in order of arrival; never used twice
  request_id text not null unique,       -- a repeat is ignored
  at real not null,                      -- seconds since 1970
  environment text not null,
  release text not null,
  arm text not null,                     -- canary, control or stable
  generation integer not null,           -- of the live document that served the request
  unit blob,                             -- first 16 bytes of HMAC-SHA256(unit_key, unit); null: unknown
  latency_ms real,
  error integer not null,                -- 1: the request failed
  category text not null,
  quality real,                          -- 0 to 1
  harmful integer,                       -- 1: called harmful; 0: looked at and not
  confirmed integer,                     -- by a second grader; 1 or 0, null until it has said
  feedback integer,                      -- 1 or -1
  tokens integer,
  cost real
);
create table amendments (                -- what became known of a request later; null: nothing new
  id integer primary key autoincrement,
  request_id text not null,
  at real not null,
  quality real,
  harmful integer,
  confirmed integer,
  feedback integer,
  tokens integer,
  cost real,
  waiting integer not null default 0     -- 1: read, and its observation is not there yet
);
create index waiting_amendments on amendments (request_id) where waiting = 1;
create table drops (                     -- observations that were counted and are not here
  process text not null,
  environment text not null,
  generation integer not null,
  minute integer not null,               -- minutes since 1970
  reason text not null,                  -- bad, full or failed
  count integer not null,
  primary key (process, environment, generation, minute, reason)
) without rowid;
create table meta (key text primary key, value) without rowid;  -- unit_key: 32 bytes, of this file alone
"""

_INSERT_OBSERVATION = """insert into observations
(request_id, at, environment, release, arm, generation, unit, latency_ms, error, category,
quality, harmful, feedback, tokens, cost)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (request_id) do nothing"""
_INSERT_AMENDMENT = """insert into amendments
(request_id, at, quality, harmful, confirmed, feedback, tokens, cost) values (?, ?, ?, ?, ?, ?, ?, ?)"""
_ADD_DROPS = """insert into drops (process, environment, generation, minute, reason, count)
values (?, ?, ?, ?, ?, ?) on conflict do update set count = count + excluded.count"""


class Intake:
    """The writing end of one file. Not thread-safe: the caller locks. Not for use across a fork."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._unit_key = b""

    def write(
        self, observations: Iterable[Observation], amendments: Iterable[Amendment], drops: Iterable[Drop]
    ) -> None:
        """Writes all of it in one transaction, or raises and wrote nothing.

        Raises sqlite3.Error, OSError, or LockgateClientError where the file is not ours to write.
        """
        connection = self._opened()
        try:
            connection.execute("begin immediate")
            connection.executemany(_INSERT_OBSERVATION, map(self._row, observations))
            connection.executemany(_INSERT_AMENDMENT, map(_amendment_row, amendments))
            connection.executemany(_ADD_DROPS, [(self._process, *drop) for drop in drops])
            connection.execute("commit")
        except BaseException:
            self.close()  # rolls back; a connection that failed is not trusted again
            raise

    def close(self) -> None:
        """Closes the file; the next `write` opens it again."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._file != sqlite_file.identity(self._path):
            self.close()  # somebody deleted or replaced the file: what is written to the old one is lost
        if self._connection is None:
            connection = connect(self._path)
            self._unit_key = connection.execute("select value from meta where key = 'unit_key'").fetchone()[0]
            self._connection, self._file = connection, sqlite_file.identity(self._path)
        return self._connection

    def _row(self, seen: Observation) -> tuple[object, ...]:
        unit = seen.unit
        if unit is None and seen.resolution.bucket is not None:
            unit = f"bucket/{seen.resolution.bucket}"  # the closest that is known of who asked
        return (*seen[:6], None if unit is None else unit_hash(self._unit_key, unit), *seen[7:15])


class Rows:
    """An Intake as a recorder hands rows to it: both kinds together."""

    def __init__(self, path: Path) -> None:
        self._intake = Intake(path)

    def write(self, rows: Sequence[Observation | Amendment], drops: Sequence[Drop]) -> None:
        """See Intake.write."""
        self._intake.write(
            [row for row in rows if isinstance(row, Observation)],
            [row for row in rows if isinstance(row, Amendment)],
            drops,
        )

    def close(self) -> None:
        """See Intake.close."""
        self._intake.close()


def unit_hash(key: bytes, unit: str) -> bytes:
    """What is written of a unit: 16 bytes from which nobody without the file can tell who it was."""
    return hmac.digest(key, unit.encode("utf-8", "surrogatepass"), "sha256")[:16]


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the observations file at `path`, made where it is missing. See sqlite_file.connect."""
    return sqlite_file.connect(path, _LAYOUT)


def add_unit_key(connection: sqlite3.Connection) -> None:
    """Writes the key that the file's units are hashed with: 32 random bytes, of this file alone."""
    connection.execute("insert into meta values ('unit_key', ?)", (secrets.token_bytes(32),))


_LAYOUT = sqlite_file.Layout(APPLICATION_ID, SCHEMA_VERSION, SCHEMA, add_unit_key)


def _amendment_row(amendment: Amendment) -> tuple[object, ...]:
    return (*amendment[:2], *amendment[4:])
