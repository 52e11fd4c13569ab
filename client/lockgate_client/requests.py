"""requests.sqlite: sampled requests, with what users wrote. Loaded by who captures or reads.

Bounded in number, in bytes and in time: with each write the oldest give way, and are counted.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from lockgate_client import sqlite_file
from lockgate_client.envelope import Envelope
from lockgate_client.intake import add_unit_key, unit_hash
from lockgate_client.recorder import Drop

SCHEMA_VERSION = 1
APPLICATION_ID = 0x4C4F4352
ENVELOPES_LIMIT = 10_000
BYTES_LIMIT = 256 * 1024 * 1024
"""Of all envelopes together."""
KEPT_DAYS = 14
"""Older ones are deleted, and overwritten with zeros."""

SCHEMA = """
create table envelopes (
  id integer primary key autoincrement,  -- in order of arrival; never used twice
  request_id text not null unique,       -- a repeat is ignored
  at real not null,                      -- seconds since 1970
  environment text not null,
  release text not null,
  arm text not null,                     -- canary, control or stable
  generation integer not null,           -- of the live document that served the request
  unit blob,                             -- first 16 bytes of HMAC-SHA256(unit_key, unit); null: unknown
  category text not null,
  size integer not null,                 -- bytes of the three below
  input text not null,                   -- JSON: a text, [{role, content}] or {variable: value}
  answer text,                           -- null: not known
  retrieved text                         -- JSON: ids of passages, nearest first; null: not known
);
create index envelopes_by_time on envelopes (at);
create index envelopes_by_size on envelopes (size);
create table drops (                     -- sampled requests that were counted and are not here
  process text not null,
  environment text not null,
  generation integer not null,
  minute integer not null,               -- minutes since 1970
  reason text not null,                  -- bad, full (the queue), failed, or oldest (made room)
  count integer not null,
  primary key (process, environment, generation, minute, reason)
) without rowid;
create table meta (key text primary key, value) without rowid;  -- unit_key: 32 bytes, of this file alone
"""
_LAYOUT = sqlite_file.Layout(APPLICATION_ID, SCHEMA_VERSION, SCHEMA, add_unit_key)
_INSERT = """insert into envelopes
(request_id, at, environment, release, arm, generation, unit, category, size, input, answer, retrieved)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (request_id) do nothing"""
_ADD_DROPS = """insert into drops (process, environment, generation, minute, reason, count)
values (?, ?, ?, ?, ?, ?) on conflict do update set count = count + excluded.count"""


class RequestFile:
    """The writing end of one file. Not thread-safe: the caller locks. Not for use across a fork."""

    def __init__(
        self, path: Path, *, envelopes_limit: int = ENVELOPES_LIMIT, bytes_limit: int = BYTES_LIMIT
    ) -> None:
        self._path = path
        self._limits = (envelopes_limit, bytes_limit)
        self._process = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._unit_key = b""

    def write(self, rows: Sequence[Envelope], drops: Sequence[Drop]) -> None:
        """Writes all of it in one transaction, or raises and wrote nothing. The oldest give way.

        Raises sqlite3.Error, OSError, or LockgateClientError where the file is not ours to write.
        """
        connection = self._opened()
        try:
            connection.execute("begin immediate")
            connection.executemany(_INSERT, map(self._row, rows))
            connection.executemany(_ADD_DROPS, [(self._process, *drop) for drop in drops])
            if rows:
                newest = max(row.at for row in rows)
                forget_before(connection, newest - KEPT_DAYS * 86_400)
                evicted = _make_room(connection, *self._limits)
                connection.executemany(_ADD_DROPS, [(self._process, *drop) for drop in evicted])
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

    def _row(self, one: Envelope) -> tuple[object, ...]:
        unit = None if one.unit is None else unit_hash(self._unit_key, one.unit)
        texts = (one.input, one.answer, one.retrieved)
        size = sum(len(text.encode()) for text in texts if text is not None)
        return (*one[:6], unit, one.category, size, *texts)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file at `path`, made where it is missing. See sqlite_file.connect."""
    connection = sqlite_file.connect(path, _LAYOUT)
    connection.execute("pragma secure_delete = on")
    return connection


def forget_before(connection: sqlite3.Connection, at: float) -> int:
    """Deletes the envelopes from before `at` (seconds since 1970); returns how many. Within a transaction."""
    return connection.execute("delete from envelopes where at < ?", (at,)).rowcount


def _make_room(connection: sqlite3.Connection, most: int, most_bytes: int) -> list[Drop]:
    """Deletes the oldest until the rest fits."""
    count, size = connection.execute("select count(*), coalesce(sum(size), 0) from envelopes").fetchone()
    dropped: list[Drop] = []
    while count > most or (size > most_bytes and count > 1):
        oldest = connection.execute(
            "select id, environment, generation, at, size from envelopes order by id limit ?",
            (max(1, count - most),),
        ).fetchall()
        for id, environment, generation, at, bytes_of in oldest:
            connection.execute("delete from envelopes where id = ?", (id,))
            dropped.append((environment, generation, int(at) // 60, "oldest", 1))
            count, size = count - 1, size - bytes_of
    return dropped
