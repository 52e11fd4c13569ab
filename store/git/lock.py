"""One writer at a time on this machine, for fairness; truth is the compare-and-swap on `main`.

A lock file is held with flock(2), so it is free again the moment its holder dies. Waiting for it is
polling; threads of one process take turns before that, by a lock of their own for each file.
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import MachineryError

_turns: dict[str, threading.Lock] = {}
_turns_guard = threading.Lock()


@contextmanager
def held(path: Path, timeout_seconds: float = 60.0) -> Iterator[None]:
    """Holds the lock file at `path`. Raises MachineryError when somebody else keeps it too long.

    It is not to be taken again by who holds it.
    """
    deadline = time.monotonic() + timeout_seconds
    turn = _turn_of(path)
    if not turn.acquire(timeout=timeout_seconds):
        raise _kept_too_long(path, timeout_seconds, "by something else that this lockgate does")
    try:
        handle = _opened(path)
        try:
            while not _try(handle, path):
                if time.monotonic() > deadline:
                    raise _kept_too_long(path, timeout_seconds, "by another process")
                time.sleep(random.uniform(0.001, 0.01))
            yield
        finally:
            os.close(handle)
    finally:
        turn.release()


def _turn_of(path: Path) -> threading.Lock:
    with _turns_guard:
        return _turns.setdefault(str(path.absolute()), threading.Lock())


def _kept_too_long(path: Path, seconds: float, whom: str) -> MachineryError:
    return MachineryError(
        f"{path.name} has been held {whom} for {seconds:.0f} s; "
        "see which lockgate is running (it may be stopped) and try again."
    )


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise MachineryError(
            f"{path} cannot be opened for writing ({why}); nothing was changed. "
            "Check the disk and its permissions."
        ) from None


def _try(handle: int, path: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise MachineryError(
            f"{path} cannot be locked ({why}); nothing was changed. Keep the workspace on a local disk."
        ) from None
    return True
