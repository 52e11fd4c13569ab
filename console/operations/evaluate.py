"""Eval: run a release's suites against a baseline, and commit the verdict as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ulid import ULID

from console.operations.plan import Plan, Stamp
from console.operations.run_options import USUAL, RunOptions
from console.operations.run_suites import Bound
from store.bounded import write_toml
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.policy import Tier
from store.records.release import Release
from store.records.verdict import Verdict
from store.snapshot import Snapshot
from store.stamping import in_order
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.outcome import Evaluation
    from evals.running.budget import Purse
    from evals.running.selection import Selection
    from evals.running.watching import OnCategory


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be run."""

    release: Release
    baseline: Release | None
    tier: Tier

    @property
    def baseline_id(self) -> str | None:
        """The baseline's id, or None."""
        return self.baseline.id if self.baseline else None


def prepare(
    workspace: Workspace,
    release: str,
    against: str | None = None,
    *,
    no_baseline: bool = False,
    tier: Tier | None = None,
) -> Task:
    """What evaluating `release` would run. The baseline is `against` (a release or an environment), or
    what the first environment serves; the tier is that environment's gate's.

    Raises InputError for unknown releases and for a release that is its own baseline.
    """
    snapshot = workspace.store.at()
    first = snapshot.policy.environments[0]
    subject = snapshot.release(release)
    baseline = None if no_baseline else _baseline(snapshot, against, first.name)
    if baseline is not None and baseline.digest == subject.digest:
        if against is not None:
            raise InputError(f"{baseline.id} is the same release as {subject.id}; name another --against.")
        baseline = None
    return Task(subject, baseline, tier or first.gate.tier)


def _baseline(snapshot: Snapshot, against: str | None, first: str) -> Release | None:
    name = against or first
    if name in snapshot.policy.names:
        stable = snapshot.environment(name).stable
        return snapshot.release(stable) if stable else None
    return snapshot.release(name)


async def run(
    workspace: Workspace,
    task: Task,
    *,
    options: RunOptions = USUAL,
    report: Report = silent,
    stop: Stop = never,
    on_category: OnCategory | None = None,
) -> Verdict:
    """Runs `task` and returns its verdict; nothing is committed. Raises as `judged` does."""
    return await judged(
        workspace,
        workspace.store.at(),
        task.release,
        task.baseline,
        task.tier,
        options=options,
        report=report,
        stop=stop,
        on_category=on_category,
    )


async def judged(
    workspace: Workspace,
    snapshot: Snapshot,
    release: Release,
    baseline: Release | None,
    tier: Tier,
    *,
    options: RunOptions = USUAL,
    purse: Purse | None = None,
    report: Report = silent,
    stop: Stop = never,
    on_category: OnCategory | None = None,
) -> Verdict:
    """The verdict on `release` against `baseline` over all of its suites.

    A run that was killed or stopped goes on where it was. `purse` is shared by runs that one budget is
    for. Raises InputError when it has none, MachineryError when a model or an index fails,
    BudgetReached, Cancelled.
    """
    from evals.outcome import to_verdict
    from evals.running.lines import End
    from evals.running.selection import Selection

    bound = Bound(workspace, snapshot, release, baseline, tier, options, purse or options.purse(workspace))
    async with bound.opened(Selection()) as running:
        evaluations = await running.evaluated(report, stop, on_category)
        now = workspace.clock.now()
        verdict = to_verdict(evaluations, str(ULID.from_datetime(now)), now)
        running.journal.write(End(at=now, outcome=verdict.outcome))
    return verdict


async def look(
    workspace: Workspace,
    task: Task,
    selection: Selection,
    *,
    options: RunOptions = USUAL,
    report: Report = silent,
    stop: Stop = never,
    on_category: OnCategory | None = None,
) -> tuple[Evaluation, ...]:
    """Runs the cases of `task` that `selection` chooses: results to look at, which no gate accepts.

    Raises InputError where it chooses nothing, else as `judged` does.
    """
    from evals.running.lines import End

    snapshot, purse = workspace.store.at(), options.purse(workspace)
    bound = Bound(workspace, snapshot, task.release, task.baseline, task.tier, options, purse)
    async with bound.opened(selection) as running:
        evaluations = await running.evaluated(report, stop, on_category)
        running.journal.write(End(at=workspace.clock.now(), outcome="look"))
    return tuple(evaluations)


def plan(workspace: Workspace, verdict: Verdict) -> Plan:
    """What committing `verdict` as evidence would do."""
    return _plan(workspace, workspace.store.at(), verdict)


def _plan(workspace: Workspace, snapshot: Snapshot, verdict: Verdict) -> Plan:
    release = snapshot.release(verdict.release)
    if release.digest != verdict.release_digest:
        raise InputError(f"the verdict is not about {release.id} as it is in the store.")
    (verdict,) = in_order(snapshot, release.id, (verdict,))

    def write(_: Stamp) -> Mapping[str, bytes]:
        return {f"verdicts/{release.id}/{verdict.id}.toml": write_toml(verdict)}

    against = f"against {verdict.baseline}" if verdict.baseline else "without a baseline"
    word = {"pass": "passed", "block": "is blocked", "inconclusive": "is undecided"}[verdict.outcome]
    reasons = f": {'; '.join(verdict.reasons)}" if verdict.reasons else ""
    return Plan(
        verb="eval",
        tip=snapshot.commit,
        title=f"Evaluate {release.id} {against}",
        summary=f"{release.id} {word} {against} on {verdict.cases} {verdict.tier} cases{reasons}",
        release=release.id,
        write=write,
        evidence=(verdict.id,),
        gate=verdict.outcome,
        remake=lambda fresh: _plan(workspace, fresh, verdict),
        command=f"lockgate eval {release.id}"
        + (f" --against {verdict.baseline}" if verdict.baseline else " --no-baseline")
        + f" --tier {verdict.tier}",
    )
