"""Clear: let a rejected release be promoted again."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.plan import Check, Plan, Stamp
from store.bounded import write_toml
from store.errors import InputError
from store.rules import serving
from store.snapshot import Snapshot
from store.workspace import Workspace


def plan(workspace: Workspace, release: str) -> Plan:
    """What clearing the rejection of `release` would do, in every environment that rejected it."""
    return _plan(workspace, workspace.store.at(), release)


def _plan(workspace: Workspace, snapshot: Snapshot, release: str) -> Plan:
    found = snapshot.release(release)
    rejecting = [one for one in snapshot.environments() if any(r.release == found.id for r in one.rejected)]
    if not rejecting:
        raise InputError(f"{found.id} is not rejected anywhere; there is nothing to clear.")

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        return {
            f"environments/{one.name}.toml": write_toml(serving.cleared(one, found.id, stamp.id))
            for one in rejecting
        }

    where = ", ".join(one.name for one in rejecting)
    return Plan(
        verb="clear",
        tip=snapshot.commit,
        title=f"Clear {found.id}",
        summary=f"Cleared {found.id}, which had been rolled back in {where}: it may be promoted again",
        release=found.id,
        checks=(Check("gate", "ok", "its evals still have to pass before it is promoted"),),
        note_required=True,
        write=write,
        remake=lambda fresh: _plan(workspace, fresh, release),
        command=f"lockgate clear {found.id}",
    )
