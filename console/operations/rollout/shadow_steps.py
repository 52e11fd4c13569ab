"""Before a rollout with shadow steps: whether its releases can be answered for the log only."""

from __future__ import annotations

from collections.abc import Iterator

from console.operations.plan import Check
from store.errors import InputError
from store.records.release import Release
from store.records.rollout_policy import RolloutPolicy
from store.snapshot import Snapshot
from store.workspace import Workspace


def shadow_checks(
    workspace: Workspace, snapshot: Snapshot, policy: RolloutPolicy, *releases: Release
) -> Iterator[Check]:
    """One condition for each of `releases` where `policy` has shadow steps: one that cannot be replayed
    would hang in them."""
    if not any(step.shadow for step in policy.steps):
        return
    from console.operations.shadow.replays import demand_replayable

    for release in releases:
        try:
            demand_replayable(workspace, snapshot, release)
        except InputError as error:
            yield Check("shadow", "unmet", f"the shadow step cannot replay {release.id}: {error}")
        else:
            yield Check("shadow", "ok", f"{release.id} can be answered for the log only")
