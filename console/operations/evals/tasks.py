"""What a run that is begun, or gone on with, from the list of runs is to run."""

from __future__ import annotations

from console.operations import evaluate
from console.operations.evals.shelf import Run
from console.operations.evaluate import Task
from store.errors import InputError
from store.records.component import Kind
from store.records.policy import TIERS, Tier
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


def task_for(workspace: Workspace, release: str, against: str | None) -> Task:
    """`release` against the release `against`, or alone: in the tier that lets the verdict count in every
    environment that serves `against`. Raises InputError for releases that cannot be compared."""
    tier = _wanted(workspace.store.at(), against) if against is not None else None
    return evaluate.prepare(workspace, release, against, no_baseline=against is None, tier=tier)


def task_of(workspace: Workspace, run: Run) -> Task:
    """What goes on with `run`, which was stopped. Raises InputError where the store has not what it ran."""
    snapshot = workspace.store.at()
    release = snapshot.find_release(run.release)
    baseline = snapshot.find_release(run.baseline) if run.baseline else None
    if release is None or (run.baseline and baseline is None):
        raise InputError(
            f"{run.release} is not in the store: it was composed on Stage, which goes on with it by `e`."
        )
    if tuple(map(str, release.pins(Kind.EVALS))) != run.suites:
        raise InputError(
            f"{run.release} has other suites than the run that was stopped: it was composed on Stage."
        )
    return Task(release, baseline, _tier(run.tier))


def _tier(name: str) -> Tier:
    for tier in TIERS:
        if tier == name:
            return tier
    raise InputError(f"there is no tier {one_line(name, 40)!r}; the run cannot go on.")


def _wanted(snapshot: Snapshot, against: str) -> Tier | None:
    """The largest tier that is asked for where `against` serves; None where it serves nowhere."""
    serving = {one.name for one in snapshot.environments() if one.stable == against}
    tiers = [one.gate.tier for one in snapshot.policy.environments if one.name in serving]
    return max(tiers, key=TIERS.index, default=None)
