"""Pull: fetch the bytes of an index version from the depot, before anybody needs them."""

from __future__ import annotations

from console.operations.index.depot import depot_of, fetch_version
from console.operations.index_look import index_pin
from store.progress import Report, Stop, never, silent
from store.records.component import Pin
from store.workspace import Workspace


def pulled(
    workspace: Workspace, ref: str, *, report: Report = silent, stop: Stop = never
) -> tuple[Pin, bool]:
    """The version that `ref` (`name@vN`) names, and whether it had to be fetched.

    Raises InputError where no depot is named; else as `fetch_version`.
    """
    from indexes.sealed import sealed_path

    snapshot = workspace.store.at()
    pin = index_pin(snapshot, ref)
    if sealed_path(workspace.indexes, pin.component.name, snapshot.index(pin).digest).is_dir():
        return pin, False
    depot_of(workspace)
    return pin, fetch_version(workspace, snapshot, pin, report=report, stop=stop)
