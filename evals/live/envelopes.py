"""Sampled requests as whoever grades or replays them reads them: state/requests.sqlite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.case import Input
from lockgate_client import LockgateClientError
from lockgate_client.requests import KEPT_DAYS, connect, forget_before
from lockgate_client.sqlite_file import identity
from store.bounded import parse_json, validate
from store.errors import InputError, MachineryError
from store.records.base import Strict
from store.text import one_line

_BUSY_MS = 10_000
_COLUMNS = (
    "id, request_id, at, environment, release, arm, generation, unit, category, input, answer, retrieved"
)


class _Asked(Strict):
    input: Input


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of an envelope without what it holds."""

    id: int
    request_id: str
    at: float
    """Seconds since 1970."""
    release: str
    arm: str
    """canary, control or stable."""
    generation: int
    unit: bytes | None


@dataclass(frozen=True, slots=True)
class Captured:
    """One request with what the user wrote. Everything in it is foreign text."""

    mark: Mark
    environment: str
    category: str
    input: Input
    answer: str | None
    """None where the application did not say."""
    retrieved: tuple[str, ...] | None
    """Ids of passages, nearest first; None where the application did not say."""


class Envelopes:
    """One requests.sqlite. A file that is not there holds nothing.

    Every method raises MachineryError when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode of the file; another one is another file, with numbers of its own."""
        return identity(self._path)

    def marks(self, environment: str, generation: int, after: int = 0) -> list[Mark]:
        """Those of `environment` that were served from `generation` on, with a number above `after`; oldest
        first."""
        with self._opened() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "select id, request_id, at, release, arm, generation, unit from envelopes"
                " where id > ? and environment = ? and generation >= ? order by id",
                (after, environment, generation),
            )
            return [Mark(*row) for row in rows]

    def read(self, id: int) -> Captured | None:
        """The envelope with the number `id`; None where it is gone, or is none that can be read."""
        return next(iter(self._read("id = ?", (id,))), None)

    def find(self, request_id: str) -> Captured | None:
        """The envelope of one request; None where there is none, or none that can be read."""
        return next(iter(self._read("request_id = ?", (request_id,))), None)

    def newest(self, count: int, environment: str | None = None) -> list[Captured]:
        """The `count` newest, newest first; of one environment or of all."""
        where, values = ("1", ()) if environment is None else ("environment = ?", (environment,))
        return self._read(f"{where} order by id desc limit ?", (*values, count))

    def dropped(self) -> int:
        """Sampled requests that clients counted and that are not here."""
        with self._opened() as connection:
            if connection is None:
                return 0
            return int(connection.execute("select coalesce(sum(count), 0) from drops").fetchone()[0])

    def prune(self, now: float, days: float = KEPT_DAYS) -> int:
        """Forgets what is older than `days`; returns how many."""
        with self._opened() as connection:
            if connection is None:
                return 0
            connection.execute("begin immediate")
            gone = forget_before(connection, now - days * 86_400)
            connection.execute("commit")
            if gone:
                connection.execute("pragma wal_checkpoint(truncate)")
            return gone

    def _read(self, where: str, values: tuple[object, ...]) -> list[Captured]:
        with self._opened() as connection:
            if connection is None:
                return []
            rows = connection.execute(f"select {_COLUMNS} from envelopes where {where}", values).fetchall()
        return [one for row in rows if (one := _captured(row)) is not None]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        connection: sqlite3.Connection | None = None
        try:
            if self._path.exists():
                connection = connect(self._path)
                connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            yield connection
        except LockgateClientError as error:
            raise MachineryError(one_line(f"{error}.", 400)) from None
        except (sqlite3.Error, OSError) as error:
            raise MachineryError(
                f"{self._path} cannot be used ({one_line(str(error))}). Where it is damaged, move it away: "
                "applications start a new one."
            ) from None
        finally:
            if connection is not None:
                connection.close()


def _captured(row: tuple[Any, ...]) -> Captured | None:
    id, request_id, at, environment, release, arm, generation, unit, category, *texts = row
    try:
        asked, answer, retrieved = _input(texts[0]), texts[1], _ids(texts[2])
    except (InputError, ValueError, TypeError, AttributeError):
        return None
    mark = Mark(id, request_id, at, release, arm, generation, unit)
    return Captured(mark, environment, category, asked, answer, retrieved)


def _input(text: str) -> Input:
    return validate(_Asked, {"input": parse_json(text.encode(), "an envelope")}, "an envelope").input


def _ids(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    value = json.loads(text)
    return tuple(one for one in value if isinstance(one, str))
