"""One line of history, made from a commit and its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pygit2

from store.errors import LockgateError
from store.records.operation import Operation
from store.snapshot import Snapshot

OPERATION = "Lockgate-Op"


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit on `main`. One without a record is somebody's own commit (kind `commit`)."""

    position: int
    """Its place in the order of history, oldest first; -1 where it is not known yet."""
    commit: str
    id: str
    """The record's ULID, or an empty string."""
    kind: str
    at: datetime
    author: str
    environment: str | None
    release: str | None
    before: str | None
    after: str | None
    summary: str
    why: str
    gate: str
    components: tuple[str, ...]


def trailers(message: str) -> Mapping[str, str]:
    """The `Key: value` lines of the last paragraph of a commit message; the first of equal keys counts."""
    found: dict[str, str] = {}
    for line in message.rstrip().rsplit("\n\n", 1)[-1].splitlines():
        key, colon, value = line.partition(": ")
        if colon and key.startswith("Lockgate-"):
            found.setdefault(key, value.strip())
    return found


def entry_of(commit: pygit2.Commit, position: int = -1) -> Entry:
    """The entry of one commit. A record that cannot be read gives an entry that says so."""
    message = commit.message
    id = trailers(message).get(OPERATION, "")
    if id:
        try:
            record = Snapshot(commit).operation(id)
        except LockgateError as error:
            return _plain(commit, position, f"record {id} cannot be read: {error.message}")
        if record is not None:
            return _recorded(commit, record, position)
    return _plain(commit, position, message.split("\n", 1)[0])


def _recorded(commit: pygit2.Commit, record: Operation, position: int) -> Entry:
    return Entry(
        position=position,
        commit=str(commit.id),
        id=record.id,
        kind=record.kind,
        at=record.at,
        author=record.by.name,
        environment=record.environment,
        release=record.release,
        before=record.before,
        after=record.after,
        summary=record.summary,
        why=record.why,
        gate=record.gate,
        components=tuple(change.component for change in record.changes),
    )


def _plain(commit: pygit2.Commit, position: int, summary: str) -> Entry:
    return Entry(
        position=position,
        commit=str(commit.id),
        id="",
        kind="commit",
        at=datetime.fromtimestamp(commit.commit_time, UTC),
        author=commit.author.name,
        environment=None,
        release=None,
        before=None,
        after=None,
        summary=summary[:2000],
        why="",
        gate="none",
        components=(),
    )


def as_data(entry: Entry) -> dict[str, object]:
    """An entry as plain data."""
    return {
        "id": entry.id,
        "commit": entry.commit,
        "kind": entry.kind,
        "at": entry.at.isoformat(),
        "author": entry.author,
        "environment": entry.environment,
        "release": entry.release,
        "before": entry.before,
        "after": entry.after,
        "summary": entry.summary,
        "why": entry.why,
        "gate": entry.gate,
        "components": list(entry.components),
    }
