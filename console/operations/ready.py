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
    """Whether one index version may serve, and its bytes are on this machine."""
    from indexes.archive import has_archive
    from indexes.sealed import sealed_path

    manifest, name = snapshot.index(pin), pin.component.name
    status = index_statuses(snapshot, name, workspace.clock.now())[pin.version]
    if status.phase == "purged":
        return Check("index", "unmet", f"{pin} was purged; build it again from its source.")
    if status.phase == "packed":
        return Check(
            "index", "unmet", f"{pin} is archived; restore it first: `lockgate index restore {pin} -m WHY`."
        )
    here = sealed_path(workspace.indexes, name, manifest.digest).is_dir()
    if not here and not has_archive(workspace.indexes, name, manifest.digest):
        return Check(
            "index",
            "unmet",
            f"{pin} is not on this machine; copy its sealed folder here, or build it again from its source.",
        )
    days = f", ready for {status.left.days} more days" if status.left else ""
    where = "sealed here" if here else "packed here, and is unpacked first"
    return Check("index", "ok", f"{pin} is {where} ({status.status.replace('_', ' ')}{days})")


def ready(workspace: Workspace, snapshot: Snapshot, release: Release) -> None:
    """Opens and probes every index of `release` that is not open yet.

    Raises MachineryError when one is damaged or missing; nothing has changed then.
    """
    for pin in release.pins(Kind.INDEX):
        opened(workspace, snapshot, pin)


def opened(workspace: Workspace, snapshot: Snapshot, pin: Pin) -> Path:
    """The path of a verified, probed copy of one index version; makes one unless there is one.

    Where only its archive is on this machine, and it was restored on another one, it is unpacked.
    """
    from indexes.archive import has_archive, restore
    from indexes.opened import ensure_open, latest_copy
    from indexes.sealed import sealed_path

    home, name, manifest = workspace.indexes, pin.component.name, snapshot.index(pin)
    missing = not sealed_path(home, name, manifest.digest).is_dir()
    if missing and latest_copy(home, name, manifest) is None and has_archive(home, name, manifest.digest):
        restore(home, name, manifest)
    return ensure_open(home, name, manifest)
