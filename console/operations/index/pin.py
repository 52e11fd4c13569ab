"""Pin: keep an index version ready, whatever its age."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from console.operations.index.keeping import file_of
from console.operations.index_look import index_pin
from console.operations.plan import Check, Plan, Stamp
from store.errors import InputError
from store.index_readiness import keeping
from store.records.keeping import IndexPin
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

_REASON_LIMIT = 2_000
"""Characters."""


def plan(workspace: Workspace, ref: str, reason: str) -> Plan:
    """What pinning `ref` (`name@vN`) would do. Raises InputError without a reason, or where it is pinned."""
    reason = reason.strip()
    if not reason:
        raise InputError("a pin wants a reason: who sees it later has to know when it may go.")
    if len(reason) > _REASON_LIMIT:
        raise InputError(f"the reason has {len(reason):,} characters; at most {_REASON_LIMIT:,} are kept.")
    return _plan(workspace, workspace.store.at(), ref, reason)


def _plan(workspace: Workspace, snapshot: Snapshot, ref: str, reason: str) -> Plan:
    pin = index_pin(snapshot, ref)
    kept = keeping(snapshot, pin.component.name, pin.version)
    if kept.pin is not None:
        raise InputError(f"{pin} is pinned already, by {kept.pin.by.name}: {one_line(kept.pin.reason, 200)}.")

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        made = IndexPin(reason=reason, by=stamp.by, at=stamp.at, record=stamp.id)
        return file_of(kept.model_copy(update={"pin": made, "mark": None}))

    return Plan(
        verb="pin",
        tip=snapshot.commit,
        title=f"Pin {pin}",
        summary=f"Pinned {pin}: {reason}",
        checks=(_check(str(pin), kept.archive is not None, kept.purged is not None),),
        effects=(f"{pin} stays whatever its age, until `lockgate index unpin {pin}`",),
        write=write,
        goal=(str(pin), reason),
        remake=lambda fresh: _plan(workspace, fresh, str(pin), reason),
        command=f"lockgate index pin {pin} --reason {shlex.quote(reason)}",
    )


def _check(pin: str, is_archived: bool, is_purged: bool) -> Check:
    if is_purged:
        return Check("bytes", "unmet", f"{pin} was purged; there is nothing left to keep.")
    if is_archived:
        return Check(
            "bytes",
            "warn",
            f"{pin} is archived: the archive is kept, and `lockgate index restore` unpacks it",
        )
    return Check("bytes", "ok", "it is not archived")
