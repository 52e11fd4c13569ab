"""What a shadow's comparisons say, counted on from look to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.operations.shadow.paths import work_file_of
from store.rules.shadow import Running
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.live.budget import Budget
    from evals.live.shadow import ShadowWatch
    from evals.live.shadow_verdict import ShadowVerdict


def job_of(shadow: Running) -> str:
    """What claims and comparisons of `shadow` are filed under: another stable is another comparison."""
    return f"shadow/{shadow.attempt}/{shadow.release}/{shadow.stable}"


def budget_of(workspace: Workspace, environment: str, shadow: Running) -> Budget:
    """The caps of `shadow`, which all workers of this machine share."""
    from evals.live.budget import Budget

    return Budget(
        work_file_of(workspace),
        f"shadow/{environment}",
        shadow.policy.cap_rpm,
        shadow.policy.cap_usd_per_day,
        lambda: workspace.clock.now().timestamp(),
    )


def fed(workspace: Workspace, shadow: Running, watch: ShadowWatch | None = None) -> ShadowWatch:
    """`watch` with all that was compared since; a new one, with everything, where there is none.

    Raises MachineryError when the comparisons cannot be read.
    """
    from evals.live.comparison import read
    from evals.live.shadow import ShadowWatch

    watch = ShadowWatch(shadow.policy) if watch is None else watch
    now = workspace.clock.now().timestamp()
    file = work_file_of(workspace)
    while True:
        before = watch.upto
        watch.feed(read(file, job_of(shadow), before), now)
        if watch.upto == before:
            return watch


def verdict_of(
    workspace: Workspace, shadow: Running, watch: ShadowWatch, min_requests: int = 1
) -> ShadowVerdict:
    """The verdict now; minutes and scores are those since `shadow` began its stretch."""
    from evals.live.shadow_verdict import judge

    now = workspace.clock.now().timestamp()
    return judge(watch, now, shadow.since.timestamp(), min_requests)
