"""Eval: run a release's suites against a baseline, and commit the verdict as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ulid import ULID

from console.operations.plan import Plan, Stamp
from store.bounded import write_toml
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.component import Kind
from store.records.policy import Tier
from store.records.release import Release
from store.records.verdict import Verdict
from store.snapshot import Snapshot
from store.stamping import in_order
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.evaluate import OnCategory


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
    report: Report = silent,
    stop: Stop = never,
    on_category: OnCategory | None = None,
) -> Verdict:
    """Runs `task` and returns its verdict; nothing is committed."""
    return await judged(
        workspace,
        workspace.store.at(),
        task.release,
        task.baseline,
        task.tier,
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
    report: Report = silent,
    stop: Stop = never,
    on_category: OnCategory | None = None,
) -> Verdict:
    """The verdict on `release` against `baseline` over all of its suites.

    Raises InputError when it has none, MachineryError when a model or an index fails, Cancelled.
    """
    from console.operations.arms import Bench
    from evals.evaluate import evaluate
    from evals.outcome import to_verdict
    from evals.suite import parse_suite

    pins = release.pins(Kind.EVALS)
    if not pins:
        raise InputError(f"{release.id} has no eval suite: put one in with --set evals/NAME=vN.")
    evaluations = []
    async with Bench(workspace, snapshot) as bench:
        for pin in pins:
            suite = parse_suite(snapshot.files(pin), str(pin))
            evaluations.append(
                await evaluate(
                    await bench.arm(release, suite),
                    await bench.arm(baseline, suite) if baseline else None,
                    suite,
                    str(pin),
                    tier,
                    concurrency=workspace.settings.concurrency,
                    context=bench.context(release),
                    report=report,
                    stop=stop,
                    on_category=on_category,
                )
            )
    now = workspace.clock.now()
    return to_verdict(evaluations, str(ULID.from_datetime(now)), now)


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
