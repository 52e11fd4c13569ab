"""What the Indexes screen does with the bytes of versions: restore, pin, unpin."""

from __future__ import annotations

from datetime import timedelta

from console.operations.apply import apply
from console.operations.index import archive
from console.operations.index.settle import settled
from indexes.sealed import sealed_path, verify
from store.clock import FixedClock
from store.index_readiness import index_statuses
from store.records.component import Pin
from store.workspace import Workspace
from tests.console.conftest import Console, Opener


def archivable(workspace: Workspace) -> Pin:
    """A version that nothing refers to any more, once time has passed; packed."""
    clock = workspace.clock
    assert isinstance(clock, FixedClock)
    clock.at += timedelta(days=60)
    for version in ("v1", "v2", "v3"):
        plan = archive.plan(workspace, f"handbook@{version}")
        if not plan.unmet:
            apply(workspace, plan, "room")
            assert settled(workspace, f"handbook@{version}")
            return Pin.parse(f"index/handbook@{version}")
    raise AssertionError("every version is needed")


async def to(it: Console, pin: Pin) -> None:
    await it.press("4")
    it.app.screen.aim(str(pin))  # type: ignore[attr-defined]
    await it.settle()


async def test_an_archived_version_is_unpacked_by_one_key(console: Opener, workspace: Workspace) -> None:
    pin = archivable(workspace)
    sealed = sealed_path(workspace.indexes, "handbook", workspace.store.at().index(pin).digest)
    assert not sealed.exists()
    async with console(on=workspace) as it:
        await to(it, pin)
        assert "archived, u unpacks it" in it.text
        await it.press("u")
        assert "its archive is on this machine" in it.text and f"Restore {pin}" in it.text
        assert not sealed.exists(), "nothing happens before it is confirmed"
        await it.press("enter")
        assert "Restored" in it.text or "ready for" in it.text
        verify(workspace.indexes, "handbook", workspace.store.at().index(pin), full=True)
        await to(it, pin)
        await it.press("u")
        assert "is not archived;" in it.text


async def test_a_version_is_pinned_with_a_reason_and_let_go(console: Opener, workspace: Workspace) -> None:
    pin = Pin.parse("index/handbook@v1")
    async with console(on=workspace) as it:
        await to(it, pin)
        await it.press("K", "type:audit of March", "enter", "enter")
        assert "pinned" in it.text and "audit of March" in it.text
        await to(it, pin)
        await it.press("K", "enter")
        assert f"Unpinned {pin}" in it.text
        assert not index_statuses(workspace.store.at(), "handbook", workspace.clock.now())["v1"].pinned


async def test_read_only_has_neither(console: Opener, workspace: Workspace) -> None:
    async with console(on=workspace, readonly=True) as it:
        await it.press("4", "K", "u")
        assert "Keep index/handbook" not in it.text and "Restore" not in it.text
