"""One line of history, made from a commit and its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pygit2

from store.clock import from_epoch
from store.errors import LockgateError
from store.git.repository import Store
from store.records.operation import Operation
from store.snapshot import Snapshot, record_path

OPERATION = "Lockgate-Op"
_NEAR = 8


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


class Entries:
    """Makes the entries of commits that come in either order of history."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._near: dict[pygit2.Oid, Snapshot] = {}
        """The last few, by commit: a commit is compared with its parents, which come just before or after."""

    def of(self, commit: pygit2.Commit, position: int = -1) -> Entry:
        """The entry of one commit. A record that cannot be read gives an entry that says so.

        A record belongs to the commit that brought it: a trailer that was copied into another message
        (a squash, a revert, a cherry-pick, by hand) makes that one no second operation.
        """
        message = _message(commit)
        id = trailers(message).get(OPERATION, "")
        if id:
            try:
                record = self._snapshot(commit).operation(id)
                if record is not None and self._brought(commit, record_path(id)):
                    return _recorded(commit, record, position)
            except LockgateError as error:
                return _plain(commit, position, f"record {id} cannot be read: {error.message}")
        return _plain(commit, position, message.split("\n", 1)[0])

    def _brought(self, commit: pygit2.Commit, path: str) -> bool:
        """Whether the file at `path` is new in `commit`: no parent (a shallow clone lacks some) has it."""
        for parent in commit.parent_ids:
            if parent not in self._store.repo:
                continue
            near = self._near.get(parent) or self._snapshot(self._store.commit(str(parent)))
            if near.has(path):
                return False
        return True

    def _snapshot(self, commit: pygit2.Commit) -> Snapshot:
        if commit.id not in self._near:
            while len(self._near) >= _NEAR:
                self._near.pop(next(iter(self._near)))
            self._near[commit.id] = Snapshot(self._store.repo, commit)
        return self._near[commit.id]


def entry_of(store: Store, commit: pygit2.Commit) -> Entry:
    """The entry of one commit by itself; for many, `Entries` reads less."""
    return Entries(store).of(commit)


def _message(commit: pygit2.Commit) -> str:
    try:
        return str(commit.message)
    except (LookupError, UnicodeDecodeError):  # not in the encoding it names, or one that nobody knows
        return str(commit.raw_message.decode(errors="replace"))


def _author(commit: pygit2.Commit) -> str:
    try:
        return str(commit.author.name)
    except (LookupError, UnicodeDecodeError):
        return str(commit.author.raw_name.decode(errors="replace"))


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
        at=from_epoch(commit.commit_time),
        author=_author(commit),
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
