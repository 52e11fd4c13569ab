"""Answers that were already given, by the content of what was asked.

One SQLite file that can be deleted at any time. A failure is never kept. A file that cannot be
read is thrown away and begun anew: nothing in it is evidence, it only saves time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evals.models.reply import Completion
from lockgate_client.sqlite_file import turn_to_wal
from store.canonical import canonical_json, sha256_hex
from store.errors import MachineryError
from store.records.versions import ModelPin
from store.text import one_line

ADAPTER = 1
"""Raised when the way in which requests are made changes what comes back."""
_BUSY_SECONDS = 10.0
_TABLE = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


def answer_key(endpoint: str, model: ModelPin, messages: Sequence[Mapping[str, str]], repeat: int) -> str:
    """The key of one answer: 64 hex digits over everything that can change it, and its repeat."""
    asked = {
        "adapter": ADAPTER,
        "endpoint": endpoint,
        "provider": model.provider,
        "id": model.id,
        "parameters": model.parameters,
        "messages": [dict(message) for message in messages],
        "repeat": repeat,
    }
    return sha256_hex(canonical_json(asked))


class AnswerCache:
    """The answers of one workspace. Safe to use from several threads and processes."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        """Opens or makes the file. `fresh` gives out only what was put in by this very object, so that
        everything is asked anew, once. Raises MachineryError when its folder cannot be written."""
        self._path = path
        self._own: set[str] | None = set() if fresh else None
        self._lock = threading.Lock()
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise MachineryError(
                f"the answer cache {path} cannot be opened: {one_line(str(error))}."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def turn(self, key: str) -> asyncio.Lock:
        """Held while `key` is asked for, so that two arms that ask the very same thing ask it once."""
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = asyncio.Lock()
        return turn

    def get(self, key: str) -> Completion | None:
        """The answer kept under `key`, marked as cached; None where there is none."""
        if self._own is not None and key not in self._own:
            return None
        with self._lock:
            try:
                row = self._connection.execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
            except sqlite3.OperationalError:
                return None
            except sqlite3.DatabaseError:
                self._restart()
                return None
        return _read(row[0]) if row else None

    def put(self, key: str, answer: Completion) -> None:
        """Keeps `answer`. A disk that refuses costs the saving, not the run."""
        if self._own is not None:
            self._own.add(key)
        value = asdict(answer)
        del value["cached"]
        with self._lock:
            try:
                with self._connection:
                    self._connection.execute(
                        "INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, json.dumps(value))
                    )
            except sqlite3.OperationalError:
                return
            except sqlite3.DatabaseError:
                self._restart()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self._discard()
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        with suppress(FileExistsError):  # one that is there is not opened: closing it would give up its locks
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            turn_to_wal(connection, _BUSY_SECONDS)
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(_TABLE)
            connection.execute("SELECT key, value FROM answers LIMIT 1").fetchone()
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _restart(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()
        try:
            self._discard()
            self._connection = self._connect()
        except (OSError, sqlite3.Error):
            self._connection = sqlite3.connect(":memory:", check_same_thread=False)
            self._connection.execute(_TABLE)

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)


def _read(value: str) -> Completion | None:
    try:
        kept: dict[str, Any] = json.loads(value)
        answer = Completion(**kept, cached=True)
    except (ValueError, TypeError):
        return None
    return answer if isinstance(answer.text, str) else None
