"""Whether the bytes behind a release are here and whole, and opening them before anything is promised."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from console.operations.index.bytes_here import bring
from console.operations.index.depot import has_depot
from console.operations.index.server import server_of, stand
from console.operations.plan import Check
from store.errors import InputError
from store.index_readiness import index_statuses
from store.progress import Report, Stop, never, silent
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
    from indexes.opened import latest_copy
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
        if latest_copy(workspace.indexes, name, manifest) is not None:
            return Check("index", "warn", f"{pin} is open here, but its sealed folder is gone; fetch a copy")
        if has_depot(workspace):
            return Check(
                "index", "ok", f"{pin} is not on this machine yet, and is fetched from the depot first"
            )
        return Check(
            "index",
            "unmet",
            f"{pin} is not on this machine; copy its sealed folder here, or build it again from its source.",
        )
    days = f", ready for {status.left.days} more days" if status.left else ""
    where = "sealed here" if here else "packed here, and is unpacked first"
    return Check("index", "ok", f"{pin} is {where} ({status.status.replace('_', ' ')}{days})")


def ready(workspace: Workspace, snapshot: Snapshot, release: Release, report: Report = silent) -> None:
    """Opens and probes every index of `release` that is not open yet; where a server serves them, fills and
    probes its collections.

    Raises MachineryError when one is damaged or missing, or the server is away; nothing has changed then.
    """
    pins = release.pins(Kind.INDEX)
    server = server_of(workspace) if pins else None
    for pin in pins:
        if server is None:
            opened(workspace, snapshot, pin, report)
        else:
            stand(workspace, snapshot, pin, server, report)


def ready_again(workspace: Workspace, snapshot: Snapshot, release: Release, report: Report = silent) -> None:
    """`ready` for what served before: a server that is away, or cannot be asked with these settings, keeps
    nobody from taking something back. Publishing tells it."""
    from indexes.chroma_server import ServerAway

    try:
        server_of(workspace)
    except InputError:
        return
    with suppress(ServerAway):
        ready(workspace, snapshot, release, report)


def opened(
    workspace: Workspace, snapshot: Snapshot, pin: Pin, report: Report = silent, stop: Stop = never
) -> Path:
    """The path of a verified, probed copy of one index version here; makes one unless there is one.

    Where only its archive is on this machine, and it was restored on another one, it is unpacked; where it
    is not here at all, it comes from the depot, if there is one.
    """
    from indexes.opened import ensure_open, latest_copy

    home, name, manifest = workspace.indexes, pin.component.name, snapshot.index(pin)
    if latest_copy(home, name, manifest) is None:
        bring(workspace, snapshot, pin, report=report, stop=stop)
    return ensure_open(home, name, manifest, report=report, stop=stop)
