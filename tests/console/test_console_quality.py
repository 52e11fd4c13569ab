"""Quality by week: what the screen shows of verdicts, and what its keys do."""

from __future__ import annotations

import csv
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from console.operations import evaluate as evals_verb
from console.operations.apply import apply
from store.clock import FixedClock
from store.workspace import Workspace
from tests.console.album import Album
from tests.console.conftest import Opener, shared
from tests.console.evaluated import AFTER, BEFORE, Script, open_evaluated, prepared, run
from tests.console.seeded import seeding
from tests.support.workspaces import add_prompt, promote_to, stage_all

SIZES = pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")
FALLEN = Script(
    {"relevance": "It depends on {n}.", "safety": "no", "tone": "Number {n}."},
)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cursor blinks."""
    monkeypatch.setattr("textual.widgets.Input._toggle_cursor", lambda _: None)


async def weeks(root: Path, scratch: Path) -> None:
    """Three releases over five weeks; the third lost most of its relevance."""
    with seeding():
        workspace = prepared(root, scratch)
        await measured(workspace, "r2", AFTER)
        promote_to(workspace, "r2")
        later(workspace, 7)
        await measured(workspace, "r2", BEFORE)
        later(workspace, 14)
        add_prompt(workspace, scratch / "p3", "Answer at length.\n\n{{context}}\n", what="longer [/red]")
        stage_all(workspace, "prompt/support")
        promote_to(workspace, "r3")
        await measured(workspace, "r3", FALLEN)
        later(workspace, 7)


async def measured(workspace: Workspace, release: str, script: Script) -> None:
    verdict = await run(workspace, script, release=release)
    apply(workspace, evals_verb.plan(workspace, verdict), "the week's suite")


def later(workspace: Workspace, days: int) -> None:
    """Lets time pass."""
    clock = workspace.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(days=days)


@pytest.fixture(scope="session")
def weeks_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import asyncio

    return shared(tmp_path_factory, "weeks", lambda root, scratch: asyncio.run(weeks(root, scratch)))


@pytest.fixture
def acme(weeks_root: Path, tmp_path: Path) -> Workspace:
    """A copy that a test may change, five weeks on."""
    shutil.copytree(weeks_root, tmp_path / "weeks")
    workspace = open_evaluated(tmp_path / "weeks")
    later(workspace, 29)
    return workspace


@SIZES
async def test_every_category_by_week(size: tuple[int, int], console: Opener, acme: Workspace) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    async with console(size=size, on=acme) as it:
        await it.press("6", "w")
        album.take(it, "quality")
        assert "no model is watched" in it.text and "▲ prompt/support v2 → v3" in it.text
        await it.press("down")
        album.take(it, "quality-other")
        await it.press("enter")
        album.take(it, "quality-drift")
        await it.press("escape", "e")
        album.take(it, "quality-environment")
        await it.press("escape")
        assert "evidence" in it.text
    album.settle()


async def test_the_weeks_go_into_a_file(console: Opener, acme: Workspace) -> None:
    async with console(on=acme) as it:
        await it.press("6", "w", "x", "enter")
        rows = list(csv.DictReader((acme.root / "quality-production.csv").open()))
        relevance = [row for row in rows if row["category"] == "relevance"]
        assert [row["release"] for row in relevance] == ["r2", "r2", "r3"]
        assert relevance[-1]["changed"] == "prompt/support v2 → v3"
        assert float(relevance[-1]["mean"]) == 0.0 and float(relevance[1]["mean"]) == 1.0
        await it.press("x", "enter")
        assert "is there already" in it.text


async def test_where_nothing_serves_there_are_no_weeks(console: Opener, tmp_path: Path) -> None:
    from console.operations.init import init

    async with console(on=init(tmp_path / "fresh")) as it:
        await it.press("6", "w")
        assert "No environment serves anything yet." in it.text
