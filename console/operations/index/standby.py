"""Standby: a verified and probed copy of each index version that a rollback would bring back, or its
collection where a server serves them.

Going back then only opens it. The copies take as much room as what is served; `standby = false` in
settings.toml does without.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.operations.compose import served_releases
from console.operations.index.server import content_of, server_of, stand
from console.operations.ready import index_check, opened
from store.errors import LockgateError
from store.progress import Stop, never
from store.records.component import Kind, Pin
from store.records.environment import Environment
from store.rules import serving
from store.rules.shadow import carried
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from indexes.chroma_server import ChromaServer


@dataclass(frozen=True, slots=True)
class Standby:
    """What was done."""

    made: tuple[Pin, ...]
    """Versions that were copied and probed now."""
    problems: tuple[str, ...]
    """One sentence for each version that cannot be kept ready."""


def targets(snapshot: Snapshot) -> dict[Pin, str]:
    """The index versions that a rollback would bring back, of everything or of an index alone, each with an
    environment that would get it. Pointers and releases that cannot be read are left out."""
    found: dict[Pin, str] = {}
    for pointer in snapshot.pointers().read:
        try:
            for pin in _back(snapshot, pointer):
                found.setdefault(pin, pointer.name)
        except LockgateError:  # `lockgate check` names it
            continue
    return found


def _back(snapshot: Snapshot, pointer: Environment) -> Iterator[Pin]:
    if pointer.stable is None:
        return
    releases = served_releases(snapshot, pointer)
    now = snapshot.release(pointer.stable).pins(Kind.INDEX)
    whole = serving.rollback_target(pointer, releases)
    if whole is not None:
        yield from (pin for pin in releases[whole].pins(Kind.INDEX) if pin not in now)
    for pin in now:
        version = serving.component_target(pointer, pin.component, pin.version, releases)
        if version is not None and version != pin.version:
            yield Pin(pin.component, version)


def stand_by(workspace: Workspace, *, stop: Stop = never) -> Standby:
    """Makes the copies that are missing; those that are there cost a look. Raises LockgateError where the
    store, or which server serves, cannot be read."""
    if not workspace.settings.standby:
        return Standby((), ())
    snapshot = workspace.store.at()
    server = server_of(workspace)
    made: list[Pin] = []
    problems: list[str] = []
    back = targets(snapshot)
    wanted = [(pin, f"{place} could not go back to {pin}") for pin, place in back.items()]
    if server is not None:  # a copy that is gone is noticed at once, a collection only by asking
        served = _served(snapshot).items()
        wanted += [(pin, f"{place} serves {pin}") for pin, place in served if pin not in back]
    for pin, what in wanted:
        if stop():
            break
        try:
            if not _stands(workspace, snapshot, pin, server) and _can_serve(workspace, snapshot, pin):
                _make(workspace, snapshot, pin, server)
                made.append(pin)
        except (LockgateError, OSError) as error:
            problems.append(f"{what}: {one_line(str(error), 400).rstrip('.')}.")
    return Standby(tuple(made), tuple(problems))


def _served(snapshot: Snapshot) -> dict[Pin, str]:
    """The index versions that environments serve to anybody, each with one of them."""
    found: dict[Pin, str] = {}
    for pointer in snapshot.pointers().read:
        arms = (pointer.stable, carried(pointer).release)
        try:
            for pin in (pin for arm in arms if arm for pin in snapshot.release(arm).pins(Kind.INDEX)):
                found.setdefault(pin, pointer.name)
        except LockgateError:  # `lockgate check` names it
            continue
    return found


def _stands(workspace: Workspace, snapshot: Snapshot, pin: Pin, server: ChromaServer | None) -> bool:
    if server is None:
        return copy_of(workspace, snapshot, pin) is not None
    from indexes.server_collection import stands

    return stands(server, content_of(workspace, snapshot, pin))


def _make(workspace: Workspace, snapshot: Snapshot, pin: Pin, server: ChromaServer | None) -> None:
    if server is None:
        opened(workspace, snapshot, pin)
    else:
        stand(workspace, snapshot, pin, server)


def copy_of(workspace: Workspace, snapshot: Snapshot, pin: Pin) -> Path | None:
    """The probed copy of `pin` that stands ready on this machine."""
    from indexes.opened import latest_copy

    return latest_copy(workspace.indexes, pin.component.name, snapshot.index(pin))


def _can_serve(workspace: Workspace, snapshot: Snapshot, pin: Pin) -> bool:
    """False for what is archived or purged, as the plan of a rollback says; what is only missing here is
    told by opening it."""
    from indexes.archive import has_archive
    from indexes.sealed import sealed_path

    name, digest = pin.component.name, snapshot.index(pin).digest
    is_packed = has_archive(workspace.indexes, name, digest)
    if index_check(workspace, snapshot, pin).verdict != "ok":
        return not is_packed
    return sealed_path(workspace.indexes, name, digest).is_dir() or not is_packed
