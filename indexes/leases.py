"""Who reads a sealed folder right now, so that nobody takes it away under them.

A reader holds a flock on `use/<digest>.lock`, shared with other readers; the kernel lets go of it when the
reader dies, so no reader that was killed keeps a folder for ever.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexes.disk import make_folder

_USE = "use"


@contextmanager
def used(sealed: Path) -> Iterator[None]:
    """Around reading `sealed`. Raises OSError."""
    handle = _opened(sealed)
    try:
        if handle is not None:
            fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        if handle is not None:
            os.close(handle)


@contextmanager
def unused(sealed: Path) -> Iterator[bool]:
    """Around taking `sealed` away: whether nobody reads it, and then nobody begins to meanwhile."""
    handle = _opened(sealed)
    try:
        yield handle is not None and _taken(handle)
    finally:
        if handle is not None:
            os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _opened(sealed: Path) -> int | None:
    if not sealed.is_dir():
        return None
    folder = sealed.parent.parent / _USE
    make_folder(folder)
    return os.open(folder / f"{sealed.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
