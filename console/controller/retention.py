"""Archiving what is over, once an hour while a controller watches, in a thread of its own: packing takes its
time, and no rollback waits for it."""

from __future__ import annotations

from threading import Event, Thread

from console.operations.index.sweep import Swept, sweep
from store.errors import LockgateError
from store.text import one_line
from store.workspace import Workspace


class Retention:
    """A sweep whenever one is due."""

    def __init__(self, workspace: Workspace, stopped: Event, *, decides: bool = True) -> None:
        self._workspace = Workspace(workspace.root, workspace.clock)  # git objects stay in one thread
        self._stopped = stopped
        self._decides = decides
        self._thread: Thread | None = None
        self._problems: list[str] = []
        self._told: frozenset[str] = frozenset()

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
        self._problems += swept_when_due(self._workspace, stopped=self._stopped, decides=self._decides)


def swept_when_due(
    workspace: Workspace, *, stopped: Event | None = None, decides: bool = True
) -> tuple[str, ...]:
    """One sweep, unless the last one is less than an hour ago; what went wrong, one sentence each."""
    try:
        done = sweep(
            workspace,
            decides=decides,
            only_when_due=True,
            stop=stopped.is_set if stopped is not None else lambda: False,
        )
    except (LockgateError, OSError) as error:
        return (f"indexes are not archived: {one_line(str(error), 400)}",)
    return tuple(one_line(text, 400) for text in _problems(done))


def _problems(done: Swept) -> tuple[str, ...]:
    stopped = (f"indexes are not archived: {done.stopped}.",) if done.stopped else ()
    return (*stopped, *done.problems)
