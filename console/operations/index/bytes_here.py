"""Seeing that the sealed bytes of an index version are on this machine."""

from __future__ import annotations

from console.operations.index.depot import fetch_version, has_depot
from store.progress import Report, Stop, never, silent
from store.records.component import Pin
from store.snapshot import Snapshot
from store.workspace import Workspace


def bring(
    workspace: Workspace, snapshot: Snapshot, pin: Pin, *, report: Report = silent, stop: Stop = never
) -> None:
    """Makes the sealed folder of `pin` where it is missing: from its archive, else from the depot, if there
    is one. Where neither has it, opening it says so. Raises MachineryError, Cancelled."""
    from indexes.archive import has_archive, restore
    from indexes.sealed import sealed_path

    home, name, manifest = workspace.indexes, pin.component.name, snapshot.index(pin)
    if sealed_path(home, name, manifest.digest).is_dir():
        return
    if has_archive(home, name, manifest.digest):
        restore(home, name, manifest, report=report)
    elif has_depot(workspace):
        fetch_version(workspace, snapshot, pin, report=report, stop=stop)
