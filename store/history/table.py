"""The tables of the read model: their schema, and entries as rows.

Rows are inserted oldest first, so that the row id is the order of history: full text search sorted by
row id costs the same at 100,000 operations as at 100 (measured: 0.2 ms against 125 ms when sorted by a
time column).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from store.history.entry import Entry

VERSION = 2
"""Counts up when the same log would give other rows; a read model of another version is built anew."""
_COLUMNS = tuple(field.name for field in fields(Entry) if field.name != "position")
_QUOTED = ", ".join(f'"{name}"' for name in _COLUMNS)
_SCHEMA = """
create table meta (key text primary key, value text);
create table operations (
  "commit" text not null unique, id text, kind text, at text, author text, environment text, release text,
  before text, after text, summary text, why text, gate text, components text
);
create index operations_environment on operations (environment);
create index operations_kind on operations (kind);
create index operations_at on operations (at);
create index operations_id on operations (id);
create table touched (component text, operation integer);
create index touched_component on touched (component, operation);
create virtual table operations_fts using fts5 (words, tokenize = "unicode61 tokenchars '/'");
"""


def make(connection: Connection) -> None:
    """Empty tables, in place of those that are there."""
    for table in ("operations_fts", "touched", "operations", "meta"):
        connection.execute(f"drop table if exists {table}")
    connection.executescript(_SCHEMA)
    connection.execute(f"pragma user_version={VERSION}")


def is_made(connection: Connection) -> bool:
    """Whether the tables are there, in this version."""
    return bool(connection.execute("pragma user_version").fetchone()[0] == VERSION)


def tip(connection: Connection) -> str | None:
    """The commit up to which it was read; None at the beginning."""
    row = connection.execute("select value from meta where key='tip'").fetchone()
    return str(row[0]) if row else None


def add(connection: Connection, entries: Iterable[Entry], tip: str) -> int:
    """Adds `entries`, oldest first, up to the commit `tip`, all or none; returns how many were new.

    An entry that is there already is left: a build that was interrupted beside a merge meets some again.
    """
    with connection:
        added = sum(_insert(connection, entry) for entry in entries)
        connection.execute(
            "insert into meta values ('tip', ?) on conflict(key) do update set value=excluded.value", [tip]
        )
    return added


def _insert(connection: Connection, entry: Entry) -> bool:
    marks = ", ".join("?" * len(_COLUMNS))
    cursor = connection.execute(
        f"insert or ignore into operations ({_QUOTED}) values ({marks})",
        [_stored(entry, column) for column in _COLUMNS],
    )
    if not cursor.rowcount:
        return False
    words = " ".join([entry.summary, entry.why, entry.author, entry.release or "", *entry.components])
    connection.execute("insert into operations_fts (rowid, words) values (?, ?)", [cursor.lastrowid, words])
    connection.executemany(
        "insert into touched values (?, ?)", [(one, cursor.lastrowid) for one in set(entry.components)]
    )
    return True


def entry(row: Mapping[str, Any]) -> Entry:
    """The entry of a row of `operations` that names its row id `position`."""
    values = {name: row[name] for name in ("position", *_COLUMNS)}
    values["components"] = tuple(json.loads(row["components"]))
    values["at"] = datetime.fromisoformat(row["at"])
    return Entry(**values)


def _stored(entry: Entry, column: str) -> Any:
    value = getattr(entry, column)
    if column == "components":
        return json.dumps(value)
    return value.isoformat() if isinstance(value, datetime) else value
