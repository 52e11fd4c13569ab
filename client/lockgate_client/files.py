"""Sees when a small file changed, however it was changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

RACY_NS = 2_000_000_000
"""Nanoseconds within which two writes may carry one timestamp (coarse clocks of file systems)."""


class Reading(NamedTuple):
    """What one look at a file gave: its bytes, or why there are none."""

    data: bytes | None
    problem: str
    absent: bool = False


class WatchedFile:
    """A file that is read again whenever it may have changed. Not thread-safe: the caller locks.

    A rename, delete+create and a swapped symlink give another inode; a write in place moves ctime,
    which nobody can set back, even where size and mtime stay. While a file's ctime is younger than
    RACY_NS it is read at each look, because a second write in the same clock tick leaves it as it was.
    """

    __slots__ = ("_last", "_limit", "_seen", "_settled", "path")

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._limit = limit
        self._seen: tuple[int, ...] | None = None
        self._settled = False
        self._last: Reading | None = None

    def look(self, now_ns: int) -> Reading | None:
        """What is in the file now, or None where that is the same as at the last look.

        `now_ns` is the wall clock in nanoseconds since 1970, which ctime is told in.
        """
        try:
            found = self.path.stat()
        except OSError as error:
            return self._new(None, False, _unreadable(error))
        signature = _signature(found)
        if signature == self._seen and self._settled:
            return None
        reading = self._read()
        settled = reading.data is not None and abs(now_ns - found.st_ctime_ns) > RACY_NS
        return self._new(signature, settled, reading)

    def _new(self, signature: tuple[int, ...] | None, settled: bool, reading: Reading) -> Reading | None:
        self._seen, self._settled = signature, settled
        if reading == self._last:
            return None
        self._last = reading
        return reading

    def _read(self) -> Reading:
        try:
            # O_NONBLOCK: opening a named pipe would otherwise wait for its writer for ever.
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            return _unreadable(error)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return Reading(None, "it is not a regular file")
            return self._contents(handle)
        except OSError as error:
            return _unreadable(error)
        finally:
            os.close(handle)

    def _contents(self, handle: int) -> Reading:
        parts: list[bytes] = []
        size = 0
        while part := os.read(handle, 1 << 20):
            parts.append(part)
            size += len(part)
            if size > self._limit:
                return Reading(None, f"it has more than {self._limit:,} bytes")
        return Reading(b"".join(parts), "")


def _signature(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _unreadable(error: OSError) -> Reading:
    absent = isinstance(error, FileNotFoundError)
    return Reading(None, "it is not there" if absent else f"it cannot be read ({error.strerror})", absent)
