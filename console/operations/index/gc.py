"""Gc: what lies in indexes/ and nobody needs: leftovers of the dead, archives of what is sealed here, copies.

It takes away nothing whose bytes are not elsewhere on this machine, but what was purged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from console.operations.index.sight import Content, Sight, look
from console.operations.reconcile import published_document
from store.errors import MachineryError
from store.git.lock import held
from store.live import IndexPart
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
    """Opened copies that are older than all that live documents name."""
    from indexes.opened import old_copies, sweep_copies

    keep = _served_copies(workspace, name)
    old = old_copies(workspace.indexes, name, keep)
    if not old:
        return []
    size = sum(map(_size, old))
    what = f"{len(old)} opened cop{'y' if len(old) == 1 else 'ies'} of {name}"
    return [_Found(Litter(what, size), lambda: sweep_copies(workspace.indexes, name, keep))]


def _served_copies(workspace: Workspace, name: str) -> set[Path]:
    keep: set[Path] = set()
    for environment in workspace.store.at().policy.names:
        document = published_document(workspace, environment)
        arms = (document.stable, document.canary) if document is not None else ()
        for arm in arms:
            part = arm.components.get(f"index/{name}") if arm is not None else None
            if isinstance(part, IndexPart):
                keep.add(Path(part.path))
    return keep


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
