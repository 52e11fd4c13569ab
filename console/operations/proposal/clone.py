"""A git clone of a store as a workspace: what a CI job or a hook has, where nothing is served from."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

import pygit2

from store.clock import Clock
from store.errors import InputError, MachineryError
from store.git.repository import Store
from store.settings import Settings, load_settings
from store.text import one_line
from store.workspace import Workspace

_INCOMING = "GIT_QUARANTINE_PATH"
"""Set by git for a hook: where the objects are that are being pushed, and nowhere else yet."""


class Clone(Workspace):
    """Reads the store of the clone. Settings and the bytes of indexes come from where the job says, never
    from the clone: what somebody proposes must not decide which hosts get which keys."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Path | None = None,
        indexes: Path | None = None,
        state: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`folder` holds the clone, bare or not. What is not given: the default settings, no bytes of
        indexes, and caches inside git's own folder. Raises InputError for what is not there."""
        super().__init__(folder, clock)
        self._settings = settings
        self._git = Path(self.store.repo.path)
        self._indexes = indexes or self._git / "lockgate" / "indexes"
        self._state = state or self._git / "lockgate" / "state"
        if settings is not None and not settings.is_file():
            raise InputError(f"there is no settings file {one_line(str(settings), 120)}.")
        if indexes is not None and not indexes.is_dir():
            raise InputError(f"there is no folder {one_line(str(indexes), 120)} with the bytes of indexes.")

    @classmethod
    def around(cls, folder: Path) -> Path | None:
        """The root of the git clone that `folder` is in, or None."""
        found = pygit2.discover_repository(str(folder))
        if found is None:
            return None
        repo = pygit2.Repository(found)
        return Path(repo.workdir or repo.path)

    @cached_property
    def store(self) -> Store:
        """The store, with what is just being pushed to it."""
        store = Store(self.root)
        incoming = os.environ.get(_INCOMING)
        if incoming:
            store.repo.odb.add_disk_alternate(incoming)
        return store

    @cached_property
    def settings(self) -> Settings:
        """Of the file that the job names; else the defaults."""
        return load_settings(self._settings) if self._settings else Settings()

    @property
    def indexes(self) -> Path:
        """The bytes of index versions, where the job keeps them."""
        return self._indexes

    @property
    def state(self) -> Path:
        """Caches: answers that need not be asked for again, journals, noise floors."""
        try:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise MachineryError(
                f"{self._state} cannot be made: {one_line(str(error))}; name another folder with --state."
            ) from None
        return self._state
