"""Keeping up with the remote while a controller watches, in a thread of its own: a remote that is silent
delays neither a rollback nor what is told of it."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event, Thread

from console.controller.tick import Ticked
from console.operations.reconcile import reconcile
from store.errors import LockgateError
from store.text import one_line
from store.workspace import Workspace

EVERY_SECONDS = 10.0
HEARD = timedelta(seconds=60)
"""Without an answer of the remote for so long, a host that only follows prolongs no canary: what was taken
away elsewhere would not reach it."""


def followed(workspace: Workspace) -> Ticked:
    """Makes this machine true to the store and decides nothing. Raises InputError without a remote."""
    from console.operations.sync.state import remote_state
    from console.operations.sync.sync import demanded

    demanded(workspace)
    state = remote_state(workspace)
    heard = state.contact_at if state is not None else None
    hears = heard is not None and workspace.clock.now() - heard < HEARD
    watched = frozenset(workspace.store.at().policy.names) if hears else frozenset()
    return Ticked(problems=reconcile(workspace, watched=watched).problems)


class Syncing:
    """A sync every EVERY_SECONDS, and at once after a record."""

    def __init__(self, workspace: Workspace, every: float = EVERY_SECONDS) -> None:
        self._workspace = Workspace(workspace.root, workspace.clock)  # git objects stay in one thread
        self._ended = Event()
        self._every = every
        self._thread: Thread | None = None
        self._problems: list[str] = []
        self._told: frozenset[str] = frozenset()
        self._due = 0.0
        self._has_remote = _has_remote(workspace)

    def go_on(self, *, at_once: bool = False) -> tuple[str, ...]:
        """Begins a sync that is due, unless one is under way; what went wrong in the last one and not in
        the one before."""
        if not self._has_remote:
            return ()
        if at_once:
            self._due = 0.0
        if self._thread is not None and self._thread.is_alive():
            return ()
        problems, self._problems = tuple(self._problems), []
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._every
            self._thread = Thread(target=self._sync, name="sync", daemon=True)
            self._thread.start()
        return problems

    def finish(self, seconds: float = 2.0) -> None:
        """Waits for what is under way, at most `seconds`, then ends it; the next sync pushes the rest."""
        if self._thread is not None:
            self._thread.join(seconds)
            self._ended.set()
            self._thread.join(1.0)

    def _sync(self) -> None:
        from console.operations.sync.sync import sync

        said: list[str] = []
        try:
            done = sync(self._workspace, stop=self._is_over)
            said = [*done.problems, *([done.trouble] if done.trouble else [])]
            if done.put_aside:
                said.extend(done.lines())
            said += self._reported()
        except (LockgateError, OSError) as error:
            if not self._is_over():
                said = [f"not synced: {error}"]
        fresh = [one_line(text, 400) for text in said]
        self._problems.extend(text for text in fresh if text not in self._told)
        self._told = frozenset(fresh)

    def _reported(self) -> tuple[str, ...]:
        """Tells others what is served here, and hears what they serve."""
        from console.operations.hosts import exchange
        from console.operations.sync.sync import asking

        try:
            exchange(self._workspace, asking(self._workspace, self._is_over))
        except (LockgateError, OSError) as error:
            return () if self._is_over() else (f"what this host serves is not reported: {error}",)
        return ()

    def _is_over(self) -> bool:
        return self._ended.is_set()


def _has_remote(workspace: Workspace) -> bool:
    try:
        return workspace.settings.remote is not None
    except LockgateError:
        return False  # every tick says what is wrong with the settings
