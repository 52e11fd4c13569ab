"""A rollout on its way shows where people look first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from console.controller.tick import tick as look
from console.operations import promote
from console.operations.apply import apply
from console.operations.rollout import verbs
from console.operations.status import attention
from store.workspace import Workspace
from tests.console.conftest import Opener
from tests.operations.rollouts import stepped
from tests.support.workspaces import tick


async def shown(console: Opener, workspace: Workspace) -> str:
    async with console(size=(140, 45), on=workspace) as it:
        return it.text


async def test_the_overview_tells_of_a_rollout_its_pauses_and_a_missing_controller(
    console: Opener, tmp_path: Path
) -> None:
    workspace = stepped(tmp_path / "rollouts")
    assert "% of users" not in await shown(console, workspace)
    apply(workspace, promote.plan(workspace, "r2", "production"), "kinder")
    pending = await shown(console, workspace)
    assert "r2 is pending, 0 % of users: waits for a controller" in pending
    assert "no controller looks after its rollout: lockgate watch" in pending
    look(workspace)
    running = await shown(console, workspace)
    assert "▶ production  r2 is progressing, 25 % of users" in running and "no controller" not in running
    apply(workspace, verbs.pause(workspace, "production"))
    assert "r2 is paused (manual), 25 % of users: paused by" in await shown(console, workspace)
    tick(workspace, workspace.clock.now() + timedelta(minutes=3))
    assert any("run `lockgate watch`" in one for one in attention(workspace, workspace.store.at()))
