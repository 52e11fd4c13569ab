"""history.sqlite: lists, filters and full-text search over the log.

Built from the log, kept up incrementally, and rebuilt whenever it is missing, damaged or does not
stand on the tip. Where the state folder cannot be written (a read-only mount, an account that may only
look), the same tables are made in a temporary file that goes when they are closed.

sqlite_utils is imported when this is used, not before.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.errors import MachineryError
from store.git.lock import held
from store.history import table
from store.history.entry import Entries, Entry
from store.progress import Progress, Report, silent
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from sqlite_utils import Database

_SLICE = 2000
_TEMPORARY = ""
"""SQLite's name for a database that is in memory until it is large, then in a file without a name."""


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
        self._database: Database | None = None
        self._turn = threading.Lock()

    @cached_property
    def _path(self) -> Path | None:
        """Where the file is; None where there is no state folder and none can be made."""
        try:
            return self._workspace.state / "history.sqlite"
        except MachineryError:
            return None

    @property
    def is_kept(self) -> bool:
        """Whether it is kept on disk. If not, it is built from git anew each time."""
        return self._path is not None

    def close(self) -> None:
        """Closes the file."""
        if self._database is not None:
            self._database.conn.close()
            self._database = None

    def refresh(self, report: Report = silent) -> int:
        """Brings the read model up to the tip; returns how many entries were added.

        Raises MachineryError when the log is damaged, or when there is no place even for a temporary file.
        """
        with self._turn, ExitStack() as locks:
            if self._path is not None:
                try:
                    locks.enter_context(held(self._path.with_name("history.lock")))
                except MachineryError:
                    self._do_without_file()
            for mend in (self._forget, self._do_without_file):
                try:
                    return self._refresh(report)
                except sqlite3.DatabaseError:
                    mend()
            try:
                return self._refresh(report)
            except sqlite3.DatabaseError as error:
                raise self._trouble("written", error) from None

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
        return tuple(table.entry(row) for row in rows)

    def find(self, id: str) -> Entry | None:
        """The entry of the record `id`, or None."""
        rows = self._query(
            "select o.rowid as position, o.* from operations o where o.id = ? order by o.rowid limit 1", [id]
        )
        return table.entry(rows[0]) if rows else None

    def onward(self, filter: Filter = Filter(), after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """At most `limit` entries newer than position `after`, oldest first."""
        where, values = _where(filter)
        rows = self._query(
            f"select o.rowid as position, o.* from {_source(filter)} {_clause([*where, 'o.rowid > ?'])} "
            "order by o.rowid limit ?",
            [*values, after, limit],
        )
        return tuple(table.entry(row) for row in rows)

    def count(self, filter: Filter = Filter()) -> int:
        """How many entries `filter` lets through."""
        where, values = _where(filter)
        rows = self._query(f"select count(*) as n from {_source(filter)} {_clause(where)}", values)
        return int(next(iter(rows))["n"]) if rows else 0

    # -- inside -------------------------------------------------------------------------------

    def _query(self, sql: str, values: list[Any]) -> list[dict[str, Any]]:
        try:
            return list(self._open().query(sql, values))
        except sqlite3.DatabaseError as error:
            if "fts5" in str(error):
                return []
            raise self._trouble("read", error) from None

    def _trouble(self, what: str, error: sqlite3.DatabaseError) -> MachineryError:
        name = self._path or "the temporary read model of the history"
        return MachineryError(
            f"{name} cannot be {what}: {one_line(str(error))}. Check the disk; "
            "the file can be deleted at any time."
        )

    def _open(self) -> Database:
        if self._database is None:
            from sqlite_utils import Database

            connection = sqlite3.connect(self._path or _TEMPORARY, check_same_thread=False, timeout=30)
            self._database = Database(connection)
            if self._path is not None:
                self._database.enable_wal()
            connection.execute("pragma synchronous=normal")
            if not table.is_made(connection):
                table.make(connection)
        return self._database

    def _forget(self) -> None:
        self.close()
        if self._path is None:
            return
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        except OSError:
            self._do_without_file()

    def _do_without_file(self) -> None:
        self.close()
        self._path = None

    def _refresh(self, report: Report) -> int:
        store = self._workspace.store
        connection = self._open().conn
        tip = store.tip()
        last = table.tip(connection)
        if last == tip:
            return 0
        commits = store.since(last, tip) if last is not None else None
        if commits is None:
            table.make(connection)
            commits = store.history(tip)
        entries = Entries(store)
        added, read = 0, 0
        for ids in _slices(commits[::-1]):
            added += table.add(connection, [entries.of(store.commit(id)) for id in ids], ids[-1])
            read += len(ids)
            if len(commits) > _SLICE:
                report(Progress("reading history", read, len(commits)))
        return added


# `cross join` keeps the full-text search outermost, where it walks by row id, newest first.
_MATCHED = "operations_fts f cross join operations o on o.rowid = f.rowid"


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


def _slices(items: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while part := list(islice(rest, _SLICE)):
        yield part
