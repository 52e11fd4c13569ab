"""Small workspaces made through the operations, as a person would make them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from console.operations import promote, stage
from console.operations.add import app, guardrail, model, prompt
from console.operations.apply import Applied, apply, apply_again
from console.operations.init import init
from console.operations.plan import Plan
from store.clock import FixedClock
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.workspace import Workspace

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

OPEN_POLICY = Policy(
    environments=(
        EnvironmentPolicy(name="staging", gate=GatePolicy(required=False)),
        EnvironmentPolicy(
            name="production", gate=GatePolicy(required=False), note_required=True, production=True
        ),
    )
)
"""Two environments that want no evals: for what is not about the gate."""


def made(path: Path, policy: Policy = OPEN_POLICY, at: datetime = NOON) -> Workspace:
    """An empty workspace whose clock stands at `at`."""
    return init(path, policy, FixedClock(at))


def do(workspace: Workspace, plan: Plan, why: str = "because") -> Applied:
    """Applies `plan`."""
    return apply(workspace, plan, why)


def add_prompt(workspace: Workspace, folder: Path, text: str, name: str = "support", what: str = "") -> None:
    """The next version of a prompt."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "system.md").write_text(text)
    do(workspace, prompt.plan(workspace, name, folder, what=what))


def add_basics(workspace: Workspace, scratch: Path) -> None:
    """One version of prompt, model, guardrail and app."""
    add_prompt(workspace, scratch / "p", "Answer briefly.\n\n{{context}}\n", what="first words")
    do(workspace, model.plan(workspace, "chat", "openai", "gpt-4o-2024-08-06", parameters={"temperature": 0}))
    rules = scratch / "rules.toml"
    rules.write_text('refusal = "No."\n[input]\ndeny = ["password"]\n')
    do(workspace, guardrail.plan(workspace, "default", rules))
    do(workspace, app.plan(workspace, "api", "0123456789abcdef0123456789abcdef01234567"))


def stage_all(workspace: Workspace, *sets: str) -> str:
    """Stages `sets` on top of what staging serves, without evals; returns the release's id."""
    composition = stage.compose(workspace, sets)
    applied = apply_again(workspace, stage.plan(workspace, composition, ()), "staged")
    assert applied.record.release is not None
    return applied.record.release


def promote_to(workspace: Workspace, release: str, environment: str = "production") -> Applied:
    """Promotes, as a command does."""
    return apply_again(workspace, promote.plan(workspace, release, environment), "promoted")


def tick(workspace: Workspace, at: datetime) -> None:
    """Sets the clock."""
    clock = workspace.clock
    assert isinstance(clock, FixedClock)
    clock.at = at
