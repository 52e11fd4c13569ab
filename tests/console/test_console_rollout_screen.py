"""The Rollout screen: what it shows of a rollout in every state, and what its keys do to it."""

from __future__ import annotations

import itertools
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from console.controller.tick import tick as look
from console.operations import promote
from console.operations.apply import apply
from console.operations.rollout import verbs
from console.views.line import text_of
from console.views.rollout import approval_cell
from store.clock import FixedClock
from store.kill_file import KillFile, write_kill
from store.records.approval import Approval
from store.records.base import Person
from store.records.environment import Environment
from store.records.rollout import Rollout
from store.workspace import Workspace
from tests.console.album import Album
from tests.console.conftest import Console, Opener, shared
from tests.console.hostile import NASTY
from tests.console.rolling import open_rolling, seed_rolling
from tests.console.seeded import seeding
from tests.operations import rollouts
from tests.operations.rollouts import stepped, traffic
from tests.support.workspaces import tick

SIZES = pytest.mark.parametrize("size", ((80, 24), (140, 45)), ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture(scope="session")
def rolling_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared(tmp_path_factory, "rolling", seed_rolling)


@pytest.fixture
def rolling(rolling_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A copy that a test may change; the same users come in each."""
    shutil.copytree(rolling_root, tmp_path / "rolling")
    now = datetime.fromisoformat((rolling_root.parent / "now").read_text())
    monkeypatch.setattr(rollouts, "_numbers", itertools.count(100_000))
    return open_rolling(tmp_path / "rolling", FixedClock(now))


def pointer(workspace: Workspace) -> Environment:
    return workspace.store.at().environment("production")


def rollout(workspace: Workspace) -> Rollout:
    found = pointer(workspace).rollout
    assert found is not None
    return found


async def shown(console: Opener, workspace: Workspace, *keys: str) -> str:
    async with console(size=(140, 45), on=workspace) as it:
        await it.press("3", *keys)
        return it.text


# -- what it shows -----------------------------------------------------------------------------------


async def picture(it: Console, album: Album, name: str, *keys: str) -> None:
    it.app.clear_notifications()
    await it.press(*keys)
    album.take(it, f"rollout-{name}")


@SIZES
async def test_pictures_of_a_rollout_on_its_way(
    size: tuple[int, int], console: Opener, rolling: Workspace
) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    with seeding():
        async with console(size=size, on=rolling) as it:
            await picture(it, album, "progressing", "3")
            await picture(it, album, "metric", "enter")
            await picture(it, album, "shell", "escape", "o")
            await picture(it, album, "advance-blocked", "escape", "a")
            await picture(it, album, "pause-plan", "escape", "z")
            await picture(it, album, "abort-plan", "escape", "x")
            await picture(it, album, "rollback-plan", "escape", "r")
        tick(rolling, rolling.clock.now() + timedelta(minutes=12))
        async with console(size=size, on=rolling) as it:
            await picture(it, album, "no-controller", "3")
            await picture(it, album, "overview", "1")
        look(rolling)
        async with console(size=size, on=rolling) as it:
            await picture(it, album, "no-traffic", "3")
    album.settle()


@SIZES
async def test_pictures_of_how_a_rollout_ends(
    size: tuple[int, int], console: Opener, rolling: Workspace
) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    with seeding():
        traffic(rolling, 6, canary_errors=12)
        look(rolling)
        async with console(size=size, on=rolling) as it:
            await picture(it, album, "rolled-back", "3")
            await picture(it, album, "rolled-back-metric", "enter")
    album.settle()


@SIZES
async def test_pictures_before_and_after(size: tuple[int, int], console: Opener, tmp_path: Path) -> None:
    album = Album(f"{size[0]}x{size[1]}", tones=size == (80, 24))
    with seeding():
        workspace = open_rolling(stepped(tmp_path / "fresh").root, FixedClock(rollouts.NOON))
        async with console(size=size, on=workspace) as it:
            await picture(it, album, "none", "3")
            await picture(it, album, "none-shell", "o")
        apply(workspace, promote.plan(workspace, "r2", "production"), "kinder answers")
        async with console(size=size, on=workspace) as it:
            await picture(it, album, "pending", "3")
        apply(workspace, verbs.advance(workspace, "production", override="no users", full=True), "go")
        async with console(size=size, on=workspace) as it:
            await picture(it, album, "succeeded", "3")
    album.settle()


@SIZES
async def test_pictures_with_hostile_words(
    size: tuple[int, int], console: Opener, rolling: Workspace
) -> None:
    album = Album(f"hostile-{size[0]}x{size[1]}", tones=size == (80, 24))
    with seeding():
        kill = KillFile(
            epoch=pointer(rolling).generation + 1,
            attempt=rollout(rolling).attempt,
            reason=NASTY[:200],
            at=rolling.clock.now(),
        )
        apply(rolling, verbs.pause(rolling, "production"), NASTY)
        write_kill(rolling.live("production"), kill)
        async with console(size=size, on=rolling) as it:
            await picture(it, album, "killed", "3")
            await picture(it, album, "metric", "down", "enter")
    album.settle()


async def test_new_evidence_shows_by_itself_and_the_cursor_stays(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling) as it:
        await it.press("3", "down")
        assert "scored answers" in it.text and "216 of" not in it.text
        before = it.text
        traffic(rolling, 3, per_minute=100)
        it.app.screen._look_again()  # type: ignore[attr-defined]
        await it.settle()
        assert it.text != before
        assert next(line for line in it.text.splitlines() if "▸" in line).split()[3] == "quality"


async def test_a_metric_opens_with_its_course(console: Opener, rolling: Workspace) -> None:
    text = await shown(console, rolling, "enter")
    assert "errors in production" in text and "● canary" in text and "% of requests" in text
    assert "blocks from 100 to 1" in text and "confidence sequence" in text


async def test_a_record_opens_in_the_history(console: Opener, rolling: Workspace) -> None:
    text = await shown(console, rolling, "tab", "enter")
    assert "[5 History]" in text and "▸" in text


# -- what its keys do --------------------------------------------------------------------------------


async def test_pause_and_go_on(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling) as it:
        await it.press("3", "z", "enter")
        assert rollout(rolling).pause == "manual" and "paused (manual)" in it.text
        await it.press("z", "enter")
        assert rollout(rolling).state == "progressing" and "▶ progressing" in it.text


async def test_advance_says_what_is_missing_and_takes_a_reason(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling) as it:
        await it.press("3", "v", "enter")
        assert rollout(rolling).approvals[-1].step == 2
        await it.press("a")
        assert "still waits for" in it.text
        await it.press("type:friends and family", "enter")
        await it.press("type:a small release", "enter", "type:production/r2", "enter")
        assert rollout(rolling).state == "succeeded" and pointer(rolling).stable == "r2"
        assert "✓ succeeded" in it.text and "Triggers still act for 7 d" in it.text


async def test_abort_ends_it_and_rejects_nothing(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling) as it:
        await it.press("3", "x", "enter")
        assert rollout(rolling).state == "aborted" and not pointer(rolling).rejected
        await it.press("a")
        assert "The rollout of r2 is aborted" in it.text


async def test_roll_back_takes_it_away_and_rejects_it(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling) as it:
        await it.press("3", "r", "enter")
        assert rollout(rolling).state == "rolled back" and pointer(rolling).rejected[0].release == "r2"
        assert "↺ rolled back" in it.text


async def test_a_note_lands_on_what_moved_it_last(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling) as it:
        await it.press("3", "n", "type:support is told", "enter")
        record = rolling.store.at().environment("production").record
        assert record is not None and any(
            "support is told" in one for one in rolling.store.at().notes(record)
        )


async def test_read_only_moves_nothing(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling, readonly=True) as it:
        await it.press("3", "z", "enter", "escape", "x", "enter")
        assert rollout(rolling).state == "progressing" and "pause" not in it.text.splitlines()[-2]


async def test_what_overview_says_of_a_rollout_leads_here(console: Opener, rolling: Workspace) -> None:
    async with console(size=(140, 45), on=rolling) as it:
        await it.press("shift+tab", "enter")
        assert "[3 Rollout]" in it.text and "r2 against r1" in it.text


def test_the_yes_of_a_step_is_told_with_how_many_are_wanted(rolling: Workspace) -> None:
    base, place = rollout(rolling), 2

    def cell(*names: str) -> str:
        given = tuple(
            Approval(
                id=base.attempt,
                environment="production",
                release=base.release,
                release_digest="sha256:" + "0" * 64,
                policy_digest="sha256:" + "0" * 64,
                step=place,
                by=Person(name=name, email=f"{name.lower()}@example.org"),
                at=base.since,
            )
            for name in names
        )
        ana = Person(name="Ana", email="ana@example.org")
        now = base.model_copy(update={"approvals": given, "approvals_wanted": 2, "author": ana})
        return text_of(approval_cell(now, place, now.policy.steps[place]))

    assert cell() == "? wanted"
    assert cell("Bo") == "? 1 of 2: Bo"
    assert cell("Ana") == "? wanted", "who made the release says yes to nothing"
    assert cell("Bo", "Cy") == "✓ Bo, Cy"
