"""work.sqlite: which sampled requests were graded or replayed, by whom, at what cost, with what result.

Any number of workers share one file: a claim with a lease sees to it that each request is done once,
and calls are booked before they are made, so that caps hold for all workers together. It holds no
text of users or models. Local evidence: delete it, and what is still in requests.sqlite is done anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lockgate_client import LockgateClientError, sqlite_file
from store.errors import MachineryError
from store.text import one_line

VERSION = 2
APPLICATION_ID = 0x4C4F4357
TRIES = 3
"""How often one request is begun; after that it counts as failed."""
_BUSY_SECONDS = 10.0
_KEPT_DAYS = 60

_SCHEMA = """
create table claims (
  job text not null,                     -- grade/<attempt>, or shadow/<attempt>/<release>/<stable>
  request_id text not null,
  state text not null,                   -- working, done, failed, dropped (too old), repeat (of a user)
  worker text not null,
  until real not null,                   -- of the lease, in seconds since 1970
  tries integer not null,
  at real not null,                      -- when the state was last written
  primary key (job, request_id)
) without rowid;
create table calls (
  id integer primary key,
  bucket text not null,                  -- whose caps they count against
  at real not null,
  usd real not null                      -- booked before the call, corrected after it
);
create index calls_by_time on calls (bucket, at);
create table comparisons (               -- one answer held against what the user was answered
  id integer primary key autoincrement,
  job text not null,
  request_id text not null,
  arm text not null,                     -- candidate, or again: stable once more
  at real not null,
  unit blob,
  category text not null,
  failed integer not null,               -- 1: no answer came
  overlap real,                          -- of the retrieved passages, 0 to 1; null: not known
  ranked real,                           -- rank-biased overlap of them
  similarity real,                       -- of the answers, 0 to 1
  same integer,                          -- 1: the very same words
  quality real,                          -- by the suite's graders
  harmful integer,                       -- 1: called so; 2: and confirmed; 0: looked at and not
  latency_ms real,
  tokens integer,
  usd real,
  preferred integer,                     -- by a judge, to stable's second answer: 1; -1: not; 0: a tie
  unique (job, request_id, arm)
);
create index comparisons_by_job on comparisons (job, id);
"""


def _nothing(_: sqlite3.Connection) -> None:
    return None


_LAYOUT = sqlite_file.Layout(APPLICATION_ID, VERSION, _SCHEMA, _nothing)


class WorkFile:
    """One work.sqlite. Safe to use from several threads and processes: each call opens it anew.

    Every method raises MachineryError when the file cannot be used. Times are seconds since 1970.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, job: str, request_id: str, worker: str, now: float, lease_s: float) -> bool:
        """Whether `request_id` is `worker`'s to do for `lease_s` seconds. Also where a lease ran out."""
        with self.transaction() as connection:
            row = connection.execute(
                "select state, until, tries from claims where job = ? and request_id = ?", (job, request_id)
            ).fetchone()
            if row is not None and (row[0] != "working" or row[1] > now):
                return False
            tries = 0 if row is None else row[2]
            state = "working" if tries < TRIES else "failed"
            connection.execute(
                "insert into claims values (?, ?, ?, ?, ?, ?, ?) on conflict do update set"
                " state = excluded.state, worker = excluded.worker, until = excluded.until,"
                " tries = excluded.tries, at = excluded.at",
                (job, request_id, state, worker, now + lease_s, tries + 1, now),
            )
            return state == "working"

    def settle(self, job: str, ids: Iterable[str], state: str, now: float) -> None:
        """Writes down how `ids` ended, claimed or not."""
        with self.transaction() as connection:
            settle(connection, job, ids, state, now)

    def release(self, job: str, request_id: str, worker: str, now: float, wait_s: float) -> None:
        """Gives a claim back, to be taken by anybody `wait_s` seconds from now."""
        with self.transaction() as connection:
            connection.execute(
                "update claims set until = ?, at = ? where job = ? and request_id = ? and worker = ?",
                (now + wait_s, now, job, request_id, worker),
            )

    def unclaim(self, job: str, request_id: str, worker: str) -> None:
        """Undoes a claim for which nothing was tried."""
        with self.transaction() as connection:
            connection.execute(
                "delete from claims where job = ? and request_id = ? and worker = ? and tries = 1",
                (job, request_id, worker),
            )
            connection.execute(
                "update claims set until = 0, tries = tries - 1"
                " where job = ? and request_id = ? and worker = ?",
                (job, request_id, worker),
            )

    def states_of(self, job: str, ids: Sequence[str], now: float) -> dict[str, str]:
        """The state of each of `ids` that somebody has or had; one whose lease ran out is nobody's."""
        with self.opened() as connection:
            rows = connection.execute(
                "select request_id, state from json_each(?) join claims on request_id = value"
                " where job = ? and (state != 'working' or until > ?)",
                (json.dumps(ids), job, now),
            )
            return dict(rows.fetchall())

    def states(self, job: str) -> dict[str, int]:
        """How many requests of `job` are in which state."""
        with self.opened() as connection:
            rows = connection.execute(
                "select state, count(*) from claims where job = ? group by state", (job,)
            )
            return dict(rows.fetchall())

    def units(self, job: str, after: int) -> tuple[set[bytes], int]:
        """The users of comparisons of `job` with a number above `after`, and the highest number."""
        with self.opened() as connection:
            rows = connection.execute(
                "select unit, id from comparisons where job = ? and id > ? order by id", (job, after)
            ).fetchall()
        return {unit for unit, _ in rows if unit is not None}, rows[-1][1] if rows else after

    def prune(self, now: float) -> None:
        """Forgets what is older than 60 days."""
        with self.transaction() as connection:
            for table in ("claims", "calls", "comparisons"):
                connection.execute(f"delete from {table} where at < ?", (now - _KEPT_DAYS * 86_400,))

    def rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """What `query` gives."""
        with self.opened() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside or nothing."""
        with self.opened() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise
            connection.execute("commit")

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """A connection to it. What goes wrong with the file is a MachineryError of one sentence."""
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite_file.connect_patiently(self.path, _LAYOUT, _BUSY_SECONDS)
            _bring_up_to_date(connection)
            # What a power cut takes is done anew; a killed process loses nothing.
            connection.execute("pragma synchronous = normal")
            yield connection
        except LockgateClientError as error:
            raise MachineryError(one_line(f"{error}.", 400)) from None
        except (sqlite3.Error, OSError) as error:
            raise MachineryError(
                f"{self.path} cannot be used ({one_line(str(error))}). Where it is damaged, move it away: "
                "a new one is begun."
            ) from None
        finally:
            if connection is not None:
                connection.close()


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """A file of version 1 has no preferences."""
    if connection.execute("pragma user_version").fetchone()[0] == VERSION:
        return
    connection.execute("begin immediate")
    if connection.execute("pragma user_version").fetchone()[0] < VERSION:
        connection.execute("alter table comparisons add column preferred integer")
        connection.execute(f"pragma user_version = {VERSION}")
    connection.execute("commit")


def settle(connection: sqlite3.Connection, job: str, ids: Iterable[str], state: str, now: float) -> None:
    """Writes down how `ids` ended, claimed or not. Within a transaction."""
    connection.executemany(
        "insert into claims values (?, ?, ?, '', 0, 1, ?) on conflict do update set"
        " state = excluded.state, at = excluded.at",
        [(job, one, state, now) for one in ids],
    )
