"""All that a controller does, once: for cron and timers, where nobody stays."""

from __future__ import annotations

from collections.abc import Callable

from console.controller.drifting import check_due
from console.controller.pruning import prune_when_due
from console.controller.retention import sent, stood_by, swept_when_due
from console.controller.tick import Ticked, tick
from console.controller.work import work_once
from store.errors import LockgateError
from store.text import one_line
from store.workspace import Workspace

Spread = Callable[[], tuple[str, ...]]
"""Pushes and tells of what was done; returns what a person has to see to."""


def visit(workspace: Workspace, spread: Spread = tuple) -> Ticked:
    """A tick, then one pass over what waits to be graded and replayed; and where that found something,
    a second tick, so that what it says is not left to the next visit. Last the drift checks that are
    due, what is kept ready for rollbacks, and the sweep of indexes.

    `spread` comes after each tick: what was decided is not kept waiting by what is slow.
    """
    first = tick(workspace)
    spoken = list(spread())
    worked = work_once(workspace)
    second = Ticked()
    if worked.graded or worked.replayed:
        second = tick(workspace)
        spoken.extend(spread())
    problems = (
        *first.problems,
        *worked.problems,
        *second.problems,
        *spoken,
        *_pruned(workspace),
        *check_due(workspace),
        *stood_by(workspace),
        *sent(workspace),
        *swept_when_due(workspace),
    )
    return Ticked(
        records=(*first.records, *second.records),
        problems=tuple(dict.fromkeys(problems)),
        sights=second.sights or first.sights,
    )


def _pruned(workspace: Workspace) -> tuple[str, ...]:
    try:
        prune_when_due(workspace, workspace.clock.now())
    except (LockgateError, OSError) as error:
        return (one_line(str(error), 400),)
    return ()
