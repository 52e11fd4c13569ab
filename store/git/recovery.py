"""Leftovers of a writer that was killed.

kill -9 between lock and rename leaves `refs/heads/main.lock`, and every writer after it fails
until somebody removes it. Before moving the ref we write down what we are about to do (the
intent), and it is on disk before the lock is made. Whoever holds our lock next and finds an intent
removes a `main.lock` that holds that commit, or as much of it as was written: a power cut can tear
either file. Any other lock belongs to somebody else and stays.

A power cut may leave objects under their names without their bytes. Nothing refers to those, as `main`
moves only when all are on disk; but git calls the store damaged. So a file says that objects are being
written, and whoever finds it looks at those that are younger.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from store.git.objects import torn

_INTENT = "lockgate.intent"
_WRITING = "lockgate.writing"
_CLOCK_SECONDS = 2.0
"""How exact the times of files are taken to be."""
_REF_LOCK = Path("refs") / "heads" / "main.lock"


def begin(gitdir: Path) -> None:
    """Says that objects are being written. Call with the lock held."""
    handle = os.open(gitdir / _WRITING, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.utime(handle)
    finally:
        os.close(handle)


def end(gitdir: Path) -> None:
    """They are on disk, or of no use."""
    with suppress(OSError):  # the next writer looks at them once more
        (gitdir / _WRITING).unlink(missing_ok=True)


def announce(gitdir: Path, commit: str) -> Path:
    """Writes the intent to move `main` to `commit`; returns its file, which the caller has to put on
    disk before moving the ref. Call with the lock held."""
    path = gitdir / _INTENT
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, commit.encode())
    finally:
        os.close(handle)
    return path


def done(gitdir: Path) -> None:
    """Takes the intent back: the ref has moved, or has not and will not."""
    (gitdir / _INTENT).unlink(missing_ok=True)


def clear_lock(gitdir: Path, commit: str) -> None:
    """Removes the `main.lock` that says `commit`. libgit2 links it to the ref and then unlinks it, and says
    nothing where the disk refuses the second. Call with the lock held, when the ref has moved or will not."""
    lock = gitdir / _REF_LOCK
    with suppress(OSError):  # a disk that fails again leaves it to whoever clears the next time
        if lock.read_bytes().strip() == commit.encode():
            lock.unlink()


def recover(gitdir: Path) -> bool:
    """Clears what a killed writer left. Call with the lock held. True when there was something."""
    return _recover_objects(gitdir) | _recover_lock(gitdir)


def _recover_objects(gitdir: Path) -> bool:
    """Removes the objects that were being written and are not whole."""
    marker = gitdir / _WRITING
    try:
        began = marker.stat().st_mtime
    except FileNotFoundError:
        return False
    for path in torn(gitdir / "objects", began - _CLOCK_SECONDS):
        path.unlink(missing_ok=True)
    marker.unlink(missing_ok=True)
    return True


def _recover_lock(gitdir: Path) -> bool:
    try:
        intent = (gitdir / _INTENT).read_bytes().strip()
    except FileNotFoundError:
        return False
    lock = gitdir / _REF_LOCK
    try:
        content = lock.read_bytes().strip()
    except FileNotFoundError:
        content = None
    if content is not None and (intent.startswith(content) or content.startswith(intent)):
        lock.unlink(missing_ok=True)
    done(gitdir)
    return True
