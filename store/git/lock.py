"""One writer at a time on this machine, for fairness; truth is the compare-and-swap on `main`.

A lock file is held with flock(2), so it is free again the moment its holder dies.
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

_in_process = threading.RLock()


@contextmanager
def held(path: Path, timeout_seconds: float = 60.0) -> Iterator[None]:
    """Holds the lock file at `path`. Raises MachineryError when another process keeps it too long."""
    deadline = time.monotonic() + timeout_seconds
    with _in_process:
        handle = _opened(path)
        try:
            while not _try(handle):
                if time.monotonic() > deadline:
                    raise MachineryError(
                        f"{path.name} has been held by another process for {timeout_seconds:.0f} s; "
                        "see which lockgate is running (it may be stopped) and try again."
                    )
                time.sleep(random.uniform(0.001, 0.01))
            yield
        finally:
            os.close(handle)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise MachineryError(
            f"{path} cannot be opened for writing ({why}); nothing was changed. "
            "Check the disk and its permissions."
        ) from None


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
