"""Drift checks of a controller, in a thread of their own, so that no model can delay a rollback."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta
from threading import Event, Thread

from store.errors import Cancelled, LockgateError
from store.progress import Stop, never
from store.text import one_line
from store.workspace import Workspace

_LOOK_EVERY = timedelta(minutes=1)
"""How often it is asked whether a check is due."""
_AFTER_TROUBLE = timedelta(hours=1)
"""When a check could not be made, the next look is so much later."""


def check_due(workspace: Workspace, stop: Stop = never) -> tuple[str, ...]:
    """Makes every check that is due; one sentence for each thing that could not be done, or that was found.

    Never raises. Without a baseline in the store nothing is imported.
    """
    from console.operations.drift.reading import FOLDER

    try:
        if not workspace.store.at().has(FOLDER):
            return ()
        from console.operations.drift.check import check

        by = workspace.person.as_controller
        looked = asyncio.run(check(workspace, only_due=True, by=by, stop=stop))
    except Cancelled:
        return ()
    except (LockgateError, OSError) as error:
        return (one_line(f"drift is not checked: {error}", 400),)
    told = [f"{one.pin} in {one.environment}: {one.said}" for one in looked if one.outcome != "quiet"]
    return tuple(one_line(text, 400) for text in (*told, *(p for one in looked for p in one.problems)))


class Drifting:
    """The drift checks of `lockgate watch`."""

    def __init__(self, workspace: Workspace, stopped: Event) -> None:
        self._workspace = Workspace(workspace.root, workspace.clock)  # git objects stay in one thread
        self._stopped = stopped
        self._ended = Event()
        self._thread: Thread | None = None
        self._problems: deque[str] = deque(maxlen=100)
        self._next: datetime | None = None

    def go_on(self) -> tuple[str, ...]:
        """Begins what is due, unless that is still going on; what was found or went wrong since."""
        found = tuple(self._problems.popleft() for _ in range(len(self._problems)))
        now = self._workspace.clock.now()
        if self._thread is not None and self._thread.is_alive():
            return found
        if self._next is not None and timedelta(0) < self._next - now <= _AFTER_TROUBLE:
            return found
        self._next = now + _LOOK_EVERY
        self._thread = Thread(target=self._look, name="drift", daemon=True)
        self._thread.start()
        return found

    def finish(self, seconds: float = 5.0) -> None:
        """Ends it, and waits for what is being asked, at most `seconds`; the next controller goes on."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _look(self) -> None:
        problems = check_due(self._workspace, lambda: self._stopped.is_set() or self._ended.is_set())
        if problems:
            self._next = self._workspace.clock.now() + _AFTER_TROUBLE
            self._problems.extend(problems)
