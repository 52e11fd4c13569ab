"""lockgate index pin, archive, restore, gc, purge: plans, records, dry runs, JSON, exit codes."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from console.controller.retention import swept_when_due
from console.controller.tick import Ticked
from console.controller.visit import visit
from console.controller.watch import watch
from console.operations.apply import apply
from console.operations.index import restore
from console.operations.index.sweep import sweep
from console.operations.ready import opened
from indexes.archive import has_archive
from indexes.sealed import verify
from store.history.newest import newest
from store.workspace import Workspace
from tests.commands.conftest import Lockgate
from tests.retention.keeping_world import NAME, World, new_world, opened_without_chroma


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("indexes.opened.ensure_open", opened_without_chroma)
    world = new_world(tmp_path / "acme")
    for seed in (1, 2):
        world.serve(world.add(seed), "production")
    world.add(3)
    monkeypatch.setenv("LOCKGATE_WORKSPACE", str(world.workspace.root))
    monkeypatch.setattr("store.workspace.SystemClock", lambda: world.clock)
    return world


def test_a_version_is_archived_verified_restored_and_purged_by_commands(
    lockgate: Lockgate, world: World
) -> None:
    dry = lockgate("index", "archive", "handbook@v3", "--dry-run", "--json")
    assert dry.code == 0 and dry.data["dry_run"] and world.sealed("v3").is_dir()
    done = lockgate("index", "archive", "handbook@v3", "-m", "never used", "--json")
    assert (done.code, done.data["kind"], done.data["why"]) == (0, "archive", "never used")
    assert not world.sealed("v3").exists()
    verified = lockgate("index", "verify", "handbook@v3", "--json")
    assert verified.code == 0 and verified.data["archive"] is True
    assert "archive is whole" in lockgate("index", "verify", "handbook@v3").out
    assert "archived, 0.0 MB" in lockgate("list", "index").out
    refused = lockgate("stage", "--set", "index/handbook@v3", "-m", "again")
    assert refused.code == 1 and "restore it first: `lockgate index restore index/handbook@v3" in refused.err
    back = lockgate("index", "restore", "handbook@v3", "-m", "after all", "--json")
    assert (back.code, back.data["kind"]) == (0, "restore") and world.sealed("v3").is_dir()
    again = lockgate("index", "restore", "handbook@v3")
    assert again.code == 2 and "is not archived: it is sealed here" in again.err
    assert lockgate("index", "gc", "--dry-run", "--json").data["leftovers"][0]["stays"] == ""
    assert "would be deleted: archive" in lockgate("index", "gc", "--dry-run").out
    assert "\ndeleted: archive" in f"\n{lockgate('index', 'gc').out}"
    assert lockgate("check").code == 0


def test_purging_is_a_dry_run_until_it_is_meant(lockgate: Lockgate, world: World) -> None:
    lockgate("index", "archive", "handbook@v3")
    archives = world.home / NAME / "archive"
    shown = lockgate("index", "purge", "handbook@v3", "-m", "it held names")
    assert (
        shown.code == 0
        and "Dry run: nothing was changed." in shown.out
        and len(list(archives.iterdir())) == 1
    )
    assert lockgate("index", "purge", "handbook@v3", "--yes").code == 2, "it wants a note"
    done = lockgate("index", "purge", "handbook@v3", "--yes", "-m", "it held names", "--json")
    assert (done.code, done.data["kind"]) == (0, "purge") and list(archives.iterdir()) == []
    assert "purged" in lockgate("list", "index").out
    assert lockgate("index", "restore", "handbook@v3").code == 1


def test_pins_want_a_reason_and_are_records(lockgate: Lockgate, world: World) -> None:
    assert lockgate("index", "pin", "handbook@v1").code == 2
    done = lockgate("index", "pin", "index/handbook@v1", "--reason", "audit of March", "--json")
    assert done.data["kind"] == "pin" and done.data["why"] == "audit of March"
    assert "left; pinned by" in lockgate("list", "index").out
    refused = lockgate("index", "archive", "handbook@v1")
    assert refused.code == 1 and "audit of March" in refused.err
    assert lockgate("index", "unpin", "handbook@v1", "--json").data["kind"] == "unpin"
    assert lockgate("index", "unpin", "handbook@v1").code == 2
    assert [one.kind for one in newest(world.workspace.store, 2)] == ["unpin", "pin"]


def test_a_sweep_says_what_waits_and_for_what(lockgate: Lockgate, world: World) -> None:
    world.serve(world.add(4), "production")
    world.serve(world.add(5), "production")
    said = lockgate("index", "gc")
    assert said.code == 0 and "Nothing is due." in said.out
    world.wait(24 * 8)
    world.clock.at = world.clock.at  # the machine's own boot clock has not moved: the wall clock was set
    stopped = lockgate("index", "gc", "--json")
    assert stopped.code == 1 and "the wall clock went from" in stopped.data["stopped"]
    assert stopped.data["waiting"][0]["pins"] == "index/handbook@v1"


def test_controllers_sweep_once_an_hour_and_archive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.controller.retention.sweep", partial(sweep, boot=lambda: world.boot))
    world.serve(world.add(4), "production")
    workspace = Workspace(world.workspace.root, world.clock)
    seen = workspace.state / "retention.json"
    assert swept_when_due(workspace) == ()
    first = seen.read_bytes()
    world.wait(0.9)
    assert visit(workspace).problems == () and seen.read_bytes() == first
    world.wait(24 * 8)
    assert visit(workspace).problems == () and world.sealed("v1").is_dir()
    world.wait(25)
    told: list[Ticked] = []
    watch(workspace, every=0, stopped=Event(), told=told.append, ticks=1)
    assert not world.sealed("v1").exists() and has_archive(world.home, NAME, world.manifests["v1"].digest)
    assert [one.problems for one in told] == [()]


def test_a_host_that_only_follows_takes_its_own_copies_a_day_later(world: World, tmp_path: Path) -> None:
    host = tmp_path / "host"
    shutil.copytree(world.workspace.root, host)
    world.serve(world.add(4), "production")
    world.weeks()
    shutil.rmtree(host / "store.git")
    shutil.copytree(world.workspace.root / "store.git", host / "store.git")
    follower = World(Workspace(host, world.clock), world.clock, manifests=world.manifests)
    for hours, here in ((0, True), (25, False)):
        follower.wait(hours)
        before = follower.workspace.store.tip()
        done = follower.sweep(decides=False)
        assert not done.marked and not done.archived and follower.workspace.store.tip() == before
        assert follower.sealed("v1").is_dir() == here
    assert has_archive(follower.home, NAME, world.manifests["v1"].digest)


def test_a_machine_unpacks_what_was_restored_on_another_one(world: World) -> None:
    world.serve(world.add(4), "production")
    world.weeks()
    apply(world.workspace, restore.plan(world.workspace, "handbook@v1"), "back")
    shutil.rmtree(world.sealed("v1"))  # as on a machine that has only the archive
    snapshot = world.workspace.store.at()
    opened(world.workspace, snapshot, snapshot.pin("index/handbook@v1"))
    verify(world.home, NAME, world.manifests["v1"], full=True)
