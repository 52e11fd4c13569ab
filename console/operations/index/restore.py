"""Restore: unpack an archived index version, so that it can serve again."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.index.depot import fetch_packed, has_depot
from console.operations.index.keeping import content_of, written
from console.operations.index.sight import Content, Sight, look
from console.operations.plan import Check, Plan, Stamp
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.component import Pin
from store.records.keeping import Returned
from store.workspace import Workspace


def plan(workspace: Workspace, ref: str, *, stop: Stop = never) -> Plan:
    """What unpacking `ref` (`name@vN`) would do. Raises InputError where it is sealed here and not archived.

    Its archive is unpacked and checked before anything is recorded; call `finish` afterwards.
    """
    return _plan(workspace, look(workspace.store, workspace.clock.now()), ref, stop)


def _plan(workspace: Workspace, sight: Sight, ref: str, stop: Stop) -> Plan:
    pin, content = content_of(sight, ref)
    phases = {version: one.phase for version, one in sight.main[content].items()}
    if phases[pin.version] not in ("packed", "purged"):
        if _is_sealed(workspace, content):
            raise InputError(f"{pin} is not archived: it is sealed here and can be served.")
        raise InputError(
            f"{pin} is not archived; its bytes are missing on this machine. Copy its sealed folder or its "
            "archive here, or build it again from its source."
        )
    versions = [version for version, phase in phases.items() if phase == "packed"]

    def prepare(report: Report) -> None:
        _unpack(workspace, sight, content, report, stop)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        back = Returned(at=stamp.at, record=stamp.id)
        return written(sight.snapshot, content.name, versions, archive=None, mark=None, restored=back)

    days = sight.snapshot.policy.retention_of(content.name).days
    return Plan(
        verb="restore",
        tip=sight.snapshot.commit,
        title=f"Restore {pin}",
        summary=f"Restored {sight.pins(content)} from its archive",
        checks=(_check(workspace, pin, content, phases[pin.version] == "purged"),),
        effects=(f"{pin} can be served again; it stays ready for {days} days",),
        write=write,
        prepare=prepare,
        goal=(str(content),),
        remake=lambda fresh: _plan(
            workspace, look(workspace.store, workspace.clock.now(), fresh), str(pin), stop
        ),
        command=f"lockgate index restore {pin}",
    )


def finish(workspace: Workspace, ref: str) -> None:
    """Unpacks `ref` once more where a sweep took it away between its unpacking and its record.

    Raises MachineryError.
    """
    sight = look(workspace.store, workspace.clock.now())
    _, content = content_of(sight, ref)
    _unpack(workspace, sight, content, silent, never)


def _unpack(workspace: Workspace, sight: Sight, content: Content, report: Report, stop: Stop) -> None:
    from indexes.archive import has_archive, restore

    if not _is_whole(workspace, sight, content):
        if not has_archive(workspace.indexes, content.name, content.digest):
            fetch_packed(workspace, content, sight, stop=stop)
        restore(workspace.indexes, content.name, sight.manifest(content), report=report, stop=stop)


def _is_whole(workspace: Workspace, sight: Sight, content: Content) -> bool:
    """A sealed folder that a sweep did not get to take away is as good as an unpacked one."""
    from indexes.sealed import verify
    from store.errors import MachineryError

    if not _is_sealed(workspace, content):
        return False
    try:
        verify(workspace.indexes, content.name, sight.manifest(content))
    except MachineryError:
        return False
    return True


def _is_sealed(workspace: Workspace, content: Content) -> bool:
    from indexes.sealed import sealed_path

    return sealed_path(workspace.indexes, content.name, content.digest).is_dir()


def _check(workspace: Workspace, pin: Pin, content: Content, is_purged: bool) -> Check:
    from indexes.archive import has_archive

    if is_purged:
        return Check("bytes", "unmet", f"{pin} was purged; build it again from its source.")
    if has_archive(workspace.indexes, content.name, content.digest):
        return Check("bytes", "ok", "its archive is on this machine")
    if _is_sealed(workspace, content):
        return Check("bytes", "ok", "its sealed folder is still on this machine")
    if has_depot(workspace):
        return Check("bytes", "ok", "its archive is fetched from the depot first")
    return Check(
        "bytes",
        "unmet",
        f"{pin} has no archive on this machine; copy it here from the machine that packed it, or build the "
        "index again from its source.",
    )
