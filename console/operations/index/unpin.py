"""Unpin: from now on the age of an index version counts again."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.index.keeping import file_of
from console.operations.index_look import index_pin
from console.operations.plan import Plan, Stamp
from store.errors import InputError
from store.index_readiness import keeping
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(workspace: Workspace, ref: str) -> Plan:
    """What unpinning `ref` (`name@vN`) would do. Raises InputError where it is not pinned."""
    return _plan(workspace, workspace.store.at(), ref)


def _plan(workspace: Workspace, snapshot: Snapshot, ref: str) -> Plan:
    pin = index_pin(snapshot, ref)
    kept = keeping(snapshot, pin.component.name, pin.version)
    if kept.pin is None:
        raise InputError(f"{pin} is not pinned; there is nothing to change.")

    def write(_: Stamp) -> Mapping[str, bytes]:
        return file_of(kept.model_copy(update={"pin": None}))

    return Plan(
        verb="unpin",
        tip=snapshot.commit,
        title=f"Unpin {pin}",
        summary=f"Unpinned {pin}, which was kept because: {kept.pin.reason}",
        effects=("once its time is over and nothing refers to it, it is archived",),
        write=write,
        goal=(str(pin),),
        remake=lambda fresh: _plan(workspace, fresh, str(pin)),
        command=f"lockgate index unpin {pin}",
    )
