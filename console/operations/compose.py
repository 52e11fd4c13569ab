"""Composing a release: a base with some versions put in."""

from __future__ import annotations

from collections.abc import Iterable

from store.errors import InputError
from store.records.component import Pin
from store.records.environment import Environment
from store.records.release import PinnedVersion, Release, release_digest
from store.snapshot import Snapshot
from store.workspace import Workspace


def composed(workspace: Workspace, snapshot: Snapshot, base: Release | None, pins: Iterable[Pin]) -> Release:
    """A draft of the next release: `base` with `pins` put in. Raises InputError for unknown versions."""
    components = dict(base.components) if base else {}
    for pin in pins:
        components[str(pin.component)] = PinnedVersion(version=pin.version, digest=snapshot.digest(pin))
    return Release(
        id=snapshot.next_release_id(),
        created_at=workspace.clock.now(),
        created_by=workspace.person,
        base=base.id if base else None,
        digest=release_digest(components),
        components=dict(sorted(components.items())),
    )


def same_release(snapshot: Snapshot, draft: Release) -> Release | None:
    """The newest release that binds exactly the same versions, or None."""
    for id in reversed(snapshot.release_ids()):
        try:
            found = snapshot.find_release(id)
        except InputError:  # `lockgate check` names it; it must not stop a rollback
            continue
        if found is not None and found.digest == draft.digest:
            return found
    return None


def served_releases(snapshot: Snapshot, pointer: Environment) -> dict[str, Release]:
    """The releases that an environment's pointer remembers, by id; those that are gone or cannot be
    read are left out, because one of them must not stop a rollback to another."""
    found: dict[str, Release] = {}
    for id in dict.fromkeys(served.release for served in pointer.served):
        try:
            release = snapshot.find_release(id)
        except InputError:  # `lockgate check` names it
            continue
        if release is not None:
            found[id] = release
    return found
