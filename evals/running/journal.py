"""state/runs/<run>.jsonl: everything that a run was answered, as it happens, so that a killed run goes on.

The file is one process's at a time. Its last line may be torn, and any line may be damaged: what
cannot be read was not answered. A disk that refuses costs the saving, not the run.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from evals.running.lines import End, Entry, Key, Line, Start, read_line, written
from store.bounded import LINE_LIMIT
from store.errors import MachineryError
from store.text import one_line

SYNC_LINES = 50
SYNC_SECONDS = 1.0
"""What a power cut may cost at most: so many lines, or so many seconds of them."""
KEPT_DAYS = 30
KEPT_RUNS = 200
FILE_LIMIT = 256 * 1024 * 1024
"""Bytes; a larger journal is not read but begun anew."""


class Journal:
    """One run's journal, open for one go. Use it as `with`."""

    def __init__(self, path: Path, descriptor: int, known: dict[Key, Entry]) -> None:
        """Of `open`."""
        self.path = path
        self._known = known
        self._descriptor = descriptor
        self._unsynced = 0
        self._wake = threading.Condition()
        self._closed = False
        self._syncing = threading.Thread(target=self._sync, name="journal", daemon=True)
        self._syncing.start()

    @classmethod
    def open(cls, folder: Path, start: Start, *, lasting: timedelta | None = None) -> Self:
        """The journal of the run `start.run`, which goes on where it stopped unless it came to its end.

        With `lasting` it goes on only if its last line is not older. Raises MachineryError where the
        folder cannot be written, or another process is at the same run.
        """
        path = folder / f"{start.run}.jsonl"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = _locked(path)
        except BlockingIOError:
            raise MachineryError(
                f"this very run is under way in another process (it holds {path.name} in {folder.name}): "
                "wait for it, or stop it."
            ) from None
        except OSError as error:
            raise MachineryError(f"the journal {path} cannot be written: {one_line(str(error))}.") from None
        try:
            known = _taken_up(descriptor, start, lasting)
            os.write(descriptor, written(start))
        except OSError as error:
            os.close(descriptor)
            raise MachineryError(f"the journal {path} cannot be used: {one_line(str(error))}.") from None
        return cls(path, descriptor, known)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def known(self) -> int:
        """Answers that an earlier go has left."""
        return len(self._known)

    def recall(self, suite: str, trusts: tuple[str, ...] = ()) -> dict[Key, Entry]:
        """The answers on `suite` that earlier goes were given and that have a score, by judges that were
        trusted with what they are trusted with now."""
        return {
            key: entry
            for key, entry in self._known.items()
            if entry.suite == suite and entry.score is not None and entry.trusts == trusts
        }

    def write(self, line: Line) -> None:
        """Appends `line`; it is the operating system's when this returns, and the disk's soon after."""
        if self._descriptor < 0:
            return
        data = written(line)
        try:
            size = os.fstat(self._descriptor).st_size
            if os.write(self._descriptor, data) != len(data):
                os.ftruncate(self._descriptor, size)  # a full disk: half a line helps nobody
        except OSError:
            return
        with self._wake:
            self._unsynced += 1
            if self._unsynced in (1, SYNC_LINES):
                self._wake.notify()

    def close(self) -> None:
        """Brings everything to the disk and lets others have the file."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._syncing.join()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _sync(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._unsynced or self._closed)
                self._wake.wait_for(lambda: self._unsynced >= SYNC_LINES or self._closed, SYNC_SECONDS)
                self._unsynced, closed = 0, self._closed
            with suppress(OSError):
                os.fsync(self._descriptor)
            if closed:
                return


def entries(lines: Iterable[Line]) -> dict[Key, Entry]:
    """Every answer once: of two lines about the same, the later."""
    return {line.key: line for line in lines if isinstance(line, Entry)}


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of a journal that can be read, one by one; a torn, damaged or endless one is left out."""
    while data := file.readline(LINE_LIMIT + 1):
        if len(data) > LINE_LIMIT:
            while data and not data.endswith(b"\n"):
                data = file.readline(LINE_LIMIT)
            continue
        if data.endswith(b"\n") and (line := read_line(data)) is not None:
            yield line


def prune(folder: Path, now: datetime, *, days: int = KEPT_DAYS, runs: int = KEPT_RUNS) -> int:
    """Removes journals older than `days`, and the oldest beyond `runs`; never one that is in use.

    Returns how many.
    """
    aged = []
    for path in folder.glob("*.jsonl"):
        try:
            aged.append((path.stat().st_mtime, path))
        except OSError:
            continue
    oldest = (now - timedelta(days=days)).timestamp()
    aged.sort(reverse=True)
    stale = [path for place, (at, path) in enumerate(aged) if at < oldest or place >= runs]
    return sum(_removed(path) for path in stale)


def _removed(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _locked(path: Path) -> int:
    """The file's descriptor, locked. Tries again where somebody removed the file in between."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _taken_up(descriptor: int, start: Start, lasting: timedelta | None) -> dict[Key, Entry]:
    """What is known of the run; the file is emptied where it begins anew, and its torn end is cut off."""
    size = os.fstat(descriptor).st_size
    lines: list[Line] = []
    if 0 < size <= FILE_LIMIT:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            lines = list(read_lines(file))
    if not lines or not _goes_on(lines, start, lasting):
        os.ftruncate(descriptor, 0)
        return {}
    os.ftruncate(descriptor, _whole(descriptor, size))
    return entries(lines)


def _goes_on(lines: list[Line], start: Start, lasting: timedelta | None) -> bool:
    first = lines[0]
    if not isinstance(first, Start) or first.run != start.run:
        return False
    if any(isinstance(line, End) for line in lines):
        return False
    return lasting is None or start.at - lines[-1].at <= lasting


def _whole(descriptor: int, size: int) -> int:
    """The length of the file up to its last whole line."""
    end = size
    while end > 0:
        begin = max(0, end - 65_536)
        place = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return 0
