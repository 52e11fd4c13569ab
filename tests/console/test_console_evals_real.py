"""A run that the Evals screen begins, on real pipelines and a scripted model on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.workspace import Workspace
from tests.console.conftest import Console, Opener
from tests.console.rolling import ANA
from tests.evals.server import FaultServer
from tests.operations.shadows import another, answer_from_context, copied, made, still


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer(answer=answer_from_context) as running:
        yield running


@pytest.fixture
def acme(tmp_path: Path, server: FaultServer) -> Workspace:
    """r1 serves production, r2 answers nonsense."""
    template = made(tmp_path / "made", server)
    another(template, tmp_path / "scratch", "ANSWER NONSENSE\n\n{{context}}\n")
    workspace = still(copied(template, tmp_path / "running"))
    workspace.__dict__["person"] = ANA
    return workspace


async def finished(it: Console, *keys: str) -> None:
    """Presses `keys` and waits for the run to end."""
    await it.press(*keys)
    for _ in range(600):
        await it.pilot.pause(0.02)
        await it.settle()
        if "x stops it" not in it.text:
            return
    raise AssertionError(f"the run never ended:\n{it.text}")


async def test_a_release_that_got_worse_is_run_seen_and_kept(console: Opener, acme: Workspace) -> None:
    async with console(size=(140, 45), on=acme) as it:
        await finished(it, "6", "e", "type:r2", "enter", "type:r1", "enter")
        assert "✗ block" in it.text and "○ not kept" in it.text
        assert "✗ relevance" in it.text and "◂" in it.text
        await it.press("enter")
        assert "12 cases flipped" in it.text and "▼ worse" in it.text
        assert "{Roses}" in it.text and "= 1 " in it.text, "answers and passages of the journal"
        await it.press("escape", "s", "type:seen in the console", "enter")
        assert "● evidence" in it.text
    (verdict,) = acme.store.at().verdicts("r2")
    assert (verdict.outcome, verdict.baseline) == ("block", "r1")
