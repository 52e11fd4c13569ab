"""Keeping ready what a rollback would bring back, and archiving what is over, once an hour while a controller
watches. In a thread of its own: copying and packing take their time, and no rollback waits for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event, Thread

from console.operations.index.depot import has_depot, send_all
from console.operations.index.standby import stand_by
from console.operations.index.sweep import Swept, sweep
from store.errors import Cancelled, LockgateError
from store.progress import never
from store.text import one_line
from store.workspace import Workspace

STANDBY_EVERY = timedelta(minutes=10)
"""How soon a copy that could not be made is tried again, while the store stays as it is."""


class Retention:
    """Standby copies whenever the store moved, a sweep whenever one is due."""

    def __init__(self, workspace: Workspace, stopped: Event, *, decides: bool = True) -> None:
        self._workspace = Workspace(workspace.root, workspace.clock)  # git objects stay in one thread
        self._stopped = stopped
        self._decides = decides
        self._thread: Thread | None = None
        self._problems: list[str] = []
        self._told: frozenset[str] = frozenset()
        self._stood: tuple[str, datetime] | None = None
        """The commit whose rollback targets were looked at, and when that is done again."""

    def go_on(self) -> tuple[str, ...]:
        """Begins a sweep that is due, unless one is under way; what went wrong in the last one and was not
        said before."""
        if self._thread is not None and self._thread.is_alive():
            return ()
        problems, self._problems = frozenset(self._problems), []
        fresh = tuple(sorted(problems - self._told))
        self._told |= problems
        self._thread = Thread(target=self._work, name="retention", daemon=True)
        self._thread.start()
        return fresh

    def finish(self, seconds: float = 5.0) -> None:
        """Waits for the sweep, at most `seconds`; the next one goes on where it was."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        self._stand_by()
        self._problems += sent(self._workspace, stopped=self._stopped)
        self._problems += swept_when_due(self._workspace, stopped=self._stopped, decides=self._decides)

    def _stand_by(self) -> None:
        try:
            tip, now = self._workspace.store.tip(), self._workspace.clock.now()
        except LockgateError:  # the tick says so
            return
        if self._stood is None or tip != self._stood[0] or now >= self._stood[1]:
            self._problems += stood_by(self._workspace, stopped=self._stopped)
            self._stood = (tip, now + STANDBY_EVERY)


def stood_by(workspace: Workspace, *, stopped: Event | None = None) -> tuple[str, ...]:
    """Keeps ready what rollbacks would bring back; what cannot be, one sentence each."""
    try:
        done = stand_by(workspace, stop=stopped.is_set if stopped is not None else never)
    except (LockgateError, OSError) as error:
        return (f"nothing is kept ready for a rollback: {one_line(str(error), 400)}",)
    return done.problems


def sent(workspace: Workspace, *, stopped: Event | None = None) -> tuple[str, ...]:
    """Sends to the depot what it lacks, if there is one; what went wrong, one sentence each."""
    try:
        if not has_depot(workspace):
            return ()
        done = send_all(workspace, stop=stopped.is_set if stopped is not None else never)
    except Cancelled:
        return ()
    except (LockgateError, OSError) as error:
        return (f"index bytes are not sent to the depot: {one_line(str(error), 400)}",)
    return tuple(one_line(text, 400) for text in done.problems)


def swept_when_due(
    workspace: Workspace, *, stopped: Event | None = None, decides: bool = True
) -> tuple[str, ...]:
    """One sweep, unless the last one is less than an hour ago; what went wrong, one sentence each."""
    try:
        done = sweep(
            workspace,
            decides=decides,
            only_when_due=True,
            stop=stopped.is_set if stopped is not None else never,
        )
    except (LockgateError, OSError) as error:
        return (f"indexes are not archived: {one_line(str(error), 400)}",)
    return tuple(one_line(text, 400) for text in _problems(done))


def _problems(done: Swept) -> tuple[str, ...]:
    stopped = (f"indexes are not archived: {done.stopped}.",) if done.stopped else ()
    return (*stopped, *done.problems)
