"""The store: a bare git repository with one branch, `main`, and one way to change it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pygit2

from store.errors import InputError, MachineryError, StaleTip
from store.git import durability, lock, log, making, objects, recovery, tree
from store.records.base import Person
from store.snapshot import Snapshot
from store.text import one_line

MAIN = "refs/heads/main"
_LOCK = "lockgate.lock"
_BUSY = ("failed to lock file", "failed to create locked file", "unable to lock", "locked")
_MOVED = ("old reference value does not match", "current tip is not the first parent")
_TRIES = 40


class Store:
    """Reads any commit, writes one commit at a time onto `main`."""

    def __init__(self, path: Path, signing: making.Ask = making.nobody) -> None:
        """Opens the bare repository at `path`, whose commits `signing` signs. Raises InputError when there is
        none."""
        try:
            self.repo = durability.opened(path, MAIN)
        except (pygit2.GitError, KeyError) as error:
            raise InputError(f"{path} is not a Lockgate store: {one_line(str(error))}.") from None
        self.path = path
        self.signing = signing

    @classmethod
    def create(cls, path: Path, signing: making.Ask = making.nobody) -> Store:
        """Makes an empty bare repository at `path`, which must not exist. Raises MachineryError."""
        try:
            repo = pygit2.init_repository(str(path), bare=True, initial_head="main")
            repo.config["core.logAllRefUpdates"] = True  # a forensic aid; nothing reads it
        except (pygit2.GitError, OSError) as error:
            raise durability.disk_trouble(error, path) from error
        return cls(path, signing)

    def tip(self) -> str:
        """The commit (40 hex) that `main` points to. Raises MachineryError when it is unreadable."""
        try:
            return str(self.repo.references[MAIN].target)
        except (KeyError, pygit2.GitError, OSError) as error:
            raise MachineryError(
                f"{self.path}: `main` cannot be read ({one_line(str(error))}); "
                "run `git fsck` there, or restore the store from a clone."
            ) from None

    def at(self, commit: str | None = None) -> Snapshot:
        """The store as it was at `commit` (40 hex, or a unique prefix), or is now.

        Raises InputError when there is none, MachineryError when it is damaged.
        """
        if commit is None:
            return Snapshot(self.repo, objects.commit(self.repo, self.tip()))
        found = objects.find_commit(self.repo, commit)
        if found is None:
            raise InputError(f"there is no commit {one_line(commit, 50)} in the store.")
        return Snapshot(self.repo, found)

    def commit(self, id: str) -> pygit2.Commit:
        """The commit `id` (40 hex). Raises MachineryError when it is damaged or missing."""
        return objects.commit(self.repo, id)

    def commits(self, start: str | None = None, *, lazy: bool = False) -> Iterator[pygit2.Commit]:
        """Commits from `start` (the tip) back, newest first.

        A child always comes before its parents, which makes git read all of them first; `lazy` goes
        by commit times instead and reads only what is taken.
        """
        start = start or self.tip()
        if lazy:
            yield from log.lazily(self.repo, start)
        else:
            yield from map(self.commit, self.history(start))

    def history(self, start: str) -> tuple[str, ...]:
        """The ids (40 hex) of `start` and all that it stands on, each before its parents."""
        return log.Since(self.repo, start).newest_first()

    def since(self, older: str, newer: str) -> tuple[str, ...] | None:
        """The ids of the commits after `older` that `newer` stands on, newest first; None where `newer`
        does not stand on `older`."""
        found = log.Since(self.repo, newer, older)
        return found.newest_first() if found.stands_on_hidden else None

    def is_ancestor(self, older: str, newer: str) -> bool:
        """True when `newer` is `older` or stands on it; False for an unknown commit."""
        known = older in self.repo and newer in self.repo
        return known and log.Since(self.repo, newer, older).stands_on_hidden

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Holds the store's lock, with the leftovers of a dead writer cleared."""
        with lock.held(self.path / _LOCK):
            recovery.recover(self.path)
            try:
                yield Writer(self)
            finally:
                recovery.end(self.path)


class Writer:
    """The one commit path. Made by `Store.writing`, valid while it is held."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.unsigned: str | None = None
        """Why the last commit is not signed although this machine signs."""

    def commit(
        self,
        parent: str | None,
        files: Mapping[str, bytes],
        message: str,
        author: Person,
        at: datetime,
        *,
        publish: Callable[[str], None] | None = None,
        takes_back: bool = False,
    ) -> str:
        """Lands `files` on top of `parent` and moves `main` to it; returns the commit (40 hex).

        Where it `takes_back`, it lands without a signature if there is none to be had, and `unsigned` says
        why. `publish` is called with the commit once it is on disk, before `main` moves; what it raises stops
        the move. Refuses a change that changes nothing (InputError). Raises StaleTip when `main` is no
        longer at `parent`, MachineryError when the disk or signing fails. When it returns, the commit is on
        disk.
        """
        try:
            oid = self._write(parent, files, message, author, at, takes_back)
            self._land(parent, oid, publish)
        except OSError as error:
            raise durability.disk_trouble(error, self.store.path) from error
        return str(oid)

    def prepare(
        self, parent: str, files: Mapping[str, bytes], message: str, author: Person, at: datetime
    ) -> str:
        """A commit of `files` on `parent` that nothing points to yet. Raises as `commit` does."""
        try:
            oid = self._write(parent, files, message, author, at)
            durability.sync_objects(self.store.path)
            return str(oid)
        except OSError as error:
            raise durability.disk_trouble(error, self.store.path) from error

    def follow(self, tip: str | None, commit: str) -> None:
        """Moves `main` from `tip` (None where there is none yet) to `commit`, which is in the repository.

        Raises as `commit` does.
        """
        try:
            self._land(tip, self.store.commit(commit).id, None)
        except OSError as error:
            raise durability.disk_trouble(error, self.store.path) from error

    def _land(self, parent: str | None, oid: pygit2.Oid, publish: Callable[[str], None] | None) -> None:
        try:
            intent = recovery.announce(self.store.path, str(oid))
            durability.sync_objects(self.store.path, intent)  # so no lock of ours is older than it
            if publish is not None:
                publish(str(oid))
            self._move(self.store.repo, parent, oid)
        finally:
            recovery.clear_lock(self.store.path, str(oid))
            recovery.done(self.store.path)

    def _write(
        self,
        parent: str | None,
        files: Mapping[str, bytes],
        message: str,
        author: Person,
        at: datetime,
        takes_back: bool = False,
    ) -> pygit2.Oid:
        signature = making.asked(self.store.signing, may_fail=takes_back)
        recovery.begin(self.store.path)
        with durability.objects_on_disk():
            made = making.commit(self.store.repo, self._draft(parent, files, message, author, at), signature)
        self.unsigned = made.unsigned
        return made.id

    def _draft(
        self, parent: str | None, files: Mapping[str, bytes], message: str, author: Person, at: datetime
    ) -> making.Draft:
        repo = self.store.repo
        base = objects.subtree(repo, self.store.commit(parent).tree_id, "the root folder") if parent else None
        new_tree = tree.with_files(repo, base, files)
        if base is not None and new_tree == base.id:
            raise InputError("that would change nothing; no commit was made.")
        who = making.who(author, int(at.timestamp()))
        return making.Draft(who, who, message, new_tree, [parent] if parent else [])

    def _move(self, repo: pygit2.Repository, parent: str | None, oid: pygit2.Oid) -> None:
        """Compare-and-swap of `main`; waits for somebody else's ref lock, which libgit2 never does."""
        for attempt in range(_TRIES):
            try:
                self._swap(repo, parent, oid)
                return
            except (pygit2.GitError, OSError, ValueError) as error:
                text = str(error)
                if any(words in text for words in _MOVED):
                    raise StaleTip("`main` moved while this was being written.") from None
                busy = any(words in text for words in _BUSY) and "No space" not in text
                if not busy:
                    if isinstance(error, OSError):
                        raise
                    raise MachineryError(f"`main` could not be moved: {one_line(text)}.") from None
                if attempt == _TRIES - 1:
                    raise MachineryError(
                        f"{self.store.path}/{MAIN}.lock is held by another git process; nothing was "
                        "changed. If no git is running there, remove that file."
                    ) from None
                time.sleep(random.uniform(0.01, 0.08))

    def _swap(self, repo: pygit2.Repository, parent: str | None, oid: pygit2.Oid) -> None:
        if parent is None:
            repo.references.create(MAIN, oid, force=False)
            return
        reference = repo.references[MAIN]
        if str(reference.target) != parent:
            raise StaleTip("`main` moved while this was being written.")
        reference.set_target(oid, "lockgate")  # compares with the value just read, under the ref's lock
