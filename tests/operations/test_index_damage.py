"""Twelve kinds of damage to the bytes of an index: none is served, none crashes anything, none runs code."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.operations import index_look, rollback, switch
from console.operations.add import index
from console.operations.apply import apply
from console.operations.index.standby import copy_of, stand_by
from console.operations.reconcile import published_document
from indexes.collection import collection_name
from indexes.opened import latest_copy, probe
from indexes.probes import read_probes
from indexes.sealed import sealed_path
from store.clock import FixedClock
from store.errors import MachineryError
from store.records.component import Pin
from store.settings import Settings
from store.workspace import Workspace
from tests.console.seeded import seeding
from tests.support.workspaces import NOON, made, promote_to, stage_all

V1 = Pin.parse("index/handbook@v1")


class Runs:
    """A pickle that would make a file where it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.marker),))


def at(folder: Path, name: str) -> Path:
    """The file called `name` anywhere below, writable."""
    path = next(one for one in folder.rglob("*") if one.name == name)
    path.chmod(0o600)
    return path


def written(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path, Path], str]:
    def do(folder: Path, _: Path) -> str:
        path = at(folder, name)
        path.write_bytes(change(path.read_bytes()))
        return name

    return do


def swapped(folder: Path, _: Path) -> str:
    one, other = at(folder, "data_level0.bin"), at(folder, "header.bin")
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return "(data_level0|header).bin"


def evil_pickle(folder: Path, marker: Path) -> str:
    path = at(folder, "index_metadata.pickle")
    path.write_bytes(pickle.dumps(Runs(marker)))
    return "index_metadata.pickle"


def missing(folder: Path, _: Path) -> str:
    at(folder, "link_lists.bin").unlink()
    return "link_lists.bin"


def linked(folder: Path, marker: Path) -> str:
    path = at(folder, "length.bin")
    away = marker.with_name("elsewhere")
    path.rename(away)
    path.symlink_to(away)
    return "length.bin"


DAMAGE: dict[str, Callable[[Path, Path], str]] = {
    "database cut": written("chroma.sqlite3", lambda data: data[: len(data) // 2]),
    "database page zeroed": written("chroma.sqlite3", lambda data: data[:4096] + bytes(4096) + data[8192:]),
    "database of nothing": written("chroma.sqlite3", lambda _: b""),
    "vectors zeroed": written("data_level0.bin", lambda data: bytes(len(data))),
    "garbage in data_level0": written("data_level0.bin", lambda data: os.urandom(len(data))),
    "garbage in header": written("header.bin", lambda data: os.urandom(len(data))),
    "garbage in length": written("length.bin", lambda data: os.urandom(len(data))),
    "garbage in link_lists": written("link_lists.bin", lambda data: os.urandom(len(data) + 8)),
    "files swapped": swapped,
    "a pickle that runs": evil_pickle,
    "a file missing": missing,
    "a link instead of a file": linked,
}


HARMLESS = ("garbage in length", "garbage in link_lists", "a link instead of a file", "a pickle that runs")
"""What a copy may have and still answer right: Chroma writes those anew, or does not need them."""
QUICK = ("a pickle that runs",)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """v2 of a real index serves production, v1 served before; both have a graph on disk."""
    root = tmp_path_factory.mktemp("damage")
    workspace = opened(made(root / "acme").root)
    with seeding():
        for number in (1, 2):
            rows = root / "rows.jsonl"
            rows.write_text(
                "".join(
                    f'{{"id": "row{n}", "document": "passage {n} of {number} about topic {n % 97}"}}\n'
                    for n in range(1_100)
                )
            )
            apply(workspace, index.build(workspace, "handbook", rows, embedder="lexical"), "the next")
            promote_to(workspace, stage_all(workspace, "index/handbook"))
    return root / "acme"


def opened(root: Path) -> Workspace:
    workspace = Workspace(root, FixedClock(NOON))
    workspace.__dict__["settings"] = Settings(embedder="lexical")
    return workspace


@pytest.fixture
def acme(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(template, tmp_path / "acme", symlinks=True)
    workspace = opened(tmp_path / "acme")
    for path in (workspace.indexes / "handbook/live").glob("*.json"):
        path.unlink()  # nothing is trusted any more, as after a restart
    yield workspace


def sealed(workspace: Workspace) -> Path:
    return sealed_path(workspace.indexes, "handbook", workspace.store.at().index(V1).digest)


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_seal_is_never_served(kind: str, acme: Workspace, tmp_path: Path) -> None:
    marker, before = tmp_path / "marker", acme.live("production").read_bytes()
    name = DAMAGE[kind](sealed(acme), marker)
    for attempt in (
        lambda: index_look.verify(acme, "handbook@v1"),
        lambda: apply(acme, switch.plan(acme, str(V1), "production"), "try"),
        lambda: apply(acme, rollback.plan(acme, "production", ("index",)), "try"),
    ):
        with pytest.raises(MachineryError, match=name) as error:
            attempt()
        assert "\n" not in error.value.message
    assert acme.live("production").read_bytes() == before and not marker.exists()
    (problem,) = stand_by(acme).problems
    assert "could not go back to index/handbook@v1" in problem
    assert latest_copy(acme.indexes, "handbook", acme.store.at().index(V1)) is None
    assert not list((acme.indexes / "handbook/tmp").glob("*/")), "nothing half-made is left"


@pytest.mark.parametrize(
    "kind", [one if one in QUICK else pytest.param(one, marks=pytest.mark.heavy) for one in DAMAGE]
)
def test_a_damaged_copy_is_told_by_its_probes(kind: str, acme: Workspace, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    assert stand_by(acme).made == (V1,)
    snapshot = acme.store.at()
    copy, manifest = copy_of(acme, snapshot, V1), snapshot.index(V1)
    assert copy is not None
    DAMAGE[kind](copy, marker)
    try:
        probe(copy, collection_name("handbook"), manifest, read_probes(sealed(acme)), mark=False)
    except MachineryError as error:
        assert "it is not used" in error.message and "\n" not in error.message
    else:
        assert kind in HARMLESS, f"{kind} was not noticed"
    assert not marker.exists(), "code of a pickle ran"
    assert published_document(acme, "production") is not None
