"""All that a controller does, once: for cron and timers, where nobody stays."""

from __future__ import annotations

from console.controller.retention import swept_when_due
from console.controller.tick import Ticked, tick
from console.controller.work import work_once
from store.workspace import Workspace


def visit(workspace: Workspace) -> Ticked:
    """A tick, then one pass over what waits to be graded and replayed; and where that found something,
    a second tick, so that what it says is not left to the next visit. Last the sweep of indexes that is
    due."""
    first = tick(workspace)
    worked = work_once(workspace)
    second = tick(workspace) if worked.graded or worked.replayed else Ticked()
    kept = swept_when_due(workspace)
    return Ticked(
        records=(*first.records, *second.records),
        problems=tuple(dict.fromkeys((*first.problems, *worked.problems, *second.problems, *kept))),
        sights=second.sights or first.sights,
    )
