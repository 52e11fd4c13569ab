"""A workspace whose production takes steps, with traffic that goes through the real client."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

from lockgate_client import Client
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.workspace import Workspace
from tests.support.workspaces import NOON, add_basics, add_prompt, made, promote_to, stage_all, tick

QUICK = RolloutPolicy(
    steps=(
        Step(percent=25, hold_minutes=3),
        Step(percent=50, hold_minutes=3),
        Step(percent=100),
    ),
    triggers=Triggers(quality_drop=0.3, error_rate=0.05, p99_rise=None, bad_feedback=False),
    watch_days=1,
)
"""Two steps of three healthy minutes each; only errors, quality and harm are looked at."""


def stepped(path: Path, rollout: RolloutPolicy = QUICK) -> Workspace:
    """r1 serves production, r2 (another prompt) is staged."""
    policy = Policy(
        environments=(
            EnvironmentPolicy(name="staging", gate=GatePolicy(required=False)),
            EnvironmentPolicy(
                name="production", gate=GatePolicy(required=False), production=True, rollout=rollout
            ),
        )
    )
    workspace = made(path / "acme", policy)
    add_basics(workspace, path)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    promote_to(workspace, "r1")
    add_prompt(workspace, path / "p", "Answer kindly.\n\n{{context}}\n", what="changed tone")
    stage_all(workspace, "prompt/support")
    return workspace


_numbers = itertools.count()


def traffic(
    workspace: Workspace,
    minutes: int,
    *,
    per_minute: int = 40,
    canary_quality: float = 0.9,
    canary_errors: int = 0,
    errors: int = 0,
    scored: bool = True,
) -> dict[str, int]:
    """Lets `minutes` go by with requests of ever new users; returns how many each arm answered.

    Of the canary's requests the first `canary_errors` in each minute fail, of stable's the first `errors`.
    """
    clock = workspace.clock.now
    arms: dict[str, int] = {}
    client = Client(workspace.live("production"), check_seconds=0, wall=lambda: clock().timestamp())
    for _ in range(minutes):
        failing, failing_anyhow = canary_errors, errors
        for position in range(per_minute):
            unit = f"user-{next(_numbers)}"
            resolution = client.resolve(unit)
            canary = resolution.arm == "canary"
            arms[resolution.arm] = arms.get(resolution.arm, 0) + 1
            error = canary and failing > 0
            failing -= error
            if not canary and failing_anyhow > 0:
                error, failing_anyhow = True, failing_anyhow - 1
            client.observe(
                resolution,
                request_id=f"request-{unit}",
                unit=unit,
                latency_ms=100.0 + position,
                error=error,
                quality=(canary_quality if canary else 0.9) if scored and not error else None,
                at=clock().timestamp() + position * 60 / per_minute,
            )
        tick(workspace, clock() + timedelta(minutes=1))
    assert client.flush()
    client.close()
    return arms


__all__ = ["NOON", "QUICK", "stepped", "traffic"]
