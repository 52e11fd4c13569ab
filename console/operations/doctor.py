"""Doctor: look at this machine and say what is not as it should be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from console.operations.check import check
from console.operations.counted import counted
from console.operations.reconcile import is_behind
from console.operations.rollout.taking_back import by_hand
from console.operations.signing_look import signing_trouble
from evals.models.embedded import is_available
from store.errors import LockgateError
from store.git.foreign import oddities
from store.git.maintenance import trouble
from store.kill_file import foreign_kill
from store.progress import Report, silent
from store.records.component import Kind, Pin
from store.stamping import clock_trouble
from store.workspace import Workspace

_LOW_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that was looked at."""

    what: str
    ok: bool
    text: str


def doctor(workspace: Workspace, *, report: Report = silent) -> tuple[Look, ...]:
    """Everything worth knowing before something fails at night. Opens no index, calls no model; a remote,
    where there is one, is asked for its main."""
    return tuple(_looks(workspace, report))


def _looks(workspace: Workspace, report: Report) -> Iterator[Look]:
    free = shutil.disk_usage(workspace.root).free
    yield Look("disk", free > _LOW_BYTES, f"{free // 1024 // 1024:,} MiB free under {workspace.root}")
    try:
        workspace.settings  # noqa: B018 - reading it is the look
        yield Look("settings", True, "settings.toml reads well")
    except LockgateError as error:
        yield Look("settings", False, error.message)
    store = workspace.store.path
    for odd in oddities(store):
        yield Look("store", "hooks" in odd.partition("(")[0], odd)
    mode = store.stat().st_mode & 0o077
    yield Look(
        "store", mode & 0o022 == 0, f"{store.name} is {'' if mode & 0o022 else 'not '}writable for others"
    )
    checked = check(workspace.store, report=report)
    more = f" (and {checked.count - 1:,} more: `lockgate check`)" if checked.count > 1 else ""
    yield Look(
        "files",
        not checked.count,
        checked.findings[0] + more if checked.count else "every file of the store reads well",
    )
    local = is_available()
    yield Look(
        "embedded",
        True,
        "the embedded model is " + ("installed" if local else "not installed (extra `local`)"),
    )
    yield from _signing(workspace)
    snapshot = workspace.store.at()
    clock = clock_trouble(snapshot, workspace.clock.now())
    yield Look("clock", clock is None, clock or "this machine's clock and the store's agree")
    packing = trouble(workspace.store.path)
    yield Look("packing", packing is None, packing or "git packs the store when it is due")
    yield from _remote(workspace)
    for pointer in snapshot.environments():
        if pointer.stable:
            behind = is_behind(workspace, pointer)
            yield Look(
                "live",
                not behind,
                f"{pointer.name} is {'behind: run `lockgate reconcile`' if behind else 'current'}",
            )
        if (said := foreign_kill(workspace.live(pointer.name))) is not None:
            yield Look("live", False, by_hand(pointer.name, said))
    yield from _indexes(workspace)


def _signing(workspace: Workspace) -> Iterator[Look]:
    try:
        if workspace.settings.signing_key is None:
            return
        trouble = signing_trouble(workspace)
    except LockgateError:
        return  # that is said already
    yield Look("signing", trouble is None, trouble or "what is done here is signed, and counts")


def _remote(workspace: Workspace) -> Iterator[Look]:
    from console.operations.sync.state import remote_state
    from store.git.tracking import aside

    try:
        url = workspace.settings.remote
    except LockgateError:
        return  # that is said already
    if url is None:
        return
    yield _answers(workspace)
    state = remote_state(workspace)
    if state is not None:
        yield Look("remote", state.trouble is None, state.trouble or state.words(workspace.clock.now()))
    if kept := aside(workspace.store):
        yield Look(
            "remote", True, f"{counted(len(kept), 'ref')} of what was put aside, the last is {kept[-1]}"
        )


def _answers(workspace: Workspace) -> Look:
    from console.operations.sync.state import remote_of
    from console.operations.sync.sync import asking

    try:
        remote = remote_of(workspace)
        head = remote.head(asking(workspace)) if remote is not None else None
    except LockgateError as error:
        return Look("remote", False, error.message)
    name = remote.name if remote is not None else ""
    return Look(
        "remote", True, f"{name} answers" + (f": its main is {head[:10]}" if head else ", and is empty")
    )


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
