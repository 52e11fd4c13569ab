"""One commit as a change: what it says of itself, and what it did to the files of the store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from store.clock import from_epoch
from store.errors import InputError
from store.records.environment import Environment
from store.records.operation import Operation
from store.signing.commits import RawCommit
from store.snapshot import Snapshot, record_path

_RECORD = re.compile(rb"^Lockgate-Op: ([0-9A-Z]{26})$", re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """A commit on its first parent. Reading raises LockgateError for what is malformed or damaged."""

    id: str
    commit: RawCommit
    paths: Mapping[str, bool]
    """The files that it touches; True for those that were there before."""
    before: Snapshot | None
    """The store that it stands on; None where it stands on nothing that is here."""
    after: Snapshot
    """The store with it."""

    @cached_property
    def record_id(self) -> str | None:
        """The record that its message names."""
        found = _RECORD.search(self.commit.message)
        return found[1].decode() if found else None

    @cached_property
    def record(self) -> Operation | None:
        """That record, where the commit brings it. Raises InputError where it is malformed."""
        if self.record_id is None:
            return None
        try:
            path = record_path(self.record_id)
        except InputError:
            return None
        return self.after.operation(self.record_id) if self.paths.get(path) is False else None

    @cached_property
    def author(self) -> str:
        """The author's address."""
        return self.commit.author.partition(b"<")[2].partition(b">")[0].decode(errors="replace")

    @cached_property
    def written_at(self) -> datetime:
        """When its author wrote it."""
        seconds = self.commit.author.rpartition(b">")[2].split()
        return from_epoch(int(seconds[0])) if seconds and seconds[0].isdigit() else self.commit.at

    def pointers(self) -> list[tuple[Environment, Environment]]:
        """Each environment that it moved, as it was and as it is."""
        assert self.before is not None
        names = [
            path.removeprefix("environments/").removesuffix(".toml")
            for path in self.paths
            if path.startswith("environments/")
        ]
        found = []
        for name in names:
            path = f"environments/{name}.toml"
            is_now = self.after.record(Environment, path)
            if is_now is not None:
                found.append((self.before.record(Environment, path) or Environment(name=name), is_now))
        return found
