"""The client: one object per live document, for the whole life of an application."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from lockgate_client.capturing import QUEUE_LIMIT as ENVELOPES_LIMIT
from lockgate_client.capturing import Capturing, open_requests, requests_beside
from lockgate_client.cohort import BUCKETS, CONTROL_START, first_word
from lockgate_client.document import LIMIT, Document, parse
from lockgate_client.errors import LockgateClientError
from lockgate_client.files import Reading, WatchedFile
from lockgate_client.kill import KillSwitch
from lockgate_client.observing import observations_beside, open_observations
from lockgate_client.recorder import QUEUE_LIMIT, Export, Recorder
from lockgate_client.serving import Components, Reason, Resolution, Serving, serving

__all__ = ["Client", "Reason", "Resolution"]

_new = tuple.__new__  # a third of the cost of Resolution(...)
_clients: weakref.WeakSet[Client] = weakref.WeakSet()


class Client(Capturing):
    """Resolves units against the live document at a path, and takes what became of them. Safe to share
    between threads.

    The document is read once when the client is made and looked at again at most every
    `check_seconds`, by the `resolve` that finds the time has come: a change is served at the latest
    that long after it (plus the reading), and no thread runs in the background for it. One thread looks
    while the others go on with what they have.

    A document that is torn, of another format or environment, or older than the one served is never
    taken; `last_error` then says why. Where there is no good document yet, making a client is fine and
    the first `resolve` says so.
    """

    __slots__ = (
        "__weakref__", "_check_seconds", "_due", "_error", "_file", "_kill", "_lock", "_monotonic", "_path",
        "_serving", "_shown", "_warm",
    )  # fmt: skip

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        check_seconds: float = 0.05,
        observations: str | os.PathLike[str] | None = None,
        requests: str | os.PathLike[str] | None = None,
        queue_limit: int = QUEUE_LIMIT,
        export: Export | None = None,
        warm: Callable[[Components], object] | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`path` of live/<environment>.json.

        What is observed goes to the SQLite file `observations`; without one to
        state/observations.sqlite beside the live document's folder. What is captured goes to `requests`,
        or to state/requests.sqlite there. At most `queue_limit` rows wait for being written; `export`
        is given each as well (see lockgate_client.otel).

        `warm` is called with the components of each release that a new document serves, before anybody is
        served by it: there an application opens an index, while other threads go on with the old one. It is
        often called with what is open already. What it raises is in `last_error` and stops no document: that
        may be a rollback.

        `wall` (seconds since 1970) and `monotonic` are for
        tests.

        Raises ValueError when `check_seconds` is not 0 or more, or `queue_limit` not 1 or more.
        """
        if not check_seconds >= 0:
            raise ValueError(f"check_seconds is {check_seconds!r}; it has to be 0 or more")
        self._path = Path(path).absolute()
        self._check_seconds = check_seconds
        self._warm = warm
        self._wall = wall
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._file: WatchedFile
        self._kill: KillSwitch
        self._shown: tuple[Document | None, str | None]
        self._look_afresh()
        self._document = None
        file = observations_beside(self._path) if observations is None else Path(observations).absolute()
        self._recorder = Recorder(file, open_observations, limit=queue_limit, export=export)
        kept = requests_beside(self._path) if requests is None else Path(requests).absolute()
        self._envelopes = Recorder(kept, open_requests, what="requests", limit=ENVELOPES_LIMIT)
        self._serving: Serving | None = None
        self._error: str | None = None
        self._due = float("-inf")
        _clients.add(self)
        self._look_safely()

    def resolve(self, unit: str | None = None) -> Resolution:
        """What `unit` (the user, any text) is served now; without one, stable.

        Never raises once it has served. Before the first good document it raises LockgateClientError.
        """
        if self._monotonic() >= self._due:
            self._check()
        # Never None here: _check raises while there is nothing to serve.
        (everyone, no_unit, unusable, salted, canary_end, control_end,
         canary, canary_parts, stable, stable_parts, generation) = self._serving  # type: ignore[misc]  # fmt: skip
        if everyone is not None:
            return everyone
        if unit is None:
            return no_unit
        try:
            hashing = salted()
            hashing.update(unit.encode())
        except Exception:  # whatever the application passed, its user is answered
            return unusable
        (word,) = first_word(hashing.digest())
        bucket = word * BUCKETS >> 32
        if bucket < canary_end:
            return _new(Resolution, (canary, "canary", bucket, "canary", generation, canary_parts))
        reason = "control" if CONTROL_START <= bucket < control_end else "stable"
        return _new(Resolution, (stable, "stable", bucket, reason, generation, stable_parts))

    @property
    def generation(self) -> int | None:
        """The generation of the document that is served; None before the first good one."""
        return None if self._document is None else self._document.generation

    @property
    def last_error(self) -> str | None:
        """Why what is at the path now is not served, or was not warmed, in one sentence; None where it is."""
        return self._error

    def __repr__(self) -> str:
        return f"Client({str(self._path)!r}, generation={self.generation})"

    def _check(self) -> None:
        # Only who has nothing to serve waits for the one that is looking.
        if self._lock.acquire(blocking=self._serving is None):
            try:
                if self._serving is not None:
                    self._due = self._monotonic() + self._check_seconds
                self._look_safely()
            finally:
                self._lock.release()
        if self._serving is None:
            raise LockgateClientError(f"Nothing can be served yet: {self._error}.")

    def _look_safely(self) -> None:
        try:
            self._look(self._wall())
        except Exception as error:  # a request must not fail because of a file it does not need
            self._look_afresh()
            self._error = f"{self._path}: looking at it failed ({ascii(error)[:120]})"
        except BaseException:
            self._look_afresh()
            raise

    def _look_afresh(self) -> None:
        """Has the next look read everything again, because one may have ended half-way."""
        self._file = WatchedFile(self._path, LIMIT)
        self._kill = KillSwitch()
        self._shown = (None, None)

    def _after_fork(self) -> None:
        # Another thread may have been looking; in the child it neither goes on nor lets go of the lock.
        self._lock = threading.Lock()
        self._look_afresh()

    def _look(self, now: float) -> None:
        reading = self._file.look(int(now * 1e9))
        if reading is not None:
            self._take(reading)
        document = self._document
        if document is None:
            return
        stopped = self._stop_reason(document, now)
        if self._shown[0] is not document or self._shown[1] != stopped:
            self._serving = serving(document, stopped)
            self._shown = (document, stopped)

    def _take(self, reading: Reading) -> None:
        """Replaces the document by that in `reading` where it is good; else keeps it and says why."""
        try:
            if reading.data is None:
                raise LockgateClientError(reading.problem)
            document = parse(reading.data)
            self._refuse_step_back(document)
        except LockgateClientError as error:
            self._error = f"{self._path}: {error}"
            return
        self._error = self._warmed(document)
        self._document = document

    def _warmed(self, document: Document) -> str | None:
        """Has the application open what `document` serves; what went wrong, in one sentence."""
        if self._warm is None:
            return None
        try:
            for arm in (document.stable, document.canary):
                if arm is not None:
                    self._warm(arm.components)
        except Exception as error:
            return f"{self._path}: what it serves could not be warmed: {ascii(str(error))[1:-1][:200]}"
        return None

    def _refuse_step_back(self, document: Document) -> None:
        known = self._document
        if known is None:
            return
        if document.environment != known.environment:
            raise LockgateClientError(
                f"it is for {document.environment}; this client serves {known.environment}"
            )
        if document.generation < known.generation:
            raise LockgateClientError(
                f"its generation {document.generation} is older than {known.generation}, which is served"
            )

    def _stop_reason(self, document: Document, now: float) -> Literal["expired", "killed"] | None:
        if self._kill.look(self._path, document.environment, int(now * 1e9)) > document.generation:
            return "killed"
        if document.valid_until is not None and now >= document.valid_until:
            return "expired"
        return None


def _after_fork() -> None:
    for client in _clients:
        client._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
