"""Purge: delete the archive of an index version for good. Dry run unless it is said to be meant."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.index.keeping import content_of, free_check, known_check, written
from console.operations.index.sight import Content, Sight, look
from console.operations.plan import Check, Plan, Risk, Stamp
from store.errors import LockgateError
from store.records.component import Component, Kind
from store.records.keeping import Purged
from store.records.release import Release
from store.workspace import Workspace


def plan(workspace: Workspace, ref: str) -> Plan:
    """What purging `ref` (`name@vN`), and versions of equal content, would do; call `finish` afterwards."""
    return _plan(workspace, look(workspace.store, workspace.clock.now()), ref)


def _plan(workspace: Workspace, sight: Sight, ref: str) -> Plan:
    pin, content = content_of(sight, ref)
    versions = tuple(sight.main[content])

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        gone = Purged(at=stamp.at, record=stamp.id)
        return written(sight.snapshot, content.name, versions, archive=None, mark=None, purged=gone)

    return Plan(
        verb="purge",
        tip=sight.snapshot.commit,
        title=f"Purge {sight.pins(content)}",
        summary=f"Purged {sight.pins(content)}: its bytes are gone, its history stays",
        checks=(
            known_check(sight),
            free_check(sight, content),
            _archived_check(sight, content),
            _pointers_check(sight, content),
            _hanging_check(workspace, sight, content),
        ),
        effects=("its archive is deleted on this machine; it can only be built again from its source",),
        risk=Risk.DANGEROUS,
        confirm=str(pin),
        note_required=True,
        write=write,
        goal=(str(content),),
        remake=lambda fresh: _plan(workspace, look(workspace.store, workspace.clock.now(), fresh), str(pin)),
        command=f"lockgate index purge {pin} --yes",
    )


def finish(workspace: Workspace, ref: str) -> bool:
    """Deletes the archive of `ref`, which is recorded as purged; False where something hangs on it by now,
    and `lockgate index gc` deletes it later. Raises MachineryError."""
    from indexes.archive import remove_archive

    sight = look(workspace.store, workspace.clock.now())
    _, content = content_of(sight, ref)
    if any(one.phase != "purged" for one in sight.main[content].values()) or not sight.is_free(content):
        return False
    return remove_archive(workspace.indexes, content.name, content.digest)


def _archived_check(sight: Sight, content: Content) -> Check:
    phases = {one.phase for one in sight.main[content].values()}
    if phases == {"purged"}:
        return Check("change", "unmet", f"{sight.pins(content)} is purged already.")
    if phases <= {"packed", "purged"}:
        return Check("archived", "ok", "it is archived")
    return Check(
        "archived",
        "unmet",
        f"{sight.pins(content)} is not archived: `lockgate index archive` comes first.",
    )


def _pointers_check(sight: Sight, content: Content) -> Check:
    """A pointer remembers what served; going back to it must not end at nothing."""
    component = Component(Kind.INDEX, content.name)
    named: list[str] = []
    for pointer in sight.snapshot.environments():
        ids = {one.release for one in pointer.served} | {one.release for one in pointer.rejected}
        for id in sorted(ids):
            release = _release(sight, id)
            if release is None or release.version_of(component) in sight.main[content]:
                named.append(f"{pointer.name} ({id})")
    if named:
        return Check("pointers", "unmet", f"{', '.join(named)} still refers to {sight.pins(content)}.")
    return Check("pointers", "ok", "no environment remembers it")


def _release(sight: Sight, id: str) -> Release | None:
    try:
        return sight.snapshot.find_release(id)
    except LockgateError:
        return None


def _hanging_check(workspace: Workspace, sight: Sight, content: Content) -> Check:
    """Archives here, and those that records tell of elsewhere."""
    from indexes.archive import dependents

    try:
        hanging = set(dependents(workspace.indexes, content.name, content.digest))
    except LockgateError as error:
        return Check("keyframe", "unmet", f"What hangs on its archive is not known: {error.message}")
    for kept in sight.readiness[content.name].keepings.values():
        if kept.archive is not None and kept.archive.keyframe == content.digest:
            hanging.add(kept.archive.digest)
    names = [sight.pins(one) for one in sight.main if one.name == content.name and one.digest in hanging]
    if hanging:
        who = ", ".join(names) or f"{len(hanging)} archives"
        return Check("keyframe", "unmet", f"{who} cannot be unpacked without it; purge those first.")
    return Check("keyframe", "ok", "no other archive needs it")
