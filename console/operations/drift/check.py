"""Drift check: ask what the baseline asked, judge it with all checks before, and record an alarm."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from console.operations.apply import StalePlan, apply
from console.operations.drift import incident
from console.operations.drift.asking import opened
from console.operations.drift.known import keep_known
from console.operations.drift.looked import Looked, drifted, known, quiet, undecided
from console.operations.drift.reading import Watched, file_of, watched
from console.operations.drift.suite import compared
from console.operations.plan import Overtaken
from store.canonical import sha256_hex
from store.errors import Cancelled, LockgateError
from store.progress import Report, Stop, never, silent
from store.records.base import Person
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.calls import Round, Sample
    from evals.drift.standing import Standing

MOST_CHECKS = 400
"""Of one baseline: what was answered a year ago is worth being looked at anew."""
_AGAIN_AFTER = timedelta(hours=1)
"""A check that said nothing is made again so much later."""


@dataclass(frozen=True, slots=True)
class _Go:
    """How one go of checks is made."""

    workspace: Workspace
    with_suite: bool
    by: Person | None
    why: str
    report: Report
    stop: Stop


async def check(
    workspace: Workspace,
    environment: str | None = None,
    *,
    only_due: bool = False,
    with_suite: bool = True,
    by: Person | None = None,
    why: str = "",
    report: Report = silent,
    stop: Stop = never,
) -> tuple[Looked, ...]:
    """Checks every model that serves in `environment` (or in production) and has a baseline.

    What one of them lacks is said of it and keeps nobody from the others. An alarm that was raised before
    and has no record yet (a crash) is recorded now, without asking again. Raises InputError for an unknown
    environment, Cancelled.
    """
    go, found = _Go(workspace, with_suite, by, why, report, stop), []
    for one in watched(workspace.store.at(), environment):
        if only_due and not due(workspace, one):
            continue
        try:
            found.append(await _checked(go, one))
        except Cancelled:
            raise
        except (LockgateError, OSError) as error:
            found.append(undecided(one, one_line(str(error), 400)))
    return tuple(found)


def due(workspace: Workspace, one: Watched) -> bool:
    """Whether a controller checks `one` now: a recorded incident ends it until the next baseline."""
    from evals.drift.schedule import is_due

    if one.incident is not None or one.baseline.every_hours == 0:
        return False
    standing, now = file_of(workspace).standing(one.baseline.id), workspace.clock.now()
    if standing.is_alarm:
        return True
    last = standing.last_at
    counted = [each.at for each in standing.checks if each.p is not None]
    if last is not None and timedelta(0) <= now - _moment(last) < _AGAIN_AFTER:
        return False
    return is_due(_moment(counted[-1]) if counted else one.baseline.at, now, one.baseline.every_hours)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


async def _checked(go: _Go, one: Watched) -> Looked:
    if one.incident is not None:
        return known(one, one.incident)
    file = file_of(go.workspace)
    standing, trouble = file.standing(one.baseline.id), ""
    if not standing.is_alarm:
        if standing.evidence.checks >= MOST_CHECKS:
            way_out = f"`lockgate drift baseline {one.pin}` renews it"
            return undecided(one, f"its baseline was checked {MOST_CHECKS} times: {way_out}")
        keep_known(go.workspace, one, _moment(standing.quiet_at) if standing.quiet_at else one.baseline.at)
        trouble = await _ask(go, one)
        standing = file.standing(one.baseline.id)
    if standing.is_alarm:
        return await _alarm(go, one, standing)
    return quiet(one, standing, trouble)


async def _ask(go: _Go, one: Watched) -> str:
    """One check, kept whatever came of it: also that nothing came, so that nobody asks again at once.

    Returns why probes failed, where some did.
    """
    from evals.drift.calls import Sample
    from evals.drift.sampling import Manner, take

    workspace, baseline = go.workspace, one.baseline
    try:
        async with opened(workspace, one.model) as prober:
            manner = Manner(baseline.mode, baseline.tops, baseline.temperature)
            sample = await take(prober, baseline.prompts, manner, report=go.report, stop=go.stop)
    except Cancelled:
        raise
    except LockgateError:
        _keep(workspace, one, Sample((), failures=1))
        raise
    await asyncio.to_thread(_keep, workspace, one, sample)
    return sample.trouble


def _keep(workspace: Workspace, one: Watched, sample: Sample) -> None:
    from evals.drift.permutation import p_value
    from evals.drift.sampling import MIN_ROUNDS

    baseline = one.baseline

    def judge(before: tuple[Round, ...], number: int) -> float | None:
        if len(sample.rounds) < MIN_ROUNDS:
            return None
        seed = int(sha256_hex(f"{baseline.digest} {number}".encode())[:12], 16)
        return p_value(baseline.mode, (*baseline.rounds, *before), sample.rounds, seed)

    file_of(workspace).add(baseline.id, workspace.clock.now().timestamp(), sample, judge)


async def _alarm(go: _Go, one: Watched, standing: Standing) -> Looked:
    suspicion = await _suspicion(go, one, standing)
    try:
        applied = apply(go.workspace, incident.plan(go.workspace, suspicion, go.by), go.why, decided=True)
    except (Overtaken, StalePlan):
        return drifted(one, standing, "its drift was recorded by somebody else meanwhile")
    return drifted(one, standing, applied.record.summary, applied.record, applied.problems)


async def _suspicion(go: _Go, one: Watched, standing: Standing) -> incident.Suspicion:
    if not go.with_suite:
        return incident.Suspicion(one, standing)
    snapshot = go.workspace.store.at()
    try:
        moved = await compared(go.workspace, snapshot, one, report=go.report, stop=go.stop)
        return incident.Suspicion(one, standing, moved)
    except Cancelled:
        raise
    except LockgateError as error:  # an incident without a suite is better than none
        return incident.Suspicion(one, standing, suite_said=one_line(error.message, 400))
