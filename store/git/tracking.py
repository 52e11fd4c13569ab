"""What was seen of a remote last (refs/remotes/origin/main), and commits that were put aside."""

from __future__ import annotations

import time
from pathlib import Path

import pygit2

from store.errors import MachineryError, StaleTip
from store.git.repository import Store
from store.text import one_line

SEEN = "refs/remotes/origin/main"
ASIDE = "refs/lockgate/aside/"
_TRIES = 20
_PAUSE_SECONDS = 0.1
_DEAD_SECONDS = 1.0
"""A lock on SEEN that is older was left by a process that was killed: a living one holds it for milliseconds,
and what it guards can be looked up again."""


def seen(store: Store) -> str | None:
    """The commit (40 hex) that the remote's main had when it was last looked at; None before that."""
    try:
        found = store.repo.references.get(SEEN)
        return None if found is None else str(found.target)
    except (pygit2.GitError, OSError, ValueError) as error:
        raise MachineryError(f"{store.path}: {SEEN} cannot be read ({one_line(str(error))}).") from None


def saw(store: Store, commit: str) -> None:
    """Remembers that the remote's main has `commit`, unless something newer was seen meanwhile."""
    for _ in range(_TRIES):
        try:
            found = store.repo.references.get(SEEN)
            if found is None:
                store.repo.references.create(SEEN, commit, force=False)
            elif str(found.target) != commit and store.is_ancestor(str(found.target), commit):
                found.set_target(commit, "lockgate")
            return
        except (pygit2.GitError, OSError, ValueError):
            if not clear_dead_lock(store.path):  # somebody remembers at the same moment, or has just died
                time.sleep(_PAUSE_SECONDS)


def clear_dead_lock(gitdir: Path) -> bool:
    """Removes the lock on SEEN that a killed process left; True when there was one."""
    lock = gitdir / f"{SEEN}.lock"
    try:
        if time.time() - lock.stat().st_mtime < _DEAD_SECONDS:
            return False
        lock.unlink()
    except OSError:
        return False
    return True


def forget(store: Store, commit: str) -> None:
    """Takes back that `commit` was seen: it is of another store."""
    found = store.repo.references.get(SEEN)
    if found is not None and str(found.target) == commit:
        found.delete()


def put_aside(store: Store, id: str, commit: str) -> str:
    """Keeps `commit`, and all that it stands on, under the name `id` (a ULID); returns the ref."""
    name = f"{ASIDE}{id}"
    try:
        store.repo.references.create(name, commit, force=False)
    except (pygit2.GitError, OSError, ValueError) as error:
        raise StaleTip(f"{name} could not be made: {one_line(str(error))}; nothing was changed.") from None
    return name


def aside(store: Store) -> tuple[str, ...]:
    """The refs of what was put aside, oldest first."""
    return tuple(sorted(one for one in store.repo.references if one.startswith(ASIDE)))
