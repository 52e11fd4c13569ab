"""What is done with the bytes of indexes, while everything is against it.

Building and switching use Chroma; archiving, restoring and sweeping look at files only, and go without.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

from console.operations import switch
from console.operations.add import index
from console.operations.apply import apply, apply_again
from console.operations.index import archive, restore
from console.operations.index.settle import settled
from console.operations.index.sweep import sweep
from indexes.archive import archive_path, check_archive
from indexes.opened import latest_copy
from indexes.sealed import sealed_path, verify
from store.boot_clock import BootTime
from store.records.component import Component, Kind, Pin
from store.workspace import Workspace
from tests.console.probing import HereProber
from tests.faults.scenarios import SHOP, Ack, Scenario, minutes_of, opened, stand_at
from tests.retention.keeping_world import POLICY, World, new_world, opened_without_chroma
from tests.support.workspaces import made, promote_to, stage_all

NAME = "handbook"
_WEEK, _DAY = 7 * 24 * 60 + 60, 25 * 60


def whole(workspace: Workspace) -> Iterator[str]:
    """Each version of an index that is sealed or archived, and is neither whole."""
    snapshot = workspace.store.at()
    component = Component(Kind.INDEX, NAME)
    for version in snapshot.versions(component):
        manifest = snapshot.index(Pin(component, version))
        if sealed_path(workspace.indexes, NAME, manifest.digest).exists():
            verify(workspace.indexes, NAME, manifest)
        elif archive_path(workspace.indexes, NAME, manifest.digest).exists():
            check_archive(workspace.indexes, NAME, manifest)
        else:
            yield f"the bytes of {component}@{version} are gone"


def _boot(workspace: Workspace) -> Callable[[], BootTime]:
    minutes = minutes_of(workspace.root.parent)
    return lambda: BootTime("boot-0", 1_000.0 + minutes * 60)


# -- without Chroma -------------------------------------------------------------------------------


@contextlib.contextmanager
def _without_chroma() -> Iterator[None]:
    with patch("indexes.opened.ensure_open", opened_without_chroma):
        yield


def _world(folder: Path) -> World:
    """v1 and v2 served before v3, which serves."""
    with _without_chroma():
        world = new_world(folder / SHOP, POLICY)
        for seed in (1, 2, 3):
            world.serve(world.add(seed), "production")
    return world


def _marked(folder: Path) -> None:
    """v1 is marked for the archive, and a day has gone by."""
    world = _world(folder)
    for minutes in (0, _WEEK):
        stand_at(folder, minutes)
        workspace = opened(folder)
        sweep(workspace, boot=_boot(workspace))
    stand_at(folder, _WEEK + _DAY)
    del world


def _over(folder: Path) -> None:
    """The week of v1 is over."""
    _world(folder)
    stand_at(folder, _WEEK)


def _archived(folder: Path) -> None:
    """v1 is in its archive only."""
    _over(folder)
    workspace = opened(folder)
    _archive(workspace, lambda _: None)


def _sweep(workspace: Workspace, ack: Ack) -> None:  # noqa: ARG001
    done = sweep(workspace, boot=_boot(workspace))
    assert done.stopped is None, done.stopped


def _archive(workspace: Workspace, ack: Ack) -> None:
    ack(apply(workspace, archive.plan(workspace, f"{NAME}@v1"), "tidy").record.id)
    settled(workspace, f"{NAME}@v1")


def _restore(workspace: Workspace, ack: Ack) -> None:
    ack(apply(workspace, restore.plan(workspace, f"{NAME}@v1"), "needed").record.id)
    restore.finish(workspace, f"{NAME}@v1")


# -- with Chroma ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _chroma_here() -> Iterator[None]:
    """Copies are probed in this process: one that is started anew would take longer than all the rest."""
    with patch("indexes.opened.Prober", HereProber):
        yield


def _served(folder: Path) -> None:
    """v1 served before v2, which serves; v3 can be built."""
    workspace = made(folder / SHOP, POLICY)
    with _chroma_here():
        for number in (1, 2, 3):
            rows = [
                {"id": f"row{n}", "document": f"passage {n} of {number}", "metadata": {}} for n in range(20)
            ]
            (folder / f"rows{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            if number < 3:
                _build(workspace, folder / f"rows{number}.jsonl")
                promote_to(workspace, stage_all(workspace, f"index/{NAME}"))
    first = workspace.store.at().index(Pin(Component(Kind.INDEX, NAME), "v1"))
    copy = latest_copy(workspace.indexes, NAME, first)
    assert copy is not None
    shutil.rmtree(copy)  # going back has to open one anew


def _build(workspace: Workspace, rows: Path) -> str:
    plan = index.build(workspace, NAME, rows, embedder="lexical")
    return apply_again(workspace, plan, "the next").record.id


def _build_third(workspace: Workspace, ack: Ack) -> None:
    ack(_build(workspace, workspace.root.parent / "rows3.jsonl"))


def _switch(workspace: Workspace, ack: Ack) -> None:
    plan = switch.plan(workspace, f"index/{NAME}@v1", "production")
    applied = apply_again(workspace, plan, "wrong answers")
    ack(applied.record.id)


INDEX_SCENARIOS: dict[str, Scenario] = {
    "archive": Scenario(_over, _archive, around=_without_chroma, more=whole),
    "restore": Scenario(_archived, _restore, around=_without_chroma, more=whole),
    "sweep": Scenario(_marked, _sweep, around=_without_chroma, more=whole),
    "index build": Scenario(_served, _build_third, around=_chroma_here, more=whole, slow=True),
    "index switch": Scenario(_served, _switch, around=_chroma_here, more=whole, slow=True),
}
"""By name."""
