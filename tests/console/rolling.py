"""A workspace with a rollout on its way, for the console's tests: always the same users, in the same arms."""

from __future__ import annotations

import itertools
from pathlib import Path
from unittest.mock import patch

from console.controller.tick import tick as look
from console.operations import promote
from console.operations.apply import apply
from store.clock import FixedClock
from store.records.base import Person
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.settings import Settings
from store.workspace import Workspace
from tests.console.seeded import seeding
from tests.operations import rollouts
from tests.operations.rollouts import stepped, traffic

ANA = Person(name="ana", email="ana@example.org")
LADDER = RolloutPolicy(
    steps=(
        Step(percent=25, hold_minutes=3, min_scored=20),
        Step(percent=50, hold_minutes=20, min_scored=200),
        Step(percent=100, approval=True),
    ),
    triggers=Triggers(quality_drop=0.3, error_rate=0.05, p99_rise=None),
    watch_days=7,
)


def seed_rolling(root: Path, _: Path) -> None:
    """r2 serves half of the users, and has what its first step asked for; the second has just begun."""
    with seeding(), patch.object(rollouts, "_numbers", itertools.count()):
        workspace = stepped(root.parent, LADDER)
        apply(workspace, promote.plan(workspace, "r2", "production"), "kinder answers")
        look(workspace)
        traffic(workspace, 4, per_minute=200)
        look(workspace)
        traffic(workspace, 4, per_minute=60, canary_errors=1)
        look(workspace)
    (root.parent / "now").write_text(workspace.clock.now().isoformat())


def open_rolling(root: Path, at: FixedClock) -> Workspace:
    """The workspace at `root`; ana is the one acting."""
    workspace = Workspace(root, at)
    workspace.__dict__["settings"] = Settings(author=ANA, embedder="lexical")
    workspace.__dict__["person"] = ANA
    return workspace
