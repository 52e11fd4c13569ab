"""outbox.sqlite: what is still to be delivered, and what became of the rest.

Not a cache: what waits in it is nowhere else, so every change is on disk before it counts (WAL, FULL).
It holds events and names of targets; addresses and secrets stay in settings.toml and the environment.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lockgate_client import LockgateClientError, sqlite_file
from store.errors import MachineryError
from store.text import one_line

State = Literal["waiting", "delivered", "dead"]
_VERSION = 1
_APPLICATION_ID = 0x4C4F474F
_BUSY_SECONDS = 30.0
_LONGEST_LEASE_S = 3600.0
_LONGEST_DELAY_S = 2 * 3600.0
"""Times further ahead than these were written under a clock that was wrong."""
_SCHEMA = """
create table meta (key text primary key, value text not null);
create table letters (
  event_id text not null, target text not null, kind text not null, body text not null,
  queued_at real not null, state text not null default 'waiting', tries integer not null default 0,
  due real not null, leased_until real not null default 0, last_try real, text text not null default '',
  primary key (event_id, target)
) without rowid;
create index letters_waiting on letters (target, due) where state = 'waiting';
"""


def _nothing(_: sqlite3.Connection) -> None:
    return None


_LAYOUT = sqlite_file.Layout(_APPLICATION_ID, _VERSION, _SCHEMA, _nothing)


@dataclass(frozen=True, slots=True)
class Letter:
    """One event for one target."""

    event_id: str
    target: str
    kind: str
    body: str
    """The JSON that is sent; empty once it was delivered."""
    queued_at: float
    """Seconds since 1970, as all times here."""
    state: State
    tries: int
    due: float
    last_try: float | None
    text: str
    """What came of the last try, as one safe line."""


_COLUMNS = ", ".join(Letter.__slots__)


class Letters:
    """The file. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Opens or makes it. Raises MachineryError."""
        self._path = path
        self._lock = threading.Lock()
        with self._told():
            self._connection = sqlite_file.connect_patiently(path, _LAYOUT, _BUSY_SECONDS)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def put(self, letters: Iterable[tuple[str, str, str, str]], now: float, mark: str | None = None) -> int:
        """Adds (event id, target, kind, body); one that was ever there is not added again.

        Returns how many are new. `mark`, where it is given, is remembered in the same step, and the first
        time also when that was.
        """
        with self._changing() as execute:
            added: int = sum(
                execute(
                    "insert or ignore into letters (event_id, target, kind, body, queued_at, due) "
                    "values (?, ?, ?, ?, ?, ?)",
                    (*letter, now, now),
                ).rowcount
                for letter in letters
            )
            if mark is not None:
                execute("insert or replace into meta values ('mark', ?)", (mark,))
                execute("insert or ignore into meta values ('since', ?)", (str(now),))
            return added

    def mark(self) -> tuple[str, float] | None:
        """What was last remembered by `put`, and when it first remembered something."""
        found = dict(self._rows("select key, value from meta", ()))
        return (str(found["mark"]), float(found["since"])) if "mark" in found else None

    def claim(self, target: str, now: float, lease_s: float, most: int) -> tuple[Letter, ...]:
        """The oldest letters that are due, which nobody else will claim for `lease_s` seconds."""
        free = (
            "state = 'waiting' and target = ? and (due <= ? or due > ?) "
            "and (leased_until <= ? or leased_until > ?)"
        )
        values = (target, now, now + _LONGEST_DELAY_S, now, now + _LONGEST_LEASE_S)
        with self._changing() as execute:
            rows = execute(
                f"select {_COLUMNS} from letters where {free} order by event_id limit ?", (*values, most)
            ).fetchall()
            for row in rows:
                execute(
                    "update letters set leased_until = ? where event_id = ? and target = ?",
                    (now + min(lease_s, _LONGEST_LEASE_S), row[0], row[1]),
                )
        return tuple(Letter(*row) for row in rows)

    def settle(self, letter: Letter, state: State, due: float, now: float, text: str) -> None:
        """Writes down what came of a try."""
        with self._changing() as execute:
            execute(
                "update letters set state = ?, tries = tries + 1, due = ?, leased_until = 0, last_try = ?, "
                "text = ?, body = case when ? = 'delivered' then '' else body end "
                "where event_id = ? and target = ?",
                (state, due, now, text, state, letter.event_id, letter.target),
            )

    def release(self, letters: Iterable[Letter]) -> None:
        """Gives back what was claimed and not tried."""
        with self._changing() as execute:
            for letter in letters:
                execute(
                    "update letters set leased_until = 0 where event_id = ? and target = ?",
                    (letter.event_id, letter.target),
                )

    def postpone(self, target: str, due: float) -> None:
        """Lets all that waits for `target` wait until `due` at least."""
        with self._changing() as execute:
            execute(
                "update letters set due = max(due, ?) where target = ? and state = 'waiting'", (due, target)
            )

    def bury(self, target: str, text: str) -> int:
        """Makes all that waits for `target` dead letters; returns how many."""
        with self._changing() as execute:
            return int(
                execute(
                    "update letters set state = 'dead', text = ? where target = ? and state = 'waiting'",
                    (text, target),
                ).rowcount
            )

    def revive(self, event_id: str | None, target: str | None, now: float) -> int:
        """Makes dead letters wait again, due now, as if never tried; returns how many."""
        with self._changing() as execute:
            return int(
                execute(
                    "update letters set state = 'waiting', tries = 0, due = ?, leased_until = 0 "
                    "where state = 'dead' and (? is null or event_id = ?) and (? is null or target = ?)",
                    (now, event_id, event_id, target, target),
                ).rowcount
            )

    def forget(self, before: float) -> int:
        """Drops letters that are over and were queued before that; returns how many."""
        with self._changing() as execute:
            return int(
                execute("delete from letters where state <> 'waiting' and queued_at < ?", (before,)).rowcount
            )

    def listed(self, state: State, most: int = 1000) -> tuple[Letter, ...]:
        """The newest letters in `state`, newest first."""
        rows = self._rows(
            f"select {_COLUMNS} from letters where state = ? order by event_id desc limit ?", (state, most)
        )
        return tuple(Letter(*row) for row in rows)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many letters there are, by target and state."""
        found: dict[str, dict[str, int]] = {}
        for target, state, count in self._rows(
            "select target, state, count(*) from letters group by target, state", ()
        ):
            found.setdefault(str(target), {})[str(state)] = int(count)
        return found

    # -- inside -------------------------------------------------------------------------------

    def _rows(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        with self._told(), self._lock:
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[Any]:
        with self._told(), self._lock:
            self._connection.execute("begin immediate")
            try:
                yield self._connection.execute
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, LockgateClientError, OSError) as error:
            raise MachineryError(
                f"{self._path} cannot be used: {one_line(str(error))}. Check the disk; a damaged file can be "
                "moved away, and what waited in it is then not delivered."
            ) from None
