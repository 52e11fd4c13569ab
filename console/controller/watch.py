"""The loop: a tick every few seconds until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from console.controller.drifting import Drifting
from console.controller.pruning import prune_when_due
from console.controller.retention import Retention
from console.controller.syncing import Syncing, followed
from console.controller.tick import Ticked, tick
from console.controller.work import Work
from console.operations.rollout.observing import Observer
from store.errors import LockgateError, words_of
from store.text import one_line
from store.workspace import Workspace

EVERY_SECONDS = 5.0


def watch(
    workspace: Workspace,
    *,
    every: float = EVERY_SECONDS,
    stopped: Event,
    told: Callable[[Ticked], None],
    ticks: int | None = None,
    follow: bool = False,
) -> None:
    """Ticks every `every` seconds until `stopped` is set, at most `ticks` times; `told` hears of each.

    With `follow` it decides nothing: what others decided comes from the remote and is served here.

    A tick that fails as a whole is told and the next one tries again: a controller that gave up
    would leave canaries to time out.
    """
    done = 0
    observer = Observer()
    chores, syncing = Chores(workspace, stopped), Syncing(workspace)
    retention = Retention(workspace, stopped, decides=not follow)
    work = Work(workspace, stopped) if not follow else None
    drifting = Drifting(workspace, stopped) if not follow else None
    while not stopped.is_set():
        records = 0
        try:
            ticked = followed(workspace) if follow else tick(workspace, look=observer)
            records = len(ticked.records)
            told(ticked)
        except Exception as error:
            told(Ticked(problems=(one_line(words_of(error), 400),)))
        worked = work.go_on() if work is not None else ()
        drifted = drifting.go_on() if drifting is not None else ()
        kept = retention.go_on()
        for problem in (*chores.go_on(), *worked, *drifted, *kept, *syncing.go_on(at_once=records > 0)):
            told(Ticked(problems=(problem,)))
        done += 1
        if ticks is not None and done >= ticks:
            break
        stopped.wait(every)
    chores.finish()
    if work is not None:
        work.finish()
    if drifting is not None:
        drifting.finish()
    retention.finish()
    syncing.finish()


class Chores:
    """What must not delay a rollback, in a thread of its own: telling people of records, and forgetting
    observations that are old and counted."""

    def __init__(self, workspace: Workspace, stopped: Event) -> None:
        self._workspace = Workspace(workspace.root, workspace.clock)  # git objects stay in one thread
        self._stopped = stopped
        self._thread: Thread | None = None
        self._problems: list[str] = []

    def go_on(self) -> tuple[str, ...]:
        """Begins to deliver what is due, unless that is still going on; what went wrong last time."""
        if self._thread is not None and self._thread.is_alive():
            return ()
        problems, self._problems = tuple(self._problems), []
        self._thread = Thread(target=self._work, name="chores", daemon=True)
        self._thread.start()
        return problems

    def finish(self, seconds: float = 5.0) -> None:
        """Waits for what is being delivered, at most `seconds`; the outbox keeps the rest."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        from console.notify.running import keep_up

        now = self._workspace.clock.now()
        try:
            prune_when_due(self._workspace, now)
            keep_up(self._workspace, now, self._stopped)
        except (LockgateError, OSError) as error:
            self._problems.append(one_line(str(error), 400))
