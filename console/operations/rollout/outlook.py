"""Before a rollout: how long its steps take at the traffic seen, as conditions of the promotion's plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.operations.plan import Check
from store.errors import LockgateError
from store.records.rollout_policy import RolloutPolicy, Triggers
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.live.outlook import StepOutlook
    from evals.live.sqlite_source_traffic import SeenTraffic


def outlook_checks(workspace: Workspace, environment: str, policy: RolloutPolicy) -> tuple[Check, ...]:
    """One line for each step that serves users: told, never in the way."""
    from evals.live.outlook import USUAL_SD, outlook

    try:
        seen = _traffic(workspace, environment)
    except LockgateError as error:
        return (Check("outlook", "warn", f"the traffic cannot be read: {one_line(str(error), 300)}"),)
    if seen is None:
        return (
            Check("outlook", "warn", f"{environment} reports no traffic yet: its steps will wait for some"),
        )
    # Scores that are all alike have no spread; the formulas want one.
    spread = min(0.5, max(0.01, seen.score_sd)) if seen.score_sd is not None else USUAL_SD
    found: list[Check] = []
    for step in outlook(policy, seen.requests_per_minute, seen.scored_share, spread):
        if step.warnings:
            found.append(Check("outlook", "warn", " ".join(step.warnings)))
        elif step.pass_minutes is not None and step.percent < 100:
            found.append(Check("outlook", "ok", _words(step, policy.triggers)))
    return tuple(found)


def _traffic(workspace: Workspace, environment: str) -> SeenTraffic | None:
    now = workspace.clock.now().timestamp()
    if workspace.settings.prometheus is not None:
        from evals.live.prometheus.opening import open_prometheus

        return open_prometheus(workspace.settings).traffic(environment, now)
    from evals.live.sqlite_source import SqliteSource

    return SqliteSource(workspace.state / "observations.sqlite").traffic(environment, now)


def _words(step: StepOutlook, triggers: Triggers) -> str:
    """ "step 1 (5 %) notices a drop of 2 points in about 6 h and takes about 24 h at today's traffic"."""
    from evals.live.verdict import points, span

    least = max(step.pass_minutes or 0.0, step.hold_minutes)
    name, notices = f"step {step.number} ({step.percent:g} %)", ""
    if triggers.quality_drop is not None and step.detect_minutes is not None:
        notices = (
            f" notices a drop of {points(triggers.quality_drop)} in about {span(step.detect_minutes)} and"
        )
    return f"{name}{notices} takes about {span(least)} at today's traffic"
