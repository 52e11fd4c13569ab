"""How ready each version of an index is, read from the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from store.errors import InputError, LockgateError
from store.records.component import Component, Kind
from store.records.environment import Environment
from store.records.keeping import Keeping, keeping_path
from store.records.release import Release
from store.rules.index_status import IndexStatus, releases_named, statuses
from store.rules.retention import roots, told
from store.snapshot import Snapshot
from store.text import one_line

_FILE = re.compile(r"(v[1-9][0-9]{0,8})\.toml")


@dataclass(frozen=True, slots=True)
class Readiness:
    """All versions of one index in one snapshot."""

    statuses: dict[str, IndexStatus]
    """By version."""
    keepings: dict[str, Keeping]
    """By version, of those that have one."""
    gaps: tuple[str, ...]
    """What could not be read, in words. While there is any, no bytes may be taken away."""


def index_statuses(snapshot: Snapshot, name: str, now: datetime) -> dict[str, IndexStatus]:
    """The status of each version of index `name` in `snapshot` at `now`.

    A pointer or release that cannot be read does not raise: it makes statuses `unknown`.
    """
    return readiness(snapshot, name, now).statuses


def readiness(snapshot: Snapshot, name: str, now: datetime) -> Readiness:
    """The status of each version of index `name`, and what could not be read. Does not raise for single
    files; InputError when lockgate.toml is malformed."""
    component = Component(Kind.INDEX, name)
    pointers = snapshot.pointers()
    former, lost = _former(snapshot)
    every = (*pointers.read, *former)
    named = {id for pointer in every for id in _named(pointer)}
    releases = {id: found for id in named if (found := _readable(snapshot, id))}
    retention = snapshot.policy.retention_of(name)
    versions = snapshot.versions(component)
    plain = statuses(component, versions, pointers.read, releases, now, retention, pointers.unreadable)
    keepings, unread = _keepings(snapshot, name)
    held = roots(component, every, releases, keepings.values(), snapshot.policy.targets)
    return Readiness(
        {
            version: told(one, held.reasons.get(version, ()), keepings.get(version), now, retention)
            for version, one in plain.items()
        },
        keepings,
        (
            *(f"the pointer of {one} cannot be read" for one in pointers.unreadable),
            *lost,
            *held.gaps,
            *unread,
        ),
    )


def keeping(snapshot: Snapshot, name: str, version: str) -> Keeping:
    """What is kept of one version. Raises InputError when the file is malformed or misplaced."""
    path = keeping_path(name, version)
    found = snapshot.record(Keeping, path)
    if found is None:
        return Keeping(index=name, version=version)
    if (found.index, found.version) != (name, version):
        raise _misplaced(path)
    return found


def _former(snapshot: Snapshot) -> tuple[tuple[Environment, ...], tuple[str, ...]]:
    """Pointers of environments that lockgate.toml does not list any more, and which of them cannot be read:
    an application may still be served from one."""
    listed = {f"{name}.toml" for name in snapshot.policy.names}
    found: list[Environment] = []
    unread: list[str] = []
    for file in snapshot.names("environments"):
        if file in listed:
            continue
        path = f"environments/{file}"
        try:
            pointer = snapshot.record(Environment, path)
            if pointer is not None:
                found.append(pointer)
        except LockgateError as error:
            unread.append(one_line(error.message, 200).rstrip("."))
    return tuple(found), tuple(unread)


def _named(pointer: Environment) -> Iterator[str]:
    yield from releases_named(pointer)
    yield from (one.release for one in pointer.rejected)
    if pointer.previous is not None:
        yield pointer.previous


def _keepings(snapshot: Snapshot, name: str) -> tuple[dict[str, Keeping], tuple[str, ...]]:
    found: dict[str, Keeping] = {}
    unread: list[str] = []
    for file in snapshot.names(f"retention/{name}"):
        match = _FILE.fullmatch(file)
        try:
            if match is None:
                raise _misplaced(f"retention/{name}/{file}")
            found[match[1]] = keeping(snapshot, name, match[1])
        except LockgateError as error:
            unread.append(one_line(error.message, 200).rstrip("."))
    return found, tuple(unread)


def _misplaced(path: str) -> InputError:
    return InputError(f"{one_line(path, 120)} is not what its path says; put it right with git.")


def _readable(snapshot: Snapshot, id: str) -> Release | None:
    try:
        return snapshot.find_release(id)
    except LockgateError:
        return None
