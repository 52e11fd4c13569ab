"""Doctor: look at this machine and say what is not as it should be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from console.operations.check import check
from console.operations.reconcile import is_behind
from evals.models.embedded import is_available
from store.errors import LockgateError
from store.records.component import Kind, Pin
from store.workspace import Workspace

_LOW_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that was looked at."""

    what: str
    ok: bool
    text: str


def doctor(workspace: Workspace) -> tuple[Look, ...]:
    """Everything worth knowing before something fails at night. Opens no index, calls no model."""
    return tuple(_looks(workspace))


def _looks(workspace: Workspace) -> Iterator[Look]:
    free = shutil.disk_usage(workspace.root).free
    yield Look("disk", free > _LOW_BYTES, f"{free // 1024 // 1024:,} MiB free under {workspace.root}")
    try:
        workspace.settings  # noqa: B018 - reading it is the look
        yield Look("settings", True, "settings.toml reads well")
    except LockgateError as error:
        yield Look("settings", False, error.message)
    store = workspace.store.path
    for odd in ("objects/info/alternates", "objects/info/http-alternates"):
        if (store / odd).exists():
            yield Look("store", False, f"{odd} makes it depend on another repository: clone it instead")
    mode = store.stat().st_mode & 0o077
    yield Look(
        "store", mode & 0o022 == 0, f"{store.name} is {'' if mode & 0o022 else 'not '}writable for others"
    )
    findings = check(workspace)
    yield Look("files", not findings, findings[0] if findings else "every file of the store reads well")
    local = is_available()
    yield Look(
        "embedded",
        True,
        "the embedded model is " + ("installed" if local else "not installed (extra `local`)"),
    )
    snapshot = workspace.store.at()
    for pointer in snapshot.environments():
        if pointer.stable:
            behind = is_behind(workspace, pointer)
            yield Look(
                "live",
                not behind,
                f"{pointer.name} is {'behind: run `lockgate reconcile`' if behind else 'current'}",
            )
    yield from _indexes(workspace)


def _indexes(workspace: Workspace) -> Iterator[Look]:
    from indexes.sealed import sealed_path

    snapshot = workspace.store.at()
    for component in snapshot.components(Kind.INDEX):
        for version in snapshot.versions(component):
            manifest = snapshot.index(Pin(component, version))
            here = sealed_path(workspace.indexes, component.name, manifest.digest).is_dir()
            yield Look(
                "index", here, f"{component}@{version} is {'sealed here' if here else 'not on this machine'}"
            )
