"""Opens the SQLite files that a client writes: for this user alone, and never another program's.

WAL with synchronous=FULL: what was committed survives a crash of the process and of the machine.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lockgate_client.errors import LockgateClientError

BUSY_SECONDS = 0.25
"""How long one try waits for another writer. Short, because a fork has to wait for a try to end."""


_making = threading.Lock()


class Layout(NamedTuple):
    """What a kind of file looks like."""

    application_id: int
    """`pragma application_id`: tells the file from other SQLite databases."""
    version: int
    """`pragma user_version`."""
    schema: str
    """Statements, each ended by a semicolon and a new line."""
    fill: Callable[[sqlite3.Connection], None]
    """Writes what a new file begins with."""


def connect(path: Path, layout: Layout) -> sqlite3.Connection:
    """A connection to the file at `path`, made where it is missing, for this user alone (0600).

    Transactions are the caller's (`begin immediate` … `commit`). Raises sqlite3.Error, OSError, or
    LockgateClientError where the file is of a newer version or another program's.
    """
    _ensure_there(path)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if _version(connection, path, layout) == 0:
            _make(connection, path, layout)
        connection.execute("pragma synchronous = full")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_patiently(path: Path, layout: Layout, seconds: float) -> sqlite3.Connection:
    """`connect`, tried again for `seconds` while other processes make the file, and with that patience after.

    SQLite does not always wait itself: of two that turn a new file to WAL at once, one is told that it is
    locked (sqlite.org/c3ref/busy_handler.html).
    """
    until = time.monotonic() + seconds
    while True:
        try:
            connection = connect(path, layout)
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            connection.execute(f"pragma busy_timeout = {int(seconds * 1000)}")
            return connection


def turn_to_wal(connection: sqlite3.Connection, seconds: float) -> None:
    """Sets the journal of the file that `connection` has open, with the patience of `connect_patiently`.

    Raises sqlite3.OperationalError where other connections hold the file for `seconds`.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    # The low byte is SQLite's primary code.
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _ensure_there(path: Path) -> None:
    """Makes an empty file where there is none, for this user alone.

    One that is there is not opened: closing any handle of a file gives up all locks that this process holds
    on it, those of other SQLite connections too (sqlite.org/howtocorrupt.html, 2.2).
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with _making, contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _after_fork() -> None:
    global _making
    _making = threading.Lock()  # another thread may have held it, and does not go on here


def identity(path: Path) -> tuple[int, int]:
    """Device and inode of the file at `path`; zeros where there is none. Another one is another file."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_dev, found.st_ino)


def _version(connection: sqlite3.Connection, path: Path, layout: Layout) -> int:
    """0 for a file with nothing in it. Raises LockgateClientError for one that is not ours.

    Another process may be making it. All that it writes comes in one transaction, so the tables are looked
    for first: where there are any, whose they are can be read as well.
    """
    has_tables = connection.execute("select count(*) from sqlite_master").fetchone()[0] > 0
    owner: int = connection.execute("pragma application_id").fetchone()[0]
    version: int = connection.execute("pragma user_version").fetchone()[0]
    if owner == layout.application_id and version > layout.version:
        raise LockgateClientError(
            f"{path} is of version {version} and this lockgate-client knows {layout.version}; update it"
        )
    if owner != layout.application_id:
        if has_tables:
            raise LockgateClientError(f"{path} is another program's database; name another file")
        return 0
    return version


def _make(connection: sqlite3.Connection, path: Path, layout: Layout) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("begin immediate")
    if _version(connection, path, layout) == 0:  # else another process has made it meanwhile
        for statement in layout.schema.split(";\n"):
            connection.execute(statement)
        layout.fill(connection)
        connection.execute(f"pragma application_id = {layout.application_id}")
        connection.execute(f"pragma user_version = {layout.version}")
    connection.execute("commit")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
