"""Takes rows off the request path: a bounded queue, a thread that writes it, counts of what was lost."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from lockgate_client.errors import LockgateClientError
from lockgate_client.observation import Amendment, Observation


class Row(Protocol):
    """What every row says."""

    @property
    def environment(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def at(self) -> float: ...


R = TypeVar("R", bound=Row)
Export = Callable[[Observation | Amendment], None]
"""Is given each row once, on the thread that writes. What it raises is noted and changes nothing else."""
Drop = tuple[str, int, int, str, int]
"""Environment, generation, minute, reason, count."""


class Writer(Protocol):
    """The writing end of one file."""

    def write(self, rows: Sequence[Any], drops: Sequence[Drop]) -> None:
        """Writes all of it in one transaction, or raises and wrote nothing."""

    def close(self) -> None:
        """Closes the file; the next `write` opens it again."""


BATCH = 100
"""Rows that are written at once even where the second is not over."""
FLUSH_SECONDS = 1.0
RETRY_SECONDS = 0.05
"""Between two tries where one failed and somebody waits for the rows to be written."""
EXIT_SECONDS = 2.0
"""How long the end of the process waits for what is still queued, all recorders together."""
QUEUE_LIMIT = 10_000
"""Rows. When one more comes the oldest is dropped: the newest tell what users are served now."""
_TAKE = 1000  # rows a transaction
_FORK_SECONDS = 5.0
_ABOUT_THE_FILE = (OSError, ImportError, LockgateClientError)
_ABOUT_THE_DATABASE = ("OperationalError", "DatabaseError")  # of sqlite3, which is not loaded here

_recorders: weakref.WeakSet[Recorder[Any]] = weakref.WeakSet()
_flushed_at_the_end: list[int] = []  # the process whose end is seen to
_inherited: list[object] = []  # a connection that crossed a fork is not touched again, not even to close it


class Recorder(Generic[R]):
    """Writes rows to the file at a path. Safe to share between threads, and across a fork.

    `put` never blocks and never raises. Nothing is opened and no thread runs before the first row.
    """

    __slots__ = (
        "__weakref__", "_batch", "_counting", "_dropped", "_drops", "_export", "_file", "_forking",
        "_limit", "_open", "_path", "_queue", "_refused", "_starting", "_thread", "_trouble", "_wake",
        "_what", "_writing",
    )  # fmt: skip

    def __init__(
        self,
        path: Path,
        opening: Callable[[Path], Writer],
        *,
        what: str = "observations",
        limit: int = QUEUE_LIMIT,
        export: Callable[[R], None] | None = None,
    ) -> None:
        """`opening` gives the writing end of the file; it is first called by the thread that writes. `what`
        the rows are called; `limit` is in rows. Raises ValueError where it is under 1."""
        if not limit >= 1:
            raise ValueError(f"the queue's limit is {limit!r} rows; it has to be 1 or more")
        self._path = path
        self._open = opening
        self._what = what
        self._limit = limit
        self._export = export
        self._refused: str | None = None
        self._trouble: str | None = None
        self._start_afresh()
        _recorders.add(self)

    def _start_afresh(self) -> None:
        self._queue: deque[R] = deque()
        self._batch: list[R] = []
        self._drops: dict[tuple[str, int, str], list[int]] = {}
        self._dropped = 0
        # Reentrant: a signal handler may observe while the thread that it interrupts is counting.
        self._counting = threading.RLock()
        self._starting = threading.Lock()
        self._writing = threading.Lock()
        # A plain lock as the bell, because Event.set cannot be called from a signal handler.
        self._wake = threading.Lock()
        self._wake.acquire()
        self._thread: threading.Thread | None = None
        self._file: Writer | None = None
        self._forking = False

    @property
    def dropped(self) -> int:
        """Rows that this process counted and did not write."""
        return self._dropped

    @property
    def last_error(self) -> str | None:
        """Why rows are not written now, or else why the last refused one was; None where neither is."""
        return self._trouble or self._refused

    def put(self, row: R) -> None:
        """Queues `row`. Where the queue is full its oldest row is dropped and counted."""
        queue = self._queue
        if len(queue) >= self._limit:
            self._drop_oldest()
        queue.append(row)
        if len(queue) >= BATCH and self._wake.locked():
            self._ring()
        if self._thread is None:
            self._start()

    def refuse(self, environment: str, generation: int, now: float, why: str) -> None:
        """Counts a row that was out of bounds."""
        self._refused = why
        self._count(environment, generation, now, "bad")
        if self._thread is None:
            self._start()

    def flush(self, timeout: float) -> bool:
        """Writes what is queued now, in this thread; False where `timeout` seconds were not enough."""
        end = time.monotonic() + timeout
        while True:
            if self._writing.acquire(timeout=max(0.0, end - time.monotonic())):
                try:
                    if self._drain():
                        return True
                finally:
                    self._writing.release()
            if time.monotonic() >= end:
                return False
            time.sleep(RETRY_SECONDS)

    def close(self, timeout: float) -> bool:
        """`flush`, then ends the thread and closes the file until the next row comes."""
        end = time.monotonic() + timeout
        done = self.flush(timeout)
        self._thread = None
        self._ring()
        if self._writing.acquire(timeout=max(0.0, end - time.monotonic())):
            self._close_file()
            self._writing.release()
        return done

    # -- on the request path -------------------------------------------------------------------

    def _drop_oldest(self) -> None:
        with contextlib.suppress(IndexError):  # the writer took it meanwhile
            row = self._queue.popleft()
            self._count(row.environment, row.generation, row.at, "full")

    def _count(self, environment: str, generation: int, at: float, reason: str) -> None:
        with self._counting:
            self._dropped += 1
            # The minute is that of the first since the last time the counts were written.
            self._drops.setdefault((environment, generation, reason), [int(at) // 60, 0])[1] += 1

    def _ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # another thread rang at the same moment
            self._wake.release()

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=f"lockgate-{self._what}", daemon=True)
                self._thread = thread
                thread.start()
                _flush_at_the_end_of_a_worker()
        except RuntimeError:  # no thread can be started while the process ends; its last flush writes
            self._thread = None
        finally:
            self._starting.release()

    # -- on the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        me = threading.current_thread()
        failed = 0
        while self._thread is me:
            if failed:
                time.sleep(min(FLUSH_SECONDS, RETRY_SECONDS * 2 ** min(failed, 10)))
            else:
                self._wake.acquire(timeout=FLUSH_SECONDS)
            with self._writing:
                if self._thread is me:
                    failed = 0 if self._drain() else failed + 1

    def _drain(self) -> bool:
        """Writes what is queued at this moment. The caller holds `_writing`."""
        for _ in range(len(self._queue) // _TAKE + 2):
            self._take()
            if not self._batch and not self._drops:
                return True
            if not self._write():
                return False
        return not self._batch

    def _take(self) -> None:
        queue, batch = self._queue, self._batch
        with contextlib.suppress(IndexError):
            while len(batch) < _TAKE:
                row = queue.popleft()
                batch.append(row)
                if self._export is not None:
                    self._exported(self._export, row)

    def _exported(self, export: Callable[[R], None], row: R) -> None:
        try:
            export(row)
        except Exception as error:
            self._refused = f"the exporter failed ({ascii(error)[:120]})"

    def _write(self) -> bool:
        with self._counting:
            drops, self._drops = self._drops, {}
        try:
            if self._file is None:
                self._file = self._open(self._path)
            self._file.write(self._batch, [_drop(key, counted) for key, counted in drops.items()])
        except Exception as error:
            self._take_back(drops)
            self._failed(error)
            return False
        self._batch.clear()
        self._trouble = None
        return True

    def _failed(self, error: Exception) -> None:
        said = error if isinstance(error, LockgateClientError) else f"{self._path}: {error}"
        self._trouble = f"{self._what} are not written: {ascii(str(said))[1:-1][:300]}"
        if isinstance(error, _ABOUT_THE_FILE) or type(error).__name__ in _ABOUT_THE_DATABASE:
            return  # kept and tried again
        # A row that SQLite cannot take must not hold up those behind it.
        for row in self._batch:
            self._count(row.environment, row.generation, row.at, "failed")
        self._batch.clear()

    def _take_back(self, drops: dict[tuple[str, int, str], list[int]]) -> None:
        with self._counting:
            for key, (minute, count) in drops.items():
                self._drops.setdefault(key, [minute, 0])[1] += count

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    # -- around a fork -------------------------------------------------------------------------

    def _before_fork(self) -> None:
        # SQLite keeps its locks per process: an open connection may not be carried over.
        self._forking = self._writing.acquire(timeout=_FORK_SECONDS)
        if self._forking:
            self._close_file()

    def _after_fork_in_parent(self) -> None:
        if self._forking:
            self._forking = False
            self._writing.release()

    def _after_fork_in_child(self) -> None:
        _inherited.append(self._file)
        self._start_afresh()  # what was queued is the parent's to write


def _drop(key: tuple[str, int, str], counted: list[int]) -> Drop:
    environment, generation, reason = key
    minute, count = counted
    return (environment, generation, minute, reason, count)


def _flush_all() -> None:
    end = time.monotonic() + EXIT_SECONDS
    for recorder in list(_recorders):
        recorder.close(max(0.0, end - time.monotonic()))


def _flush_at_the_end_of_a_worker() -> None:
    # A process that multiprocessing made ends without running what is registered with atexit.
    util = sys.modules.get("multiprocessing.util")
    if util is not None and os.getpid() not in _flushed_at_the_end:
        _flushed_at_the_end[:] = [os.getpid()]
        util.Finalize(None, _flush_all, exitpriority=0)


def _each(step: Callable[[Recorder[Any]], None]) -> Callable[[], None]:
    def run() -> None:
        for recorder in list(_recorders):
            step(recorder)

    return run


atexit.register(_flush_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_each(Recorder._before_fork),
        after_in_parent=_each(Recorder._after_fork_in_parent),
        after_in_child=_each(Recorder._after_fork_in_child),
    )
