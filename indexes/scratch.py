"""Folders for work in progress, and how those of a killed worker are told from those of a live one.

`tmp/<token>/` belongs to whoever holds a flock on `tmp/<token>.lock`. The kernel lets go of it
the moment its holder dies, so a lock that can be taken marks leftovers.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from indexes.disk import make_folder

_LOCK = ".lock"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A new empty folder in `folder`, removed at the end with what is left in it. Raises OSError.

    Leftovers of dead workers are removed first.
    """
    make_folder(folder)
    sweep(folder)
    token, handle = _take_new(folder)
    mine = folder / token
    try:
        mine.mkdir()
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)
        with suppress(OSError):  # what made the work fail is what is to be told
            (folder / f"{token}{_LOCK}").unlink(missing_ok=True)
        os.close(handle)


def sweep(folder: Path) -> None:
    """Removes what killed workers left in `folder`; what live ones use is not touched."""
    if not folder.is_dir():
        return
    tokens = {path.name.removesuffix(_LOCK) for path in folder.iterdir()}
    for token in tokens:
        _remove_if_dead(folder, token)


def _remove_if_dead(folder: Path, token: str) -> None:
    lock = folder / f"{token}{_LOCK}"
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder / token, ignore_errors=True)
        with suppress(OSError):
            lock.unlink()
    except BlockingIOError:
        pass
    finally:
        os.close(handle)


def _take_new(folder: Path) -> tuple[str, int]:
    """A token whose lock file is there, ours, and was not swept between its making and its locking."""
    while True:
        token = secrets.token_hex(8)
        lock = folder / f"{token}{_LOCK}"
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), lock.stat()):
                return token, handle
        os.close(handle)
