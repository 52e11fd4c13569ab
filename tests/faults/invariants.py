"""What must hold after any fault, and that the next command works with nobody's help."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from console.operations.index.sweep import sweep
from console.operations.reconcile import is_behind, published_document, reconcile
from store.errors import Blocked, InputError, LockgateError
from store.history.newest import newest
from store.workspace import STORE, Workspace
from tests.faults.scenarios import SHOP, Scenario, opened, the_next_command

_HALF_MADE = (
    "store.git/refs/heads/*.lock",
    "store.git/refs/remotes/origin/*.lock",
    "store.git/lockgate.intent",
    "store.git/lockgate.writing",
    "live/.*.tmp",
    "*.part",
    "indexes/*/tmp/*",
)
NEXT_SECONDS = 2.0
"""What the next command may take."""


def violations(
    scenario: Scenario, folder: Path, acks: list[str], known: list[str], *, cut: bool = False
) -> Iterator[str]:
    """Everything that is wrong in the workspace below `folder`, one sentence each.

    `acks` are the records that the operation acknowledged before the fault, `known` those that were there
    before it. After the power was `cut`, git may find torn objects that nothing refers to until the next
    command; that of which acknowledged records consist is whole.
    """
    if not (folder / SHOP / STORE).exists() and not acks:
        yield from _next(folder)
        yield from _left(folder)
        return
    if cut:
        yield from _history(folder, acks, known)
    else:
        yield from _store(folder / SHOP, acks, known)
    yield from _live(opened(folder))
    if scenario.more is not None:
        yield from scenario.more(opened(folder))
    yield from _next(folder)
    if scenario.more is not None:
        yield from _once_more(scenario, folder)
        yield from scenario.more(opened(folder))
    if cut:
        yield from _store(folder / SHOP, acks, known)
    else:
        yield from _history(folder, acks, known)
    yield from _left(folder)


def records(workspace: Workspace) -> list[str]:
    """The ids of all records, newest first."""
    return [entry.id or entry.commit for entry in newest(workspace.store, 100_000)]


def _store(root: Path, acks: list[str], known: list[str]) -> Iterator[str]:
    """Git finds no fault with it, and all that is known is in its history."""
    done = subprocess.run(
        ["git", f"--git-dir={root / STORE}", "fsck", "--strict", "--no-dangling", "--no-progress"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or "error" in done.stderr:
        yield f"git fsck: {done.stdout} {done.stderr}"
    yield from _history(root.parent, acks, known)


def _history(folder: Path, acks: list[str], known: list[str]) -> Iterator[str]:
    """What was acknowledged is in it, once."""
    if not (folder / SHOP / STORE / "refs/heads/main").exists() and not acks and not known:
        return  # an `init` that did not get far
    found = records(opened(folder))
    for record in (*acks, *known):
        if found.count(record) != 1:
            yield f"{record} is {found.count(record)} times in history"
    if len(set(found)) != len(found):
        yield "a record is twice in history"


def _live(workspace: Workspace) -> Iterator[str]:
    """Whatever applications read is whole, and of the pointer's past or present."""
    for path in (workspace.root / "live").glob("*.json"):
        if path.name.endswith(".kill.json"):
            try:
                json.loads(path.read_bytes())
            except ValueError as error:
                yield f"the kill file {path.name} is torn: {error}"
            continue
        document = published_document(workspace, path.stem)
        if document is None:
            yield f"the live document {path.name} is not readable"
            continue
        pointer = workspace.store.at().environment(path.stem)
        if document.generation > pointer.generation:
            yield f"{path.name} is ahead of the store"


def _next(folder: Path) -> Iterator[str]:
    """The next command works, in time, and leaves this machine true to the store."""
    began = time.monotonic()
    workspace = opened(folder)
    try:
        the_next_command(workspace)
        problems = reconcile(workspace).problems
    except LockgateError as error:
        yield f"the next command failed: {error}"
        return
    took = time.monotonic() - began
    if took > NEXT_SECONDS:
        yield f"the next command took {took:.1f} s"
    yield from (f"after the next command: {one}" for one in problems)
    snapshot = workspace.store.at()
    for name in snapshot.policy.names:
        pointer = snapshot.environment(name)
        if pointer.stable is not None and is_behind(workspace, pointer):
            yield f"the live document of {name} stays behind"


def _once_more(scenario: Scenario, folder: Path) -> Iterator[str]:
    """The same works now, or is said to be done already."""
    try:
        with suppress(Blocked, InputError):
            scenario.act(opened(folder), lambda _: None)
        sweep(opened(folder), decides=False)  # what `watch` does each hour
    except LockgateError as error:
        yield f"once more, it failed: {error}"


def _left(folder: Path) -> Iterator[str]:
    """Nothing half-made is left."""
    left = [str(path.relative_to(folder)) for pattern in _HALF_MADE for path in (folder / SHOP).glob(pattern)]
    if left:
        yield f"left behind: {', '.join(left)}"
