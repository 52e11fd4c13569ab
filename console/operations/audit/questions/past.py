"""What happened, read once for a question: entries of the log with their records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pygit2

from console.operations.audit.questions.answer import Asked
from store.errors import LockgateError
from store.git import objects, tree
from store.history.entry import Entry
from store.history.reading import Filter, History
from store.progress import Report, silent
from store.records.operation import Operation
from store.snapshot import Snapshot
from store.workspace import Workspace

_PAGE = 1000
_NEAR = 8


@dataclass(frozen=True, slots=True)
class Happened:
    """One commit on `main`."""

    entry: Entry
    record: Operation | None
    """None for a commit without a record, and for a record that cannot be read."""


class Past:
    """The log up to the tip."""

    def __init__(self, workspace: Workspace, report: Report = silent) -> None:
        self.workspace = workspace
        self.now: Snapshot = workspace.store.at()
        self._report = report
        self._blobs: dict[tuple[pygit2.Oid, str], pygit2.Oid | None] = {}
        """The last few files, by commit: a commit's parent comes next."""

    def entries(self, asked: Asked, *kinds: str) -> Iterator[Entry]:
        """Newest first; of `kinds` only, where some are named."""
        with closing(History(self.workspace)) as history:
            history.refresh(self._report)
            chosen = Filter(environment=asked.environment, since=asked.since, until=asked.until)
            before: int | None = None
            while page := history.page(chosen, before, _PAGE):
                yield from (one for one in page if not kinds or one.kind in kinds)
                before = page[-1].position

    def happened(self, asked: Asked, *kinds: str) -> Iterator[Happened]:
        """The same with their records."""
        return (Happened(one, self.record(one.id)) for one in self.entries(asked, *kinds))

    def record(self, id: str) -> Operation | None:
        """The record `id`, as far as it can be read."""
        try:
            return self.now.operation(id) if id else None
        except LockgateError:  # `lockgate check` names it
            return None

    def changed(self, id: str, path: str) -> bool:
        """Whether the commit `id` changed the file at `path`, against its first parent where that is here."""
        repo = self.workspace.store.repo
        commit = objects.commit(repo, id)
        before = next((self._blob(one, path) for one in commit.parent_ids[:1] if one in repo), None)
        return self._blob(commit.id, path) != before

    def _blob(self, id: pygit2.Oid, path: str) -> pygit2.Oid | None:
        if (id, path) not in self._blobs:
            while len(self._blobs) >= _NEAR:
                self._blobs.pop(next(iter(self._blobs)))
            repo = self.workspace.store.repo
            root = objects.subtree(repo, objects.commit(repo, id).tree_id, "the root folder")
            found = tree.entry(repo, root, path)
            self._blobs[id, path] = found.id if found is not None else None
        return self._blobs[id, path]
