"""Before a rollout: how long its steps take at the traffic seen, as conditions of the promotion's plan."""

from __future__ import annotations

from console.operations.plan import Check
from store.errors import LockgateError
from store.records.rollout_policy import RolloutPolicy
from store.text import one_line
from store.workspace import Workspace


def outlook_checks(workspace: Workspace, environment: str, policy: RolloutPolicy) -> tuple[Check, ...]:
    """One line for each step that serves users: told, never in the way."""
    if workspace.settings.prometheus is not None:
        return ()
    from evals.live.outlook import USUAL_SD, outlook
    from evals.live.sqlite_source import SqliteSource
    from evals.live.verdict import span

    source = SqliteSource(workspace.state / "observations.sqlite")
    try:
        seen = source.traffic(environment, workspace.clock.now().timestamp())
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
        elif step.pass_minutes is not None:
            least = max(step.pass_minutes, step.hold_minutes)
            text = f"step {step.number} ({step.percent:g} %) takes about {span(least)} at today's traffic"
            found.append(Check("outlook", "ok", text))
    return tuple(found)
