"""One replayed answer held against what the user was answered, as numbers: no text is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from typing import Any, Literal

from evals.live.work_file import WorkFile

ComparedArm = Literal["candidate", "again"]
"""again: what stable answers when it is asked once more."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One answer of the shadow, or of stable again. None: not known."""

    request_id: str
    arm: ComparedArm
    at: float
    """When it was made, in seconds since 1970."""
    unit: bytes | None
    category: str
    failed: bool
    """No answer came."""
    overlap: float | None = None
    """The share of the retrieved passages that both have, 0 to 1."""
    ranked: float | None = None
    """Rank-biased overlap of them, 0 to 1."""
    similarity: float | None = None
    """Of the two answers, 0 to 1: cosine of their embeddings."""
    same: bool | None = None
    """The very same words."""
    quality: float | None = None
    """By the suite's graders, 0 to 1."""
    harmful: int | None = None
    """0: looked at and not; 1: called so; 2: and confirmed."""
    latency_ms: float | None = None
    tokens: int | None = None
    usd: float | None = None
    preferred: int | None = None
    """By a judge, to stable's second answer: 1; 0: a tie; -1: that one was preferred. Of the shadow only."""


_NAMES = tuple(one.name for one in fields(Comparison))
_INSERT = f"""insert into comparisons (job, {", ".join(_NAMES)})
values ({", ".join("?" * (1 + len(_NAMES)))}) on conflict do nothing"""
_SELECT = f"select id, {', '.join(_NAMES)} from comparisons where job = ? and id > ? order by id limit ?"
_PIECE = 50_000


def insert(connection: sqlite3.Connection, job: str, rows: Iterable[Comparison]) -> None:
    """Writes `rows` of `job`; one that is there already stays. Within a transaction."""
    connection.executemany(_INSERT, [(job, *astuple(row)) for row in rows])


def read(file: WorkFile, job: str, after: int) -> list[tuple[int, Comparison]]:
    """The comparisons of `job` with a number above `after`, in order, with their numbers."""
    return [(int(row[0]), _comparison(row[1:])) for row in file.rows(_SELECT, (job, after, _PIECE))]


def _comparison(row: tuple[Any, ...]) -> Comparison:
    found = dict(zip(_NAMES, row, strict=True))
    found["failed"] = bool(found["failed"])
    found["same"] = None if found["same"] is None else bool(found["same"])
    return Comparison(**found)
