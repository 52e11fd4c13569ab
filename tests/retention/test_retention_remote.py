"""Nothing goes that a remote has not heard of, and who serves a version elsewhere wins."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from console.operations import switch
from console.operations.apply import apply
from console.operations.sync.sync import sync
from indexes.sealed import sealed_path
from store.workspace import Workspace
from tests.remote.hubs import again, away, git, hub_at, joined
from tests.retention.keeping_world import NAME, World


@pytest.fixture
def hub(world: World, tmp_path: Path) -> Path:
    """What `world` is shared through; v1 was marked more than a day ago."""
    hub = hub_at(tmp_path / "hub.git")
    world.workspace = again(world.workspace, hub)
    world.sweep()
    world.wait(24 * 8)
    assert world.sweep().marked
    world.wait(25)
    sync(world.workspace)
    return hub


def tip(hub: Path) -> str:
    return git(hub, "rev-parse", "main")


def test_who_serves_it_elsewhere_at_the_same_moment_wins(world: World, hub: Path, tmp_path: Path) -> None:
    joined(tmp_path / "bo", hub)
    bo = Workspace(tmp_path / "bo", world.clock)
    shutil.copytree(world.home, bo.indexes, dirs_exist_ok=True)

    def meanwhile(point: str) -> None:
        if point == "packed":
            apply(bo, switch.plan(bo, f"index/{NAME}@v1", "production"), "needed")

    done = world.sweep(point=meanwhile)
    assert not done.archived and not done.removed and world.sealed("v1").is_dir()
    sync(world.workspace)
    assert world.sweep().marked == ["Lifted the mark off index/handbook@v1: needed again"]
    assert world.workspace.store.tip() == tip(hub)


def test_nothing_goes_that_the_remote_has_not_heard_of(world: World, hub: Path, tmp_path: Path) -> None:
    with away(hub):
        done = world.sweep()
        assert not done.archived and not done.removed and "the remote" in " ".join(done.problems)
        assert world.sealed("v1").is_dir()
    world.wait(1)
    assert world.sweep().archived == ["index/handbook@v1"] and not world.sealed("v1").exists()
    assert world.workspace.store.tip() == tip(hub)
    bo = joined(tmp_path / "bo", hub)
    digest = world.manifests["v1"].digest
    assert bo.store.tip() == tip(hub) and not sealed_path(bo.indexes, NAME, digest).exists()
