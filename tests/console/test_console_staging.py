"""Staging: versions picked, evals run, the release put into its first environment."""

from __future__ import annotations

import pytest

from console.operations import stage
from console.widgets.table import TableView
from store.history.newest import newest
from store.workspace import Workspace
from tests.console.conftest import Console, Opener
from tests.console.gates import gate_that


async def pick(it: Console, component: str, version: str) -> None:
    await it.press("2")
    it.app.screen.query_one("#picks", TableView).select(component)
    await it.press("enter")
    await it.type(version)
    await it.press("enter")


async def test_staging_picks_compares_evaluates_and_goes(
    workspace: Workspace, console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "gate", gate_that("pass"))
    async with console(size=(140, 45)) as it:
        await pick(it, "prompt/support", "v3")
        assert "r6 (new): 1 component changed against r4" in it.text
        assert "{, in whole sentences}" in it.text
        await pick(it, "model/chat", "v1")
        await it.press("e")
        assert "✓ pass  r6 against r4 on 60 cases" in it.text
        await it.press("s")
        assert "prompt/support v3: fuller answers" in it.text, "the note begins with what changed"
        await it.press("enter")
    assert workspace.store.at().environment("staging").stable == "r6"
    assert newest(workspace.store, 1)[0].why.startswith("prompt/support v3: fuller answers")


async def test_a_blocked_release_shows_its_flips_and_can_be_kept(
    workspace: Workspace, console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "gate", gate_that("block"))
    async with console(size=(140, 45)) as it:
        await pick(it, "prompt/support", "v3")
        await it.press("e")
        assert "✗ block" in it.text
        assert "How long may a refund take?" in it.text
        await it.press("s")
        assert "✗ not met" in it.text
        await it.press("escape", "K")
        assert "Keep r6 as blocked" in it.text
        await it.press("enter")
    assert workspace.store.at().environment("staging").stable == "r4"
    assert newest(workspace.store, 1)[0].kind == "block"


async def test_running_evals_show_bars_and_stop(
    workspace: Workspace, console: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "gate", gate_that("waits"))
    async with console(size=(80, 24)) as it:
        await pick(it, "prompt/support", "v3")
        await it.pilot.press("e")
        while "relevance" not in it.text:
            await it.pilot.pause()
        assert "answering" in it.text
        assert "baseline" in it.text
        await it.pilot.press("x")
        await it.settle()
        assert "Evals were stopped" in it.text
    assert workspace.store.at().release_ids()[-1] == "r5"
