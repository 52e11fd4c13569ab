"""A workspace: the folder that holds a store, index bytes, live documents and this machine's settings.

Git and the record models are imported when they are first asked for: the console paints before that.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from store.clock import Clock, SystemClock
from store.errors import InputError, MachineryError
from store.records.component import check_name
from store.text import one_line

if TYPE_CHECKING:
    from store.git.repository import Store
    from store.records.base import Person
    from store.settings import Settings
    from store.signing.signer import Signing

STORE = "store.git"


class Workspace:
    """Paths and the few things that every operation needs. Opening one touches nothing but settings.toml."""

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        self.root = root
        self.clock: Clock = clock or SystemClock()

    @classmethod
    def find(cls, path: Path | str | None = None, clock: Clock | None = None) -> Workspace:
        """The workspace at `path`, at LOCKGATE_WORKSPACE, or that holds the current folder.

        Raises InputError when there is none.
        """
        named = path or os.environ.get("LOCKGATE_WORKSPACE")
        if named:
            root = Path(named).expanduser().resolve()
            if not (root / STORE).is_dir():
                shown = one_line(str(named))
                raise InputError(f"{shown} is no Lockgate workspace; `lockgate init {shown}` makes one.")
            return cls(root, clock)
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / STORE).is_dir():
                return cls(folder, clock)
        raise InputError(
            "this folder is in no Lockgate workspace: -C PATH names one, `lockgate init PATH` makes one, "
            "`lockgate demo` shows one."
        )

    @cached_property
    def store(self) -> Store:
        """The git store."""
        from store.git.repository import Store

        return Store(self.root / STORE, self._signing)

    def _signing(self) -> Signing | None:
        from store.signing.settled import signing

        return signing(self.settings, self.person)

    @cached_property
    def settings(self) -> Settings:
        """settings.toml."""
        from store.settings import load_settings

        return load_settings(self.root / "settings.toml")

    @cached_property
    def person(self) -> Person:
        """Who is acting; where settings.toml cannot be read, as git knows them: a rollback must not wait."""
        from store.identity import whoami
        from store.settings import Settings

        try:
            return whoami(self.settings)
        except InputError:
            return whoami(Settings())

    @property
    def indexes(self) -> Path:
        """The bytes of index versions."""
        return self.root / "indexes"

    @property
    def state(self) -> Path:
        """Caches, safe to delete, and observations.sqlite, which is evidence."""
        folder = self.root / "state"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise MachineryError(f"{folder} cannot be made: {one_line(str(error))}.") from None
        return folder

    def live(self, environment: str) -> Path:
        """The live document that running applications read."""
        return self.root / "live" / f"{check_name(environment, 'environment')}.json"
