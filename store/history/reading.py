"""history.sqlite: lists, filters and full-text search over the log.

Built from the log, kept up incrementally, and rebuilt whenever it is missing, damaged or does not
stand on the tip. Rows are inserted oldest first, so that the row id is the order of history: full
text search sorted by row id costs the same at 100,000 operations as at 100 (measured: 0.2 ms
against 125 ms when sorted by a time column).

sqlite_utils is imported when this is used, not before.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from store.errors import MachineryError
from store.git.lock import held
from store.history.entry import Entry, entry_of
from store.progress import Progress, Report, silent
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from sqlite_utils import Database

_VERSION = 1
_SLICE = 2000
_COLUMNS = tuple(field.name for field in fields(Entry) if field.name != "position")
_QUOTED = ", ".join(f'"{name}"' for name in _COLUMNS)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is listed; every field that is given must hold."""

    environment: str | None = None
    component: str | None = None
    """`kind/name`, or a kind alone."""
    author: str | None = None
    """A part of the name, whatever its case."""
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    """Words that summary, note, author or components hold; the last may be a beginning."""


class History:
    """The read model of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._path = workspace.state / "history.sqlite"
        self._database: Database | None = None

    def close(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.conn.close()
            self._database = None

    def refresh(self, report: Report = silent) -> int:
        """Brings the read model up to the tip; returns how many entries were added."""
        with held(self._workspace.state / "history.lock"):
            try:
                return self._refresh(report)
            except sqlite3.DatabaseError:
                self._forget()
                try:
                    return self._refresh(report)
                except sqlite3.DatabaseError as error:
                    raise MachineryError(
                        f"{self._path} cannot be written: {one_line(str(error))}. "
                        "Check the disk; the file can be deleted at any time."
                    ) from None

    def page(
        self, filter: Filter = Filter(), before: int | None = None, limit: int = 50
    ) -> tuple[Entry, ...]:
        """At most `limit` entries older than position `before` (the newest, for None), newest first."""
        where, values = _where(filter)
        if before is not None:
            where.append("f.rowid < ?" if _fts(filter.text) else "o.rowid < ?")
            values.append(before)
        key = "f.rowid" if _fts(filter.text) else "o.rowid"
        rows = self._query(
            f"select o.rowid as position, o.* from {_source(filter)} {_clause(where)} "
            f"order by {key} desc limit ?",
            [*values, limit],
        )
        return tuple(_entry(row) for row in rows)

    def count(self, filter: Filter = Filter()) -> int:
        """How many entries `filter` lets through."""
        where, values = _where(filter)
        rows = self._query(f"select count(*) as n from {_source(filter)} {_clause(where)}", values)
        return int(next(iter(rows))["n"])

    # -- inside -------------------------------------------------------------------------------

    def _query(self, sql: str, values: list[Any]) -> list[dict[str, Any]]:
        try:
            return list(self._open().query(sql, values))
        except sqlite3.OperationalError as error:
            if "fts5" in str(error):
                return []
            raise MachineryError(f"{self._path} cannot be read: {one_line(str(error))}.") from None

    def _open(self) -> Database:
        if self._database is None:
            from sqlite_utils import Database

            connection = sqlite3.connect(self._path, check_same_thread=False, timeout=30)
            self._database = Database(connection)
            self._database.enable_wal()
            connection.execute("pragma synchronous=normal")
            if connection.execute("pragma user_version").fetchone()[0] != _VERSION:
                self._make(self._database)
        return self._database

    def _make(self, database: Database) -> None:
        for table in ("operations_fts", "touched", "operations", "meta"):
            database.conn.execute(f"drop table if exists {table}")
        database.conn.executescript(_SCHEMA)
        database.conn.execute(f"pragma user_version={_VERSION}")

    def _forget(self) -> None:
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def _refresh(self, report: Report) -> int:
        store = self._workspace.store
        database = self._open()
        tip = store.tip()
        last = next((row["value"] for row in database.query("select value from meta where key='tip'")), None)
        if last == tip:
            return 0
        if last is not None and not store.is_ancestor(last, tip):
            self._make(database)
            last = None
        commits = [commit.id for commit in store.commits(tip, hide=last)]
        commits.reverse()
        added = 0
        for ids in _slices(commits):
            entries = [entry_of(store.repo[id]) for id in ids]
            with database.conn:
                self._insert(database, entries)
                database.conn.execute(
                    "insert into meta values ('tip', ?) on conflict(key) do update set value=excluded.value",
                    [str(ids[-1])],
                )
            added += len(entries)
            if len(commits) > _SLICE:
                report(Progress("reading history", added, len(commits)))
        return added

    def _insert(self, database: Database, entries: list[Entry]) -> None:
        execute = database.conn.execute
        marks = ", ".join("?" * len(_COLUMNS))
        for entry in entries:
            cursor = execute(
                f"insert into operations ({_QUOTED}) values ({marks})",
                [_stored(entry, column) for column in _COLUMNS],
            )
            execute(
                "insert into operations_fts (rowid, words) values (?, ?)",
                [
                    cursor.lastrowid,
                    " ".join(
                        [entry.summary, entry.why, entry.author, entry.release or "", *entry.components]
                    ),
                ],
            )
            database.conn.executemany(
                "insert into touched values (?, ?)",
                [(one, cursor.lastrowid) for one in set(entry.components)],
            )


_SCHEMA = """
create table meta (key text primary key, value text);
create table operations (
  "commit" text not null, id text, kind text, at text, author text, environment text, release text,
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

# `cross join` keeps the full-text search outermost, where it walks by row id, newest first.
_MATCHED = "operations_fts f cross join operations o on o.rowid = f.rowid"


def _stored(entry: Entry, column: str) -> Any:
    value = getattr(entry, column)
    if column == "components":
        return json.dumps(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _entry(row: dict[str, Any]) -> Entry:
    values = {name: row[name] for name in ("position", *_COLUMNS)}
    values["components"] = tuple(json.loads(row["components"]))
    values["at"] = datetime.fromisoformat(row["at"])
    return Entry(**values)


def _where(filter: Filter) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    values: list[Any] = []
    if match := _fts(filter.text):
        where.append("operations_fts match ?")
        values.append(match)
    for column, value in (("environment", filter.environment), ("kind", filter.kind)):
        if value:
            where.append(f"o.{column} = ?")
            values.append(value)
    if filter.author:
        where.append("instr(lower(o.author), lower(?)) > 0")
        values.append(filter.author)
    if filter.component:
        exact = "/" in filter.component
        where.append(
            "o.rowid in (select operation from touched where component "
            + ("= ?)" if exact else "between ? and ?)")
        )
        values.extend([filter.component] if exact else [f"{filter.component}/", f"{filter.component}0"])
    for sign, moment in ((">=", filter.since), ("<", filter.until)):
        if moment:
            where.append(f"o.at {sign} ?")
            values.append(moment.isoformat())
    return where, values


def _clause(where: list[str]) -> str:
    return f"where {' and '.join(where)}" if where else ""


def _fts(text: str) -> str:
    """Words as FTS5 phrases, so that no character of the person's has a meaning to SQLite."""
    words = text.replace("\0", " ").replace('"', " ").split()[:20]
    return " ".join(f'"{word}"*' if word == words[-1] else f'"{word}"' for word in words)


def _source(filter: Filter) -> str:
    return _MATCHED if _fts(filter.text) else "operations o"


def _slices(items: list[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, _SLICE)):
        yield part
