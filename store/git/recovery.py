"""Leftovers of a writer that was killed.

kill -9 between lock and rename leaves `refs/heads/main.lock`, and every writer after it fails
until somebody removes it. Before moving the ref we write down what we are about to do (the
intent), and it is on disk before the lock is made. Whoever holds our lock next and finds an intent
removes a `main.lock` that holds that commit, or as much of it as was written: a power cut can tear
either file. Any other lock belongs to somebody else and stays.
"""

from __future__ import annotations

import os
from pathlib import Path

_INTENT = "lockgate.intent"
_REF_LOCK = Path("refs") / "heads" / "main.lock"


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


def recover(gitdir: Path) -> bool:
    """Clears what a killed writer left. Call with the lock held. True when there was something."""
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
