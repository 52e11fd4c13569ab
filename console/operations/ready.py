"""Whether the bytes behind a release are here and whole, and opening them before anything is promised."""

from __future__ import annotations

from pathlib import Path

from console.operations.plan import Check
from store.index_readiness import index_statuses
from store.records.component import Kind, Pin
from store.records.release import Release
from store.snapshot import Snapshot
from store.workspace import Workspace


def index_checks(workspace: Workspace, snapshot: Snapshot, release: Release) -> tuple[Check, ...]:
    """One condition for each index version that `release` needs; no Chroma is opened for it."""
    return tuple(index_check(workspace, snapshot, pin) for pin in release.pins(Kind.INDEX))


def index_check(workspace: Workspace, snapshot: Snapshot, pin: Pin) -> Check:
    """Whether the sealed bytes of one index version are on this machine."""
    from indexes.sealed import sealed_path

    manifest = snapshot.index(pin)
    if not sealed_path(workspace.indexes, pin.component.name, manifest.digest).is_dir():
        return Check(
            "index",
            "unmet",
            f"{pin} is not on this machine; copy its sealed folder here, or build it again from its source.",
        )
    status = index_statuses(snapshot, pin.component.name, workspace.clock.now())[pin.version]
    days = f", ready for {status.left.days} more days" if status.left else ""
    return Check("index", "ok", f"{pin} is sealed here ({status.status.replace('_', ' ')}{days})")


def ready(workspace: Workspace, snapshot: Snapshot, release: Release) -> None:
    """Opens and probes every index of `release` that is not open yet.

    Raises MachineryError when one is damaged or missing; nothing has changed then.
    """
    for pin in release.pins(Kind.INDEX):
        opened(workspace, snapshot, pin)


def opened(workspace: Workspace, snapshot: Snapshot, pin: Pin) -> Path:
    """The path of a verified, probed copy of one index version; makes one unless there is one."""
    from indexes.opened import ensure_open

    return ensure_open(workspace.indexes, pin.component.name, snapshot.index(pin))
