"""Gc: what lies in indexes/ and nobody needs: leftovers of the dead, archives of what is sealed here, copies.

It takes away nothing whose bytes are not elsewhere on this machine, but what was purged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from console.operations.index.depot_gc import remove, unneeded
from console.operations.index.server_gc import remove_collection, unneeded_collections
from console.operations.index.server_named import server_named
from console.operations.index.sight import Content, Sight, look
from console.operations.index.standby import copy_of, targets
from console.operations.reconcile import published_document
from store.errors import MachineryError
from store.git.lock import held
from store.live import IndexPart
from store.records.component import Component, Kind, Pin
from store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Litter:
    """One thing that may go, or why it stays."""

    what: str
    size: int
    """Bytes."""
    stays: str = ""
    """Why it is not taken; empty where it is."""


@dataclass(frozen=True, slots=True)
class _Found:
    litter: Litter
    remove: Callable[[], object]


def gc(workspace: Workspace, *, dry_run: bool = False) -> tuple[Litter, ...]:
    """Takes away what nobody needs; what there is to say of each thing. Raises MachineryError where what an
    archive stands on cannot be read: then nothing of that index is touched."""
    with held(workspace.state / "retention.lock"):
        sight = look(workspace.store, workspace.clock.now())
        names = sorted({content.name for content in sight.main})
        found = [one for name in names for one in _found(workspace, sight, name)]
        found += _on_server(workspace, sight)
        if not dry_run:
            for one in found:
                if not one.litter.stays:
                    one.remove()
        return tuple(one.litter for one in found)


def _found(workspace: Workspace, sight: Sight, name: str) -> list[_Found]:
    return [
        *_archives(workspace, sight, name),
        *_strays(workspace, sight, name),
        *_aside(workspace, name),
        *_copies(workspace, name),
        *_vectors(workspace, name),
        *_in_depot(workspace, sight, name),
    ]


def _in_depot(workspace: Workspace, sight: Sight, name: str) -> list[_Found]:
    return [
        _Found(Litter(f"the bytes of {one.pins} in the depot", one.size), partial(remove, workspace, one))
        for one in unneeded(workspace, sight, name)
    ]


def _on_server(workspace: Workspace, sight: Sight) -> list[_Found]:
    return [
        _Found(
            Litter(f"collection {one.collection} on the server", 0),
            partial(remove_collection, workspace, one),
        )
        for one in unneeded_collections(workspace, sight)
    ]


def _archives(workspace: Workspace, sight: Sight, name: str) -> list[_Found]:
    """Archives of purged versions, and of such as are sealed here again; a keyframe stays while anything
    hangs on it."""
    from indexes.archive import remove_archive, shelf

    there = shelf(workspace.indexes, name)
    found: list[_Found] = []
    gone: set[str] = set()
    for one in sorted(there, key=lambda one: one.keyframe is None):  # those that hang on others first
        content = Content(name, one.digest)
        unneeded = not sight.trouble and _is_unneeded(workspace, sight, content)
        hanging = sum(other.keyframe == one.digest and other.digest not in gone for other in there)
        what = f"archive {one.path.name}"
        if unneeded and not hanging:
            gone.add(one.digest)
            found.append(
                _Found(
                    Litter(what, one.size),
                    partial(remove_archive, workspace.indexes, name, one.digest),
                )
            )
        elif unneeded:
            stays = f"{hanging} archive{'s' if hanging > 1 else ''} cannot be unpacked without it"
            found.append(_Found(Litter(what, one.size, stays), lambda: None))
    return found


def _is_unneeded(workspace: Workspace, sight: Sight, content: Content) -> bool:
    from indexes.sealed import verify

    versions = sight.main.get(content)
    if versions is None:
        return False  # of a branch, or of a version that is still to be added
    phases = {one.phase for one in versions.values()}
    if phases == {"purged"}:
        return sight.is_free(content)
    if "packed" in phases:
        return False
    try:
        verify(workspace.indexes, content.name, sight.manifest(content))
    except MachineryError:
        return False
    return True


def _strays(workspace: Workspace, sight: Sight, name: str) -> list[_Found]:
    """Sealed folders that no version names: said, not taken; somebody may be about to add them."""
    from indexes.sealed import SEALED, sealed_path

    folder = workspace.indexes / name / SEALED
    known = {sealed_path(workspace.indexes, name, one.digest).name for one in sight.every if one.name == name}
    stays = "no version names it; the next `lockgate add index` of the same content adopts it"
    return [
        _Found(Litter(f"sealed folder {path.name}", _size(path), stays), lambda: None)
        for path in sorted(folder.iterdir() if folder.is_dir() else ())
        if path.name not in known
    ]


def _aside(workspace: Workspace, name: str) -> list[_Found]:
    from indexes.publishing import drop_aside

    folder = workspace.indexes / name / "aside"
    size = _size(folder)
    litter = Litter("sealed folders that were set aside", size)
    return [_Found(litter, partial(drop_aside, workspace.indexes, name))] if size else []


def _copies(workspace: Workspace, name: str) -> list[_Found]:
    """Opened copies that are older than all that live documents name, and that no rollback waits for."""
    from indexes.opened import old_copies, sweep_copies

    keep, spare = _served_copies(workspace, name), _standing_by(workspace, name)
    old = old_copies(workspace.indexes, name, keep, spare)
    if not old:
        return []
    size = sum(map(_size, old))
    what = f"{len(old)} opened cop{'y' if len(old) == 1 else 'ies'} of {name}"
    return [_Found(Litter(what, size), lambda: sweep_copies(workspace.indexes, name, keep, spare))]


def _standing_by(workspace: Workspace, name: str) -> set[Path]:
    if not workspace.settings.standby or server_named(workspace) is not None:
        return set()
    snapshot = workspace.store.at()
    pins = (pin for pin in targets(snapshot) if pin.component.name == name)
    return {path for pin in pins if (path := copy_of(workspace, snapshot, pin))}


def _vectors(workspace: Workspace, name: str) -> list[_Found]:
    """Vectors of builds that nobody went on with."""
    from indexes.kept_vectors import stale_vectors

    found = stale_vectors(workspace.indexes / name, workspace.clock.now())
    what = f"vectors of a build of {name} that was never finished"
    return [_Found(Litter(what, path.stat().st_size), path.unlink) for path in found]


def _served_copies(workspace: Workspace, name: str) -> set[Path]:
    """The copies that live documents name; of what a server serves, those that evals would ask."""
    from indexes.opened import latest_copy

    keep: set[Path] = set()
    snapshot = workspace.store.at()
    for environment in snapshot.policy.names:
        document = published_document(workspace, environment)
        arms = (document.stable, document.canary) if document is not None else ()
        for arm in arms:
            part = arm.components.get(f"index/{name}") if arm is not None else None
            if not isinstance(part, IndexPart):
                continue
            if part.server is None:
                keep.add(Path(part.path))
                continue
            manifest = snapshot.index(Pin(Component(Kind.INDEX, name), part.version))
            copy = latest_copy(workspace.indexes, name, manifest)
            keep |= {copy} if copy is not None else set()
    return keep


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
