"""The commits that are only here, and what each of them recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from console.operations.sync.taken import Local
from store.errors import InputError, MachineryError
from store.git import replay
from store.git.apart import Apart
from store.git.repository import Store
from store.records.operation import Operation

_RECORD = re.compile(r"records/\d{4}/\d{2}/([0-9A-Z]{26})\.toml")


class NotOurs(MachineryError):
    """The remote holds a store that has nothing in common with this one."""


def only_here(store: Store, found: Apart, *, replayed: bool) -> tuple[Local, ...]:
    """What is only here of `found`, oldest first.

    Raises NotOurs when the two sides have nothing in common; where it is to be `replayed`, MachineryError
    when one of the commits is a merge, which cannot be.
    """
    if not found.has_common:
        raise NotOurs("it is another store: the two have no commit in common.")
    commits = tuple(reversed(found.ours))
    for id in commits if replayed else ():
        if len(store.commit(id).parent_ids) > 1:
            raise MachineryError(
                f"commit {id[:10]}, which is only here, is a merge and cannot be replayed; nothing was "
                "changed. Push it with git, or `lockgate sync --take-remote` puts it aside."
            )
    return tuple(Local(id, record_in(store, id)) for id in commits)


def record_in(store: Store, commit: str) -> Operation | None:
    """The record that `commit` brought; None for a commit that was made with git."""
    for path, (was, now) in replay.changed(store.repo, commit).items():
        found = _RECORD.fullmatch(path)
        if found is not None and was is None and now is not None:
            try:
                return store.at(commit).operation(found[1])
            except InputError:
                return None
    return None


def last_that_changed(store: Store, path: str, commits: Sequence[str]) -> Operation | None:
    """The record of the first of `commits` that changed `path`."""
    for id in commits:
        if path in replay.changed(store.repo, id):
            return record_in(store, id)
    return None
